"""The demo: a whole world on this machine, and two stories told in a channel, live.

The stories are the ones that matter: a restore of a running VM that somebody asks for in the middle
of an incident, and a restore that is stopped by a wrong name.
"""

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from bot import telemetry
from bot.clock import Clock
from bot.playground.loopback import must_reach_itself
from bot.playground.narrator import Narrator
from bot.playground.stage import Stage, access, set_stage
from bot.playground.world import World, world

PATIENCE = 60.0
"""Real seconds that the demo waits for any one thing."""
TYPE_IT = "type the snapshot name exactly as shown"


async def play(*, out: TextIO) -> int:
    """Tell the stories; the process's exit code."""
    telemetry.set_up("warning", "console")
    must_reach_itself()
    with tempfile.TemporaryDirectory(prefix="vm-restore-demo-") as directory:
        async with world(Path(directory), clock=Clock()) as made:
            return await _play(made, out=out)


async def _play(made: World, *, out: TextIO) -> int:
    taken = made.clock.now() - timedelta(hours=6, minutes=30)
    stage = await set_stage(made, running=True, taken=taken)
    made.config = access(stage.alice, stage.bob, on_call=(stage.bob,))
    narrator = Narrator(stage, out)
    await made.start_bot()
    following = asyncio.create_task(narrator.follow())
    try:
        await _restore(stage, narrator)
        await _wrong_name(stage, narrator)
        narrator.say(_summary(stage))
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    return 0


async def _restore(stage: Stage, narrator: Narrator) -> None:
    """A running VM, a forgotten namespace, both confirmations, and the restore."""
    narrator.say("Story 1: a failed upgrade. Alice asks in #incidents and forgets the namespace.")
    mention = stage.world.slack.mention
    stage.thread = await stage.alice.say(
        stage.channel,
        f"{mention} The database upgrade failed. "
        "Restore database-01 from snapshot pre-upgrade-snapshot",
    )
    await _reply(stage, narrator, "Which namespace", "production")
    await _press(stage, narrator, "VM Must Be Stopped Before Restore", "Stop and restore")
    await _reply(stage, narrator, TYPE_IT, "pre-upgrade-snapshot")
    await _press(stage, narrator, "Proceed with VM restore?", "Restore VM now")
    await _press(stage, narrator, "VM Restored Successfully", "Start VM")
    await stage.card("started by", within=PATIENCE)


async def _reply(stage: Stage, narrator: Narrator, asked: str, text: str) -> None:
    """Alice answers a card that has been told."""
    await stage.card(asked, within=PATIENCE)
    narrator.tell()
    await stage.reply(text)


async def _press(stage: Stage, narrator: Narrator, asked: str, label: str) -> None:
    """Alice presses a button, which leaves no message of its own in a channel."""
    card = await stage.card(asked, within=PATIENCE)
    narrator.say(f"Alice presses [{label}].")
    await stage.alice.click(card, label)


async def _wrong_name(stage: Stage, narrator: Narrator) -> None:
    """The wrong name: nothing happens."""
    narrator.say("Story 2: Alice types another name than the one that is asked for.")
    await stage.alice.slash(stage.channel, "/vm-restore web-01 from before-release in production")
    await stage.card(TYPE_IT, within=PATIENCE)
    cards = [card for card in stage.cards() if "web-01" in stage.read(card)]
    stage.thread = next(card for card in cards if not card.is_reply)
    await _reply(stage, narrator, TYPE_IT, "pre-upgrade-snapshot")
    await stage.card("You typed", within=PATIENCE)


def _summary(stage: Stage) -> str:
    made = [call.name for call in stage.restores()]
    return (
        f"The cluster was asked for {len(made)} restore: {', '.join(map(str, made))}. "
        "The second story asked it for none."
    )
