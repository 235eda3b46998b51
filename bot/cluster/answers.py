"""Answers that say no: the Status of an API server, or the plain text of somebody on the way."""

import json

import aiohttp

from bot.cluster.document import Json, number

# About the request itself, by the plain text of a router: no word on any object.
_OTHER_FORM = (
    "the API server does not take a request of this kind ({said});"
    " the bot and this KubeVirt may not fit together"
)
_NOT_TAKEN = {
    404: "the API server does not know the path of this request ({said})",
    405: _OTHER_FORM,
    406: _OTHER_FORM,
}


def status(raw: bytes) -> Json:
    """The Status document in an error's body; empty if somebody else wrote it."""
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and found.get("kind") == "Status" else {}


def plain(code: int, raw: bytes) -> str:
    """What an answer in plain text says; made readable where it is about the request itself."""
    said = raw.decode("utf-8", "replace").strip()
    if code not in _NOT_TAKEN:
        return said
    return _NOT_TAKEN[code].format(said=said.partition("\n")[0][:100] or str(code))


def wait(response: aiohttp.ClientResponse, said: Json) -> float | None:
    """In how many seconds to come back, if the far side has said so."""
    asked = response.headers.get("Retry-After", "")
    if asked.isdigit():
        return float(asked)
    return float(number(said, "details", "retryAfterSeconds")) or None
