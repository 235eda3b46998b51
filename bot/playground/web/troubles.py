"""What goes wrong at a click: each is a state of the simulators, and can be taken back.

What a cluster cannot take back (content that is going away) the playground can: the note says so.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.playground.kubevirt.problems import ApiError
from bot.playground.kubevirt.quantities import render
from bot.playground.kubevirt.quota import used
from bot.playground.kubevirt.resources import CONTENTS, QUOTAS, SNAPSHOTS, VMIS, VOLUME_SNAPSHOTS
from bot.playground.kubevirt.seed_objects import DEFAULT_CLASS
from bot.playground.kubevirt.storage import Change
from bot.playground.slack import NotPossible
from bot.playground.slack.faults import ANY, FOR_EVER
from bot.playground.web.deeds import Deeds
from bot.playground.web.scene import Scene

Json = dict[str, Any]

NAMESPACE, VM, SNAPSHOT = "production", "database-01", "pre-upgrade-snapshot"
QUOTA = "storage"
BINDS_AFTER = 3.0
SLOW_SECONDS = 2.0
NOT_READY = "the storage system lost its connection to the array"
NO_POSTS = "restricted_action"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that can be wrong."""

    id: str
    label: str
    note: str


TROUBLES = (
    Trouble("storage", "Storage stuck", "New volumes are not bound until this is off again."),
    Trouble(
        "quota",
        "Quota too small",
        f"The quota of {NAMESPACE} is used up: no new volume is let in.",
    ),
    Trouble(
        "content",
        "Content going away",
        f"Somebody has deleted the content of {SNAPSHOT}. Off puts it back, which no cluster can.",
    ),
    Trouble("snapshot", "Snapshot not ready", f"The storage takes {SNAPSHOT} back: {NOT_READY}."),
    Trouble(
        "started",
        "VM started by somebody",
        f"Somebody starts {VM}: now, or as soon as it has stopped. Once.",
    ),
    Trouble("guest", "Guest ignores the shutdown", f"The guest of {VM} does not power off."),
    Trouble("api", "API server away", "The cluster answers nobody, and its controllers rest."),
    Trouble("slow", "Slack slow", f"Each answer of Slack takes {SLOW_SECONDS:.0f} seconds."),
    Trouble("refusing", "Slack refusing", "#incidents takes no new message of the app."),
)


class Troubles:
    """Turns troubles on and off."""

    def __init__(self, scene: Scene, deeds: Deeds) -> None:
        self._scene = scene
        self._kube = scene.world.kube
        self._deeds = deeds
        self._on: set[str] = set()
        self._lost: list[tuple[str, Json]] = []
        """What goes with the content of the snapshot, as it was."""
        self._turns: dict[str, Callable[[bool], Awaitable[None]]] = {
            "storage": self._storage,
            "quota": self._quota,
            "content": self._content,
            "snapshot": self._snapshot,
            "started": self._started,
            "guest": self._guest,
            "api": self._api,
            "slow": self._slack,
            "refusing": self._slack,
        }
        self._kube.storage.subscribe(self._changed)

    def state(self) -> list[Json]:
        """All of them, and which are on."""
        return [
            {"id": each.id, "label": each.label, "note": each.note, "on": each.id in self._on}
            for each in TROUBLES
        ]

    async def turn(self, name: str, *, on: bool) -> None:
        """Let something be wrong, or right again."""
        trouble = next((each for each in TROUBLES if each.id == name), None)
        if trouble is None:
            raise NotPossible(f"there is no trouble {name!r}")
        if on == (name in self._on):
            return
        if on:
            self._on.add(name)
        else:
            self._on.discard(name)
        self._deeds.to_the_world(f"{trouble.label}: {'on' if on else 'off'}")
        try:
            await self._turns[name](on)
        except (ApiError, KeyError, ValueError) as error:
            self._on.discard(name)
            raise NotPossible(f"this cannot be now: {error}") from None

    async def clear(self) -> None:
        """Everything is right again."""
        for name in sorted(self._on):
            await self.turn(name, on=False)

    def somebody_starts(self) -> None:
        """Somebody who knows nothing of the restore starts the VM."""
        self._on.discard("started")
        try:
            self._kube.people.start(NAMESPACE, VM)
        except ApiError as error:
            self._deeds.to_the_world(f"somebody tries to start {VM}: {error.message}")
        else:
            self._deeds.to_the_world(f"somebody starts {VM}")

    # The cluster

    async def _storage(self, on: bool) -> None:  # noqa: FBT001 - as in all of these
        self._kube.knobs.own_class(DEFAULT_CLASS).bind = None if on else BINDS_AFTER
        self._kube.nudge()

    async def _quota(self, on: bool) -> None:  # noqa: FBT001
        if on:
            amount = used(self._kube.storage, NAMESPACE)["requests.storage"]
            self._kube.seed.quota(NAMESPACE, QUOTA, requests_storage=render(amount))
        else:
            self._kube.storage.remove(QUOTAS.plural, NAMESPACE, QUOTA)
        self._kube.nudge()

    async def _content(self, on: bool) -> None:  # noqa: FBT001
        storage = self._kube.storage
        if on:
            snapshot = storage.get(SNAPSHOTS.plural, NAMESPACE, SNAPSHOT)
            name = snapshot["status"]["virtualMachineSnapshotContentName"]
            content = storage.get(CONTENTS.plural, NAMESPACE, name)
            self._lost = [(SNAPSHOTS.plural, snapshot), (CONTENTS.plural, content)]
            for backup in content["spec"]["volumeBackups"]:
                held = storage.get(VOLUME_SNAPSHOTS.plural, NAMESPACE, backup["volumeSnapshotName"])
                self._lost.append((VOLUME_SNAPSHOTS.plural, held))
            self._kube.people.delete_content(NAMESPACE, SNAPSHOT)
        else:
            for plural, held in reversed(self._lost):
                storage.put(plural, held)

    async def _snapshot(self, on: bool) -> None:  # noqa: FBT001
        if on:
            self._kube.people.make_not_ready(NAMESPACE, SNAPSHOT, NOT_READY)
        else:
            self._kube.people.make_ready(NAMESPACE, SNAPSHOT)
        self._kube.nudge()

    async def _started(self, on: bool) -> None:  # noqa: FBT001
        if on and self._kube.storage.find(VMIS.plural, NAMESPACE, VM) is None:
            self.somebody_starts()

    def _changed(self, change: Change) -> None:
        gone = change.resource == VMIS.plural and change.type == "DELETED"
        if gone and change.key == (NAMESPACE, VM) and "started" in self._on:
            # Not within the write that is told here.
            asyncio.get_running_loop().call_soon(self.somebody_starts)

    async def _guest(self, on: bool) -> None:  # noqa: FBT001
        self._kube.knobs.own_guest(NAMESPACE, VM).ignores_shutdown = on
        self._kube.nudge()

    async def _api(self, on: bool) -> None:  # noqa: FBT001
        if on:
            await self._kube.go_away()
        else:
            await self._kube.start()

    # Slack

    async def _slack(self, _: bool) -> None:  # noqa: FBT001
        """All of Slack's rules at once: one cannot be taken out alone."""
        faults = self._scene.world.slack.faults
        faults.clear()
        if "refusing" in self._on:
            room = self._scene.channels["incidents"].id
            faults.forbid("chat.postMessage", NO_POSTS, channel=room)
        if "slow" in self._on:
            faults.delay(ANY, SLOW_SECONDS, times=FOR_EVER)
