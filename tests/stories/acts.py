"""What the people of the stories do again and again, and what the cluster was asked for.

An act takes a stage and returns when the card that it leads to stands there.
"""

from collections.abc import Awaitable, Callable

from bot.playground.kubevirt.exchange import ApiCall
from bot.playground.slack import Person
from bot.playground.slack.workspace import Message
from bot.playground.stage import Stage
from bot.store import connect
from bot.store.keys import Keys

REQUEST = "/vm-restore database-01 from pre-upgrade-snapshot in production"
TYPE_IT = "type the snapshot name exactly as shown"
READY = "Proceed with VM restore?"
RESTORED = "VM Restored Successfully"
MUST_STOP = "How would you like to proceed?"
ANY_NUMBER = {"limits": {"open_per_person": 0, "open_per_namespace": 0}}
"""Settings with which any number of restores may be open."""

Act = Callable[[Stage], Awaitable[object]]

_CHANGES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


async def ask(stage: Stage, line: str = REQUEST) -> None:
    """Alice asks by slash command."""
    await stage.alice.slash(stage.channel, line)


async def to_the_warning(stage: Stage, line: str = REQUEST) -> Message:
    """Ask, up to the card that wants the name typed."""
    await ask(stage, line)
    return await stage.card(TYPE_IT)


async def ask_and_stop(stage: Stage) -> None:
    """Ask for a restore of the running VM, and let it be stopped."""
    await ask(stage)
    await stage.press(MUST_STOP, "Stop and restore")


async def type_name(
    stage: Stage, name: str = "pre-upgrade-snapshot", by: Person | None = None
) -> Message:
    """Type the name when it is asked for; the card with the button."""
    await stage.card(TYPE_IT)
    await stage.reply(name, by=by)
    return await stage.card(READY)


async def to_the_button(stage: Stage) -> Message:
    """Ask and type the name, up to the card with the button."""
    await ask(stage)
    return await type_name(stage)


async def press_restore(stage: Stage, by: Person | None = None) -> None:
    """Press the button that restores."""
    await stage.press(READY, "Restore VM now", by=by)


async def confirm(
    stage: Stage, name: str = "pre-upgrade-snapshot", by: Person | None = None
) -> None:
    """Both confirmations, as soon as they are asked for."""
    await type_name(stage, name, by)
    await press_restore(stage, by)


async def finish(
    stage: Stage, name: str = "pre-upgrade-snapshot", by: Person | None = None
) -> None:
    """Both confirmations, and the good end."""
    await confirm(stage, name, by)
    await stage.card(RESTORED)


async def ask_and_confirm(stage: Stage, line: str = REQUEST) -> None:
    """A restore of a stopped VM, up to and with the last click."""
    await ask(stage, line)
    await confirm(stage)


async def ask_and_finish(stage: Stage, line: str = REQUEST) -> None:
    """A restore of a stopped VM, from the request to its good end."""
    await ask(stage, line)
    await finish(stage)


async def handed_over(stage: Stage) -> None:
    """The cluster has the restore object, and the thread shows it as far as it has come."""
    await stage.until(stage.restores, "the restore is created")
    await stage.world.quiet()


def changes(stage: Stage) -> list[ApiCall]:
    """Every request that asked the cluster to change something; dry runs and events change nothing."""
    return [
        call
        for call in stage.world.kube.log
        if call.verb in _CHANGES and not call.dry_run and not _changes_nothing(call)
    ]


def _changes_nothing(call: ApiCall) -> bool:
    """A question about rights, or what is told on a VM."""
    return call.group == "authorization.k8s.io" or call.resource == "events"


def sent(stage: Stage) -> list[str]:
    """The same in short: "update virtualmachines/stop"."""
    return [
        f"{call.verb} {call.resource}{'/' if call.subresource else ''}{call.subresource}"
        for call in changes(stage)
    ]


def spec_of(call: ApiCall) -> dict[str, object]:
    """What a create asked for."""
    assert call.body is not None
    spec: dict[str, object] = call.body["spec"]
    return spec


def vm_is(stage: Stage, status: str, name: str = "database-01") -> bool:
    """Does the cluster call the VM so?"""
    vm = stage.world.kube.storage.get("virtualmachines", "production", name)
    return bool(vm["status"].get("printableStatus") == status)


def live(stage: Stage, name: str = "database-01") -> bool:
    """Is there a VMI?"""
    return stage.world.kube.storage.find("virtualmachineinstances", "production", name) is not None


async def break_the_claims(stage: Stage) -> None:
    """A part of the store has another shape than any release gave it: no new restore can be kept."""
    async with connect(stage.world.redis_url) as client:
        await client.set(Keys(stage.world.slack.team_id).claims, "not a hash")


async def repair_the_claims(stage: Stage) -> None:
    """Away with it."""
    async with connect(stage.world.redis_url) as client:
        await client.delete(Keys(stage.world.slack.team_id).claims)
