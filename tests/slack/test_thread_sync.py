"""What a round says to Slack, by what is known of the cards and what Slack answers.

A thread of two cards stands already: the request, which only follows what goes on, and the question for
the name. Each row changes what is known of them, or what Slack does, and lets the thread be shown again.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from bot.clock import FarClock
from bot.metrics import Metrics
from bot.playground.clock import HandClock
from bot.playground.slack import SlackSim
from bot.playground.slack.faults import Faults
from bot.playground.slack.workspace import Channel, Message
from bot.restore.model import Restore
from bot.restore.thread import ThreadRef
from bot.slack.api.client import SlackApi
from bot.slack.api.network import Network, WebClient
from bot.slack.outbound.thread_sync import SyncResult, ThreadSync
from bot.store.records import PostedCard
from tests.restore import play as p

REQUEST, QUESTION = "request.1", "warning.2"
POST, EDIT = "chat.postMessage", "chat.update"
SEARCH = "conversations.replies"
UNKNOWN = PostedCard(ts=None, digest="")
A_LEASE = timedelta(seconds=25)


@dataclass
class Scene:
    """A restore that asks for the name, and its thread."""

    slack: SlackSim
    channel: Channel
    clock: HandClock
    sync: ThreadSync
    restore: Restore
    shown: dict[str, PostedCard]

    async def show(self, *, search: bool = False, late: bool = False) -> SyncResult:
        """One round; what it learns is kept for the next one."""
        until = self.clock.now() + (timedelta() if late else A_LEASE)
        done = await self.sync.show(self.restore, self.shown, search=search, until=until)
        self.shown |= done.shown
        return done

    def differs(self, *keys: str) -> None:
        """What these cards say is not what they should."""
        for key in keys:
            self.shown[key] = PostedCard(self.shown[key].ts, "another")

    @property
    def standing(self) -> list[str]:
        """The cards that stand in the channel."""
        return [
            str(message.metadata["event_payload"]["card"])
            for message in self.channel.messages
            if message.metadata and not message.deleted
        ]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """Both cards are posted."""
    clock = HandClock()
    slack = SlackSim(clock)
    channel = slack.channel("ops", slack.person("alice"))
    await slack.start()
    network = Network()
    async with network.session() as session:
        client = WebClient(slack.bot_token, slack.api_url, network, session)
        sync = ThreadSync(SlackApi(client, Metrics(), FarClock(clock)), clock)
        where = ThreadRef(team="T0TEAM", channel=channel.id, thread=None, own_thread=True)
        made = Scene(slack, channel, clock, sync, p.typing(thread_ref=where).restore, {})
        first = await made.show()
        assert made.standing == [REQUEST, QUESTION]
        where = where.model_copy(update={"thread": first.root})
        made.restore = made.restore.model_copy(update={"thread_ref": where})
        yield made
        await slack.stop()


@dataclass(frozen=True)
class Row:
    """What is so, and what comes of it."""

    calls: list[str]
    """To Slack, by method."""
    known: Callable[[Scene], None] = lambda _: None
    fault: Callable[[Faults], None] = lambda _: None
    search: bool = False
    late: bool = False
    standing: tuple[str, ...] = (REQUEST, QUESTION)
    again: float | None = None
    """Seconds until the next round is due."""
    gone: str | None = None


def _refuses(method: str, code: str) -> Callable[[Faults], None]:
    return lambda faults: faults.refuse(method, code)


def _instead(faults: Faults, **answer: Any) -> None:
    faults.instead(POST, **answer)


def _forget_the_question(scene: Scene) -> None:
    del scene.shown[QUESTION]


def _never_posted(scene: Scene) -> None:
    _forget_the_question(scene)
    scene.channel.messages[-1].deleted = True


def _unanswered(scene: Scene) -> None:
    scene.shown[QUESTION] = UNKNOWN


def _question_deleted(scene: Scene) -> None:
    scene.differs(QUESTION)
    scene.channel.messages[-1].deleted = True


def _both_differ(scene: Scene) -> None:
    scene.differs(REQUEST, QUESTION)


PAGE = "<html>Log in</html>"

ROWS = {
    "all as it should be": Row([]),
    "one differs": Row([EDIT], lambda s: s.differs(REQUEST)),
    "one is new": Row([POST], _never_posted),
    "one is new, and the worker before was cut off": Row(
        [SEARCH, POST], _never_posted, search=True
    ),
    "it stands already": Row([SEARCH, EDIT], _forget_the_question, search=True),
    "its post had no answer": Row([SEARCH, EDIT], _unanswered),
    "no lease any more": Row([], _both_differ, late=True, again=0),
    "the post is put off": Row(
        [POST],
        _never_posted,
        lambda f: f.rate_limit(POST, 30),
        standing=(REQUEST,),
        again=30,
    ),
    "the post is put off without a 429": Row(
        [POST],
        _never_posted,
        _refuses(POST, "ratelimited"),
        standing=(REQUEST,),
        again=5,
    ),
    "the answer to the post is lost": Row(
        [POST], _never_posted, lambda f: f.drop_after(POST), again=3
    ),
    **{
        f"the post is answered by {who}, who did not pass it on": Row(
            [POST],
            _never_posted,
            partial(_instead, body=PAGE, status=status, kind="text/html"),
            standing=(REQUEST,),
            again=3,
        )
        for who, status in (("a proxy", 407), ("a firewall", 403), ("a portal", 302))
    },
    **{
        f"the answer to the post arrives as {what}": Row(
            [POST], _never_posted, partial(_instead, body=body, applied=True), again=3
        )
        for what, body in (("a page", PAGE), ("nothing", ""), ("null", "null"), ("a list", "[1]"))
    },
    "the answer to the post is labelled wrongly": Row(
        [POST], _never_posted, lambda f: f.instead(POST, None, kind="text/plain")
    ),
    **{
        f"the answer to the post lies: {lies}": Row(
            [POST], _never_posted, partial(Faults.lie, method=POST, **lies), again=3
        )
        for lies in ({"ts": None}, {"ts": 1.5}, {"ok": "true"})
    },
    "Slack is away after the first": Row(
        [EDIT, EDIT], _both_differ, lambda f: f.fail(EDIT, 500, skip=1), again=3
    ),
    "the channel is archived": Row(
        [POST],
        _never_posted,
        _refuses(POST, "is_archived"),
        standing=(REQUEST,),
        gone="is_archived",
    ),
    **{
        f"Slack does not take the blocks: {code}": Row(
            [POST, POST], _never_posted, _refuses(POST, code)
        )
        for code in ("msg_too_long", "invalid_blocks", "msg_blocks_too_long")
    },
    "the question was deleted": Row([EDIT, POST], _question_deleted),
    "what only follows may not be edited": Row(
        [EDIT], lambda s: s.differs(REQUEST), _refuses(EDIT, "edit_window_closed")
    ),
    **{
        f"the question may not be edited: {code}": Row(
            [EDIT, POST],
            lambda s: s.differs(QUESTION),
            _refuses(EDIT, code),
            standing=(REQUEST, QUESTION, QUESTION),
        )
        for code in ("restricted_action", "cant_update_message")
    },
}


@pytest.mark.parametrize("name", ROWS)
async def test_a_thread_is_made_to_match(name: str, scene: Scene) -> None:
    row = ROWS[name]
    row.known(scene)
    row.fault(scene.slack.faults)
    before = len(scene.slack.log)
    done = await scene.show(search=row.search, late=row.late)
    assert [call.method for call in scene.slack.log[before:]] == row.calls
    assert tuple(scene.standing) == row.standing
    wait = None if done.again is None else (done.again - scene.clock.now()).total_seconds()
    assert (wait, done.gone) == (row.again, row.gone)
    scene.slack.faults.clear()
    if row.gone is None:
        # The next round ends it: nothing is left to be said, and nothing stands there twice.
        await scene.show()
        before = len(scene.slack.log)
        assert (await scene.show()).again is None
        assert len(scene.slack.log) == before
        assert set(scene.standing) == {REQUEST, QUESTION}
        assert scene.standing == [*row.standing, QUESTION][: max(2, len(row.standing))]


async def test_the_first_card_is_the_thread_of_those_after_it(scene: Scene) -> None:
    root, question = scene.channel.messages
    assert question.thread_ts == root.ts == scene.restore.thread_ref.thread


async def test_a_long_thread_at_fifteen_messages_a_minute(scene: Scene) -> None:
    """The pages that Slack has told stay read; the card on the last one is found, not posted again."""
    alice = next(iter(scene.slack.workspace.users.values()))
    root = scene.channel.messages[0].ts
    _never_posted(scene)
    for number in range(40):
        ts = scene.slack.workspace.next_ts()
        said = Message(scene.channel, ts, alice, f"number {number}", thread_ts=root)
        scene.slack.workspace.post(said)
    await scene.show()
    _unanswered(scene)
    scene.slack.limits.unlisted = True
    for _ in range(20):
        if (done := await scene.show()).again is None:
            break
        scene.clock.advance((done.again - scene.clock.now()).total_seconds())
    assert scene.standing == [REQUEST, QUESTION]
    assert scene.shown[QUESTION].ts == scene.channel.messages[-1].ts
    read = [
        call.args.get("cursor") for call in scene.slack.log if call.method == SEARCH and call.ok
    ]
    assert read == [None, "next:15", "next:30"]


async def test_a_search_whose_place_slack_has_forgotten(scene: Scene) -> None:
    """It begins anew."""
    _unanswered(scene)
    scene.slack.limits.unlisted = True
    for number in range(20):
        bob = scene.slack.person(f"bob-{number}").user
        ts, root = scene.slack.workspace.next_ts(), scene.channel.messages[0].ts
        scene.slack.workspace.post(Message(scene.channel, ts, bob, "hm", thread_ts=root))
    await scene.show()
    scene.slack.faults.refuse(SEARCH, "invalid_cursor")
    for _ in range(20):
        scene.clock.advance(60)
        if (await scene.show()).again is None:
            break
    assert scene.standing == [REQUEST, QUESTION]
