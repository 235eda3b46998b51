"""The HTTP face: authentication, faults, routing, Status bodies, and the log of every request.

A request is applied in one go: nothing is awaited between its authorization and its log entry, so
the order of the log is the order in which the cluster changed.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import yaml
from aiohttp import web

from bot.playground.kubevirt.api import Api, DeleteOptions, WriteOptions, for_status
from bot.playground.kubevirt.authorization import Authorizer, User, review, unauthorized
from bot.playground.kubevirt.discovery import discover, kubevirt_version
from bot.playground.kubevirt.faults import Answer, Delay, DropAfter, DropBefore, SlowAnswer, Traits
from bot.playground.kubevirt.paths import Asked, parse_path
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.problems import (
    ApiError,
    Cause,
    bad_request,
    expired,
    invalid,
    method_not_allowed,
    not_found,
    page_not_found,
    unsupported_media,
)
from bot.playground.kubevirt.rendering import Rendering, form_of
from bot.playground.kubevirt.resources import REVIEWS, VMS, Resource
from bot.playground.kubevirt.selectors import parse_selector
from bot.playground.kubevirt.storage import key_of
from bot.playground.kubevirt.subresources import ACTIONS, perform
from bot.playground.kubevirt.watching import Watches, WatchRequest

Json = dict[str, Any]
USER_PREFIX = "/user/"
_STRICTNESS = ("Ignore", "Warn", "Strict")


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One request as it was answered. `revision` is the storage's after it.

    `code` is 0 when the request was dropped before it was applied; `answered` is False when the
    answer was lost.
    """

    at: datetime
    user: str
    verb: str
    method: str
    path: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    dry_run: bool
    body: Json | None
    code: int
    response: Json | None
    revision: int
    by: str = ""
    answered: bool = True


@dataclass(slots=True)
class Exchange:
    """A request while it is served."""

    asked: Asked
    headers: Mapping[str, str]
    raw: bytes
    prefix: str
    at: datetime
    token: str = ""
    user: User | None = None
    by: str = ""
    groups: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)

    @property
    def content_type(self) -> str:
        """Without parameters."""
        return self.headers.get("Content-Type", "application/json").split(";")[0].strip()

    @property
    def manager(self) -> str:
        """Who writes, for managedFields."""
        agent = self.headers.get("User-Agent", "unknown").split("/")[0]
        return self.asked.query.get("fieldManager") or agent

    @property
    def body(self) -> Json | None:
        """The body as an object, if it is one."""
        try:
            held = json.loads(self.raw) if self.raw else None
        except ValueError:
            return None
        return held if isinstance(held, dict) else None

    @property
    def dry_run(self) -> bool:
        """From the query, or from delete options."""
        in_body = (self.body or {}).get("dryRun") == ["All"] and self.asked.verb != "create"
        return self.asked.dry_run or in_body


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back."""

    code: int
    payload: Json | str | None
    retry_after: int | None = None


class Frontend:
    """Serves one cluster over HTTP."""

    def __init__(self, plane: Plane, api: Api, authorizer: Authorizer) -> None:
        self._plane = plane
        self._api = api
        self._authorizer = authorizer
        self.log: list[ApiCall] = []
        self.unknown: list[str] = []
        self.in_flight = 0
        self.watches = Watches(plane.storage, plane.clock, lambda: plane.knobs.bookmark_every)

    def application(self) -> web.Application:
        """One route for everything."""
        app = web.Application(client_max_size=3 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        app.on_shutdown.append(self._on_shutdown)
        return app

    async def _on_shutdown(self, _: web.Application) -> None:
        self.watches.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.in_flight += 1
        counted = True
        try:
            exchange = await self._read(request)
            effect = self._plane.faults.take(self._traits(exchange))
            match effect:
                case Answer():
                    return self._send(exchange, _fault_reply(effect))
                case DropBefore():
                    self._note(exchange, Reply(0, None), answered=False)
                    return _dropped(request)
                case Delay():
                    await self._plane.clock.sleep(effect.seconds)
            reply = self._reply(exchange)
            if isinstance(reply, WatchRequest):
                self._note(exchange, Reply(200, None))
                self.in_flight -= 1
                counted = False
                return await self.watches.serve(request, reply)
            match effect:
                case DropAfter():
                    self._note(exchange, reply, answered=False)
                    return _dropped(request)
                case SlowAnswer():
                    response = self._send(exchange, reply)
                    await self._plane.clock.sleep(effect.seconds)
                    return response
            return self._send(exchange, reply)
        finally:
            self.in_flight -= counted

    async def _read(self, request: web.Request) -> Exchange:
        path, prefix, token = request.path, "", _bearer(request.headers)
        if path.startswith(USER_PREFIX):
            # kubectl sends no token over plain http, so its kubeconfig carries it in the path.
            named, _, rest = path.removeprefix(USER_PREFIX).partition("/")
            path, prefix, token = f"/{rest}", f"{USER_PREFIX}{named}", token or named
        query = {name: ",".join(request.query.getall(name)) for name in request.query}
        asked = parse_path(request.method, path, query)
        raw = await request.read()
        groups = tuple(request.headers.getall("Impersonate-Group", []))
        now = self._plane.now()
        return Exchange(asked, request.headers, raw, prefix, now, token=token, groups=groups)

    def _traits(self, exchange: Exchange) -> Traits:
        asked = exchange.asked
        user = exchange.headers.get("Impersonate-User", "")
        if not user:
            held = [a for a in self._authorizer.accounts.values() if a.token == exchange.token]
            user = held[0].user.name if held else ""
        name = asked.name or _body_name(exchange)
        return Traits(asked.verb, asked.method, asked.plural, asked.subresource, asked.namespace,
                      name, user, exchange.dry_run)  # fmt: skip

    def _reply(self, exchange: Exchange) -> Reply | WatchRequest:
        try:
            exchange.user = self._identify(exchange)
            self._authorizer.check(exchange.user, exchange.asked.attributes)
            return self._dispatch(exchange)
        except ApiError as refused:
            return Reply(refused.code, refused.message if refused.plain else refused.status())

    def _identify(self, exchange: Exchange) -> User:
        user = self._authorizer.authenticate(exchange.token)
        wanted = exchange.headers.get("Impersonate-User", "")
        if not wanted:
            if exchange.groups:
                raise ApiError(500, "InternalError", "Internal error occurred: requested groups without impersonating a user")  # fmt: skip
            return user
        exchange.by = user.name
        try:
            return self._authorizer.impersonated(user, wanted, exchange.groups)
        except ApiError:
            exchange.user = user
            raise

    def _dispatch(self, exchange: Exchange) -> Reply | WatchRequest:
        asked = exchange.asked
        if not asked.plural:
            found = discover(asked.path, self._plane.knobs, exchange.prefix)
            if found is None or asked.method not in ("GET", "HEAD"):
                raise self._lost(exchange)
            return Reply(200, found)
        if asked.aggregated:
            return self._aggregated(exchange)
        resource = asked.resource
        if resource is None:
            raise self._lost(exchange)
        if resource.group in self._plane.knobs.absent_groups:
            raise page_not_found()
        if asked.verb not in resource.verbs:
            raise method_not_allowed()
        if resource in REVIEWS:
            answer = review(
                self._authorizer, _known(exchange.user), resource.plural, _sent(exchange)
            )
            return Reply(201, answer)
        return self._resource(exchange, resource)

    def _lost(self, exchange: Exchange) -> ApiError:
        """404 for what leads nowhere, kept so that a test can see it."""
        if not exchange.asked.path.startswith("/openapi/v2"):
            self.unknown.append(f"{exchange.asked.method} {exchange.asked.path}")
        return page_not_found()

    def _aggregated(self, exchange: Exchange) -> Reply:
        asked, knobs = exchange.asked, self._plane.knobs
        if VMS.group in knobs.absent_groups:
            raise page_not_found()
        if knobs.virt_api_down:
            raise ApiError(503, "ServiceUnavailable", "service unavailable\n", plain=True)
        if asked.plural == "version" and asked.method == "GET":
            return Reply(200, kubevirt_version(knobs))
        known = asked.plural == VMS.plural and asked.subresource in ACTIONS
        if not known or asked.method != "PUT":
            raise self._lost(exchange)
        try:
            body = json.loads(exchange.raw) if exchange.raw.strip() else {}
            if not isinstance(body, dict):
                raise TypeError(f"cannot unmarshal {type(body).__name__}")
        except (ValueError, TypeError) as broken:
            text = f"Can not unmarshal Request body to struct, error: {broken}"
            raise bad_request(text) from broken
        perform(self._api, (asked.namespace, asked.name), asked.subresource, body)
        return Reply(202, None)

    def _resource(self, exchange: Exchange, resource: Resource) -> Reply | WatchRequest:
        asked = exchange.asked
        self._check_scope(exchange, resource)
        rendering = Rendering(
            resource,
            asked.version,
            form_of(exchange.headers.get("Accept", "")),
            self._plane.now(),
            asked.query.get("includeObject", "Metadata"),
        )
        match asked.verb:
            case "watch":
                return self._watch(exchange, rendering)
            case "list":
                return Reply(200, self._list(asked, rendering))
            case "get":
                return Reply(200, rendering.one(self._api.get(resource, asked.namespace, asked.name)))
            case "create":
                return Reply(201, rendering.one(self._create(exchange, resource)))
            case "update" | "patch":
                return Reply(200, rendering.one(self._change(exchange, resource)))
            case "delete":
                return Reply(200, self._delete(exchange, rendering))
            case _:
                return Reply(200, self._delete_all(exchange, rendering))

    def _check_scope(self, exchange: Exchange, resource: Resource) -> None:
        asked = exchange.asked
        across = asked.verb in ("list", "watch") and not asked.subresource
        if resource.namespaced and not asked.namespace and not across:
            raise method_not_allowed() if asked.verb == "create" else self._lost(exchange)
        if not asked.subresource:
            return
        if asked.subresource != "status":
            raise self._lost(exchange)
        if not resource.status:
            raise not_found(resource, asked.name)
        if asked.verb not in ("get", "update", "patch"):
            raise method_not_allowed()

    def _watch(self, exchange: Exchange, rendering: Rendering) -> WatchRequest:
        query = exchange.asked.query
        if "sendInitialEvents" in query:
            text = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
            cause = Cause("sendInitialEvents", f"Forbidden: {text}", "FieldValueForbidden")
            raise invalid(rendering.resource, "", [cause])
        revision = query.get("resourceVersion", "")
        if revision and not revision.isdigit():
            raise bad_request(f'resourceVersion: Invalid value: "{revision}": strconv.ParseUint')
        timeout = query.get("timeoutSeconds", "")
        return WatchRequest(
            namespace=exchange.asked.namespace,
            selector=_selector(rendering.resource, exchange.asked),
            rendering=rendering,
            revision=revision,
            bookmarks=query.get("allowWatchBookmarks") in ("1", "true"),
            timeout=float(timeout) if timeout.isdigit() and timeout != "0" else None,
        )

    def _list(self, asked: Asked, rendering: Rendering) -> Json:
        selector = _selector(rendering.resource, asked)
        storage, plural = self._plane.storage, rendering.resource.plural
        revision, after = self._place(asked)
        found = [
            obj for obj in storage.view(plural, asked.namespace or None) if selector.accepts(obj)
        ]
        rest = [obj for obj in found if after is None or list(key_of(obj)) > after]
        limit = int(asked.query.get("limit") or 0)
        page = rest[:limit] if limit else rest
        metadata: Json = {"resourceVersion": revision}
        if len(page) < len(rest):
            token = {"v": "meta.k8s.io/v1", "rv": int(revision), "start": list(key_of(page[-1]))}
            metadata["continue"] = base64.urlsafe_b64encode(json.dumps(token).encode()).decode()
            if not selector.tests:
                metadata["remainingItemCount"] = len(rest) - len(page)
        return rendering.many(page, metadata)

    def _place(self, asked: Asked) -> tuple[str, list[str] | None]:
        """The revision of the list, and the key the page starts after."""
        token = asked.query.get("continue")
        if not token:
            self._check_revision(asked.query.get("resourceVersion", ""))
            return str(self._plane.storage.revision), None
        try:
            held = json.loads(base64.urlsafe_b64decode(token))
            revision, start = int(held["rv"]), list(held["start"])
        except (ValueError, KeyError, TypeError) as broken:
            raise bad_request("continue key is not valid") from broken
        if revision < self._plane.storage.oldest:
            text = (
                "The provided continue parameter is too old to display a consistent list result. "
                "You must start a new list without the continue parameter."
            )
            raise expired(text)
        return str(revision), start

    def _check_revision(self, revision: str) -> None:
        if revision and not revision.isdigit():
            raise bad_request(f'resourceVersion: Invalid value: "{revision}": strconv.ParseUint')
        if revision and int(revision) > self._plane.storage.revision:
            text = f"Too large resource version: {revision}, current: {self._plane.storage.revision}"
            raise ApiError(504, "Timeout", text, {"retryAfterSeconds": 1})

    def _how(self, exchange: Exchange) -> WriteOptions:
        query = exchange.asked.query
        if query.get("dryRun", "All") != "All":
            text = f'Invalid value: "{query["dryRun"]}": dryRun: Unsupported value: supported values: "All"'
            raise bad_request(text)
        strictness = query.get("fieldValidation") or "Warn"
        if strictness not in _STRICTNESS:
            raise bad_request(f'fieldValidation: Unsupported value: "{strictness}"')
        return WriteOptions(
            dry_run=exchange.dry_run,
            strictness=strictness,
            manager=exchange.manager,
            version=exchange.asked.version,
            warnings=exchange.warnings,
        )

    def _create(self, exchange: Exchange, resource: Resource) -> Json:
        sent = _sent(exchange)
        return self._api.create(resource, exchange.asked.namespace, sent, self._how(exchange))

    def _change(self, exchange: Exchange, resource: Resource) -> Json:
        asked, how = exchange.asked, self._how(exchange)
        how = for_status(how) if asked.subresource else how
        if asked.verb == "patch":
            change = (exchange.content_type, exchange.raw)
            return self._api.patch(resource, (asked.namespace, asked.name), change, how)
        sent = _sent(exchange)
        named = (sent.get("metadata") or {}).get("name")
        if named != asked.name:
            text = f"the name of the object ({named}) does not match the name on the URL ({asked.name})"
            raise bad_request(text)
        if sent["metadata"].get("namespace", asked.namespace) != asked.namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")  # fmt: skip
        return self._api.update(resource, asked.namespace, sent, how)

    def _delete(self, exchange: Exchange, rendering: Rendering) -> Json:
        asked, resource = exchange.asked, rendering.resource
        how = _delete_options(exchange)
        obj, gone = self._api.delete(resource, asked.namespace, asked.name, how)
        if not gone:
            return rendering.one(obj)
        group = {"group": resource.group} if resource.group else {}
        details = {"name": asked.name, **group, "kind": resource.plural, "uid": obj["metadata"]["uid"]}
        head = {"kind": "Status", "apiVersion": "v1", "metadata": {}}
        return {**head, "status": "Success", "details": details}

    def _delete_all(self, exchange: Exchange, rendering: Rendering) -> Json:
        asked, how = exchange.asked, _delete_options(exchange)
        listed = self._list(asked, Rendering(rendering.resource, asked.version, "plain", self._plane.now()))  # fmt: skip
        for obj in listed["items"]:
            self._api.delete(rendering.resource, *key_of(obj), how)
        return listed

    def _send(self, exchange: Exchange, reply: Reply) -> web.Response:
        self._note(exchange, reply)
        headers = {} if reply.retry_after is None else {"Retry-After": str(reply.retry_after)}
        if isinstance(reply.payload, dict):
            body = json.dumps(reply.payload, separators=(",", ":"))
            response = web.Response(
                status=reply.code, text=body, headers=headers, content_type="application/json"
            )
        else:
            response = web.Response(status=reply.code, text=reply.payload or "", headers=headers)
        for text in exchange.warnings:
            response.headers.add("Warning", f'299 - "{text}"')
        return response

    def _note(self, exchange: Exchange, reply: Reply, *, answered: bool = True) -> None:
        asked = exchange.asked
        payload = reply.payload if isinstance(reply.payload, dict) else None
        named = (payload or {}).get("metadata") or {}
        name = asked.name or _body_name(exchange)
        if asked.verb == "create" and reply.code == 201:
            name = named.get("name", "") or name
        self.log.append(
            ApiCall(
                at=exchange.at,
                user=exchange.user.name if exchange.user else "",
                verb=asked.verb or asked.method.lower(),
                method=asked.method,
                path=asked.path,
                group=asked.group,
                resource=asked.plural,
                subresource=asked.subresource,
                namespace=asked.namespace,
                name=name,
                dry_run=exchange.dry_run,
                body=exchange.body,
                code=reply.code,
                response=payload,
                revision=self._plane.storage.revision,
                by=exchange.by,
                answered=answered,
            )
        )


def _bearer(headers: Mapping[str, str]) -> str:
    kind, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _known(user: User | None) -> User:
    if user is None:
        raise unauthorized()
    return user


def _body_name(exchange: Exchange) -> str:
    body = exchange.body if exchange.asked.verb == "create" else None
    return str(((body or {}).get("metadata") or {}).get("name") or "")


def _sent(exchange: Exchange) -> Json:
    """The object in the body."""
    if exchange.content_type not in ("application/json", "application/yaml"):
        raise unsupported_media(("application/json", "application/yaml"))
    try:
        held = yaml.safe_load(exchange.raw) if "yaml" in exchange.content_type else json.loads(exchange.raw)  # fmt: skip
    except (ValueError, yaml.YAMLError) as broken:
        text = f"the object provided is unrecognized (must be of type Object): {broken}"
        raise bad_request(text) from broken
    if not isinstance(held, dict):
        raise bad_request("the object provided is unrecognized (must be of type Object)")
    held["metadata"] = held.get("metadata") or {}
    return held


def _selector(resource: Resource, asked: Asked) -> Any:
    query = asked.query
    return parse_selector(resource, query.get("labelSelector", ""), query.get("fieldSelector", ""))


def _delete_options(exchange: Exchange) -> DeleteOptions:
    body, query = exchange.body or {}, exchange.asked.query
    preconditions = body.get("preconditions") or {}
    return DeleteOptions(
        dry_run=exchange.dry_run,
        propagation=body.get("propagationPolicy") or query.get("propagationPolicy") or "Background",
        uid=preconditions.get("uid") or "",
        revision=preconditions.get("resourceVersion") or "",
    )


def _fault_reply(fault: Answer) -> Reply:
    error = ApiError(fault.code, fault.reason, fault.message)
    return Reply(fault.code, error.status(), fault.retry_after)


def _dropped(request: web.Request) -> web.Response:
    """Break the connection; what is returned is never written."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
