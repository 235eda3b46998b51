"""Documents for tests: a restore in Redis, and effects."""

from datetime import timedelta
from typing import Any

from bot.playground.clock import START
from bot.restore.effects import RESTORE_ID
from bot.restore.events import (
    ClearVmi,
    CreateRestore,
    CreateSnapshot,
    DeleteRestore,
    StartVm,
    StopVm,
)
from bot.restore.model import Restore
from bot.restore.target import RestoreRequest
from tests import restores

NS, VM, SNAP = "production", "database-01", "pre-upgrade"
ID = "k3f9a2b7.2"
LATER = START + timedelta(seconds=25)

REQUEST = RestoreRequest(cluster="prod", namespace=NS, vm=VM, snapshot=SNAP)
LABELS = ((RESTORE_ID, ID),)
STOP = StopVm(NS, VM)
START_VM = StartVm(NS, VM)
CLEAR = ClearVmi(NS, VM, "vmi-uid")
PROTECT = CreateSnapshot(NS, VM, "pre-restore-database-01-20260218-163000", LABELS, ())
CREATE = CreateRestore(NS, VM, SNAP, "restore-database-01-20260218-163000", None, LABELS, ())
DELETE = DeleteRestore(NS, CREATE.name, "restore-uid")


def restore(**changes: Any) -> Restore:
    """A restore that knows all it needs."""
    return restores.restore(**{"id": ID, "request": REQUEST, **changes})
