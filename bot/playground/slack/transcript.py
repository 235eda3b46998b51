"""A channel as text, as the people in it see it: for golden files, the demo and humans.

Replies stand below their parent, indented. Times are UTC, or the viewer's. A viewer sees their own
ephemeral messages; without a viewer everybody's are shown, marked with whom they are for.
"""

from collections.abc import Iterator
from typing import Any

from bot.playground.slack.mrkdwn import Reader
from bot.playground.slack.rendering import Rendering
from bot.playground.slack.views import View
from bot.playground.slack.workspace import SLASH_COMMAND, Channel, Message, User, Workspace

Json = dict[str, Any]

_INDENT = "    "


class Transcript:
    """Prints channels for one viewer."""

    def __init__(
        self, workspace: Workspace, viewer: User | None = None, *, history: bool = False
    ) -> None:
        self._reader = Reader(workspace, viewer)
        self._rendering = Rendering(self._reader, viewer)
        self._viewer = viewer
        self._history = history

    def channel(self, channel: Channel) -> str:
        """The whole channel."""
        lines = [f"#{channel.name}" if channel.kind != "im" else f"DM with {channel.name}"]
        for message in channel.messages:
            if not message.is_reply and self._seen(message):
                lines += self.message(message)
                lines += self._thread(message)
            elif message.broadcast and self._seen(message):
                lines += self.message(message)
        return "\n".join(lines) + "\n"

    def message(self, message: Message) -> list[str]:
        """One message: who and when, then what, indented."""
        body = self._body(message)
        if self._history:
            for version in message.history:
                body += [f"(was: {line})" for line in self._rendered(version.text, version.blocks)]
        return [self._head(message), *(f"{_INDENT}{line}".rstrip() for line in body)]

    def view(self, view: View) -> str:
        """A modal or a Home tab."""
        lines = self._rendering.blocks([_on_screen(view, block) for block in view.blocks])
        if view.kind == "modal":
            buttons = [view.definition.get(name) for name in ("submit", "close")]
            shown = " ".join(f"[{button['text']}]" for button in buttons if button)
            lines = [f"== {view.title} ==", *lines, *([shown] if shown else [])]
        return "\n".join(lines) + "\n"

    def _thread(self, parent: Message) -> Iterator[str]:
        for reply in parent.channel.messages:
            if reply.is_reply and reply.thread_ts == parent.ts and self._seen(reply):
                yield from (f"{_INDENT}{line}".rstrip() for line in self.message(reply))

    def _seen(self, message: Message) -> bool:
        if not message.shown:
            return False
        if message.deleted:
            return not message.is_reply and bool(message.channel.replies(message.ts))
        return self._viewer is None or message.ephemeral_to in (None, self._viewer)

    def _head(self, message: Message) -> str:
        marks = [
            " APP" if message.author.bot else "",
            f" (only visible to {message.ephemeral_to.name})" if message.ephemeral_to else "",
            " (edited)" if message.edited and not message.author.bot else "",
            " (also sent to the channel)" if message.broadcast else "",
        ]
        return f"{self._reader.clock(message.ts)} {message.author.name}{''.join(marks)}"

    def _body(self, message: Message) -> list[str]:
        if message.deleted:
            return ["This message was deleted."]
        if message.subtype == SLASH_COMMAND:
            return [message.text]
        lines = self._rendered(message.text, message.blocks)
        if message.reactions:
            lines.append(" ".join(f":{name}: {len(u)}" for name, u in message.reactions.items()))
        return lines

    def _rendered(self, text: str, blocks: list[dict[str, object]] | None) -> list[str]:
        return self._rendering.blocks(blocks) if blocks else self._rendering.text(text)


def _on_screen(view: View, block: Json) -> Json:
    """An input with what is chosen in it, and with what is wrong."""
    if block["type"] != "input":
        return block
    element = dict(block["element"])
    for key, value in view.state.get(block["block_id"], {}).get(element["action_id"], {}).items():
        if key != "type":
            element[key.replace("selected", "initial") if key != "value" else "initial_value"] = (
                value
            )
    return {**block, "element": element, "problem": view.problems.get(block["block_id"])}
