"""What is told on the VM itself, as events of Kubernetes: its restore has begun, its restore has ended.

For people who look at the VM and not at Slack. Nothing hangs on an event: it may be refused, and it is
gone after an hour. Its name is made from the name of the restore object, which is the same for every
attempt, so that a restore that another process has taken over is not told twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.restore.effects import printable
from bot.restore.model import Job, Phase, Restore
from bot.restore.thread import UserId
from bot.texts import announcements as texts

MAX_TEXT = 1000
"""Letters; Kubernetes takes 1024 bytes where it looks at that."""
MAX_ERROR = 300


@dataclass(frozen=True, slots=True)
class Announcement:
    """One event on a VM."""

    namespace: str
    vm: str
    vm_uid: str
    """"" if it is not known: then only its name says which VM is meant."""
    name: str
    reason: str
    text: str
    at: datetime
    warning: bool = False


def announcements(
    before: Restore,
    after: Restore,
    *,
    unsure: bool,
    name: Callable[[UserId], str],
    link: str | None,
) -> tuple[Announcement, ...]:
    """What is to be told after a round; `unsure`: the round before this one may not have told it."""
    job = after.job
    if job is None or job.uid is None:
        return ()
    seen = before.job is not None and before.job.uid is not None
    ended = after.phase.ended and (unsure or not before.phase.ended)
    begun = not after.phase.ended and (unsure or not seen)
    who = _who(after, name, link)
    told = []
    if begun or (ended and not seen):
        text = texts.BEGUN.format(restore=job.name, snapshot=after.target.snapshot, who=who)
        told.append(_about(after, job, "begun", texts.REASON_BEGUN, text, job.decided_at))
    if ended:
        good = after.phase is Phase.SUCCEEDED
        error = printable(after.outcome.found if after.outcome else "", MAX_ERROR)
        template = texts.SUCCEEDED if good else texts.FAILED
        known = {"restore": job.name, "snapshot": after.target.snapshot, "error": error}
        text = template.format(**known, who=who)
        reason = texts.REASON_SUCCEEDED if good else texts.REASON_FAILED
        told.append(_about(after, job, after.phase.value, reason, text, after.ended_at))
    return tuple(told)


def _about(  # noqa: PLR0913, PLR0917 - the parts of an event
    restore: Restore, job: Job, suffix: str, reason: str, text: str, at: datetime
) -> Announcement:
    return Announcement(
        namespace=restore.target.namespace,
        vm=restore.target.vm,
        vm_uid=restore.preview.vm_uid if restore.preview else "",
        name=f"{job.name}.{suffix}",
        reason=reason,
        text=text[:MAX_TEXT],
        at=at,
        warning=reason == texts.REASON_FAILED,
    )


def _who(restore: Restore, name: Callable[[UserId], str], link: str | None) -> str:
    """Who asked, who confirmed, and the link to the thread."""

    def person(user: UserId) -> str:
        known = printable(name(user))
        return f"{known} ({user})" if known else user

    clicked = restore.confirmation
    told = [texts.ASKED_BY.format(person=person(restore.requester))]
    if clicked is not None:
        told.append(texts.CONFIRMED_BY.format(person=person(clicked.by)))
    return " ".join((*told, link) if link else told)
