"""What a request to an API server is about, as RBAC and the audit log name it, read from its path."""

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def asked(method: str, path: str) -> tuple[str, str]:
    """Its verb and its resource: ("list", "pods"), ("update", "virtualmachines/stop").

    What is no resource is named by its first parts: ("get", "version"), ("get", "apis").
    """
    parts = path.strip("/").split("/")
    root = {"api": 2, "apis": 3}.get(parts[0])
    if root is None or len(parts) <= root:
        return _VERBS.get(method, "get"), parts[0]
    if len(parts) > root + 2 and parts[root] == "namespaces":
        root += 2
    resource = "/".join([parts[root], *parts[root + 2 :]])
    named = len(parts) > root + 1
    return _VERBS.get(method, "get" if named else "list"), resource
