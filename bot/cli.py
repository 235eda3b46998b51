"""The command `vm-restore-bot`: arguments in, one call, print. No logic lives here.

Every command imports what it needs when it runs, so that `--help` is quick and a machine without
the demo's packages can run the bot.
"""

import asyncio
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
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


restores = typer.Typer(
    help="What is under way, for when Slack is away.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(restores, name="restores")
audit = typer.Typer(
    help="Who asked for what, and what was done.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(audit, name="audit")

Team = Annotated[
    str, typer.Option(help="The Slack workspace's id (T…), if the store knows several.")
]
RestoreName = Annotated[
    str, typer.Argument(metavar="ID", help="The id, as `restores list` shows it.")
]
Json = Annotated[bool, typer.Option("--json", help="For scripts.")]


class Mode(StrEnum):
    """How Slack reaches the bot."""

    SOCKET = "socket"
    HTTP = "http"


class Form(StrEnum):
    """How the audit is written."""

    JSONL = "jsonl"
    MARKDOWN = "markdown"


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
def check(*, as_json: Json = False) -> None:
    """Look at everything a restore needs and say how to fix what is wrong. Changes nothing."""
    from bot.check import run as look
    from bot.settings import load
    from bot.telemetry import set_up

    set_up("error", "console")
    sys.exit(look(load, sys.stdout, json=as_json))


@clusters.command()
def forget(
    *,
    name: Annotated[str, typer.Argument(help="The cluster's name in the settings.")],
    team: Team = "",
) -> None:
    """After a cluster was rebuilt: let its name stand for the one that the bot meets next."""
    from bot.settings import load
    from bot.telemetry import set_up
    from bot.terminal.clusters import forget as forget_cluster

    set_up("error", "console")
    sys.exit(forget_cluster(load(), name, team, sys.stdout))


@restores.command("list")
def list_restores(
    *,
    ended: Annotated[bool, typer.Option("--ended", help="The last that have ended, too.")] = False,
    as_json: Json = False,
    team: Team = "",
) -> None:
    """What is under way."""
    from bot.settings import load
    from bot.telemetry import set_up
    from bot.terminal.restores import show_all

    set_up("error", "console")
    sys.exit(show_all(load(), team, sys.stdout, ended=ended, as_json=as_json))


@restores.command()
def show(*, restore: RestoreName, as_json: Json = False, team: Team = "") -> None:
    """One restore, and what the audit says of it."""
    from bot.settings import load
    from bot.telemetry import set_up
    from bot.terminal.restores import show as show_one

    set_up("error", "console")
    sys.exit(show_one(load(), team, sys.stdout, restore, as_json=as_json))


@restores.command()
def cancel(
    *,
    restore: RestoreName,
    by: Annotated[str, typer.Option(help="Your name, for the thread and the audit.")],
    team: Team = "",
) -> None:
    """Cancel a restore that the cluster does not work on yet."""
    from bot.settings import load
    from bot.telemetry import set_up
    from bot.terminal.restores import cancel as cancel_one

    set_up("error", "console")
    sys.exit(cancel_one(load(), team, sys.stdout, restore, by))


@restores.command()
def nudge(*, restore: RestoreName, team: Team = "") -> None:
    """Let a bot that runs look at a restore now."""
    from bot.settings import load
    from bot.telemetry import set_up
    from bot.terminal.restores import nudge as nudge_one

    set_up("error", "console")
    sys.exit(nudge_one(load(), team, sys.stdout, restore))


@audit.command()
def export(
    *,
    restore: Annotated[
        str | None, typer.Option(metavar="ID", help="Of this restore alone.")
    ] = None,
    since: Annotated[datetime | None, typer.Option(help="Since this time, in UTC.")] = None,
    form: Annotated[Form, typer.Option("--format", help="How it is written.")] = Form.JSONL,
    team: Team = "",
) -> None:
    """Print the audit as JSON lines, or as a timeline in Markdown for a post-mortem."""
    from bot.settings import load
    from bot.telemetry import set_up
    from bot.terminal.audit import export as write

    set_up("error", "console")
    moment = None if since is None else since.replace(tzinfo=UTC)
    timeline = form is Form.MARKDOWN
    sys.exit(write(load(), team, sys.stdout, restore=restore, since=moment, timeline=timeline))


@audit.command()
def verify(
    *,
    against: Annotated[
        Path | None, typer.Option(help="An earlier export (JSON lines), to find what is missing.")
    ] = None,
    team: Team = "",
) -> None:
    """Say where an entry was changed or is missing; exits with 1 if one is."""
    from bot.settings import load
    from bot.telemetry import set_up
    from bot.terminal.audit import verify as look

    set_up("error", "console")
    sys.exit(look(load(), team, sys.stdout, against))


@app.command()
def demo() -> None:
    """Play the story of a restore on a simulated Slack and a simulated cluster."""
    from bot.playground.demo import play

    sys.exit(asyncio.run(play(out=sys.stdout)))


@app.command()
def playground(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")
    ] = 0,
) -> None:
    """Play yourself, in a browser: Slack, the cluster and what goes wrong, on this machine alone."""
    from bot.playground.web.play import play

    sys.exit(asyncio.run(play(port=port, out=sys.stdout)))


@app.command()
def manifest(
    *,
    mode: Annotated[Mode, typer.Option(help="How Slack reaches the bot.")] = Mode.SOCKET,
    url: Annotated[str, typer.Option(help="Where the bot is reached in HTTP mode: https://…")] = "",
) -> None:
    """Print the manifest to create the Slack app from. Its names come from the file VM_RESTORE_CONFIG names."""
    from bot.settings import app_names
    from bot.slack.manifest import rendered

    typer.echo(rendered(mode.value, url, app_names()))
