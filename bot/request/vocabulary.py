"""The English words the parser knows, as sets of lower-case words. Data only.

A word in one of these sets is read as a name only when it is quoted, in backticks or given with
a flag. Words that are missing here are taken for names, so a set may grow freely.
"""

from collections.abc import Iterable, Mapping


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


Phrases = Mapping[str, tuple[tuple[str, ...], ...]]
"""Phrases by their first word, the longest first, so that the first that fits is the right one."""


def by_first_word(phrases: Iterable[tuple[str, ...]]) -> Phrases:
    """The phrases by their first word, longest first, as `tokens.starts_with` looks them up."""
    grouped: dict[str, tuple[tuple[str, ...], ...]] = {}
    for phrase in sorted(phrases, key=len, reverse=True):
        grouped[phrase[0]] = (*grouped.get(phrase[0], ()), phrase)
    return grouped


def _phrases(text: str) -> Phrases:
    """One phrase a line."""
    return by_first_word(tuple(line.split()) for line in text.strip().splitlines())


# --- the verb ------------------------------------------------------------------------------

RESTORE_VERBS = words("restore rollback roll-back recover revert")
RESTORE_STEMS = words("restore roll recover revert")
"""What each verb begins with, the "roll" of "roll back" included: words that nobody addressed and that
have none of these ask for no restore."""
RESTORE_FORMS = RESTORE_VERBS | words(
    "restoring recovering reverting rolling roll restores restoration recovery"
)

# --- around the names ----------------------------------------------------------------------

ARTICLES = words("the a an my our its this that it")
MACHINES = words("vm vms vmi virtualmachine virtual-machine")
NAMED = words("named called name")
NAMESPACES = words("namespace ns namespaces")
CLUSTERS = words("cluster clusters")
SNAPSHOT_NOUNS = words("snapshot snapshots backup backups")
# Nouns that close a description ("the pre-upgrade one") but never open a name.
CLOSING_NOUNS = SNAPSHOT_NOUNS | words("state version copy one image")
FROM = words("from to using with via")
PLACES = words("in within inside on")
TARGETS = words("of for onto into")
KEYWORDS = FROM | PLACES | TARGETS | NAMESPACES | CLUSTERS | SNAPSHOT_NOUNS | MACHINES | {"and"}
# A line that starts with one of these goes on with the line before it.
CONTINUATIONS = FROM | PLACES | NAMESPACES | CLUSTERS | words("snapshot vm and")

COURTESY = _phrases("""
please
pls
plz
kindly
back
just
now
right now
right away
immediately
asap
as soon as possible
quickly
urgently
thanks
thank you
thx
cheers
for me
for us
if possible
if you can
if you could
when you can
when possible
again
""")

# --- descriptions of a snapshot ------------------------------------------------------------

UNITS = words("minute minutes min mins hour hours day days week weeks month months h d m s")
WEEKDAYS = words("monday tuesday wednesday thursday friday saturday sunday")
DESCRIBING = (
    words("""
    latest last newest recent most previous prior earlier oldest first yesterday yesterday's
    today today's night night's morning morning's evening evening's afternoon noon midnight
    week's month's day's this hourly daily nightly weekly monthly automatic scheduled
    known good working clean stable ago old new older newer
    """)
    | UNITS
    | WEEKDAYS
    | {f"{day}'s" for day in WEEKDAYS}
) - words("h d m s")
DESCRIBED_BY = words("from of taken made")

# --- words that show that nothing is to be started ------------------------------------------

NEGATIONS = words("""
not never don't dont cannot can't cant won't wont shouldn't shouldnt mustn't mustnt wouldn't
wouldnt didn't doesn't isn't wasn't no nobody without avoid stop but instead
""")
CONDITIONS = words("""
if unless when once after before until till whether should might may maybe perhaps would later
tomorrow tonight otherwise case assuming suppose supposing what why how who which where while
said says told asked wrote suggested hypothetically e.g. i.e. e.g i.e example
""")
# What a report says right after the name: "Restore database-01 failed again".
RESULTS = words("""
done failed fails failing failure complete completed completes finished succeeded success
successful worked works working ok running started progress pending stuck is was has had will
took takes looks seems went goes
""")
RESULT_EMOJI = words("""
white_check_mark heavy_check_mark ballot_box_with_check x done tada
✅ ✔ ✔\ufe0f ❌ ✖ ☑ 🎉
""")

FUNCTION_WORDS = (
    NEGATIONS
    | CONDITIONS
    | ARTICLES
    | words("""
    i we you he she they me us them him her your their be are were am been do does did can
    could will shall must need want have having or nor so as because since due cause than then
    there here these those again also too very all every everything everyone each both any
    some something anything nothing by at about up down out over under and yes please
    """)
)
# Not names in plain words that nobody addressed to the bot: people also revert commits.
CHATTER = RESULTS | words("""
restore restores rollback recovery revert service services access confidence trust traffic power
soon everybody order balance commit commits merge pr prs change changes deployment deployments
deploy release branch config configuration feature flag flags migration migrations point points
password passwords procedure process plan steps test tests data files file mode time normal life
operation operations business health quickly gracefully manually automatically successfully
""")
ALL_OF_THEM = words("all every everything each both")

# --- how a sentence said to the bot may begin ------------------------------------------------

LEADS = _phrases("""
hi
hello
hey
hey there
hi there
ok
okay
yes
alright
right
well
so
and
then
team
all
folks
everyone
bot
please
pls
plz
kindly
just
quickly
immediately
urgent
urgently
now
thanks
can you
could you
would you
will you
can you help me
can you help us
i need to
i need you to
we need to
we need you to
i want to
i want you to
we want to
we want you to
i would like to
i would like you to
we would like to
we would like you to
i'd like to
i'd like you to
we'd like to
we'd like you to
we have to
i have to
we must
let's
lets
let us
go ahead and
help me
help me to
help us
help us to
time to
""")
# Words that only point to a code block with the request: "please run this:".
POINTING = words("this that it the following run do execute try")
POLITE_QUESTIONS = words("can could would will")
# A sentence that takes back what the message said before.
RETRACTIONS = _phrases("""
wait
hold on
hold off
never mind
nevermind
scratch that
cancel that
ignore that
forget it
forget that
not yet
""")
AGAINST = _phrases("""
don't
dont
do not
never
stop
let's not
lets not
must not
mustn't
should not
shouldn't
cannot
can't
we must not
we mustn't
we should not
we shouldn't
we cannot
we can't
you must not
you mustn't
you should not
you shouldn't
nobody should
nobody may
no
""")
CAUSES = words("because cause cuz due")
ASIDES = _phrases("""
and tell me
and tell us
and let me know
and let us know
and ping me
""")
REASONS = CAUSES | words("since as for and then")
# Said of a machine rather than to the bot: "It doesn't boot, restore database-01".
DESCRIPTIVE_NEGATIONS = words("didn't doesn't isn't wasn't")
