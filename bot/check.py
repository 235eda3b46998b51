"""`vm-restore-bot check`: is everything there that a restore needs?

It signs in where the bot signs in and asks what the bot will rely on. It changes nothing, and starts
nothing: a bot that runs beside it does not notice. Every finding is `ok`, `warn` (the bot works, but
not as well or as safely as it could) or `fail` (it does not work), the last two with the fix.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, TextIO

from bot.clock import Clock, FarClock, SharedClock
from bot.cluster.cluster import Cluster
from bot.cluster.rights import RIGHTS
from bot.cluster.schema import Capabilities
from bot.errors import Misconfigured, Permanent, StoreUnavailable, Temporary
from bot.parts import network_of
from bot.restore.rules import Rules
from bot.settings import ClusterSettings, Settings
from bot.slack.api.client import SlackApi, TokenRefused
from bot.slack.api.network import WebClient
from bot.slack.manifest import SCOPES
from bot.store import Durability, Keeping, Store, connect
from bot.store.embedded import find_server
from bot.telemetry import CLOCKS_AGREE, Metrics, clock_words

_READINESS: Final = "targetReadinessPolicy"
_VOLUMES: Final = "volumeRestorePolicy"
_PROBE: Final = "check"
"""A workspace id for the store's keys; nothing is written under it."""
NOT_YET: Final = "Not looked at yet: Slack's events."


class Grade(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One row: what was looked at, how it is, and how to fix it."""

    part: str
    grade: Grade
    found: str
    fix: str = ""


def run(load: Callable[[], Settings], out: TextIO) -> int:
    """Look at everything and print it; the exit code."""
    findings = asyncio.run(examine(load))
    out.write(f"{table(findings)}\n\n{NOT_YET}\n")
    return 1 if any(each.grade is Grade.FAIL for each in findings) else 0


async def examine(
    load: Callable[[], Settings], machine: Clock | None = None
) -> tuple[CheckRow, ...]:
    """Every part, in the order in which they are needed. Settings that are wrong end it."""
    try:
        settings = load()
    except Misconfigured as wrong:
        return tuple(_wrong_setting(line) for line in str(wrong).splitlines())
    machine = machine or Clock()
    found = [_settings(settings), *await _slack(settings, machine)]
    found += await _store(settings, machine)
    for name, cluster in settings.clusters.items():
        found += await _cluster(name, cluster, settings.rules, machine)
    return tuple(found)


def table(findings: tuple[CheckRow, ...]) -> str:
    """The findings in columns, each fix in a line of its own."""
    width = max(len(each.part) for each in findings)
    lines = []
    for each in findings:
        lines.append(f"{each.part:<{width}}  {each.grade:<4}  {each.found}")
        if each.fix:
            lines.append(f"{'':<{width}}        to fix: {each.fix}")
    return "\n".join(lines)


# --- Settings -------------------------------------------------------------------------------------


def _wrong_setting(line: str) -> CheckRow:
    """A line of `Misconfigured`: the key, what is wrong with it, and what to write instead."""
    problem, _, fix = line.partition("; ")
    return CheckRow("settings", Grade.FAIL, problem, fix)


def _settings(settings: Settings) -> CheckRow:
    mode = "Socket Mode" if settings.socket_mode else "signed HTTP"
    if not settings.access.grants:
        return CheckRow(
            "settings",
            Grade.WARN,
            f"read ({mode}), but nobody may restore anything",
            "write a grant into `access.grants` of the file that VM_RESTORE_CONFIG names",
        )
    return CheckRow("settings", Grade.OK, f"read ({mode}), grants: {len(settings.access.grants)}")


# --- Slack ----------------------------------------------------------------------------------------


async def _slack(settings: Settings, machine: Clock) -> list[CheckRow]:
    """Can answers go out, and can Slack's events come in?"""
    environment = settings.environment
    token, app_token = environment.bot_token.get_secret_value(), environment.app_token
    network = network_of(settings)
    async with network.session() as session:
        client = WebClient(token, environment.slack_api, network, session)
        web = SlackApi(client, Metrics(), FarClock(machine))
        found = [await _bot_token(web)]
        if app_token is not None and found[0].grade is Grade.OK:
            found.append(await _app_token(web, app_token.get_secret_value()))
        found += _scopes(web)
        found += _clock("slack", web.clock.now() - machine.steady())
    return found


def _clock(part: str, ahead: timedelta) -> list[CheckRow]:
    """A row, if that clock and this machine's do not agree."""
    seconds = ahead.total_seconds()
    if abs(seconds) <= CLOCKS_AGREE:
        return []
    fix = "let NTP set the clock of this machine and of the other one"
    return [CheckRow(part, Grade.WARN, clock_words(seconds), fix)]


async def _bot_token(web: SlackApi) -> CheckRow:
    fix = "set SLACK_BOT_TOKEN to the app's Bot User OAuth Token, and let the bot reach Slack"
    try:
        said = await web.call("auth.test")
    except Permanent as refused:
        why = f"Slack refuses to say who we are ({refused.reason})"
        return CheckRow("slack", Grade.FAIL, why, fix)
    except Temporary as away:
        return CheckRow("slack", Grade.FAIL, away.what, fix)
    return CheckRow("slack", Grade.OK, f"signed in to {said['team']} as @{said['user']}")


def _scopes(web: SlackApi) -> list[CheckRow]:
    """A row, if the token has not all that the bot asks for."""
    lacks = web.lacks(SCOPES)
    if not lacks:
        return []
    fix = "add them to the Slack app (`vm-restore-bot manifest` names all), then install it anew"
    why = f"the app lacks the scopes {', '.join(lacks)}"
    return [CheckRow("slack", Grade.FAIL, why, fix)]


async def _app_token(web: SlackApi, token: str) -> CheckRow:
    """Ask for the address of a socket and leave it: a bot that is connected does not notice."""
    fix = "set SLACK_APP_TOKEN to an app-level token of the app with the scope connections:write"
    try:
        await web.call("apps.connections.open", app_token=token)
    except TokenRefused as refused:
        why = f"Slack refuses the app token ({refused.code})"
        return CheckRow("slack", Grade.FAIL, why, fix)
    except Permanent as refused:
        why = f"Slack opens no socket for the app token ({refused})"
        return CheckRow("slack", Grade.FAIL, why, fix)
    except Temporary as away:
        return CheckRow("slack", Grade.FAIL, away.what, "let the bot reach Slack")
    return CheckRow("slack", Grade.OK, "opens a socket for the app token")


# --- The store ------------------------------------------------------------------------------------


async def _store(settings: Settings, machine: Clock) -> list[CheckRow]:
    url = settings.environment.redis_url
    if url is None:
        return [_embedded(settings)]
    try:
        async with connect(url.get_secret_value()) as client:
            clock = SharedClock(machine)
            awaited = settings.store.replicas_to_wait_for
            store = Store(client, _PROBE, clock, keeping=Keeping(replicas=awaited))
            await store.queue.learn_the_time()
            reached = CheckRow("store", Grade.OK, "Redis answers")
            differs = _clock("store", clock.now() - machine.steady())
            return [reached, *differs, *_durability(await store.durability())]
    except Misconfigured as wrong:
        return [CheckRow("store", Grade.FAIL, str(wrong))]
    except StoreUnavailable as away:
        fix = "set REDIS_URL to a Redis that is up, and let the bot reach it"
        return [CheckRow("store", Grade.FAIL, away.what, fix)]


def _embedded(settings: Settings) -> CheckRow:
    """Not started here: one server may use its directory, and that is the bot's."""
    try:
        server = find_server()
    except Misconfigured as none:
        return CheckRow("store", Grade.FAIL, *_halves(str(none)))
    where = f"the embedded {server.name}, for one bot, on disk in {settings.store.data_dir}"
    return CheckRow("store", Grade.OK, where)


def _halves(text: str) -> tuple[str, str]:
    found, _, fix = text.partition(": ")
    return found, fix


def _durability(found: Durability) -> list[CheckRow]:
    """One row for the disk and one for the memory."""
    risks = [CheckRow("store", Grade.WARN, f"Redis {what}", fix) for what, fix in found.risks]
    if found.persistent is None:
        risks.append(_unknown("whether it writes to its disk", "that `appendonly yes` is set"))
    if found.evicts is None:
        risks.append(_unknown("whether it drops keys", "that the policy is `noeviction`"))
    kept = "Redis logs every change on its disk and drops no key"
    return risks or [CheckRow("store", Grade.OK, kept)]


def _unknown(what: str, fix: str) -> CheckRow:
    return CheckRow(
        "store", Grade.WARN, f"unknown: Redis does not tell {what}", f"ask who runs it {fix}"
    )


# --- Clusters -------------------------------------------------------------------------------------


async def _cluster(
    name: str, settings: ClusterSettings, rules: Rules, machine: Clock
) -> list[CheckRow]:
    part = f"cluster {name}"
    try:
        async with _connected(name, settings, machine) as cluster:
            await cluster.ping()
            answers = CheckRow(part, Grade.OK, "the API server answers")
            differs = _clock(part, cluster.clock.ahead)
            told_apart = [] if await cluster.tellable() else [_looks_like_any(part)]
            found = await cluster.capabilities()
            rights = await _rights(part, cluster, settings) if found.served else []
            return [answers, *differs, *told_apart, *_capabilities(part, found, rules), *rights]
    except Misconfigured as wrong:
        return [CheckRow(part, Grade.FAIL, str(wrong))]
    except Temporary as away:
        fix = "let the bot reach the API server of the kubeconfig"
        return [CheckRow(part, Grade.FAIL, away.what, fix)]
    except Permanent as refused:
        fix = "give the bot a kubeconfig or service account that the API server accepts"
        return [CheckRow(part, Grade.FAIL, f"refused ({refused.reason}): {refused.text}", fix)]


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
