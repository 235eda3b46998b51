"""A stop and a snapshot as dry runs, of a VM that does not exist: does the way to them work?

Nothing is stored and no VM is touched. The answers tell what no read does: is the snapshot feature gate
on, do the webhooks answer, is virt-api there and does it take the form of the request, is there such a
namespace.
"""

from dataclasses import dataclass

from bot.cluster import bodies, names
from bot.cluster.client import Api, ApiStatusError
from bot.cluster.create import DRY
from bot.cluster.reads import Together
from bot.cluster.schema import Schema
from bot.restore.events import CreateSnapshot
from bot.restore.observation import ApiRejection

NOBODY = "vm-restore-bot-check"
"""The name of a VM that nobody has."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What stands in the way in one namespace; None where nothing does."""

    stop: ApiRejection | None
    snapshot: ApiRejection | None
    no_namespace: bool = False


async def rehearse(api: Api, schema: Schema, namespace: str) -> Rehearsal:
    """Try both. Raises Temporary if the API server does not answer."""
    async with Together() as group:
        stop = group.create_task(_stop(api, namespace))
        snapshot = group.create_task(_snapshot(api, schema, namespace))
    refused = snapshot.result()
    # A create in a namespace that does not exist is answered with 404.
    return Rehearsal(
        stop.result(), refused, no_namespace=refused is not None and refused.code == 404
    )


async def _stop(api: Api, namespace: str) -> ApiRejection | None:
    try:
        path = names.subresource(namespace, NOBODY, "stop")
        await api.call("PUT", path, body={"dryRun": ["All"]})
    except ApiStatusError as refusal:
        # virt-api was asked, and has no such VM.
        return None if refusal.missing else refusal.rejection
    return None


async def _snapshot(api: Api, schema: Schema, namespace: str) -> ApiRejection | None:
    served = await schema.served()
    path = names.snapshot_group(served.version, names.SNAPSHOTS, namespace)
    try:
        await api.call("POST", path, DRY, bodies.snapshot(_tried(namespace), served))
    except ApiStatusError as refusal:
        return refusal.rejection
    return None


def _tried(namespace: str) -> CreateSnapshot:
    return CreateSnapshot(namespace=namespace, vm=NOBODY, name=NOBODY, labels=(), annotations=())
