"""Small marks of an object, and what they say of it."""

from datetime import datetime

from bot.cluster.document import Json, flag, items, mapping, moment, present, text

# app.kubernetes.io/instance alone is not enough: Helm and many others set it, too.
_ARGO_CD = ("argocd.argoproj.io/instance", "argocd.argoproj.io/tracking-id")
_MANAGED_BY, _RELEASE = "app.kubernetes.io/managed-by", "meta.helm.sh/release-name"
MAX_WRITERS = 200
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


def says(status: Json, kind: str) -> bool:
    """A condition of this kind is true."""
    return any(
        (text(one, "type"), text(one, "status")) == (kind, "True")
        for one in items(status, "conditions")
    )


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


def writers(document: Json) -> str | None:
    """Who else writes the VM: its owners, and the tools that its labels and annotations name.

    The label of a manager says little beside a GitOps tool, which installs what Helm has rendered.
    """
    labels = mapping(document, "metadata", "labels")
    marks = {*labels, *mapping(document, "metadata", "annotations")}
    owners = [
        f"{text(one, 'kind')} {text(one, 'name')}"
        for one in items(document, "metadata", "ownerReferences")
    ]
    tools = [tool for tool, known in (("Argo CD", _ARGO_CD), ("Flux", _FLUX)) if marks & {*known}]
    manager = text(labels, _MANAGED_BY)
    release = text(document, "metadata", "annotations", _RELEASE)
    if not tools and (manager or release):
        name = manager or "Helm"
        tools = [f"{name} (release {release})" if release else name]
    return ", ".join(each for each in (*owners, *tools) if each.strip())[:MAX_WRITERS] or None
