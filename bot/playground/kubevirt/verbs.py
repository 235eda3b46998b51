"""The verbs on stored resources: get, list, watch, create, update, patch, delete."""

import base64
import json
from typing import Any

from bot.playground.kubevirt.api import Api, DeleteOptions, WriteOptions, for_status
from bot.playground.kubevirt.exchange import Exchange, Reply, sent_object
from bot.playground.kubevirt.paths import Asked
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
    revision_from_the_future,
)
from bot.playground.kubevirt.rendering import Rendering, form_of
from bot.playground.kubevirt.resources import Resource
from bot.playground.kubevirt.selectors import Selector, parse_selector
from bot.playground.kubevirt.storage import key_of
from bot.playground.kubevirt.watching import WatchRequest

Json = dict[str, Any]
_STRICTNESS = ("Ignore", "Warn", "Strict")


def lost(exchange: Exchange, unknown: list[str]) -> ApiError:
    """404 for what leads nowhere, kept so that a test can see it."""
    unknown.append(f"{exchange.asked.method} {exchange.asked.path}")
    return page_not_found()


class Verbs:
    """Serves requests for kinds that are stored."""

    def __init__(self, plane: Plane, api: Api, unknown: list[str]) -> None:
        self._plane = plane
        self._api = api
        self._unknown = unknown

    def serve(self, exchange: Exchange, resource: Resource) -> Reply | WatchRequest:
        """The reply to one request, or the watch it asks for."""
        asked = exchange.asked
        self._check_scope(exchange, resource)
        rendering = Rendering(
            resource,
            asked.version,
            form_of(exchange.accept),
            self._plane.now(),
            asked.query.get("includeObject", "Metadata"),
        )
        match asked.verb:
            case "watch":
                return self._watch(exchange, rendering)
            case "list":
                return Reply(200, self._list(asked, rendering))
            case "get":
                return Reply(200, rendering.one(self._api.get(resource, asked.scope, asked.name)))
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
            raise method_not_allowed() if asked.verb == "create" else lost(exchange, self._unknown)
        if not asked.subresource:
            return
        if asked.subresource != "status":
            raise lost(exchange, self._unknown)
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
            raise _no_revision(revision)
        timeout = query.get("timeoutSeconds", "")
        return WatchRequest(
            namespace=exchange.asked.scope,
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
        found = [obj for obj in storage.view(plural, asked.scope or None) if selector.accepts(obj)]
        rest = [obj for obj in found if after is None or list(key_of(obj)) > after]
        limit = _number(asked.query.get("limit") or "0")
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
            raise bad_request(f"invalid continue token: {_why_no_token(token)}") from broken
        if revision < self._plane.storage.oldest:
            text = (
                "The provided continue parameter is too old to display a consistent list result. "
                "You must start a new list without the continue parameter."
            )
            raise expired(text)
        return str(revision), start

    def _check_revision(self, revision: str) -> None:
        if revision and not revision.isdigit():
            raise _no_revision(revision)
        if revision and int(revision) > self._plane.storage.revision:
            raise revision_from_the_future(revision, self._plane.storage.revision)

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
        sent = sent_object(exchange, resource)
        return self._api.create(resource, exchange.asked.scope, sent, self._how(exchange))

    def _change(self, exchange: Exchange, resource: Resource) -> Json:
        asked, how = exchange.asked, self._how(exchange)
        how = for_status(how) if asked.subresource else how
        if asked.verb == "patch":
            change = (exchange.content_type, exchange.raw)
            return self._api.patch(resource, (asked.scope, asked.name), change, how)
        sent = sent_object(exchange, resource)
        named = (sent.get("metadata") or {}).get("name")
        if named != asked.name:
            text = f"the name of the object ({named}) does not match the name on the URL ({asked.name})"
            raise bad_request(text)
        if sent["metadata"].get("namespace", asked.scope) != asked.scope:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")  # fmt: skip
        return self._api.update(resource, asked.scope, sent, how)

    def _delete(self, exchange: Exchange, rendering: Rendering) -> Json:
        asked, resource = exchange.asked, rendering.resource
        how = _delete_options(exchange)
        obj, gone = self._api.delete(resource, asked.scope, asked.name, how)
        if not gone:
            return rendering.one(obj)
        group = {"group": resource.group} if resource.group else {}
        details = {
            "name": asked.name,
            **group,
            "kind": resource.plural,
            "uid": obj["metadata"]["uid"],
        }
        head = {"kind": "Status", "apiVersion": "v1", "metadata": {}}
        return {**head, "status": "Success", "details": details}

    def _delete_all(self, exchange: Exchange, rendering: Rendering) -> Json:
        asked, how = exchange.asked, _delete_options(exchange)
        listed = self._list(asked, Rendering(rendering.resource, asked.version, "plain", self._plane.now()))  # fmt: skip
        for obj in listed["items"]:
            self._api.delete(rendering.resource, *key_of(obj), how)
        return listed


def _number(text: str) -> int:
    """A limit; one below zero is no limit."""
    if not text.removeprefix("-").isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return max(0, int(text))


def _no_revision(text: str) -> ApiError:
    syntax = f'strconv.ParseUint: parsing "{text}": invalid syntax'
    what = f'resourceVersion: Invalid value: "{text}": {syntax}'
    return bad_request(f"invalid resource version: {what}")


def _why_no_token(token: str) -> str:
    """What is wrong with a continue token, as far as it can be told."""
    try:
        decoded = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode(
            "utf-8", "replace"
        )
    except ValueError:
        decoded = ""
    found = f"invalid character '{decoded[:1]}' looking for beginning of value"
    return f"continue key is not valid: {found}" if decoded else "continue key is not valid"


def _selector(resource: Resource, asked: Asked) -> Selector:
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
