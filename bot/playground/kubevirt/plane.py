"""What every part of the control plane shares: clock, storage, knobs, faults, randomness."""

import random
from dataclasses import dataclass, field
from datetime import datetime

from bot.clock import Clock
from bot.playground.kubevirt.faults import Faults
from bot.playground.kubevirt.knobs import Knobs
from bot.playground.kubevirt.metadata import rfc3339
from bot.playground.kubevirt.storage import Storage


@dataclass(frozen=True, slots=True)
class Plane:
    """One cluster's shared parts."""

    clock: Clock
    randomness: random.Random
    storage: Storage = field(default_factory=Storage)
    knobs: Knobs = field(default_factory=Knobs)
    faults: Faults = field(default_factory=Faults)

    def now(self) -> datetime:
        """The cluster's time."""
        return self.clock.now()

    def stamp(self) -> str:
        """The cluster's time, as objects carry it."""
        return rfc3339(self.clock.now())
