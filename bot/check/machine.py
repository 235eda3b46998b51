"""This machine: can the bot write where it keeps its data, and is its port free?"""

import asyncio
import os
import socket
from pathlib import Path

from bot.check.rows import CheckRow, Grade
from bot.settings import Settings


async def look(settings: Settings) -> list[CheckRow]:
    """A row for each thing that is wrong."""
    return await asyncio.to_thread(_look, settings)


def _look(settings: Settings) -> list[CheckRow]:
    rows = []
    directory = settings.store.data_dir
    if settings.environment.redis_url is None and not _writable(directory):
        fix = "set `store.data_dir` to a directory that the bot may write to, or set REDIS_URL"
        rows.append(CheckRow("store", Grade.FAIL, f"may not write to {directory}", fix))
    ports = {settings.http.port, settings.http.slack_port or settings.http.port}
    rows += [_taken(port) for port in sorted(ports) if not _free(settings.http.host, port)]
    return rows


def _taken(port: int) -> CheckRow:
    return CheckRow(
        "http",
        Grade.WARN,
        f"port {port} is taken: by a bot that runs here already, or by something else",
        "if no bot runs here, end what listens on it, or set `http.port`",
    )


def _writable(directory: Path) -> bool:
    """May it be written to, or made? Nothing is written."""
    there = directory.absolute()
    while not there.exists():
        there = there.parent
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _free(host: str, port: int) -> bool:
    """Can the port be listened on just now? 0 always can."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError:
            return False
    return True
