"""Short answers that only one person sees, help, and news by direct message."""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block

from bot.restore.events import Reply, Verdict
from bot.restore.facts import Snapshot
from bot.restore.model import Card, Restore, Slot
from bot.restore.request import Verb
from bot.slack import words
from bot.slack.markup import (
    Mrkdwn,
    channel_link,
    code,
    fill,
    joined,
    link,
    mention,
    moment,
    names,
    sentence,
)
from bot.slack.views_aftermath import after_stop
from bot.slack.views_layout import (
    Draft,
    Face,
    Message,
    context,
    finished,
    header,
    name,
    section,
    trouble,
)
from bot.slack.views_progress import known, state

COMMAND = "/vm-restore"
BOT = "vm-restore"
MOST_LISTED = 15


def reply(kind: Reply, restore: Restore) -> str:
    """What the person behind an event is told about it."""
    return _about(words.REPLIES[kind], restore)


def refusal(verdict: Verdict | str) -> str:
    """The policy said no: why, and whom to ask."""
    text = verdict if isinstance(verdict, str) else verdict.text
    return fill(words.REFUSED, text=_ended(sentence(text)))


def problem(text: str) -> str:
    """A request that was read and cannot be started as it is."""
    return fill(words.PROBLEM, text=sentence(text, 600))


def held(holder: Restore, permalink: str | None) -> str:
    """Another live restore has the VM: whose, since when, and where."""
    since = moment(holder.opened_at)
    where = link(permalink, words.THIS_THREAD)
    return _about(words.HELD, holder, since=since, thread=where, state=state(holder))


def not_understood(text: str = "") -> str:
    """Said to the bot and not understood: a few examples that work."""
    said = words.NOT_UNDERSTOOD_TEXT if text else words.NOT_UNDERSTOOD
    first = fill(said, text=code(text, 200))
    examples = [fill(f"• {each}", command=_COMMAND, bot=_BOT) for each in words.EXAMPLES]
    return joined((first, Mrkdwn(words.TRY_THESE), *examples), "\n")


def help_text(verb: Verb = Verb.HELP) -> Message:
    """Short help; for another wish, what does it instead."""
    if verb is Verb.UNKNOWN:
        return _message(not_understood())
    if verb.value in words.OTHER_WISHES:
        return _message(words.OTHER_WISHES[verb.value])
    lines = [fill(f"• {each}", command=_COMMAND, bot=_BOT) for each in words.EXAMPLES]
    details = [fill(f"• {each}", command=_COMMAND, bot=_BOT) for each in words.HELP_DETAILS]
    intro, how = Mrkdwn(words.HELP_INTRO), Mrkdwn(words.HELP_ASK)
    blocks: list[Block] = [header(words.HELP_HEADING), *section(intro)]
    blocks += [*section(how, *lines), *section(*details)]
    return finished(Draft(joined((intro, how, *lines, *details), "\n"), blocks), "help")


def too_late() -> str:
    """A message that arrived long after it was written."""
    return words.TOO_LATE


def unknown_card() -> str:
    """A click on a card whose restore is not known any more."""
    return words.UNKNOWN_CARD


def interrupted() -> str:
    """A click that a worker died over: it may have counted or not."""
    return words.INTERRUPTED


def store_down(what: str = "Redis cannot be reached") -> str:
    """Redis is away, full or takes no writes: nothing is decided without it."""
    return fill(words.STORE_DOWN, what=sentence(what, 200))


def cluster_down(what: str) -> str:
    """The cluster cannot be asked."""
    return fill(words.CLUSTER_DOWN, what=sentence(what, 200))


def slack_down() -> str:
    """Slack did not say who somebody is."""
    return words.SLACK_DOWN


def went_wrong() -> str:
    """A mistake of the bot itself; no details for people, they are in the log."""
    return words.WENT_WRONG


def in_channel_needed(channel: str) -> str:
    """The bot must be in the channel to work there."""
    return fill(words.INVITE_ME, channel=channel_link(channel), bot=Mrkdwn(f"@{BOT}"))


def unknown_cluster(cluster: str, known_clusters: Sequence[str]) -> str:
    """A cluster that the settings do not name."""
    return fill(words.UNKNOWN_CLUSTER, cluster=code(cluster, 100), known=names(known_clusters))


def nothing_to_cancel() -> str:
    """The person has no live restore."""
    return words.NOTHING_TO_CANCEL


def which_to_cancel(restores: Sequence[Restore]) -> str:
    """The person has several live restores."""
    vms = [f"{each.wish.namespace or '?'}/{each.wish.vm or '?'}" for each in restores]
    return fill(words.WHICH_TO_CANCEL, restores=names(vms))


def status(restores: Sequence[Restore]) -> str:
    """What is under way, one line each."""
    if not restores:
        return words.NOTHING_RUNS
    shown = restores[:MOST_LISTED]
    lines = [_about(words.ONE_RESTORE, each, state=state(each)) for each in shown]
    return _listed(Mrkdwn(words.RUNNING), lines, len(restores))


def list_needs() -> str:
    """Snapshots of what?"""
    return words.LIST_NEEDS


def snapshot_list(vm: str, namespace: str, snapshots: Sequence[Snapshot]) -> str:
    """The snapshots of a VM, one line each."""
    where = {"vm": code(vm), "namespace": code(namespace)}
    if not snapshots:
        return fill(words.NO_SNAPSHOTS, **where)
    lines = [_snapshot_line(each) for each in snapshots[:MOST_LISTED]]
    return _listed(fill(words.SNAPSHOTS, **where), lines, len(snapshots))


def dm_notice(restore: Restore) -> Message:
    """The state of a restore whose channel can no longer be written to, for its owner."""
    last = restore.cards[-1] if restore.cards else None
    card = last or Card(slot=Slot.REQUEST, number=1, opened_at=restore.opened_at)
    face = Face(restore.model_copy(update={"closed": True}), card)
    channel = channel_link(restore.place.channel)
    # How it ended stands on the result card, which follows.
    told = [] if restore.phase.ended else _live(face)
    blocks = [
        header(words.DM_HEADING),
        *section(face.say(words.DM_WHY, channel=channel)),
        *section(face.say(words.ONE_RESTORE, state=state(restore))),
        *told,
    ]
    text = face.say(words.DM_TEXT, channel=channel, state=state(restore))
    return finished(Draft(text, blocks), f"{restore.id}@{card.number}:dm")


def _live(face: Face) -> list[Block]:
    """A restore in the cluster goes on; everything before that waits for answers in vain."""
    restore = face.restore
    if restore.job is None:
        return [*section(Mrkdwn(words.DM_LIVE), *after_stop(face)), *context(trouble(restore))]
    return [*section(Mrkdwn(words.DM_RUNS), *known(restore.job)), *context(trouble(restore))]


def _snapshot_line(snapshot: Snapshot) -> Mrkdwn:
    phase = snapshot.phase or "Unknown"
    usable = Mrkdwn(words.USABLE) if snapshot.usable else fill(words.NOT_USABLE, status=phase)
    return fill(
        words.ONE_SNAPSHOT,
        snapshot=code(snapshot.name),
        created=moment(snapshot.created or snapshot.requested_at),
        state=usable,
    )


def _listed(title: Mrkdwn, lines: list[Mrkdwn], count: int) -> str:
    rest = count - len(lines)
    more = [fill(words.AND_MORE, count=rest)] if rest else []
    return joined((title, *lines, *more), "\n")


def _about(template: str, restore: Restore, **values: Mrkdwn) -> Mrkdwn:
    wish = restore.wish
    known_values: dict[str, Mrkdwn] = {
        "vm": name(wish.vm),
        "namespace": name(wish.namespace),
        "snapshot": name(wish.snapshot),
        "owner": mention(restore.owner),
        **values,
    }
    return fill(template, **known_values)


def _message(text: str) -> Message:
    said = Mrkdwn(text)
    return finished(Draft(said, section(said)), "answer")


def _ended(text: Mrkdwn) -> Mrkdwn:
    return text if text.endswith((".", "!", "?", "…")) else Mrkdwn(f"{text}.")


_COMMAND = Mrkdwn(COMMAND)
_BOT = Mrkdwn(BOT)
