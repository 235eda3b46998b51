"""Slack's error codes: what they mean, and that nothing else in the bot knows them."""

import ast
from pathlib import Path

import pytest

from bot.restore.events import ConversationLoss
from bot.slack.api.error_codes import Meaning, SlackCode, conversation_loss, meaning
from docs import slack_codes

BOT = Path(__file__).parents[2] / "bot"
FIELDS = {"slack/api/directory.py: is_archived", "check/named.py: is_archived"}
"""A channel says so of itself, in the same word."""
A_SETTING = "settings/schema.py: request_timeout"
"""The API server's limit for a request."""
HOME = BOT / "slack" / "api" / "error_codes.py"


@pytest.mark.parametrize(
    ("code", "meant", "loss"),
    [
        ("thread_not_found", Meaning.CONVERSATION_GONE, ConversationLoss.THREAD_DELETED),
        ("is_archived", Meaning.CONVERSATION_GONE, ConversationLoss.ARCHIVED),
        ("is_inactive", Meaning.CONVERSATION_GONE, ConversationLoss.ARCHIVED),
        ("not_in_channel", Meaning.CONVERSATION_GONE, ConversationLoss.UNSEEN),
        ("channel_not_found", Meaning.CONVERSATION_GONE, ConversationLoss.UNSEEN),
        ("messages_tab_disabled", Meaning.CONVERSATION_GONE, ConversationLoss.UNWRITABLE),
        ("restricted_action", Meaning.ELSEWHERE, ConversationLoss.UNWRITABLE),
        ("a_code_of_next_year", Meaning.ELSEWHERE, ConversationLoss.UNWRITABLE),
    ],
)
def test_what_a_code_says_of_a_conversation(
    code: str, meant: Meaning, loss: ConversationLoss
) -> None:
    assert (meaning(code), conversation_loss(code)) == (meant, loss)


def test_a_code_is_spelled_in_one_file() -> None:
    codes = {str(code) for code in SlackCode}
    found = {
        f"{path.relative_to(BOT)}: {node.value}"
        for path in BOT.rglob("*.py")
        if path != HOME and "playground" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in codes
    }
    assert found == FIELDS | {A_SETTING}


def test_the_page_is_what_the_code_says() -> None:
    text = slack_codes.PAGE.read_text(encoding="utf-8")
    assert slack_codes.drawn(text) == text, "make codes makes it anew"
    assert [code for code in SlackCode if f"`{code}`" not in text] == []
