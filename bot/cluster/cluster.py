"""`Cluster` is what other rooms use of bot/cluster: one object for each configured cluster."""

import asyncio
import contextlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from bot.cancelling import cancelled
from bot.clock import Clock, FarClock
from bot.cluster import evidence
from bot.cluster.announce import Announcer
from bot.cluster.catalog import Catalog, Scopes
from bot.cluster.client import Api, Counted, uncounted
from bot.cluster.identity import Identity, Installation
from bot.cluster.login import Tls, log_in
from bot.cluster.observe import Observer
from bot.cluster.perform import Performer
from bot.cluster.question import Question
from bot.cluster.reads import Reads, Together
from bot.cluster.rehearsal import Rehearsal, rehearse
from bot.cluster.rights import Rights
from bot.cluster.schema import Capabilities, Schema
from bot.cluster.watch import Reflector, Wake
from bot.errors import Permanent, Temporary
from bot.restore.diagnosis.evidence import Evidence
from bot.restore.effects import INSTALLATION
from bot.restore.events import CreateRestore, CreateSnapshot, Effect, Result
from bot.restore.model import Restore, RestoreId
from bot.restore.observation import Observation, ObservationKind, RestoreObject, Vm, Vmi
from bot.restore.target import VmRef
from bot.texts import refusals

EVERYWHERE = "*"
E = TypeVar("E", bound=Effect | None)
F = TypeVar("F")
LAST_SECONDS = 5.0
"""(Real) seconds in which the watches end when they are told to."""


class Cluster:
    """One KubeVirt cluster: look at it, act on it, choose from it, watch it."""

    def __init__(
        self, name: str, api: Api, scopes: Scopes, clock: Clock, installation: Installation
    ) -> None:
        self.name = name
        self._api = api
        self._scopes = scopes
        self._clock = clock
        self._installation = installation.name
        self._identity = Identity(api, installation)
        # Until it is known which cluster this is, nothing else is asked of it or done on it.
        api.gate = self._identity.confirm
        self._schema = Schema(api)
        self.catalog = Catalog(api, self._schema, clock, scopes)
        self.rights = Rights(api, clock)
        self._observer = Observer(api, self._schema, self.catalog, self.rights, clock)
        self._performer = Performer(api, self._schema, clock)
        self.announce = Announcer(api, clock).announce
        self._reflectors: tuple[Reflector, ...] = ()

    @classmethod
    async def connect(  # noqa: PLR0913 - each says one thing about the cluster
        cls,
        name: str,
        *,
        kubeconfig: str | None,
        context: str | None,
        namespaces: Sequence[str],
        clock: Clock,
        counted: Counted = uncounted,
        installation: Installation = Installation(),  # noqa: B008 - it is frozen
    ) -> "Cluster":
        """Log in. Nothing is sent yet: a cluster that is away must not keep the bot from starting.

        Without a kubeconfig it is the pod's own service account. No namespaces, or "*", means the
        whole cluster. `counted` is told of every answer, for metrics. Raises Misconfigured.
        Before the first request it is asked whether this is the cluster that `installation` knows.
        """
        everywhere = not namespaces or EVERYWHERE in namespaces
        scopes = (None,) if everywhere else tuple(dict.fromkeys(namespaces))
        configuration = await log_in(name, kubeconfig, context)
        api = Api(name, configuration, clock=FarClock(clock), watches=len(scopes), counted=counted)
        return cls(name, api, scopes, clock, installation)

    @property
    def clock(self) -> FarClock:
        """The API server's clock, as the `Date` of its answers shows it."""
        return self._api.clock

    @property
    def tls(self) -> Tls | None:
        """How a connection to the API server begins; None without TLS."""
        return self._api.tls

    async def close(self) -> None:
        """Close all connections."""
        await self._identity.close()
        await self._api.close()

    async def confirm(self) -> None:
        """Return if this is the cluster that its name stands for, AnotherCluster if not.

        Temporary if that is not known yet: every other call asks it first, and raises the same.
        """
        await self._identity.confirm()

    async def ping(self) -> None:
        """Return if the API server answers; Temporary if it does not."""
        await self._api.call("GET", "/version")

    async def tellable(self) -> bool:
        """Is there anything by which this cluster can be told from others?"""
        return await self._identity.fingerprint() is not None

    async def capabilities(self) -> Capabilities:
        """What is installed there."""
        return await self._schema.capabilities()

    async def observe(
        self,
        restore: Restore,
        kind: ObservationKind,
        effect: CreateRestore | None = None,
        *,
        permitted: Collection[str] | None = None,
    ) -> Observation:
        """Look once. Raises Temporary if any part of the look got no answer.

        `effect` is the restore that a FULL look tries as a dry run; `permitted` are the namespaces
        that names are offered from (None: all that the bot may see).
        """
        return await self._observer.observation(
            Question(kind, restore, self._ours(effect), permitted)
        )

    async def evidence(self, restore: Restore) -> Evidence:
        """Read what may say why a restore does not go on. What cannot be read is named in it."""
        return await evidence.collect(self._api, self._schema, restore, self._clock.now())

    async def made_by(self, vm_ref: VmRef, restore: RestoreId) -> tuple[RestoreObject, ...]:
        """The objects in the VM's namespace that carry this restore's label, in whatever state.

        Raises Temporary if that is not known just now, Permanent if it may not be read.
        """
        served = await self._schema.known()
        if served is None:
            raise Permanent("kubevirt_missing", refusals.NOT_SERVED_NOW)
        reads = Reads(self._api, vm_ref.namespace, served.version)
        return _complete(await reads.restores_made_by(restore), reads)

    async def vm(self, vm_ref: VmRef) -> tuple[Vm | None, Vmi | None]:
        """A VM and its VMI, as they are now. Raises as above."""
        reads = Reads(self._api, vm_ref.namespace)
        async with Together() as group:
            vm = group.create_task(reads.vm(vm_ref.vm))
            vmi = group.create_task(reads.vmi(vm_ref.vm))
        return _complete((vm.result(), vmi.result()), reads)

    async def rehearse(self, namespace: str) -> Rehearsal:
        """Dry runs of a stop and a snapshot, of a VM that does not exist. Raises as `observe`."""
        return await rehearse(self._api, self._schema, namespace)

    async def perform(self, effect: Effect, *, not_after: datetime) -> Result:
        """Act. Raises Temporary when the outcome is unknown, or `not_after` has come."""
        return await self._performer.perform(self._ours(effect), not_after=not_after)

    async def watch(self, wake: Wake) -> None:
        """Wake every labelled restore that is there or changes. Runs until cancelled.

        One watch for the whole cluster, or one for each namespace. When `wake` raises Temporary it
        is called again later with the same objects.
        """
        self._reflectors = tuple(
            Reflector(self._api, self._schema, self._clock, scope, self._installation, wake)
            for scope in self._scopes
        )
        # No TaskGroup: it hands a cancel on once, and then waits for who has swallowed it.
        tasks = [
            asyncio.create_task(each.run(), name=f"watch {self.name} {scope or EVERYWHERE}")
            for scope, each in zip(self._scopes, self._reflectors, strict=True)
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            await cancelled(tasks, within=LAST_SECONDS)

    async def tell_rights(self) -> None:
        """A log line for each scope in which rights are missing; none if the cluster is away."""
        for scope in self._scopes:
            with contextlib.suppress(Temporary, Permanent):
                await self.rights.tell(scope)

    def _ours(self, effect: E) -> E:
        """The same effect; what it creates says by a label which installation made it."""
        if isinstance(effect, CreateRestore | CreateSnapshot):
            made_by = (INSTALLATION, self._installation)
            return replace(effect, labels=(*effect.labels, made_by))
        return effect

    @property
    def watching(self) -> bool:
        """Every watch stands."""
        return bool(self._reflectors) and all(one.watching for one in self._reflectors)


def _complete(found: F, reads: Reads) -> F:
    """What was read, if nothing was kept back: what may not be read is not absent."""
    if reads.forbidden is not None:
        raise Permanent("forbidden", refusals.MAY_NOT_LOOK.format(text=reads.forbidden.text))
    return found
