"""Refusals: what was found, what was expected, what to do next. Nothing has been restored."""

import re
from collections.abc import Callable

from slack_sdk.models.blocks import Block

from bot.restore.model import Outcome
from bot.restore.reasons import Reason
from bot.slack.markup.mrkdwn import Mrkdwn, fill, sentence, visible
from bot.slack.views.aftermath import about, advice, found, preserved, told
from bot.slack.views.layout import CardContext, section
from bot.texts import results as texts
from bot.texts.refusals import READINESS

Parts = tuple[str, Mrkdwn, list[Block]]
"""Heading, text and blocks of one kind of result."""

_READINESS = re.compile(READINESS)


FOUND_AGAIN = frozenset(
    {
        Reason.CHANGED_SINCE_CONFIRMATION,
        Reason.VM_STARTED,
        Reason.VM_BEING_DELETED,
        Reason.SNAPSHOT_BEING_DELETED,
        Reason.SNAPSHOT_CONTENT_BEING_DELETED,
        Reason.VOLUME_SNAPSHOT_BEING_DELETED,
        Reason.VOLUME_SNAPSHOT_MISSING,
        Reason.VOLUME_SNAPSHOT_NOT_READY,
        Reason.CLAIM_BEING_DELETED,
        Reason.STORAGE_CLASS_MISSING,
    }
)
"""Reasons that, after the confirmation, come from the look just before the act."""


def refused(ctx: CardContext, outcome: Outcome) -> Parts:
    """A heading for each reason, what was found, and that nothing was done."""
    heading = texts.HEADINGS[outcome.reason] if outcome.reason else texts.REFUSED_HEADING
    special = _REFUSALS.get(outcome.reason) if outcome.reason else None
    body = special(ctx, outcome) if special else _plain_refusal(ctx, outcome)
    blocks = [*body, *section(Mrkdwn(texts.OPERATION_CANCELLED)), *preserved(ctx, outcome)]
    said = told(outcome, outcome.found, 300) if outcome.found else None
    short = said or ctx.say(texts.REFUSED_WITHOUT_WORDS)
    return heading, ctx.say(texts.REFUSED_TEXT, heading=Mrkdwn(heading), found=short), blocks


def _plain_refusal(ctx: CardContext, outcome: Outcome) -> list[Block]:
    differs = outcome.reason in FOUND_AGAIN
    reread = Mrkdwn(texts.CONFIRMED_VS_NOW) if differs and ctx.restore.confirmation else None
    return [*about(ctx), *section(reread, *found(outcome), *advice(outcome))]


def _snapshot_missing(ctx: CardContext, outcome: Outcome) -> list[Block]:
    """No such snapshot, or none at all where none was named."""
    named = ctx.restore.request.snapshot is not None
    said = [ctx.say(texts.NOT_FOUND)] if named else found(outcome)
    listed = [Mrkdwn(texts.TO_LIST), ctx.say(texts.LIST_THEM)] if outcome.choices else []
    return [*section(*said), *section(*advice(outcome)), *section(*listed)]


def _snapshot_not_ready(ctx: CardContext, outcome: Outcome) -> list[Block]:
    said = _READINESS.match(visible(outcome.found))
    if said is None:
        return [*section(ctx.say(texts.SNAPSHOT), *found(outcome)), *_not_ready(outcome)]
    error = said["error"]
    return [
        *section(
            ctx.say(texts.SNAPSHOT),
            fill(texts.SNAPSHOT_STATUS, status=said["status"]),
            fill(texts.READY_TO_USE, ready=said["ready"]),
            fill(texts.ERROR, error=sentence(error, 600)) if error else None,
        ),
        *_not_ready(outcome),
    ]


def _not_ready(outcome: Outcome) -> list[Block]:
    following = fill(texts.NEXT, next=sentence(outcome.next, 600)) if outcome.next else None
    return section(Mrkdwn(texts.NOT_READY), following)


_REFUSALS: dict[Reason, Callable[[CardContext, Outcome], list[Block]]] = {
    Reason.SNAPSHOT_NOT_FOUND: _snapshot_missing,
    Reason.SNAPSHOT_NOT_READY: _snapshot_not_ready,
}
