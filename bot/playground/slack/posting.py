"""What an app may post: text, blocks and metadata, checked and stored as Slack does.

The Web API and the response URLs share these rules. Arguments come as JSON values or, from queries
and forms, as strings that hold JSON.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.playground.slack.blockkit import check_blocks, normalised, too_long
from bot.playground.slack.workspace import Channel, Message, SlackRefusal, Workspace

Json = dict[str, Any]

MAX_TEXT = 40_000
MAX_TEXT_OF_UPDATE = 4_000
MAX_METADATA_BYTES = 8_192
MAX_ATTACHMENTS = 100
_BARE_URL = re.compile(r"(?<![<|])(https?://[^\s<>|`]*[^\s<>|`.,;:!?)'\"\]])")
_TS = re.compile(r"^\d{10}\.\d{6}$")


@dataclass(frozen=True, slots=True)
class Draft:
    """What a post or an edit brings; None means that it was not given."""

    text: str | None
    blocks: list[Json] | None
    metadata: Json | None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.text and not self.blocks


def flag(args: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    """A truth value in any of its spellings."""
    value = args.get(name)
    return default if value is None else str(value).lower() in ("1", "true")


def decoded(value: Any, code: str) -> Any:
    """A JSON value that may have come as a string."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise SlackRefusal(code) from None


def read_draft(workspace: Workspace, args: Mapping[str, Any]) -> Draft:
    """Check what is to be posted."""
    text = args.get("text")
    if args.get("markdown_text") is not None:
        text = _markdown_text(args)
    if text is not None and not isinstance(text, str):
        raise SlackRefusal("invalid_arguments", **explained("text: must provide a string"))
    attachments = decoded(args.get("attachments"), "invalid_attachments") or []
    if len(attachments) > MAX_ATTACHMENTS:
        raise SlackRefusal("too_many_attachments")
    if attachments:
        raise SlackRefusal("playground_does_not_cover_attachments")
    return Draft(
        text=linked(text) if text is not None else None,
        blocks=_blocks(workspace, args.get("blocks")),
        metadata=_metadata(args.get("metadata")),
    )


def _markdown_text(args: Mapping[str, Any]) -> str:
    if args.get("text") is not None or args.get("blocks") is not None:
        raise SlackRefusal("markdown_text_conflict")
    text = str(args["markdown_text"])
    if len(text) > 12_000:
        raise SlackRefusal("msg_too_long")
    return text


def _blocks(workspace: Workspace, given: Any) -> list[Json] | None:
    blocks = decoded(given, "invalid_blocks_format")
    if blocks is None:
        return None
    if not isinstance(blocks, list):
        raise SlackRefusal("invalid_blocks_format")
    if problems := check_blocks(blocks, "message"):
        messages = [str(problem) for problem in problems]
        code = "invalid_blocks"
        if messages[0].startswith("only_one_table_allowed"):
            code = "invalid_attachments"
        raise SlackRefusal(code, errors=messages, **explained(*messages))
    made = normalised(blocks, workspace.ids)
    if too_long(made):
        raise SlackRefusal("msg_blocks_too_long")
    return made


def _metadata(given: Any) -> Json | None:
    metadata = decoded(given, "invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise SlackRefusal("invalid_metadata_format")
    if not metadata:
        return {}
    if set(metadata) - {"event_type", "event_payload", "entities"}:
        raise SlackRefusal("invalid_metadata_schema")
    if not isinstance(metadata.get("event_type"), str) or not metadata["event_type"]:
        raise SlackRefusal("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise SlackRefusal("invalid_metadata_format")
    if len(json.dumps(metadata).encode()) > MAX_METADATA_BYTES:
        raise SlackRefusal("metadata_too_large")
    copied: Json = json.loads(json.dumps(metadata))
    return copied


def explained(*messages: str) -> Json:
    """The part of an answer that says what was wrong."""
    return {"response_metadata": {"messages": [f"[ERROR] {message}" for message in messages]}}


def linked(text: str) -> str:
    """Slack puts angle brackets around the bare URLs of an app's text."""
    return _BARE_URL.sub(r"<\1>", text)


def truncated(text: str) -> str:
    """Slack cuts what is too long, without an error."""
    return text[:MAX_TEXT]


def thread_root(channel: Channel, given: Any) -> str | None:
    """Where a reply goes. Only the ts of a thread's first message will do."""
    if given is None:
        return None
    thread_ts = str(given)
    if not _TS.match(thread_ts):
        raise SlackRefusal("invalid_thread_ts")
    parent = channel.find(thread_ts)
    if parent is None or (parent.deleted and not channel.replies(thread_ts)):
        raise SlackRefusal("thread_not_found")
    if parent.is_reply:
        raise SlackRefusal("cannot_reply_to_message")
    return thread_ts


def apply_update(workspace: Workspace, message: Message, draft: Draft) -> None:
    """Slack's rules of an edit: text without blocks removes the blocks, what is omitted stays."""
    text, blocks = message.text, message.blocks
    if draft.text is not None:
        text, blocks = draft.text, None
    if draft.blocks is not None:
        blocks = draft.blocks or None
    _match_blocks(message.blocks, blocks)
    workspace.rewrite(message, text, blocks, str(workspace.bot.bot_id))
    if draft.metadata is not None:
        message.metadata = draft.metadata or None


def _match_blocks(old: list[Json] | None, new: list[Json] | None) -> None:
    """What is rich text only cannot become something else."""

    def rich(blocks: list[Json] | None) -> bool:
        return bool(blocks) and all(block["type"] == "rich_text" for block in blocks or [])

    if rich(old) and new and not rich(new):
        raise SlackRefusal("block_mismatch")
