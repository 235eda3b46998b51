"""Short answers that only one person sees, and news by direct message."""

from collections.abc import Mapping, Sequence
from typing import Final

from slack_sdk.models.blocks import Block

from bot.request import Verb
from bot.restore.events import Reply, Verdict
from bot.restore.model import Restore, RestoreId
from bot.restore.thread import Card, CardKind, UserId
from bot.slack.markup.mrkdwn import (
    Mrkdwn,
    answering,
    channel_link,
    code,
    fill,
    joined,
    mention,
    moment,
    names,
    sentence,
)
from bot.slack.views.aftermath import after_stop
from bot.slack.views.layout import (
    CardContext,
    Draft,
    Message,
    context,
    header,
    name,
    section,
    to_message,
    trouble,
)
from bot.slack.views.progress import known, state
from bot.slack.views.restore_lists import thread_of
from bot.slack.views.unread import ALL_READ, Unread
from bot.texts import answers, general
from bot.texts.names import used

MAX_OPEN: Final = 5
"""So many restores are named where too many are open."""


def reply(kind: Reply, restore: Restore) -> str:
    """What the person behind an event is told about it."""
    start = restore.start
    if kind is Reply.OLD_CARD and start is not None and start.error is None:
        said = answers.ALREADY_STARTED if start.done_at else answers.ALREADY_STARTING
        return _about(said, restore, by=mention(start.by))
    return _about(answers.REPLIES[kind], restore)


def refusal(verdict: Verdict | str) -> str:
    """The policy said no: why, and whom to ask."""
    text = verdict if isinstance(verdict, str) else verdict.text
    return fill(answers.REFUSED, text=_ended(sentence(text)))


def problem(text: str) -> str:
    """A request that was read and cannot be started as it is."""
    return fill(answers.PROBLEM, text=answering(text, 600))


def held(holder: Restore | None, asker: UserId, permalink: str | None) -> str:
    """Another live restore has the VM: whose, since when, and where. None: it cannot be read."""
    if holder is None:
        return fill(answers.HELD_UNREAD)
    since = moment(holder.opened_at)
    where = thread_of(holder, permalink)
    said = answers.HELD_BY_YOU if holder.owner == asker else answers.HELD
    return _about(said, holder, since=since, thread=where, state=state(holder, asker))


def too_many(
    restores: Sequence[Restore],
    limit: int,
    namespace: str | None,
    links: Mapping[RestoreId, str | None],
) -> str:
    """As many are open as there may be, these: in the namespace, or of the reader (None)."""
    lines = [
        _about(
            answers.OPEN_RESTORE,
            each,
            thread=thread_of(each, links.get(each.id)),
        )
        for each in restores[:MAX_OPEN]
    ]
    listed = Mrkdwn("\n".join(lines))
    if len(restores) > MAX_OPEN:
        rest = len(restores) - MAX_OPEN
        listed = Mrkdwn(general.AND_MORE.format(names=listed, count=rest))
    said = answers.TOO_MANY_OF_YOURS if namespace is None else answers.TOO_MANY_IN_NAMESPACE
    return fill(said, limit=limit, namespace=name(namespace), open=listed)


def other_wish(verb: Verb, vm: str | None = None, namespace: str | None = None) -> str:
    """A request that the bot does not do: what does it instead."""
    start = answers.START_COMMAND.format(vm=vm or "VM", namespace=namespace or "NAMESPACE")
    return fill(answers.OTHER_WISHES[verb.value], command=code(start, 600))


def too_late() -> str:
    """A message that arrived long after it was written."""
    return answers.TOO_LATE


def too_often(limit: int) -> str:
    """More requests of one person in a minute than are taken."""
    return fill(answers.TOO_OFTEN, limit=limit)


def too_often_here(limit: int) -> str:
    """More requests from one channel in a minute than are taken."""
    return fill(answers.TOO_OFTEN_HERE, limit=limit)


def unknown_card() -> str:
    """A click on a card whose restore is not known any more."""
    return fill(answers.UNKNOWN_CARD)


def unread_card() -> str:
    """A click on a card of a restore whose record cannot be read."""
    return fill(answers.UNREAD_CARD)


def interrupted() -> str:
    """A click that a worker died over: it may have counted or not."""
    return answers.INTERRUPTED


def store_down(what: str = answers.STORE_AWAY) -> str:
    """Redis is away, full or takes no writes: nothing is decided without it."""
    return fill(answers.STORE_DOWN, what=sentence(what, 200))


def cluster_down(what: str) -> str:
    """The cluster cannot be asked."""
    return fill(answers.CLUSTER_DOWN, what=sentence(what, 200))


def slack_down(*, slow: bool = False) -> str:
    """Slack did not say who somebody is; `slow`: not yet, and the bot goes on asking."""
    return answers.SLACK_SLOW if slow else answers.SLACK_DOWN


def slack_refuses(reason: str, scope: str | None = None) -> str:
    """Slack said no with this code. `scope`: the app lacks it, as Slack names it; "": unnamed."""
    if scope is None:
        return fill(answers.SLACK_REFUSES, code=code(reason, 80))
    return fill(answers.LACKS_A_RIGHT, scope=code(scope, 100) if scope else answers.UNNAMED_RIGHT)


def went_wrong() -> str:
    """A mistake of the bot itself; no details for people, they are in the log."""
    return answers.WENT_WRONG


def in_channel_needed(channel: str) -> str:
    """The bot must be in the channel to work there."""
    return fill(answers.INVITE_ME, channel=channel_link(channel), bot=Mrkdwn(f"@{used().bot}"))


def outside_channel(channel: str) -> str:
    """Who asks must be in the channel where it is asked for."""
    return fill(answers.NOT_IN_CHANNEL, channel=channel_link(channel))


def asked_in(channel: str) -> str:
    """Where a restore goes on that was asked for from elsewhere."""
    return fill(answers.ASKED_IN, channel=channel_link(channel))


def unknown_cluster(cluster: str, known_clusters: Sequence[str]) -> str:
    """A cluster that the settings do not name."""
    return fill(answers.UNKNOWN_CLUSTER, cluster=code(cluster, 100), known=names(known_clusters))


def nothing_to_cancel(unread: Unread = ALL_READ) -> str:
    """The person has no live restore, as far as all could be read."""
    if not unread:
        return answers.NOTHING_TO_CANCEL
    return joined((Mrkdwn(answers.NOTHING_READ_TO_CANCEL), *unread.lines), "\n")


def which_to_cancel(restores: Sequence[Restore]) -> str:
    """The person has several live restores."""
    vms = [f"{each.request.namespace or '?'}/{each.request.vm or '?'}" for each in restores]
    return fill(answers.WHICH_TO_CANCEL, restores=names(vms))


def dm_notice(restore: Restore, *, deleted: bool = False) -> Message:
    """The state of a restore for its owner: its channel is lost, or its thread was `deleted`."""
    last = restore.cards[-1] if restore.cards else None
    card = last or Card(kind=CardKind.REQUEST, number=1, opened_at=restore.opened_at)
    ctx = CardContext(restore.model_copy(update={"closed": True}), card)
    lost = answers.DM_THREAD_DELETED if deleted else answers.DM_CHANNEL_LOST
    why = ctx.say(lost, channel=channel_link(restore.thread_ref.channel))
    # How it ended stands on the result card, which follows.
    told = [] if restore.phase.ended else _live(ctx)
    blocks = [
        header(answers.DM_HEADING),
        *section(why),
        *section(ctx.say(answers.DM_WHICH, state=state(restore))),
        *told,
    ]
    text = ctx.say(answers.DM_TEXT, why=why, state=state(restore))
    return to_message(Draft(text, blocks), f"{restore.id}@{card.number}:dm")


def stuck(restore: Restore) -> Message:
    """For its owner: each round of the restore fails."""
    card = restore.cards[-1]
    ctx = CardContext(restore.model_copy(update={"closed": True}), card)
    which = ctx.say(answers.DM_WHICH, state=state(restore))
    blocks = [header(answers.DM_HEADING), *section(Mrkdwn(answers.STUCK)), *section(which)]
    text = ctx.say(answers.DM_TEXT, why=Mrkdwn(answers.STUCK), state=state(restore))
    return to_message(Draft(text, blocks), f"{restore.id}@{card.number}:stuck")


def _live(ctx: CardContext) -> list[Block]:
    """A restore in the cluster goes on; everything before that waits for answers in vain."""
    restore = ctx.restore
    if restore.job is None:
        return [*section(Mrkdwn(answers.DM_LIVE), *after_stop(ctx)), *context(trouble(restore))]
    return [*section(Mrkdwn(answers.DM_RUNS), *known(restore.job)), *context(trouble(restore))]


def _about(template: str, restore: Restore, **values: Mrkdwn) -> Mrkdwn:
    request = restore.request
    known_values: dict[str, Mrkdwn] = {
        "vm": name(request.vm),
        "namespace": name(request.namespace),
        "snapshot": name(request.snapshot),
        "owner": mention(restore.owner),
        "taker": mention(restore.offer.to if restore.offer else restore.owner),
        **values,
    }
    return fill(template, **known_values)


def _ended(text: Mrkdwn) -> Mrkdwn:
    return text if text.endswith((".", "!", "?", "…")) else Mrkdwn(f"{text}.")
