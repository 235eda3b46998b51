"""The manifest: what Slack would accept, and no scope that nothing needs."""

import re
from typing import Any, Literal

import pytest
import yaml

from bot.errors import Misconfigured
from bot.slack.manifest import (
    EVENTS,
    MESSAGE_SHORTCUT,
    SCOPES,
    SHORTCUT,
    manifest,
    rendered,
)

KEYS: dict[str, Any] = {
    "_metadata": {"major_version"},
    "display_information": {"name", "description", "long_description", "background_color"},
    "features": {"app_home", "bot_user", "slash_commands", "shortcuts", "unfurl_domains"},
    "oauth_config": {"scopes", "redirect_urls"},
    "settings": {
        "event_subscriptions",
        "interactivity",
        "org_deploy_enabled",
        "socket_mode_enabled",
        "token_rotation_enabled",
        "allowed_ip_address_ranges",
    },
}
"""What Slack knows; any other key is rejected there."""

NEEDS: dict[str, set[str]] = {
    "app_mention": {"app_mentions:read"},
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
    "message.im": {"im:history"},
    "message.mpim": {"mpim:history"},
    "app_home_opened": set(),
    "channel_id_changed": {"channels:read", "groups:read"},
    "channel_left": {"channels:read"},
    "group_left": {"groups:read"},
    "slash command, shortcuts": {"commands"},
    "chat.postMessage, chat.postEphemeral, chat.update": {"chat:write"},
    "conversations.info": {"channels:read", "groups:read", "im:read", "mpim:read"},
    "conversations.members": {"channels:read", "groups:read", "im:read", "mpim:read"},
    "users.conversations": {"channels:read", "groups:read", "mpim:read"},
    "conversations.open": {"im:write"},
    "users.info": {"users:read"},
    "usergroups.users.list": {"usergroups:read"},
}


@pytest.fixture(params=["socket", "http"])
def made(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The manifest of each mode."""
    mode: Literal["socket", "http"] = request.param
    return manifest(mode, "https://vm.example.com" if mode == "http" else "")


def test_slack_knows_every_key(made: dict[str, Any]) -> None:
    assert made.keys() == KEYS.keys()
    for section, known in KEYS.items():
        assert made[section].keys() <= known


def test_texts_fit_slacks_limits(made: dict[str, Any]) -> None:
    assert len(made["display_information"]["name"]) <= 35
    assert len(made["display_information"]["description"]) <= 140
    assert len(made["features"]["bot_user"]["display_name"]) <= 80
    [command] = made["features"]["slash_commands"]
    assert re.fullmatch(r"/[a-z-]{1,31}", command["command"])
    assert command["command"] == "/vm-restore"
    assert len(command["description"]) <= 2000
    assert len(command["usage_hint"]) <= 1000
    for shortcut in made["features"]["shortcuts"]:
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150


def test_every_scope_is_needed_by_something_and_every_need_is_met() -> None:
    assert set(SCOPES) == set().union(*NEEDS.values())
    assert set(EVENTS) <= NEEDS.keys()


def test_there_is_a_shortcut_of_each_kind(made: dict[str, Any]) -> None:
    shortcuts = made["features"]["shortcuts"]
    assert [(each["type"], each["callback_id"]) for each in shortcuts] == [
        ("global", SHORTCUT),
        ("message", MESSAGE_SHORTCUT),
    ]


def test_slack_sends_mentions_in_commands_as_ids(made: dict[str, Any]) -> None:
    """A typed `@name` could not be told from another person's: Slack has no lookup by name."""
    assert made["features"]["slash_commands"][0]["should_escape"] is True


def test_people_can_write_to_the_bot(made: dict[str, Any]) -> None:
    home = made["features"]["app_home"]
    assert home["home_tab_enabled"] is True
    assert home["messages_tab_enabled"] is True
    assert home["messages_tab_read_only_enabled"] is False


def test_over_http_everything_comes_to_one_address() -> None:
    made = manifest("http", "https://vm.example.com:8443/")
    address = "https://vm.example.com:8443/slack/events"
    assert made["settings"]["socket_mode_enabled"] is False
    assert made["settings"]["event_subscriptions"]["request_url"] == address
    assert made["settings"]["interactivity"]["request_url"] == address
    assert made["settings"]["interactivity"]["message_menu_options_url"] == address
    assert made["features"]["slash_commands"][0]["url"] == address


def test_in_socket_mode_there_is_no_address() -> None:
    made = manifest("socket")
    assert made["settings"]["socket_mode_enabled"] is True
    assert "url" not in yaml.safe_dump(made)


@pytest.mark.parametrize(
    "url", ["", "http://a.example.com", "a.example.com", "https://a.example.com/x", "https://"]
)
def test_an_address_slack_cannot_reach_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured, match="--url"):
        manifest("http", url)


def test_the_text_is_the_manifest(made: dict[str, Any]) -> None:
    mode: Literal["socket", "http"] = (
        "socket" if made["settings"]["socket_mode_enabled"] else "http"
    )
    assert yaml.safe_load(rendered(mode, "https://vm.example.com")) == made
