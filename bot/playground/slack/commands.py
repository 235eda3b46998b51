"""Slash commands: what is sent for a typed line, and what its ack shows.

Mentions, channels and links in the text are escaped, for the app's manifest says
`should_escape: true`; without it (`escapes_commands` of the workspace) the text goes as it was typed. A
command is no message: only the one who typed it sees it, unless the answer is for the whole channel.
"""

from dataclasses import dataclass
from typing import Any

from bot.playground.slack.composer import Composer, Keyboard, keyed
from bot.playground.slack.delivery import Delivery
from bot.playground.slack.interactions import Result
from bot.playground.slack.outgoing import Outgoing
from bot.playground.slack.payloads import LEGACY_TOKEN, channel_ref
from bot.playground.slack.response_urls import ResponseUrls
from bot.playground.slack.surfaces import NotPossible
from bot.playground.slack.views import Views
from bot.playground.slack.workspace import (
    SLASH_COMMAND,
    Channel,
    Message,
    SlackRefusal,
    User,
    Workspace,
)

Json = dict[str, Any]


@dataclass(slots=True, eq=False)
class SlashResult(Result):
    """What came of a slash command: `status`, the text of the ack, and later `responses`.

    `failure` is set when the ack came but Slack could not show what was in it.
    """

    text: str = ""
    failure: str = ""

    async def settled(self) -> "SlashResult":
        """Wait for the ack."""
        if self.request is not None:
            await self.request.done.wait()
        return self


class Commands:
    """Sends slash commands."""

    def __init__(
        self,
        workspace: Workspace,
        composer: Composer,
        views: Views,
        urls: ResponseUrls,
        delivery: Delivery,
    ) -> None:
        self._workspace = workspace
        self._composer = composer
        self._views = views
        self._urls = urls
        self._delivery = delivery

    async def send(
        self, user: User, channel: Channel, line: str, keyboard: Keyboard
    ) -> SlashResult:
        """Send one typed line."""
        command, _, text = keyed(line.strip(), keyboard).partition(" ")
        if not command.startswith("/") or user.foreign or user.bot or user.deactivated:
            raise NotPossible(f"{user.name} cannot use {line!r} as a slash command")
        if not channel.has(user):
            raise NotPossible(f"{user.name} is not in #{channel.name}")
        typed = self._typed(user, channel, f"{command} {text}".strip())
        url, responses = self._urls.new("commands", user, channel)
        payload = self._payload(user, channel, command, text) | {"response_url": url}
        request = await self._delivery.request(Outgoing("slash_commands", payload, answers=True))
        result = SlashResult(request, responses)
        request.when_settled(lambda: self._show(result, typed, url))
        return result

    def _typed(self, user: User, channel: Channel, line: str) -> Message:
        typed = Message(channel, self._workspace.next_ts(), user, line, subtype=SLASH_COMMAND)
        typed.ephemeral_to = user
        return self._workspace.post(typed)

    def _payload(self, user: User, channel: Channel, command: str, text: str) -> Json:
        return {
            "token": LEGACY_TOKEN,
            "team_id": self._workspace.team_id,
            "team_domain": self._workspace.domain,
            "channel_id": channel.id,
            "channel_name": channel_ref(channel)["name"],
            "user_id": user.id,
            "user_name": user.name,
            "command": command,
            "text": self._sent(text.strip()),
            "api_app_id": self._workspace.bot.app_id,
            "is_enterprise_install": "false",
            "trigger_id": self._views.new_trigger(user),
        }

    def _sent(self, text: str) -> str:
        return self._composer.escaped(text) if self._workspace.escapes_commands else text

    def _show(self, result: SlashResult, typed: Message, url: str) -> None:
        """Put the ack's message on the screen."""
        body = {"text": result.body} if isinstance(result.body, str) else result.body
        if not body or body == {"text": ""}:
            return
        if not isinstance(body, dict):
            result.failure = "invalid_response"
            return
        try:
            self._urls.ack_message(url, body)
        except SlackRefusal as refusal:
            result.failure = refusal.code
            return
        if body.get("response_type") == "in_channel":
            typed.ephemeral_to = None
        result.text = str(body.get("text") or "")
