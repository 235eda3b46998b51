"""What the simulated cluster implements, and what it does not do. Tests keep both lists true.

More is added with a test from the real thing, and a line here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.playground.kubevirt.discovery import AGGREGATED, ANSWERED
from bot.playground.kubevirt.problems import not_simulated
from bot.playground.kubevirt.rendering import PROTOBUF, takes_yaml

if TYPE_CHECKING:
    from bot.playground.kubevirt.exchange import Exchange
    from bot.playground.kubevirt.paths import Asked

COVERED: dict[str, tuple[str, ...]] = {
    "resources": (
        "core/namespaces",
        "core/pods",
        "core/persistentvolumeclaims",
        "core/events",
        "core/resourcequotas",
        "core/limitranges",
        "apps/controllerrevisions",
        "storage.k8s.io/storageclasses",
        "apiextensions.k8s.io/customresourcedefinitions",
        "snapshot.storage.k8s.io/volumesnapshots",
        "snapshot.storage.k8s.io/volumesnapshotclasses",
        "cdi.kubevirt.io/datavolumes",
        "kubevirt.io/kubevirts",
        "kubevirt.io/virtualmachines",
        "kubevirt.io/virtualmachineinstances",
        "snapshot.kubevirt.io/virtualmachinesnapshots",
        "snapshot.kubevirt.io/virtualmachinesnapshotcontents",
        "snapshot.kubevirt.io/virtualmachinerestores",
        "authorization.k8s.io/selfsubjectaccessreviews",
        "authorization.k8s.io/subjectaccessreviews",
        "authorization.k8s.io/localsubjectaccessreviews",
        "authorization.k8s.io/selfsubjectrulesreviews",
        "authentication.k8s.io/selfsubjectreviews",
    ),
    "verbs": (
        "get",
        "list with limit, continue, label and field selectors",
        "watch with resourceVersion, bookmarks, timeoutSeconds, 410 as event and as status",
        "create with generateName, dryRun, fieldValidation",
        "update with resourceVersion and uid",
        "patch: JSON patch, merge patch, strategic merge of built-in kinds without lists",
        "delete with preconditions, dryRun, Background, Foreground, Orphan",
        "deletecollection",
    ),
    "forms": ("plain", "Table", "PartialObjectMetadata", "discovery", "OpenAPI v3 (in part)"),
    "subresources": (
        "status",
        "virtualmachines/start",
        "virtualmachines/stop",
        "virtualmachines/restart",
        "version",
    ),
    "access": (
        "bearer tokens",
        "allow rules with namespaces and names",
        "impersonation of users and groups",
        "access reviews",
    ),
    "controllers": (
        "VM and VMI",
        "snapshots and their contents",
        "restores: RandomizeNames, InPlace, PrefixTargetName, overrides, patches",
        "volume claims, data volumes, volume snapshots",
        "quota",
        "owner garbage collection, finalizers, namespaces",
    ),
    "faults": (
        "any status",
        "connection lost before or after the request is applied",
        "late requests and late answers",
        "webhook or virt-api down, virt-controller down",
        "watches closed, cut or expired",
    ),
    "left out": (
        "the WatchList feature gate: sendInitialEvents is refused, as by a server that has it off",
        "the launcher pod of a running VM, and the pod's events",
    ),
}


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that the API has and the simulated cluster does not do: it answers 501 and says so."""

    what: str
    reason: str
    meets: Callable[["Exchange"], bool] = lambda _: False
    """Whether a request asks for it; never where the body decides (see `patch.py`)."""


GAPS: tuple[Gap, ...] = (
    Gap(
        "protobuf",
        "a binary form that the bot does not ask for; every kind has JSON",
        lambda one: not one.asked.aggregated and _accepts_only(one.accept, PROTOBUF),
    ),
    Gap(
        "a watch in YAML",
        "a stream of YAML documents has no reader; the bot and kubectl watch JSON",
        lambda one: one.asked.verb == "watch" and takes_yaml(one.accept),
    ),
    Gap(
        "OpenAPI v2",
        "OpenAPI v3 tells the fields of a restore; v2 is megabytes of every kind",
        lambda one: one.asked.path.startswith("/openapi/v2"),
    ),
    Gap(
        "subresources of virt-api other than start, stop and restart of a VM",
        "the bot uses start and stop",
        lambda one: one.asked.aggregated and _is_other_subresource(one.asked),
    ),
    Gap(
        "logs and other subresources of pods",
        "no guest runs here",
        lambda one: one.asked.plural == "pods" and one.asked.subresource not in ("", "status"),
    ),
    Gap("server-side apply", "the bot sends whole objects; nobody owns single fields here"),
    Gap("strategic merge of lists and directives", "needs the merge keys of every built-in kind"),
)


def refuse_gap(exchange: "Exchange") -> None:
    """501 for what the API has and this cluster does not do."""
    for gap in GAPS:
        if gap.meets(exchange):
            raise not_simulated(gap.what)


def _accepts_only(accept: str, media: str) -> bool:
    return bool(accept) and all(part.split(";")[0].strip() == media for part in accept.split(","))


def _is_other_subresource(asked: "Asked") -> bool:
    name = f"{asked.plural}/{asked.subresource}" if asked.subresource else asked.plural
    return name in AGGREGATED and name not in ANSWERED
