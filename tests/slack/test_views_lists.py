"""Lists of snapshots and restores, and help: what they say, and that they fit into a message."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.playground.slack.blockkit import check_blocks
from bot.request import Verb
from bot.request.verbs import SUBCOMMANDS
from bot.restore.model import Outcome, Phase, Restore
from bot.restore.observation import Snapshot
from bot.restore.reasons import Reason
from bot.restore.thread import CardKind, ThreadRef
from bot.slack import views
from bot.slack.views import ListTarget, Message
from bot.texts import answers
from tests.restores import NOW, restore
from tests.slack.examples import CREATED, UNTIL, card, request
from tests.slack.pages import body

THREAD = "https://acme.slack.com/archives/C0OPS/p1"
TARGET = ListTarget("production", "database-01")
GOOD = Snapshot(
    name="pre-upgrade-snapshot",
    uid="1",
    source="database-01",
    requested_at=NOW,
    created=CREATED,
    phase="Succeeded",
    ready=True,
    indications=("Online", "GuestAgent"),
    included=("root", "data"),
)
WARNED = restore(Phase.TYPING, card(CardKind.REQUEST, 1), card(CardKind.WARNING, 2), deadline=UNTIL)
ENDED = restore(
    Phase.SUCCEEDED,
    card(CardKind.REQUEST, 1),
    outcome=Outcome(at=NOW + timedelta(minutes=5)),
)
LONG = request(cluster="c" * 100, namespace="n" * 63, vm="v" * 253, snapshot="s" * 253)


def lines(message: Message) -> str:
    return body(message)


# Snapshots


@pytest.mark.parametrize(
    ("snapshot", "said"),
    [
        (GOOD, "ready to use. Created 2026-02-18 10:00:00 UTC"),
        (GOOD, "6 hours 30 minutes ago."),
        (GOOD, "application-consistent (the guest agent quiesced the file systems)"),
        (GOOD, "2 disks: `root`, `data`."),
        (replace(GOOD, included=("root",)), "1 disk: `root`."),
        (replace(GOOD, included=()), "No disks: configuration only."),
        (replace(GOOD, indications=()), "consistent (the VM was stopped when it was taken)"),
        (replace(GOOD, indications=("Online", "NoGuestAgent")), "⚠️ crash-consistent only"),
        (replace(GOOD, phase="InProgress", ready=False), "not ready (status: InProgress)"),
        (replace(GOOD, phase="", ready=False), "not ready (status: Unknown)"),
        (replace(GOOD, ready=False, error="no driver."), "ago. Error: no driver."),
        (replace(GOOD, deleting=True), "being deleted"),
        (replace(GOOD, created=None), "Created 2026-02-18 16:30:00 UTC"),
    ],
)
def test_a_snapshot_in_a_line(snapshot: Snapshot, said: str) -> None:
    assert said in lines(views.snapshots(TARGET, [snapshot], NOW))


def test_of_a_snapshot_that_is_not_ready_nothing_is_promised() -> None:
    said = lines(views.snapshots(TARGET, [replace(GOOD, phase="Failed", ready=False)], NOW))
    assert "disk" not in said
    assert "Consistency" not in said
    assert "To restore" not in said


def test_the_newest_one_that_is_ready_comes_with_its_command() -> None:
    broken = replace(GOOD, name="newer", ready=False)
    said = lines(views.snapshots(TARGET, [broken, GOOD], NOW))
    assert "`/vm-restore database-01 from pre-upgrade-snapshot in production`" in said


def test_commands_name_the_cluster_that_is_not_the_usual_one() -> None:
    there = replace(TARGET, cluster="east")
    said = lines(views.snapshots(there, [GOOD], NOW))
    assert "pre-upgrade-snapshot in production --cluster east`" in said
    assert "Snapshots of VM `database-01` in `production` (cluster `east`): 1" in said
    assert "list database-01 in production --cluster east`" in lines(
        views.which_namespace([there, replace(there, namespace="staging")])
    )


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (TARGET, "VM `database-01` in namespace `production` has no snapshots"),
        (ListTarget("production"), "no snapshots in namespace `production`"),
    ],
)
def test_no_snapshots(target: ListTarget, said: str) -> None:
    assert said in views.snapshots(target, [], NOW).text


@pytest.mark.parametrize(
    ("target", "command"),
    [
        (ListTarget("production"), "`/vm-restore list VM in production`"),
        (TARGET, "`/vm-restore database-01 in production`"),
    ],
)
def test_a_long_list_says_how_to_see_the_rest(target: ListTarget, command: str) -> None:
    many = [replace(GOOD, name=f"nightly-{n}") for n in range(40)]
    message = views.snapshots(target, many, NOW)
    assert lines(message).count("ready to use. Created") == 15
    assert "• and 25 more, narrow it with" in lines(message)
    assert command in lines(message)
    assert ": 40" in message.text


def test_a_missing_vm_brings_near_names_or_its_other_namespaces() -> None:
    missing = views.no_such_vm("databse-01", None, ["database-01"])
    assert missing.text == (
        "There is no VM `databse-01` where you may restore. Did you mean `database-01`?"
    )
    there = views.no_such_vm("x", "production", [])
    assert there.text == "There is no VM `x` in namespace `production`, and no snapshot of one."
    said = views.elsewhere(ListTarget("prod", "database-01"), ["production"]).text
    assert "Did you mean `/vm-restore list database-01 in production`?" in said


# What there is


def test_the_overview_tells_an_empty_cluster_from_one_that_does_not_answer() -> None:
    message = views.overview({"east": None, "west": {}, "north": {"a": ["b"]}}, "east")
    assert message.text == "You may restore 1 VM from here, as far as the clusters answer."
    said = lines(message)
    assert "⚠️ Cluster `east` cannot be asked just now" in said
    assert "Cluster `west`: no VM where you may restore" in said
    assert "• Namespace `a` on cluster `north`: 1 VM: `b`" in said


# Restores


@pytest.mark.parametrize(
    ("phase", "kind", "said"),
    [
        (Phase.GATHERING, None, "looking for what is missing"),
        (Phase.GATHERING, CardKind.ASK_VM, "waits for what is missing"),
        (Phase.CHECKING, None, "checking the VM and the snapshot"),
        (Phase.STOP_CHOICE, CardKind.STOP_CHOICE, "waits for the choice whether to stop the VM"),
        (Phase.STOPPING, None, "stopping the VM"),
        (Phase.STOPPING, CardKind.STOP_OVERDUE, "the VM does not stop, waits for an answer"),
        (Phase.STOPPING, CardKind.FORCE_STOP, "the VM does not stop, waits for an answer"),
        (Phase.TYPING, CardKind.WARNING, "waits for the snapshot's name to be typed"),
        (Phase.CONFIRMING, CardKind.CONFIRM, "waits for *Restore VM now*"),
        (Phase.PROTECTING, None, "taking the safety snapshot"),
        (Phase.RESTORING, None, "restoring"),
        (Phase.RESTORING, CardKind.OVERDUE, "restoring for longer than expected"),
        (Phase.RESTORING, CardKind.DELETE_RESTORE, "restoring for longer than expected"),
    ],
)
def test_every_phase_has_words(phase: Phase, kind: CardKind | None, said: str) -> None:
    cards = [card(CardKind.REQUEST, 1), *([card(kind, 2)] if kind else [])]
    assert said in lines(views.status([restore(phase, *cards)], {}))


def test_what_waits_for_nobody_expires_for_nobody() -> None:
    running = restore(Phase.RESTORING, card(CardKind.REQUEST, 1), deadline=UNTIL)
    assert "expires" not in lines(views.status([running], {}))


@pytest.mark.parametrize(
    ("channel", "said"),
    [("C0OPS", "its thread in <#C0OPS>"), ("D0DIRECT", "its thread in a direct message")],
)
def test_without_a_link_the_place_is_named(channel: str, said: str) -> None:
    there = WARNED.model_copy(update={"thread_ref": ThreadRef(team="T0TEAM", channel=channel)})
    assert said in lines(views.status([there], {there.id: None}))


def test_another_cluster_is_named() -> None:
    far = WARNED.model_copy(update={"request": request(cluster="east")})
    assert "in `production` (cluster `east`)" in lines(views.status([far], {}))


def test_history_says_why_it_failed() -> None:
    failed = restore(
        Phase.REFUSED,
        card(CardKind.REQUEST, 1),
        outcome=Outcome(reason=Reason.VM_NOT_FOUND, at=NOW),
    )
    assert "• ❌ Refused (VM Not Found): VM `database-01`" in lines(views.history([failed], {}))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (views.status([], {}), "No restore is under way that you may see."),
        (views.status([], {}, "x"), "No restore of VM `x` is under way that you may see."),
        (views.history([], {}), "No earlier restore is known that you may see."),
        (views.history([], {}, "x"), "No earlier restore of VM `x` is known that you may see."),
    ],
)
def test_nothing_is_said_as_well(message: Message, said: str) -> None:
    assert message.text == said


# Help


@pytest.mark.parametrize(
    "command",
    sorted({verb.value for verb in SUBCOMMANDS.values()} - {*answers.OTHER_WISHES, Verb.HELP}),
)
def test_help_names_every_command(command: str) -> None:
    spelled = command.replace("take-over", "take over VM")
    assert f"`/vm-restore {spelled}" in lines(views.help_card(views.Example()))


def test_what_was_not_understood_gets_examples_that_work() -> None:
    message = views.not_understood(views.Example())
    assert message.text == "I did not understand that."
    assert "`/vm-restore database-01 from pre-upgrade-snapshot in production`" in lines(message)


# Limits


def _longest() -> Sequence[Message]:
    name, space = "v" * 253, "n" * 63
    target = ListTarget(space, name, "c" * 100)
    snapshot = replace(
        GOOD,
        name="s" * 253,
        source=name,
        included=tuple(f"{n}{'d' * 60}" for n in range(100)),
        indications=("x" * 200,),
    )
    running = WARNED.model_copy(update={"request": LONG})
    over: list[Restore] = [ENDED.model_copy(update={"request": LONG})] * 100
    link = {running.id: THREAD + "?" + "t" * 200}
    spaces = {str(n) + "n" * 60: [name] * 50 for n in range(40)}
    return (
        views.snapshots(target, [snapshot] * 400, NOW),
        views.snapshots(replace(target, vm=None), [snapshot] * 400, NOW),
        views.no_such_vm(name, space, [name] * 5),
        views.elsewhere(target, [space] * 100),
        views.which_namespace([target] * 100),
        views.cluster_refuses("x" * 5000),
        views.overview({"c" * 100: spaces, "d" * 100: None}, "c" * 100),
        views.status([running] * 200, link, name),
        views.history(over, link, name),
        views.help_card(views.Example(name, space, "s" * 253)),
        views.not_understood(views.Example(name, space, "s" * 253)),
        views.reply_in_thread(running, THREAD),
    )


@pytest.mark.parametrize("message", _longest())
def test_the_longest_answers_fit_into_a_message(message: Message) -> None:
    assert check_blocks(list(message.blocks), "message") == []
    assert len(message.text) <= 3000
    assert "{" not in message.text
    assert re.findall(r"`/vm-restore [^`]*…", lines(message)) == []
