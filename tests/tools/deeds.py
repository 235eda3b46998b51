"""What the cluster was really made to do, and by which click: no document of the bot is asked.

Redis may lose what it acknowledged, and a document may say that nothing was done. The cluster's own
log of requests and of what was stored cannot: each effective stop and start and each safety snapshot
there needs a click of its own in the simulated Slack.

An effective stop hits a VMI that lives and was not stopped before; an effective start finds none. A
button that is pressed twice gives one click; pressed again after it has had its effect, a second one.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.playground.kubevirt.exchange import ApiCall
from bot.playground.kubevirt.server import BOT
from bot.playground.kubevirt.storage import Change, Key
from bot.playground.world import World
from bot.restore.effects import RESTORE_ID
from bot.restore.events import Button
from bot.restore.thread import CardKind
from bot.slack.views import PREFIX, parse_value

Json = dict[str, Any]
Card = tuple[str, int]
"""The restore and the number of the card."""
VMIS, SNAPSHOTS = "virtualmachineinstances", "virtualmachinesnapshots"
SAME_MOMENT = 1.0
"""Seconds: Slack's timestamps of one moment of the clock differ in their fractions."""
_TYPED = re.compile(rf"\W*{Button.STOP_AND_RESTORE}\W*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Life:
    """From this write on the VM had this VMI, or none."""

    revision: int
    at: datetime
    uid: str | None


@dataclass(slots=True)
class Clicks:
    """The moments at which a button was pressed, by card, and which of them have had their effect."""

    pressed: dict[Card, list[float]] = field(default_factory=lambda: defaultdict(list))
    _used: dict[Card, float] = field(default_factory=dict)

    def use(self, at: float, restore: str | None = None) -> bool:
        """Is there a click that asks for what was done then, and has not had its effect yet?"""
        for card, moments in sorted(self.pressed.items(), key=lambda each: min(each[1])):
            if restore is not None and card[0] != restore:
                continue
            known = at + SAME_MOMENT
            if any(self._used.get(card, 0.0) < moment <= known for moment in moments):
                self._used[card] = known
                return True
        return False


@dataclass(slots=True)
class Deeds:
    """Watches a world from its beginning."""

    world: World
    _lives: dict[Key, list[_Life]] = field(default_factory=lambda: defaultdict(list))
    _snapshots: list[tuple[float, str, str]] = field(default_factory=list)
    """When a safety snapshot was stored, its restore, and its name."""

    def __post_init__(self) -> None:
        self.world.kube.storage.subscribe(self._on_change)

    def _on_change(self, change: Change) -> None:
        now = self.world.clock.now()
        if change.resource == VMIS:
            live = change.type != "DELETED"
            uid = change.object["metadata"]["uid"] if live else None
            self._lives[change.key].append(_Life(change.revision, now, uid))
        elif change.resource == SNAPSHOTS and change.type == "ADDED":
            metadata = change.object["metadata"]
            owner = (metadata.get("labels") or {}).get(RESTORE_ID)
            if owner is not None:
                self._snapshots.append((now.timestamp(), owner, metadata["name"]))

    def judge(self) -> list[str]:
        """What was done more often than somebody asked for it."""
        return [*self._stops(), *self._starts(), *self._protected()]

    def _stops(self) -> list[str]:
        """Each VMI that was stopped needs a stop choice of its own."""
        found, stopped, clicks = [], set(), self._stop_choices()
        for call in self._acted("stop"):
            uid = self._vmi_at(call)
            if uid is None or uid in stopped:
                continue
            stopped.add(uid)
            if not clicks.use(call.at.timestamp()):
                found.append(f"{call.name} was stopped at {call.at:%H:%M:%S} without a choice")
        return found

    def _starts(self) -> list[str]:
        clicks = self._clicks(Button.START_VM)
        return [
            f"{call.name} was started at {call.at:%H:%M:%S} without a click"
            for call in self._acted("start")
            if self._vmi_at(call) is None and not clicks.use(call.at.timestamp())
        ]

    def _protected(self) -> list[str]:
        clicks = self._clicks(Button.CONFIRM)
        return [
            f"the safety snapshot {name} of {restore} was taken without a click of its own"
            for at, restore, name in self._snapshots
            if not clicks.use(at, restore)
        ]

    def _acted(self, action: str) -> list[ApiCall]:
        """The bot's requests of this kind that the cluster has carried out."""
        return [
            call
            for call in self.world.kube.log
            if call.subresource == action
            and call.user.endswith(BOT)
            and not call.dry_run
            and 200 <= call.code < 300
        ]

    def _vmi_at(self, call: ApiCall) -> str | None:
        """The VMI that was there when the request came; what a held request hits nobody knew."""
        lives = self._lives[call.namespace, call.name]
        if call.answered:
            known = [each.uid for each in lives if each.revision <= call.revision]
        else:
            known = [each.uid for each in lives if each.at <= call.at]
        return known[-1] if known else None

    def _stop_choices(self) -> Clicks:
        """The button, or its words, typed in the thread of a card that asks."""
        clicks = self._clicks(Button.STOP_AND_RESTORE)
        everything = list(self.world.slack.workspace.everything())
        asking = [
            (each, marks["restore"], int(marks["card"].partition(".")[2]))
            for each in everything
            if (marks := (each.metadata or {}).get("event_payload") or {})
            and str(marks.get("card", "")).startswith(f"{CardKind.STOP_CHOICE}.")
        ]
        for message in everything:
            if not _TYPED.fullmatch(message.text):
                continue
            for card, restore, number in asking:
                same = card.channel.id == message.channel.id and card.root_ts == message.root_ts
                if same and float(card.ts) <= float(message.ts):
                    clicks.pressed[restore, number].append(float(message.ts))
        return clicks

    def _clicks(self, button: Button) -> Clicks:
        found = Clicks()
        for outgoing in self.world.slack.sent:
            for action in outgoing.payload.get("actions") or ():
                ref = parse_value(str(action.get("value") or ""))
                if action["action_id"] == f"{PREFIX}{button}" and ref:
                    found.pressed[str(ref[0]), ref[1]].append(float(action["action_ts"]))
        return found
