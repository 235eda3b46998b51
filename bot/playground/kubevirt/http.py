"""The HTTP face: authentication, faults, routing, Status bodies, and the log of every request.

A request is applied in one go: nothing is awaited between its authorization and its log entry, so
the order of the log is the order in which the cluster changed.
"""

import json
from typing import Any

import yaml
from aiohttp import web

from bot.playground.clock import dated_by
from bot.playground.kubevirt import virt_api
from bot.playground.kubevirt.api import Api
from bot.playground.kubevirt.authorization import Authorizer, User, review, unauthorized
from bot.playground.kubevirt.coverage import refuse_gap
from bot.playground.kubevirt.discovery import discover
from bot.playground.kubevirt.exchange import ApiCall, Exchange, Reply, read_exchange, sent_object
from bot.playground.kubevirt.faults import (
    Answer,
    ApplyLate,
    Delay,
    DropAfter,
    DropBefore,
    Effect,
    SlowAnswer,
    Traits,
)
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.problems import (
    ApiError,
    method_not_allowed,
    page_not_found,
)
from bot.playground.kubevirt.rendering import YAML, takes_yaml
from bot.playground.kubevirt.resources import REVIEWS
from bot.playground.kubevirt.verbs import Verbs, lost
from bot.playground.kubevirt.watching import Watches, WatchRequest

Json = dict[str, Any]


class Frontend:
    """Serves one cluster over HTTP."""

    def __init__(self, plane: Plane, api: Api, authorizer: Authorizer) -> None:
        self._plane = plane
        self._api = api
        self._authorizer = authorizer
        self.log: list[ApiCall] = []
        self.unknown: list[str] = []
        self._verbs = Verbs(plane, api, self.unknown)
        self.in_flight = 0
        self.held_back = 0
        """Requests that only the clock will answer."""
        self.failure: Exception | None = None
        self.watches = Watches(plane.storage, plane.clock, lambda: plane.knobs.bookmark_every)

    def application(self) -> web.Application:
        """One route for everything."""
        app = web.Application(client_max_size=3 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        app.on_shutdown.append(self._on_shutdown)
        app.on_response_prepare.append(dated_by(self._plane.clock))
        return app

    async def _on_shutdown(self, _: web.Application) -> None:
        self.watches.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.in_flight += 1
        try:
            exchange = await read_exchange(request, self._plane.now())
            effect = self._plane.faults.take(self._traits(exchange))
            answer = await self._answer(request, exchange, effect)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception as broken:
            self.failure = self.failure or broken
            raise
        finally:
            self.in_flight -= 1
        if isinstance(answer, WatchRequest):
            return await self.watches.serve(request, answer)
        return answer

    async def _answer(
        self, request: web.Request, exchange: Exchange, effect: Effect | None
    ) -> web.Response | WatchRequest:
        if isinstance(effect, Answer):
            return self._send(exchange, _fault_reply(effect))
        if isinstance(effect, DropBefore):
            self._note(exchange, Reply(0, None), answered=False)
            return _dropped(request)
        if isinstance(effect, ApplyLate):
            _dropped(request)
            self._plane.faults.late.add(_name_in(exchange))
        if isinstance(effect, Delay | ApplyLate):
            await self._sleep(effect.seconds)
        reply = self._reply(exchange)
        if isinstance(reply, WatchRequest):
            self._note(exchange, Reply(200, None))
            lost = isinstance(effect, DropAfter | ApplyLate)
            return _dropped(request) if lost else reply
        if isinstance(effect, DropAfter | ApplyLate):
            self._note(exchange, reply, answered=False)
            return _dropped(request)
        response = self._send(exchange, reply)
        if isinstance(effect, SlowAnswer):
            await self._sleep(effect.seconds)
        return response

    async def _sleep(self, seconds: float) -> None:
        """Wait on the cluster's clock; meanwhile the request is not under way."""
        self.in_flight, self.held_back = self.in_flight - 1, self.held_back + 1
        try:
            await self._plane.clock.sleep(seconds)
        finally:
            self.in_flight, self.held_back = self.in_flight + 1, self.held_back - 1

    def _traits(self, exchange: Exchange) -> Traits:
        asked = exchange.asked
        return Traits(
            asked.verb,
            asked.method,
            asked.plural,
            asked.subresource,
            asked.namespace,
            exchange.name,
            self._claimed_user(exchange),
            exchange.dry_run,
        )

    def _claimed_user(self, exchange: Exchange) -> str:
        """Who the request says it is from, before anything is checked."""
        accounts = self._authorizer.accounts.values()
        held = [account.user.name for account in accounts if account.token == exchange.token]
        return exchange.headers.get("Impersonate-User") or "".join(held)

    def _reply(self, exchange: Exchange) -> Reply | WatchRequest:
        try:
            exchange.user = self._identify(exchange)
            self._authorizer.check(exchange.user, exchange.asked.attributes)
            refuse_gap(exchange)
            return self._dispatch(exchange)
        except ApiError as refused:
            later = refused.details.get("retryAfterSeconds")
            return Reply(
                refused.code, refused.message if refused.plain else refused.status(), later
            )

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
                raise lost(exchange, self.unknown)
            return Reply(200, found)
        if asked.aggregated:
            return virt_api.answer(exchange, self._api, self._plane.knobs, self.unknown)
        resource = asked.resource
        if resource is None:
            raise lost(exchange, self.unknown)
        knobs = self._plane.knobs
        if resource.group in knobs.absent_groups or not knobs.versions(
            asked.group, (asked.version,)
        ):
            raise page_not_found()
        if asked.verb not in resource.verbs:
            raise method_not_allowed()
        if resource in REVIEWS:
            answer = review(
                self._authorizer,
                _known(exchange.user),
                resource.plural,
                sent_object(exchange, resource),
            )
            return Reply(201, answer)
        return self._verbs.serve(exchange, resource)

    def _send(self, exchange: Exchange, reply: Reply) -> web.Response:
        self._note(exchange, reply)
        headers = {} if reply.retry_after is None else {"Retry-After": str(reply.retry_after)}
        aggregated = exchange.asked.aggregated
        if isinstance(reply.payload, dict) and not aggregated and takes_yaml(exchange.accept):
            body = yaml.safe_dump(reply.payload, sort_keys=True)
            response = web.Response(status=reply.code, body=body.encode(), headers=headers)
            # A charset is not said.
            response.headers["Content-Type"] = YAML
        elif isinstance(reply.payload, dict):
            body = json.dumps(reply.payload, separators=(",", ":"))
            response = web.Response(
                status=reply.code, text=body, headers=headers, content_type="application/json"
            )
        elif reply.payload is None:
            # Without a body there is no content type either.
            response = web.Response(status=reply.code, headers=headers)
        else:
            response = web.Response(status=reply.code, text=reply.payload, headers=headers)
        for text in exchange.warnings:
            response.headers.add("Warning", f'299 - "{text}"')
        return response

    def _note(self, exchange: Exchange, reply: Reply, *, answered: bool = True) -> None:
        asked = exchange.asked
        payload = reply.payload if isinstance(reply.payload, dict) else None
        named = (payload or {}).get("metadata") or {}
        name = exchange.name
        if asked.verb == "create" and reply.code == 201:
            name = named.get("name", "") or name
        self.log.append(
            ApiCall(
                at=exchange.at,
                user=exchange.user.name if exchange.user else self._claimed_user(exchange),
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
                query=asked.query,
                accept=exchange.headers.get("Accept"),
                content_type=exchange.headers.get("Content-Type"),
            )
        )


def _known(user: User | None) -> User:
    if user is None:
        raise unauthorized()
    return user


def _fault_reply(fault: Answer) -> Reply:
    error = ApiError(fault.code, fault.reason, fault.message)
    return Reply(fault.code, error.status(), fault.retry_after)


def _dropped(request: web.Request) -> web.Response:
    """Break the connection; what is returned is never written."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _name_in(exchange: Exchange) -> str:
    """The name of the object that a create sends."""
    metadata = (exchange.body or {}).get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""
