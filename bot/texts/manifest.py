"""What Slack shows of the app itself: its command and its shortcuts.

Slack allows a description 140 characters, and a shortcut's name 24.
"""

from typing import Final

DESCRIPTION: Final = "Restores virtual machines from snapshots, with strict confirmations."
COMMAND: Final = "Restore a VM from a snapshot"
USAGE: Final = "database-01 from pre-upgrade-snapshot in production"
SHORTCUT: Final = "Restore a VM"
SHORTCUT_DESCRIPTION: Final = "Choose a VM and a snapshot"
MESSAGE_SHORTCUT: Final = "Restore VM from here"
MESSAGE_SHORTCUT_DESCRIPTION: Final = "Restore a VM in the thread of this message"
