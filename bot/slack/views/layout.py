"""What cards are built of: a card's point of view (`Face`), and small functions that make blocks.

Rules of this file
- Blocks come from slack_sdk's models, which refuse what Slack would refuse, and hold `Mrkdwn` only.
- A card that is closed, or whose time is over, never gets a button.
- `finished` names the blocks: "<restore id>@<card number>:<position>.<digest>". So a block id tells
  which card it belongs to (pickers have no value of their own), and changes with the content.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    DividerBlock,
    ExternalDataSelectElement,
    HeaderBlock,
    InteractiveElement,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from bot.restore.events import Button
from bot.restore.model import Restore
from bot.restore.thread import QUESTIONS, Card, CardKind
from bot.slack.markup.mrkdwn import (
    Mrkdwn,
    code,
    fill,
    joined,
    mention,
    plain,
    referring,
    sentence,
    shortened,
)
from bot.texts import general

PREFIX = "vmr:"
"""The prefix of every action id of the bot."""

MAX_HEADER = 150
MAX_SECTION = 2_900
MAX_TEXT = 3_900
MAX_LABEL = 75
SHORT_LABEL = 48
"""Letters of a name in the first line of a card."""
SHORT_NAME = 60
DIALOG_NAME = 40
"""So short that the last words of a dialog, which warn, are never cut off."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as `chat.postMessage` takes it. `text` says it all to phones and readers."""

    text: str
    blocks: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before its blocks are named."""

    text: Mrkdwn
    blocks: Sequence[Block]


_AFTER_THE_END = (CardKind.RESULT, CardKind.OFFER, CardKind.STARTED)
"""Cards with buttons that are answered when the restore has ended."""


@dataclass(frozen=True, slots=True)
class CardContext:
    """One card of one restore, and the words that nearly every card needs."""

    restore: Restore
    card: Card

    @property
    def open(self) -> bool:
        """Nobody and nothing has answered it."""
        return self.card.closed is None

    @property
    def usable(self) -> bool:
        """Its buttons would be answered."""
        over = self.restore.phase.ended and self.card.kind not in _AFTER_THE_END
        return self.open and not self.restore.closed and not over

    @property
    def owner(self) -> Mrkdwn:
        """The person whose restore it is, as a mention."""
        return mention(self.restore.owner)

    @property
    def vm(self) -> Mrkdwn:
        """The VM's name."""
        return name(self.restore.request.vm)

    @property
    def namespace(self) -> Mrkdwn:
        """The VM's namespace."""
        return name(self.restore.request.namespace)

    @property
    def snapshot(self) -> Mrkdwn:
        """The snapshot's name."""
        return name(self.restore.request.snapshot)

    @property
    def vm_line(self) -> Mrkdwn:
        """Which VM, where; the cluster only if there may be others."""
        cluster = self.restore.request.cluster
        usual = cluster == general.DEFAULT_CLUSTER
        if usual and self.restore.request.namespace is None:
            return self.say(general.VM_SOMEWHERE)
        return self.say(general.VM if usual else general.VM_ON_CLUSTER, cluster=code(cluster, 100))

    @property
    def closed(self) -> Mrkdwn:
        """How the card was answered."""
        return referring(self.card.closed or "")

    def say(self, template: str, **values: str | int) -> Mrkdwn:
        """Fill a text that may name the VM, namespace, snapshot or owner of this restore."""
        known = {
            "vm": self.vm,
            "namespace": self.namespace,
            "snapshot": self.snapshot,
            "owner": self.owner,
        }
        return fill(template, **{**known, **values})

    def first_line(self, template: str, **values: str | int) -> Mrkdwn | None:
        """The first line of an open card, which mentions its owner; long names are shortened."""
        request = self.restore.request
        known = {"vm": request.vm, "snapshot": request.snapshot}
        short = {
            key: code(shortened(each, SHORT_LABEL))
            for key, each in known.items()
            if each is not None
        }
        return self.say(template, **short, **values) if self.open else None

    def when_open(self, template: str, **values: str | int) -> Mrkdwn | None:
        """A text that only an open card has: what mentions its owner, for instance."""
        return self.say(template, **values) if self.open else None


def name(value: str | None) -> Mrkdwn:
    """A name as code, or words for one that is not known yet."""
    return code(value) if value else Mrkdwn(general.NOT_KNOWN)


def header(text: str) -> HeaderBlock:
    """A heading; one of our own texts."""
    return HeaderBlock(text=PlainTextObject(text=plain(text, MAX_HEADER), emoji=True))


def section(*lines: Mrkdwn | None) -> list[Block]:
    """Lines of text, in as few sections as Slack's limit allows; none without lines."""
    return [SectionBlock(text=_markdown(text), expand=True) for text in _filled_up(lines)]


def context(*lines: Mrkdwn | None) -> list[Block]:
    """Small print."""
    return [ContextBlock(elements=[_markdown(text)]) for text in _filled_up(lines)]


def divider() -> DividerBlock:
    """A line across the card."""
    return DividerBlock()


def actions(ctx: CardContext, *elements: InteractiveElement | None) -> list[Block]:
    """The buttons of a card, as long as they would be answered."""
    present = [element for element in elements if element is not None]
    return [ActionsBlock(elements=present)] if present and ctx.usable else []


def button(
    ctx: CardContext,
    kind: Button,
    *,
    label: str | None = None,
    style: str | None = None,
    confirm: ConfirmObject | None = None,
) -> ButtonElement:
    """A button that says which card it was on; the meaning is in the document alone."""
    return ButtonElement(
        text=PlainTextObject(text=plain(label or general.LABELS[kind], MAX_LABEL), emoji=True),
        action_id=action_id(kind),
        value=button_value(ctx.restore.id, ctx.card.number),
        style=style,
        confirm=confirm,
    )


def cancel(ctx: CardContext) -> ButtonElement:
    """The way out that nearly every card has."""
    return button(ctx, Button.CANCEL)


def dialog(  # noqa: PLR0913 - the four parts of the dialog
    ctx: CardContext,
    title: str,
    text: str,
    kind: Button,
    *,
    yes: str | None = None,
    style: str = "danger",
    **values: str,
) -> ConfirmObject:
    """Slack's own question after a click on a dangerous button; long names are shortened."""
    request = ctx.restore.request
    names = {
        "vm": request.vm,
        "namespace": request.namespace,
        "snapshot": request.snapshot,
        **values,
    }
    safe = {key: shortened(value or general.NOT_KNOWN, DIALOG_NAME) for key, value in names.items()}
    if request.cluster != general.DEFAULT_CLUSTER:
        cluster = shortened(request.cluster, DIALOG_NAME // 2)
        safe["namespace"] += general.ASKED_CLUSTER.format(cluster=cluster)
    return ConfirmObject(
        title=PlainTextObject(text=plain(title, 100)),
        text=PlainTextObject(text=plain(text.format_map(safe), 300)),
        confirm=PlainTextObject(text=plain(yes or general.LABELS[kind], 30)),
        deny=PlainTextObject(text=general.GO_BACK),
        style=style,
    )


def picker(kind: Button) -> ExternalDataSelectElement:
    """A list that Slack fills by asking us, as soon as it is opened."""
    placeholder = PlainTextObject(text=general.LABELS[kind])
    return ExternalDataSelectElement(
        action_id=action_id(kind), placeholder=placeholder, min_query_length=0
    )


def action_id(kind: Button) -> str:
    """The name under which a press of this button comes back."""
    return f"{PREFIX}{kind.value}"


def button_value(restore_id: str, number: int) -> str:
    """Which card of which restore: nothing else is ever in a button."""
    return f"{restore_id}@{number}"


def notice(ctx: CardContext, text: Mrkdwn) -> Mrkdwn:
    """The text for phones: with a mention while the card waits, with the answer afterwards."""
    if ctx.open:
        asks = ctx.card.kind in QUESTIONS or ctx.card.kind is CardKind.RESULT
        return joined((ctx.owner, text)) if asks else text
    return joined((text, ctx.closed), " → ")


def answered(ctx: CardContext) -> list[Block]:
    """How a card was answered, once it was."""
    return [] if ctx.open else context(fill(general.ANSWERED, answer=ctx.closed))


def trouble(restore: Restore) -> Mrkdwn | None:
    """What keeps the bot from looking at the cluster, if something does."""
    if restore.trouble is None:
        return None
    return fill(general.TROUBLE, trouble=_with_stop(sentence(restore.trouble, 300)))


def to_message(draft: Draft, mark: str) -> Message:
    """Name the blocks and turn everything into what Slack takes."""
    shapes = [block.to_dict() for block in draft.blocks]
    named = (
        {**shape, "block_id": f"{mark}:{thread_ref}.{_digest(shape)}"}
        for thread_ref, shape in enumerate(shapes)
    )
    return Message(text=str(draft.text)[:MAX_TEXT], blocks=tuple(named))


def answer(said: Mrkdwn, blocks: Sequence[Block]) -> Message:
    """What only the asker sees: one short line for notifications, and blocks."""
    return to_message(Draft(said, blocks), "answer")


def short_answer(said: Mrkdwn) -> Message:
    """An answer of a sentence or two."""
    return answer(said, section(said))


def _markdown(text: Mrkdwn) -> MarkdownTextObject:
    """Verbatim: names that look like addresses must not become links."""
    return MarkdownTextObject(text=str(text), verbatim=True)


def _filled_up(lines: Iterable[Mrkdwn | None]) -> Iterator[Mrkdwn]:
    page: list[Mrkdwn] = []
    for line in lines:
        if not line:
            continue
        if page and sum(len(each) + 1 for each in page) + len(line) > MAX_SECTION:
            yield joined(page, "\n")
            page = []
        page.append(line)
    if page:
        yield joined(page, "\n")


def _with_stop(text: Mrkdwn) -> Mrkdwn:
    return text if text.endswith((".", "!", "?", "…")) else Mrkdwn(f"{text}.")


def _digest(shape: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:8]
