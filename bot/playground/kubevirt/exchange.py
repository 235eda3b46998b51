"""One request while it is served, what goes back, and the log's entry for it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import yaml
from aiohttp import web

from bot.playground.kubevirt.authorization import User
from bot.playground.kubevirt.metadata import dig
from bot.playground.kubevirt.paths import Asked, parse_path
from bot.playground.kubevirt.problems import bad_request, unsupported_media
from bot.playground.kubevirt.resources import Resource

Json = dict[str, Any]
USER_PREFIX = "/user/"


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
    query: Mapping[str, str] = field(default_factory=dict)
    accept: str | None = None
    content_type: str | None = None
    """Both headers as they were sent; None where there was none."""


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
    def accept(self) -> str:
        """The types that the client takes, as it says; "" if it does not say."""
        return self.headers.get("Accept", "")

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
    def name(self) -> str:
        """The object's name: from the path, or from the body of a create."""
        body = self.body if self.asked.verb == "create" else None
        return self.asked.name or str(dig(body, "metadata", "name", default=""))

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


async def read_exchange(request: web.Request, now: datetime) -> Exchange:
    """Everything the request says, before it is judged."""
    path, prefix, token = request.path, "", _bearer(request.headers)
    if path.startswith(USER_PREFIX):
        # kubectl sends no token over plain http, so its kubeconfig carries it in the path.
        named, _, rest = path.removeprefix(USER_PREFIX).partition("/")
        path, prefix, token = f"/{rest}", f"{USER_PREFIX}{named}", token or named
    query = {name: ",".join(request.query.getall(name)) for name in request.query}
    asked = parse_path(request.method, path, query)
    raw = await request.read()
    groups = tuple(request.headers.getall("Impersonate-Group", []))
    return Exchange(asked, request.headers, raw, prefix, now, token=token, groups=groups)


def sent_object(exchange: Exchange, resource: Resource) -> Json:
    """The object in the body; 415 or 400 if there is none."""
    if exchange.content_type not in ("application/json", "application/yaml"):
        raise unsupported_media(("application/json", "application/yaml"))
    unrecognized = f"the object provided is unrecognized (must be of type {resource.kind})"
    if not exchange.raw.strip():
        ended = (
            "couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)"
        )
        raise bad_request(f"{unrecognized}: {ended}")
    try:
        held = yaml.safe_load(exchange.raw) if "yaml" in exchange.content_type else json.loads(exchange.raw)  # fmt: skip
    except (ValueError, yaml.YAMLError) as broken:
        raise bad_request(f"{unrecognized}: {broken}") from broken
    if not isinstance(held, dict):
        raise bad_request(unrecognized)
    return {**held, "metadata": held.get("metadata") or {}}


def _bearer(headers: Mapping[str, str]) -> str:
    kind, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""
