"""What the dispatcher decides from documents: which restore a reply answers, and what is said back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.request import ParsedRequest, Verb, parse_sentence
from bot.restore.events import Button, Event, Reply, Typed
from bot.restore.model import Phase, Restore
from bot.restore.thread import UserId
from bot.slack import views
from bot.slack.context import RequestLimits
from bot.slack.deliveries import ButtonClicked, MessageReceived
from bot.slack.handlers.apply_event import Applied, NotYet
from bot.slack.handlers.conversation_changes import ConversationChanges
from bot.slack.inbound.dispatcher import Dispatcher, _expects, _is_command, _request
from bot.slack.outbound.replies import Caller
from bot.store.records import PostedCard, Record
from tests.restore import play as p
from tests.restore.ground import NOW, SNAPSHOT_NAME
from tests.restore.play import OTHER, OWNER, REQUEST, Play

CALLER = Caller(OWNER, "C0OPS", "1.1", None)
NOTHING: Any = None
"""A part that is not reached."""


@dataclass
class Parts:
    """The store, the steps and the answers, as far as these decisions need them."""

    here: tuple[Restore, ...] = ()
    everywhere: tuple[Restore, ...] = ()
    shown: Mapping[str, PostedCard] = field(default_factory=dict)
    answer: Reply | None = None
    doubted: list[tuple[str, str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    async def in_thread(self, channel: str, thread: str) -> tuple[Record, ...]:
        """The restores of the caller's thread."""
        assert (channel, thread) == (CALLER.channel, CALLER.thread)
        return tuple(Record(each, self.shown) for each in self.here)

    async def live(self) -> tuple[Restore, ...]:
        """All restores that have not ended."""
        return self.everywhere

    async def load(self, id_: str) -> Record | None:
        """One of the thread."""
        found = next((each for each in self.here if each.id == id_), None)
        return Record(found, self.shown) if found else None

    @property
    def queue(self) -> "Parts":
        """The part of the store that invalidates cards."""
        return self

    async def invalidate_card(self, id_: str, card: str, ts: str) -> None:
        """Note what is to be looked for."""
        self.doubted.append((id_, card, ts))

    async def apply(self, restore: Restore, _event: Event) -> Applied:
        """The answer of the state machine."""
        return Applied(self.answer, restore)

    async def apply_reply(self, record: Record, _typed: Typed) -> Applied:
        """The same for a typed reply."""
        return Applied(self.answer, record.restore)

    async def reply(self, _caller: Caller, said: str) -> None:
        """Note what is said."""
        self.said.append(said)

    async def try_reply(self, caller: Caller, said: str) -> bool:
        """The same."""
        await self.reply(caller, said)
        return True


def dispatcher(parts: Any) -> Dispatcher:
    """A dispatcher on these parts."""
    context: Any = SimpleNamespace(
        store=parts,
        authorizer=NOTHING,
        responder=parts,
        config=SimpleNamespace(requests=RequestLimits(0, 0)),
        metrics=NOTHING,
        inquire={},
        clock=NOTHING,
        web=NOTHING,
    )
    made = Dispatcher(
        context,
        requests=NOTHING,
        pickers=NOTHING,
        forms=NOTHING,
        homes=NOTHING,
        handoffs=NOTHING,
    )
    made._steps = parts
    return made


def reply(typed: str, *, bot_thread: bool = False) -> MessageReceived:
    """A reply of the owner in the caller's thread."""
    return MessageReceived(
        user=OWNER,
        channel="C0OPS",
        thread="1.1",
        ts="9.1",
        bot_thread=bot_thread,
        typed=typed,
        plain=True,
        spoken=typed,
        addressed=False,
        words=False,
    )


def named(name: str, played: Play, **changes: Any) -> Restore:
    """The restore under another id."""
    return played.restore.model_copy(update={"id": name, **changes})


# Which restore a reply answers

TYPING = named("typing", p.typing())
OTHER_NAME = named(
    "other-name", p.typing(), request=REQUEST.model_copy(update={"snapshot": "other-snapshot"})
)
CHOICE = named("choice", p.stop_choice())
CHECKING = named("checking", p.play())
ENDED = named("ended", p.cancelled())
DONE = named("done", p.succeeded())
THEIRS = named("theirs", p.typing(), owner=OTHER)

# restores of the thread, what is typed -> the id that it answers
ASKED: dict[str, tuple[tuple[Restore, ...], str, str | None]] = {
    "an empty thread": ((), SNAPSHOT_NAME, None),
    "the one restore": ((TYPING,), "anything", "typing"),
    "somebody else's": ((THEIRS,), "cancel", None),
    "somebody else's, with the right name": ((THEIRS,), SNAPSHOT_NAME, None),
    "one's own beside somebody else's right name": (
        (OTHER_NAME, THEIRS),
        SNAPSHOT_NAME,
        "other-name",
    ),
    "an ended one": ((ENDED,), "cancel", None),
    "a successful one": ((DONE,), "cancel", None),
    "a live one before an ended one": ((TYPING, ENDED), "cancel", "typing"),
    "one that is checked, beside ended ones": ((DONE, CHECKING, ENDED), "cancel", "checking"),
    "one that asks before one that does not": ((CHECKING, TYPING), "cancel", "typing"),
    "one that does not ask, alone": ((CHECKING,), "cancel", "checking"),
    "the one whose name is typed": ((TYPING, OTHER_NAME), "other-snapshot", "other-name"),
    "the one whose name is typed, the other way round": (
        (OTHER_NAME, TYPING),
        "other-snapshot",
        "other-name",
    ),
    "the one whose choice is typed": ((TYPING, CHOICE), "stop-and-restore", "choice"),
}


@pytest.mark.parametrize("case", ASKED)
async def test_which_restore_a_reply_may_answer(case: str) -> None:
    here, typed, answered = ASKED[case]
    found = await dispatcher(Parts(here=here))._asked_of(CALLER, reply(typed))
    assert (found.restore.id if found else None) == answered


async def test_of_several_that_ask_the_newest_question_is_answered() -> None:
    def asked(name: str, opened: datetime) -> Restore:
        *cards, question = TYPING.cards
        moved = question.model_copy(update={"opened_at": opened})
        return TYPING.model_copy(update={"id": name, "cards": (*cards, moved)})

    old, new = asked("old", NOW), asked("new", NOW + timedelta(seconds=1))
    for here in ((old, new), (new, old)):
        found = await dispatcher(Parts(here=here))._asked_of(CALLER, reply("x"))
        assert found is not None
        assert found.restore == new


async def test_what_is_not_said_in_a_thread_answers_nothing() -> None:
    outside = Caller(OWNER, "C0OPS", None, None)
    assert await dispatcher(Parts(here=(TYPING,)))._asked_of(outside, reply("x")) is None


def elsewhere(channel: str, thread: str | None, owner: UserId = OWNER) -> Restore:
    """A live restore with this thread."""
    thread_ref = TYPING.thread_ref.model_copy(update={"channel": channel, "thread": thread})
    return TYPING.model_copy(update={"thread_ref": thread_ref, "owner": owner})


# live restores -> does a reply in a thread of the bot that is not known yet wait for them?
WAITED_FOR: dict[str, tuple[Restore, bool]] = {
    "its thread is being begun": (elsewhere("C0OPS", None), True),
    "its thread was just written down": (elsewhere("C0OPS", "1.1"), True),
    "its channel got another id": (elsewhere("C0OLD", "1.1"), True),
    "another thread of the channel": (elsewhere("C0OPS", "2.2"), False),
    "a thread that is being begun elsewhere": (elsewhere("C0ELSE", None), False),
    "somebody else's that is being begun": (elsewhere("C0OPS", None, OTHER), False),
}


@pytest.mark.parametrize("case", WAITED_FOR)
async def test_a_reply_in_a_thread_of_the_bot_waits_for_what_is_known_of_it(case: str) -> None:
    restore, waits = WAITED_FOR[case]
    heard = reply("x", bot_thread=True)
    asking = dispatcher(Parts(everywhere=(restore,)))
    if waits:
        with pytest.raises(NotYet):
            await asking._asked_of(CALLER, heard)
    else:
        assert await asking._asked_of(CALLER, heard) is None


@pytest.mark.parametrize("here", [(TYPING,), (THEIRS,), (ENDED,)])
async def test_a_thread_that_is_known_is_not_waited_for(here: tuple[Restore, ...]) -> None:
    parts = Parts(here=here, everywhere=(elsewhere("C0OPS", None),))
    await dispatcher(parts)._asked_of(CALLER, reply("x", bot_thread=True))


async def test_a_thread_that_people_began_is_not_waited_for() -> None:
    parts = Parts(everywhere=(elsewhere("C0OPS", None),))
    assert await dispatcher(parts)._asked_of(CALLER, reply("x")) is None


# The very words, and commands

EXPECTED: list[tuple[Callable[[], Play], str, bool]] = [
    (p.typing, SNAPSHOT_NAME, True),
    (p.typing, SNAPSHOT_NAME.upper(), False),
    (p.typing, f"{SNAPSHOT_NAME} ", False),
    (p.typing, "stop-and-restore", False),
    (p.stop_choice, "stop-and-restore", True),
    (p.stop_choice, "Stop-And-Restore", True),
    (p.stop_choice, SNAPSHOT_NAME, False),
    (p.confirming, SNAPSHOT_NAME, False),
    (p.play, SNAPSHOT_NAME, False),
    (p.gathering, SNAPSHOT_NAME, False),
]


@pytest.mark.parametrize(("state", "typed", "expected"), EXPECTED)
def test_the_very_words_that_a_card_asks_for(
    state: Callable[[], Play], typed: str, expected: bool
) -> None:
    assert _expects(state().restore, typed) is expected


EVERYWHERE = (Phase.GATHERING, Phase.CHECKING, Phase.STOP_CHOICE, Phase.TYPING, Phase.CONFIRMING)
NOT_A_NAME = (Phase.CHECKING, Phase.STOP_CHOICE, Phase.CONFIRMING)
# what is said to the bot by name -> the phases in which it is a command
COMMANDS: dict[str, tuple[Phase, ...]] = {
    "status": EVERYWHERE,
    "cancel": EVERYWHERE,
    "please list snapshots": EVERYWHERE,
    "statsu": NOT_A_NAME,
    "halp": NOT_A_NAME,
    "listt snapshots": NOT_A_NAME,
    "cancle": (),
    "cancle it": (),
    "don't list": (),
    "restore db from x": (),
    "what now?": (),
    "db-01": (),
    SNAPSHOT_NAME: (),
}


def is_command(said: str, restore: Restore) -> bool:
    """Is this, said to the bot in the restore's thread, a command?"""
    return _is_command(said, parse_sentence(said, addressed=True), restore)


@pytest.mark.parametrize("said", COMMANDS)
def test_what_is_a_command_in_which_phase(said: str) -> None:
    states = (p.gathering, p.play, p.stop_choice, p.typing, p.confirming)
    restores = [make().restore for make in states]
    assert tuple(r.phase for r in restores) == EVERYWHERE
    assert tuple(r.phase for r in restores if is_command(said, r)) == COMMANDS[said]


@pytest.mark.parametrize("name", ["status", "list", "cancel", "help"])
def test_a_name_that_looks_like_a_command_is_an_answer_where_it_is_asked_for(name: str) -> None:
    request = REQUEST.model_copy(update={"snapshot": name})
    typing = p.typing().restore.model_copy(update={"request": request})
    assert not is_command(name, typing)
    assert not is_command(f" {name} ", typing)
    assert is_command(name, typing.model_copy(update={"phase": Phase.CONFIRMING}))
    assert is_command("status" if name != "status" else "list", typing)


@pytest.mark.parametrize("read", [ParsedRequest(Verb.STATUS), None], ids=["kept", "before"])
def test_what_the_listener_has_read_is_taken_as_it_is(read: ParsedRequest | None) -> None:
    """A delivery that was stored before there was such a field is read from its text."""
    message = reply("restore db-01 from nightly-1").model_copy(update={"request": read})
    expected = ParsedRequest(Verb.RESTORE, vm="db-01", snapshot="nightly-1")
    assert _request(message) == (read or expected)


# What was dealt with before


@pytest.mark.parametrize(("heard", "taken"), [("9.1", True), ("8.1", False), ("", False)])
async def test_a_reply_that_had_counted_before_a_worker_died_is_no_request(
    heard: str, taken: bool
) -> None:
    restore = TYPING.model_copy(update={"heard_ts": heard})
    parts = Parts(here=(restore,), answer=Reply.LEFT_ALONE)
    assert await dispatcher(parts)._answered(reply("x"), None, CALLER, late=False) is taken
    assert parts.said == []


INTERRUPTED = views.interrupted()

# begun by a worker that died?, reply of the state machine -> what is said
TOLD: list[tuple[bool, Reply | None, str | None]] = [
    (True, Reply.OLD_CARD, INTERRUPTED),
    (True, Reply.ENDED, INTERRUPTED),
    (True, Reply.CANNOT_CANCEL, views.reply(Reply.CANNOT_CANCEL, TYPING)),
    (True, Reply.DONE, None),
    (True, None, None),
    (False, Reply.OLD_CARD, views.reply(Reply.OLD_CARD, TYPING)),
    (False, Reply.ENDED, views.reply(Reply.ENDED, TYPING)),
    (False, Reply.DONE, None),
    (False, None, None),
]


@pytest.mark.parametrize(("begun", "reply", "said"), TOLD)
async def test_a_click_that_a_worker_died_over_is_not_said_to_have_done_nothing(
    begun: bool, reply: Reply | None, said: str | None
) -> None:
    parts = Parts(here=(TYPING,), answer=reply)
    click = ButtonClicked(
        user=OWNER,
        channel="C0OPS",
        thread="1.1",
        button=Button.CANCEL,
        ref=f"{TYPING.id}@2",
        value=None,
    )
    await dispatcher(parts)._click(click, NOW if begun else None)
    assert parts.said == [said] * (said is not None)


# A deleted message

SHOWN = {
    "request.1": PostedCard("7.1", "d"),
    "warning.2": PostedCard("8.1", "d"),
    "result.3": PostedCard("9.1", "d"),
}

# the restore, ts of the deleted message -> the cards that are looked for
REMOVED: dict[str, tuple[Restore, str, list[str]]] = {
    "an open card": (TYPING, "8.1", ["warning.2"]),
    "a message that is no card": (TYPING, "5.5", []),
    "the result of an ended restore": (ENDED, "9.1", ["result.3"]),
    "a card that was answered": (ENDED, "8.1", []),
    "the result of one that is over for good": (
        ENDED.model_copy(update={"closed": True}),
        "9.1",
        [],
    ),
}


@pytest.mark.parametrize("case", REMOVED)
async def test_which_deleted_cards_are_posted_anew(case: str) -> None:
    restore, ts, doubted = REMOVED[case]
    parts: Any = Parts(here=(restore,), shown=SHOWN)
    changes = ConversationChanges(parts, parts)
    await changes.message_deleted("C0OPS", "1.1", ts)
    assert parts.doubted == [(restore.id, card, ts) for card in doubted]
