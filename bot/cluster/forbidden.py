"""What the API server forbids (403): counted, and told in the log once for each kind of request."""

import structlog

log = structlog.get_logger(__name__)

MAX_KINDS = 1000


class Forbidden:
    """One line when a kind of request begins to be forbidden, one when it is allowed again."""

    def __init__(self, cluster: str) -> None:
        self.count = 0
        """How often anything was forbidden."""
        self._cluster = cluster
        self._kinds: set[tuple[str, str]] = set()

    def answered(self, method: str, path: str, status: int) -> None:
        """A request was answered."""
        if status != 403 and not self._kinds:
            return
        kind = (method, _without_name(path))
        if status == 403:
            self.count += 1
            self._begins(kind)
        elif status < 300 and kind in self._kinds:
            self._kinds.remove(kind)
            log.info("the cluster allows it again", **self._of(kind))

    def _begins(self, kind: tuple[str, str]) -> None:
        if kind in self._kinds:
            return
        if len(self._kinds) >= MAX_KINDS:
            self._kinds.clear()
        self._kinds.add(kind)
        log.warning("the cluster forbids it", **self._of(kind))

    def _of(self, kind: tuple[str, str]) -> dict[str, str]:
        return {"cluster": self._cluster, "method": kind[0], "path": kind[1]}


def _without_name(path: str) -> str:
    """The path of the kind in its namespace, with its subresource."""
    parts = path.strip("/").split("/")
    root = 2 if parts[0] == "api" else 3
    if len(parts) > root + 1 and parts[root] == "namespaces":
        root += 2
    named = len(parts) > root + 1
    return "/" + "/".join([*parts[: root + 1], *(["{name}"] if named else []), *parts[root + 2 :]])
