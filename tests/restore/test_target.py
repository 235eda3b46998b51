"""What a restore is about: parts of it in GATHERING, all of it from CHECKING on."""

import pytest

from bot.restore.model import Phase
from bot.restore.stop_and_start import Start
from bot.restore.target import RestoreRequest, Target, VmRef
from tests.restore import play as p
from tests.restore.ground import NOW
from tests.restore.play import OWNER, STATES

DB = VmRef("east", "production", "db-01")


@pytest.mark.parametrize(
    ("named", "vm_ref", "target"),
    [
        ({}, None, None),
        ({"vm": "db-01"}, None, None),
        ({"namespace": "production"}, None, None),
        ({"vm": "", "namespace": "production"}, None, None),
        ({"vm": "db-01", "namespace": "production"}, DB, None),
        ({"vm": "db-01", "namespace": "production", "snapshot": ""}, DB, None),
        ({"vm": "db-01", "snapshot": "nightly"}, None, None),
        ({"vm": "db-01", "namespace": "production", "snapshot": "nightly"}, DB, "nightly"),
    ],
)
def test_a_target_is_complete_or_none(
    named: dict[str, str], vm_ref: VmRef | None, target: str | None
) -> None:
    request = RestoreRequest.model_validate({"cluster": "east", **named})
    assert request.vm_ref == vm_ref
    assert request.target == (Target(DB, target) if target else None)


def test_the_key_of_a_vm_has_its_cluster_and_its_namespace() -> None:
    others = [VmRef("west", "production", "db-01"), VmRef("east", "staging", "db-01")]
    assert DB.key == "east/production/db-01"
    assert len({DB.key, *(each.key for each in others)}) == 3
    assert (Target(DB, "nightly").namespace, Target(DB, "nightly").vm) == ("production", "db-01")


@pytest.mark.parametrize("state", STATES)
def test_from_the_checks_on_the_target_is_complete(state: str) -> None:
    restore = STATES[state]().restore
    if restore.phase is Phase.GATHERING:
        with pytest.raises(ValueError, match="no complete target"):
            _ = restore.target
        assert restore.claim is None
        return
    vm_ref = restore.target.vm_ref
    starts = restore.start is not None and restore.start.pending
    assert restore.claim == (None if restore.phase.ended and not starts else vm_ref.key)


def test_a_named_vm_is_not_claimed_while_something_is_still_asked() -> None:
    asked = RestoreRequest(cluster="default", namespace="ns", vm="vm")
    known = p.play(request=asked).restore
    assert known.phase is Phase.GATHERING
    assert known.claim is None


def test_a_pending_start_claims_the_vm_again() -> None:
    ended = p.cancelled().restore
    pending = ended.model_copy(update={"start": Start(by=OWNER, at=NOW)})
    assert (ended.claim, pending.claim) == (None, pending.target.vm_ref.key)
