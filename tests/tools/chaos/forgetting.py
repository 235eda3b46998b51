"""Redis forgets what it acknowledged: the last seconds, what was done since a backup, or everything."""

import random
from contextlib import suppress
from datetime import timedelta
from functools import partial

from bot.playground.kubevirt.problems import ApiError
from tests.tools.chaos.ground import Ground
from tests.tools.chaos.kinds import kind
from tests.tools.chaos.memories import Copy
from tests.tools.chaos.plan import NAMESPACE, VM

SECONDS, BACKUP, EMPTIED = (
    "Redis loses the last seconds",
    "Redis is put back to an older state",
    "Redis is emptied",
)
USED = 6.0
"""Seconds for which a VM was used when a backup comes back."""
OF_COPIES = frozenset({SECONDS, BACKUP})
"""Kinds that put a copy back."""


@kind(SECONDS)
async def _seconds(ground: Ground, rng: random.Random) -> str | None:
    """A replica takes over that had not got them yet."""
    seconds = rng.choice((1, 1, 2, 3, 5, 8))
    limit = ground.clock.now() - timedelta(seconds=seconds)
    older = [each for each in ground.memories.copies if each.since <= limit]
    return await _put_back(ground, older[-1]) if older else None


@kind(BACKUP)
async def _older(ground: Ground, rng: random.Random) -> str | None:
    """A copy of any state comes back now; or the one of just now later, also when all have left.

    The bot may have been without Redis for minutes meanwhile, and the VM may be in use again.
    """
    await ground.memories.keep()
    copies, away = ground.memories.copies, rng.choice((0, 0, 60, 240, 700))
    if not copies:
        return None
    if rng.random() < 0.4:
        return await _put_back(ground, rng.choice(copies), away)
    seconds, used = rng.choice((15.0, 30.0, 60.0)), rng.random() < 0.6
    if used:
        ground.later(seconds - USED, partial(_started, ground))
    ground.later(seconds, partial(_later, ground, copies[-1], away))
    meanwhile = ", the VM is started meanwhile" if used else ""
    return f"what it holds now comes back {seconds:.0f} s later{meanwhile}"


def _started(ground: Ground) -> None:
    """By hand, if it can be started just then."""
    with suppress(ApiError):
        ground.world.kube.people.start(NAMESPACE, VM)


async def _later(ground: Ground, copy: Copy, away: int) -> None:
    said = await _put_back(ground, copy, away)
    ground.note(f"{BACKUP}: {said}")


@kind(EMPTIED)
async def _emptied(ground: Ground, _: random.Random) -> str | None:
    """Or a new one without its data."""
    return "all of it" if await ground.memories.put_back(None) else None


async def _put_back(ground: Ground, copy: Copy, away: int = 0) -> str | None:
    ground.clock.jump(away)
    age = (ground.clock.now() - copy.at).total_seconds()
    done = await ground.memories.put_back(copy)
    return f"to what it was {age:.0f} s ago" if done else None
