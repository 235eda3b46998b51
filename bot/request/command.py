"""The text after `/vm-restore`: a subcommand, or the names of a restore in any order and style.

A single word may be a VM or a subcommand written wrong. Where it is nearly a subcommand the bot
asks, and `--vm` says that a VM is meant.
"""

from dataclasses import replace

from bot.request import vocabulary as v
from bot.request.names import Part, is_name, shown
from bot.request.parsed import ParsedRequest, Verb
from bot.request.sentence import oversize, parse_sentence, tail_doubt
from bot.request.slot_reader import END, Slots
from bot.request.slots import fill
from bot.request.tokens import TOO_LONG, Token, TokenKind, clean, sentences, starts_with, tokens
from bot.request.verbs import nearest_command, other_wish, restore_verb, slots_request
from bot.texts import requests as texts
from bot.texts.names import worded


def parse_command(text: str) -> ParsedRequest:
    """Read the text of the slash command; an empty one is a restore with everything to be asked."""
    if len(text) > TOO_LONG:
        return ParsedRequest(Verb.UNKNOWN, problem=oversize())
    words = _tokens(clean(text))
    if not words:
        return ParsedRequest(Verb.RESTORE)
    if words[0].text.lower() in {"--help", "-h", "?"}:
        return ParsedRequest(Verb.HELP)
    return other_wish(words) or _restore(words, text)


def names_alone(text: str) -> bool:
    """Whether there is nothing but bare words, so that only their order says what each is.

    They may just as well be prose: `/vm-restore frobnicate the database`.
    """
    words = _tokens(clean(text))
    bare = {TokenKind.WORD, TokenKind.SEPARATOR}
    said = all(t.kind in bare and t.word not in v.KEYWORDS and "/" not in t.text for t in words)
    return said and not restore_verb(words)


def _tokens(cleaned: str) -> tuple[Token, ...]:
    """The tokens of the whole text; a stop inside it only separates."""
    found = [token for line in cleaned.split("\n") for token in tokens(line)]
    found = [_named(found, at) for at in range(len(found))]
    if len(found) == 1 and found[0].kind is TokenKind.QUOTED:
        inner = tokens(found[0].text)
        if any(t.kind is TokenKind.FLAG or t.word in v.KEYWORDS | v.RESTORE_VERBS for t in inner):
            found = list(inner)
    while found and found[-1].kind is TokenKind.STOP:
        found.pop()
    return tuple(
        replace(t, kind=TokenKind.SEPARATOR) if t.kind is TokenKind.STOP else t for t in found
    )


def _named(found: list[Token], at: int) -> Token:
    """A word of the language is a name where only a name can stand: `once from before in production`.

    That is as the first word, before a "from"; and behind a "from", as the last word or before a place.
    """
    token, following = found[at], found[at + 1] if at + 1 < len(found) else END
    starts = restore_verb(tuple(found[:2])) if found else 0
    first = at == (1 if starts == 1 and at else 0)
    as_vm = first and following.word in v.FROM
    behind = at > 0 and found[at - 1].word in v.FROM
    as_snapshot = behind and (following is END or following.word in v.PLACES)
    plain = token.word in v.FUNCTION_WORDS - v.ARTICLES - v.ALL_OF_THEM
    return replace(token, kind=TokenKind.QUOTED) if plain and (as_vm or as_snapshot) else token


def _restore(words: tuple[Token, ...], text: str) -> ParsedRequest:
    verb = restore_verb(words)
    slots = fill(words[verb:], not_names=v.FUNCTION_WORDS, positional=True)
    request = slots_request(Verb.RESTORE, slots)
    doubt = (
        texts.QUESTION if any(word.kind is TokenKind.ASK for word in words) else tail_doubt(slots)
    )
    prose = doubt or request.problem or starts_with(words, v.LEADS) or len(sentences(text)) > 1
    if prose and any(word.word in v.RESTORE_FORMS for word in words[1:]):
        return parse_sentence(text, addressed=True)
    if not verb and (meant := _misspelt(words, slots, understood=doubt is None)):
        return ParsedRequest(Verb.UNKNOWN, problem=meant)
    if doubt == texts.ONE_VM or (doubt and request.problem):
        return replace(request, problem=request.problem or doubt)
    return ParsedRequest(Verb.UNKNOWN, problem=doubt) if doubt else request


def _misspelt(words: tuple[Token, ...], slots: Slots, *, understood: bool) -> str | None:
    """The question to ask when the first word is nearly a subcommand and nothing shows a VM.

    What is understood to its last word as a request with more than two names, or with words like
    "from", is one: the checks will say so if there is no such VM.
    """
    named = any(t.kind is TokenKind.FLAG or t.word in v.KEYWORDS for t in words) or len(words) > 2
    near = nearest_command(words[0].word)
    if near is None or (understood and named) or (slots.vm is None and slots.problem is None):
        return None
    rest = "".join(f" {token.text}" for token in words[1:])
    question = worded(texts.DID_YOU_MEAN_COMMAND, command=shown(near + rest))
    if not is_name(Part.VM, words[0].text):
        return question
    return worded(texts.OR_A_VM, question=question, vm=shown(words[0].text))
