"""Which words name the VM, the namespace, the snapshot and the cluster.

One pass from left to right. Each step looks at what stands next, takes what it understands and
says whether it did; the first word that no step understands ends the pass and is left in `rest`,
so that nothing is dropped in silence. A slot that is filled twice with different names is a problem.

Exact or described: `snapshot NAME`, `from NAME`, flags and quoted words are exact names.
`pre-upgrade snapshot`, `latest`, `yesterday's backup` and the like only describe one.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from bot.request import vocabulary as v
from bot.request.names import (
    FLAGS,
    Part,
    emoji_problem,
    unknown_flag,
)
from bot.request.slot_reader import END, NAMEABLE, SlotReader, Slots
from bot.request.tokens import Token, TokenKind, starts_with
from bot.texts import requests as texts


def fill(tokens: tuple[Token, ...], *, not_names: frozenset[str], positional: bool) -> Slots:
    """Read the words after the verb. `positional`: a second bare name is the snapshot."""
    return _Pass(tokens, not_names | v.KEYWORDS, positional=positional).run()


_NUMBER = re.compile(r"[0-9]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LONGEST_DESCRIPTION = 4


class _Pass(SlotReader):
    """The steps of one pass over the tokens."""

    def run(self) -> Slots:
        """Take tokens while any step understands them."""
        steps: tuple[Callable[[], bool], ...] = (
            self._courtesy,
            self._separator,
            self._flag,
            self._place,
            self._target,
            self._source,
            self._bare,
        )
        while self.at < len(self.tokens) and any(self._took(step) for step in steps):
            pass
        return replace(self.slots, rest=self.tokens[self.at :])

    # --- the steps -----------------------------------------------------------------------------

    def _courtesy(self) -> bool:
        if length := starts_with(self.tokens, v.COURTESY, self.at):
            self.at += length
        elif self._word() in v.MACHINES:
            self._machine(1)
        elif (self._word(), self._word(1)) in {("virtual", "machine"), ("virtual", "machines")}:
            self._machine(2)
        elif self._harmless_emoji():
            self._emoji()
        elif self._word() in v.ARTICLES:
            self.at += 1
        else:
            return False
        return True

    def _emoji(self) -> None:
        """Before the VM is named it may have been meant as the name; what follows is not the VM."""
        if not self.vm_stood:
            self._complain(emoji_problem(Part.VM, self._peek().text))
        self.at += 1

    def _machine(self, length: int) -> None:
        self.at += length
        self.slots = replace(self.slots, says_vm=True)
        if not self.vm_stood:
            self._skip_naming()

    def _harmless_emoji(self) -> bool:
        token = self._peek()
        return token.kind is TokenKind.EMOJI and token.text not in v.RESULT_EMOJI

    def _separator(self) -> bool:
        """Commas and "and" between slots; before anything else they begin the rest."""
        if self._peek().kind is not TokenKind.SEPARATOR and self._word() != "and":
            return False
        first = self.at == 0
        self.at += 1
        following = self._peek()
        slot_follows = (
            following.word in v.FROM | v.PLACES | v.NAMESPACES | v.CLUSTERS | v.MACHINES
            or following.word in v.SNAPSHOT_NOUNS
            or following.kind in {TokenKind.FLAG, TokenKind.SEPARATOR}
            or starts_with(self.tokens, v.COURTESY, self.at) > 0
        )
        return first or slot_follows or following is END

    def _flag(self) -> bool:
        token = self._peek()
        if token.kind is not TokenKind.FLAG:
            return False
        name, _, value = token.text.lstrip("-").partition("=")
        self.at += 1
        part = FLAGS.get(name.lower())
        if part is None:
            self._complain(unknown_flag(token.text.partition("=")[0]))
        elif value.strip("'"):
            self._set(part, Token(value.strip("'"), TokenKind.QUOTED))
            self.at -= 1
        elif self._peek().kind in NAMEABLE:
            self._set(part, self._peek())
        else:
            self._complain(texts.FLAG_WITHOUT_NAME.format(flag=token.text, part=part))
        return True

    def _place(self) -> bool:
        """`in namespace X`, `in X namespace`, `in X`; `on cluster Y`; also without the `in`."""
        where = self._word() if self._word() in v.PLACES else ""
        if where:
            self.at += 1
            self._skip(v.ARTICLES)
        part = self._place_word()
        if part is not None:
            self.at += 1
            self._skip_naming()
            if self._is_name():
                self._set(part, self._peek())
                return True
            return False
        if not where or not self._is_name() or self._is_time():
            return False
        part = self._place_word(1)
        if part is None and where == "on" and self.says_snapshot and not self.vm_stood:
            self._set_vm(self._peek())
            return True
        named = part is not None
        default = Part.CLUSTER if where == "on" else Part.NAMESPACE
        self._set(part or default, self._peek())
        self.at += named
        return True

    def _place_word(self, ahead: int = 0) -> Part | None:
        if self._word(ahead) in v.NAMESPACES:
            return Part.NAMESPACE
        return Part.CLUSTER if self._word(ahead) in v.CLUSTERS else None

    def _is_time(self) -> bool:
        """`in 10 minutes`, `on monday`: a time, and the bot keeps no calendar."""
        word = self._word()
        counted = _NUMBER.match(word)
        unit = word[counted.end() :] or self._word(1) if counted else ""
        return word in v.WEEKDAYS or unit in v.UNITS

    def _target(self) -> bool:
        """`of X`, `for X` after a snapshot: the VM."""
        targets = v.TARGETS | ({"to"} if self.slots.snapshot or self.slots.described else set())
        if not self.says_snapshot or self.vm_stood or self._word() not in targets:
            return False
        self.at += 1
        while self._word() in v.ARTICLES | v.MACHINES:
            self.at += 1
        if not self._is_name():
            return False
        self._set_vm(self._peek())
        return True

    def _source(self) -> bool:
        """The snapshot: after a preposition, or as `snapshot NAME` and `NAME snapshot`."""
        if self._word() not in v.FROM:
            return self._snapshot_noun() or self._describing_bare()
        self.at += 1
        self._skip(v.ARTICLES | v.MACHINES)
        return self._snapshot_noun() or self._closed() or self._described() or self._exact()

    def _snapshot_noun(self) -> bool:
        """`snapshot NAME`, `snapshot from yesterday`, `backup`."""
        noun = self._word()
        if noun not in v.SNAPSHOT_NOUNS:
            return False
        self.at += 1
        self.says_snapshot = True
        self._skip_naming()
        if self._word() in v.DESCRIBED_BY and self._describing_run(1):
            self.at += 1
        if not _DATE.fullmatch(self._word()) and self._described():
            return True
        if self._is_name():
            return self._exact()
        if noun.startswith("backup") and self.slots.snapshot is None and not self.slots.described:
            self._describe("backup")
        return True

    def _closed(self) -> bool:
        """`pre-upgrade snapshot`, `last night's backup`: words closed by a noun."""
        words: list[str] = []
        for ahead in range(_LONGEST_DESCRIPTION + 1):
            if words and self._word(ahead) in v.CLOSING_NOUNS:
                break
            usable = self._is_name(ahead) or self._word(ahead) in v.DESCRIBING
            if not usable or self._peek(ahead).kind is TokenKind.MARKUP:
                return False
            words.append(self._peek(ahead).text)
        else:
            return False
        quoted = len(words) == 1 and self._peek().kind is TokenKind.QUOTED
        if quoted:
            self._exact()
            self.at += 1
        else:
            self.at += len(words) + 1
            self._describe(" ".join(words).lower())
        return True

    def _described(self) -> bool:
        """`latest`, `yesterday's`, `2 hours ago`: words that describe without a noun."""
        length = self._describing_run() or self._before_run()
        if not length:
            return False
        words = [self._word(ahead) for ahead in range(length)]
        self.at += length
        self._describe(" ".join(words))
        return True

    def _describing_run(self, ahead: int = 0) -> int:
        length = 0
        while self._describes(ahead + length):
            length += 1
        return length

    def _before_run(self) -> int:
        """The length of "before the upgrade"; without an article it would be a time to act at."""
        before = self._word() == "before" and self._word(1) in v.ARTICLES and self._is_name(2)
        return 3 if before else 0

    def _describes(self, ahead: int) -> bool:
        word = self._word(ahead)
        counted = word.isdigit() and self._word(ahead + 1) in v.UNITS
        return word in v.DESCRIBING or counted or _DATE.fullmatch(word) is not None

    def _exact(self) -> bool:
        if not self._is_name():
            return False
        self.says_snapshot = True
        self._set(Part.SNAPSHOT, self._peek())
        return True

    def _describing_bare(self) -> bool:
        """`latest snapshot`, `pre-upgrade snapshot of X`, without a preposition."""
        run = self._describing_run()
        noun_after = self._word(run or 1) in v.SNAPSHOT_NOUNS
        if not noun_after or not (run or self._is_name()):
            return False
        after = self._peek((run or 1) + 1)
        names_vm = after.word in v.TARGETS | {"to", "on"}
        if run or names_vm or (self.vm_stood and not self._is_name(2)):
            return self._closed()
        return False

    def _bare(self) -> bool:
        """A name on its own: the VM, then the snapshot."""
        if not self._is_name():
            return self._described() if self._open_for_snapshot() else False
        if not self.vm_stood:
            if self._word() in v.DESCRIBING:  # "the last change" names nothing
                return False
            self._set_vm(self._peek())
            return True
        if not self._open_for_snapshot():
            return False
        return self._described() or self._exact()

    def _open_for_snapshot(self) -> bool:
        filled = self.slots.snapshot or self.slots.described
        return self.positional and self.vm_stood and not filled
