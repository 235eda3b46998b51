"""What is said of words that could not be read as a request, or as the name that was asked for."""

from collections.abc import Mapping
from typing import Final

# Requests

TOO_LONG: Final = (
    "That is too long to be read: a request has at most {limit} characters. "
    "Please write it as one short sentence."
)
ONE_AT_A_TIME: Final = (
    "This asks for more than one thing. "
    "Please ask for one restore at a time, each in its own message."
)
ONE_VM: Final = (
    "A restore is for one VM. Please name one VM, and ask for each other one in its own message."
)
MIXED: Final = "This asks for a restore and also says not to. Please send the request alone."
QUESTION: Final = (
    "This reads like a question. To ask for a restore: "
    "`restore database-01 from snapshot pre-upgrade-snapshot`."
)
DOUBTFUL: Final = (
    "This reads like a condition, a plan or a negation. To ask for a "
    "restore now: `restore database-01 from snapshot pre-upgrade-snapshot`. If the VM has such a word "
    "for its name: `{slash} --vm NAME`."
)
REPORT: Final = "This reads like a report of a restore, not like a request for one."
NOT_UNDERSTOOD: Final = "I did not understand `{words}`. For example: `{example}`."
NOT_UNDERSTOOD_REQUEST: Final = "I did not understand `{words}`. For example: `{example}`."
EXAMPLES: Final[Mapping[str, str]] = {
    "restore": "restore database-01 from snapshot pre-upgrade-snapshot in namespace production",
    "list": "list database-01 in production",
    "status": "status database-01",
    "history": "history database-01",
    "cancel": "cancel database-01",
    "take-over": "take over database-01",
}
DID_YOU_MEAN: Final = "Did you mean `{near}`?"
DID_YOU_MEAN_COMMAND: Final = "Did you mean `{slash} {command}`?"
OR_A_VM: Final = "{question} To restore a VM of that name write `{slash} --vm {vm}`."
ONE_PERSON: Final = "A restore is handed to one person. Name one only."
WHICH_PERSON: Final = (
    "Name the person with an @: `{slash} handoff @name`. Without a name you get the shift report."
)

# Flags

NO_SUCH_FLAG: Final = (
    "`{flag}` is no flag of `{slash}`.{meant} "
    "There are `-n/--namespace`, `--snapshot`, `--cluster` and `--vm`."
)
MEANT_FLAG: Final = " Did you mean `--{flag}`?"
FLAG_WITHOUT_NAME: Final = "`{flag}` needs a {part} name after it."

# Names

NAME_TOO_LONG: Final = "A {part} name has at most {limit} characters; this one has {length}."
LOWER_CASE: Final = "Kubernetes names are lower case: did you mean `{name}`?"
MEANT_NAME: Final = " Did you mean `{name}`?"
SMART_DASH: Final = (
    "`{text}` holds a smart dash, which a keyboard puts in place of hyphens. "
    "Write the {part} name with plain hyphens, best in `code` marks."
)
NO_NAME: Final = "`{text}` cannot be a {part} name: {rule}.{meant}"
MARKUP: Final = (
    "`{text}` cannot be a {part} name. "
    "Write the plain name, without a mention, channel or angle brackets."
)
EMOJI: Final = (
    "`{emoji}` is an emoji, which is no {part} name. "
    "Write the name without colons, best in `code` marks."
)
TWO_NAMED: Final = (
    "Two {part}s are named, `{first}` and `{second}`. "
    "Which one is meant? Please name one {part} only."
)
_OBJECT = (
    "it may hold lower-case letters, digits, '-' and '.', "
    "and starts and ends with a letter or digit"
)
RULES: Final[Mapping[str, str]] = {
    "VM": _OBJECT,
    "snapshot": _OBJECT,
    "namespace": (
        "it may hold lower-case letters, digits and '-', and starts and ends with a letter or digit"
    ),
    "cluster": "it may hold letters, digits, '-', '_' and '.'",
}

# Why a typed name may differ from the one that was asked for

NOTHING_TYPED: Final = "There are no words in it: what is struck through does not count."
INVISIBLE: Final = "It holds an invisible character, which often comes along when text is copied."
WHITE_AROUND: Final = "There is white space before or after it."
WHITE_INSIDE: Final = "There is white space inside it."
QUOTED: Final = "There are quotation marks around it: type the name alone."
PUNCTUATION: Final = "There is a punctuation mark after it: type the name alone."
DASHES: Final = (
    "It holds a smart dash, which auto-correct puts in place of hyphens: "
    "type plain hyphens, or paste the name."
)
CAPITAL: Final = (
    "A capital letter differs: the name is all lower case, "
    "and auto-correct likes to change the first letter."
)
LOOKALIKES: Final = (
    "It holds characters that only look like the right ones: "
    "type it on the keyboard, or paste the name."
)
OTHER_ALPHABET: Final = "It holds letters of another alphabet that only look like the right ones."
UNDERSCORE: Final = "It has an underscore where the name has a hyphen."
ADDRESS: Final = "It is written as a web address: type the name alone."
SPACE: Final = "It has a space where the name has a hyphen."
ONLY_BEGINNING: Final = "That is only the beginning of the name."
ONLY_END: Final = "That is only the end of the name."
OTHER_WORDS: Final = "There are other words beside it: type the name alone."
MORE_AFTER: Final = "There is something more after the name."
MORE_BEFORE: Final = "There is something more before the name."
