"""What Slack can do to a bot, and what people can do to its cards."""

import random
from collections.abc import Callable
from functools import partial

from tests.tools.chaos.ground import Ground
from tests.tools.chaos.kinds import RARE, kind

POSTS = ("chat.postMessage", "chat.postMessage", "chat.update", "chat.postEphemeral")
READS = ("users.info", "conversations.info", "conversations.replies", "chat.getPermalink")
METHODS = (*POSTS, "response_url", "views.open", "views.publish", "conversations.open", *READS)


def _slack(
    name: str, arm: Callable[[Ground, random.Random, str, int], str], methods: tuple[str, ...]
) -> None:
    """A kind that hits one of the next calls of a method."""

    @kind(name)
    async def does(ground: Ground, rng: random.Random) -> str | None:
        method, skip = rng.choice(methods), rng.choice((0, 0, 1, 2, 3, 5))
        return f"{method}, after {skip} that go well{arm(ground, rng, method, skip)}"


def _too_fast(ground: Ground, rng: random.Random, method: str, skip: int) -> str:
    wait, times = rng.choice((1, 3, 10, 30)), rng.choice((1, 1, 2, 4))
    ground.world.slack.faults.rate_limit(method, wait, times=times, skip=skip)
    return f": {times} times, retry after {wait} s"


def _fails(status: int) -> Callable[[Ground, random.Random, str, int], str]:
    def arm(ground: Ground, rng: random.Random, method: str, skip: int) -> str:
        times = rng.choice((1, 1, 2, 5))
        ground.world.slack.faults.fail(method, status, times=times, skip=skip)
        return f": {times} times"

    return arm


def _done_unheard(ground: Ground, _: random.Random, method: str, skip: int) -> str:
    ground.world.slack.faults.drop_after(method, skip=skip)
    return ""


def _not_done(ground: Ground, _: random.Random, method: str, skip: int) -> str:
    ground.world.slack.faults.drop_before(method, skip=skip)
    return ""


def _answers_late(ground: Ground, rng: random.Random, method: str, skip: int) -> str:
    wait = rng.choice((2.0, 8.0, 20.0, 30.0))
    ground.world.slack.faults.delay(method, wait, skip=skip)
    return f": by {wait:.0f} s"


_slack("Slack answers 429", _too_fast, METHODS)
_slack("Slack answers 500", _fails(500), METHODS)
_slack("Slack answers 503", _fails(503), METHODS)
_slack("Slack does it, the answer is lost", _done_unheard, POSTS)
_slack("Slack breaks the connection", _not_done, METHODS)
_slack("Slack answers late", _answers_late, METHODS)


@kind("Slack delivers twice")
async def _twice(ground: Ground, rng: random.Random) -> str:
    times = rng.choice((1, 2, 4))
    ground.world.slack.faults.duplicate_delivery(times)
    return f"the next {times}"


@kind("Slack delivers late")
async def _late(ground: Ground, rng: random.Random) -> str:
    wait, times = rng.choice((0.5, 5.0, 30.0)), rng.choice((1, 2))
    ground.world.slack.faults.delay_delivery(wait, times)
    return f"the next {times} by {wait} s"


@kind("Slack loses a delivery")
async def _lost(ground: Ground, _: random.Random) -> str:
    ground.world.slack.faults.lose_delivery()
    return "the next one"


@kind("Slack swaps deliveries")
async def _swapped(ground: Ground, rng: random.Random) -> str:
    faults, seconds = ground.world.slack.faults, rng.choice((5.0, 20.0))
    faults.swap = True
    ground.later(seconds, partial(setattr, faults, "swap", False))
    return f"for {seconds:.0f} s"


@kind("Slack redelivers clicks")
async def _redelivers(ground: Ground, _: random.Random) -> str:
    ground.world.slack.faults.redeliver_interactions = True
    return "from now on"


@kind("Slack drops the sockets")
async def _sockets(ground: Ground, rng: random.Random) -> str:
    if rng.random() < 0.5:
        ground.world.slack.drop_sockets()
        return "now"
    ground.world.slack.faults.drop_socket_on_delivery()
    return "on the next delivery"


@kind("Slack sends disconnect")
async def _disconnects(ground: Ground, rng: random.Random) -> str:
    why = rng.choice(("warning", "refresh_requested", "link_disabled"))
    await ground.world.slack.disconnect(why)
    return why


@kind("somebody deletes a card")
async def _card_goes(ground: Ground, rng: random.Random) -> str | None:
    cards = ground.stage.cards()
    if not cards:
        return None
    card = rng.choice(cards[-3:])
    await ground.world.slack.remove(card)
    return f"{(card.metadata or {}).get('event_payload')}"


RARE.add("the bot is thrown out of the channel")


@kind("the bot is thrown out of the channel")
async def _thrown_out(ground: Ground, _: random.Random) -> str | None:
    if not ground.stage.channel.has(ground.world.slack.workspace.bot):
        return None
    ground.world.slack.remove_bot(ground.stage.channel)
    return "for good"
