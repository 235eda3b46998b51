"""The Home tab: start a restore, mine, those of others, the last ones, what I may do, and health.

Lists are cut, so that a Home stays far below the hundred blocks that Slack takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from bot.restore.events import Button
from bot.restore.model import Restore
from bot.restore.thread import Card
from bot.restore.user_events import BUTTONS
from bot.slack.markup.mrkdwn import (
    Mrkdwn,
    channel_link,
    code,
    fill,
    joined,
    mention,
    moment,
    names,
    plain,
    sentence,
    shortened,
)
from bot.slack.views.form import OPEN_FORM
from bot.slack.views.layout import (
    DIALOG_NAME,
    Draft,
    action_id,
    button_value,
    context,
    divider,
    header,
    section,
    to_message,
)
from bot.slack.views.restore_lists import Links, ended_line, running_line
from bot.slack.views.unread import ALL_READ, Unread
from bot.texts import general
from bot.texts import home as texts

MAX_LISTED = 10
MAX_RIGHTS = 15


@dataclass(frozen=True, slots=True)
class Right:
    """Where somebody may restore: in these namespaces (None: in all), asked anywhere or there."""

    cluster: str
    namespaces: frozenset[str] | None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class HomePage:
    """All that one person's Home shows."""

    as_of: datetime
    version: str
    health: Mapping[str, bool]
    """Which clusters answer; the store, from which all this comes, does."""
    refused: str = ""
    """Why this person may restore nothing at all. Then nothing else is shown."""
    mine: Sequence[Restore] = ()
    offered: Sequence[Restore] = ()
    """Restores of others that wait for this person to accept them."""
    running: Sequence[Restore] = ()
    ended: Sequence[Restore] = ()
    unread: Unread = ALL_READ
    links: Links = field(default_factory=dict)
    unlinked: bool = False
    """Slack has not said yet where each thread is, so it is asked again before long."""
    rights: Sequence[Right] = ()
    denials: Mapping[str, str] = field(default_factory=dict)
    """Clusters in which this person may nothing, and why."""
    no_take_over: str = ""
    """Why this person may not take over a restore; empty if they may."""

    def permalink(self, restore: Restore) -> str | None:
        """The address of its thread, if Slack gave one."""
        return self.links.get(restore.id)


def home(page: HomePage) -> tuple[dict[str, Any], ...]:
    """The blocks of somebody's Home. The last one alone tells when it was drawn."""
    parts = section(_refusal(page)) if page.refused else _permitted(page)
    blocks = [header(texts.HEADING), *section(Mrkdwn(texts.INTRO)), *parts, divider()]
    return to_message(Draft(Mrkdwn(""), [*blocks, *context(_health(page))]), "home").blocks


def _refusal(page: HomePage) -> Mrkdwn:
    return fill(texts.REFUSED, text=sentence(page.refused))


def _permitted(page: HomePage) -> list[Block]:
    return [
        _start(),
        divider(),
        header(texts.MINE_HEADING),
        *_mine(page),
        header(texts.RUNNING_HEADING),
        *_running(page),
        header(texts.ENDED_HEADING),
        *_ended(page),
        header(texts.RIGHTS_HEADING),
        *section(*_rights(page)),
    ]


def _start() -> ActionsBlock:
    label = PlainTextObject(text=texts.RESTORE_A_VM)
    return ActionsBlock(elements=[ButtonElement(text=label, action_id=OPEN_FORM, style="primary")])


# Restores


def _mine(page: HomePage) -> list[Block]:
    """One section each, with its button, and those that others offer."""
    shown = page.mine[:MAX_LISTED]
    offers = [_offer(page, each) for each in page.offered[:MAX_LISTED]]
    offers += _more(texts.AND_MORE_OFFERED, page.offered)
    if not shown and not offers:
        return section(Mrkdwn(texts.NOTHING_MINE_READ if page.unread else texts.NOTHING_MINE))
    rest = _more(texts.AND_MORE, page.mine)
    return [*(_own(page, each) for each in shown), *section(*rest, *offers)]


def _own(page: HomePage, restore: Restore) -> SectionBlock:
    text = running_line(restore, page.permalink(restore))
    return SectionBlock(
        text=MarkdownTextObject(text=str(text), verbatim=True), accessory=_cancel(restore)
    )


def _cancel(restore: Restore) -> ButtonElement | None:
    """The button of a card that can still cancel, with Slack's own question."""
    card = next((each for each in reversed(restore.cards) if _cancels(each)), None)
    if card is None or restore.job is not None:
        return None
    request = restore.request
    vm, namespace = (
        shortened(each or general.NOT_KNOWN, DIALOG_NAME)
        for each in (request.vm, request.namespace)
    )
    text = texts.CANCEL_TEXT.format(vm=vm, namespace=namespace)
    return ButtonElement(
        text=PlainTextObject(text=general.LABELS[Button.CANCEL]),
        action_id=action_id(Button.CANCEL),
        value=button_value(restore.id, card.number),
        confirm=ConfirmObject(
            title=PlainTextObject(text=texts.CANCEL_TITLE),
            text=PlainTextObject(text=plain(text, 300)),
            confirm=PlainTextObject(text=texts.CANCEL_IT),
            deny=PlainTextObject(text=general.GO_BACK),
        ),
    )


def _cancels(card: Card) -> bool:
    return card.closed is None and Button.CANCEL in BUTTONS[card.kind]


def _offer(page: HomePage, restore: Restore) -> Mrkdwn:
    line = running_line(restore, page.permalink(restore))
    return joined((line, fill(texts.OFFERED, owner=mention(restore.owner))))


def _running(page: HomePage) -> list[Block]:
    unread = page.unread.lines
    if not page.running:
        return section(*(unread or [Mrkdwn(texts.NOTHING_RUNS)]))
    lines = [running_line(each, page.permalink(each)) for each in page.running[:MAX_LISTED]]
    return section(*lines, *_more(texts.AND_MORE, page.running), *unread)


def _ended(page: HomePage) -> list[Block]:
    if not page.ended:
        return section(Mrkdwn(texts.NOTHING_ENDED))
    lines = [ended_line(each, page.permalink(each)) for each in page.ended[:MAX_LISTED]]
    return section(*lines, *_more(texts.AND_MORE_ENDED, page.ended))


def _more(template: str, restores: Sequence[Restore]) -> list[Mrkdwn]:
    rest = len(restores) - MAX_LISTED
    return [fill(template, count=rest)] if rest > 0 else []


# What one may do, and how the bot is


def _rights(page: HomePage) -> list[Mrkdwn]:
    lines = [
        *(_right(each) for each in page.rights),
        *(
            fill(texts.MAY_NOT, cluster=code(cluster, 100), text=sentence(why))
            for cluster, why in page.denials.items()
        ),
    ]
    rest = len(lines) - MAX_RIGHTS
    more = [fill(texts.MORE_RIGHTS, count=rest)] if rest > 0 else []
    return [*lines[:MAX_RIGHTS], *more, _take_over(page)]


def _right(right: Right) -> Mrkdwn:
    known = {"cluster": code(right.cluster, 100)}
    if right.channel is not None:
        known["channel"] = channel_link(right.channel)
    if right.namespaces is None:
        return fill(texts.MAY_ALL_FROM if right.channel else texts.MAY_ALL, **known)
    known["namespaces"] = names(sorted(right.namespaces))
    return fill(texts.MAY_FROM if right.channel else texts.MAY, **known)


def _take_over(page: HomePage) -> Mrkdwn:
    if not page.no_take_over:
        return Mrkdwn(texts.MAY_TAKE_OVER)
    return fill(texts.MAY_NOT_TAKE_OVER, text=sentence(page.no_take_over))


def _health(page: HomePage) -> Mrkdwn:
    clusters = {fill(texts.CLUSTER, name=code(name, 100)): up for name, up in page.health.items()}
    parts = {Mrkdwn(texts.STORE): True, **clusters}
    told = [fill(texts.ANSWERS if up else texts.AWAY, part=part) for part, up in parts.items()]
    return fill(
        texts.HEALTH, version=page.version, parts=joined(told, ", "), when=moment(page.as_of)
    )
