"""Small marks of an object, and what they say of it."""

from datetime import datetime

from bot.cluster.document import Json, flag, items, mapping, moment, present, text

# app.kubernetes.io/instance alone is not enough: Helm and many others set it, too.
_ARGO_CD = ("argocd.argoproj.io/instance", "argocd.argoproj.io/tracking-id")
_FLUX = ("kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name")


def keeps_state(document: Json) -> bool:
    """A persistent vTPM or EFI: their state has a claim of its own."""
    domain = mapping(document, "spec", "template", "spec", "domain")
    return flag(domain, "devices", "tpm", "persistent") or flag(
        domain, "firmware", "bootloader", "efi", "persistent"
    )


def moved(status: Json) -> bool:
    """As KubeVirt tells it: only one side of a decentralised migration has an address to sync with."""
    state = mapping(status, "migrationState")
    sides = mapping(state, "sourceState"), mapping(state, "targetState")
    addresses = [present(side, "syncAddress") for side in sides]
    ended = text(status, "phase") in ("Succeeded", "Failed")
    return ended and flag(state, "completed") and addresses.count(True) == 1


def down_since(status: Json) -> datetime | None:
    """Since when the VM's controller knows of no VMI."""
    for condition in items(status, "conditions"):
        if (text(condition, "type"), text(condition, "reason")) == ("Ready", "VMINotExists"):
            return moment(condition, "lastTransitionTime")
    return None


def last_modified(document: Json) -> datetime | None:
    """The newest write to spec or metadata; a status ticks all the time and says nothing."""
    times = (
        moment(entry, "time")
        for entry in items(document, "metadata", "managedFields")
        if text(entry, "subresource") != "status"
    )
    return max((time for time in times if time is not None), default=None)


def gitops(document: Json) -> str | None:
    """The GitOps tool that owns the VM, by its labels and annotations."""
    marks = {
        *mapping(document, "metadata", "labels"),
        *mapping(document, "metadata", "annotations"),
    }
    if marks.intersection(_ARGO_CD):
        return "Argo CD"
    return "Flux" if marks.intersection(_FLUX) else None
