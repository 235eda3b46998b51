"""Giant and hostile texts: every card stays within Slack's limits, and nothing of them is live."""

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import Enum
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.playground.slack.blockkit import check_blocks
from bot.request import Verb
from bot.restore.diagnosis.evidence import Evidence
from bot.restore.diagnosis.model import Cause, Diagnosis, Quote
from bot.restore.diagnosis.rules import MAX_MISSING, MAX_QUOTES, diagnose
from bot.restore.disks import Disk, Fate, LeftBehind, LeftBehindKind
from bot.restore.model import (
    Blocker,
    Change,
    Handoff,
    Job,
    Offer,
    Outcome,
    Phase,
    Proposal,
    Restore,
    Safety,
)
from bot.restore.reasons import Reason
from bot.restore.stop_and_start import Start
from bot.restore.thread import CardKind, UserId
from bot.slack import views
from bot.slack.views import Message
from bot.texts.answers import OTHER_WISHES
from tests.restore.test_diagnosis import EVERYTHING
from tests.restores import ALICE, NOW, restore
from tests.slack.examples import ASKED, DONE, EXAMPLES, JOB, PREVIEW, UNTIL, card, request
from tests.slack.giants import LINK, Giants
from tests.slack.pages import LIVE, mrkdwn

MOST_BYTES = 10_000
MOST_FIRST_LINE = 150
MAX_BLOCKS = 50
DATE = re.compile(r"<!date\^\d+\^(?:\{date_short_pretty\} )?\{time\}\|[-0-9: ]+UTC>")
NAME = "n" * 253
HOSTILE = (
    "<!channel> <!here> <@U0EVIL> <#C0EVIL> <!subteam^S1> <https://evil.example|Approve> "
    "<!date^0^{time}|x> `code` *bold* &lt;!everyone&gt; \u202e\u200b\x07 @here {vm}"
)
QUIET = HOSTILE.replace("<@U0EVIL>", "").replace("<#C0EVIL>", "")
"""Without what the core may say on purpose."""
WORDS = st.sampled_from(
    ["x", HOSTILE, "&" * 1500, "`" * 700, "ü😀" * 500, "a b " * 400, "", "\u200b"]
)
NAMES = st.sampled_from([NAME, "database-01", HOSTILE, "`;<!here>", "a.b.example.com"])


def document(phase: Phase, kind: CardKind, closed: str | None, name: str, text: str) -> Restore:
    """A restore in which every text of others is `name` or `text`, and every list is long."""
    many = (name,) * 100
    changes = tuple(Change(field=text, current=text, snapshot=text) for _ in range(50))
    shown: dict[str, Any] = {
        "vm_status": text, "run_strategy": name, "consistency_why": text, "disks": many,
        "disks_left_out": many, "shared_disks": many, "changes": changes, "more_changes": 9,
        "newer": many, "gitops": text,
        "fates": tuple(Disk(name=name, claim=name, fate=fate) for fate in Fate for _ in range(60)),
    }  # fmt: skip
    return restore(
        phase,
        card(kind, closed=closed),
        request=request(cluster=name, namespace=name[:63], vm=name, snapshot=name, described=text),
        proposal=Proposal(value=name, near=many, problem=text),
        preview=PREVIEW.model_copy(update=shown),
        note=text,
        deadline=UNTIL,
        stop=(ASKED if closed else DONE).model_copy(update={"strategy": text, "error": text}),
        safety=Safety(name=name, decided_at=NOW, ready_at=NOW if closed else None),
        job=JOB.model_copy(update={"name": name, "progressing": text, "ready": text + "."}),
        outcome=outcome(None, name, text),
        start=Start(by=ALICE, at=NOW, error=text),
        blocker=Blocker(name=name, uid=text),
        trouble=text,
        diagnosis=diagnosis(name, text),
    )


def diagnosis(name: str, text: str) -> Diagnosis:
    """A diagnosis that says all that the core lets through."""
    return Diagnosis(
        cause=Cause.NO_CAPACITY,
        at=NOW,
        likely=f"Claim `{name[:100]}` {text[:300]}",
        quotes=(Quote(source=f"Claim `{name[:100]}`", text=text[:300]),) * MAX_QUOTES,
        next=text[:300],
        who=text[:100],
        command=f"kubectl describe pvc -n {NAME[:63]} {NAME}",
        missing=(name[:63],) * MAX_MISSING,
    )


def outcome(reason: Reason | None, name: str, text: str) -> Outcome:
    """A result that says all it can."""
    many = (name,) * 100
    return Outcome(
        reason=reason, at=NOW, by=UserId("U0> <!here>"), found=text, expected=text, next=text,
        choices=many, typed=text, vm_status=text, leftovers=many, pending=many,
        kept=many, deleted=many, unproven=text, more_left=9,
        left=tuple(LeftBehind(claim=name, kind=kind, by=text[:400]) for kind in LeftBehindKind for _ in range(6)),
    )  # fmt: skip


def check(message: Message) -> None:
    """Within all limits, and nothing live but what is the bot's."""
    assert check_blocks(list(message.blocks), "message") == []
    assert len(message.blocks) <= MAX_BLOCKS
    size = len(json.dumps(message.blocks, ensure_ascii=False).encode())
    assert size < MOST_BYTES, f"{size} bytes"
    assert 0 < len(message.text) <= 4000
    for text in mrkdwn(message):
        for found in LIVE.findall(text):
            assert found == f"<@{ALICE}>" or DATE.fullmatch(found), found
        assert not re.search(r"[<>]", LIVE.sub("", text))
        assert not any(ord(c) < 32 and c != "\n" for c in text)
        assert not re.search("[\u200b\u202e]", text)
        assert "&lt;!everyone&gt;" not in text, "escaped text must be escaped again"


@pytest.mark.parametrize("kind", CardKind)
@settings(max_examples=60)
@given(phase=st.sampled_from(Phase), name=NAMES, text=WORDS, closed=st.sampled_from((None, QUIET)))
def test_no_text_of_others_breaks_a_card(
    kind: CardKind, phase: Phase, name: str, text: str, closed: str | None
) -> None:
    full = document(phase, kind, closed, name, text)
    check(views.render(full, full.cards[0]))


@settings(max_examples=400)
@given(
    phase=st.sampled_from(sorted(phase for phase in Phase if phase.ended)),
    reason=st.sampled_from((None, *Reason)),
    name=NAMES,
    text=WORDS,
    created=st.booleans(),
)
def test_no_text_of_others_breaks_a_result(
    phase: Phase, reason: Reason | None, name: str, text: str, created: bool
) -> None:
    quiet = QUIET if text == HOSTILE else text
    full = document(phase, CardKind.RESULT, None, name, quiet)
    told = outcome(reason, name, quiet)
    job = Job(name=name, decided_at=NOW) if created else None
    check(views.render(full.model_copy(update={"outcome": told, "job": job}), full.cards[0]))


@settings(max_examples=100)
@given(phase=st.sampled_from(Phase), name=NAMES, text=WORDS)
def test_no_text_of_others_breaks_a_direct_message(phase: Phase, name: str, text: str) -> None:
    full = document(phase, CardKind.PROGRESS, None, name, text)
    full = full.model_copy(
        update={"thread_ref": full.thread_ref.model_copy(update={"channel": "?<!here>"})}
    )
    check(views.dm_notice(full))


@given(text=st.text(max_size=1200), phase=st.sampled_from(Phase), kind=st.sampled_from(CardKind))
def test_any_text_at_all_gives_a_card_that_slack_takes(
    text: str, phase: Phase, kind: CardKind
) -> None:
    full = document(phase, kind, None, "database-01", text)
    message = views.render(full, full.cards[0])
    assert check_blocks(list(message.blocks), "message") == []
    json.dumps(message.blocks, ensure_ascii=False).encode()


@given(text=st.text(max_size=200))
def test_only_true_user_ids_are_mentioned_in_how_a_card_was_closed(text: str) -> None:
    shown = card(CardKind.STOP_CHOICE, closed=f"{text} by <@U0BOB>")
    message = views.render(restore(Phase.STOPPING, shown), shown)
    live = {found for each in mrkdwn(message) for found in LIVE.findall(each)}
    assert "<@U0BOB>" in live
    assert all(re.fullmatch(r"<@[UW]\w+>|<#\w+>|<https?://\S+\|thread>", found) for found in live)


def test_a_snapshot_name_can_always_be_copied_whole() -> None:
    """However long it is, the name to type stands complete in code."""
    long = "s" * 253
    shown = card(CardKind.WARNING)
    document = restore(Phase.TYPING, shown, request=request(snapshot=long), preview=PREVIEW)
    assert any(
        f"Type `{long}` to confirm" in text for text in mrkdwn(views.render(document, shown))
    )


@pytest.mark.parametrize("evidence", [EVERYTHING, replace(EVERYTHING, vmi=None)])
@pytest.mark.parametrize("kind", [CardKind.PROGRESS, CardKind.OVERDUE, CardKind.RESULT])
def test_everything_wrong_at_once_fits_on_a_card(kind: CardKind, evidence: Evidence) -> None:
    """As the core reads it out of a cluster in which nothing is as it should be."""
    phase = Phase.FAILED if kind is CardKind.RESULT else Phase.RESTORING
    full = document(phase, kind, None, NAME, HOSTILE)
    full = full.model_copy(update={"diagnosis": diagnose(evidence)})
    check(views.render(full, full.cards[0]))
    check(views.why(full, diagnose(evidence), stalled=True))
    check(views.summary(full))


# Everything that is said to one person, whichever room makes it


def answers() -> dict[str, Callable[..., Message | str]]:
    """Every public function of the views that makes a message, or a text for one."""
    rooms = [importlib.import_module(f"bot.slack.views.{each.name}") for each in _rooms()]
    return {
        f"{room.__name__.rpartition('.')[2]}.{name}": function
        for room in rooms
        for name, function in inspect.getmembers(room, inspect.isfunction)
        if function.__module__ == room.__name__
        and not name.startswith("_")
        and room.__name__ != "bot.slack.views.layout"
        and _said(room.__name__, get_type_hints(function).get("return"))
    }


def _rooms() -> list[pkgutil.ModuleInfo]:
    return list(pkgutil.iter_modules(views.__path__))


def _said(room: str, kind: object) -> bool:
    return kind is Message or (kind is str and room.endswith(".answers"))


ANSWERS = answers()
OWN = re.compile(rf"<@{ALICE}>|<#C0OPS>|<{re.escape(LINK)}\|[\w ]+>|{DATE.pattern}")


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("text", [NAME, HOSTILE, "&" * 1500], ids=["giant", "hostile", "escaped"])
def test_no_text_of_others_breaks_an_answer(name: str, text: str) -> None:
    ended = name.endswith(".history")
    phase, kind = (Phase.FAILED, CardKind.RESULT) if ended else (Phase.TYPING, CardKind.WARNING)
    full = document(phase, kind, None, text, QUIET)
    handed = Handoff(at=NOW, giver=ALICE, taker=ALICE, how="taken")
    offer = Offer(to=ALICE, by=ALICE, at=NOW, until=UNTIL)
    full = full.model_copy(update={"handoffs": (handed,) * 100, "offer": offer})
    for arguments in _ways(ANSWERS[name], Giants(text, full)):
        said = ANSWERS[name](**arguments)
        if isinstance(said, Message):
            within_limits(said)
        nothing_foreign_is_live(said)


def _ways(function: Callable[..., object], giants: Giants) -> Iterator[dict[str, Any]]:
    """The arguments; with each member of an enumeration that is among them."""
    known = giants.arguments(function)
    for name, value in known.items():
        if isinstance(value, Enum):
            members = [each for each in type(value) if _has_words(each)]
            yield from ({**known, name: member} for member in members)
            return
    yield known


def _has_words(member: Enum) -> bool:
    return not isinstance(member, Verb) or member.value in OTHER_WISHES


def within_limits(message: Message) -> None:
    """Slack takes it."""
    assert check_blocks(list(message.blocks), "message") == []
    assert len(message.blocks) <= MAX_BLOCKS
    size = len(json.dumps(message.blocks, ensure_ascii=False).encode())
    assert size < MOST_BYTES, f"{size} bytes"


def nothing_foreign_is_live(said: Message | str) -> None:
    """What is live in it is our own."""
    for text in mrkdwn(said) if isinstance(said, Message) else [said]:
        assert 0 < len(text) <= 4000
        for found in LIVE.findall(text):
            assert OWN.fullmatch(found), found
        assert not re.search(r"[<>]", LIVE.sub("", text))
        assert not re.search("[\u200b\u202e]", text)


# What the phone shows


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_notification_says_it_all_in_its_first_line(name: str) -> None:
    """Short, with the VM if it is known, and in words: an emoji alone says nothing."""
    told, shown = EXAMPLES[name]
    first = views.render(told, shown).text.partition("\n")[0]
    assert 10 < len(first) <= MOST_FIRST_LINE, first
    assert re.search(r"[A-Za-z]{3,} [A-Za-z]{2,}", first), first
    assert told.request.vm is None or told.request.vm in first, first
