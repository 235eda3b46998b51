"""The command `vm-restore-bot`: arguments in, one call, print. No logic lives here.

Every command imports what it needs when it runs, so that `--help` is quick and a machine without
the demo's packages can run the bot.
"""

import asyncio
import sys
from enum import StrEnum
from typing import Annotated

import typer

from bot import __version__, process
from bot.errors import Misconfigured

BAD_SETTINGS = 2
INTERRUPTED = 130

app = typer.Typer(
    help="Restores KubeVirt VMs from snapshots, from Slack, and never without two confirmations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


clusters = typer.Typer(
    help="What the store knows of the clusters.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(clusters, name="clusters")


class Mode(StrEnum):
    """How Slack reaches the bot."""

    SOCKET = "socket"
    HTTP = "http"


def main() -> None:
    """Run the command; what is set wrong is printed, line by line, and exits with 2."""
    process.have_a_home()
    try:
        app(prog_name="vm-restore-bot")
    except Misconfigured as error:
        typer.echo(error, err=True)
        sys.exit(BAD_SETTINGS)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's callbacks get the value by position
    if asked:
        typer.echo(f"vm-restore-bot {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run() -> None:
    """Run the bot. The settings come from the environment and the file VM_RESTORE_CONFIG names."""
    process.end_on_sigterm()
    from bot.settings import load

    settings = load()
    process.forget_secrets()

    from bot.app import run as serve
    from bot.telemetry import set_up

    set_up(settings.log.level, settings.log.format)
    asyncio.run(serve(settings))
    process.end()


@app.command()
def check() -> None:
    """Look at everything a restore needs and say how to fix what is wrong. Changes nothing."""
    from bot.check import run as look
    from bot.settings import load
    from bot.telemetry import set_up

    set_up("error", "console")
    sys.exit(look(load, sys.stdout))


@clusters.command()
def forget(
    *,
    name: Annotated[str, typer.Argument(help="The cluster's name in the settings.")],
    team: Annotated[
        str, typer.Option(help="The Slack workspace's id (T…), if the store knows several.")
    ] = "",
) -> None:
    """After a cluster was rebuilt: let its name stand for the one that the bot meets next."""
    from bot.clusters import forget as forget_cluster
    from bot.settings import load
    from bot.telemetry import set_up

    set_up("error", "console")
    sys.exit(forget_cluster(load(), name, team, sys.stdout))


@app.command()
def demo(
    *,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave it running, to be tried with kubectl and curl."),
    ] = False,
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="Port of the simulated cluster; 0 takes a free one."),
    ] = 0,
) -> None:
    """Play the story of a restore on a simulated Slack and a simulated cluster."""
    from bot.playground.demo import play

    sys.exit(asyncio.run(play(keep=keep, port=port, out=sys.stdout)))


@app.command()
def manifest(
    *,
    mode: Annotated[Mode, typer.Option(help="How Slack reaches the bot.")] = Mode.SOCKET,
    url: Annotated[str, typer.Option(help="Where the bot is reached in HTTP mode: https://…")] = "",
) -> None:
    """Print the manifest to create the Slack app from."""
    from bot.slack.manifest import rendered

    typer.echo(rendered(mode.value, url))
