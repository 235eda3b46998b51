"""What the objects in the cluster are called: one confirmation, one name, and no two restores alike."""

import re
from datetime import timedelta

import pytest

from bot.restore.effects import (
    MAX_NAME,
    MAX_PERSON,
    REQUESTED_BY_NAME,
    THREAD_LINK,
    confirmed_name,
    create_restore,
    named_at,
    object_name,
    own_mark,
    signed,
)
from bot.restore.events import CreateRestore, NotDone
from bot.restore.model import Restore, RestoreId
from tests.restore import play as p
from tests.restore.ground import NOW

KINDS = ("restore", "pre-restore")
FORM = re.compile(r"(pre-)?restore-[a-z0-9.-]*[a-z0-9]-\d{8}-\d{6}-[a-z2-7]{5}")
VMS = {
    "short": "db",
    "usual": "database-01",
    "63 letters": "a" * 63,
    "longest": "b" * 253,
    "cut at a dash": "c" * 28 + "-----" + "d" * 20,
    "cut at a dot": "e" * 28 + ".f" * 20,
}


def of(vm: str = "database-01", id_: str = "k3f9") -> Restore:
    """A confirmed restore of this VM."""
    restore = p.confirmed(id_=RestoreId(id_)).restore
    named = restore.request.model_copy(update={"vm": vm})
    return restore.model_copy(update={"request": named})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("vm", VMS)
def test_a_name_is_readable_and_a_valid_label(kind: str, vm: str) -> None:
    name = object_name(kind, of(VMS[vm]), NOW)
    assert FORM.fullmatch(name), name
    assert len(name) <= MAX_NAME
    begin, _, _ = name.partition("-20260218-163000-")
    assert VMS[vm].startswith(begin.removeprefix(f"{kind}-"))


def test_the_name_of_a_usual_vm_is_not_cut() -> None:
    assert object_name("restore", of(), NOW) == "restore-database-01-20260218-163000-7kdup"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("vms", [("web", "web"), ("x" * 40 + "-01", "x" * 40 + "-02")])
def test_two_restores_confirmed_in_one_second_have_two_names(
    kind: str, vms: tuple[str, str]
) -> None:
    one, other = of(vms[0], "k3f9"), of(vms[1], "m2p7")
    assert object_name(kind, one, NOW) != object_name(kind, other, NOW)


def test_a_successor_has_another_name_in_the_same_second() -> None:
    assert object_name("restore", of(id_="k3f9"), NOW) != object_name(
        "restore", of(id_="k3f9.2"), NOW
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_confirmation_gives_the_same_name(kind: str) -> None:
    clicked = of()
    later = Restore.model_validate_json(clicked.model_dump_json())
    assert confirmed_name(kind, clicked) == confirmed_name(kind, later)
    assert clicked.confirmation is not None
    another = clicked.confirmation.model_copy(update={"at": NOW + timedelta(seconds=1)})
    anew = clicked.model_copy(update={"confirmation": another})
    assert confirmed_name(kind, anew) != confirmed_name(kind, clicked)


def test_a_document_that_has_a_name_keeps_it() -> None:
    """Earlier builds stored names without a suffix: what is sent again is sent under that name."""
    played = p.decided().acted(NotDone())
    assert played.restore.job is not None
    older = played.restore.job.model_copy(update={"name": "restore-database-01-20260218-163000"})
    played.restore = played.restore.model_copy(update={"job": older})
    again = played.wait(5).looks().effect
    assert isinstance(again, CreateRestore)
    assert again.name == "restore-database-01-20260218-163000"


@pytest.mark.parametrize("vm", VMS)
def test_what_a_vm_carries_of_this_restore_is_known_from_any_confirmation(vm: str) -> None:
    restore = of(VMS[vm])
    name = object_name("restore", restore, NOW - timedelta(seconds=77))
    assert own_mark(restore, name) == own_mark(restore, f"{name}-0f9a54b1-0f52-4c3e") == name
    assert named_at(name) == NOW - timedelta(seconds=77)


@pytest.mark.parametrize(
    "mark",
    [
        None,
        "",
        "by-hand-0815",
        object_name("restore", of(id_="m2p7"), NOW),
        object_name("restore", of("web-01"), NOW),
        object_name("restore", of(), NOW) + "x",
        "pre-" + object_name("restore", of(), NOW),
    ],
)
def test_what_another_restore_left_is_not_its_own(mark: str | None) -> None:
    assert own_mark(of(), mark) is None


# what Slack says that somebody is called -> what stands on the object
CALLED = {
    "Alice Example": "Alice Example",
    "Łucja 李": "Łucja 李",
    "two\nlines\tand  more": "two lines and more",
    "\x1b[31mred\x07": "[31mred",
    "\u202egnp.exe": "gnp.exe",
    "a" * 500: "a" * MAX_PERSON,
    " \u200b ": None,
    "": None,
}


@pytest.mark.parametrize("said", CALLED)
def test_what_somebody_is_called_is_one_harmless_line(said: str) -> None:
    effect = create_restore(of(), "restore-1")
    made = signed(effect, lambda _: said, "https://x.slack.com/archives/C1/p1")
    assert isinstance(made, CreateRestore)
    found = dict(made.annotations)
    assert found.get(REQUESTED_BY_NAME) == CALLED[said]
    assert found[THREAD_LINK] == "https://x.slack.com/archives/C1/p1"
    assert signed(effect, lambda _: "", None) == effect, "what is not known is left out"
