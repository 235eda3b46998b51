"""Slack: can answers go out, can its events come in, and is all there that the settings name?"""

from bot.check import named
from bot.check.rows import CheckRow, Grade, clock
from bot.clock import Clock, FarClock
from bot.errors import Permanent, Temporary
from bot.metrics import Metrics
from bot.parts import network_of
from bot.settings import Settings
from bot.slack.api.client import SlackApi, TokenRefused
from bot.slack.api.directory import is_org_wide
from bot.slack.api.network import WebClient
from bot.slack.manifest import SCOPES
from bot.slack.markup.address import alike


async def look(settings: Settings, machine: Clock) -> list[CheckRow]:
    """Can answers go out, and can Slack's events come in?"""
    environment = settings.environment
    token, app_token = environment.bot_token.get_secret_value(), environment.app_token
    network = network_of(settings)
    async with network.session() as session:
        client = WebClient(token, environment.slack_api, network, session)
        web = SlackApi(client, Metrics(), FarClock(machine))
        found = [await _bot_token(web, settings.app.names.bot)]
        if app_token is not None and found[0].grade is not Grade.FAIL:
            found.append(await _app_token(web, app_token.get_secret_value()))
        lacking = _scopes(web)
        found += lacking
        if found[0].grade is not Grade.FAIL and not lacking:
            found += await named.look(web, settings)
        found += clock("slack", web.clock.now() - machine.steady())
    return found


async def _bot_token(web: SlackApi, bot: str) -> CheckRow:
    fix = "set SLACK_BOT_TOKEN to the app's Bot User OAuth Token, and let the bot reach Slack"
    try:
        said = await web.call("auth.test")
    except Permanent as refused:
        why = f"Slack refuses to say who we are ({refused.reason})"
        return CheckRow("slack", Grade.FAIL, why, fix)
    except Temporary as away:
        return CheckRow("slack", Grade.FAIL, away.what, fix)
    if is_org_wide(said):
        why = "the token is of an app that is installed for a whole organisation"
        return CheckRow(
            "slack",
            Grade.FAIL,
            why,
            "install the app in one workspace, without org-wide deployment",
        )
    return _signed_in(said["team"], said["user"], bot)


def _signed_in(team: str, user: str, bot: str) -> CheckRow:
    signed = f"signed in to {team} as @{user}"
    if alike(user, bot):
        return CheckRow("slack", Grade.OK, signed)
    fix = "set `app.command` to the command of this app, or use the token of the app that is meant"
    why = f"{signed}, and the settings call it @{bot}: people are told that name"
    return CheckRow("slack", Grade.WARN, why, fix)


def _scopes(web: SlackApi) -> list[CheckRow]:
    """A row, if the token has not all that the bot asks for."""
    lacks = web.lacks(SCOPES)
    if not lacks:
        return []
    fix = "add them to the Slack app (`vm-restore-bot manifest` names all), then install it anew"
    why = f"the app lacks the scopes {', '.join(lacks)}"
    return [CheckRow("slack", Grade.FAIL, why, fix)]


async def _app_token(web: SlackApi, token: str) -> CheckRow:
    """Ask for the address of a socket and leave it: a bot that is connected does not notice."""
    fix = "set SLACK_APP_TOKEN to an app-level token of the app with the scope connections:write"
    try:
        await web.call("apps.connections.open", app_token=token)
    except TokenRefused as refused:
        why = f"Slack refuses the app token ({refused.code})"
        return CheckRow("slack", Grade.FAIL, why, fix)
    except Permanent as refused:
        why = f"Slack opens no socket for the app token ({refused})"
        return CheckRow("slack", Grade.FAIL, why, fix)
    except Temporary as away:
        return CheckRow("slack", Grade.FAIL, away.what, "let the bot reach Slack")
    return CheckRow("slack", Grade.OK, "opens a socket for the app token")
