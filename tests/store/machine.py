"""What the stateful tests of the store share: a workspace of its own for each run, and its clock."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, run_state_machine_as_test

from bot.playground.clock import HandClock
from bot.store import Keeping, Store, connect
from bot.store.keys import Keys
from tests.store.conftest import forget, unguarded

LEASE = timedelta(seconds=25)


class Machine(RuleBasedStateMachine):
    """A store beside its model."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.clock = HandClock()

    @initialize()
    def connect(self) -> None:
        """A workspace of its own."""
        team = f"T{uuid4().hex}"
        self.client = self.runner.run(self.stack.enter_async_context(connect(self.url)))
        self.keys = Keys(team)
        self.store = Store(self.client, team, self.clock, keeping=Keeping(lease=LEASE))

    def teardown(self) -> None:
        """No key is left behind for ever; close what was opened."""
        assert self.runner.run(unguarded(self.client, self.keys)) == []
        self.runner.run(forget(self.client, self.keys))
        self.runner.run(self.stack.aclose())
        self.runner.close()
        super().teardown()


def runs(kind: type[Machine], url: str, patch: pytest.MonkeyPatch, *, examples: int) -> None:
    """So many random orders of thirty steps each."""
    patch.setattr(kind, "url", url)
    run_state_machine_as_test(
        kind,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
