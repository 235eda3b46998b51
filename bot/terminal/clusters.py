"""`vm-restore-bot clusters`: what the store knows of the clusters. It asks nothing else than the store."""

import asyncio
from typing import TextIO

from bot.clock import Clock
from bot.errors import StoreUnavailable
from bot.settings import Settings
from bot.store import Store
from bot.store.clusters import workspaces
from bot.terminal.opened import client_of


def forget(settings: Settings, name: str, team: str, out: TextIO) -> int:
    """Let a name stand for whatever cluster is met next; the exit code. `team` may be empty."""
    try:
        code, said = asyncio.run(_forgotten(settings, name, team))
    except StoreUnavailable as away:
        code, said = 1, f"{away.what}; set REDIS_URL to the Redis of the bot"
    out.write(f"{said}\n")
    return code


async def _forgotten(settings: Settings, name: str, team: str) -> tuple[int, str]:
    installation = settings.installation
    async with client_of(settings) as client:
        teams = [team] if team else await workspaces(client, installation)
        if len(teams) > 1:
            return 1, f"several Slack workspaces are known: choose by --team {'|'.join(teams)}"
        known: list[str] = []
        for each in teams:
            clusters = Store(client, each, Clock(), installation=installation).clusters
            known = await clusters.names()
            if name in known:
                await clusters.forget(name)
                return 0, f"forgotten: {name} stands for the cluster that the bot meets next"
        names = ", ".join(known) or "none"
        return 1, f'installation "{installation}" knows no cluster {name}; known: {names}'
