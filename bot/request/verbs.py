"""Which verb a clause opens with, and the reading of every request but a restore.

The words of a subcommand (`/vm-restore list database-01`) and of a sentence said to the bot
("show me the snapshots of database-01") are read by the same code.
"""

from dataclasses import replace
from difflib import get_close_matches

from bot.request import vocabulary as v
from bot.request.names import shown
from bot.request.parsed import ParsedRequest, Verb
from bot.request.slot_reader import Slots
from bot.request.slots import fill
from bot.request.tokens import Token, TokenKind, starts_with
from bot.texts import requests as texts
from bot.texts.names import worded

SUBCOMMANDS = {
    "help": Verb.HELP,
    "list": Verb.LIST,
    "status": Verb.STATUS,
    "history": Verb.HISTORY,
    "cancel": Verb.CANCEL,
    "handoff": Verb.HANDOFF,
    "takeover": Verb.TAKE_OVER,
    "freeze": Verb.FREEZE,
    "unfreeze": Verb.UNFREEZE,
    "start": Verb.START,
    "create": Verb.CREATE_SNAPSHOT,
    "create-snapshot": Verb.CREATE_SNAPSHOT,
    "delete": Verb.DELETE_SNAPSHOT,
    "delete-snapshot": Verb.DELETE_SNAPSHOT,
    "clone": Verb.CLONE,
}
READ_ONLY = frozenset({Verb.HELP, Verb.LIST, Verb.STATUS, Verb.HISTORY})

_PHRASES: dict[tuple[str, ...], Verb] = {
    **{(word,): verb for word, verb in SUBCOMMANDS.items()},
    ("abort",): Verb.CANCEL,
    ("stop", "restoring"): Verb.CANCEL,
    ("stop", "the", "restore"): Verb.CANCEL,
    ("stop", "this", "restore"): Verb.CANCEL,
    ("stop", "my", "restore"): Verb.CANCEL,
    ("hand-off",): Verb.HANDOFF,
    ("handover",): Verb.HANDOFF,
    ("hand", "off"): Verb.HANDOFF,
    ("hand", "over"): Verb.HANDOFF,
    ("hand", "it", "over"): Verb.HANDOFF,
    ("hand", "this", "over"): Verb.HANDOFF,
    ("take-over",): Verb.TAKE_OVER,
    ("take", "over"): Verb.TAKE_OVER,
    ("take", "it", "over"): Verb.TAKE_OVER,
    ("take", "this", "over"): Verb.TAKE_OVER,
    ("claim",): Verb.TAKE_OVER,
    ("take",): Verb.CREATE_SNAPSHOT,
    ("make",): Verb.CREATE_SNAPSHOT,
    ("remove",): Verb.DELETE_SNAPSHOT,
    ("copy",): Verb.CLONE,
    ("snapshots",): Verb.LIST,
    ("show",): Verb.LIST,
    ("show", "me"): Verb.LIST,
    ("which", "snapshots"): Verb.LIST,
    ("what", "snapshots"): Verb.LIST,
    ("what", "is", "running"): Verb.STATUS,
    ("what's", "running"): Verb.STATUS,
    ("how", "do", "i"): Verb.HELP,
    ("how", "do", "we"): Verb.HELP,
    ("how", "can", "i"): Verb.HELP,
    ("how", "to"): Verb.HELP,
    ("how", "does", "this", "work"): Verb.HELP,
    ("what", "can", "you", "do"): Verb.HELP,
    ("what", "can", "i", "do"): Verb.HELP,
    ("who", "are", "you"): Verb.HELP,
}
_ORDERED = v.by_first_word(_PHRASES)
# Words before "status" and the like that change nothing.
_ASKING = v.by_first_word(
    [("show",), ("show", "me"), ("give", "me"), ("what", "is"), ("what's",), ("the",)]
)
# Words after the verb that are neither names nor doubts.
_FILLER: dict[Verb, frozenset[str]] = {
    Verb.LIST: v.words(
        "snapshots snapshot backups of for available all me there are exist exists does have"
    ),
    Verb.STATUS: v.words("of for restore restores running current all"),
    Verb.HISTORY: v.words("of for restore restores all recent"),
    Verb.CANCEL: v.words("of for restore restoring current"),
    Verb.HANDOFF: v.words("to over restore"),
    Verb.TAKE_OVER: v.words("this it of for restore running"),
    Verb.CREATE_SNAPSHOT: v.words("new"),
}
# For these the bot only names the right tool, so words that were not understood do no harm.
_LENIENT = frozenset({Verb.CREATE_SNAPSHOT, Verb.DELETE_SNAPSHOT, Verb.CLONE})
# For these a VM is not needed, so an emoji is only that.
_DECORATED = frozenset({Verb.CANCEL, Verb.STATUS})
_SNAPSHOT_VERBS = frozenset({Verb.CREATE_SNAPSHOT, Verb.DELETE_SNAPSHOT})


def nearest_command(word: str, likeness: float = 0.75) -> str | None:
    """The command that a word is nearly, if there is one."""
    if not word.isalpha():
        return None
    near = get_close_matches(word, [*SUBCOMMANDS, "restore"], n=1, cutoff=likeness)
    return near[0] if near and near[0] != word else None


def restore_verb(tokens: tuple[Token, ...]) -> int:
    """How many tokens the verb "restore" takes at the start; 0 if there is none.

    The "back" of "roll back" may stand behind the VM: "roll database-01 back to ...".
    """
    words = [token.word for token in tokens[:6]]
    if words and words[0] in v.RESTORE_VERBS:
        return 1
    return int(words[:1] == ["roll"] and "back" in words)


def restore_noun(tokens: tuple[Token, ...]) -> int:
    """The length of "start a restore of", said instead of the verb; 0 if it is not there."""
    words = [token.word for token in tokens[:4]]
    if not words or words[0] not in {"start", "begin", "do", "run", "perform"}:
        return 0
    length = 2 if words[1:2] and words[1] in v.ARTICLES else 1
    if words[length : length + 1] not in (["restore"], ["rollback"], ["recovery"]):
        return 0
    return length + 1 + (words[length + 1 : length + 2] in (["of"], ["for"]))


def other_wish(tokens: tuple[Token, ...]) -> ParsedRequest | None:
    """A request other than a restore, or None when the clause opens with no verb we know."""
    tokens = _together(tokens)
    found = opening(tokens)
    return request_for(found[0], tokens[found[1] :]) if found else None


def _together(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """What "hand database-01 over" says is "hand over database-01"; "take" likewise."""
    words = [token.word for token in tokens[:4]]
    if words[:1] not in (["hand"], ["take"]) or "over" not in words[2:]:
        return tokens
    at = words.index("over", 2)
    return (tokens[0], tokens[at], *tokens[1:at], *tokens[at + 1 :])


def opening(tokens: tuple[Token, ...]) -> tuple[Verb, int] | None:
    """The verb a clause opens with, "restore" aside, and where the words after it begin."""
    asking = starts_with(tokens, _ASKING)
    while asking and (more := starts_with(tokens, _ASKING, asking)):
        asking += more
    for at in dict.fromkeys((asking, 0)):
        if length := starts_with(tokens, _ORDERED, at):
            verb = _PHRASES[tuple(token.word for token in tokens[at : at + length])]
            if verb not in _SNAPSHOT_VERBS or _says_snapshot(tokens):
                return verb, at + length
    return None


def request_for(verb: Verb, rest: tuple[Token, ...]) -> ParsedRequest:
    """The request of a verb and the words after it."""
    if verb is Verb.HELP:
        return ParsedRequest(Verb.HELP)
    if verb is Verb.HANDOFF:
        return _handoff(rest)
    if verb is Verb.TAKE_OVER and (people := [token for token in rest if _person(token)]):
        others = (token for token in rest if token not in people and token.word != "from")
        return replace(request_for(verb, tuple(others)), user=_user(people[0]))
    filler = _FILLER.get(verb, frozenset())
    words = tuple(token for token in rest if token.word not in filler)
    if verb in _DECORATED:
        words = tuple(token for token in words if token.kind is not TokenKind.EMOJI)
    slots = fill(words, not_names=v.FUNCTION_WORDS, positional=False)
    request = _moved(verb, slots)
    if verb in _LENIENT:
        return replace(request, problem=None)
    if slots.rest and request.problem is None:
        return ParsedRequest(Verb.UNKNOWN, problem=not_understood(slots.rest, verb))
    return request


def not_understood(rest: tuple[Token, ...], verb: Verb = Verb.RESTORE) -> str:
    """Names the words that no rule fits, and how such a request reads."""
    words = " ".join(_spelled(token) for token in rest)
    said = texts.NOT_UNDERSTOOD if verb is Verb.RESTORE else texts.NOT_UNDERSTOOD_REQUEST
    example = texts.EXAMPLES.get(verb, texts.EXAMPLES[Verb.RESTORE])
    return said.format(words=shown(words), example=example)


def _spelled(token: Token) -> str:
    emoji = token.kind is TokenKind.EMOJI and token.text.isascii()
    return f":{token.text}:" if emoji else token.text


def _says_snapshot(tokens: tuple[Token, ...]) -> bool:
    """Other things than snapshots can be created and deleted, and are not our business."""
    first = tokens[0].word
    return first in SUBCOMMANDS or any(
        token.word in v.SNAPSHOT_NOUNS or "snapshot" in token.text for token in tokens
    )


def slots_request(verb: Verb, slots: Slots) -> ParsedRequest:
    """The request that the filled slots make."""
    return ParsedRequest(
        verb,
        vm=slots.vm,
        namespace=slots.namespace,
        snapshot=slots.snapshot,
        described=slots.described,
        cluster=slots.cluster,
        problem=slots.problem,
    )


def _moved(verb: Verb, slots: Slots) -> ParsedRequest:
    """A bare name means what the verb acts on: a snapshot to delete, a namespace to freeze."""
    request = slots_request(verb, slots)
    if verb is Verb.DELETE_SNAPSHOT and slots.vm and not slots.snapshot:
        return replace(request, vm=None, snapshot=slots.vm)
    freezes = verb in {Verb.FREEZE, Verb.UNFREEZE}
    if freezes and slots.vm and not slots.namespace and "." not in slots.vm:
        return replace(request, vm=None, namespace=slots.vm)
    return request


def _handoff(rest: tuple[Token, ...]) -> ParsedRequest:
    """`handoff @user`, or without a name for the shift report."""
    filler = _FILLER[Verb.HANDOFF]
    words = [token for token in rest if token.word not in filler]
    people = [token for token in words if _person(token)]
    others = tuple(token for token in words if not _person(token))
    slots = fill(others, not_names=v.FUNCTION_WORDS, positional=False)
    if len(people) > 1:
        return ParsedRequest(Verb.HANDOFF, problem=texts.ONE_PERSON)
    if slots.rest or (slots.vm and not people):
        return ParsedRequest(Verb.HANDOFF, problem=worded(texts.WHICH_PERSON))
    user = _user(people[0]) if people else None
    return replace(_moved(Verb.HANDOFF, slots), user=user)


def _person(token: Token) -> bool:
    mention = token.kind is TokenKind.MARKUP and token.text.startswith(("<@U", "<@W"))
    return mention or (token.word.startswith("@") and len(token.text) > 1)


def _user(token: Token) -> str:
    """The id inside `<@U123|name>`, or the typed `@name`."""
    if token.kind is TokenKind.MARKUP:
        return token.text.strip("<@>").partition("|")[0]
    return token.text
