"""The way in to the playground: one page on loopback, its events, and the gestures of those who play.

Nobody else gets in: the first part of each path is a secret, other hosts are refused (a name that
leads to loopback could be anybody's), and a request that changes something must come from the page.
"""

import asyncio
import hashlib
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

from bot.playground.slack import NotPossible
from bot.playground.web.playground import Playground
from bot.playground.web.requests import Fields, Malformed

Json = dict[str, Any]

HOST: Final = "127.0.0.1"
LOOK = 0.1
"""Real seconds between two looks for what has changed."""
LONGEST_REQUEST = 64 * 1024
PAGE: Final = Path(__file__).parent / "page"
KINDS: Final = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class PlaygroundServer:
    """Serves one playground; use it with `async with`."""

    def __init__(self, playground: Playground) -> None:
        self._playground = playground
        self._token = secrets.token_urlsafe(16)
        self._poke = asyncio.Event()
        """Set, and replaced, when there is something to look at, or when it ends."""
        self._ended = False
        app = web.Application(middlewares=[self._guarded], client_max_size=LONGEST_REQUEST)
        app.router.add_get("/{token}/live", self._live)
        app.router.add_post("/{token}/do", self._do)
        app.router.add_post("/{token}/world", self._world)
        app.router.add_get("/{token}/{file:[^/]*}", self._file)
        app.on_response_prepare.append(_dressed)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        self._port = 0

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"{self.origin}/{self._token}/"

    @property
    def origin(self) -> str:
        """Where requests of the page come from."""
        return f"http://{HOST}:{self._port}"

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; port 0 takes a free one."""
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Say so on every page, and end."""
        self._ended = True
        self._wake()
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @web.middleware
    async def _guarded(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        hosts = {f"{HOST}:{self._port}", f"localhost:{self._port}"}
        if request.host not in hosts:
            raise web.HTTPMisdirectedRequest(text="this is a playground on loopback\n")
        token = request.path.split("/", 2)[1]
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            raise web.HTTPNotFound
        if request.method == "POST":
            self._must_be_ours(request, hosts)
        return await handler(request)

    @staticmethod
    def _must_be_ours(request: web.Request, hosts: set[str]) -> None:
        """What changes something is sent by the page: no other page can say that it is this one."""
        if request.headers.get("Origin") not in {f"http://{host}" for host in hosts}:
            raise web.HTTPForbidden(text="only the page of the playground may ask for this\n")
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="the body must be application/json\n")

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["file"] or "index.html"
        # Only names that stand there: a path that leads elsewhere is none of them.
        if name not in {each.name for each in PAGE.iterdir() if each.suffix in KINDS}:
            raise web.HTTPNotFound
        text = (PAGE / name).read_text(encoding="utf-8")
        kind = KINDS[Path(name).suffix]
        return web.Response(text=text, content_type=kind, charset="utf-8")

    async def _do(self, request: web.Request) -> web.Response:
        answer = await _answered(self._playground.gestures.do, request)
        self._wake()
        return answer

    async def _world(self, request: web.Request) -> web.Response:
        answer = await _answered(self._playground.change, request)
        self._wake()
        return answer

    async def _live(self, request: web.Request) -> web.StreamResponse:
        name = request.query.get("as", "")
        if name not in self._playground.scene.personas:
            raise web.HTTPBadRequest(text=f"nobody is called {name!r}\n")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            await self._tell(response, name)
            await response.write(b"event: gone\ndata: {}\n\n")
        except ConnectionError:
            pass  # the page was closed
        return response

    async def _tell(self, response: web.StreamResponse, name: str) -> None:
        """Send what this person sees whenever it has changed, until the end."""
        before = b""
        while not self._ended:
            poke = self._poke
            await self._playground.look(now=not before)
            state = json.dumps(self._playground.state(name), separators=(",", ":")).encode()
            digest = hashlib.sha256(state).digest()
            if digest != before:
                before = digest
                await response.write(b"event: state\ndata: " + state + b"\n\n")
            try:
                await asyncio.wait_for(poke.wait(), LOOK)
            except TimeoutError:
                continue

    def _wake(self) -> None:
        """Let every page see at once what has been done on one of them."""
        poke, self._poke = self._poke, asyncio.Event()
        poke.set()


async def _answered(
    work: Callable[[Fields], Awaitable[Json]], request: web.Request
) -> web.Response:
    """What came of it, or why it cannot be done."""
    try:
        return web.json_response({"ok": True, **await work(Fields(await request.read()))})
    except NotPossible as why:
        return web.json_response({"ok": False, "why": str(why)}, status=409)
    except Malformed as why:
        return web.json_response({"ok": False, "why": str(why)}, status=400)


async def _dressed(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
