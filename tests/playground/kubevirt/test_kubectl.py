"""kubectl, as it is installed, can work with the simulated cluster."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from bot.playground.kubevirt.server import KubeSim
from tests.playground.kubevirt.kit import NS, SNAPSHOT, VM, restore_of, settle, with_stopped_vm

KUBECTL = shutil.which("kubectl")
pytestmark = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not on PATH")


class Kubectl:
    """The command, with a home and a kubeconfig of its own."""

    def __init__(self, home: Path, config: Path) -> None:
        self._env = {"HOME": str(home), "KUBECONFIG": str(config), "PATH": "/usr/bin:/bin"}

    async def run(self, *arguments: str, stdin: str = "") -> tuple[int, str]:
        """Exit code, and output with errors."""
        process = await asyncio.create_subprocess_exec(
            str(KUBECTL),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._env,
        )
        output, _ = await process.communicate(stdin.encode())
        return process.returncode or 0, output.decode()


@pytest.fixture
def kubectl(sim: KubeSim, tmp_path: Path) -> Kubectl:
    return Kubectl(tmp_path, sim.kubeconfig(tmp_path / "config", "admin"))


async def test_kubectl_lists_gets_creates_and_deletes(sim: KubeSim, kubectl: Kubectl) -> None:
    with_stopped_vm(sim)
    await settle(sim)
    code, text = await kubectl.run("get", "vm,vmsnapshot", "-n", NS)
    assert code == 0, text
    assert "NAME" in text
    assert "STATUS" in text
    assert VM in text
    assert "Stopped" in text
    assert SNAPSHOT in text
    code, text = await kubectl.run("get", "vm", VM, "-n", NS, "-o", "json")
    assert json.loads(text)["spec"]["runStrategy"] == "Halted"
    manifest = json.dumps(restore_of())
    code, text = await kubectl.run("create", "-n", NS, "-f", "-", stdin=manifest)
    assert (code, text.strip()) == (0, "virtualmachinerestore.snapshot.kubevirt.io/r1 created")
    await settle(sim)
    code, text = await kubectl.run("create", "-n", NS, "-f", "-", stdin=manifest)
    assert code == 1
    assert 'VirtualMachineRestore "r1" in progress' in text
    code, text = await kubectl.run("delete", "vmrestore", "r1", "-n", NS, "--timeout=10s")
    assert code == 0, text
    assert '"r1" deleted' in text
    code, text = await kubectl.run("get", "vmrestore", "-n", NS)
    assert "No resources found" in text
    assert sim.unknown == []


async def test_kubectl_patches_annotates_and_describes(
    sim: KubeSim, kubectl: Kubectl, tmp_path: Path
) -> None:
    with_stopped_vm(sim)
    await settle(sim)
    change = '{"spec": {"runStrategy": "Manual"}}'
    code, text = await kubectl.run("patch", "vm", VM, "-n", NS, "--type=merge", "-p", change)
    assert code == 0, text
    assert sim.storage.get("virtualmachines", NS, VM)["spec"]["runStrategy"] == "Manual"
    code, text = await kubectl.run("annotate", "vm", VM, "-n", NS, "a=b")
    assert code == 0, text
    code, text = await kubectl.run("describe", "vm", VM, "-n", NS)
    assert code == 0, text
    assert "Kind:         VirtualMachine" in text
    bot = Kubectl(tmp_path, sim.kubeconfig(tmp_path / "bot"))
    code, text = await bot.run("delete", "vm", VM, "-n", NS)
    assert code == 1
    assert 'User "vm-restore-bot" cannot delete resource "virtualmachines"' in text


async def test_kubectl_applies_events_and_namespaces(sim: KubeSim, kubectl: Kubectl) -> None:
    with_stopped_vm(sim)
    sim.people.create_restore(NS, "broken", VM, "nope")
    await settle(sim)
    code, text = await kubectl.run("get", "events", "-n", NS)
    assert "VMSnapshot production/nope does not exist" in text
    code, text = await kubectl.run("get", "ns,sc,pvc,crd,quota", "-n", NS)
    assert code == 0, text
    assert "standard" in text
    manifest = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new"}})
    code, text = await kubectl.run("apply", "-f", "-", stdin=manifest)
    assert code == 0, text
    assert sim.storage.find("namespaces", "", "new")
