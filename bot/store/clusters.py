"""Which cluster each name stands for: the fingerprint that was met first under it.

Two installations of one name would do each other's restores. So a fingerprint is compared with the known
one before anything is done on a cluster (see `identity.py` of the cluster).
"""

from bot.store.connection import Client
from bot.store.failures import translated
from bot.store.keys import CLUSTERS, Keys
from bot.store.scripts import Scripts


class KnownClusters:
    """The clusters of one installation, by the names that its settings give them."""

    def __init__(self, scripts: Scripts, keys: Keys) -> None:
        self._scripts = scripts
        self._keys = {"clusters": keys.clusters}

    async def recognise(self, name: str, kind: str, uid: str) -> str | None:
        """None if the name stands for this cluster, which it does from now on if it is new.

        Otherwise the UID of the other one. `kind` is that of the object whose UID it is.
        """
        known: str | None = await self._scripts.run(
            "recognise_cluster", self._keys, cluster=name, kind=kind, uid=uid
        )
        return known

    async def names(self) -> list[str]:
        """The names that stand for a cluster."""
        return sorted(await self._scripts.run("known_clusters", self._keys))

    async def forget(self, name: str) -> None:
        """Let the name stand for whatever cluster is met next."""
        await self._scripts.run("forget_cluster", self._keys, cluster=name)


async def workspaces(client: Client, installation: str) -> list[str]:
    """The ids of the Slack workspaces for which an installation of this name knows clusters."""
    with translated():
        found = {
            key async for key in client.scan_iter(match=f"{{vmr:*:{installation}}}:{CLUSTERS}")
        }
    return sorted(key.removeprefix("{vmr:").partition(":")[0] for key in found)
