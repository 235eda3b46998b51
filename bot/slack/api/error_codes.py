"""What Slack's error codes mean for what the bot does next: the one table.

Slack has more codes than any list, and a workspace's rules add others. So the table holds those that
mean something of their own; every other code means that nothing can be written there, and the next
way is tried. Which code came is logged and counted; what was to be said never is.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final


class Meaning(Enum):
    """What to do about a refusal."""

    ELSEWHERE = "nothing can be written there, or not that: try the next way"
    CONVERSATION_GONE = "the conversation or the thread is closed to the bot: try the next way"
    MESSAGE_GONE = "the message is not there any more: post it anew if it matters"
    CONTENT = "the message itself is at fault, which is a fault of the bot: send its text alone"
    TOKEN = "the bot's token is refused: nothing works until an operator acts"  # noqa: S105 - words
    SLOW = "too many calls: wait as long as Slack says"
    AWAY = "nothing was done: try again"
    UNSURE = "it may have been done: look before it is tried again"


_CODES: Final[Mapping[Meaning, tuple[str, ...]]] = {
    Meaning.CONVERSATION_GONE: (
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "is_inactive",
        "messages_tab_disabled",
        "team_access_not_granted",
        "thread_not_found",
    ),
    Meaning.MESSAGE_GONE: ("message_not_found",),
    Meaning.CONTENT: (
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_arguments",
        "msg_too_long",
        "msg_blocks_too_long",
        "block_mismatch",
        "no_text",
    ),
    Meaning.TOKEN: (
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
    ),
    Meaning.SLOW: ("ratelimited", "rate_limited"),
    Meaning.AWAY: ("service_unavailable", "request_timeout"),
    Meaning.UNSURE: ("internal_error", "fatal_error"),
}
_MEANINGS: Final = {code: meaning for meaning, codes in _CODES.items() for code in codes}


def meaning(code: str) -> Meaning:
    """What a code means; one that no table knows means that it cannot be written there."""
    return _MEANINGS.get(code, Meaning.ELSEWHERE)
