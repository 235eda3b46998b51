"""Giant and hostile texts: every card stays within Slack's limits, and nothing of them is live."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.playground.slack.blockkit import check_blocks
from bot.restore.model import (
    Blocker,
    Change,
    Job,
    Outcome,
    Phase,
    Proposal,
    Reason,
    Restore,
    Safety,
    Slot,
    Start,
    UserId,
)
from bot.slack import views
from bot.slack.views import Message
from tests.slack.examples import ALICE, ASKED, DONE, JOB, NOW, PREVIEW, UNTIL, card, restore, wish
from tests.slack.pages import LIVE, mrkdwn

MOST_BYTES = 10_000
MOST_BLOCKS = 50
DATE = re.compile(r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|[-0-9: ]+UTC>")
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


def document(phase: Phase, slot: Slot, closed: str | None, name: str, text: str) -> Restore:
    """A restore in which every text of others is `name` or `text`, and every list is long."""
    many = (name,) * 100
    changes = tuple(Change(field=text, current=text, snapshot=text) for _ in range(50))
    shown: dict[str, Any] = {
        "vm_status": text, "run_strategy": name, "consistency_why": text, "disks": many,
        "disks_left_out": many, "shared_disks": many, "changes": changes, "more_changes": 9,
        "newer": many, "gitops": text,
    }  # fmt: skip
    return restore(
        phase,
        card(slot, closed=closed),
        wish=wish(cluster=name, namespace=name[:63], vm=name, snapshot=name, described=text),
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
    )


def outcome(reason: Reason | None, name: str, text: str) -> Outcome:
    """A result that says all it can."""
    many = (name,) * 100
    return Outcome(
        reason=reason, at=NOW, by=UserId("U0> <!here>"), found=text, expected=text, next=text,
        choices=many, typed=text, hint=text, vm_status=text, leftovers=many, pending=many,
    )  # fmt: skip


def check(message: Message) -> None:
    """Within all limits, and nothing live but what is ours."""
    assert check_blocks(list(message.blocks), "message") == []
    assert len(message.blocks) <= MOST_BLOCKS
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


@pytest.mark.parametrize("slot", Slot)
@settings(max_examples=60)
@given(phase=st.sampled_from(Phase), name=NAMES, text=WORDS, closed=st.sampled_from((None, QUIET)))
def test_no_text_of_others_breaks_a_card(
    slot: Slot, phase: Phase, name: str, text: str, closed: str | None
) -> None:
    full = document(phase, slot, closed, name, text)
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
    full = document(phase, Slot.RESULT, None, name, quiet)
    told = outcome(reason, name, quiet)
    job = Job(name=name, decided_at=NOW) if created else None
    check(views.render(full.model_copy(update={"outcome": told, "job": job}), full.cards[0]))


@settings(max_examples=100)
@given(phase=st.sampled_from(Phase), name=NAMES, text=WORDS)
def test_no_text_of_others_breaks_a_direct_message(phase: Phase, name: str, text: str) -> None:
    full = document(phase, Slot.PROGRESS, None, name, text)
    full = full.model_copy(update={"place": full.place.model_copy(update={"channel": "?<!here>"})})
    check(views.dm_notice(full))


@given(text=st.text(max_size=1200), phase=st.sampled_from(Phase), slot=st.sampled_from(Slot))
def test_any_text_at_all_gives_a_card_that_slack_takes(text: str, phase: Phase, slot: Slot) -> None:
    full = document(phase, slot, None, "database-01", text)
    message = views.render(full, full.cards[0])
    assert check_blocks(list(message.blocks), "message") == []
    json.dumps(message.blocks, ensure_ascii=False).encode()


@given(text=st.text(max_size=200))
def test_only_true_user_ids_are_mentioned_in_how_a_card_was_closed(text: str) -> None:
    shown = card(Slot.STOP_CHOICE, closed=f"{text} by <@U0BOB>")
    message = views.render(restore(Phase.STOPPING, shown), shown)
    live = {found for each in mrkdwn(message) for found in LIVE.findall(each)}
    assert "<@U0BOB>" in live
    assert all(re.fullmatch(r"<@[UW]\w+>|<#\w+>|<https?://\S+\|thread>", found) for found in live)


def test_a_snapshot_name_can_always_be_copied_whole() -> None:
    """However long it is, the name to type stands complete in code."""
    long = "s" * 253
    shown = card(Slot.WARNING)
    document = restore(Phase.TYPING, shown, wish=wish(snapshot=long), preview=PREVIEW)
    assert any(
        f"Type `{long}` to confirm" in text for text in mrkdwn(views.render(document, shown))
    )
