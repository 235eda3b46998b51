"""Where a pass over the words of a request stands, and what it has filled so far.

`bot.request.slots` has the steps that decide; here is what every step does: look at a word, take it,
fill a slot. A slot that is filled twice with different names is a problem.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.request import vocabulary as v
from bot.request.names import Part, markup_problem, name_problem, two_named
from bot.request.tokens import Token, TokenKind

END = Token("", TokenKind.STOP)
NAMEABLE = frozenset({TokenKind.WORD, TokenKind.QUOTED, TokenKind.MARKUP})


@dataclass(frozen=True, slots=True)
class Slots:
    """What the words filled. `rest` was not understood; `says_vm`: the word "VM" was there."""

    vm: str | None = None
    namespace: str | None = None
    snapshot: str | None = None
    described: str | None = None
    cluster: str | None = None
    problem: str | None = None
    says_vm: bool = False
    rest: tuple[Token, ...] = ()


class SlotReader:
    """The position in the tokens, and the slots."""

    def __init__(
        self, tokens: tuple[Token, ...], not_names: frozenset[str], *, positional: bool
    ) -> None:
        self.tokens = tokens
        self.not_names = not_names
        self.positional = positional
        self.at = 0
        self.says_snapshot = False
        self.vm_stood = False  # a VM was named, perhaps in a way that is a problem
        self.slots = Slots()

    def _took(self, step: Callable[[], bool]) -> bool:
        before = self.at
        took = step()
        if not took:
            self.at = before
        return took

    # --- looking -----------------------------------------------------------------------------

    def _peek(self, ahead: int = 0) -> Token:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else END

    def _word(self, ahead: int = 0) -> str:
        return self._peek(ahead).word

    def _is_name(self, ahead: int = 0) -> bool:
        """Whether what stands there is meant as a name; it need not be a valid one."""
        token = self._peek(ahead)
        return token.kind in NAMEABLE and token.word not in self.not_names

    def _skip(self, words: frozenset[str]) -> None:
        while self._word() in words:
            self.at += 1

    def _skip_naming(self) -> None:
        """Past `:`, `called` and the like, between a keyword and its name."""
        while self._word() in v.NAMED or (
            self._peek().kind is TokenKind.SEPARATOR and self._is_name(1)
        ):
            self.at += 1

    # --- filling -----------------------------------------------------------------------------

    def _complain(self, problem: str) -> None:
        if self.slots.problem is None:
            self.slots = replace(self.slots, problem=problem)

    def _set(self, part: Part, token: Token) -> None:
        self.at += 1
        held: str | None = getattr(self.slots, part.value.lower())
        if token.kind is TokenKind.MARKUP:
            self._complain(markup_problem(part, token.text))
        elif problem := name_problem(part, token.text):
            self._complain(problem)
        elif held is not None and held != token.text:
            self._complain(two_named(part, held, token.text))
        elif part is Part.SNAPSHOT and self.slots.described is not None:
            self._complain(two_named(part, self.slots.described, token.text))
        else:
            self.slots = _filled(self.slots, part, token.text)

    def _describe(self, words: str) -> None:
        self.says_snapshot = True
        held = self.slots.snapshot or self.slots.described
        if held is not None and held != words:
            self._complain(two_named(Part.SNAPSHOT, held, words))
        else:
            self.slots = replace(self.slots, described=words)

    def _set_vm(self, token: Token) -> None:
        """A VM, perhaps with its namespace before a slash or a possessive after it."""
        self.vm_stood = True
        namespace, slash, name = token.text.rpartition("/")
        if slash and token.kind is not TokenKind.MARKUP:
            self._set(Part.NAMESPACE, replace(token, text=namespace))
            self.at -= 1
        if token.kind is TokenKind.WORD:
            name = name.removesuffix("'s")
        self._set(Part.VM, token if token.kind is TokenKind.MARKUP else replace(token, text=name))


def _filled(slots: Slots, part: Part, name: str) -> Slots:
    match part:
        case Part.VM:
            return replace(slots, vm=name)
        case Part.NAMESPACE:
            return replace(slots, namespace=name)
        case Part.SNAPSHOT:
            return replace(slots, snapshot=name)
        case Part.CLUSTER:
            return replace(slots, cluster=name)
