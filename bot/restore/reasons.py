"""Why a restore was refused, or ended as it did: stable codes for audit, metrics and tests.

They are stored and counted, so a code is never renamed; what people read is written elsewhere.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a restore was refused or ended: stable codes for audit, metrics and tests."""

    # Found by the checks
    NOT_PERMITTED = "not_permitted"
    FROZEN = "frozen"
    KUBEVIRT_MISSING = "kubevirt_missing"
    VM_NOT_FOUND = "vm_not_found"
    VM_BEING_DELETED = "vm_being_deleted"
    VM_MIGRATING = "vm_migrating"
    VM_WAITS_AS_RECEIVER = "vm_waits_as_receiver"
    VM_MOVED = "vm_moved"
    SNAPSHOT_NOT_FOUND = "snapshot_not_found"
    SNAPSHOT_BEING_DELETED = "snapshot_being_deleted"
    SNAPSHOT_OF_OTHER_VM = "snapshot_of_other_vm"
    SNAPSHOT_NOT_READY = "snapshot_not_ready"
    SNAPSHOT_CONTENT_MISSING = "snapshot_content_missing"
    SNAPSHOT_CONTENT_BEING_DELETED = "snapshot_content_being_deleted"
    VOLUME_SNAPSHOT_MISSING = "volume_snapshot_missing"
    VOLUME_SNAPSHOT_NOT_READY = "volume_snapshot_not_ready"
    VOLUME_SNAPSHOT_BEING_DELETED = "volume_snapshot_being_deleted"
    CLAIM_BEING_DELETED = "claim_being_deleted"
    STORAGE_CLASS_MISSING = "storage_class_missing"
    NAMESPACE_BEING_DELETED = "namespace_being_deleted"
    VM_RECREATED = "vm_recreated"
    CONFIGURATION_ONLY = "configuration_only"
    RESTORE_IN_PROGRESS = "restore_in_progress"
    SNAPSHOT_IN_PROGRESS = "snapshot_in_progress"
    QUOTA_EXCEEDED = "quota_exceeded"
    OBJECT_QUOTA_EXCEEDED = "object_quota_exceeded"
    NAME_TAKEN = "name_taken"
    RBAC_FORBIDDEN = "rbac_forbidden"
    POLICY_DENIED = "policy_denied"
    SNAPSHOT_GATE_OFF = "snapshot_gate_off"
    ADMISSION_REFUSED = "admission_refused"
    HELD_BY_OTHER = "held_by_other"
    TOO_MANY_OPEN = "too_many_open"
    # Found between the confirmation and the act
    CHANGED_SINCE_CONFIRMATION = "changed_since_confirmation"
    VM_STARTED = "vm_started"
    CONFIRMATION_TOO_OLD = "confirmation_too_old"
    # Said by people, or not said
    NAMES_DIFFER = "names_differ"
    CANCELLED_BY_USER = "cancelled_by_user"
    CANCELLED_BY_OPERATOR = "cancelled_by_operator"
    TYPED_INSTEAD = "typed_instead"
    NO_ANSWER = "no_answer"
    TOO_MANY_QUESTIONS = "too_many_questions"
    # Met on the way
    CLUSTER_UNREACHABLE = "cluster_unreachable"
    SLACK_UNREACHABLE = "slack_unreachable"
    CHANNEL_UNREACHABLE = "channel_unreachable"
    STOP_REFUSED = "stop_refused"
    CREATE_REFUSED = "create_refused"
    RESTORE_FAILED = "restore_failed"
    NOT_RESTORED = "not_restored"
    RESTORE_DELETED = "restore_deleted"
    PERHAPS_MADE = "perhaps_made"
    RESTORE_GIVEN_UP = "restore_given_up"
    VM_DELETED = "vm_deleted"
    RECORD_LOST = "record_lost"
