"""Clusters with an older KubeVirt: what they serve of the snapshot API, and what is asked of them then.

By KubeVirt's source: v1beta1 since 1.3, targetReadinessPolicy since 1.5, volumeRestorePolicy since 1.6; up
to 1.4.0 the webhook wants the target's run strategy to be Halted.
"""

from dataclasses import dataclass

import pytest

from bot.playground.stage import Stage
from tests.stories import acts
from tests.stories.conftest import SetStage

GROUP = "snapshot.kubevirt.io"


@dataclass(frozen=True, slots=True)
class Release:
    """What a release of KubeVirt lacks."""

    versions: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    halted: bool = False

    def turn(self, stage: Stage) -> None:
        """Make the cluster one of this release."""
        knobs = stage.world.kube.knobs
        knobs.absent_versions |= self.versions
        knobs.absent_restore_fields |= self.fields
        knobs.restores_want_halted = self.halted
        stage.world.kube.nudge()


NO_POLICIES = frozenset({"targetReadinessPolicy", "volumeRestorePolicy", "volumeOwnershipPolicy"})
RELEASES = {
    "1.2: v1alpha1 alone": (
        Release(frozenset({f"{GROUP}/v1beta1"}), NO_POLICIES, halted=True),
        "v1alpha1",
        {"target", "virtualMachineSnapshotName"},
    ),
    "1.4.0: no policy": (
        Release(fields=NO_POLICIES, halted=True),
        "v1beta1",
        {"target", "virtualMachineSnapshotName"},
    ),
    "1.5: no volume policy": (
        Release(fields=NO_POLICIES - {"targetReadinessPolicy"}),
        "v1beta1",
        {"target", "virtualMachineSnapshotName", "targetReadinessPolicy"},
    ),
}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("closed", [False, True], ids=["the CRD is read", "the CRD is closed"])
async def test_a_running_vm_is_restored_by_an_older_kubevirt(
    stage_for: SetStage, release: str, closed: bool
) -> None:
    """Stopped, protected and restored, in the version and with the fields that it knows."""
    lacks, version, fields = RELEASES[release]
    stage = await stage_for(
        running=True, start=False, config={"rules": {"protect_by_default": True}}
    )
    lacks.turn(stage)
    if closed:
        stage.world.kube.deny("get", "customresourcedefinitions")
    await stage.world.start_bot()
    await acts.ask(stage)
    await stage.press(acts.MUST_STOP, "Stop and restore")
    await acts.confirm(stage)
    await stage.card(acts.RESTORED)
    [restore] = stage.restores()
    [safety] = stage.creates("virtualmachinesnapshots")
    for call in (restore, safety):
        assert call.body is not None
        assert call.body["apiVersion"] == f"{GROUP}/{version}"
    assert set(acts.spec_of(restore)) == fields
