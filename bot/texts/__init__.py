"""All texts that people read in Slack, in one place, so that a team can change the tone.

The cards: `general` (what all share), `cards` (under way; `consistency` of a snapshot), `results` (ended),
`handoff`. What one person
sees: `answers`, `lists`, `form`, `home`. What the core says: `refusals`, `endings`, `requests`. And the
app's own `manifest`. What the app is called: `names`.

It is a leaf: it imports nothing of the bot, and nothing is decided here. Its rules
- A text in braces, like {vm}, is filled where it is used: by `markup.fill` in the views, which makes
  the value safe, or by `str.format` in the core, whose sentences the views make safe. A value is
  never a template.
- The gap {slash} is the command of this installation (`names`), which nobody has to fill.
- The keys of a mapping are the values of an enum; a test holds that none is missing.
- One thing has one name everywhere: restore, snapshot, safety snapshot, volume, thread, card; a
  person hands a restore over, and the command is `handoff`.
- A heading says what it is about in words; its emoji is only a help for the eye. The first line of
  a text is what a phone shows: short, with the VM.
- The core's sentences name things in backticks. What was said is stored with the restore as it was:
  a new text counts from the next restore on.
"""
