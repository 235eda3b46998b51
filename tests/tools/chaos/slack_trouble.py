"""What Slack can do to a bot, and what people can do to its cards."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

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


PAGE = "<!DOCTYPE html><title>Sign in</title>"
ODD = (
    ("a page of a firewall", {"body": PAGE, "status": 403, "kind": "text/html"}),
    ("407 of a proxy", {"body": "", "status": 407}),
    ("a page, though it was done", {"body": PAGE, "applied": True}),
    ("nothing, though it was done", {"body": "", "applied": True}),
    ("null", {"body": "null"}),
    ("the answer as plain text", {"body": None, "kind": "text/plain"}),
    ("too fast, with 200", {"body": '{"ok":false,"error":"ratelimited"}'}),
)
LIES: tuple[dict[str, Any], ...] = (
    {"ok": "true"},
    {"ts": None, "user": [], "channel": "C", "messages": None, "members": {}},
    {"response_metadata": "none"},
)
CODES = (
    "restricted_action",
    "restricted_action_thread_locked",
    "restricted_action_read_only_channel",
    "no_permission",
    "ekm_access_denied",
    "msg_too_long",
    "a_code_of_tomorrow",
)


def _something_else(ground: Ground, rng: random.Random, method: str, skip: int) -> str:
    (what, given), times = rng.choice(ODD), rng.choice((1, 1, 2, 5))
    ground.world.slack.faults.instead(method, times=times, skip=skip, **given)
    return f": {times} times {what}"


def _a_lie(ground: Ground, rng: random.Random, method: str, skip: int) -> str:
    lie, times = rng.choice(LIES), rng.choice((1, 1, 2, 5))
    ground.world.slack.faults.lie(method, times=times, skip=skip, **lie)
    return f": {times} times {sorted(lie)}"


def _a_refusal(ground: Ground, rng: random.Random, method: str, skip: int) -> str:
    code, times = rng.choice(CODES), rng.choice((1, 1, 2, 5))
    ground.world.slack.faults.refuse(method, code, times=times, skip=skip)
    return f": {times} times {code}"


_slack("Slack is not what answers", _something_else, METHODS)
_slack("Slack lies about types", _a_lie, METHODS)
_slack("Slack refuses", _a_refusal, (*POSTS, "response_url", "conversations.open"))


@kind("Slack locks the threads of the channel")
async def _locked(ground: Ground, _: random.Random) -> str:
    ground.world.slack.faults.lock_threads(ground.stage.channel.id)
    return "for good"


RARE.add("Slack locks the threads of the channel")


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
