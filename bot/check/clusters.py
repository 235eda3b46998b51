"""A cluster: does it answer, has it what a restore needs, and may the bot do it?"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from bot.check import certificates
from bot.check.rows import CheckRow, Grade, clock
from bot.clock import Clock
from bot.cluster.cluster import Cluster
from bot.cluster.rights import RIGHTS
from bot.cluster.schema import Capabilities
from bot.errors import Misconfigured, NotTrusted, Permanent, Temporary
from bot.restore import denials
from bot.restore.reasons import Reason
from bot.restore.rules import Rules
from bot.settings import ClusterSettings

_READINESS: Final = "targetReadinessPolicy"
_VOLUMES: Final = "volumeRestorePolicy"
ANYWHERE: Final = "default"
"""The namespace that every cluster has."""


async def look(
    name: str, settings: ClusterSettings, rules: Rules, machine: Clock
) -> list[CheckRow]:
    """All rows of one cluster."""
    part = f"cluster {name}"
    dated: list[CheckRow] = []
    try:
        async with _connected(name, settings, machine) as cluster:
            # First: with one that has ended nothing else gets an answer.
            dated = await _certificates(part, cluster, machine)
            await cluster.ping()
            answers = CheckRow(part, Grade.OK, "the API server answers")
            differs = clock(part, cluster.clock.ahead)
            told_apart = [] if await cluster.tellable() else [_looks_like_any(part)]
            found = await cluster.capabilities()
            rights = await _rights(part, cluster, settings) if found.served else []
            tried = await _rehearsed(part, cluster, settings) if found.served else []
            return [
                *(answers, *dated, *differs, *told_apart),
                *(*_capabilities(part, found, rules), *rights, *tried),
            ]
    except Misconfigured as wrong:
        return [CheckRow(part, Grade.FAIL, str(wrong))]
    except NotTrusted as wrong:
        fix = "put the CA that signed the API server's certificate into the kubeconfig"
        return [CheckRow(part, Grade.FAIL, wrong.what, fix), *dated]
    except Temporary as away:
        fix = "let the bot reach the API server of the kubeconfig"
        return [CheckRow(part, Grade.FAIL, away.what, fix), *dated]
    except Permanent as refused:
        fix = "give the bot a kubeconfig or service account that the API server accepts"
        why = f"refused ({refused.reason}): {refused.text}"
        return [CheckRow(part, Grade.FAIL, why, fix), *dated]


async def _certificates(part: str, cluster: Cluster, machine: Clock) -> list[CheckRow]:
    """The API server's and the bot's own, as far as they can be seen."""
    tls, now = cluster.tls, machine.now()
    if tls is None:
        return []
    servers = await certificates.served(tls.host, tls.port, tls.name)
    own = None if tls.own is None else await asyncio.to_thread(certificates.in_file, tls.own)
    renew = "let the people who run the cluster renew it"
    login = "write a new client certificate into the kubeconfig, and start the bot anew"
    return [
        *certificates.row(part, "the API server's certificate", servers, now, renew),
        *certificates.row(part, "the bot's client certificate", own, now, login),
    ]


def _looks_like_any(part: str) -> CheckRow:
    return CheckRow(
        part,
        Grade.WARN,
        "unknown: nothing tells it from other clusters, so another one under its name is not noticed",
        "let the bot get the namespace kube-system, as the chart does",
    )


@asynccontextmanager
async def _connected(
    name: str, settings: ClusterSettings, machine: Clock
) -> AsyncIterator[Cluster]:
    cluster = await Cluster.connect(
        name,
        kubeconfig=settings.kubeconfig,
        context=settings.context,
        namespaces=() if settings.everywhere else settings.namespaces,
        clock=machine,
    )
    try:
        yield cluster
    finally:
        await cluster.close()


async def _rights(part: str, cluster: Cluster, settings: ClusterSettings) -> list[CheckRow]:
    """One row for each namespace in which rights are missing; asking changes nothing."""
    scopes = (None,) if settings.everywhere else tuple(dict.fromkeys(settings.namespaces))
    rows = []
    for scope in scopes:
        missing = await cluster.rights.missing(scope)
        where = f"in namespace {scope}" if scope else "in all namespaces"
        for needed, grade, means in (
            (True, Grade.FAIL, "so every restore is refused"),
            (False, Grade.WARN, "so less can be offered and advised"),
        ):
            named = ", ".join(str(each) for each in missing if each.needed is needed)
            if named:
                fix = "grant them to the bot's account, as the chart does"
                rows.append(CheckRow(part, grade, f"may not {where}: {named}; {means}", fix))
    held = CheckRow(part, Grade.OK, f"all {len(RIGHTS)} rights of the chart are there")
    return rows or [held]


async def _rehearsed(part: str, cluster: Cluster, settings: ClusterSettings) -> list[CheckRow]:
    """What dry runs of a stop and a snapshot meet that no read shows."""
    scopes = (ANYWHERE,) if settings.everywhere else tuple(dict.fromkeys(settings.namespaces))
    rows = []
    for namespace in scopes:
        met = await cluster.rehearse(namespace)
        if met.no_namespace:
            fix = "create it, or take it out of `clusters.*.namespaces`"
            rows.append(CheckRow(part, Grade.FAIL, f"there is no namespace {namespace}", fix))
            continue
        for what, refusal in (("a stop", met.stop), ("a snapshot", met.snapshot)):
            # A missing right has a row of its own.
            if refusal is None:
                continue
            denied = denials.denial(refusal, namespace)
            if denied.reason is not Reason.RBAC_FORBIDDEN:
                found = f"a dry run of {what} in namespace {namespace} is refused: {denied.found}"
                rows.append(CheckRow(part, Grade.FAIL, found, denied.next))
    return rows or [CheckRow(part, Grade.OK, "dry runs of a stop and of a snapshot pass")]


def _capabilities(part: str, found: Capabilities, rules: Rules) -> list[CheckRow]:
    if not found.served:
        return [
            CheckRow(
                part,
                Grade.FAIL,
                "the snapshot API (snapshot.kubevirt.io) is not served",
                "install KubeVirt or OpenShift Virtualization, with its feature gate `Snapshot`",
            )
        ]
    version = f"KubeVirt {found.kubevirt}" if found.kubevirt else "KubeVirt of unknown version"
    served = CheckRow(
        part, Grade.OK, f"{version} serves the snapshot API in {', '.join(found.served)}"
    )
    return [served, *_fields(part, found.restore_fields, rules)]


def _fields(part: str, fields: tuple[str, ...] | None, rules: Rules) -> list[CheckRow]:
    """The fields of a VirtualMachineRestore that the bot would use."""
    if fields is None:
        return [
            CheckRow(
                part,
                Grade.WARN,
                "unknown: the fields of a VirtualMachineRestore could not be read",
                "let the bot get customresourcedefinitions, as the chart does",
            )
        ]
    rows = [found for missing, found in _absences(part, rules).items() if missing not in fields]
    return rows or [CheckRow(part, Grade.OK, f"a VirtualMachineRestore knows {_READINESS}")]


def _absences(part: str, rules: Rules) -> Mapping[str, CheckRow]:
    """What it means that a field is missing."""
    found = {
        _READINESS: CheckRow(
            part,
            Grade.WARN,
            f"a VirtualMachineRestore has no {_READINESS}: one that meets a started VM waits "
            "instead of failing",
            "upgrade to KubeVirt 1.5 or later",
        )
    }
    if rules.volume_policy is not None:
        found[_VOLUMES] = CheckRow(
            part,
            Grade.FAIL,
            f"a VirtualMachineRestore has no {_VOLUMES}, so every restore would be refused",
            "remove `rules.volume_policy`, or upgrade to KubeVirt 1.6 or later",
        )
    return found
