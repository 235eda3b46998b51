"""Whole restores, played through the core: the thread as it grows, card by card."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.restore import workflow
from bot.restore.events import Button, Clicked, Event, Observed, Typed, Verdict
from bot.restore.model import Phase, Restore
from bot.restore.observation import (
    Claim,
    Content,
    Observation,
    ObservationKind,
    RestoreObject,
    Snapshot,
    Vm,
    Vmi,
    Volume,
)
from bot.restore.rules import Rules, StopWhen
from bot.restore.target import RestoreRequest
from bot.restore.thread import CardKind
from bot.slack import views
from bot.slack.views import Message
from bot.slack.views.layout import action_id
from tests.restores import ALICE, HERE, ID, KNOWN, NOW
from tests.slack.examples import CREATED
from tests.slack.pages import elements

YES = Verdict(allowed=True)
DISK = Volume(name="root", kind="persistentVolumeClaim", claim="database-01-root")
VM = Vm(namespace="production", name="database-01", uid="u", status="Stopped", volumes=(DISK,))
LIVE = Vm(
    namespace="production",
    name="database-01",
    uid="u",
    status="Running",
    run_strategy="Always",
    volumes=(DISK,),
)
SNAPSHOT = Snapshot(
    name="pre-upgrade-snapshot",
    uid="s",
    source="database-01",
    requested_at=CREATED,
    created=CREATED,
    phase="Succeeded",
    ready=True,
    included=("root",),
)
CONTENT = Content(
    name="c", uid="c", ready=True, vm_uid="u", volumes=(DISK,), backups=((DISK.name, "root"),)
)


class Play:
    """One restore, and every picture of its thread."""

    def __init__(self, rules: Rules, request: RestoreRequest = KNOWN) -> None:
        self.now = NOW
        self.restore = workflow.begin(
            id_=ID, thread_ref=HERE, owner=ALICE, request=request, rules=rules, now=NOW
        )
        self.pictures: list[dict[str, Message]] = []
        self._draw()

    def event(self, event: Event) -> None:
        """Something happens, ten seconds later."""
        self.now += timedelta(seconds=10)
        self.restore = workflow.step(self.restore, event, self.now).restore
        self._draw()

    def kind(self, vm: Vm = VM, *, live: bool = False, job: RestoreObject | None = None) -> None:
        """The cluster is looked at."""
        observation = Observation(
            kind=workflow.wanted(self.restore) or ObservationKind.VMI,
            at=self.now,
            vm=vm,
            vmi=Vmi(uid="i", phase="Running") if live else None,
            snapshot=SNAPSHOT,
            content=CONTENT,
            snapshots=(SNAPSHOT,),
            restores=(job,) if job else (),
            job=job,
            claims=(Claim("restore-j-root", "Bound", mark=f"{job.name}-j"),) if job else (),
        )
        self.event(Observed(observation, YES))

    def type(self, text: str) -> None:
        """The owner replies."""
        self.event(Typed(by=ALICE, text=text, ts=f"{self.now.timestamp():.6f}"))

    def press(self, button: Button) -> None:
        """The owner presses a button, which must stand on an open card."""
        for card in self.restore.cards:
            for element in elements(views.render(self.restore, card)):
                if element["action_id"] == action_id(button):
                    value = views.parse_value(element["value"])
                    assert value == (ID, card.number)
                    self.event(Clicked(by=ALICE, button=button, number=card.number))
                    return
        raise AssertionError(f"nobody can press {button}")

    def _draw(self) -> None:
        cards = self.restore.cards
        self.pictures.append({card.key: views.render(self.restore, card) for card in cards})


def job(
    restore: Restore, *, complete: bool = False, said: str = "Creating new PVCs"
) -> RestoreObject:
    """The VirtualMachineRestore of this restore."""
    assert restore.job is not None
    return RestoreObject(
        namespace="production",
        name=restore.job.name,
        uid="j",
        target="database-01",
        snapshot="pre-upgrade-snapshot",
        complete=complete,
        progressing=said,
        restore_id=restore.id,
        claims=("restore-j-root",),
    )


def stopped_vm(play: Play) -> None:
    """The happy story of a stopped VM."""
    play.kind()
    play.type("pre-upgrade-snapshot")
    play.press(Button.CONFIRM)
    finish(play)


def finish(play: Play) -> None:
    """From the last look before the act to the result."""
    play.kind()
    play.kind(job=job(play.restore))
    play.kind(job=job(play.restore))
    play.kind(job=job(play.restore, said="Updating target spec"))
    play.kind(job=job(play.restore, complete=True))


def running_vm(play: Play) -> None:
    """A running VM, stopped right after the choice."""
    play.kind(LIVE, live=True)
    play.press(Button.STOP_AND_RESTORE)
    play.kind(LIVE, live=True)
    play.kind()
    play.kind()
    play.type("pre-upgrade-snapshot")
    play.press(Button.CONFIRM)
    finish(play)


def running_vm_stopped_late(play: Play) -> None:
    """A running VM, stopped when both confirmations are in."""
    play.kind(LIVE, live=True)
    play.press(Button.STOP_AND_RESTORE)
    play.type("pre-upgrade-snapshot")
    play.press(Button.CONFIRM)
    play.kind(LIVE, live=True)
    play.kind()
    finish(play)


def overdue(play: Play) -> None:
    """A restore that takes long."""
    play.kind()
    play.type("pre-upgrade-snapshot")
    play.press(Button.CONFIRM)
    play.kind()
    play.kind(job=job(play.restore))
    play.now += timedelta(minutes=11)
    play.kind(job=job(play.restore))
    play.press(Button.KEEP_WAITING)
    play.kind(job=job(play.restore))
    play.kind(job=job(play.restore, complete=True))


STORIES = {
    "stopped-vm": (stopped_vm, Rules()),
    "running-vm": (running_vm, Rules()),
    "running-vm-late": (running_vm_stopped_late, Rules(stop_when=StopWhen.CONFIRMED)),
    "overdue": (overdue, Rules()),
}


@pytest.fixture(params=STORIES)
def played(request: pytest.FixtureRequest) -> Play:
    story, rules = STORIES[request.param]
    play = Play(rules)
    story(play)
    return play


def changes(play: Play) -> Iterator[tuple[str, Message, Message]]:
    """Every edit of a card from one picture to the next."""
    for before, after in zip(play.pictures, play.pictures[1:], strict=False):
        for key in before.keys() & after.keys():
            if before[key] != after[key]:
                yield key, before[key], after[key]


def test_every_story_ends_well(played: Play) -> None:
    assert played.restore.phase is Phase.SUCCEEDED
    assert all(c.closed is not None for c in played.restore.cards if c.kind is not CardKind.RESULT)


def test_a_closed_card_is_never_edited_again(played: Play) -> None:
    """An edit is a call to Slack, and what is past must not be rewritten."""
    for key, before, _ in changes(played):
        assert key.startswith("request") or "→" not in before.text, (key, before.text)
        assert not before.text.startswith("Restore of VM"), key


def test_the_first_card_is_edited_rarely(played: Play) -> None:
    """Once for each question, which it names, and for each thing that is done: each edit costs a call."""
    edits = [key for key, _, _ in changes(played) if key.startswith("request")]
    assert len(edits) <= 9


def test_a_stopped_vm_needs_few_calls_to_slack() -> None:
    """Posts and edits if every step were shown on its own; the reconciler shows fewer."""
    play = Play(Rules())
    stopped_vm(play)
    posts = len(play.restore.cards)
    assert posts == 5
    assert posts + len(list(changes(play))) <= 16
