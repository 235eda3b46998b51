"""Which rights the bot needs in a namespace with VMs, and which of them it has.

Every account may ask what it may do itself. `SelfSubjectRulesReview` tells all of it at once, but an
authorizer other than RBAC may not list everything: what seems to be missing is asked for one by one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.cluster import names
from bot.cluster.client import Api, ApiStatusError
from bot.cluster.document import Json, flag, items, mapping, strings
from bot.cluster.reads import Together

log = structlog.get_logger(__name__)

KEPT = timedelta(minutes=5)
"""How long nothing is asked again of a namespace in which nothing was missing."""
_REVIEWS = "/apis/authorization.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class ClusterRight:
    """One verb on one resource; `resource` is "virtualmachines/stop" for a subresource."""

    verb: str
    group: str
    resource: str
    needed: bool = True
    """A restore can need it. The others only add to what is offered and advised."""
    diagnosis: bool = False
    """Only a diagnosis uses it; the chart can leave all of these out (the value rbac.diagnosis)."""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}"


RIGHTS = (
    ClusterRight("get", "kubevirt.io", names.VMS),
    ClusterRight("list", "kubevirt.io", names.VMS, needed=False),
    ClusterRight("get", "kubevirt.io", names.VMIS),
    ClusterRight("list", "kubevirt.io", names.VMIS, needed=False),
    ClusterRight("delete", "kubevirt.io", names.VMIS),
    ClusterRight("update", "subresources.kubevirt.io", f"{names.VMS}/start"),
    ClusterRight("update", "subresources.kubevirt.io", f"{names.VMS}/stop"),
    ClusterRight("get", names.SNAPSHOT_GROUP, names.SNAPSHOTS),
    ClusterRight("list", names.SNAPSHOT_GROUP, names.SNAPSHOTS),
    ClusterRight("create", names.SNAPSHOT_GROUP, names.SNAPSHOTS),
    ClusterRight("get", names.SNAPSHOT_GROUP, names.CONTENTS),
    ClusterRight("list", names.SNAPSHOT_GROUP, names.CONTENTS, needed=False),
    ClusterRight("get", names.SNAPSHOT_GROUP, names.RESTORES),
    ClusterRight("list", names.SNAPSHOT_GROUP, names.RESTORES),
    ClusterRight("watch", names.SNAPSHOT_GROUP, names.RESTORES, needed=False),
    ClusterRight("create", names.SNAPSHOT_GROUP, names.RESTORES),
    ClusterRight("delete", names.SNAPSHOT_GROUP, names.RESTORES),
    ClusterRight("get", "", "persistentvolumeclaims"),
    ClusterRight("list", "", "persistentvolumeclaims"),
    ClusterRight("list", "", "pods", needed=False),
    ClusterRight("get", "snapshot.storage.k8s.io", "volumesnapshots", needed=False),
    ClusterRight("list", "snapshot.storage.k8s.io", "volumesnapshots", needed=False),
    ClusterRight("list", "", "resourcequotas"),
    ClusterRight("create", "", "events", needed=False),
    ClusterRight("list", "", "events", needed=False, diagnosis=True),
    ClusterRight("list", "", "limitranges", needed=False, diagnosis=True),
    ClusterRight("get", "cdi.kubevirt.io", "datavolumes", needed=False, diagnosis=True),
)
"""What bot/cluster calls in a namespace with VMs. The chart's role grants exactly these."""


class Rights:
    """Asks for the rights in one cluster."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._whole: dict[str, tuple[datetime, int]] = {}
        """Where nothing was missing: when that was, and how many 403 there had been."""

    async def needed_and_missing(self, namespace: str) -> tuple[str, ...]:
        """The rights that a restore in this namespace can need and the bot does not have.

        None are named where the cluster does not tell. Asked anew after any 403.
        """
        known, refused = self._whole.get(namespace), self._api.forbidden.count
        if known is not None and known[1] == refused and self._clock.now() - known[0] < KEPT:
            return ()
        missing = tuple(str(each) for each in await self.missing(namespace) if each.needed)
        if missing:
            self._whole.pop(namespace, None)
        else:
            self._whole[namespace] = (self._clock.now(), refused)
        return missing

    async def missing(self, namespace: str | None) -> tuple[ClusterRight, ...]:
        """All that are missing in a namespace; None for those that are to hold everywhere."""
        try:
            rules = await self._rules(namespace) if namespace else []
            doubtful = [each for each in RIGHTS if not any(_grants(rule, each) for rule in rules)]
            async with Together() as group:
                asked = [group.create_task(self._lacks(each, namespace)) for each in doubtful]
        except ApiStatusError as refusal:
            if refusal.code == 401:
                raise
            return ()
        return tuple(each for each, lacks in zip(doubtful, asked, strict=True) if lacks.result())

    async def tell(self, namespace: str | None) -> None:
        """A log line for the rights that are missing, but for a diagnosis that was left out."""
        if missing := _without_choice(await self.missing(namespace)):
            where = namespace or "*"
            told = [str(each) for each in missing]
            log.warning(
                "rights are missing", cluster=self._api.cluster, namespace=where, rights=told
            )

    async def _rules(self, namespace: str) -> list[Json]:
        body = _review("SelfSubjectRulesReview", {"namespace": namespace})
        answer = await self._api.call("POST", f"{_REVIEWS}/selfsubjectrulesreviews", body=body)
        return items(answer, "status", "resourceRules")

    async def _lacks(self, right: ClusterRight, namespace: str | None) -> bool:
        resource, _, subresource = right.resource.partition("/")
        asked = {
            "namespace": namespace or "",
            "verb": right.verb,
            "group": right.group,
            "resource": resource,
            "subresource": subresource,
        }
        body = _review("SelfSubjectAccessReview", {"resourceAttributes": asked})
        answer = await self._api.call("POST", f"{_REVIEWS}/selfsubjectaccessreviews", body=body)
        return not flag(mapping(answer, "status"), "allowed")


def _without_choice(missing: tuple[ClusterRight, ...]) -> tuple[ClusterRight, ...]:
    """Where no right of the diagnosis is held, somebody has left them out by choice."""
    left_out = {each for each in RIGHTS if each.diagnosis}
    return tuple(each for each in missing if each not in left_out or not left_out <= {*missing})


def _review(kind: str, spec: Json) -> Json:
    return {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}


def _grants(rule: Json, right: ClusterRight) -> bool:
    """One that holds for objects of certain names only grants nothing."""
    return (
        not strings(rule, "resourceNames")
        and _holds(rule, "verbs", right.verb)
        and _holds(rule, "apiGroups", right.group)
        and _holds(rule, "resources", right.resource)
    )


def _holds(rule: Json, field: str, value: str) -> bool:
    return not {value, "*"}.isdisjoint(strings(rule, field))
