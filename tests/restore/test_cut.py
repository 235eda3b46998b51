"""Lists are counted first and cut then: of 25 of anything people read some, and how many more."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.restore.checks import first_refusal
from bot.restore.differences import claims_are_the_same, claims_have_their_size
from bot.restore.events import Button
from bot.restore.observation import Claim, ObservationKind, Volume
from bot.restore.rules import VolumePolicy
from bot.restore.vmstate import state_of
from tests.restore import play as p
from tests.restore.ground import CONTENT, COPY, READY, SNAPSHOT, SNAPSHOT_NAME, VM, WELL, Ground
from tests.restore.play import Play

DISKS = [f"d{n:02}" for n in range(25)]
VOLUMES = tuple(Volume(disk, "persistentVolumeClaim", claim=f"{disk}-claim") for disk in DISKS)
WIDE = replace(VM, volumes=VOLUMES)
HELD = tuple(Claim(f"{disk}-claim", "Bound", uid=disk, size=1) for disk in DISKS)
COPIES = tuple(replace(COPY, name=f"vs-{disk}", size=1) for disk in DISKS)
HOLDS = replace(
    CONTENT,
    volumes=VOLUMES,
    sizes=tuple((disk, "fast", 1) for disk in DISKS),
    backups=tuple((disk, f"{disk}-claim") for disk in DISKS),
    copies=tuple((disk, f"vs-{disk}") for disk in DISKS),
)
GROUND = WELL.but(vm=WIDE, content=HOLDS, claims=HELD, copies=COPIES)
GROWN = tuple(replace(claim, size=2) for claim in HELD)
OTHERS = tuple(replace(claim, uid="other") for claim in HELD)
TAKEN = (*HELD, *(Claim(f"database-01-{disk}", "Bound") for disk in DISKS))
SNAPSHOTS = tuple(replace(SNAPSHOT, name=f"nightly-{disk}") for disk in DISKS)


def refused(ground: Ground, policy: VolumePolicy | None = None) -> str:
    asked = p.asked(rules=p.RULES.model_copy(update={"volume_policy": policy}))
    said = first_refusal(ground.observation(ObservationKind.FULL, asked), asked)
    return said.found if said else ""


def at_the_act(ground: Ground, policy: VolumePolicy | None = None) -> Play:
    played = p.play(p.RULES.model_copy(update={"volume_policy": policy}))
    played.ground = GROUND
    played.looks().types(SNAPSHOT_NAME).clicks(Button.CONFIRM)
    played.ground = ground
    return played.looks()


def without_a_disk() -> str:
    """The VM has disks of its own templates that the restore deletes; the safety snapshot lacks them."""
    played = p.play(p.RULES.model_copy(update={"protect_by_default": True}))
    since = tuple(Volume(f"new-{disk}", "dataVolume", claim=f"new-{disk}") for disk in DISKS)
    made = tuple(each.claim or "" for each in since)
    vm = replace(VM, volumes=(*VM.volumes, *since), templates=made)
    held = (*WELL.claims, *(Claim(name, "Bound") for name in made))
    played.looks(vm=vm, claims=held).types(SNAPSHOT_NAME).clicks(Button.CONFIRM).looks().created()
    return played.safety_becomes(**READY).looks().restore.note or ""


PREFIX = VolumePolicy.PREFIX_TARGET_NAME
SAID: dict[str, tuple[Callable[[], str], str]] = {
    "claims that were resized": (
        lambda: (
            claims_have_their_size(state_of(WIDE, claims=HELD), state_of(WIDE, claims=GROWN)) or ""
        ),
        "So it is with 20 more.",
    ),
    "claims that were made again": (
        lambda: (
            claims_are_the_same(state_of(WIDE, claims=HELD), state_of(WIDE, claims=OTHERS)) or ""
        ),
        "So it is with 20 more.",
    ),
    "copies that are gone": (lambda: refused(GROUND.but(copies=())), "So it is with 20 more."),
    "copies that are gone since": (
        lambda: at_the_act(GROUND.but(copies=())).outcome.found,
        "So it is with 20 more.",
    ),
    "names that are taken": (lambda: refused(GROUND.but(claims=TAKEN), PREFIX), "and 15 more"),
    "names that are taken since": (
        lambda: at_the_act(GROUND.but(claims=TAKEN), PREFIX).outcome.found,
        "So it is with 20 more.",
    ),
    "disks that the safety snapshot lacks": (without_a_disk, "and 20 more"),
}


@pytest.mark.parametrize("case", SAID)
def test_what_is_not_named_is_counted(case: str) -> None:
    said, counted = SAID[case]
    assert counted in said()


def test_snapshots_that_a_refusal_does_not_list_are_counted() -> None:
    outcome = p.play().looks(snapshots=SNAPSHOTS).outcome
    assert (len(outcome.choices), outcome.more_choices) == (10, 15)
