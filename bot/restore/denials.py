"""What the API server's "no" means: a code is no cause, the message says what is the matter.

A 403 may be a missing right, a used-up quota, a policy or a namespace that goes; a policy may answer
with any code. Several of these may stand in one message, since people write the words of their
policies: what the API server itself says comes first, so the first mark in the message counts.
"""

import re
from dataclasses import dataclass

from bot.restore.observation import ApiRejection
from bot.restore.reasons import Reason
from bot.texts import denials as texts
from bot.texts.refusals import RefusalText

MAX_QUOTE = 400
MAX_LABEL = 100
"""Letters of a policy's name."""


@dataclass(frozen=True, slots=True)
class Denial:
    """One cause, the message quoted, and who can change it. Names stand in backticks."""

    reason: Reason
    found: str
    expected: str
    next: str

    @property
    def told(self) -> str:
        """What was found and what to do, for one line."""
        return f"{self.found.rstrip('.')}. {self.next}"

    @property
    def stays(self) -> bool:
        """The same request is answered the same until a person changes something."""
        return self.reason is not Reason.ADMISSION_REFUSED


_MARKS = re.compile(
    r'admission webhook "(?P<webhook>[^"]*)" denied the request(?: without explanation|:)?'
    r"|ValidatingAdmissionPolicy '(?P<policy>[^']*)' with binding '[^']*' denied request:"
    r"|(?:exceeded|failed) quota: (?P<quota>[^\s,:]+)"
    r"|(?P<namespace>because it is being terminated)"
    r"|(?P<right>\bcannot (?:get|list|watch|create|update|patch|delete)\b)"
)
_GATEKEEPER = re.compile(r"\s*\[(?P<policy>[^\]]+)\]\s*")
_STRATEGY = re.compile(r'VirtualMachine "[^"]*" (is not stopped|run strategy has to be Halted)')
"""KubeVirt up to 1.3 and 1.4.0, of any VM whose run strategy is not Halted."""
_OF_KUBEVIRT = ".kubevirt.io"


_GATE = re.compile("feature gate not enabled")


def denial(rejection: ApiRejection, namespace: str) -> Denial:
    """The cause of a refused request in this namespace."""
    reason, text, name, said = _cause(rejection)
    words = quote(said) or texts.NO_WORDS.format(code=rejection.code)
    filled = {"text": words, "name": quote(name, MAX_LABEL), "namespace": namespace}
    return Denial(
        reason,
        found=text.found.format(**filled),
        expected=text.expected.format(**filled),
        next=text.next.format(**filled),
    )


def wants_halted(rejection: ApiRejection) -> bool:
    """An older KubeVirt refuses the restore for the VM's run strategy, and for nothing else."""
    mark = _MARKS.search(rejection.text)
    if mark is None or not (mark["webhook"] or "").endswith(_OF_KUBEVIRT):
        return False
    return _STRATEGY.fullmatch(rejection.text[mark.end() :].strip()) is not None


def quote(text: str, most: int = MAX_QUOTE) -> str:
    """What somebody else wrote: one line, without code and links, cut."""
    plain = " ".join(text.split()).replace("`", "'").replace("<", "\u2039").replace(">", "\u203a")
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def _cause(rejection: ApiRejection) -> tuple[Reason, RefusalText, str, str]:
    """The reason, its text, the name of what denies it, and the words to quote."""
    said = rejection.text
    mark = _MARKS.search(said)
    if mark is None:
        # virt-api says no to a missing right in plain text, with a 401.
        lacks = rejection.code == 401
        reason = Reason.RBAC_FORBIDDEN if lacks else Reason.ADMISSION_REFUSED
        return reason, texts.RIGHT if lacks else texts.OTHER, "", said
    behind = said[mark.end() :]
    if mark["webhook"] is not None:
        return _webhook(mark["webhook"], behind, said)
    if mark["policy"] is not None:
        return Reason.POLICY_DENIED, texts.POLICY, mark["policy"], behind
    if mark["quota"] is not None:
        return Reason.OBJECT_QUOTA_EXCEEDED, texts.QUOTA, mark["quota"], behind.lstrip(", ") or said
    if mark["namespace"] is not None:
        return Reason.NAMESPACE_BEING_DELETED, texts.NAMESPACE, "", said
    return Reason.RBAC_FORBIDDEN, texts.RIGHT, "", said


def _webhook(name: str, behind: str, said: str) -> tuple[Reason, RefusalText, str, str]:
    """Gatekeeper names its policy; KubeVirt's own webhooks are no policy of the cluster."""
    if name.endswith(_OF_KUBEVIRT):
        if _GATE.search(behind):
            return Reason.SNAPSHOT_GATE_OFF, texts.GATE, name, behind
        old = _STRATEGY.fullmatch(behind.strip()) is not None
        return Reason.ADMISSION_REFUSED, texts.STRATEGY if old else texts.KUBEVIRT, name, behind
    policy = _GATEKEEPER.match(behind) if "gatekeeper" in name else None
    if policy is not None:
        return Reason.POLICY_DENIED, texts.GATEKEEPER, policy["policy"], behind[policy.end() :]
    return Reason.POLICY_DENIED, texts.WEBHOOK, name, behind or said
