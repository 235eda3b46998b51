"""What people write, read into a `Request`: the slash command, plain sentences and short replies.

The rules of this room:
- Pure: text in, value out; no clock, no catalog, no Slack. Any text is accepted, none raises.
- A name is taken as it stands or refused with the fix in words; it is never corrected in silence.
- A description of a snapshot ("latest", "pre-upgrade") is never turned into a name.
- When in doubt nothing starts. What a request starts is only the asking: the typed name and the
  click come later, and are not read here.

`words` makes tokens and sentences, `slots` finds the names, `verbs` tells the kinds of request apart,
`sentence` and `command` are the two ways in, `vocabulary` holds the words they know.
"""

from bot.request.command import names_alone, parse_command
from bot.request.names import Part, is_name
from bot.request.parsed import ParsedRequest, Verb
from bot.request.reply import single_name
from bot.request.sentence import command_meant, parse_sentence
from bot.request.verbs import nearest_command

__all__ = [
    "ParsedRequest",
    "Part",
    "Verb",
    "command_meant",
    "is_name",
    "names_alone",
    "nearest_command",
    "parse_command",
    "parse_sentence",
    "single_name",
]
