"""Creates a restore object, for real or as a dry run: both send the same document to the same path.

Creates use strict field validation: otherwise the API server would drop unknown fields.
Without `FailImmediate`, KubeVirt runs the restore later, when the VM stops.
"""

from collections.abc import Callable

from bot.cluster import bodies, names
from bot.cluster.client import Api, ApiStatusError
from bot.cluster.document import Json
from bot.cluster.schema import READINESS, Schema
from bot.restore.events import CreateRestore

STRICT = {"fieldValidation": "Strict"}
DRY = {**STRICT, "dryRun": "All"}

_UNKNOWN_READINESS = f'unknown field "spec.{READINESS}"'


async def dry_run(api: Api, schema: Schema, effect: CreateRestore) -> None:
    """Ask what would be said to this restore. Nothing is stored."""
    await _post(api, schema, effect, DRY, before=lambda: None)


async def create(
    api: Api, schema: Schema, effect: CreateRestore, before: Callable[[], None]
) -> Json:
    """Create the restore. `before` is called when a request goes out, and may raise."""
    return await _post(api, schema, effect, STRICT, before)


async def _post(
    api: Api,
    schema: Schema,
    effect: CreateRestore,
    query: dict[str, str],
    before: Callable[[], None],
) -> Json:
    """Send it. A readiness policy that turns out to be unknown is left out, once."""
    served = await schema.served()
    path = names.snapshot_group(served.version, names.RESTORES, effect.namespace)
    try:
        return await api.call("POST", path, query, bodies.restore(effect, served), before=before)
    except ApiStatusError as refusal:
        if refusal.code != 400 or _UNKNOWN_READINESS not in refusal.text:
            raise
    simpler = schema.without(served, READINESS)
    return await api.call("POST", path, query, bodies.restore(effect, simpler), before=before)
