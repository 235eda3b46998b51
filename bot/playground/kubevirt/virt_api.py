"""Which paths, methods and Accept headers virt-api serves, and how it refuses the others.

virt-api is a web service of its own behind the API server. Its router looks at the path first, then
at the method, then at the Accept header, and it refuses in plain text. Its PUTs name no media type
that they produce, so only an Accept with `*/*` fits them.
"""

import json
from typing import Any

from bot.playground.kubevirt.api import Api
from bot.playground.kubevirt.discovery import kubevirt_version
from bot.playground.kubevirt.exchange import Exchange, Reply
from bot.playground.kubevirt.knobs import Knobs
from bot.playground.kubevirt.problems import ApiError, bad_request, page_not_found
from bot.playground.kubevirt.resources import VMS
from bot.playground.kubevirt.subresources import ACTIONS, perform

Json = dict[str, Any]
_TEXTS = {
    404: "404: Page Not Found",
    405: "405: Method Not Allowed",
    406: "406: Not Acceptable\n\nAvailable representations: ",
}


def answer(exchange: Exchange, api: Api, knobs: Knobs, unknown: list[str]) -> Reply:
    """The reply to one request of the group `subresources.kubevirt.io`."""
    asked = exchange.asked
    if VMS.group in knobs.absent_groups:
        raise page_not_found()
    if knobs.virt_api_down:
        raise ApiError(503, "ServiceUnavailable", "service unavailable\n", plain=True)
    if asked.plural == "version":
        _check(exchange, "GET", "application/json")
        return Reply(200, kubevirt_version(knobs))
    if asked.plural != VMS.plural or asked.subresource not in ACTIONS:
        unknown.append(f"{asked.method} {asked.path}")
        raise _refused(404)
    _check(exchange, "PUT")
    perform(api, (asked.namespace, asked.name), asked.subresource, _options(exchange))
    return Reply(202, None)


def _check(exchange: Exchange, method: str, *produced: str) -> None:
    if exchange.asked.method != method:
        raise _refused(405)
    accepted = exchange.headers.get("Accept") or "*/*"
    types = {part.split(";")[0].strip() for part in accepted.split(",")}
    if not types & {"*/*", *produced}:
        text = f"{_TEXTS[406]}{', '.join(produced)}"
        raise ApiError(406, "NotAcceptable", text, plain=True)


def _refused(code: int) -> ApiError:
    return ApiError(code, "", _TEXTS[code], plain=True)


def _options(exchange: Exchange) -> Json:
    """The optional body of a PUT, of any content type."""
    problem = "Can not unmarshal Request body to struct, error: "
    try:
        body = json.loads(exchange.raw) if exchange.raw.strip() else {}
    except ValueError as broken:
        raise bad_request(f"{problem}{broken}") from broken
    if not isinstance(body, dict):
        raise bad_request(f"{problem}cannot unmarshal {type(body).__name__} into an object")
    return body
