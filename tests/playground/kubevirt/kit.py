"""The real client, manifests and small readers for the tests of the simulated cluster."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes.aio import client, config
from multidict import CIMultiDict

from bot.playground.clock import HandClock
from bot.playground.kubevirt.server import KubeSim
from tests.tools.fleet import PATIENCE

Json = dict[str, Any]
NS = "production"
VM = "database-01"
SNAPSHOT = "pre-upgrade"
VMS_PATH = f"/apis/kubevirt.io/v1/namespaces/{NS}/virtualmachines"
VMIS_PATH = f"/apis/kubevirt.io/v1/namespaces/{NS}/virtualmachineinstances"
RESTORES_PATH = f"/apis/snapshot.kubevirt.io/v1beta1/namespaces/{NS}/virtualmachinerestores"
SNAPSHOTS_PATH = f"/apis/snapshot.kubevirt.io/v1beta1/namespaces/{NS}/virtualmachinesnapshots"
AGGREGATED = "/apis/subresources.kubevirt.io/"
SUBRESOURCES = f"{AGGREGATED}v1/namespaces/{NS}/virtualmachines"
PVCS_PATH = f"/api/v1/namespaces/{NS}/persistentvolumeclaims"


@dataclass(frozen=True)
class Reply:
    """An answer: its code, and its body decoded."""

    code: int
    body: Any
    headers: Any

    @property
    def message(self) -> str:
        """The text of a Status."""
        return str(self.body["message"])


class KubeClient:
    """The real `kubernetes.aio` client, used raw; nothing is raised for 4xx and 5xx."""

    def __init__(self, real: Any) -> None:
        self.real = real

    async def call(
        self, method: str, path: str, body: Any = None, headers: Json | None = None, **query: Any
    ) -> Reply:
        """One request."""
        accept = "*/*" if path.startswith(AGGREGATED) else "application/json"
        sent = {"Accept": accept, "Content-Type": "application/json"}
        verb, url, made, payload, _ = await self.real.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            body=body,
            header_params=sent,
            auth_settings=["BearerToken"],
        )
        answer = await self.real.call_api(
            verb,
            url,
            CIMultiDict({**made, **(headers or {})}),
            payload,
            _request_timeout=aiohttp.ClientTimeout(total=PATIENCE),
        )
        raw = await answer.read()
        kind = answer.getheader("Content-Type", "")
        decoded = json.loads(raw) if raw and "json" in kind else raw.decode()
        return Reply(answer.status, decoded, answer.getheaders())

    async def get(self, path: str, **query: Any) -> Reply:
        """GET."""
        return await self.call("GET", path, **query)

    async def post(self, path: str, body: Json, **query: Any) -> Reply:
        """POST."""
        return await self.call("POST", path, body, **query)

    async def put(self, path: str, body: Json | None = None, **query: Any) -> Reply:
        """PUT."""
        return await self.call("PUT", path, body, **query)

    async def patch(self, path: str, body: Any, kind: str = "merge-patch+json") -> Reply:
        """PATCH."""
        headers = {"Content-Type": f"application/{kind}"}
        return await self.call("PATCH", path, body, headers)

    async def delete(self, path: str, body: Json | None = None, **query: Any) -> Reply:
        """DELETE."""
        return await self.call("DELETE", path, body, **query)


@asynccontextmanager
async def connected(sim: KubeSim, path: Path, user: str = "admin") -> AsyncIterator[KubeClient]:
    """A client of the cluster as one user."""
    settings = client.Configuration()
    load: Any = config.load_kube_config
    await load(str(sim.kubeconfig(path, user)), client_configuration=settings)
    async with client.ApiClient(settings) as real:
        yield KubeClient(real)


async def until(reached: Callable[[], bool], what: str) -> None:
    """Let the loop run until it is so; it must be soon."""
    for _ in range(20_000):
        if reached():
            return
        await asyncio.sleep(0)
    raise AssertionError(f"in vain waited for: {what}")


async def settle(sim: KubeSim) -> None:
    """Let everything happen that needs no time."""
    calm = 0
    for _ in range(20_000):
        await asyncio.sleep(0)
        calm = 0 if sim.busy else calm + 1
        if calm > 10:
            return
    raise AssertionError(f"the cluster does not come to rest: busy={sim.busy}")


class Lab(KubeSim):
    """A cluster whose time a test moves."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.clock = clock

    async def passes(self, seconds: float) -> None:
        """Move the clock second by second, letting the cluster act in between."""
        await settle(self)
        left = seconds
        while left > 0:
            self.clock.advance(min(1.0, left))
            left -= 1.0
            await settle(self)


def restored(sim: KubeSim, name: str = "r1") -> Json:
    """The restore object."""
    return sim.storage.get("virtualmachinerestores", NS, name)


def the_vm(sim: KubeSim) -> Json:
    """The VM."""
    return sim.storage.get("virtualmachines", NS, VM)


def claims(sim: KubeSim) -> list[str]:
    """The names of all claims."""
    return [name for _, name in sim.storage.keys("persistentvolumeclaims")]


async def raw(
    sim: KubeSim, method: str, path: str, data: bytes = b"", **headers: str
) -> tuple[int, str]:
    """A request as no client library would send it; header names with _ for -."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    sent.setdefault("Authorization", "Bearer token-of-admin")
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{sim.url}{path}", data=data, headers=sent) as answer,
    ):
        return answer.status, await answer.text()


def restore_of(name: str = "r1", vm: str = VM, snapshot: str = SNAPSHOT, **spec: Any) -> Json:
    """A restore manifest."""
    target = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": vm}
    return {
        "apiVersion": "snapshot.kubevirt.io/v1beta1",
        "kind": "VirtualMachineRestore",
        "metadata": {"name": name},
        "spec": {"target": target, "virtualMachineSnapshotName": snapshot, **spec},
    }


def reasons(obj: Json) -> dict[str, tuple[str, str]]:
    """The conditions: type to status and reason."""
    conditions = obj.get("status", {}).get("conditions", [])
    return {held["type"]: (held["status"], held.get("reason", "")) for held in conditions}


def names(listed: Json) -> list[str]:
    """The names in a list."""
    return [item["metadata"]["name"] for item in listed["items"]]


def with_stopped_vm(sim: KubeSim, **options: Any) -> None:
    """A halted VM with a usable snapshot."""
    sim.seed.vm(NS, VM, running=False, **options)
    sim.seed.snapshot(NS, SNAPSHOT, VM)


def with_running_vm(sim: KubeSim, **options: Any) -> None:
    """A running VM with a usable snapshot."""
    sim.seed.vm(NS, VM, **options)
    sim.seed.snapshot(NS, SNAPSHOT, VM)
