"""Plain words in a channel: which of them ask the bot for something.

Not addressed, only a sentence that opens with the verb and is understood to its last word counts;
people talk about restores all day. Addressed (by a mention, or in a direct message), a sentence
may open politely, and other requests are read too. Questions, negations, conditions and reports
start nothing: it is better to be asked twice than to have started something once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from bot.request import vocabulary as v
from bot.request.names import Part, is_name
from bot.request.parsed import ParsedRequest, Verb
from bot.request.slot_reader import Slots
from bot.request.slots import fill
from bot.request.tokens import (
    TOO_LONG,
    Sentence,
    Token,
    TokenKind,
    clean,
    code_block,
    sentences,
    starts_with,
)
from bot.request.verbs import (
    READ_ONLY,
    SUBCOMMANDS,
    nearest_command,
    not_understood,
    opening,
    other_wish,
    restore_noun,
    restore_verb,
    slots_request,
)
from bot.texts import requests as texts
from bot.texts.names import worded


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one sentence says: a request, or why it is none."""

    request: ParsedRequest | None = None
    doubt: str | None = None
    against: bool = False


_NOTHING = _Reading()
_MAX_CLAUSES = 20
_SHORT = 8
"""Words of a sentence in which a misspelt command is looked for."""


def oversize() -> str:
    """What to say of a text that is too long to be read."""
    return texts.TOO_LONG.format(limit=TOO_LONG)


def parse_sentence(text: str, *, addressed: bool) -> ParsedRequest:
    """Read a message in plain words; `Verb.NONE` when it is not for the bot."""
    if addressed and len(text) > TOO_LONG:
        return ParsedRequest(Verb.UNKNOWN, problem=oversize())
    cleaned = clean(text)
    if not cleaned:
        return ParsedRequest(Verb.HELP if addressed else Verb.NONE)
    if not addressed and not any(stem in cleaned.lower() for stem in v.RESTORE_STEMS):
        return ParsedRequest(Verb.NONE)  # As nearly all that people say to each other.
    read = _addressed if addressed else _overheard
    found = sentences(cleaned)
    if addressed and all(_points(sentence) for sentence in found):
        found = sentences(code_block(cleaned) or "") or found
    request = _verdict([read(sentence) for sentence in found], addressed=addressed)
    if len(text) > TOO_LONG and request.verb is not Verb.NONE:
        return ParsedRequest(request.verb, problem=oversize())
    return request


def command_meant(text: str) -> Verb | None:
    """The command that words said to the bot open with, or nearly do, "restore" aside.

    None where they may mean the opposite ("listen, don't!").
    """
    found = sentences(clean(text[:TOO_LONG]))
    if any(_doubts(sentence.tokens) for sentence in found):
        return None
    tokens = _inside_quotes(found[0].tokens) if found else ()
    words = tokens[_lead(tokens) :]
    verb = opening(words)
    return verb[0] if verb else SUBCOMMANDS.get(_nearest(words) or "")


def _verdict(readings: list[_Reading], *, addressed: bool) -> ParsedRequest:
    """One answer for all the sentences of a message."""
    requests = list(dict.fromkeys(r.request for r in readings if r.request))
    if len(requests) > 1:
        requests = [w for w in requests if w.verb not in {Verb.HELP, Verb.UNKNOWN}] or requests[:1]
    if not requests:
        doubt = next((r.doubt for r in readings if r.doubt), None)
        return ParsedRequest(Verb.UNKNOWN, problem=doubt) if addressed else ParsedRequest(Verb.NONE)
    if len(requests) > 1:
        return ParsedRequest(requests[0].verb, problem=texts.ONE_AT_A_TIME)
    if requests[0].verb is Verb.RESTORE and any(r.against for r in readings):
        return replace(requests[0], problem=texts.MIXED)
    return requests[0]


def _overheard(sentence: Sentence) -> _Reading:
    """A sentence that nobody addressed to the bot."""
    if _is_against(sentence.tokens):
        return _Reading(against=True)
    length = restore_verb(sentence.tokens)
    if not length or sentence.question or sentence.listed:
        return _NOTHING
    words = sentence.tokens[length:]
    if words and words[0].word in v.TARGETS:  # "Restore of database-01": a noun
        return _NOTHING
    stops = v.FUNCTION_WORDS | v.CHATTER
    slots = fill(words, not_names=stops, positional=False)
    reading = _restore(slots)
    return reading if reading.request and _is_meant(slots, words) else _NOTHING


def _is_meant(slots: Slots, words: tuple[Token, ...]) -> bool:
    """Whether overheard words ask for the restore of a VM, rather than just open with the verb."""
    if slots.problem is None:
        return slots.vm is not None or slots.says_vm
    if slots != Slots(problem=slots.problem, rest=slots.rest):
        return True
    if words[:1] and words[0].kind is TokenKind.EMOJI:
        return False
    nearly = any(
        is_name(Part.VM, token.text.lower()) or "_" in token.text or token.kind is TokenKind.MARKUP
        for token in words[:1]
    )
    return nearly or len(words) > 1


def _addressed(sentence: Sentence) -> _Reading:
    """A sentence that was said to the bot."""
    tokens = _inside_quotes(sentence.tokens)
    clauses = tuple(_clauses(tokens))
    cancels = _other(clauses[0][_lead(clauses[0]) :], sentence) if clauses else None
    if cancels and cancels.request and cancels.request.verb is Verb.CANCEL:
        return cancels
    if _is_against(tokens):
        return _Reading(against=True, doubt=worded(texts.DOUBTFUL))
    readings = [_clause(c, sentence, tokens[: len(tokens) - len(c)]) for c in clauses]
    heard = [reading for reading in readings if reading]
    requests = [r for r in heard if r.request and r.request.verb is not Verb.UNKNOWN]
    if heard:
        return (requests or heard)[0]
    speaks_of_it = any(token.word in v.RESTORE_FORMS for token in tokens)
    doubt = worded(texts.DOUBTFUL) if speaks_of_it and _doubts(tokens) else None
    return _Reading(doubt=texts.QUESTION if sentence.question else doubt or _misspelt(tokens))


def _misspelt(tokens: tuple[Token, ...]) -> str | None:
    """The question to ask when a short sentence opens with something like a command."""
    near = _nearest(tokens[_lead(tokens) :])
    return texts.DID_YOU_MEAN.format(near=near) if near else None


def _nearest(words: tuple[Token, ...]) -> str | None:
    return nearest_command(words[0].word) if 0 < len(words) <= _SHORT else None


def _clause(
    clause: tuple[Token, ...], sentence: Sentence, before: tuple[Token, ...]
) -> _Reading | None:
    """What a clause asks for; None when it opens with no verb."""
    lead = _lead(clause)
    words = clause[lead:]
    length = restore_noun(words) or restore_verb(words)
    if not length:
        return None if before else _other(words, sentence)
    if _doubts(tuple(t for t in before if t.word not in v.DESCRIPTIVE_NEGATIONS)):
        return _Reading(doubt=worded(texts.DOUBTFUL))
    if sentence.question and not _asks_politely((*before, *clause[:lead])):
        return _Reading(doubt=texts.QUESTION)
    stops = v.FUNCTION_WORDS | v.RESULTS
    return _restore(fill(words[length:], not_names=stops, positional=True))


def _other(words: tuple[Token, ...], sentence: Sentence) -> _Reading | None:
    """A request other than a restore; questions may ask for what only reads."""
    request = other_wish(words)
    if request is None:
        return None
    polite = _asks_politely(sentence.tokens)
    if sentence.question and request.verb not in READ_ONLY and not polite:
        return _Reading(doubt=texts.QUESTION)
    return _Reading(request)


def _restore(slots: Slots) -> _Reading:
    """The request in the filled slots, unless the words after them speak against it."""
    doubt = tail_doubt(slots)
    if doubt == texts.ONE_VM:
        request = slots_request(Verb.RESTORE, slots)
        return _Reading(replace(request, problem=request.problem or texts.ONE_VM))
    return _Reading(doubt=doubt) if doubt else _Reading(slots_request(Verb.RESTORE, slots))


def tail_doubt(slots: Slots) -> str | None:
    """Why the words after a request forbid to act on it; None for a reason or an aside."""
    rest = slots.rest
    if not rest or rest[0].word in v.CAUSES or starts_with(rest, v.ASIDES):
        return None
    if _doubts(rest):
        return worded(texts.DOUBTFUL)
    if rest[0].word in v.ALL_OF_THEM:
        return texts.ONE_VM
    aside = rest[0].kind is TokenKind.SEPARATOR or rest[0].word in v.REASONS
    following = next(
        (token for token in rest[int(aside) :] if token.kind is not TokenKind.SEPARATOR), rest[0]
    )
    if following.word in v.RESULTS or _tells_result(rest):
        return texts.REPORT
    if _names_another(rest):
        return texts.ONE_VM
    return None if aside and not _holds_slot(slots) else not_understood(rest)


def _holds_slot(slots: Slots) -> bool:
    """Whether the words left over hold a flag or the snapshot that is still missing."""
    missing = not (slots.snapshot or slots.described or slots.problem)
    return any(t.kind is TokenKind.FLAG or (missing and t.word in v.FROM) for t in slots.rest)


def _names_another(rest: tuple[Token, ...]) -> bool:
    """`and web-01`, `, web-01 from ...`: another VM. `and tell me` is an aside."""
    if rest[0].kind is not TokenKind.SEPARATOR and rest[0].word not in {"and", "or"}:
        return False
    names = [token for token in rest[1:3] if token.word not in v.MACHINES | v.ARTICLES | {"and"}]
    if not names or names[0].word in v.FUNCTION_WORDS:
        return False
    token = names[0]
    if token.kind is TokenKind.QUOTED or any(char.isdigit() or char in "-_" for char in token.word):
        return True
    following = rest[rest.index(token) + 1 :]
    return token.kind is TokenKind.WORD and (
        not following or following[0].word in v.FROM | v.PLACES
    )


def _tells_result(rest: tuple[Token, ...]) -> bool:
    return any(token.kind is TokenKind.EMOJI and token.text in v.RESULT_EMOJI for token in rest)


def _doubts(tokens: tuple[Token, ...]) -> bool:
    return any(token.word in v.NEGATIONS | v.CONDITIONS for token in tokens)


def _is_against(tokens: tuple[Token, ...]) -> bool:
    """Whether it says "don't restore ..." or "wait": it takes back what else the message asks for."""
    words = tokens[_lead(tokens) :]
    if starts_with(words, v.RETRACTIONS):
        return True
    speaks_of_it = any(token.word in v.RESTORE_FORMS for token in tokens)
    return speaks_of_it and starts_with(words, v.AGAINST) > 0


def _asks_politely(lead: tuple[Token, ...]) -> bool:
    """Whether the words before the verb hold "can you" or "could you"."""
    words = [token.word for token in lead]
    return any(first in v.POLITE_QUESTIONS and second == "you" for first, second in pairwise(words))


def _lead(tokens: tuple[Token, ...]) -> int:
    """How many tokens of greeting and politeness a clause opens with."""
    at = 0
    while at < len(tokens):
        length = starts_with(tokens, v.LEADS, at)
        passing = tokens[at].kind in {TokenKind.SEPARATOR, TokenKind.EMOJI}
        if not length and not passing:
            break
        at += length or 1
    return at


def _points(sentence: Sentence) -> bool:
    """Does it say nothing of its own, but "please run this:", to the code block beside it?"""
    tokens = sentence.tokens
    at = _lead(tokens)
    while at < len(tokens):
        length = starts_with(tokens, v.COURTESY, at)
        token = tokens[at]
        if not (length or token.word in v.POINTING or token.kind is TokenKind.SEPARATOR):
            return False
        at += length or 1
    return not sentence.question


def _clauses(tokens: tuple[Token, ...]) -> Iterator[tuple[Token, ...]]:
    """The whole sentence, then what follows each comma, colon, dash or emoji."""
    if tokens:
        yield tokens
    breaks = (TokenKind.SEPARATOR, TokenKind.EMOJI)
    starts = (
        at
        for at, (before, here) in enumerate(pairwise(tokens), start=1)
        if before.kind in breaks and here.kind not in breaks
    )
    for at in islice(starts, _MAX_CLAUSES):
        yield tokens[at:]


def _inside_quotes(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """A request that was copied from the help text as one piece of code."""
    if len(tokens) == 1 and tokens[0].kind is TokenKind.QUOTED and " " in tokens[0].text:
        inner = sentences(tokens[0].text)
        return inner[0].tokens if len(inner) == 1 and not inner[0].question else tokens
    return tokens
