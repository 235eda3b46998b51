"""What holds for every card: who is mentioned, what can be pressed, until when it waits."""

import re
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from bot.playground.slack.blockkit import check_blocks
from bot.restore import edits, follow_up, user_events
from bot.restore.disks import LeftBehind, LeftBehindKind
from bot.restore.events import Button
from bot.restore.model import Outcome, Phase
from bot.restore.reasons import Reason
from bot.restore.rules import Rules
from bot.restore.stop_and_start import Start
from bot.restore.thread import QUESTIONS, Card, CardKind
from bot.restore.user_events import wants_agreement
from bot.slack import views
from bot.slack.views.layout import button_value
from tests.restores import ALICE, NOW, restore
from tests.slack.examples import (
    ASKED,
    DELETING,
    DONE,
    EXAMPLES,
    JOB,
    PREVIEW,
    RICH,
    UNTIL,
    Example,
    card,
    ended,
    one,
    request,
)
from tests.slack.pages import body, elements, page, pressable

MENTION = f"<@{ALICE}>"
PATIENT = {CardKind.OVERDUE, CardKind.DELETE_RESTORE}
OPEN_QUESTIONS = [n for n, (_, c) in EXAMPLES.items() if c.closed is None and c.kind in QUESTIONS]
CLOSED = [n for n, (_, c) in EXAMPLES.items() if c.closed is not None]


@pytest.mark.parametrize("kind", CardKind)
def test_every_card_can_be_drawn_in_every_phase(kind: CardKind) -> None:
    """With as little as a document can hold."""
    nothing = request(vm=None, namespace=None, snapshot=None)
    for phase, closed in product(Phase, (None, "Keep waiting")):
        only = card(kind, closed=closed)
        message = views.render(restore(phase, only, request=nothing), only)
        assert message.text, (phase, closed)
        assert check_blocks(list(message.blocks), "message") == [], (phase, closed)


def test_what_others_wrote_into_a_restore_object_is_neither_a_mention_nor_a_link() -> None:
    said = "asked for by <@U0BOB>: https://evil.example/archives/C0OPS/p177143 <!channel>"
    shown = page(views.render(*ended(Phase.REFUSED, Reason.RESTORE_IN_PROGRESS, found=said)))
    assert re.findall(r"<(?!@U0ALICE|!date)[^>]*>", shown) == []
    assert "evil.example" in shown


@pytest.mark.parametrize("phase", sorted(phase for phase in Phase if phase.ended))
def test_every_end_has_a_heading_and_words(phase: Phase) -> None:
    for reason in Reason:
        message = views.render(*ended(phase, reason, found="It is so.", next="Do this."))
        assert message.blocks[0]["type"] == "header", reason
        assert re.search(r"[A-Za-z]{2}", message.blocks[0]["text"]["text"]), reason
        assert message.text.startswith(MENTION), reason
        assert check_blocks(list(message.blocks), "message") == [], reason


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_card(name: str) -> None:
    """What holds for each of them."""
    document, shown = EXAMPLES[name]
    message = views.render(document, shown)
    assert check_blocks(list(message.blocks), "message") == []
    assert 0 < len(message.text) <= 4000
    assert views.render(document, shown) == message, "drawn twice it is the same"
    ids = [block["block_id"] for block in message.blocks]
    assert len(set(ids)) == len(ids)
    assert all(views.parse_value(each) == (document.id, shown.number) for each in ids)
    # Buttons carry the card and nothing else, and what the core does not answer to is not offered.
    for element in elements(message):
        assert element["type"] != "button" or element["value"] == f"{document.id}@{shown.number}"
        assert element["action_id"].startswith(views.PREFIX)
        assert views.ACTION.match(element["action_id"])
    answered = user_events.BUTTONS[shown.kind] | follow_up.offered(document)
    assert pressable(message) <= {button.value for button in answered}
    asks = shown.kind is CardKind.CONFIRM and shown.closed is None and not wants_agreement(document)
    assert (Button.CONFIRM in pressable(message)) is asks, "only an open confirm card restores"
    # Nothing is preserved of a restore that was sent; when its time is over, it has no buttons.
    assert document.job is None or "preserved" not in page(message)
    over = document.model_copy(update={"closed": True})
    assert elements(views.render(over, shown)) == []


def test_every_button_stands_on_some_card() -> None:
    seen = {kind for each in EXAMPLES.values() for kind in pressable(views.render(*each))}
    # Take over stands in an answer to one person.
    assert seen == {button.value for button in Button} - {Button.TAKE_OVER}


@pytest.mark.parametrize("name", OPEN_QUESTIONS)
def test_an_open_question_mentions_its_owner(name: str) -> None:
    message = views.render(*EXAMPLES[name])
    assert message.text.startswith(MENTION)
    assert any(line.startswith(MENTION) for line in body(message).splitlines())


@pytest.mark.parametrize("name", OPEN_QUESTIONS)
def test_an_open_question_says_until_when_it_waits(name: str) -> None:
    document, shown = EXAMPLES[name]
    said = body(views.render(document, shown))
    if shown.kind in PATIENT:
        assert "Nothing expires here" in said
    else:
        assert document.deadline == UNTIL
        assert "2026-02-18 16:45:00 UTC (your time: <!date^" in said


@pytest.mark.parametrize("name", CLOSED)
def test_a_closed_card_has_no_buttons_and_asks_nobody(name: str) -> None:
    message = views.render(*EXAMPLES[name])
    assert elements(message) == []
    assert "Without an answer by" not in body(message)
    if EXAMPLES[name][1].kind is not CardKind.REQUEST:
        assert not message.text.startswith("<@")


@pytest.mark.parametrize("name", [n for n in CLOSED if EXAMPLES[n][1].kind is not CardKind.REQUEST])
def test_a_closed_card_says_how_it_was_answered(name: str) -> None:
    document, shown = EXAMPLES[name]
    assert shown.closed is not None
    done = shown.kind is CardKind.STOPPING and "has been stopped"
    assert (done or shown.closed) in body(views.render(document, shown))


@pytest.mark.parametrize("kind", sorted(QUESTIONS))
@pytest.mark.parametrize("phase", sorted(phase for phase in Phase if phase.ended))
def test_a_question_left_open_by_mistake_has_no_buttons_after_the_end(
    kind: CardKind, phase: Phase
) -> None:
    assert elements(views.render(*one(phase, kind, outcome=Outcome(at=NOW)))) == []


def test_a_block_id_changes_with_what_the_block_says_and_only_then() -> None:
    on = restore(
        Phase.TYPING, card(CardKind.WARNING), preview=PREVIEW, deadline=UNTIL, protect=True
    )
    off = on.model_copy(update={"protect": False})
    before = {b["block_id"]: b for b in views.render(off, off.cards[0]).blocks}
    after = {b["block_id"]: b for b in views.render(on, on.cards[0]).blocks}
    assert 0 < len(before.keys() ^ after.keys()) < len(before)
    assert all(before[each] == after[each] for each in before.keys() & after.keys())


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        ("k3f9x2ab@3", ("k3f9x2ab", 3)),
        ("k3f9.2@12", ("k3f9.2", 12)),
        ("k3f9.2@12:4.0a1b2c3d", ("k3f9.2", 12)),
        ("", None),
        ("k3f9", None),
        ("k3f9@", None),
        ("@3", None),
        ("k3f9@three", None),
        ("k3f9@3 or so", None),
        ("k3f9@-1", None),
        ("k3f9@1234567890", None),
        ("k3f9@٣", None),
        ("k3f9@3\n", None),
    ],
)
def test_a_value_is_read_back_or_refused(value: str, parsed: object) -> None:
    assert views.parse_value(value) == parsed


def test_a_value_is_read_back_as_it_was_written() -> None:
    assert views.parse_value(button_value("abc.2", 7)) == ("abc.2", 7)


@pytest.mark.parametrize("name", ["confirm", "force-stop", "delete-restore"])
def test_what_destroys_is_asked_once_more_by_slack_itself(name: str) -> None:
    danger = [e for e in elements(views.render(*EXAMPLES[name])) if e.get("style") == "danger"]
    assert len(danger) == 1
    assert danger[0]["confirm"]["text"]["type"] == "plain_text"


@pytest.mark.parametrize("name", ["confirm", "force-stop", "delete-restore"])
def test_long_names_do_not_push_the_warning_out_of_the_dialog(name: str) -> None:
    long = request(vm="v" * 253, namespace="n" * 63, snapshot="s" * 253, cluster="c" * 100)
    document, shown = EXAMPLES[name]
    old = PREVIEW.model_copy(update={"snapshot_created": NOW - timedelta(days=364, hours=23)})
    full = document.model_copy(update={"request": long, "preview": old})
    [danger] = [e for e in elements(views.render(full, shown)) if e.get("style") == "danger"]
    assert danger["confirm"]["text"]["text"].endswith(".")
    assert "cluster" in danger["confirm"]["text"]["text"]


def _way_out(phase: Phase, reason: Reason) -> Example:
    return ended(phase, reason, by=ALICE, typed="x", found="It is so.", stop=DONE)


@pytest.mark.parametrize(
    ("phase", "reason"),
    [
        (Phase.CANCELLED, Reason.NAMES_DIFFER),
        (Phase.CANCELLED, Reason.CANCELLED_BY_USER),
        (Phase.CANCELLED, Reason.TYPED_INSTEAD),
        (Phase.CANCELLED, Reason.TOO_MANY_QUESTIONS),
        (Phase.EXPIRED, Reason.NO_ANSWER),
        (Phase.REFUSED, Reason.CHANGED_SINCE_CONFIRMATION),
        (Phase.REFUSED, Reason.SNAPSHOT_NOT_READY),
        (Phase.REFUSED, Reason.SNAPSHOT_NOT_FOUND),
        (Phase.REFUSED, Reason.NOT_PERMITTED),
        (Phase.FAILED, Reason.CREATE_REFUSED),
    ],
)
def test_every_way_out_says_that_the_bot_stopped_the_vm(phase: Phase, reason: Reason) -> None:
    message = views.render(*_way_out(phase, reason))
    assert "is *stopped*: I stopped it" in body(message)
    assert message.text.endswith("The VM is stopped.")
    assert Button.START_VM in pressable(message)


def test_a_vm_that_somebody_else_started_is_not_called_stopped() -> None:
    message = views.render(*_way_out(Phase.REFUSED, Reason.VM_STARTED))
    assert "*stopped*" not in body(message)
    assert Button.START_VM not in pressable(message)


def test_a_vm_that_was_started_again_is_not_called_stopped() -> None:
    start = Start(by=ALICE, at=NOW, done_at=NOW)
    document, shown = _way_out(Phase.EXPIRED, Reason.NO_ANSWER)
    again_up = document.model_copy(update={"start": start})
    said = body(views.render(again_up, shown))
    assert "*stopped*" not in said
    assert "started by <@U0ALICE>" in said


def test_cancel_leaves_the_request_once_the_cluster_has_the_restore() -> None:
    before = views.render(*one(Phase.RESTORING, CardKind.REQUEST))
    after = views.render(*one(Phase.RESTORING, CardKind.REQUEST, job=JOB))
    assert pressable(before) == {"cancel", "hand-over"}
    assert pressable(after) == {"hand-over"}


def test_the_safety_choice_offers_the_other_state() -> None:
    off = one(Phase.TYPING, CardKind.WARNING, preview=PREVIEW, deadline=UNTIL)
    on = one(Phase.TYPING, CardKind.WARNING, preview=PREVIEW, deadline=UNTIL, protect=True)
    assert pressable(views.render(*off)) == {"protect-on", "cancel"}
    assert pressable(views.render(*on)) == {"protect-off", "cancel"}
    assert "*Snapshot current state first*: ON" in body(views.render(*on))


@pytest.mark.parametrize(
    ("before", "stopped", "meaning"),
    [
        ("Halted", False, "`Halted` - the VM stays stopped"),
        ("Manual", False, "`Manual` - the VM stays stopped unless"),
        ("RerunOnFailure", False, "`RerunOnFailure` - the VM stays stopped unless"),
        ("Always", False, "`Always` - ⚠️ the cluster starts the VM by itself"),
        ("Once", False, "`Once` - ⚠️ the cluster starts the VM by itself"),
        ("Halted", True, "`Halted` (it was `Always`; a start makes it `Always`)"),
    ],
)
def test_the_warning_says_whether_the_vm_will_start_by_itself(
    before: str, stopped: bool, meaning: str
) -> None:
    shown = PREVIEW.model_copy(update={"run_strategy": before})
    stop = DONE if stopped else None
    message = views.render(*one(Phase.TYPING, CardKind.WARNING, preview=shown, stop=stop))
    assert f"*Run strategy after the restore*: {meaning}" in body(message)


WRITERS = [
    pytest.param("Argo CD", "*Argo CD manages this VM* and may undo the restore at its next sync", id="sync"),
    pytest.param("KubevirtMachine a, Flux", "*KubevirtMachine a, Flux manages this VM* and may undo", id="two"),
    pytest.param("Helm (release shop)", "manages this VM* and may write it again", id="at an upgrade"),
    pytest.param("VirtualMachinePool web", "a pool replaces and scales its VMs by itself", id="a pool"),
    pytest.param("KubevirtMachine of-a-node, VirtualMachinePool web", "a pool replaces", id="a pool among others"),
]  # fmt: skip


@pytest.mark.parametrize(("writers", "words"), WRITERS)
def test_the_warning_says_who_else_writes_the_vm(writers: str, words: str) -> None:
    shown = PREVIEW.model_copy(update={"gitops": writers})
    message = views.render(*one(Phase.TYPING, CardKind.WARNING, preview=shown, stop=None))
    assert words in body(message)


@pytest.mark.parametrize(
    ("created", "ahead", "window"),
    [
        pytest.param(timedelta(hours=1), 0, "(unknown time: it is dated in the future)", id="future"),
        pytest.param(timedelta(seconds=20), 0, "in the last 1 second WILL", id="within a minute"),
        pytest.param(timedelta(hours=1), 7200, "in the last 1 hour WILL", id="by the cluster's clock"),
        pytest.param(timedelta(), 0, "in the last 1 second WILL", id="now"),
    ],
)  # fmt: skip
def test_a_snapshot_is_never_from_the_last_0_seconds(
    created: timedelta, ahead: float, window: str
) -> None:
    facts = {"snapshot_created": PREVIEW.taken_at + created, "clock_ahead": ahead}
    shown = PREVIEW.model_copy(update=facts)
    message = views.render(*one(Phase.TYPING, CardKind.WARNING, preview=shown, stop=None))
    assert window in body(message)
    assert "last 0 seconds" not in f"{body(message)}{message.text}"


PAUSED: dict[str, Any] = {"preview": PREVIEW.model_copy(update={"paused": True}), "stop": ASKED}


@pytest.mark.parametrize("kind", [CardKind.STOP_CHOICE, CardKind.STOPPING, CardKind.STOP_OVERDUE])
def test_a_paused_guest_is_never_said_to_shut_down(kind: CardKind) -> None:
    """Before the stop, during it and when it takes long."""
    phase = Phase.STOP_CHOICE if kind is CardKind.STOP_CHOICE else Phase.STOPPING
    said = body(views.render(*one(phase, kind, **PAUSED)))
    assert "paused" in said
    assert "gracefully." not in said.replace("cannot shut down gracefully.", "")
    assert "may still be shutting down" not in said


def found_free(*claims: str) -> tuple[LeftBehind, ...]:
    """Claims that nobody needs."""
    return tuple(LeftBehind(claim=claim, kind=LeftBehindKind.FREE) for claim in claims)


def commands(*left: LeftBehind, **facts: Any) -> list[str]:
    """What can be copied from a success that leaves these claims."""
    known = {"preview": PREVIEW, "left_due": NOW, **facts}
    return re.findall(
        r"```(.*)```", body(views.render(*ended(Phase.SUCCEEDED, left=left, **known)))
    )


def test_no_command_stands_where_nobody_looks_any_more() -> None:
    assert commands(*found_free("old-root"), left_due=NOW) != []
    assert commands(*found_free("old-root"), left_due=None) == []


def test_the_volume_command_names_only_what_it_removes() -> None:
    many = [f"disk-{n}" for n in range(40)]
    message = views.render(
        *ended(Phase.SUCCEEDED, left=found_free(*many), more_left=3, left_due=NOW, preview=PREVIEW)
    )
    [command] = re.findall(r"```(.*)```", body(message))
    assert command == "kubectl delete pvc -n production " + " ".join(many[:10])
    assert "and 30 more" in body(message)
    assert "The first 10 of them:" in body(message)
    assert "and 3 more claims" in body(message)


def test_a_volume_that_is_no_name_never_gets_into_a_command() -> None:
    odd = found_free("good-one", "; rm -rf ~", "$(boom)", "`x`")
    assert commands(*odd) == ["kubectl delete pvc -n production good-one"]


@pytest.mark.parametrize(
    "kind", [each for each in LeftBehindKind if each is not LeftBehindKind.FREE]
)
def test_what_somebody_may_need_is_named_and_never_put_into_a_command(kind: LeftBehindKind) -> None:
    kept = LeftBehind(claim="precious", kind=kind, by="VM `web-01`")
    message = views.render(*ended(Phase.SUCCEEDED, left=(kept,), preview=PREVIEW))
    assert "`precious`" in body(message)
    assert "kubectl" not in body(message)
    assert commands(kept, *found_free("free")) == ["kubectl delete pvc -n production free"]


def test_there_is_no_command_for_what_nobody_has_looked_up_just_now() -> None:
    assert commands(*found_free("free"), closed=True) == []
    older = ended(Phase.SUCCEEDED, leftovers=("old-root",), preview=PREVIEW)
    assert "`old-root`" in body(views.render(*older))
    assert "kubectl" not in body(views.render(*older))


@pytest.mark.parametrize(
    ("protect", "said"), [(False, "is OFF: after the restore nothing"), (True, "is ON: only that")]
)
def test_a_deletion_is_the_first_thing_that_a_warning_says(protect: bool, said: str) -> None:
    message = views.render(*one(Phase.TYPING, CardKind.WARNING, preview=DELETING, protect=protect))
    before, _, _ = body(message).partition("THIS WILL REPLACE CURRENT VM STATE")
    assert "THIS RESTORE DELETES DISKS: `archive`" in before
    assert said in before
    assert "It DELETES disks that were added since: `archive`." in message.text
    last = views.render(*one(Phase.CONFIRMING, CardKind.CONFIRM, preview=DELETING))
    assert "Disks `archive` are DELETED" in body(last)


def test_without_a_deletion_no_card_speaks_of_one() -> None:
    for kind, phase in ((CardKind.WARNING, Phase.TYPING), (CardKind.CONFIRM, Phase.CONFIRMING)):
        message = views.render(*one(phase, kind, preview=RICH))
        assert "DELETE" not in body(message) + message.text


def test_an_older_attempt_to_start_is_not_shown_as_the_newest() -> None:
    first, second = card(CardKind.STARTED, 7), card(CardKind.STARTED, 8)
    done = Start(by=ALICE, at=NOW, done_at=NOW)
    document = restore(Phase.SUCCEEDED, first, second, start=done)
    assert "earlier attempt" in body(views.render(document, first))
    assert "started by" in body(views.render(document, second))


def test_a_stop_that_takes_long_says_how_long() -> None:
    late = Card(kind=CardKind.STOP_OVERDUE, number=4, opened_at=NOW + timedelta(minutes=14))
    stop = DONE.model_copy(update={"done_at": None})
    document = restore(Phase.STOPPING, late, stop=stop, rules=Rules(stop_timeout=300))
    assert "after 20 minutes it is still live" in body(views.render(document, late))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({}, "*Try again* removes it", id="with its buttons"),
        pytest.param({"closed": True}, "would block every other restore", id="a day later"),
    ],
)
def test_what_our_failed_object_blocks_is_said_with_what_is_left_to_do(
    changes: dict[str, bool], said: str
) -> None:
    document, shown = EXAMPLES["failed"]
    text = body(views.render(document.model_copy(update=changes), shown))
    assert said in text
    assert ("*Try again*" in text) is not bool(changes)


def test_a_failure_that_was_continued_blocks_nothing_any_more() -> None:
    failed = edits.close_as_continued(EXAMPLES["failed"][0], ALICE)
    text = page(views.render(failed, failed.cards[-1]))
    assert "would block" not in text
    assert f"Continued by <@{ALICE}>, further down" in text
