"""Bolt's application, which knows from the start who the bot is.

Bolt would ask Slack itself, and answer wrongly for as long as that question fails.
"""

from http import HTTPStatus
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from bot.errors import Temporary
from bot.slack.api.directory import Workspace
from bot.slack.api.network import WebClient

log = structlog.get_logger(__name__)


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

    app = AsyncApp(
        name="vm-restore-bot",
        client=client,
        authorize=authorize,
        signing_secret="checked-by-our-own-receiver",  # noqa: S106 - see http_receiver.py
        process_before_response=True,
        # Bolt takes the deletion of one of the bot's cards for a message of the bot.
        ignoring_self_events_enabled=False,
    )
    app.error(_failed)
    return app


async def _failed(error: Exception) -> BoltResponse:
    """What Slack is answered when a listener failed: it brings everything but 2xx again."""
    if isinstance(error, Temporary):
        log.warning("a delivery could not be kept", what=error.what)
        return BoltResponse(status=HTTPStatus.SERVICE_UNAVAILABLE, body="")
    log.error("a delivery could not be read", exc_info=error)
    if isinstance(error, AttributeError | LookupError | TypeError | ValueError):
        return BoltResponse(status=HTTPStatus.BAD_REQUEST, body="")
    return BoltResponse(status=HTTPStatus.INTERNAL_SERVER_ERROR, body="")
