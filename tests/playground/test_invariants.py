"""The judge of the stories finds what must never happen: here the records are spoilt by hand."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest

from bot.playground.kubevirt.exchange import ApiCall
from bot.playground.kubevirt.server import BOT
from bot.playground.slack.workspace import Message
from bot.playground.stage import Stage, access, set_stage
from bot.playground.world import world
from bot.restore.effects import CONFIRMED_BY, REQUESTED_BY, RESTORE_ID
from tests.stories import acts
from tests.tools.invariants import Invariants

NAME = "pre-upgrade-snapshot"
NOT_THEIRS = "being the restore of who confirmed it"
NOT_TYPED = "the name typed by who confirmed it"
NOT_PRESSED = "their click on its confirm card after that"


def note(stage: Stage, key: str, value: str) -> None:
    """Write something else onto the object that was created."""
    [call] = stage.restores()
    assert call.body is not None
    call.body["metadata"]["annotations"][key] = value


def typed_by(stage: Stage, user: str) -> Message:
    """The reply with the name."""
    everything = stage.world.slack.workspace.everything()
    return next(each for each in everything if each.text == NAME and each.user == user)


def nobody_is_named(stage: Stage) -> None:
    """Neither who asked nor who confirmed."""
    note(stage, REQUESTED_BY, "")
    note(stage, CONFIRMED_BY, "")


def bob_typed_something_else(stage: Stage) -> None:
    """So that the only name is Alice's."""
    typed_by(stage, stage.bob.id).text = "something else"


def bob_typed_before_it_was_his(stage: Stage) -> None:
    """When Alice typed hers."""
    typed_by(stage, stage.bob.id).ts = typed_by(stage, stage.alice.id).ts


def nobody_accepted(stage: Stage) -> None:
    """The clicks never came."""
    sent = stage.world.slack.sent
    sent[:] = [each for each in sent if "vmr:accept" not in str(each.payload.get("actions"))]


SPOILT: dict[str, tuple[Callable[[Stage], None], list[str]]] = {
    "nothing": (lambda _: None, []),
    "one typed, another one clicked": (bob_typed_something_else, [NOT_TYPED, NOT_PRESSED]),
    "typed before the handover": (bob_typed_before_it_was_his, [NOT_TYPED, NOT_PRESSED]),
    "nobody accepted": (nobody_accepted, [NOT_THEIRS, NOT_TYPED, NOT_PRESSED]),
    "confirmed by who only typed": (
        lambda stage: note(stage, CONFIRMED_BY, stage.alice.id),
        [NOT_PRESSED],
    ),
    "confirmed by a stranger": (
        lambda stage: note(stage, CONFIRMED_BY, "U0NOBODY"),
        [NOT_THEIRS, NOT_TYPED, NOT_PRESSED],
    ),
    "confirmed by nobody": (
        nobody_is_named,
        [NOT_THEIRS, NOT_TYPED, NOT_PRESSED],
    ),
}


@pytest.mark.parametrize("case", SPOILT)
async def test_a_restore_that_nobody_confirmed_alone_is_found(
    case: str, tmp_path: Path, lent_redis: str
) -> None:
    """Alice typed the name and handed it over; Bob accepted, typed it and pressed the button."""
    spoil, missing = SPOILT[case]
    async with world(tmp_path, lent_redis=lent_redis) as made:
        invariants = Invariants(made)
        stage = await set_stage(made, running=False)
        made.config = access(stage.alice, stage.bob)
        await made.start_bot()
        await handed_over_and_restored(stage)
        await made.stop_bot()
        spoil(stage)
        [call] = stage.restores()
        assert invariants.judge(()) == [
            f"{call.name} was created without {what}" for what in missing
        ]


async def handed_over_and_restored(stage: Stage) -> None:
    """The story whose records are spoilt."""
    await acts.ask(stage)
    await acts.type_name(stage)
    await stage.reply(f"{stage.world.slack.mention} handoff @bob")
    await stage.press("Handoff offered", "Accept", by=stage.bob)
    await stage.until(lambda: stage.shown(acts.TYPE_IT) is not None, "a warning for Bob")
    await stage.world.quiet()
    await stage.reply(NAME, by=stage.bob)
    await stage.press(acts.READY, "Restore VM now", by=stage.bob)
    await stage.card(acts.RESTORED)


STOPPED_AGAIN = "database-01 was stopped at {at:%H:%M:%S} without a choice"
STARTED_AGAIN = "database-01 was started at {at:%H:%M:%S} without a click"
UNASKED = "the safety snapshot {name} of {restore} was taken without a click of its own"


async def test_what_was_done_twice_for_one_click_is_found(tmp_path: Path, lent_redis: str) -> None:
    """The bot's own account stops, starts and protects again, long after the clicks were used."""
    async with world(
        tmp_path, lent_redis=lent_redis, config={"rules": {"protect_by_default": True}}
    ) as made:
        invariants = Invariants(made)
        stage = await set_stage(made, running=True)
        await made.start_bot()
        await acts.ask(stage)
        await stage.press(acts.MUST_STOP, "Stop and restore")
        await acts.confirm(stage)
        await stage.press(acts.RESTORED, "Start VM")
        await stage.card("started by")
        assert invariants.judge(()) == []
        [stopped, taken, _, started] = acts.changes(stage)
        await made.pass_time(60)
        again = [await repeated(stage, call) for call in (stopped, started, stopped)]
        assert taken.body is not None
        taken.body["metadata"]["name"] += "-again"
        await repeated(stage, taken)
        await made.stop_bot()
        taken_again = UNASKED.format(
            name=taken.body["metadata"]["name"],
            restore=taken.body["metadata"]["labels"][RESTORE_ID],
        )
        assert invariants.judge(()) == [
            STOPPED_AGAIN.format(at=again[0]),
            STOPPED_AGAIN.format(at=again[2]),
            STARTED_AGAIN.format(at=again[1]),
            taken_again,
        ]


async def repeated(stage: Stage, call: ApiCall) -> datetime:
    """The same request once more, and a while for it; when it was sent."""
    kube = stage.world.kube
    headers = {"Authorization": f"Bearer {kube.authorizer.accounts[BOT].token}"}
    at = stage.world.clock.now()
    async with (
        aiohttp.ClientSession(kube.url, headers=headers) as session,
        session.request(call.method, call.path, json=call.body) as answer,
    ):
        assert answer.status < 300, await answer.text()
    await stage.world.pass_time(60)
    return at
