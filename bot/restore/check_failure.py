"""What a check says when a restore cannot go on."""

from dataclasses import dataclass

from bot.restore.denials import Denial
from bot.restore.reasons import Reason
from bot.texts.names import worded
from bot.texts.refusals import RefusalText

MAX_CHOICES = 10
"""So many names a refusal lists."""


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """Why a restore cannot go on, in plain sentences; names stand in backticks."""

    reason: Reason
    found: str
    expected: str = ""
    next: str = ""
    choices: tuple[str, ...] = ()
    more_choices: int = 0
    """How many there are besides."""

    @classmethod
    def telling(
        cls, reason: Reason, finding: RefusalText, choices: tuple[str, ...] = (), **values: object
    ) -> "CheckFailure":
        """A refusal in the words of `finding`, its gaps filled with `values`."""
        return cls(
            reason,
            found=worded(finding.found, **values),
            expected=worded(finding.expected, **values),
            next=worded(finding.next, **values),
            choices=choices[:MAX_CHOICES],
            more_choices=len(choices[MAX_CHOICES:]),
        )

    @classmethod
    def of(cls, cause: Denial, found: str = "{found}") -> "CheckFailure":
        """What the cluster refuses, in the words of its cause and what they are said in."""
        return cls(cause.reason, found.format(found=cause.found), cause.expected, cause.next)
