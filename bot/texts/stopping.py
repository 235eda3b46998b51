"""The texts of the stop of a live VM, before its restore."""

from collections.abc import Mapping
from typing import Final

STOP_HEADING: Final = "⚠️ VM Must Be Stopped Before Restore"
STOP_ASK: Final = "{owner}, VM {vm} is live: stop it and restore, or cancel?{until}"
STOP_TEXT: Final = "VM {vm} in {namespace} is live (status: {status}). Stop and restore, or cancel?"
STATUS: Final = "*Status*: {status}"
STATUS_BUT_LIVE: Final = (
    "*Status*: {status} - but a VirtualMachineInstance still exists, or may be made at any moment"
)
SAFETY_REQUIREMENT: Final = (
    "*Safety Requirement*: VMs must be stopped before restore to prevent data corruption."
)
PAUSED: Final = (
    "⚠️ *The guest is paused*: it cannot shut down gracefully. The stop waits until the VM's grace "
    "period is over, then the guest is cut off. Unpause it first if what it has not written to its disks "
    "matters: {command}"
)
UNPAUSE_COMMAND: Final = "virtctl unpause vm {vm} -n {namespace}"
STOP_OPTIONS: Final = (
    "*Options:*",
    '1. "stop-and-restore" - Stop the VM first, then restore from snapshot',
    '2. "cancel" - Cancel restore operation',
)
HOW_TO_PROCEED: Final = "How would you like to proceed?"
STOP_HOW: Final = "Press a button, or type `stop-and-restore` or `cancel` as a reply."
STOP_TIMING: Final[Mapping[str, str]] = {
    "chosen": (
        "The VM is stopped right after your answer, so that the data-loss window shown next is "
        "final. The restore itself still needs the typed snapshot name and your confirmation."
    ),
    "confirmed": (
        "Nothing is stopped before both confirmations are in: the typed snapshot name and the "
        "button. Until then the VM keeps running."
    ),
}

STOPPING_HEADING: Final = "⏸️ Stopping VM before restore..."
STOPPING: Final = "VM {vm} is being stopped gracefully."
STOPPING_PAUSED: Final = (
    "VM {vm} is being stopped. Its guest is paused and cannot shut down: it is cut off when its grace "
    "period is over."
)
STOPPING_BY_FORCE: Final = "VM {vm} is being stopped by force, without a grace period."
STRATEGY_KEPT_IN_MIND: Final = "Run strategy before the stop: {strategy}"
STOP_DONE: Final = "⏸️ VM {vm} has been stopped."
STOP_UNDER_WAY: Final = "⏸️ VM {vm} was sent a stop, and may still be stopping ({closed})."
STOP_UNDONE: Final = "⏸️ VM {vm} was sent a stop, and has been started since ({closed})."
STOP_NOT_SENT: Final = "⏸️ VM {vm} was not sent a stop ({closed})."
STOP_FAILED: Final = "The stop of VM {vm} failed: {error}"

STOP_OVERDUE_HEADING: Final = "⚠️ VM Is Taking Longer to Stop"
STOP_OVERDUE_ASK: Final = "{owner}, VM {vm} does not stop: wait, force it, or cancel?{until}"
STOP_OVERDUE: Final = "VM {vm} has been asked to stop, and after {length} it is still live."
STOP_OVERDUE_WAIT: Final = "• *Keep waiting*: the guest may still be shutting down."
STOP_OVERDUE_PAUSED: Final = (
    "• *Keep waiting*: the guest was paused and cannot shut down; it is cut off when its grace period "
    "is over."
)
STOP_OVERDUE_FAILED: Final = "• *Keep waiting*: the stop is sent again, and may fail again."
STOP_OVERDUE_CHOICES: Final = (
    "• *Force stop*: like pulling the power cord; you are asked once more.",
    "• *Cancel*: nothing is restored. The stop that was sent cannot be taken back.",
)

FORCE_HEADING: Final = "⚠️ Force Stop: Data in the Guest May Be Lost"
FORCE_ASK: Final = "{owner}, cut VM {vm} off now?{until}"
FORCE_TEXT: Final = "Force stop VM {vm} in {namespace}? It is like pulling the power cord."
FORCE_RISKS: Final = (
    "*What it risks* (like pulling the power cord):",
    "• Data that the guest has not written to its disks is lost.",
    "• File systems and databases may need repair at the next start.",
    "• The restore replaces the disks that are in the snapshot anyway.",
    "• Disks that are not in the snapshot keep the damage.",
)
FORCE_DIALOG_TITLE: Final = "Force stop this VM?"
FORCE_DIALOG: Final = (
    "VM {vm} in {namespace} is cut off at once, like pulling the power cord. "
    "Unsaved data in the guest is lost."
)
