"""Slack's error codes by name, and what they mean for what the bot does next: the one table.

Slack has more codes than any list, and a workspace's rules add others. So the table holds those that
mean something of their own; every other code means that nothing can be written there, and the next
way is tried. Which code came is logged and counted; what was to be said never is.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Final

from bot.restore.events import ConversationLoss


class SlackCode(StrEnum):
    """The error codes that the bot tells from others, in Slack's spelling.

    Which others Slack has, now or later, nobody knows: a refusal carries its code as plain text.
    """

    CHANNEL_NOT_FOUND = "channel_not_found"
    NOT_IN_CHANNEL = "not_in_channel"
    IS_ARCHIVED = "is_archived"
    IS_INACTIVE = "is_inactive"
    MESSAGES_TAB_DISABLED = "messages_tab_disabled"
    TEAM_ACCESS_NOT_GRANTED = "team_access_not_granted"
    THREAD_NOT_FOUND = "thread_not_found"
    MESSAGE_NOT_FOUND = "message_not_found"
    INVALID_BLOCKS = "invalid_blocks"
    INVALID_BLOCKS_FORMAT = "invalid_blocks_format"
    INVALID_ARGUMENTS = "invalid_arguments"
    MSG_TOO_LONG = "msg_too_long"
    MSG_BLOCKS_TOO_LONG = "msg_blocks_too_long"
    BLOCK_MISMATCH = "block_mismatch"
    NO_TEXT = "no_text"
    INVALID_AUTH = "invalid_auth"
    NOT_AUTHED = "not_authed"
    ACCOUNT_INACTIVE = "account_inactive"
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - a code
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - as above
    RATELIMITED = "ratelimited"
    RATE_LIMITED = "rate_limited"
    SERVICE_UNAVAILABLE = "service_unavailable"
    REQUEST_TIMEOUT = "request_timeout"
    INTERNAL_ERROR = "internal_error"
    FATAL_ERROR = "fatal_error"
    USER_NOT_FOUND = "user_not_found"
    USER_NOT_VISIBLE = "user_not_visible"
    USERS_NOT_FOUND = "users_not_found"
    NO_SUCH_SUBTEAM = "no_such_subteam"
    SUBTEAM_NOT_FOUND = "subteam_not_found"
    INVALID_CURSOR = "invalid_cursor"
    TRIGGER_EXPIRED = "trigger_expired"
    EXPIRED_TRIGGER_ID = "expired_trigger_id"
    INVALID_TRIGGER_ID = "invalid_trigger_id"
    TRIGGER_EXCHANGED = "trigger_exchanged"
    EXCHANGED_TRIGGER_ID = "exchanged_trigger_id"
    HASH_CONFLICT = "hash_conflict"
    EXPIRED_URL = "expired_url"
    MISSING_SCOPE = "missing_scope"


UNKNOWN_USER: Final = frozenset(
    {SlackCode.USER_NOT_FOUND, SlackCode.USER_NOT_VISIBLE, SlackCode.USERS_NOT_FOUND}
)
UNKNOWN_GROUP: Final = frozenset({SlackCode.NO_SUCH_SUBTEAM, SlackCode.SUBTEAM_NOT_FOUND})
NO_PARENT: Final = frozenset({SlackCode.MESSAGE_NOT_FOUND, SlackCode.THREAD_NOT_FOUND})
"""The message that a thread hangs on is not there."""
TRIGGER_TOO_OLD: Final = frozenset(
    {SlackCode.TRIGGER_EXPIRED, SlackCode.EXPIRED_TRIGGER_ID, SlackCode.INVALID_TRIGGER_ID}
)
TRIGGER_USED: Final = frozenset({SlackCode.TRIGGER_EXCHANGED, SlackCode.EXCHANGED_TRIGGER_ID})


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


_CODES: Final[Mapping[Meaning, tuple[SlackCode, ...]]] = {
    Meaning.CONVERSATION_GONE: (
        SlackCode.CHANNEL_NOT_FOUND,
        SlackCode.NOT_IN_CHANNEL,
        SlackCode.IS_ARCHIVED,
        SlackCode.IS_INACTIVE,
        SlackCode.MESSAGES_TAB_DISABLED,
        SlackCode.TEAM_ACCESS_NOT_GRANTED,
        SlackCode.THREAD_NOT_FOUND,
    ),
    Meaning.MESSAGE_GONE: (SlackCode.MESSAGE_NOT_FOUND,),
    Meaning.CONTENT: (
        SlackCode.INVALID_BLOCKS,
        SlackCode.INVALID_BLOCKS_FORMAT,
        SlackCode.INVALID_ARGUMENTS,
        SlackCode.MSG_TOO_LONG,
        SlackCode.MSG_BLOCKS_TOO_LONG,
        SlackCode.BLOCK_MISMATCH,
        SlackCode.NO_TEXT,
    ),
    Meaning.TOKEN: (
        SlackCode.INVALID_AUTH,
        SlackCode.NOT_AUTHED,
        SlackCode.ACCOUNT_INACTIVE,
        SlackCode.TOKEN_REVOKED,
        SlackCode.TOKEN_EXPIRED,
    ),
    Meaning.SLOW: (SlackCode.RATELIMITED, SlackCode.RATE_LIMITED),
    Meaning.AWAY: (SlackCode.SERVICE_UNAVAILABLE, SlackCode.REQUEST_TIMEOUT),
    Meaning.UNSURE: (SlackCode.INTERNAL_ERROR, SlackCode.FATAL_ERROR),
}
_MEANINGS: Final[Mapping[str, Meaning]] = {
    code: meaning for meaning, codes in _CODES.items() for code in codes
}


def meaning(code: str) -> Meaning:
    """What a code means; one that no table knows means that it cannot be written there."""
    return _MEANINGS.get(code, Meaning.ELSEWHERE)


_LOSSES: Final[Mapping[str, ConversationLoss]] = {
    SlackCode.THREAD_NOT_FOUND: ConversationLoss.THREAD_DELETED,
    SlackCode.IS_ARCHIVED: ConversationLoss.ARCHIVED,
    SlackCode.IS_INACTIVE: ConversationLoss.ARCHIVED,
    SlackCode.NOT_IN_CHANNEL: ConversationLoss.UNSEEN,
    SlackCode.CHANNEL_NOT_FOUND: ConversationLoss.UNSEEN,
}


def conversation_loss(code: str) -> ConversationLoss:
    """What has become of a conversation in which nothing can be posted any more."""
    return _LOSSES.get(code, ConversationLoss.UNWRITABLE)
