"""Rules over what ended the restore, what the bot cannot do, and what the cluster says in words."""

import re

from bot.restore.diagnosis.evidence import Evidence
from bot.restore.diagnosis.matching import Match, error, first, quoted, says, stands
from bot.restore.diagnosis.model import Cause, Quote
from bot.texts import diagnosis as texts

_QUOTA = re.compile(r"exceeded quota: (?P<quota>[^,\s]+), requested: (?P<asked>.+?), used:")
_OF_CLASS = re.compile(r"(?P<name>\S+?)\.storageclass\.storage\.k8s\.io/")
_LIMIT_RANGE = re.compile(r"(maximum|minimum) storage usage per PersistentVolumeClaim")
_RIGHT = re.compile(r'\bcannot \w+ resource "')
_ADDRESS = re.compile(
    r"allocate (requested )?(mac|ip)\b|(mac|ip)[- ]?address\S* .{0,60}(conflict|in use|taken|exist)"
    r"|duplicate (mac|ip)",
    re.IGNORECASE,
)
_DENIED = ("denied the request", "ValidatingAdmissionPolicy", "denied request:")
_MUST_BE_OFF = ("must be powered off", "to be powered off", "power off the target", "not ready within")  # fmt: skip

# What ended it


def vm_deleted(evidence: Evidence) -> Match | None:
    """The VM is gone; its restore goes with it."""
    if evidence.vm is not None or not evidence.was_read("virtualmachines"):
        return None
    return Match(Cause.VM_DELETED, (stands("VM", evidence.vm_name, texts.DOES_NOT_EXIST),))


def vm_recreated(evidence: Evidence) -> Match | None:
    """Another VM has its name."""
    vm, then = evidence.vm, evidence.confirmed_vm
    if vm is None or not then or vm.uid == then:
        return None
    differs = texts.UID_DIFFERS.format(now=vm.uid, then=then)
    return Match(Cause.VM_RECREATED, (stands("VM", evidence.vm_name, differs),))


def restore_deleted(evidence: Evidence) -> Match | None:
    """The restore object was there, and is not any more."""
    gone = evidence.job is None and evidence.was_read("virtualmachinerestores")
    if not (gone and evidence.known):
        return None
    name = evidence.restore_name
    return Match(Cause.RESTORE_DELETED, (stands("Restore", name, texts.DOES_NOT_EXIST),))


# What the bot cannot do


def unreachable(evidence: Evidence) -> Match | None:
    """Nothing could be asked."""
    why = evidence.unreachable
    return Match(Cause.UNREACHABLE, (error(why),)) if why else None


def right_lost(evidence: Evidence) -> Match | None:
    """The restore or its VM may not be read any more, or the bot was told that a right is missing."""
    lost = [
        each
        for each in evidence.unread
        if each.forbidden and each.what in ("virtualmachinerestores", "virtualmachines")
    ]
    if lost:
        said = Quote(source=texts.NOT_READ.format(what=lost[0].what), text=lost[0].why)
        return Match(Cause.RIGHT_LOST, (said,))
    own = evidence.error if evidence.error not in evidence.conditions else ""
    return Match(Cause.RIGHT_LOST, (error(own),)) if _RIGHT.search(own) else None


def controller_right(evidence: Evidence) -> Match | None:
    """KubeVirt's own account was refused something: the restore tells of it, not the bot."""
    found = first(evidence.conditions, lambda text: bool(_RIGHT.search(text)))
    return Match(Cause.CONTROLLER_RIGHT, (quoted(evidence, found),)) if found else None


# What the cluster says


def namespace_going(evidence: Evidence) -> Match | None:
    """Nothing can be created in a namespace that is being deleted."""
    return says(evidence, Cause.NAMESPACE_GOING, "because it is being terminated")


def vm_started(evidence: Evidence) -> Match | None:
    """A VMI stands in the way of a restore that is not complete."""
    if found := first(evidence.words, lambda text: any(part in text for part in _MUST_BE_OFF)):
        return Match(Cause.VM_STARTED, (quoted(evidence, found), *_running(evidence)))
    ran = not evidence.over and evidence.vmi is not None and not evidence.vmi.final
    return Match(Cause.VM_STARTED, _running(evidence)) if ran else None


def _running(evidence: Evidence) -> tuple[Quote, ...]:
    vmi = evidence.vmi
    if vmi is None:
        return ()
    return (stands("VMI", evidence.vm_name, texts.RUNS.format(phase=vmi.phase or "?")),)


def address_taken(evidence: Evidence) -> Match | None:
    """A MAC or IP address is held by somebody else."""
    found = first(_words_of_a_start(evidence), lambda text: bool(_ADDRESS.search(text)))
    return Match(Cause.ADDRESS_TAKEN, (quoted(evidence, found),)) if found else None


def webhook_down(evidence: Evidence) -> Match | None:
    """The API server could not ask a webhook."""
    return says(evidence, Cause.WEBHOOK_DOWN, "failed calling webhook")


def webhook_denies(evidence: Evidence) -> Match | None:
    """A webhook or an admission policy has said no."""
    return says(evidence, Cause.WEBHOOK_DENIES, *_DENIED)


def quota(evidence: Evidence) -> Match | None:
    """A quota is used up: by the class, by size, or by the number of objects."""
    text = first(evidence.words, lambda text: "exceeded quota" in text)
    if not text:
        return None
    found = _QUOTA.search(text)
    asked = found["asked"] if found else text
    of_class = _OF_CLASS.search(asked)
    names = {"quota": found["quota"] if found else ""}
    quotes = (quoted(evidence, text),)
    if of_class is not None:
        return Match(Cause.QUOTA_OF_CLASS, quotes, names | {"storage_class": of_class["name"]})
    size = "requests.storage" in asked
    return Match(Cause.QUOTA_SIZE if size else Cause.QUOTA_COUNT, quotes, names)


def limit_range(evidence: Evidence) -> Match | None:
    """A claim is too large, or too small, for a limit range."""
    text = first(evidence.words, lambda text: bool(_LIMIT_RANGE.search(text)))
    if not text:
        return None
    limits = tuple(
        stands("LimitRange", each.name, _limit(evidence, each.least, each.most))
        for each in evidence.size_limits
    )
    return Match(Cause.LIMIT_RANGE, (quoted(evidence, text), *limits))


def _limit(evidence: Evidence, least: int, most: int) -> str:
    content = evidence.content
    wanted = content.bytes_needed if content else 0
    return texts.LIMIT.format(least=least or "-", most=most or "-", wanted=wanted or "?")


def _words_of_a_start(evidence: Evidence) -> tuple[str, ...]:
    """Where a start that was refused is told: the error, events of the VM, conditions of the VMI."""
    about = {"VirtualMachine", "VirtualMachineInstance"}
    events = (each.text for each in evidence.events if each.kind in about and each.warning)
    conditions = (each.text for each in evidence.vmi_conditions if each.status == "False")
    return (*evidence.words, *events, *conditions)
