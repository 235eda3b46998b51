"""From the document to the exact objects that are created: names, labels, annotations.

An object's name comes from the confirmation, and is the same for every attempt; labels and annotations say which
restore and which Slack thread it belongs to, who asked and who confirmed.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from bot.restore.events import CreateRestore, CreateSnapshot, DeleteRestore, Effect
from bot.restore.model import Blocker, Restore, Safety
from bot.restore.thread import UserId

PREFIX = "vm-restore-bot"
RESTORE_ID = f"{PREFIX}/restore-id"
"""Label: the restore (its document's id) an object belongs to."""
INSTALLATION = f"{PREFIX}/installation"
"""Label: the installation that made an object. The cluster's client adds it to each that it creates."""
REQUESTED_BY = f"{PREFIX}/requested-by"
"""Annotation: Slack user id of the person who asked."""
CONFIRMED_BY = f"{PREFIX}/confirmed-by"
"""Annotation: Slack user id of the person who typed the name and pressed the button."""
REQUESTED_AT = f"{PREFIX}/requested-at"
CONFIRMED_AT = f"{PREFIX}/confirmed-at"
"""Annotations: when that was, in UTC."""
REQUESTED_BY_NAME = f"{PREFIX}/requested-by-name"
CONFIRMED_BY_NAME = f"{PREFIX}/confirmed-by-name"
"""Annotations: what Slack calls them. For people to read: nothing is decided by a name."""
THREAD_LINK = f"{PREFIX}/slack-link"
"""Annotation: a link to the thread, unless it is a direct message, which opens for nobody else."""
THREAD = f"{PREFIX}/slack-thread"
"""Annotation: "<channel>/<thread ts>"."""
TEAM = f"{PREFIX}/slack-team"
"""Annotation: id of the Slack workspace that the thread is in."""
OWNER = f"{PREFIX}/owner"
"""Annotation: Slack user id of the owner when it was made."""

MAX_PERSON = 80
"""Letters of what somebody is called: they chose it themselves."""
MAX_NAME = 63
"""Kept within a label's length, since controllers put object names into labels."""


SUFFIX = 5
"""Letters that tell apart what two restores make in one second; 32 to the power of that."""
_STAMP = "%Y%m%d-%H%M%S"
_STAMP_LENGTH = len("20260218-163000")


def object_name(prefix: str, restore: Restore, now: datetime) -> str:
    """`<prefix>-<vm>-<YYYYMMDD-HHMMSS>-<suffix>`, the suffix made from the restore's id.

    A long VM name is cut at its end so that the whole has at most 63 letters: the times and the
    suffixes of two VMs whose names begin alike still differ.
    """
    return f"{_begin(prefix, restore)}-{now.strftime(_STAMP)}-{_suffix(restore)}"


def own_mark(restore: Restore, mark: str | None) -> str | None:
    """The name of this restore's own object, if what its VM carries begins with that.

    KubeVirt writes "<name>" into a VM that is being restored and "<name>-<uid>" once it was. Any
    confirmation counts: a document that knows of none may have been put back to before it.
    """
    form = rf"{re.escape(_begin('restore', restore))}-\d{{8}}-\d{{6}}-{_suffix(restore)}(?=-|$)"
    found = re.match(form, mark or "")
    return found.group() if found else None


def named_at(name: str) -> datetime:
    """The moment of the confirmation that a name made here comes from, to the second."""
    stamp = name[-_STAMP_LENGTH - SUFFIX - 1 : -SUFFIX - 1]
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)


def _begin(prefix: str, restore: Restore) -> str:
    room = MAX_NAME - len(prefix) - _STAMP_LENGTH - SUFFIX - 3
    vm = restore.target.vm[:room].rstrip("-.")
    return f"{prefix}-{vm}"


def _suffix(restore: Restore) -> str:
    """A few letters and digits that are the same for one restore, and others for its successor."""
    digest = hashlib.sha256(restore.id.encode()).digest()
    return base64.b32encode(digest)[:SUFFIX].decode().lower()


def confirmed_name(prefix: str, restore: Restore) -> str | None:
    """The name that a confirmation gives, always the same; None before there is one.

    Redis may lose what it acknowledged, and the same confirmation may be carried out by a document
    that does not know it was. The cluster then still knows the name.
    """
    clicked = restore.confirmation
    return object_name(prefix, restore, clicked.at) if clicked is not None else None


def create_restore(restore: Restore, name: str, not_after: datetime | None = None) -> CreateRestore:
    """The VirtualMachineRestore for this document."""
    target = restore.target
    return CreateRestore(
        namespace=target.namespace,
        vm=target.vm,
        snapshot=target.snapshot,
        name=name,
        volume_policy=restore.rules.volume_policy,
        labels=_labels(restore),
        annotations=_annotations(restore),
        not_after=not_after,
    )


def create_snapshot(restore: Restore, safety: Safety) -> CreateSnapshot:
    """The safety snapshot for this document."""
    target = restore.target
    return CreateSnapshot(
        namespace=target.namespace,
        vm=target.vm,
        name=safety.name,
        labels=_labels(restore),
        annotations=_annotations(restore),
    )


def signed(effect: Effect, name: Callable[[UserId], str], link: str | None) -> Effect:
    """The same; what it creates names people also as they are called, and the link to the thread.

    For a colleague who has kubectl and no Slack. What is not known is left out.
    """
    if not isinstance(effect, CreateRestore | CreateSnapshot):
        return effect
    named = {REQUESTED_BY: REQUESTED_BY_NAME, CONFIRMED_BY: CONFIRMED_BY_NAME}
    people = [
        (named[key], printable(name(UserId(user))))
        for key, user in effect.annotations
        if key in named
    ]
    added = tuple((key, value) for key, value in (*people, (THREAD_LINK, link or "")) if value)
    return replace(effect, annotations=(*effect.annotations, *added))


def printable(text: str, most: int = MAX_PERSON) -> str:
    """One line, without what a terminal or a reader could be fooled by."""
    shown = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    return shown[:most].strip()


def delete_blocker(restore: Restore, blocker: Blocker) -> DeleteRestore:
    """Remove the failed object of the restore before this one."""
    return DeleteRestore(restore.target.namespace, blocker.name, blocker.uid)


def _labels(restore: Restore) -> tuple[tuple[str, str], ...]:
    return ((RESTORE_ID, restore.id),)


def _annotations(restore: Restore) -> tuple[tuple[str, str], ...]:
    clicked = restore.confirmation
    confirmed = ((CONFIRMED_BY, clicked.by), (CONFIRMED_AT, _utc(clicked.at))) if clicked else ()
    thread = f"{restore.thread_ref.channel}/{restore.thread_ref.thread or ''}"
    return (
        (REQUESTED_BY, restore.requester),
        (REQUESTED_AT, _utc(restore.opened_at)),
        *confirmed,
        (OWNER, restore.owner),
        (TEAM, restore.thread_ref.team),
        (THREAD, thread),
    )


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
