"""The texts of the events that are written on a VM: plain text, for `kubectl describe`."""

from typing import Final

REASON_BEGUN: Final = "RestoreBegun"
REASON_SUCCEEDED: Final = "RestoreSucceeded"
REASON_FAILED: Final = "RestoreFailed"
BEGUN: Final = "VirtualMachineRestore {restore} restores this VM from snapshot {snapshot}. {who}"
SUCCEEDED: Final = (
    "This VM was restored from snapshot {snapshot} (VirtualMachineRestore {restore}). {who}"
)
FAILED: Final = (
    "The restore of this VM from snapshot {snapshot} (VirtualMachineRestore {restore}) has failed, and "
    "what state the VM is in is not known: {error} {who}"
)
ASKED_BY: Final = "Asked for by {person}."
CONFIRMED_BY: Final = "Confirmed by {person}."
