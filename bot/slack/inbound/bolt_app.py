"""Bolt's application, which knows from the start who the bot is.

Bolt would ask Slack itself, and answer wrongly for as long as that question fails.
"""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.slack.api.directory import Workspace
from bot.slack.api.network import WebClient


def bolt_app(client: WebClient, home: Workspace, bot_token: str) -> AsyncApp:
    """An application without listeners. `client` has no token: it only opens sockets."""

    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=home.enterprise,
            team_id=home.team,
            bot_user_id=home.bot_user,
            bot_id=home.bot_id,
            bot_token=bot_token,
        )

    return AsyncApp(
        name="vm-restore-bot",
        client=client,
        authorize=authorize,
        signing_secret="checked-by-our-own-receiver",  # noqa: S106 - see http_receiver.py
        process_before_response=True,
        # Bolt takes the deletion of one of the bot's cards for a message of the bot.
        ignoring_self_events_enabled=False,
    )
