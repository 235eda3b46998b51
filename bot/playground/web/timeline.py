"""What happened in each restore, across Slack, the document, the API server and the audit.

People see here why it is safe: what was asked, typed, clicked, looked at, written down, and only then
asked of the cluster.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from bot.playground.slack.mrkdwn import Reader
from bot.playground.slack.rendering import Rendering
from bot.playground.slack.workspace import Message
from bot.playground.web.deeds import Deed, Deeds
from bot.playground.web.records import Kept, Records
from bot.playground.web.scene import Scene
from bot.playground.web.told_calls import Told, told
from bot.playground.web.written import lines
from bot.restore.model import AuditEntry, Restore

Json = dict[str, Any]
Source = Literal["slack", "audit", "document", "cluster"]

RANKS: dict[Source, int] = {"slack": 0, "document": 1, "audit": 2, "cluster": 3}
"""At one moment: the click comes before what is written because of it, and that before the act."""
ASKED_WITHIN = timedelta(seconds=10)
"""A restore is opened so soon after the command or the form that asked for it."""
LONGEST_HEADING = 120


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline; `who` is a name."""

    at: datetime
    source: Source
    text: str
    who: str = ""
    rank: int = 0


class Timeline:
    """Puts together what the records, the log of the API server and the page know."""

    def __init__(self, scene: Scene, records: Records, deeds: Deeds) -> None:
        self._workspace = scene.world.slack.workspace
        self._kube = scene.world.kube
        self._records = records
        self._deeds = deeds
        self._state: list[Json] = []
        self._made_of: object = None

    def state(self) -> list[Json]:
        """The restores, newest first, each in the order in which it happened."""
        messages = sum(len(each.messages) for each in self._workspace.channels.values())
        now = self._records.kept, len(self._kube.log), len(self._deeds.done), messages
        if now != self._made_of:
            self._made_of = now
            calls = list(told(self._kube.log))
            self._state = [line for kept in self._records.kept for line in self._lines(kept, calls)]
        return self._state

    def _lines(self, kept: Kept, calls: list[Told]) -> Iterator[Json]:
        restore = kept.restore
        entries = [
            *self._of_people(restore),
            *self._of_cards(restore),
            *(Entry(at, "document", text, self._name(who)) for at, text, who in lines(restore)),
            *(Entry(each.at, "audit", _entry(each), self._name(each.by)) for each in kept.audit),
            *(Entry(each.at, "cluster", each.text) for each in calls if self._is_of(each, restore)),
        ]
        for entry in sorted(entries, key=lambda each: (each.at, RANKS[each.source] + each.rank)):
            yield {
                "restore": restore.id,
                "about": _about(restore),
                "at": entry.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "source": entry.source,
                "text": entry.text,
                "who": entry.who,
            }

    def _of_people(self, restore: Restore) -> Iterator[Entry]:
        for deed in self._deeds.done:
            if deed.user and self._led_to(deed, restore):
                yield Entry(deed.at, "slack", deed.text, self._name(deed.user))
            elif not deed.user and restore.opened_at <= deed.at <= _end(restore):
                yield Entry(deed.at, "cluster", deed.text)

    def _led_to(self, deed: Deed, restore: Restore) -> bool:
        """Whether a gesture belongs to this restore."""
        if deed.restore:
            return deed.restore == restore.id
        here = restore.thread_ref
        if deed.thread:
            # A thread may see several restores: the one that was under way, or just asked for.
            return (
                (deed.channel, deed.thread) == (here.channel, here.thread)
                and deed.at >= restore.opened_at - ASKED_WITHIN
                and deed.at <= _end(restore)
            )
        since = restore.opened_at - deed.at
        near = timedelta() <= since <= ASKED_WITHIN and here.asked_ts is None
        return near and deed.user == restore.requester

    def _of_cards(self, restore: Restore) -> Iterator[Entry]:
        rendering = Rendering(Reader(self._workspace))
        for channel in self._workspace.channels.values():
            for message in channel.messages:
                card = (message.metadata or {}).get("event_payload", {})
                if card.get("restore") == restore.id:
                    text = f"shows “{_heading(rendering, message)}”"
                    yield Entry(_posted(message), "slack", text, message.author.name, rank=9)

    def _is_of(self, call: Told, restore: Restore) -> bool:
        """A VM has one restore under way: a request belongs to the newest that was open by then."""
        if call.vm != (restore.request.namespace, restore.request.vm):
            return False
        of_vm = [
            each.restore
            for each in self._records.kept
            if (each.restore.request.namespace, each.restore.request.vm) == call.vm
            and each.restore.opened_at <= call.at
        ]
        return bool(of_vm) and of_vm[0].id == restore.id

    def _name(self, user_id: str) -> str:
        user = self._workspace.users.get(user_id)
        return user.name if user else user_id


def _end(restore: Restore) -> datetime:
    """Until when things belong to it: with its aftermath, such as a start of the VM."""
    if not restore.phase.ended:
        return datetime.max.replace(tzinfo=UTC)
    return restore.ended_at + ASKED_WITHIN


def _about(restore: Restore) -> str:
    request = restore.request
    return f"{request.namespace or '?'}/{request.vm or '?'} from {request.snapshot or '?'}"


def _entry(entry: AuditEntry) -> str:
    more = ", ".join(part for part in (entry.verdict, entry.reason, entry.detail) if part)
    return f"{entry.kind} ({more})" if more else str(entry.kind)


def _posted(message: Message) -> datetime:
    return datetime.fromtimestamp(float(message.ts), UTC)


def _heading(rendering: Rendering, message: Message) -> str:
    """The first words of a card as it was posted."""
    first = message.history[0] if message.history else message
    found = rendering.blocks(first.blocks) if first.blocks else rendering.text(first.text)
    return next((line for line in found if line.strip()), "")[:LONGEST_HEADING].lstrip("# ")
