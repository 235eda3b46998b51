"""The way to Slack: one kind of session for all that the bot asks, posts and hears.

The Web API, response_urls and the socket go out through the same proxy, trust the same authorities
and have the same limits. The SDK builds requests; it neither sends them nor reads what comes back.
"""

import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.internal_utils import convert_bool_to_0_or_1
from yarl import URL

from bot.slack.api.answers import TOO_LONG, HttpAnswer

TIMEOUT = aiohttp.ClientTimeout(total=10, connect=3)
"""Of a call; of a socket: until it is open."""
_SECURE = frozenset({"https", "wss"})


class Network:
    """How Slack is reached. `secure`, `plain`: the proxies for https and for http, as URLs.

    The authorities are those of OpenSSL, which SSL_CERT_FILE replaces.
    """

    def __init__(
        self, secure: str | None = None, plain: str | None = None, no_proxy: str = ""
    ) -> None:
        self._secure = secure
        self._plain = plain
        self._no_proxy = no_proxy
        self._trusted = ssl.create_default_context()

    def proxy_for(self, url: str) -> str | None:
        """The proxy on the way to this address; None: there is none, or NO_PROXY names the host."""
        to = URL(url)
        proxy = self._secure if to.scheme in _SECURE else self._plain
        direct = any(_names(each, to) for each in self._no_proxy.lower().split(","))
        return None if direct else proxy

    def session(self) -> aiohttp.ClientSession:
        """A session with the bot's authorities and limits; each request names its proxy itself."""
        connector = aiohttp.TCPConnector(ssl=self._trusted)
        return aiohttp.ClientSession(connector=connector, timeout=TIMEOUT, trust_env=False)


def _names(entry: str, to: URL) -> bool:
    """Does an entry of NO_PROXY name this address? `*`, a host, a domain, each with a port or not."""
    name, _, port = entry.strip().partition(":")
    if port and port != str(to.port):
        return False
    host, domain = (to.host or "").lower(), name.removeprefix("*").removeprefix(".")
    return name == "*" or (bool(domain) and (host == domain or host.endswith(f".{domain}")))


class WebClient(AsyncWebClient):
    """The SDK's client on our network: a call returns an `HttpAnswer`, whatever it is.

    The SDK's own reading depends on how an answer is labelled, and fails on half of what is none.
    """

    def __init__(
        self, token: str | None, base_url: str, network: Network, session: aiohttp.ClientSession
    ) -> None:
        super().__init__(token=token, base_url=base_url, session=session, retry_handlers=[])
        self.network = network
        self._open = session

    async def post(self, url: str, body: Mapping[str, Any]) -> HttpAnswer:
        """One POST of JSON to a response_url."""
        return await self._ask("POST", url, {"json": dict(body)})

    async def _send(self, http_verb: str, api_url: str, req_args: dict[str, Any]) -> HttpAnswer:  # type: ignore[override]
        return await self._ask(http_verb, api_url, req_args)

    async def _ask(self, verb: str, url: str, arguments: Mapping[str, Any]) -> HttpAnswer:
        given = {
            name: arguments[name]
            for name in ("headers", "data", "json")
            if arguments.get(name) is not None
        }
        given["params"] = convert_bool_to_0_or_1(arguments.get("params"))
        # A portal would send the post to its own page, as a GET.
        proxy = self.network.proxy_for(url)
        async with self._open.request(
            verb, url, proxy=proxy, allow_redirects=False, **given
        ) as answer:
            body = bytearray()
            async for part in answer.content.iter_any():
                body += part
                if len(body) > TOO_LONG:
                    body.clear()
                    break
            return HttpAnswer(answer.status, answer.headers, bytes(body))
