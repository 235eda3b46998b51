"""The claims that a VM used before a restore: each with what it is, and a command for the free ones.

A command is made to be copied, so it names only what was looked up for this very card: claims that
nobody uses, whose data was in the snapshot and stands filled in the restored copy.
"""

import re
from collections.abc import Sequence
from datetime import timedelta

from bot.restore.disks import GuestState, LeftBehind, LeftBehindKind
from bot.restore.model import Outcome, Phase
from bot.restore.phases.left import AFTERCARE
from bot.slack.markup.mrkdwn import Mrkdwn, code, fill, joined, moment, names, sentence
from bot.slack.views.layout import CardContext
from bot.texts import general
from bot.texts import results as texts

_KUBERNETES_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
MAX_REMOVED = 10
COMMAND_ROOM = 500
LINES_ROOM = 190
"""Bytes for the claims of one kind."""
OF_A_FAILURE = frozenset(
    {LeftBehindKind.MADE, LeftBehindKind.USED, LeftBehindKind.GOING, LeftBehindKind.UNSURE}
)
"""What the claims can be that a restore made which did not succeed."""
NAME = 150
"""Letters of a claim's name where it is only told of."""


def leftovers(ctx: CardContext, outcome: Outcome) -> list[Mrkdwn]:
    """What was found, kind by kind. A document of an earlier release knows only the names."""
    if not outcome.left:
        known = bool(outcome.leftovers)
        volumes = names(outcome.leftovers, room=LINES_ROOM)
        return [ctx.say(texts.LEFTOVERS, volumes=volumes)] if known else []
    failed = ctx.restore.phase is Phase.FAILED
    kinds = {kind: [each for each in outcome.left if each.kind is kind] for kind in LeftBehindKind}
    told = [
        fill(texts.LEFT_LINES[kind], claims=_listed(found))
        for kind, found in kinds.items()
        if found and kind is not LeftBehindKind.FREE and (not failed or kind in OF_A_FAILURE)
    ]
    more = [fill(texts.LEFT_MORE, count=outcome.more_left)] if outcome.more_left else []
    free = [each.claim for each in kinds[LeftBehindKind.FREE]]
    shown = ctx.restore.preview
    state = shown is not None and shown.coverage.guest_state is GuestState.ROLLS_BACK
    alone = [Mrkdwn(texts.LEFT_WITHOUT_STATE)] if state else []
    return [_heading(ctx, outcome), *told, *more, *alone, *_free(ctx, outcome, free)]


def _heading(ctx: CardContext, outcome: Outcome) -> Mrkdwn:
    """When it was looked up, and how long that goes on."""
    when = moment(outcome.left_at or outcome.at)
    if ctx.restore.phase is Phase.FAILED:
        return fill(texts.LEFT_MADE, when=when)
    if outcome.left_due is None or not ctx.usable:
        return fill(texts.LEFT, when=when)
    hours = AFTERCARE // timedelta(hours=1)
    return fill(texts.LEFT_WATCHED, when=when, hours=hours)


def _listed(found: Sequence[LeftBehind]) -> Mrkdwn:
    """Names, with who uses or owns them; "and N more" for those that do not fit."""
    lines = [_named(each) for each in found]
    kept: list[Mrkdwn] = []
    for line in lines:
        if kept and sum(len(each) + 2 for each in kept) + len(line) > LINES_ROOM:
            break
        kept.append(line)
    text = joined(kept, ", ")
    rest = len(lines) - len(kept)
    return fill(general.AND_MORE, names=text, count=rest) if rest else text


def _named(left: LeftBehind) -> Mrkdwn:
    """One claim. Who uses or owns it is told in words of the core's, names in backticks."""
    claim = code(left.claim, NAME)
    if not left.by:
        return claim
    return fill(texts.LEFT_ONE, claim=claim, by=sentence(left.by, 80))


def _free(ctx: CardContext, outcome: Outcome, free: list[str]) -> list[Mrkdwn]:
    """The command names only what it removes, in full; it is gone when the card is."""
    namespace = ctx.restore.target.namespace
    sure = [each for each in free if _KUBERNETES_NAME.fullmatch(each)]
    if not free:
        return []
    named = names(free, most=MAX_REMOVED, room=LINES_ROOM)
    watched = ctx.usable and outcome.left_due is not None
    if not (watched and sure and _KUBERNETES_NAME.fullmatch(namespace)):
        return [fill(texts.FREE_ONCE, claims=named)]
    removed = _fitting(sure[:MAX_REMOVED])
    first = [fill(texts.FREE_FIRST, count=len(removed))] if len(removed) < len(free) else []
    command = texts.REMOVE.format(namespace=namespace, names=" ".join(removed))
    return [fill(texts.FREE, claims=named), *first, Mrkdwn(f"```{command}```")]


def _fitting(items: list[str]) -> list[str]:
    kept: list[str] = []
    for item in items:
        if kept and sum(map(len, kept)) + len(item) > COMMAND_ROOM:
            break
        kept.append(item)
    return kept
