"""Bolt's socket to Slack, with a better way to close it."""

import asyncio
from typing import Any

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

LAST_WORDS = 3.0
"""Seconds that each door gets to answer what came in before it was closed."""


class Socket(AsyncSocketModeHandler):
    """Bolt's socket, closed only when Slack has been told what became of what it had brought.

    Bolt's own closes at once: a click that is kept already would look like a failed one.
    """

    def __init__(self, bolt: AsyncApp, token: str) -> None:
        super().__init__(bolt, token)
        self._in_hand: set[asyncio.Task[Any]] = set()

    async def handle(self, client: Any, req: Any) -> None:
        """Bolt's, and known to be under way until the acknowledgement is sent."""
        task = asyncio.current_task()
        if task is not None:
            self._in_hand.add(task)
            task.add_done_callback(self._in_hand.discard)
        await super().handle(client, req)

    async def close(self) -> None:
        """Wait a moment for the acknowledgements, then close."""
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=LAST_WORDS)
        await self.close_async()  # type: ignore[no-untyped-call] # untyped in Bolt
