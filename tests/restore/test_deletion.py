"""What a restore deletes is copied before, or its loss is agreed to: nothing else lets it through."""

from dataclasses import replace

from bot.restore.events import Button, CreateRestore, CreateSnapshot, Reply
from bot.restore.model import Phase
from bot.restore.observation import Vmi, Volume
from bot.restore.reasons import Reason
from tests.restore import play as p
from tests.restore.ground import READY, RUNNING, SNAPSHOT_NAME, VM, WELL
from tests.restore.play import Play

EXTRA = Volume("extra", "dataVolume", claim="extra")
ROOT = Volume("root", "dataVolume", claim="root-claim")
DELETES = WELL.but(vm=replace(VM, volumes=(ROOT, EXTRA), templates=("extra",)))
"""A disk was added with a template after the snapshot."""


def named(*, protect: bool = False) -> Play:
    """The name is typed, and the confirm card is open."""
    played = p.play()
    played.ground = DELETES
    played.looks()
    if protect:
        played.clicks(Button.PROTECT_ON)
    return played.types(SNAPSHOT_NAME)


def test_a_deletion_that_nobody_agreed_to_cannot_be_confirmed() -> None:
    played = named().clicks(Button.CONFIRM)
    assert (played.phase, played.reply) == (Phase.CONFIRMING, Reply.OLD_CARD)


def test_once_it_is_agreed_to_the_restore_goes_through() -> None:
    played = named().clicks(Button.AGREE_DELETION).clicks(Button.CONFIRM)
    assert isinstance(played.looks().effect, CreateRestore)


def test_a_second_press_and_one_where_nothing_is_deleted_change_nothing() -> None:
    agreed = named().clicks(Button.AGREE_DELETION)
    assert agreed.clicks(Button.AGREE_DELETION).reply is Reply.OLD_CARD
    assert p.confirming().clicks(Button.AGREE_DELETION).reply is Reply.OLD_CARD


def test_an_agreement_counts_for_the_warning_that_it_was_given_on() -> None:
    """After a handover, or a new warning, it is asked for again."""
    played = named().clicks(Button.AGREE_DELETION)
    assert not played.wait().takes_over().restore.deletion_agreed


def test_the_last_gate_wants_it_as_well() -> None:
    played = named().clicks(Button.AGREE_DELETION).clicks(Button.CONFIRM)
    played.restore = played.restore.model_copy(update={"deletion_agreed": False})
    played.looks()
    assert (played.phase, played.reason) == (Phase.FAILED, Reason.CREATE_REFUSED)
    assert played.effects == ()


def test_a_safety_snapshot_stands_for_the_agreement() -> None:
    played = named(protect=True).clicks(Button.CONFIRM).looks()
    assert isinstance(played.effect, CreateSnapshot)
    played.created().safety_becomes(**{**READY, "included": ("root", "extra")}).looks()
    assert isinstance(played.looks().effect, CreateRestore)


def test_a_safety_snapshot_without_the_deleted_disk_is_none() -> None:
    played = named(protect=True).clicks(Button.CONFIRM).looks().created()
    played.safety_becomes(**READY).looks()
    assert played.phase is Phase.CHECKING
    assert "does not hold what the restore deletes: `extra`" in (played.restore.note or "")
    played.looks().clicks(Button.PROTECT_OFF).types(SNAPSHOT_NAME).clicks(Button.CONFIRM)
    assert played.reply is Reply.OLD_CARD


# --- What the stop takes out of the guest ---------------------------------------------------------

PLUGGED = Volume("usb", "persistentVolumeClaim", claim="usb")


def test_what_our_stop_unplugged_is_told_in_the_warning_after_it() -> None:
    played = p.play()
    plugged = Vmi(uid="vmi-1", phase="Running", volumes=(ROOT, PLUGGED))
    played.ground = WELL.but(vm=replace(RUNNING, volumes=(ROOT,)), vmi=plugged)
    played.looks().clicks(Button.STOP_AND_RESTORE).looks()
    played.looks(vm=VM, vmi=None).looks()
    assert played.phase is Phase.TYPING
    assert played.restore.preview is not None
    assert [each.name for each in played.restore.preview.fates] == ["root", "usb"]
