"""Short answers to one person, and news by direct message."""

import re

import pytest

from bot.playground.slack.blockkit import check_blocks
from bot.request import Verb
from bot.restore.events import Reply, Verdict
from bot.restore.model import Phase
from bot.restore.thread import CardKind
from bot.slack import views
from tests.restores import restore
from tests.slack.examples import DONE, EXAMPLES, JOB, card, request
from tests.slack.pages import body, elements

LIVE = restore(Phase.TYPING, card(CardKind.REQUEST, 1), card(CardKind.WARNING, 2))


@pytest.mark.parametrize("kind", Reply)
def test_every_reply_has_words(kind: Reply) -> None:
    said = views.reply(kind, LIVE)
    assert len(said) > 10
    assert "{" not in said


def test_a_refusal_says_why_and_whom_to_ask() -> None:
    no = Verdict(allowed=False, reason="not_permitted", text="You are not on the list. Ask #ops")
    assert views.refusal(no) == (
        "❌ *Not permitted*: You are not on the list. Ask #ops. Nothing was started."
    )
    assert views.refusal("No <!here>") == (
        "❌ *Not permitted*: No &lt;!here&gt;. Nothing was started."
    )


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
    assert tool in views.other_wish(verb)


def test_short_answers_without_values_are_sentences() -> None:
    for said in (
        views.too_late(),
        views.unknown_card(),
        views.store_down(),
        views.slack_down(),
        views.went_wrong(),
        views.nothing_to_cancel(),
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
    other = LIVE.model_copy(update={"request": request(vm="web-01")})
    said = views.which_to_cancel([LIVE, other])
    assert "`production/database-01`, `production/web-01`" in said


@pytest.mark.parametrize("name", EXAMPLES)
def test_news_by_direct_message_can_be_made_of_any_restore(name: str) -> None:
    told = EXAMPLES[name][0]
    message = views.dm_notice(told)
    assert message.text.startswith(f"<@{told.owner}>")
    assert elements(message) == []
    assert check_blocks(list(message.blocks), "message") == []


def test_news_by_direct_message_says_what_goes_on() -> None:
    running = views.dm_notice(restore(Phase.RESTORING, card(CardKind.PROGRESS), job=JOB))
    assert "The restore goes on in the cluster" in body(running)
    assert "“Creating new PVCs”" in body(running)


def test_news_by_direct_message_says_that_the_vm_was_stopped() -> None:
    waiting = views.dm_notice(restore(Phase.TYPING, card(CardKind.WARNING), stop=DONE))
    assert "is *stopped*" in body(waiting)
