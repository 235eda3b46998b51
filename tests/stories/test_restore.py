"""The main job: somebody asks, both confirmations come, the VM goes back to the snapshot."""

from tests.stories.conftest import Golden, SetStage

REQUEST = "/vm-restore database-01 from pre-upgrade-snapshot in production"


async def test_stopped_vm_by_slash_command(stage_for: SetStage, golden: Golden) -> None:
    """A stopped VM is restored after the typed name and the click; nothing else is touched."""
    stage = await stage_for()
    await stage.alice.slash(stage.channel, REQUEST)
    await stage.card("type the snapshot name exactly as shown")
    await stage.reply("pre-upgrade-snapshot")
    await stage.press("Typed Verification Passed", "Restore VM now")
    await stage.card("VM Restored Successfully")
    await stage.world.quiet()
    golden(stage)
    assert [call.body["spec"] for call in stage.restores() if call.body] == [
        {
            "target": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "database-01"},
            "virtualMachineSnapshotName": "pre-upgrade-snapshot",
            "targetReadinessPolicy": "FailImmediate",
        }
    ]
