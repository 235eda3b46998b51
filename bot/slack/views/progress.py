"""The cards that show how it goes: the request itself, the stop, the safety snapshot, the restore."""

from slack_sdk.models.blocks import Block, ButtonElement, PlainTextObject, UserSelectElement

from bot.restore.events import Button
from bot.restore.model import Job, Phase, Reason, Restore, Slot
from bot.slack.markup.mrkdwn import Mrkdwn, code, duration, fill, joined, mention, sentence
from bot.slack.views.layout import (
    Draft,
    Face,
    action_id,
    actions,
    answered,
    button,
    cancel,
    context,
    dialog,
    header,
    notice,
    section,
    trouble,
)
from bot.slack.views.questions import no_end
from bot.texts import cards as texts
from bot.texts import general, handoff, results


def request(face: Face) -> Draft:
    """Who asked for what, and where it stands: the first card, kept current to the end."""
    restore = face.restore
    asked = _asked(face)
    live = not restore.phase.ended
    # It is closed while the restore lives only where the restore has moved away from.
    now = face.closed if live and not face.open else state(restore)
    passed_on = face.say(general.OWNER_NOW) if restore.owner != restore.requester else None
    blocks = [
        header(general.ASKED_HEADING),
        *section(asked, passed_on),
        *section(fill(general.STATE, state=now), trouble(restore) if live else None),
        *context(Mrkdwn(general.CONTINUES) if restore.previous else None),
        *actions(face, cancel(face) if live and restore.job is None else None, _hand_over(face)),
    ]
    return Draft(fill("{asked}\n{state}", asked=asked, state=now), blocks)


def _hand_over(face: Face) -> UserSelectElement | None:
    """The list of people, unless somebody has been asked already."""
    if face.restore.offer is not None:
        return None
    title, text, yes = handoff.HAND_OVER_TITLE, handoff.HAND_OVER_DIALOG, handoff.HAND_OVER_YES
    return UserSelectElement(
        action_id=action_id(Button.HAND_OVER),
        placeholder=PlainTextObject(text=general.LABELS[Button.HAND_OVER]),
        confirm=dialog(face, title, text, Button.HAND_OVER, yes=yes, style="primary"),
    )


def _asked(face: Face) -> Mrkdwn:
    """As much of the wish as is known."""
    wish = face.restore.wish
    described = code(wish.described or "", 100)
    parts = {
        general.ASKED_PLACE: wish.namespace is not None,
        general.ASKED_CLUSTER: wish.cluster != general.DEFAULT_CLUSTER,
        general.ASKED_SNAPSHOT: wish.snapshot is not None,
        general.ASKED_DESCRIBED: wish.snapshot is None and bool(wish.described),
    }
    begin = general.ASKED_FOR if wish.vm else general.ASKED_FOR_A_VM
    known = "".join((begin, *(part for part, is_known in parts.items() if is_known)))
    return face.say(
        known,
        owner=mention(face.restore.requester),
        cluster=code(wish.cluster, 100),
        described=described,
    )


def state(restore: Restore) -> Mrkdwn:
    """Where a restore stands, in a few words."""
    if restore.question is not None:
        running = restore.phase is Phase.RESTORING
        return Mrkdwn(general.STATE_OVERDUE if running else general.STATE_WAITING)
    if restore.phase is Phase.RESTORING and restore.job is None:
        return Mrkdwn(general.LAST_CHECK)
    return joined((Mrkdwn(general.STATES[restore.phase]), *_why(restore)))


def _why(restore: Restore) -> list[Mrkdwn]:
    """A few words more for an end that was not a success."""
    outcome = restore.outcome
    if outcome is None or restore.phase in (Phase.SUCCEEDED, Phase.EXPIRED):
        return []
    if outcome.by and outcome.reason is not Reason.NAMES_DIFFER:
        return [fill(general.STATE_BY, by=mention(outcome.by))]
    if outcome.reason is None:
        return []
    why = results.HEADINGS[outcome.reason].removeprefix("❌ ")
    return [] if why == results.CANCELLED_HEADING else [Mrkdwn(f"({why})")]


def stopping(face: Face) -> Draft:
    """The stop of the VM, until the cluster shows that it is down."""
    stop = face.restore.stop
    if not face.open:
        said = _stop_ended(face)
        return Draft(said, section(said))
    force = stop is not None and stop.force
    gently = face.say(texts.STOPPING_BY_FORCE if force else texts.STOPPING)
    before = fill(texts.STRATEGY_KEPT_IN_MIND, strategy=code(stop.strategy, 40)) if stop else None
    blocks = [
        header(texts.STOPPING_HEADING),
        *section(gently, _stop_error(face), trouble(face.restore)),
        *context(before),
        *actions(face, cancel(face)),
    ]
    return Draft(joined((Mrkdwn(texts.STOPPING_HEADING), gently)), blocks)


def _stop_error(face: Face) -> Mrkdwn | None:
    stop = face.restore.stop
    if stop is None or not stop.error:
        return None
    return face.say(texts.STOP_FAILED, error=sentence(stop.error, 600))


def _stop_ended(face: Face) -> Mrkdwn:
    failed = None if face.restore.stop and face.restore.stop.done_at else _stop_error(face)
    ended = face.say(texts.STOP_ENDED, closed=face.closed)
    return joined((ended, failed), "\n") if failed else ended


def protecting(face: Face) -> Draft:
    """The safety snapshot, until it is ready. What is over is told by how its card was closed."""
    safety = face.restore.safety
    if not face.open:
        said = face.say(texts.PROTECT_ENDED, closed=face.closed)
    elif safety is None:
        said = face.say(texts.PROTECTING_UNNAMED)
    else:
        ready = safety.ready_at is not None
        said = face.say(texts.PROTECTED if ready else texts.PROTECTING, name=code(safety.name))
    bad = trouble(face.restore) if face.open else None
    return Draft(said, [*section(said, bad), *actions(face, cancel(face))])


def progress(face: Face) -> Draft:
    """The restore in the cluster, in KubeVirt's words and in plain ones."""
    restore, job = face.restore, face.restore.job
    if not face.open:
        said = face.say(texts.PROGRESS_ENDED, closed=face.closed)
        return Draft(said, [*section(said), *context(*_end(job))])
    blocks = [
        header(texts.PROGRESS_HEADING),
        *section(Mrkdwn(texts.PROGRESS_MINUTES)),
        *section(face.vm_line, face.say(texts.SNAPSHOT)),
        *section(*known(job), elapsed(job), *_deleting(job), trouble(restore)),
    ]
    return Draft(face.say(texts.PROGRESS_TEXT), blocks)


def known(job: Job | None) -> list[Mrkdwn | None]:
    """What was last seen of the VirtualMachineRestore, without what changes at every look."""
    if job is None:
        return [Mrkdwn(general.LAST_CHECK)]
    volumes = fill(texts.VOLUMES, bound=job.volumes_bound, total=job.volumes_total)
    return [
        fill(texts.JOB, job=code(job.name)),
        _said(job),
        volumes if job.volumes_total else None,
    ]


def _said(job: Job) -> Mrkdwn:
    """KubeVirt's own words, with their meaning where we know it."""
    said = [text for text in dict.fromkeys((job.progressing, job.ready)) if text]
    if not said:
        return Mrkdwn(texts.NOT_SEEN_YET)
    quoted = joined([fill(texts.QUOTE, said=sentence(text, 500)) for text in said], ", ")
    lowered = " ".join(said).casefold()
    meaning = next((means for part, means in texts.MEANS if part in lowered), None)
    if meaning:
        quoted = fill(texts.MEANING, said=quoted, meaning=Mrkdwn(meaning))
    return fill(texts.SAYS, said=quoted)


def elapsed(job: Job | None) -> Mrkdwn | None:
    """How long the restore has been running, as far as anybody has looked."""
    if job is None or job.looked_at is None:
        return None
    return fill(texts.ELAPSED, length=duration((job.restored_at or job.looked_at) - job.decided_at))


def _deleting(job: Job | None) -> list[Mrkdwn]:
    if job is None or not job.deleting:
        return []
    return [fill(texts.DELETING, by=mention(job.delete_asked_by or "?"))]


def _end(job: Job | None) -> list[Mrkdwn | None]:
    return [fill(texts.JOB, job=code(job.name)), elapsed(job)] if job else []


def overdue(face: Face) -> Draft:
    """Longer than usual: wait, or give up. The restore itself goes on either way."""
    restore, job = face.restore, face.restore.job
    since = job.decided_at if job else restore.entered_at
    said = face.say(texts.OVERDUE, length=duration(face.card.opened_at - since))
    choices = map(Mrkdwn, (*texts.OVERDUE_CHOICES, texts.UNTIL_THEN)) if face.open else ()
    blocks = [
        header(texts.OVERDUE_HEADING),
        *section(face.when_open(texts.STOP_ASK), said),
        *section(*(*known(job), _delete_error(face), trouble(restore)) if face.open else ()),
        *section(*choices),
        *actions(face, *_overdue_buttons(face)),
        *no_end(face),
        *answered(face),
    ]
    return Draft(notice(face, face.say(texts.OVERDUE_TEXT)), blocks)


def _delete_error(face: Face) -> Mrkdwn | None:
    """Why the restore object is still there, although its deletion was confirmed."""
    job = face.restore.job
    if job is None or not job.delete_error:
        return None
    return fill(texts.DELETE_FAILED, error=sentence(job.delete_error, 600))


def _overdue_buttons(face: Face) -> tuple[ButtonElement, ButtonElement]:
    return (
        button(face, Button.KEEP_WAITING),
        button(face, Button.DELETE_RESTORE, style="danger"),
    )


def started(face: Face) -> Draft:
    """A start after the end: under way, done, or refused."""
    start, cards = face.restore.start, face.restore.cards
    later = any(c.slot is Slot.STARTED and c.number > face.card.number for c in cards)
    if later or (start is not None and start.at > face.card.opened_at):
        said = face.say(results.EARLIER_START)
    else:
        said = start_line(face) or face.say(results.NO_START)
    blocks: list[Block] = section(said)
    return Draft(said, blocks)


def start_line(face: Face) -> Mrkdwn | None:
    """How the start that was asked for went, if one was."""
    start = face.restore.start
    if start is None:
        return None
    if start.error:
        return face.say(results.START_FAILED, error=sentence(start.error, 600))
    done = results.STARTED if start.done_at else results.STARTING
    return face.say(done, by=mention(start.by))
