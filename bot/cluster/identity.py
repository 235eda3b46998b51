"""Is this the cluster that its name stands for? Asked before anything else is, until it is known.

    the UID of the namespace kube-system    which a cluster keeps for its whole life
    the UID of the KubeVirt object          where the namespace may not be read: KubeVirt lets every
                                            authenticated account list those
    neither                                 unknown: a warning, and the bot works as if it were right

What is known of a name is kept outside of this room; `Recognise` asks it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot.cluster import names
from bot.cluster.client import Api, ApiStatusError
from bot.cluster.document import items, text
from bot.errors import AnotherCluster
from bot.restore.installation import DEFAULT

log = structlog.get_logger()

Recognise = Callable[[str, str, str], Awaitable[str | None]]
"""From a cluster's name, the kind of an object and its UID to the UID known instead; None if it fits."""

_NAMESPACE = names.core("namespaces", None, "kube-system")
_KUBEVIRTS = names.kubevirt("kubevirts")
_CLOSED = frozenset({403, 404})


@dataclass(frozen=True, slots=True)
class Installation:
    """For whom a cluster is used."""

    name: str = DEFAULT
    recognise: Recognise | None = None
    """Without it clusters are not compared."""


class Identity:
    """The comparison of one cluster with what is known of its name. Once right, it is right."""

    def __init__(self, api: Api, installation: Installation) -> None:
        self._api = api
        self._installation = installation
        self._confirmed = installation.recognise is None
        self._asking: asyncio.Task[None] | None = None

    async def confirm(self) -> None:
        """Return if the cluster may be used; AnotherCluster if not, Temporary if nobody knows yet.

        Those who ask at the same time ask together.
        """
        if self._confirmed:
            return
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(_heard)
        await asyncio.shield(self._asking)

    async def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask(self) -> None:
        found = await self.fingerprint()
        if found is None:
            log.warning(
                "a cluster cannot be told from others",
                cluster=self._api.cluster,
                fix="let the bot get the namespace kube-system, as the chart does",
            )
        elif self._installation.recognise is not None:
            kind, uid = found
            known = await self._installation.recognise(self._api.cluster, kind, uid)
            if known is not None:
                raise AnotherCluster(self._api.cluster, self._installation.name, kind, known, uid)
        self._confirmed = True

    async def fingerprint(self) -> tuple[str, str] | None:
        """The kind of the object that tells this cluster from others, and its UID."""
        try:
            found = await self._api.send("GET", _NAMESPACE)
            return "kube-system", text(found, "metadata", "uid")
        except ApiStatusError as refusal:
            if refusal.code not in _CLOSED:
                raise
        try:
            page = await self._api.send("GET", _KUBEVIRTS)
        except ApiStatusError as refusal:
            if refusal.code not in _CLOSED:
                raise
            return None
        uids = sorted(text(one, "metadata", "uid") for one in items(page, "items"))
        return ("KubeVirt", uids[0]) if uids else None


def _heard(asking: asyncio.Task[None]) -> None:
    """The caller may be gone; asyncio is not to complain that nobody looked at the answer."""
    if not asking.cancelled():
        asking.exception()
