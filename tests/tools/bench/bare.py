"""The smallest Bolt app that acknowledges: what an ack costs when nothing at all is done for it.

With REDIS_URL it makes one write before it acknowledges, with the client that the bot has: what an ack
costs when what was said is to be there after a crash.
"""

import asyncio
import json
import os
import sys
from typing import Any

from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.store import connect

PORT_LINE = "listening on port "


async def main() -> None:
    """Run until killed: Socket Mode with an app token, otherwise signed HTTP."""
    env = os.environ

    async def authorize(**_: object) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T", bot_user_id="U", bot_id="B")

    client = AsyncWebClient(base_url=env["SLACK_API_URL"])
    secret = env.get("SLACK_SIGNING_SECRET", "unused")
    app = AsyncApp(
        client=client, authorize=authorize, signing_secret=secret, process_before_response=True
    )

    store = connect(env["REDIS_URL"]) if "REDIS_URL" in env else None
    redis = None if store is None else await store.__aenter__()

    async def on_message(event: dict[str, Any]) -> None:
        """Keep what was said, if that is asked for."""
        if redis is not None:
            await redis.set(f"bench:{event['channel']}:{event['ts']}", json.dumps(event))

    app.event("message")(on_message)
    if token := env.get("SLACK_APP_TOKEN"):
        handler = AsyncSocketModeHandler(app, token)
        await handler.connect_async()  # type: ignore[no-untyped-call] # untyped in Bolt
    runner = web.AppRunner(app.web_app(path="/slack/events"), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"{PORT_LINE}{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
