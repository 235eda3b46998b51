"""Short answers to one person, help, and news by direct message."""

import re
from datetime import timedelta

import pytest

from bot.playground.slack.blockkit import check_blocks
from bot.restore.events import Reply, Verdict
from bot.restore.facts import Snapshot
from bot.restore.model import Phase, Slot
from bot.restore.request import Verb
from bot.slack import views
from tests.slack.examples import ALICE, CREATED, DONE, EXAMPLES, JOB, NOW, card, restore, wish
from tests.slack.pages import body, elements

LIVE = restore(Phase.TYPING, card(Slot.REQUEST, 1), card(Slot.WARNING, 2))


@pytest.mark.parametrize("kind", Reply)
def test_every_reply_has_words(kind: Reply) -> None:
    said = views.reply(kind, LIVE)
    assert len(said) > 10
    assert "{" not in said


def test_somebody_else_is_told_who_can_answer() -> None:
    assert f"<@{ALICE}>" in views.reply(Reply.NOT_YOURS, LIVE)


def test_a_typed_yes_is_answered_with_press_the_button() -> None:
    assert "press the button *Restore VM now*" in views.reply(Reply.PRESS_THE_BUTTON, LIVE)


def test_a_refusal_says_why_and_whom_to_ask() -> None:
    no = Verdict(allowed=False, reason="not_permitted", text="You are not on the list. Ask #ops")
    assert views.refusal(no) == (
        "❌ *Not permitted*: You are not on the list. Ask #ops. Nothing was started."
    )
    assert views.refusal("No <!here>") == (
        "❌ *Not permitted*: No &lt;!here&gt;. Nothing was started."
    )


def test_the_second_asker_is_shown_who_holds_the_vm_since_when_and_where() -> None:
    said = views.held(LIVE, "https://acme.slack.com/archives/C0OPS/p1")
    assert f"<@{ALICE}>" in said
    assert "2026-02-18 16:30:00 UTC" in said
    assert "<https://acme.slack.com/archives/C0OPS/p1|its thread>" in said
    assert "its thread" in views.held(LIVE, None)


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.NONE])
def test_every_wish_gets_a_useful_answer(verb: Verb) -> None:
    message = views.help_text(verb)
    assert len(message.text) > 40
    assert len(message.text) <= 4000
    assert check_blocks(list(message.blocks), "message") == []


def test_help_shows_examples_and_how_to_cancel() -> None:
    said = views.help_text().text
    assert "`/vm-restore database-01 from pre-upgrade-snapshot in production`" in said
    assert "`/vm-restore cancel`" in said


@pytest.mark.parametrize(
    ("verb", "tool"),
    [
        (Verb.CREATE_SNAPSHOT, "VirtualMachineSnapshot"),
        (Verb.DELETE_SNAPSHOT, "kubectl delete vmsnapshot"),
        (Verb.CLONE, "VirtualMachineClone"),
        (Verb.START, "virtctl start"),
    ],
)
def test_another_wish_names_the_right_tool(verb: Verb, tool: str) -> None:
    assert tool in views.help_text(verb).text


def test_what_was_not_understood_is_quoted_harmlessly() -> None:
    said = views.not_understood("<!channel> `frobnicate`")
    assert "`&lt;!channel&gt; 'frobnicate'`" in said
    assert "/vm-restore" in said
    assert "restore database-01" in views.not_understood()


def test_short_answers_without_values_are_sentences() -> None:
    for said in (
        views.too_late(),
        views.unknown_card(),
        views.store_down(),
        views.slack_down(),
        views.went_wrong(),
        views.nothing_to_cancel(),
        views.list_needs(),
        views.cluster_down("timeout"),
        views.problem("Name `DB` is not lower case."),
        views.in_channel_needed("C0OPS"),
        views.unknown_cluster("west", ["east", "north"]),
    ):
        assert said.endswith((".", "`."))
        assert not re.search(r"[{}]", said)


def test_the_channel_that_i_should_join_is_linked() -> None:
    assert "<#C0OPS>" in views.in_channel_needed("C0OPS")
    assert "<!here>" not in views.in_channel_needed("<!here>")


def test_several_restores_are_named_when_one_must_be_chosen() -> None:
    other = LIVE.model_copy(update={"wish": wish(vm="web-01")})
    said = views.which_to_cancel([LIVE, other])
    assert "`production/database-01`, `production/web-01`" in said


def test_status_lists_what_is_under_way() -> None:
    assert views.status([]) == "No restore is under way that you may see."
    said = views.status([LIVE] * 20)
    assert said.count("• VM `database-01`") == 15
    assert said.endswith("• and 5 more")


def test_snapshots_are_listed_with_age_and_state() -> None:
    good = Snapshot(
        name="a", uid="1", source="database-01", requested_at=NOW, created=CREATED,
        phase="Succeeded", ready=True,
    )  # fmt: skip
    bad = Snapshot(name="b", uid="2", source="database-01", requested_at=NOW, phase="Failed")
    said = views.snapshot_list("database-01", "production", [good, bad])
    assert "• `a` - 2026-02-18 10:00:00 UTC" in said
    assert "ready to use" in said
    assert "not ready (status: Failed)" in said
    assert "has no snapshots" in views.snapshot_list("database-01", "production", [])


def test_the_longest_list_is_no_longer_than_slack_takes() -> None:
    many = [
        Snapshot(name="s" * 253, uid=str(n), source="v", requested_at=NOW + timedelta(n))
        for n in range(400)
    ]
    assert len(views.snapshot_list("v" * 253, "n" * 63, many)) <= 12_000
    long = LIVE.model_copy(update={"wish": wish(vm="v" * 253, snapshot="s" * 253)})
    assert len(views.status([long] * 400)) <= 12_000


@pytest.mark.parametrize("name", EXAMPLES)
def test_news_by_direct_message_can_be_made_of_any_restore(name: str) -> None:
    message = views.dm_notice(EXAMPLES[name][0])
    assert message.text.startswith(f"<@{ALICE}>")
    assert elements(message) == []
    assert check_blocks(list(message.blocks), "message") == []


def test_news_by_direct_message_says_what_goes_on() -> None:
    running = views.dm_notice(restore(Phase.RESTORING, card(Slot.PROGRESS), job=JOB))
    assert "The restore goes on in the cluster" in body(running)
    assert "“Creating new PVCs”" in body(running)


def test_news_by_direct_message_says_that_the_vm_was_stopped() -> None:
    waiting = views.dm_notice(restore(Phase.TYPING, card(Slot.WARNING), stop=DONE))
    assert "is *stopped*" in body(waiting)
