"""What people see: a restore goes in, Slack messages come out. Pure, and the document alone decides.

Other rooms import the views from here; only what deals with the form, handoffs, the shift report and
the Home tab imports the file of its own page as well. `render` draws one card of a thread.

- Cards: questions, preview, progress, results, with refusals and aftermath.
- Answers to one person: answers and lists. Pages: form, home, report, handoff.
- layout builds the blocks; the texts are in bot/texts; bot/slack/markup makes untrusted text safe.
"""

import re
from collections.abc import Callable
from typing import Final

from bot.restore.model import Restore, RestoreId
from bot.restore.thread import Card, CardKind, Copy
from bot.slack.views.answers import (
    MAX_OPEN,
    asked_in,
    cluster_down,
    dm_notice,
    held,
    in_channel_needed,
    interrupted,
    nothing_to_cancel,
    other_wish,
    outside_channel,
    problem,
    refusal,
    reply,
    slack_down,
    slack_refuses,
    store_down,
    stuck,
    too_late,
    too_many,
    too_often,
    too_often_here,
    unknown_card,
    unknown_cluster,
    unread_card,
    went_wrong,
    which_to_cancel,
)
from bot.slack.views.diagnosis import nothing_read, summary, why
from bot.slack.views.handoff import handed, not_taken, offer, offer_copy
from bot.slack.views.layout import (
    PREFIX,
    CardContext,
    Draft,
    Message,
    button_value,
    to_message,
)
from bot.slack.views.lists import (
    Example,
    ListTarget,
    cluster_refuses,
    elsewhere,
    help_card,
    no_such_vm,
    not_understood,
    nothing_in,
    overview,
    snapshots,
    which_namespace,
)
from bot.slack.views.preview import confirm, warning
from bot.slack.views.progress import (
    appeared,
    found_again,
    overdue,
    progress,
    protecting,
    request,
    started,
    stopping,
)
from bot.slack.views.questions import ask, delete_restore, force_stop, stop_choice, stop_overdue
from bot.slack.views.restore_lists import history, reply_in_thread, status
from bot.slack.views.results import result

__all__ = [
    "ACTION",
    "MAX_OPEN",
    "PREFIX",
    "Example",
    "ListTarget",
    "Message",
    "asked_in",
    "cluster_down",
    "cluster_refuses",
    "dm_notice",
    "elsewhere",
    "held",
    "help_card",
    "history",
    "in_channel_needed",
    "interrupted",
    "no_such_vm",
    "not_understood",
    "nothing_in",
    "nothing_read",
    "nothing_to_cancel",
    "other_wish",
    "outside_channel",
    "overview",
    "parse_value",
    "problem",
    "refusal",
    "render",
    "render_copy",
    "reply",
    "reply_in_thread",
    "slack_down",
    "slack_refuses",
    "snapshots",
    "status",
    "store_down",
    "stuck",
    "summary",
    "too_late",
    "too_many",
    "too_often",
    "too_often_here",
    "unknown_card",
    "unknown_cluster",
    "unread_card",
    "went_wrong",
    "which_namespace",
    "which_to_cancel",
    "why",
]

ACTION: Final = re.compile(rf"^{PREFIX}")
"""The prefix of every action id of the bot."""

_VALUE = re.compile(r"(?P<id>[A-Za-z0-9][A-Za-z0-9._-]{0,99})@(?P<number>[0-9]{1,9})(?::\S*)?")

_CARDS: Final[dict[CardKind, Callable[[CardContext], Draft]]] = {
    CardKind.REQUEST: request,
    CardKind.ASK_VM: ask,
    CardKind.ASK_NAMESPACE: ask,
    CardKind.ASK_SNAPSHOT: ask,
    CardKind.STOP_CHOICE: stop_choice,
    CardKind.STOPPING: stopping,
    CardKind.STOP_OVERDUE: stop_overdue,
    CardKind.FORCE_STOP: force_stop,
    CardKind.WARNING: warning,
    CardKind.CONFIRM: confirm,
    CardKind.PROTECTING: protecting,
    CardKind.PROGRESS: progress,
    CardKind.OVERDUE: overdue,
    CardKind.DELETE_RESTORE: delete_restore,
    CardKind.RESULT: result,
    CardKind.STARTED: started,
    CardKind.FOUND_AGAIN: found_again,
    CardKind.APPEARED: appeared,
    CardKind.OFFER: offer,
    CardKind.NOT_TAKEN: not_taken,
    CardKind.HANDED: handed,
}


def render(restore: Restore, card: Card) -> Message:
    """One card of the thread, as it must look now."""
    draft = _CARDS[card.kind](CardContext(restore, card))
    return to_message(draft, button_value(restore.id, card.number))


def render_copy(restore: Restore, copy: Copy) -> Message:
    """An offer in a direct message, as it must look now."""
    draft = offer_copy(CardContext(restore, copy.card), copy)
    return to_message(draft, button_value(restore.id, copy.card.number))


def parse_value(value: str) -> tuple[RestoreId, int] | None:
    """Which card of which restore a button's value, or a block id, stands for."""
    found = _VALUE.fullmatch(value)
    return (RestoreId(found["id"]), int(found["number"])) if found else None
