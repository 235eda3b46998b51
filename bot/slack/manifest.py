"""The Slack app manifest: what the bot needs of a workspace, and no more.

It is the one place that names scopes, events and shortcuts. A test holds every scope against the call or event
that needs it.
"""

from typing import Any, Final, Literal
from urllib.parse import urlsplit

import yaml

from bot.errors import Misconfigured
from bot.texts import manifest as words
from bot.texts.names import DEFAULT, AppNames

SHORTCUT: Final = "vm_restore_global"
"""The callback id of the shortcut that is not about any message."""
MESSAGE_SHORTCUT: Final = "vm_restore_message"
"""The callback id of the one in the menu of a message."""
PATH: Final = "/slack/events"
"""Where Slack sends everything in HTTP mode: events, commands, shortcuts and clicks."""

SCOPES: Final = {
    "commands": "the slash command and the shortcuts",
    "chat:write": "posting cards, keeping them up to date, answers for one person only",
    "app_mentions:read": "requests that mention the bot",
    "channels:history": "plain words and replies in public channels; finding its own cards again",
    "groups:history": "the same in private channels",
    "im:history": "the same in direct messages",
    "mpim:history": "the same in group messages",
    "channels:read": "is this channel shared with another company?",
    "groups:read": "the same for private channels",
    "im:read": "the same for direct messages",
    "mpim:read": "the same for group messages",
    "im:write": "direct messages to those who cannot be reached in the channel",
    "users:read": "is this person a full member of the workspace?",
    "usergroups:read": "is this person in a group that may restore?",
}
EVENTS: Final = (
    "app_home_opened",
    "app_mention",
    "channel_id_changed",
    "channel_left",
    "group_left",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
)


def manifest(
    mode: Literal["socket", "http"], url: str = "", names: AppNames = DEFAULT
) -> dict[str, Any]:
    """The manifest for one of the two ways Slack reaches the bot; `url` is its public address."""
    address = {} if mode == "socket" else {"request_url": _endpoint(url)}
    return {
        "_metadata": {"major_version": 2},
        "display_information": {
            "name": names.app,
            "description": words.DESCRIPTION,
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": names.bot, "always_online": True},
            "slash_commands": [_command(names, address)],
            "shortcuts": [
                {
                    "name": words.SHORTCUT,
                    "type": "global",
                    "callback_id": SHORTCUT,
                    "description": words.SHORTCUT_DESCRIPTION,
                },
                {
                    "name": words.MESSAGE_SHORTCUT,
                    "type": "message",
                    "callback_id": MESSAGE_SHORTCUT,
                    "description": words.MESSAGE_SHORTCUT_DESCRIPTION,
                },
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**address, "bot_events": list(EVENTS)},
            "interactivity": _interactivity(address),
            "org_deploy_enabled": False,
            "socket_mode_enabled": mode == "socket",
            "token_rotation_enabled": False,
        },
    }


def rendered(mode: Literal["socket", "http"], url: str = "", names: AppNames = DEFAULT) -> str:
    """The manifest as YAML, ready to paste where Slack asks for it."""
    return yaml.safe_dump(
        manifest(mode, url, names), sort_keys=False, allow_unicode=True, width=100
    )


def _command(names: AppNames, address: dict[str, str]) -> dict[str, Any]:
    command = {
        "command": names.command,
        "description": words.COMMAND,
        "usage_hint": words.USAGE,
        # So that `handoff @bob` brings Bob's id: names are not unique, and Slack finds nobody by name.
        "should_escape": True,
    }
    return command | ({"url": address["request_url"]} if address else {})


def _interactivity(address: dict[str, str]) -> dict[str, Any]:
    if not address:
        return {"is_enabled": True}
    url = address["request_url"]
    return {"is_enabled": True, "request_url": url, "message_menu_options_url": url}


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query:
        raise Misconfigured(
            "--url: is missing or no public address; write the one Slack reaches the bot at, "
            "like --url https://vm-restore.example.com"
        )
    return f"https://{parts.netloc}{PATH}"
