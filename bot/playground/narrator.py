"""Prints a channel as the people in it see it, message by message, while it happens."""

import asyncio
from typing import TextIO

from bot.playground.slack.transcript import Transcript
from bot.playground.slack.workspace import Message
from bot.playground.stage import Stage

LOOK = 0.05
"""Real seconds between two looks at the channel."""


class Narrator:
    """Follows a stage's channel and writes what is new."""

    def __init__(self, stage: Stage, out: TextIO) -> None:
        self._stage = stage
        self._out = out
        self._transcript = Transcript(stage.world.slack.workspace)
        self._told: dict[str, list[str]] = {}

    async def follow(self) -> None:
        """Tell until cancelled."""
        while True:
            self.tell()
            await asyncio.sleep(LOOK)

    def tell(self) -> None:
        """Write what has come since the last time: new messages, and the new lines of edited ones."""
        for message in sorted(self._stage.channel.messages, key=lambda each: each.ts):
            head, *lines = self._transcript.message(message)
            before = self._told.get(message.ts)
            if before == lines:
                continue
            self._told[message.ts] = lines
            if before is None:
                self._write(message, head, lines)
            elif new := [line for line in lines if line not in before and line.strip()]:
                self._write(message, f"{head} (brought up to date)", new)
        self._out.flush()

    def say(self, text: str) -> None:
        """A line of our own between the messages."""
        self.tell()
        self._out.write(f"\n--- {text}\n")
        self._out.flush()

    def _write(self, message: Message, head: str, lines: list[str]) -> None:
        indent = "    " if message.is_reply else ""
        self._out.writelines(f"{indent}{line}\n" for line in ("", head, *lines))
