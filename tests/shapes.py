"""What a request looks like, and whether the live control plane took one that looks so.

A shape is taken apart: method and path (names and namespaces as placeholders, watches apart), each
parameter of the query, the Accept header, the content type, and each field of the body. Every part of
a request of the bot must have been part of a recorded request to the same method and path, which the
control plane understood. Whatever else it may have refused it for, it was not its form.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from bot.cluster.rights import RIGHTS
from bot.playground.kubevirt.exchange import ApiCall
from bot.playground.kubevirt.server import BOT
from tests.cluster.replay import recordings

Json = dict[str, Any]
_NAMED = re.compile(r"(?P<root>/api/v1|/apis/[^/]+/[^/]+)(/namespaces/(?P<ns>[^/]+))?/(?P<rest>.+)")
# What the form of a request was refused with.
_NOT_THE_FORM = {400, 405, 406, 415}
# Values that say what is done; of the others only the name counts.
_CLUSTER_WIDE = (
    "customresourcedefinitions",
    "kubevirts",
    "namespaces",
    "storageclasses",
    "version",
)
_TOLD = {"dryRun", "fieldValidation", "allowWatchBookmarks"}
# Whose keys a person or the bot chooses.
_FREE = ("metadata.labels.", "metadata.annotations.")


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """A part of a request that no recording shows, and why it may be sent all the same."""

    part: str
    reason: str


def _review(kind: str, *inner: str) -> Iterator[Unrecorded]:
    """What one may do oneself: any account may ask, with the whole object as the body."""
    path, reason = f"POST /apis/authorization.k8s.io/v1/{kind}", "a built-in kind of Kubernetes"
    yield Unrecorded(path, reason)
    for part in ("apiVersion", "kind", "spec", *inner):
        yield Unrecorded(f"{path} {{{part}}}", reason)


def _event() -> Iterator[Unrecorded]:
    """An event that is written on a VM."""
    path = "POST /api/v1/namespaces/{namespace}/events"
    reason = "in the form in which Kubernetes' own recorder writes events (client-go tools/record)"
    yield Unrecorded(path, reason)
    about = ("apiVersion", "kind", "name", "namespace", "uid")
    fields = ("apiVersion", "kind", "metadata", "metadata.name", "metadata.namespace", "type")
    times = ("firstTimestamp", "lastTimestamp", "count", "reason", "message")
    source = ("source", "source.component", "reportingComponent", "reportingInstance")
    inner = ("involvedObject", *(f"involvedObject.{each}" for each in about))
    for part in (*fields, *times, *source, *inner):
        yield Unrecorded(f"{path} {{{part}}}", reason)


_RESTORES = "/apis/snapshot.kubevirt.io/v1beta1/namespaces/{namespace}/virtualmachinerestores"
_SNAPSHOTS = "/apis/snapshot.kubevirt.io/v1beta1/namespaces/{namespace}/virtualmachinesnapshots"
_ANYWHERE = "recorded in one namespace; without the namespace the same API server lists them all"
_METADATA = "metadata of every kind; what a label may hold is recorded on restores"

UNRECORDED = (
    Unrecorded("GET /version", "the API server's own version; any account may read it"),
    Unrecorded(
        "GET /api/v1/namespaces/{name}",
        "the UID of kube-system; any kind of the core API is read so",
    ),
    Unrecorded(
        "GET /apis/kubevirt.io/v1/kubevirts",
        "only where that namespace is closed; every authenticated account may list them, by the"
        " ClusterRole kubevirt.io:default of KubeVirt's operator",
    ),
    Unrecorded(
        "GET /apis/subresources.kubevirt.io/v1/version",
        "virt-api's version, for the check of a set-up only; by its source it produces JSON",
    ),
    Unrecorded(
        "GET /apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}",
        "which fields a restore has; where it may not be read, discovery is asked",
    ),
    Unrecorded(
        "GET /openapi/v3/apis/snapshot.kubevirt.io/v1beta1", "only where the CRD may not be read"
    ),
    *_event(),
    *_review("selfsubjectrulesreviews", "spec.namespace"),
    *_review(
        "selfsubjectaccessreviews",
        "spec.resourceAttributes",
        "spec.resourceAttributes.namespace",
        "spec.resourceAttributes.verb",
        "spec.resourceAttributes.group",
        "spec.resourceAttributes.resource",
        "spec.resourceAttributes.subresource",
    ),
    Unrecorded("GET /apis/snapshot.kubevirt.io/v1beta1/virtualmachinerestores", _ANYWHERE),
    Unrecorded("WATCH /apis/snapshot.kubevirt.io/v1beta1/virtualmachinerestores", _ANYWHERE),
    Unrecorded("GET /apis/kubevirt.io/v1/virtualmachines", _ANYWHERE),
    Unrecorded(
        "GET /apis/snapshot.kubevirt.io/v1beta1/namespaces/{namespace}/virtualmachinesnapshotcontents",
        "recorded by name, and such a list of the snapshots beside them",
    ),
    Unrecorded(f"GET {_RESTORES}", "recorded as a watch, and for the snapshots beside them"),
    Unrecorded("WATCH (API server) ?labelSelector=", "recorded for a list, which reads it alike"),
    Unrecorded(
        "GET /apis/kubevirt.io/v1/namespaces/{namespace}/virtualmachineinstances",
        "recorded by name; a list of the same kind in the same namespace",
    ),
    Unrecorded(
        "GET /api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}",
        "recorded as a list of the same kind in the same namespace",
    ),
    Unrecorded(
        "GET /apis/snapshot.storage.k8s.io/v1/namespaces/{namespace}/volumesnapshots",
        "where there are many; a list of a custom resource, as recorded for snapshots",
    ),
    Unrecorded("GET /api/v1/namespaces/{namespace}/pods", "recorded for claims, of the same API"),
    Unrecorded(
        "GET /api/v1/namespaces/{namespace}/resourcequotas", "recorded for claims, of the same API"
    ),
    Unrecorded(
        "GET /api/v1/namespaces/{namespace}/limitranges", "recorded for claims, of the same API"
    ),
    Unrecorded(
        "GET /apis/cdi.kubevirt.io/v1beta1/namespaces/{namespace}/datavolumes/{name}",
        "a custom kind, read by its name; for a diagnosis, which may do without it",
    ),
    Unrecorded(
        "GET /apis/snapshot.storage.k8s.io/v1/namespaces/{namespace}/volumesnapshots/{name}",
        "the storage system's own objects; by name, as recorded for KubeVirt's snapshots",
    ),
    Unrecorded(
        "GET /apis/storage.k8s.io/v1/storageclasses/{name}",
        "of the API server itself, by name and in no namespace",
    ),
    Unrecorded(
        "POST (API server) ?fieldValidation=Strict",
        "recorded with an unknown field, which it then refuses by name (400)",
    ),
    Unrecorded(f"POST {_RESTORES} {{metadata.annotations}}", _METADATA),
    Unrecorded(
        f"POST {_RESTORES} {{spec.volumeRestorePolicy}}",
        "tried on the live control plane, but not recorded (with InPlace and PrefixTargetName)",
    ),
    Unrecorded(f"POST {_SNAPSHOTS} {{metadata.labels}}", _METADATA),
    Unrecorded(f"POST {_SNAPSHOTS} {{metadata.annotations}}", _METADATA),
    Unrecorded(
        "GET (API server) ?continue=", "recorded with a token that is none; its own are opaque"
    ),
    Unrecorded(
        "GET (API server) ?includeObject=",
        "a table without it is recorded; by the API server's source (asTable) it leaves out objects",
    ),
    Unrecorded(
        "DELETE /apis/kubevirt.io/v1/namespaces/{namespace}/virtualmachineinstances/{name}",
        "tried on the live control plane, but not recorded: it clears what a guest left behind",
    ),
)


def unknown(log: Iterable[ApiCall]) -> list[str]:
    """The parts of the bot's requests that are neither recorded nor listed."""
    listed = {one.part for one in UNRECORDED}
    return sorted(sent(log) - recorded() - listed)


def beyond_the_chart(log: Iterable[ApiCall]) -> list[str]:
    """What the bot called in namespaces without a right of the list; everybody's rights aside."""
    listed = {(each.verb, each.group, each.resource) for each in RIGHTS}
    return sorted(" ".join(one) for one in called(log) - listed)


def called(log: Iterable[ApiCall]) -> set[tuple[str, str, str]]:
    """Verb, group and resource of what the bot called in namespaces, or for all of them."""
    return {
        (call.verb, call.group, f"{call.resource}/{call.subresource}".rstrip("/"))
        for call in log
        if call.user == BOT
        and call.resource
        and call.group != "authorization.k8s.io"
        and call.resource not in _CLUSTER_WIDE
    }


def sent(log: Iterable[ApiCall]) -> set[str]:
    """The parts of all requests of the bot, those for other people among them."""
    calls = [one for one in log if BOT in (one.user, one.by)]
    return {part for one in calls for part in _parts_of_call(one)}


@cache
def recorded() -> frozenset[str]:
    """The parts of all recorded requests that were understood."""
    parts: set[str] = set()
    for exchange in recordings():
        response = exchange.response
        plain = "json" not in response["content_type"]
        if response["status"] in _NOT_THE_FORM or (response["status"] == 404 and plain):
            continue
        request = exchange.request
        split = urlsplit(request["path"])
        headers = request["headers"]
        parts |= set(
            _parts(
                (request["method"], split.path),
                dict(parse_qsl(split.query)),
                (headers.get("Accept"), headers.get("Content-Type")),
                request["body"],
            )
        )
    return frozenset(parts)


def _parts_of_call(call: ApiCall) -> Iterator[str]:
    headers = (call.accept, call.content_type)
    return _parts((call.method, call.path), call.query, headers, call.body)


def _parts(
    asked: tuple[str, str], query: Any, headers: tuple[str | None, str | None], body: Json | None
) -> Iterator[str]:
    method, path = asked
    kind = "WATCH" if query.get("watch") in ("1", "true") else method
    here = f"{kind} {template(path)}"
    yield here
    # Headers and parameters belong to the verb and to the server that answers, not to the one path;
    # so do the options of a delete.
    server = "virt-api" if path.startswith("/apis/subresources.") else "API server"
    verb = f"{kind} ({server})"
    for name, value in sorted(query.items()):
        yield f"{verb} ?{name}={value if name in _TOLD else ''}"
    yield f"{verb} Accept: {headers[0]}"
    yield f"{verb} Content-Type: {headers[1]}"
    for name in fields(body):
        yield f"{verb if kind == 'DELETE' else here} {{{name}}}"


def template(path: str) -> str:
    """A path with placeholders for the namespace and the name."""
    # Both versions of the snapshot API have one schema and differ in nothing.
    path = path.replace("/snapshot.kubevirt.io/v1alpha1", "/snapshot.kubevirt.io/v1beta1")
    found = _NAMED.fullmatch(path)
    if found is None:
        return path
    kind, _, rest = found["rest"].partition("/")
    name, _, subresource = rest.partition("/")
    where = f"{found['root']}{'/namespaces/{namespace}' if found['ns'] else ''}/{kind}"
    named = f"{where}/{{name}}" if name else where
    return f"{named}/{subresource}" if subresource else named


def fields(body: Any, path: str = "") -> Iterator[str]:
    """The fields of a body, by their paths."""
    if not isinstance(body, dict):
        return
    for name, value in body.items():
        whole = f"{path}.{name}" if path else name
        yield whole
        if not any(whole.startswith(free.rstrip(".")) for free in _FREE):
            yield from fields(value, whole)
