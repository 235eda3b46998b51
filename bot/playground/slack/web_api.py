"""The Web API's front: verbs, bodies, tokens, scopes, rate limits, faults, the log.

Each method is a row of METHODS. A method that is not there is answered `unknown_method` and
remembered, so that nobody's test passes on a method that was never simulated.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import parse_qsl

from aiohttp import web

from bot.playground.slack import methods_chat, methods_people, methods_views
from bot.playground.slack.api_call import Call, CallContext, SlackCall, TooFast
from bot.playground.slack.faults import Faults, Kind, MethodFault
from bot.playground.slack.limits import SPECIAL
from bot.playground.slack.response_urls import ResponseUrls
from bot.playground.slack.workspace import SlackRefusal

Json = dict[str, Any]
Verb = Literal["GET", "POST"]

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Method:
    """How a method is called and what it takes. JSON bodies are read only where `json` says so."""

    answer: Callable[[CallContext, Call], Json]
    tier: int
    verb: Verb
    scope: str | None = None
    json: bool = False
    app_token: bool = False


METHODS: Mapping[str, Method] = {
    "apps.connections.open": Method(methods_people.open_connection, 3, "POST", app_token=True),
    "auth.test": Method(methods_people.auth_test, SPECIAL, "POST"),
    "blocks.validate": Method(methods_chat.validate_blocks, SPECIAL, "POST", json=True),
    "chat.delete": Method(methods_chat.delete, 3, "POST", "chat:write", json=True),
    "chat.getPermalink": Method(methods_chat.permalink, SPECIAL, "GET"),
    "chat.postEphemeral": Method(methods_chat.post_ephemeral, 4, "POST", "chat:write", json=True),
    "chat.postMessage": Method(methods_chat.post_message, SPECIAL, "POST", "chat:write", json=True),
    "chat.update": Method(methods_chat.update, 3, "POST", "chat:write", json=True),
    "conversations.history": Method(methods_people.history, 3, "GET"),
    "conversations.info": Method(methods_people.conversation, 3, "GET"),
    "conversations.join": Method(methods_people.join, 3, "POST", "channels:join", json=True),
    "conversations.members": Method(methods_people.members, 4, "GET"),
    "conversations.open": Method(
        methods_people.open_conversation, 3, "POST", "im:write", json=True
    ),
    "conversations.replies": Method(methods_people.replies, 3, "GET"),
    "reactions.add": Method(methods_chat.add_reaction, 3, "POST", "reactions:write", json=True),
    "reactions.remove": Method(
        methods_chat.remove_reaction, 2, "POST", "reactions:write", json=True
    ),
    "usergroups.list": Method(methods_people.groups, 2, "GET", "usergroups:read"),
    "usergroups.users.list": Method(methods_people.group_users, 2, "GET", "usergroups:read"),
    "users.conversations": Method(methods_people.conversations_of, 3, "GET"),
    "users.info": Method(methods_people.user_info, 4, "GET", "users:read"),
    "users.lookupByEmail": Method(methods_people.user_by_email, 3, "GET", "users:read.email"),
    "views.open": Method(methods_views.open_view, 4, "POST", json=True),
    "views.publish": Method(methods_views.publish, 4, "POST", json=True),
    "views.push": Method(methods_views.push, 4, "POST", json=True),
    "views.update": Method(methods_views.update, 4, "POST", json=True),
}
COVERED = tuple(METHODS)
RESPONSE_URL = "response_url"
_BEFORE = (Kind.STATUS, Kind.ERROR, Kind.DROP_BEFORE, Kind.INSTEAD)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    body: Json
    status: int = HTTPStatus.OK
    retry_after: int | None = None

    @property
    def error(self) -> str | None:
        """The error code in it."""
        return None if self.body["ok"] else str(self.body["error"])


class WebApi:
    """Answers /api/METHOD."""

    def __init__(
        self, context: CallContext, faults: Faults, urls: ResponseUrls, tokens: tuple[str, str]
    ) -> None:
        self._context = context
        self._faults = faults
        self._urls = urls
        self._bot_token, self._app_token = tokens
        self.log: list[SlackCall] = []
        self.unknown: list[str] = []
        self.in_flight = 0
        self.held_back = 0
        """Calls that only the clock will answer."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, with whatever fault is switched on for it."""
        self.in_flight += 1
        try:
            return await self._answered(request, request.match_info["method"])
        finally:
            self.in_flight -= 1

    async def serve_response(self, request: web.Request) -> web.StreamResponse:
        """Answer a post to a response URL; faults and the log call it `response_url`."""
        self.in_flight += 1
        try:
            return await self._response_answered(request)
        finally:
            self.in_flight -= 1

    async def _response_answered(self, request: web.Request) -> web.StreamResponse:
        body = _json_or_none(await request.text())
        args = body if isinstance(body, dict) else {}
        fault = self._faults.on_call(RESPONSE_URL)
        if fault is not None and fault.kind in _BEFORE:
            return self._failed(request, fault, RESPONSE_URL, args)
        status, answer = self._urls.answer(request.match_info["path"], body)
        return await self._end(request, fault, RESPONSE_URL, args, Answer(answer, status))

    def note(self, method: str, args: Json, error: str | None) -> None:
        """Write a call into the log."""
        now = self._context.workspace.now()
        self.log.append(SlackCall(method, args, error is None, error, now))

    async def _answered(self, request: web.Request, name: str) -> web.StreamResponse:
        args, warnings, broken = await _arguments(request, METHODS.get(name))
        fault = self._faults.on_call(name, args.get("channel"), args.get("thread_ts"))
        if fault is not None and fault.kind in _BEFORE:
            return self._failed(request, fault, name, args)
        answer = _refusal(broken) if broken else self._answer(request, name, args, warnings)
        return await self._end(request, fault, name, args, answer)

    async def _end(
        self,
        request: web.Request,
        fault: MethodFault | None,
        name: str,
        args: Json,
        answer: Answer,
    ) -> web.StreamResponse:
        self.note(name, args, answer.error)
        if fault is not None and fault.kind is Kind.DELAY:
            await self._held_back(fault.seconds)
        if fault is not None and fault.kind is Kind.DROP_AFTER:
            return _hung_up(request)
        if fault is not None and fault.kind is Kind.LIE:
            answer = Answer({**answer.body, **fault.lies}, answer.status, answer.retry_after)
        response = self._response(name, answer)
        if fault is not None and fault.kind is Kind.GARBLED:
            return _odd(fault, response.body)
        return response

    async def _held_back(self, seconds: float) -> None:
        """Nothing but the clock moves this call; meanwhile it is not under way."""
        self.in_flight, self.held_back = self.in_flight - 1, self.held_back + 1
        try:
            await self._context.workspace.clock.sleep(seconds)
        finally:
            self.in_flight, self.held_back = self.in_flight + 1, self.held_back - 1

    def _failed(
        self, request: web.Request, fault: MethodFault, name: str, args: Json
    ) -> web.StreamResponse:
        if fault.kind is Kind.DROP_BEFORE:
            self.note(name, args, "connection dropped")
            return _hung_up(request)
        if fault.kind is Kind.INSTEAD:
            self.note(name, args, "not answered by Slack")
            return _odd(fault, b"")
        if fault.kind is Kind.ERROR:
            answer = _refusal(SlackRefusal(fault.code))
        elif fault.status == HTTPStatus.TOO_MANY_REQUESTS:
            answer = _too_fast(max(1, round(fault.seconds)))
        else:
            down = fault.status == HTTPStatus.SERVICE_UNAVAILABLE
            code = "service_unavailable" if down else "internal_error"
            answer = Answer({"ok": False, "error": code}, fault.status)
        self.note(name, args, answer.error)
        return self._response(name, answer)

    def _answer(self, request: web.Request, name: str, args: Json, warnings: list[str]) -> Answer:
        method = METHODS.get(name)
        if method is None:
            self.unknown.append(name)
            return _refusal(SlackRefusal("unknown_method", req_method=name))
        try:
            self._admit(request, name, method, args)
            body = method.answer(self._context, Call(name, args, request.host))
        except SlackRefusal as refusal:
            return _refusal(refusal)
        except TooFast as early:
            return _too_fast(early.seconds)
        return Answer({"ok": True, **_with_warnings(body, warnings)})

    def _admit(self, request: web.Request, name: str, method: Method, args: Json) -> None:
        """Token, verb, scope and rate, in this order."""
        self._check_token(request, method, args)
        if request.method != method.verb and name != "auth.test":
            raise SlackRefusal("invalid_request_method")
        if method.scope is not None:
            self._context.need(method.scope)
        if seconds := self._context.limits.on_method(name, method.tier):
            raise TooFast(seconds)

    def _check_token(self, request: web.Request, method: Method, args: Json) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        in_args = args.pop("token", None)
        if scheme != "Bearer":
            token = "" if method.app_token else str(in_args or "")
        if not token:
            raise SlackRefusal("not_authed")
        if token not in (self._bot_token, self._app_token):
            raise SlackRefusal("invalid_auth")
        if (token == self._app_token) != method.app_token:
            raise SlackRefusal("not_allowed_token_type")

    def _response(self, name: str, answer: Answer) -> web.Response:
        method = METHODS.get(name)
        headers = {
            "x-slack-req-id": self._context.workspace.ids.secret("request", 32, "0123456789abcdef"),
            "x-oauth-scopes": ",".join(sorted(self._context.workspace.scopes)),
            "x-accepted-oauth-scopes": (method.scope if method else None) or "",
        }
        if answer.retry_after is not None:
            headers["Retry-After"] = str(answer.retry_after)
        return web.json_response(answer.body, status=answer.status, headers=headers)


def _refusal(refusal: SlackRefusal) -> Answer:
    return Answer({"ok": False, "error": refusal.code, **refusal.extra})


def _json_or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _too_fast(seconds: int) -> Answer:
    body = {"ok": False, "error": "ratelimited"}
    return Answer(body, HTTPStatus.TOO_MANY_REQUESTS, retry_after=seconds)


def _with_warnings(body: Json, warnings: list[str]) -> Json:
    if not warnings:
        return body
    metadata = body.get("response_metadata", {})
    known = metadata.get("warnings", [])
    every = [*known, *warnings]
    metadata = {**metadata, "warnings": every}
    return {**body, "warning": ",".join(every), "response_metadata": metadata}


def _odd(fault: MethodFault, answer: Any) -> web.Response:
    """Whatever the fault says, in the place of this answer or labelled otherwise."""
    body = answer if fault.body is None else fault.body
    return web.Response(body=body, status=fault.status, headers=dict(fault.headers))


def _hung_up(request: web.Request) -> web.Response:
    """Break the connection; what is returned never gets anywhere."""
    if isinstance(request.transport, asyncio.WriteTransport):
        request.transport.abort()
    return web.Response()


async def _arguments(
    request: web.Request, method: Method | None
) -> tuple[Json, list[str], SlackRefusal | None]:
    """Arguments from query and body, warnings about the body, and why it could not be read."""
    args: Json = dict(request.query)
    kind = request.content_type
    body = await request.text()
    if request.method == "GET" or not body:
        return args, [], None
    if kind == _FORM:
        return args | dict(parse_qsl(body, keep_blank_values=True)), [], None
    if kind != _JSON:
        return args, [], SlackRefusal("invalid_post_type")
    if method is not None and not method.json:
        return args, [], None  # Slack does not look into a JSON body here
    warnings = [] if request.charset else ["missing_charset"]
    try:
        given = json.loads(body)
    except ValueError:
        return args, warnings, SlackRefusal("invalid_json")
    if not isinstance(given, dict):
        return args, warnings, SlackRefusal("json_not_object")
    return args | given, warnings, None
