"""What is stored of a diagnosis: one likely cause, the words that show it, and what to do next."""

from enum import StrEnum

from pydantic import AwareDatetime

from bot.restore.thread import Stored


class Cause(StrEnum):
    """The likely cause: stable codes, stored with the restore."""

    VM_DELETED = "vm_deleted"
    VM_RECREATED = "vm_recreated"
    RESTORE_DELETED = "restore_deleted"
    UNREACHABLE = "unreachable"
    RIGHT_LOST = "right_lost"
    CONTROLLER_RIGHT = "controller_right"
    NAMESPACE_GOING = "namespace_going"
    VM_STARTED = "vm_started"
    ADDRESS_TAKEN = "address_taken"
    WEBHOOK_DOWN = "webhook_down"
    WEBHOOK_DENIES = "webhook_denies"
    QUOTA_OF_CLASS = "quota_of_class"
    QUOTA_SIZE = "quota_size"
    QUOTA_COUNT = "quota_count"
    LIMIT_RANGE = "limit_range"
    SNAPSHOT_MISSING = "snapshot_missing"
    CONTENT_GOING = "content_going"
    VOLUME_SNAPSHOT_MISSING = "volume_snapshot_missing"
    VOLUME_SNAPSHOT_GOING = "volume_snapshot_going"
    SNAPSHOT_CLASS_MISSING = "snapshot_class_missing"
    VOLUME_SNAPSHOT_ERROR = "volume_snapshot_error"
    VOLUME_SNAPSHOT_UNREADY = "volume_snapshot_unready"
    SNAPSHOT_UNREADY = "snapshot_unready"
    CLAIM_LOST = "claim_lost"
    CLASS_MISSING = "class_missing"
    NO_CAPACITY = "no_capacity"
    PROVISIONER_SILENT = "provisioner_silent"
    PROVISIONING_FAILED = "provisioning_failed"
    PROVISIONER_MISSING = "provisioner_missing"
    DATA_VOLUME_STUCK = "data_volume_stuck"
    WAITS_FOR_CONSUMER = "waits_for_consumer"
    CLAIM_MISSING = "claim_missing"
    UNSCHEDULABLE = "unschedulable"
    OTHER_RESTORE = "other_restore"
    CONTROLLER_SILENT = "controller_silent"
    SAFETY_NOT_LOCKED = "safety_not_locked"
    SAFETY_DISK_ERROR = "safety_disk_error"
    SAFETY_DISK_GONE = "safety_disk_gone"
    SAFETY_DISK_SLOW = "safety_disk_slow"
    SAFETY_DEADLINE = "safety_deadline"
    SAFETY_SILENT = "safety_silent"
    SAFETY_UNKNOWN = "safety_unknown"
    START_UNKNOWN = "start_unknown"
    UNKNOWN = "unknown"


class Quote(Stored):
    """A piece of evidence. `source` is the core's own words, `text` what others wrote."""

    source: str
    text: str


class Diagnosis(Stored):
    """One likely cause. The sentences are the core's; what they name stands in backticks."""

    cause: str
    """A `Cause`; a later release may know more of them."""
    at: AwareDatetime
    """When the evidence was read."""
    likely: str
    quotes: tuple[Quote, ...] = ()
    next: str
    who: str
    command: str = ""
    """To look closer; it changes nothing. Empty if a name in it is no name of Kubernetes."""
    missing: tuple[str, ...] = ()
    """Kinds that could not be read, or not by this bot."""
