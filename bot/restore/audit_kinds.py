"""What an entry of the audit stream is about. The kinds are stored, so none is ever renamed."""

from enum import StrEnum
from typing import NewType


class AuditKind(StrEnum):
    """What happened: something about a request, a handoff, a phase, or a record of the queue."""

    # A request
    REQUESTED = "requested"
    REFUSED = "refused"
    """Refused before there was a restore, or by its checks: then it is the phase."""

    # A handoff
    OFFERED = "offered"
    WITHDRAWN = "withdrawn"
    DECLINED = "declined"
    OFFER_EXPIRED = "offer-expired"
    HANDED_OVER = "handed-over"
    TAKEN_OVER = "taken-over"

    # A phase was entered, or something in it has moved; its value is that of `Phase`
    GATHERING = "gathering"
    CHECKING = "checking"
    STOP_CHOICE = "stop-choice"
    STOPPING = "stopping"
    TYPING = "typing"
    CONFIRMING = "confirming"
    PROTECTING = "protecting"
    RESTORING = "restoring"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    # A record of the queue
    ABANDONED = "abandoned"
    """A delivery that stopped every worker; written by `lease.lua`."""
    RECORD_LOST = "record-lost"
    """A restore whose document is gone or broken; written by Lua scripts as well."""
    DEFERRED = "deferred"
    """A document or a body that does not load."""


OtherKind = NewType("OtherKind", str)
"""A kind of another release: it is read as it was written, and never written by this one."""
