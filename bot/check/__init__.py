"""`vm-restore-bot check`: is everything there that a restore needs?

It signs in where the bot signs in and asks what the bot will rely on. It changes nothing, and starts
nothing: a bot that runs beside it does not notice. Every finding is `ok`, `warn` (the bot works, but
not as well or as safely as it could) or `fail` (it does not work), the last two with the fix.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TextIO

from bot.check import clusters, machine, slack, store
from bot.check.rows import CheckRow, Grade, as_json, table
from bot.clock import Clock
from bot.errors import Misconfigured
from bot.settings import Settings

NOT_YET: Final = (
    "Not looked at: whether Slack's events and clicks arrive. Nothing but a person in Slack can send one: "
    "write the slash command with the word `help`; then open the bot under *Apps*, its tab *Home*, and press "
    "*Restore a VM*, which opens a form and restores nothing."
)
BAD_SETTINGS: Final = 2


def run(load: Callable[[], Settings], out: TextIO, *, json: bool = False) -> int:
    """Look at everything and print it; the exit code: 1 for a failure, 2 for settings that are wrong."""
    findings = asyncio.run(examine(load))
    out.write(f"{as_json(findings)}\n" if json else f"{table(findings)}\n\n{NOT_YET}\n")
    failed = [each for each in findings if each.grade is Grade.FAIL]
    if failed and failed == [each for each in findings if each.part == "settings"]:
        return BAD_SETTINGS
    return 1 if failed else 0


async def examine(load: Callable[[], Settings], time: Clock | None = None) -> tuple[CheckRow, ...]:
    """Every part, in the order in which they are needed. Settings that are wrong end it."""
    try:
        settings = load()
    except Misconfigured as wrong:
        return tuple(_wrong_setting(line) for line in str(wrong).splitlines())
    time = time or Clock()
    found = [_settings(settings), *await machine.look(settings), *await slack.look(settings, time)]
    found += await store.look(settings, time)
    for name, cluster in settings.clusters.items():
        found += await clusters.look(name, cluster, settings.rules, time)
    return tuple(found)


def _wrong_setting(line: str) -> CheckRow:
    """A line of `Misconfigured`: the key, what is wrong with it, and what to write instead."""
    problem, _, fix = line.partition("; ")
    return CheckRow("settings", Grade.FAIL, problem, fix)


def _settings(settings: Settings) -> CheckRow:
    mode = "Socket Mode" if settings.socket_mode else "signed HTTP"
    if not settings.access.grants:
        return CheckRow(
            "settings",
            Grade.WARN,
            f"read ({mode}, command {settings.app.command}), but nobody may restore anything",
            "write a grant into `access.grants` of the file that VM_RESTORE_CONFIG names",
        )
    return CheckRow(
        "settings",
        Grade.OK,
        f"read ({mode}, command {settings.app.command}), grants: {len(settings.access.grants)}",
    )
