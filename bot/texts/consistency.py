"""What the core says of a snapshot: why it is as consistent as it is, and what differs in it."""

from collections.abc import Mapping
from typing import Final

OFFLINE: Final = "the VM was stopped when it was taken"
QUIESCED: Final = "the guest agent quiesced the file systems"
NO_AGENT_KNOWN: Final = "the VM was running and nothing is known of the guest agent"
UNKNOWN_MARK: Final = "the cluster reports {mark}"
CRASH: Final[Mapping[str, str]] = {
    "NoGuestAgent": "the guest agent was not available",
    "Paused": "the VM was paused",
    "QuiesceTimeout": "the guest agent did not finish quiescing in time",
    "QuiesceFailed": "the guest agent could not quiesce the file systems",
}
NOT_SET: Final = "none"
"""A field of the configuration that one side does not have."""
DISK_SIZE: Final = "size of disk {disk}"
GIB: Final = "{amount} GiB"
PARTIAL_SHORT: Final = "partial, {level}"
