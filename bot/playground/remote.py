"""People's gestures over plain HTTP, so that the playground can be used with curl.

GET  /                    the channel, as text
POST /NAME/say            say the body; ?thread=last says it in the newest thread
POST /NAME/slash          type the body as a slash command
POST /NAME/click          press the newest button with the body as its label
"""

from types import TracebackType
from typing import Self

from aiohttp import web

from bot.playground.slack import NotPossible, Person
from bot.playground.slack.surfaces import controls
from bot.playground.slack.workspace import Message
from bot.playground.stage import Stage


class Remote:
    """A small HTTP server on loopback; use it with `async with`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._people = {person.name: person for person in (stage.alice, stage.bob)}
        server = web.Application()
        server.router.add_get("/", self._channel)
        server.router.add_post("/{name}/say", self._say)
        server.router.add_post("/{name}/slash", self._slash)
        server.router.add_post("/{name}/click", self._click)
        self._runner = web.AppRunner(server, access_log=None)
        self.url = ""

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    async def _channel(self, _: web.Request) -> web.Response:
        return web.Response(text=self._stage.transcript())

    async def _say(self, request: web.Request) -> web.Response:
        thread = None
        if request.query.get("thread") == "last":
            thread = self._last_thread()
        person = self._person(request)
        await person.say(self._stage.channel, await request.text(), thread=thread)
        return web.Response(text="said\n")

    async def _slash(self, request: web.Request) -> web.Response:
        result = await self._person(request).slash(self._stage.channel, await request.text())
        await result.settled()
        return web.Response(text=f"{result.status} {result.text or ''}\n")

    async def _click(self, request: web.Request) -> web.Response:
        person, label = self._person(request), await request.text()
        for message in reversed(self._stage.cards()):
            labels = [each.label for each in controls(message.blocks or [], person.user)]
            if label in labels:
                result = await person.click(message, label)
                return web.Response(text=f"{result.status}\n")
        raise web.HTTPNotFound(text=f"there is no button {label!r} now\n")

    def _person(self, request: web.Request) -> Person:
        name = request.match_info["name"]
        if name not in self._people:
            known = ", ".join(self._people)
            raise web.HTTPNotFound(text=f"there is nobody called {name}; there are {known}\n")
        return self._people[name]

    def _last_thread(self) -> Message:
        replies = [card for card in self._stage.cards() if card.is_reply]
        newest = max(replies or self._stage.cards(), key=lambda card: card.ts)
        root = self._stage.channel.find(newest.root_ts)
        if root is None:
            raise NotPossible("the thread is gone")
        return root
