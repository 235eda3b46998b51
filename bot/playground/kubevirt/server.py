"""`KubeSim`: one simulated cluster, with everything a demo, a drill or a test needs of it.

    sim = KubeSim(HandClock())
    await sim.start()
    sim.seed.vm("production", "database-01")
    config = sim.kubeconfig(tmp_path / "kubeconfig")

Controllers act by themselves, on the given clock. After moving a `HandClock`, let the event loop run
until `busy` is 0: then nothing is under way that does not wait for the clock or for a client.
"""

import asyncio
import random
import socket
from collections.abc import Sequence
from pathlib import Path

import yaml
from aiohttp import web

from bot.clock import Clock
from bot.playground.kubevirt.api import Api
from bot.playground.kubevirt.authorization import (
    BOT_RULES,
    Account,
    Attributes,
    Authorizer,
    Rule,
    in_namespaces,
)
from bot.playground.kubevirt.controllers.content import ContentController
from bot.playground.kubevirt.controllers.garbage import GarbageController
from bot.playground.kubevirt.controllers.restore import RestoreController
from bot.playground.kubevirt.controllers.snapshot import SnapshotController
from bot.playground.kubevirt.controllers.vm import VmController
from bot.playground.kubevirt.controllers.vmi import VmiController
from bot.playground.kubevirt.controllers.volumes import (
    ClaimController,
    DataVolumeController,
    QuotaController,
    VolumeSnapshotController,
)
from bot.playground.kubevirt.exchange import USER_PREFIX, ApiCall
from bot.playground.kubevirt.faults import Faults
from bot.playground.kubevirt.http import Frontend
from bot.playground.kubevirt.knobs import Knobs
from bot.playground.kubevirt.people import People
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.seed import Seed
from bot.playground.kubevirt.storage import Storage
from bot.playground.kubevirt.watching import Watches

BOT = "vm-restore-bot"
_VIRT_CONTROLLERS = (VmController, VmiController, SnapshotController, ContentController, RestoreController)  # fmt: skip


class KubeSim:
    """A cluster with KubeVirt, in this process."""

    def __init__(self, clock: Clock, *, seed: int = 0) -> None:
        self._plane = Plane(clock, random.Random(seed))
        self._api = Api(self._plane)
        self.authorizer = Authorizer()
        self._front = Frontend(self._plane, self._api, self.authorizer)
        kinds = (
            GarbageController, ClaimController, DataVolumeController, VolumeSnapshotController,
            QuotaController, *_VIRT_CONTROLLERS,
        )  # fmt: skip
        self._controllers = [kind(self._plane, self._api) for kind in kinds]
        for controller in self._controllers:
            self._plane.storage.subscribe(controller.on_change)
        self._runner: web.AppRunner | None = None
        self._held: socket.socket | None = None
        self.url = ""
        self.seed = Seed(self._plane)
        self.people = People(self._plane, self._api)
        self.seed.cluster()

    @property
    def storage(self) -> Storage:
        """All objects, for seeds, tests and invariants."""
        return self._plane.storage

    @property
    def faults(self) -> Faults:
        """Trouble on order."""
        return self._plane.faults

    @property
    def knobs(self) -> Knobs:
        """How long things take; call `nudge` after turning one that somebody waits on."""
        return self._plane.knobs

    @property
    def log(self) -> list[ApiCall]:
        """Every request, in the order in which they were applied."""
        return self._front.log

    @property
    def unknown(self) -> list[str]:
        """Requests for paths that lead nowhere."""
        return self._front.unknown

    @property
    def watches(self) -> Watches:
        """The open watches: close, cut or expire them."""
        return self._front.watches

    @property
    def busy(self) -> int:
        """Requests being served, watch events not yet written, controller passes that are due."""
        self.check()
        passes = sum(controller.loop.busy for controller in self._controllers)
        return self._front.in_flight + self._front.watches.pending + passes

    @property
    def held_back(self) -> int:
        """Requests whose answer waits for the clock."""
        return self._front.held_back

    def check(self) -> None:
        """Raise what went wrong inside: a fault of the simulator itself, never one on order."""
        failures = [controller.loop.failure for controller in self._controllers]
        for failure in (self._front.failure, *failures):
            if failure is not None:
                raise failure

    async def start(self, port: int = 0) -> None:
        """Serve on loopback and set the controllers to work."""
        self._runner = web.AppRunner(
            self._front.application(), access_log=None, shutdown_timeout=0.1
        )
        await self._runner.setup()
        held, self._held = self._held, None
        listener = held or _bound(port)
        await web.SockSite(self._runner, listener).start()
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.resume_controllers()

    async def go_away(self) -> None:
        """An outage: connections are refused until the next start, which is at the same address.

        The port stays bound meanwhile, so that no other process can take it.
        """
        port = int(self.url.rpartition(":")[2])
        await self.stop()
        self._held = _bound(port)

    async def stop(self) -> None:
        """Stop the HTTP server and the controllers. Stored objects stay for the next start."""
        await self.pause_controllers()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._held is not None:
            self._held.close()
            self._held = None
        self.check()

    def resume_controllers(self, *, virt_only: bool = False) -> None:
        """Set controllers to work; each looks at everything first."""
        for controller in self._chosen(virt_only=virt_only):
            controller.loop.start()
            controller.look_at_all()

    async def pause_controllers(self, *, virt_only: bool = False) -> None:
        """Halt controllers: all, or only those of KubeVirt (virt-controller is down)."""
        chosen = self._chosen(virt_only=virt_only)
        await asyncio.gather(*(controller.loop.stop() for controller in chosen))

    def nudge(self) -> None:
        """Let every controller look at everything, as after a knob was turned; renew the CRDs."""
        self.seed.crds()
        for controller in self._controllers:
            controller.look_at_all()

    def uninstall(self, group: str) -> None:
        """Take a whole API group away, as before its operator was installed."""
        self.knobs.absent_groups.add(group)
        self.seed.crds()

    def downgrade_restores(self, *absent: str) -> None:
        """Let the restore CRD be of a release that does not know these spec fields."""
        self.knobs.absent_restore_fields.update(absent)
        self.seed.crds()

    def user(self, name: str, rules: Sequence[Rule] = (), groups: Sequence[str] = ()) -> Account:
        """Know another user; to give rights to a group, name it `group:NAME`."""
        return self.authorizer.add(name, tuple(rules), tuple(groups))

    def allow(self, name: str, *rules: Rule) -> None:
        """Give a user more rights."""
        self.authorizer.accounts[name].rules.extend(rules)

    def confine(self, *namespaces: str, user: str = BOT) -> None:
        """Give the bot its rights by Roles in these namespaces only."""
        self.authorizer.accounts[user].rules[:] = in_namespaces(BOT_RULES, namespaces)

    def deny(
        self, verb: str, resource: str, namespace: str | None = None, *, user: str = BOT
    ) -> None:
        """Take one right away; `resource` may name a subresource: "virtualmachines/stop"."""
        denied = Attributes(verb, resource=resource, namespace=namespace or "")
        self.authorizer.deny(user, denied)

    def undeny(self, *, user: str = BOT) -> None:
        """Give back what `deny` took."""
        self.authorizer.undeny(user)

    def kubeconfig(self, path: Path, user: str = BOT, *, at: str = "") -> Path:
        """Write a kubeconfig for kubectl and for client libraries; `at`: an address that leads here."""
        token = self.authorizer.accounts[user].token
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "sim", "cluster": {"server": f"{at or self.url}{USER_PREFIX}{token}"}}
            ],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": "sim", "context": {"cluster": "sim", "user": user}}],
            "current-context": "sim",
        }
        path.write_text(yaml.safe_dump(document))
        return path

    def _chosen(self, *, virt_only: bool) -> list["_Controller"]:
        return [c for c in self._controllers if not virt_only or isinstance(c, _VIRT_CONTROLLERS)]


_Controller = (
    GarbageController | ClaimController | DataVolumeController | VolumeSnapshotController
    | QuotaController | VmController | VmiController | SnapshotController | ContentController
    | RestoreController
)  # fmt: skip


def _bound(port: int) -> socket.socket:
    """A socket that holds a port of loopback; nobody is let in before it listens."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    return held
