"""Acting on the cluster: one function an effect, each of which may be performed any number of times.

    it was done, or it was so already     Done
    it will not be done                   Rejection, with the API server's own words
    nobody knows                          Temporary: the next look finds out
    it was not sent, or "come back later" NotTaken: it is not carried out late either

Nothing is sent once the worker's lease is over: another worker may already act on newer facts. The
lease is looked at when the request has its login: to renew one may take longer than the lease.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from bot.clock import Clock
from bot.cluster import bodies, create, names
from bot.cluster.client import Api, ApiStatusError
from bot.cluster.document import Json, text
from bot.cluster.schema import Schema
from bot.errors import NotTaken, Temporary
from bot.restore.effects import RESTORE_ID
from bot.restore.events import (
    ClearVmi,
    CreateRestore,
    CreateSnapshot,
    DeleteRestore,
    Done,
    Effect,
    Result,
    StartVm,
    StopVm,
)
from bot.restore.observation import ApiRejection

# What virt-api answers (409) to a stop of a VM that has stopped, or is stopping already.
_STOPPED = ("VM is not running", "Halted only supports manual stop requests")
# What it answers to a start of a VM that runs, or that the cluster keeps running by itself.
_STARTED = ("VM is already running", "Always does not support manual start requests")
# A write that lost against another one; the same effect may well succeed on the next look.
_LOST_RACE = re.compile(r"has been modified|jsonpatch|test operation|try again", re.IGNORECASE)
_OTHER_UID = re.compile(r"UID in (the )?precondition")

InTime = Callable[[], None]


class Performer:
    """Acts on one cluster."""

    def __init__(self, api: Api, schema: Schema, clock: Clock) -> None:
        self._api = api
        self._schema = schema
        self._clock = clock

    async def perform(self, effect: Effect, *, not_after: datetime) -> Result:
        """Make it so."""
        out: list[Effect] = []

        def goes_out() -> None:
            self._in_time(not_after)
            out.append(effect)

        try:
            return await self._send(effect, goes_out)
        except ApiStatusError as refusal:
            return _meaning(refusal)
        except Temporary as away:
            if out or isinstance(away, NotTaken):
                raise
            raise NotTaken(away.what, away.retry_after) from away

    async def _send(self, effect: Effect, in_time: InTime) -> Result:
        match effect:
            case StopVm():
                return await self._stop(effect, in_time)
            case StartVm():
                return await self._start(effect, in_time)
            case ClearVmi():
                path = names.kubevirt(names.VMIS, effect.namespace, effect.vm)
                return await self._delete(path, effect.uid, in_time)
            case CreateSnapshot():
                return await self._create_snapshot(effect, in_time)
            case CreateRestore():
                return await self._create_restore(effect, self._both_in_time(effect, in_time))
            case DeleteRestore():
                served = await self._schema.served()
                path = names.snapshot_group(
                    served.version, names.RESTORES, effect.namespace, effect.name
                )
                return await self._delete(path, effect.uid, in_time)
            case _:
                assert_never(effect)

    async def _stop(self, effect: StopVm, in_time: InTime) -> Result:
        path = names.subresource(effect.namespace, effect.vm, "stop")
        return await self._put(path, {"gracePeriod": 0} if effect.force else {}, _STOPPED, in_time)

    async def _start(self, effect: StartVm, in_time: InTime) -> Result:
        path = names.subresource(effect.namespace, effect.vm, "start")
        return await self._put(path, {}, _STARTED, in_time)

    async def _put(
        self, path: str, body: Json, so_already: tuple[str, ...], in_time: InTime
    ) -> Result:
        try:
            await self._api.call("PUT", path, body=body, before=in_time)
        except ApiStatusError as refusal:
            if refusal.code == 409 and any(words in refusal.text for words in so_already):
                return Done()
            if refusal.code == 401 and not refusal.worded:
                # virt-api asks for the right a second time and says no in plain text.
                return refusal.rejection
            raise
        return Done()

    async def _delete(self, path: str, uid: str, in_time: InTime) -> Result:
        """Delete that very object; if another one has its name, the first is gone."""
        try:
            await self._api.call("DELETE", path, body=bodies.only_if(uid), before=in_time)
        except ApiStatusError as refusal:
            if refusal.missing or (refusal.code == 409 and _OTHER_UID.search(refusal.text)):
                return Done()
            raise
        return Done()

    async def _create_snapshot(self, effect: CreateSnapshot, in_time: InTime) -> Result:
        served = await self._schema.served()
        path = names.snapshot_group(served.version, names.SNAPSHOTS, effect.namespace)
        try:
            made = await self._api.call(
                "POST", path, create.STRICT, bodies.snapshot(effect, served), before=in_time
            )
        except ApiStatusError as refusal:
            if _is_taken(refusal):
                return await self._own(names.SNAPSHOTS, effect, refusal)
            raise
        return Done(text(made, "metadata", "uid") or None)

    async def _create_restore(self, effect: CreateRestore, in_time: InTime) -> Result:
        try:
            made = await create.create(self._api, self._schema, effect, in_time)
        except ApiStatusError as refusal:
            if _is_taken(refusal) or _is_in_progress(refusal, effect):
                return await self._own(names.RESTORES, effect, refusal)
            raise
        return Done(text(made, "metadata", "uid") or None)

    async def _own(
        self, kind: str, effect: CreateRestore | CreateSnapshot, refusal: ApiStatusError
    ) -> Result:
        """The name is taken: by our own earlier attempt, whose answer was lost, or by a stranger.

        If nothing is there any more, something of this name was: it is not made a second time.
        """
        served = await self._schema.served()
        path = names.snapshot_group(served.version, kind, effect.namespace, effect.name)
        found = await self._api.get(path)
        if found is not None and _is_ours(found, effect):
            return Done(text(found, "metadata", "uid") or None)
        return refusal.rejection

    def _in_time(self, not_after: datetime) -> None:
        if self._clock.now() >= not_after:
            raise NotTaken(f"cluster {self._api.cluster}: too late to act, the lease is over")

    def _both_in_time(self, effect: CreateRestore, in_time: InTime) -> InTime:
        """Within the lease, and while the document counts on the request to be on its way."""

        def check() -> None:
            in_time()
            if effect.not_after is not None and self._clock.now() >= effect.not_after:
                raise NotTaken(f"cluster {self._api.cluster}: too late to send the restore")

        return check


def _meaning(refusal: ApiStatusError) -> ApiRejection:
    """What a "no" means that the effect itself has no other name for."""
    if refusal.code == 401:
        raise refusal
    if refusal.code == 409 and _LOST_RACE.search(refusal.text):
        raise NotTaken(f"somebody else changed it at the same moment: {refusal.text}")
    return refusal.rejection


def _is_taken(refusal: ApiStatusError) -> bool:
    return refusal.code == 409 and refusal.rejection.reason == "AlreadyExists"


def _is_in_progress(refusal: ApiStatusError, effect: CreateRestore) -> bool:
    """The webhook comes before the name is looked at: an unfinished restore blocks even itself."""
    return refusal.code == 422 and f'"{effect.name}" in progress' in refusal.text


def _is_ours(found: Json, effect: CreateRestore | CreateSnapshot) -> bool:
    """Made by the same effect: same restore, same VM, same snapshot."""
    mark = dict(effect.labels).get(RESTORE_ID)
    if not mark or text(found, "metadata", "labels", RESTORE_ID) != mark:
        return False
    if isinstance(effect, CreateSnapshot):
        return text(found, "spec", "source", "name") == effect.vm
    target = text(found, "spec", "target", "name")
    return (target, text(found, "spec", "virtualMachineSnapshotName")) == (
        effect.vm,
        effect.snapshot,
    )
