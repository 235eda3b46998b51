"""What must be true of every story, whatever went wrong in it.

Told from the far sides of the wires alone: what people typed and pressed in the simulated Slack, and
what the simulated API server was asked. The bot's own documents are only used to know how a restore
ended.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.cluster import parse
from bot.playground.kubevirt.exchange import ApiCall
from bot.playground.kubevirt.storage import Change, Storage
from bot.playground.slack.workspace import Message
from bot.playground.world import World
from bot.request import Verb, parse_command, parse_sentence
from bot.restore.effects import CONFIRMED_BY, REQUESTED_BY, RESTORE_ID
from bot.restore.events import Button
from bot.restore.model import Phase, Restore
from bot.slack.views import PREFIX, parse_value
from tests.tools.deeds import Deeds

Json = dict[str, Any]
RESTORES = "virtualmachinerestores"
_LINKED = re.compile(r"<(?:http://|tel:)([^<>|]+)\|\1>")
_REMOVE = re.compile(r"kubectl delete pvc -n (?P<namespace>\S+) (?P<claims>[a-z0-9. -]+)")
_RESTORED = "restore.kubevirt.io/name"
_MENTION = re.compile(r"^<@\w+>")
_COMMAND = re.compile(r"^/\S+")
NEVER_AFTER = frozenset({Phase.CANCELLED, Phase.EXPIRED, Phase.REFUSED})


_PASSING = frozenset(
    {"ratelimited", "internal_error", "service_unavailable", "connection dropped", "fatal_error"}
    | {"not answered by Slack"}
)
"""Why an edit may fail that is made again as it was."""


@dataclass(slots=True)
class Invariants:
    """Watches a world from its beginning; `violations` is what it saw go wrong."""

    world: World
    violations: list[str] = field(default_factory=list)
    deeds: Deeds = field(init=False)

    def __post_init__(self) -> None:
        self.deeds = Deeds(self.world)
        self.world.kube.storage.subscribe(self._on_change)

    def _on_change(self, change: Change) -> None:
        """Our restore was created: the VM must not be live at this very moment."""
        if change.resource != RESTORES or change.type != "ADDED" or not _is_ours(change.object):
            return
        spec, namespace = change.object["spec"], change.key[0]
        vm = spec["target"]["name"]
        if change.object["metadata"]["name"] in self.world.kube.faults.late:
            # The server held the request; what came meanwhile the bot could not know.
            return
        if self.world.kube.storage.find("virtualmachineinstances", namespace, vm) is not None:
            self.violations.append(f"a restore of {namespace}/{vm} was created while a VMI exists")

    def judge(
        self,
        documents: tuple[Restore, ...],
        forgotten: Callable[[Message], bool] = lambda _: False,
    ) -> list[str]:
        """Everything that went wrong, now that the story is over.

        `forgotten`: Redis was put back to before this message, so nobody knows that it stands there.
        """
        found = list(self.violations)
        made = [call for call in self.world.kube.log if _created(call)]
        found += self._unconfirmed(made)
        found += _doubled(made)
        found += self.deeds.judge()
        found += _made_after_the_end(made, documents)
        found += self._cards(forgotten)
        found += self._advice()
        slack, kube = self.world.slack, self.world.kube
        found += [f"a live broadcast was posted: {each}" for each in slack.broadcasts]
        found += [f"an unknown Slack method was called: {each}" for each in slack.unknown]
        found += [f"an unknown Kubernetes path was asked: {each}" for each in kube.unknown]
        return found

    def _advice(self) -> list[str]:
        """No command that stands in a channel deletes a claim that is used, or the only copy of it."""
        kube, found = self.world.kube.storage, []
        for room in self.world.slack.workspace.channels.values():
            for said in _REMOVE.finditer(json.dumps([each.blocks for each in room.messages])):
                namespace = said["namespace"]
                copied = {
                    each["spec"]["source"].get("persistentVolumeClaimName")
                    for each in kube.view("volumesnapshots", namespace)
                }
                used = _used(kube, namespace)
                for claim in said["claims"].split():
                    held = kube.find("persistentvolumeclaims", namespace, claim) or {}
                    marks = held.get("metadata", {}).get("annotations", {})
                    if claim in used:
                        found.append(
                            f"claim {claim} is advised to be deleted, and {used[claim]} uses it"
                        )
                    if held and claim not in copied and _RESTORED not in marks:
                        found.append(
                            f"claim {claim} is advised to be deleted, and is the only copy"
                        )
        return found

    def _unconfirmed(self, made: list[ApiCall]) -> list[str]:
        """Each create needs three things of one person, one after the other.

        They asked for it, or it passed to them; they typed the name in its thread; they pressed.
        """
        found = []
        for call in made:
            got = self._got_it(call)
            typed = [ts for ts in self._typed(call) if got is not None and ts > got]
            pressed = [ts for ts in self._pressed(call) if typed and ts > min(typed)]
            missing = (
                ("being the restore of who confirmed it", got is None),
                ("the name typed by who confirmed it", not typed),
                ("their click on its confirm card after that", not pressed),
            )
            found += [f"{call.name} was created without {what}" for what, yes in missing if yes]
        return found

    def _got_it(self, call: ApiCall) -> float | None:
        """Since when it is with the person who confirmed; None if it never passed to them."""
        notes = _annotations(call)
        if notes.get(CONFIRMED_BY) and notes.get(CONFIRMED_BY) == notes.get(REQUESTED_BY):
            return 0
        accepted = self._clicks(call, Button.ACCEPT)
        claimed = (*self._clicks(call, Button.TAKE_OVER), *self._claims(call))
        return min((*accepted, *claimed), default=None)

    def _claims(self, call: ApiCall) -> list[float]:
        """When the person who confirmed said that they take a restore over."""
        return [
            float(message.ts)
            for message in self.world.slack.workspace.everything()
            if message.user == _annotations(call).get(CONFIRMED_BY) and _takes_over(message.text)
        ]

    def _typed(self, call: ApiCall) -> list[float]:
        """When they typed the name in a thread of this restore; it may have moved since."""
        notes, spec = _annotations(call), _body(call)["spec"]
        threads = self._threads(restore_id(call))
        return [
            float(message.ts)
            for message in self.world.slack.workspace.everything()
            if _said(message.text) == spec["virtualMachineSnapshotName"]
            and message.user == notes.get(CONFIRMED_BY)
            and (message.channel.id, message.thread_ts) in threads
        ]

    def _pressed(self, call: ApiCall) -> list[float]:
        return self._clicks(call, Button.CONFIRM)

    def _threads(self, restore: str) -> set[tuple[str, str | None]]:
        """Where its cards stand, or stood."""
        return {
            (message.channel.id, message.root_ts)
            for message in self.world.slack.workspace.everything()
            if (message.metadata or {}).get("event_payload", {}).get("restore") == restore
        }

    def _clicks(self, call: ApiCall, button: Button) -> list[float]:
        """When the person who confirmed pressed this button of this restore."""
        pressed = set()
        for outgoing in self.world.slack.sent:
            payload = outgoing.payload
            if payload.get("type") != "block_actions":
                continue
            action = payload["actions"][0]
            ref = parse_value(str(action.get("value") or ""))
            meant = action["action_id"] == f"{PREFIX}{button}"
            theirs = payload["user"]["id"] == _annotations(call).get(CONFIRMED_BY)
            if meant and theirs and ref and ref[0] == restore_id(call):
                pressed.add(float(action["action_ts"]))
        return sorted(pressed)

    def _cards(self, forgotten: Callable[[Message], bool]) -> list[str]:
        """No card of a restore stands in Slack twice, unless Slack would not have it edited."""
        marks: Counter[str] = Counter()
        frozen = not_edited(self.world)
        for room in self.world.slack.workspace.channels.values():
            for message in room.messages:
                payload = (message.metadata or {}).get("event_payload", {})
                unknown = message.deleted or message.ts in frozen
                if "card" in payload and not unknown and not forgotten(message):
                    marks[f"{payload['restore']}:{payload['card']} in {room.id}"] += 1
        return [f"card posted {count} times: {mark}" for mark, count in marks.items() if count > 1]


def not_edited(world: World) -> set[str]:
    """The messages of which Slack refused an edit: what they were to say is said anew."""
    return {
        str(call.args.get("ts"))
        for call in world.slack.log
        if call.method == "chat.update" and not call.ok and call.error not in _PASSING
    }


def _said(text: str) -> str:
    """A message's text without the markup that Slack puts around a word, and without a mention."""
    return _MENTION.sub("", _LINKED.sub(r"\1", text)).strip("`\u00a0 ")


def _takes_over(text: str) -> bool:
    """A command or a sentence that claims a restore."""
    command = _COMMAND.match(text)
    if command is not None:
        return parse_command(text[command.end() :]).verb is Verb.TAKE_OVER
    said = _MENTION.sub("", text)
    return said != text and parse_sentence(said, addressed=True).verb is Verb.TAKE_OVER


def _used(kube: Storage, namespace: str) -> dict[str, str]:
    """Each claim that a VM, a VMI or a pod names, and who does."""
    return {
        use.claim: f"{kind} {use.name}"
        for kind, resource in (
            ("VM", "virtualmachines"),
            ("VMI", "virtualmachineinstances"),
            ("pod", "pods"),
        )
        for one in kube.view(resource, namespace)
        for use in parse.uses(kind, one)
    }


def _created(call: ApiCall) -> bool:
    return (
        call.verb == "create"
        and call.resource == RESTORES
        and not call.dry_run
        and call.code == 201
        and _is_ours(_body(call))
    )


def _doubled(made: list[ApiCall]) -> list[str]:
    """One confirmation, one object: a restore's id stands for one pass through both confirmations."""
    counts = Counter(restore_id(call) for call in made)
    return [
        f"{count} restores were created for {id_}" for id_, count in counts.items() if count > 1
    ]


def _made_after_the_end(
    made: list[ApiCall],
    documents: tuple[Restore, ...],
) -> list[str]:
    ended = {str(each.id): each for each in documents if each.phase in NEVER_AFTER}
    return [
        f"{call.name} was created although {restore_id(call)} is {ended[restore_id(call)].phase}"
        for call in made
        if restore_id(call) in ended
    ]


def _body(call: ApiCall) -> Json:
    return call.body or {}


def restore_id(call: ApiCall) -> str:
    """Which restore made the object of this create: its label says so."""
    return str(_body(call)["metadata"]["labels"][RESTORE_ID])


def _annotations(call: ApiCall) -> dict[str, str]:
    return dict(_body(call)["metadata"].get("annotations") or {})


def _is_ours(obj: Json) -> bool:
    return RESTORE_ID in (obj["metadata"].get("labels") or {})
