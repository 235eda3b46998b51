"""The texts that people know from the procedure this bot grew from, line by line.

Bold is `*` in Slack and list items begin with "•"; a typed "yes" became a button, because a click
on the current card is what confirms. Everything else stands as it stood.
"""

import pytest

from bot.slack import views
from tests.slack.examples import EXAMPLES
from tests.slack.pages import body

MADE = "2026-02-18 10:00:00 UTC"
WHERE = "*VM*: `database-01` (namespace: `production`)"
NOT_READY = (
    'Snapshot is not ready for restore. Only snapshots with "Succeeded" phase and readyToUse=true '
    "can be used."
)
CRITICAL = (
    "*⚠️ CRITICAL: This restore is permanent. Current VM state cannot be recovered unless you "
    "create a snapshot now.*"
)
LINES = {
    "ask-namespace-several": ["Which namespace is `database-01` in?"],
    "stop-choice": [
        "⚠️ VM Must Be Stopped Before Restore",
        WHERE,
        "*Status*: Running",
        "*Safety Requirement*: VMs must be stopped before restore to prevent data corruption.",
        "*Options:*",
        '1. "stop-and-restore" - Stop the VM first, then restore from snapshot',
        '2. "cancel" - Cancel restore operation',
        "How would you like to proceed?",
    ],
    "stopping": [
        "⏸️ Stopping VM before restore...",
        "VM `database-01` is being stopped gracefully.",
    ],
    "refused-snapshot-not-found": [
        "❌ Snapshot Not Found",
        "*Snapshot*: `pre-upgrade-snapshot` does not exist in namespace `production`.",
        "*To list available snapshots:*",
        "snapshots of VM `database-01`",
        "Restore operation cancelled.",
    ],
    "refused-snapshot-not-ready": [
        "❌ Snapshot Not Ready",
        "*Snapshot*: `pre-upgrade-snapshot`",
        "*Status*: InProgress",
        "*Ready to Use*: false",
        NOT_READY,
        "Restore operation cancelled.",
    ],
    # What is lost and what to type stand first; the detail follows.
    "warning": [
        "🔴 VM RESTORE - Data Loss Warning",
        "*Time Range of Data Loss*:",
        "• *⚠️ ALL CHANGES in the last 6 hours 30 minutes WILL BE LOST ⚠️*",
        CRITICAL,
        "*To proceed with restore, type the snapshot name exactly as shown:*",
        "Type `pre-upgrade-snapshot` to confirm:",
        "*⚠️ THIS WILL REPLACE CURRENT VM STATE WITH SNAPSHOT DATA ⚠️*",
        "*What Will Happen*",
        "*VM to Restore*: `database-01` (namespace: `production`)",
        "*Snapshot to Restore From*: `pre-upgrade-snapshot`",
        "*Current VM State* (WILL BE LOST):",
        "• *Last Modified*: 2026-02-18 15:30:00 UTC",
        f"• *Changes Since Snapshot*: ALL changes made after {MADE} WILL BE PERMANENTLY LOST",
        "*Snapshot State* (WILL BE RESTORED):",
        f"• *Created*: {MADE}",
        "• *Age*: 6 hours 30 minutes",
        "*What Will Be Restored*",
        "• ✓ VM configuration (from snapshot time)",
        "• ✓ Disk data (from snapshot time)",
        "*What Will Be Lost*",
        f"• ✗ *ALL disk changes* made after {MADE}",
        f"• ✗ *ALL configuration changes* made after {MADE}",
    ],
    "names-differ": [
        "❌ Confirmation Failed",
        "*You typed*: `Pre-upgrade-snapshot`",
        "*Expected*: `pre-upgrade-snapshot`",
        "Names do not match. Restore cancelled for safety.",
        "Operation cancelled. Current VM state preserved.",
    ],
    "confirm": [
        "✓ Typed Verification Passed",
        "*Confirmation received for snapshot*: `pre-upgrade-snapshot`",
        "*Ready to Restore*",
        WHERE,
        "*From Snapshot*: `pre-upgrade-snapshot`",
        "*Impact*:",
        "• Current VM state will be replaced with snapshot state",
        "• All changes in the last 6 hours 30 minutes will be permanently lost",
        "*Proceed with VM restore? This action cannot be undone.*",
    ],
    "cancelled": ["Restore operation cancelled by user. Current VM state preserved."],
    "cancelled-typed-instead": ["Restore operation cancelled by user. Current VM state preserved."],
    "progress": [
        "🔄 Restoring VM from snapshot...",
        "⏳ This may take several minutes...",
    ],
    "succeeded": [
        "✓ VM Restored Successfully",
        WHERE,
        "*Restored From*: Snapshot `pre-upgrade-snapshot`",
        "*Restore Details*",
        f"• *Snapshot Created*: {MADE}",
        "• *Restore Completed*: 2026-02-18 16:35:22 UTC",
        "• *VM Status*: Stopped (ready to start)",
        "*Data Loss Confirmation*",
        f"• ⚠️ All changes made after {MADE} have been lost",
        "*Next Steps*",
        "*To start the restored VM:*",
        "Start VM `database-01` in namespace `production`",
    ],
    "failed": [
        "❌ VM Restore Failed",
        "*Error*: Restore target VMI must be powered off before restore operation",
        "*VM*: `database-01`",
        "*Snapshot*: `pre-upgrade-snapshot`",
        "*Current VM State*: UNKNOWN - may be partially restored or unchanged",
        "*CRITICAL*: Do not start VM until restore issue is resolved",
        "*Recovery Options:*",
        "1. Try restore again after resolving the error",
        "2. Restore from a different snapshot",
        "3. Contact cluster admin for investigation",
    ],
}


@pytest.mark.parametrize(
    ("name", "line"), [(name, line) for name, lines in LINES.items() for line in lines]
)
def test_a_known_line_appears(name: str, line: str) -> None:
    assert line in body(views.render(*EXAMPLES[name]))


@pytest.mark.parametrize("name", LINES)
def test_the_lines_of_a_card_keep_their_order(name: str) -> None:
    said = body(views.render(*EXAMPLES[name]))
    places = [said.index(line) for line in LINES[name]]
    assert places == sorted(places)
