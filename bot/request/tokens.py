"""Text to tokens and sentences: what was typed, with Slack's and the keyboard's dressing undone.

Rules: every step takes time linear in the text, any text is accepted, and nothing is guessed.
Code blocks and quoted lines are somebody else's words and are left out of the sentences. A line
ends a sentence, except where the next line plainly goes on (`from ...`) or this one does (`...:`).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from bot.request import vocabulary
from bot.request.names import SMART_DASHES

TOO_LONG = 4000


class TokenKind(Enum):
    """What a token is."""

    WORD = auto()
    QUOTED = auto()  # in backticks or quotes: exactly this, never a keyword
    FLAG = auto()
    MARKUP = auto()  # a mention, channel, broadcast or other <...>
    EMOJI = auto()
    SEPARATOR = auto()  # comma, colon, bracket, lone dash
    STOP = auto()
    ASK = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A word or mark of the text."""

    text: str
    kind: TokenKind = TokenKind.WORD

    @property
    def word(self) -> str:
        """The word in lower case; empty for all that is no plain word."""
        return self.text.lower() if self.kind is TokenKind.WORD else ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """The tokens between two stops. `listed`: it stood in a list, as the step of a plan does."""

    tokens: tuple[Token, ...]
    question: bool = False
    listed: bool = False


def clean(text: str) -> str:
    """The text with links as their labels, entities decoded, and only spaces and line breaks."""
    text = _LINK.sub(_link_label, text)
    for entity, char in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, char)
    text = "\n".join(text.splitlines())
    return "".join(map(_plain_char, text)).translate(_STRAIGHT_QUOTES).strip()


def tokens(line: str) -> tuple[Token, ...]:
    """The tokens of one line."""
    return tuple(token for match in _CHUNK.finditer(line) for token in _chunk(match))


def sentences(text: str) -> tuple[Sentence, ...]:
    """The sentences of a cleaned text, without code blocks and quoted lines."""
    return tuple(
        sentence
        for line, listed in _joined(_own_lines(text))
        for sentence in _cut(tokens(line), listed=listed)
    )


def code_block(text: str) -> str | None:
    """What stands in the code block of a cleaned text, if there is one and no other."""
    found: list[str] = _FENCED.findall(text)
    closed = len(found) == 1 and found[0].endswith("```")
    return found[0].strip("`").strip() or None if closed else None


def starts_with(tokens: tuple[Token, ...], phrases: vocabulary.Phrases, at: int = 0) -> int:
    """How many tokens from `at` on the longest fitting phrase takes; 0 when none fits."""
    first = tokens[at].word if at < len(tokens) else ""
    for phrase in phrases.get(first, ()):
        if tuple(token.word for token in tokens[at : at + len(phrase)]) == phrase:
            return len(phrase)
    return 0


_LINK = re.compile(r"<(?:https?://|mailto:|tel:)([^<>|\s]*)(?:\|([^<>\n]*))?>")
_STRAIGHT_QUOTES = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"') | dict.fromkeys("\u2018\u2019\u201a", "'")
)
_CHUNK = re.compile(
    r"""
      `(?P<code>[^`\n]+)`
    | "(?P<quoted>[^"\n]+)"
    | (?<!\w)'(?P<single>[^'\s]+)'(?!\w)
    | (?P<markup><[^<>\n]*>)
    | (?<!\S):(?P<emoji>[\w+'-]+):(?!\w)
    | (?P<run>[^\s`"<>]+)
    | (?P<stray>[<>])
    """,
    re.VERBOSE,
)
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_LIST_MARK = re.compile(r"(?:[-*•◦▪]|\d{1,3}[.)]|[a-z][.)])\s+", re.IGNORECASE)
_FLAG = re.compile(r"-{1,2}[A-Za-z][A-Za-z-]*(?:=.*)?")
_ASSIGNMENT = re.compile(r"(?:vm|ns|namespace|snapshot|cluster)=.*", re.IGNORECASE)
_DRESSING = "()[]{}*_~'.,;:!?…"
_ABBREVIATIONS = frozenset({"e.g.", "i.e.", "vs."})


def _link_label(match: re.Match[str]) -> str:
    return match[2] or match[1].removesuffix("/")


def _plain_char(char: str) -> str:
    if char == "\n" or (char.isascii() and char.isprintable()):
        return char
    category = unicodedata.category(char)
    if category == "Cf":  # zero-width characters, direction marks, soft hyphens
        return ""
    return " " if char.isspace() or category == "Cc" else char


def _chunk(match: re.Match[str]) -> Iterator[Token]:
    what, text = str(match.lastgroup), str(match[str(match.lastgroup)])
    if what in {"code", "quoted", "single"}:
        if text.strip():
            yield Token(text.strip(), TokenKind.QUOTED)
    elif what in {"markup", "stray"}:
        yield Token(text, TokenKind.MARKUP)
    elif what == "emoji":
        yield Token(text, TokenKind.EMOJI)
    elif text.lower() in _ABBREVIATIONS:
        yield Token(text)
    else:
        yield from _run(text)


def _run(text: str) -> Iterator[Token]:
    """A run of characters without white space: a core between punctuation."""
    core = text.strip(_DRESSING)
    if not core:
        yield from _marks(text)
        return
    start = text.index(core)
    if any(mark not in "*_~'" for mark in text[:start]):
        yield Token(text[:start], TokenKind.SEPARATOR)
    yield _core(core)
    yield from _marks(text[start + len(core) :])


def _marks(text: str) -> Iterator[Token]:
    """Punctuation after a word: the strongest mark counts."""
    for marks, kind in (
        ("?", TokenKind.ASK),
        (".!…", TokenKind.STOP),
        (",;:()[]{}", TokenKind.SEPARATOR),
    ):
        if any(mark in marks for mark in text):
            yield Token(text, kind)
            return


def _core(core: str) -> Token:
    core = _undashed(core)
    if core in {"&", "+"}:
        return Token("and")
    if _FLAG.fullmatch(core):
        return Token(core, TokenKind.FLAG)
    if _ASSIGNMENT.fullmatch(core):
        return Token(f"--{core}", TokenKind.FLAG)
    if any(char.isalnum() for char in core):
        return Token(core)
    symbol = any(unicodedata.category(char) == "So" for char in core)
    return Token(core, TokenKind.EMOJI if symbol else TokenKind.SEPARATOR)


def _undashed(core: str) -> str:
    """A flag whose hyphens a keyboard has made into one dash, as a flag again."""
    if core[0] not in SMART_DASHES:
        return core
    rest = core.lstrip(SMART_DASHES + "-")
    short = len(rest.partition("=")[0]) == 1
    return ("-" if short else "--") + rest if rest[:1].isalpha() else core


def _own_lines(text: str) -> Iterator[tuple[str, bool]]:
    """The lines that are the writer's own words, each with whether it stood in a list."""
    for raw in _FENCED.sub("\n", text).split("\n"):
        line = raw.strip()
        if line.startswith(">>>"):
            return
        if line and not line.startswith(">"):
            mark = _LIST_MARK.match(line)
            yield (line[mark.end() :], True) if mark else (line, False)


def _joined(lines: Iterator[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    """Lines that go on with one another, as one."""
    held: list[str] = []
    held_listed = False
    for line, listed in lines:
        if held and (held[-1].endswith((":", ",")) or (not listed and _goes_on(held[-1], line))):
            held.append(line)
            continue
        if held:
            yield " ".join(held), held_listed
        held, held_listed = [line], listed
    if held:
        yield " ".join(held), held_listed


def _goes_on(before: str, line: str) -> bool:
    first = line.split(maxsplit=1)[0].rstrip(":=").lower()
    continues = first in vocabulary.CONTINUATIONS or line.startswith(("-n", "--"))
    return continues and not before.endswith((".", "!", "?"))


def _cut(line: tuple[Token, ...], *, listed: bool) -> Iterator[Sentence]:
    start = 0
    for at, token in enumerate(line):
        if token.kind in {TokenKind.STOP, TokenKind.ASK}:
            if at > start or token.kind is TokenKind.ASK:
                yield Sentence(line[start:at], token.kind is TokenKind.ASK, listed)
            start = at + 1
    if start < len(line):
        yield Sentence(line[start:], listed=listed)
