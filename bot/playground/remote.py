"""People's gestures over plain HTTP, so that the playground can be used with curl.

GET  /                        the channel, as text
GET  /NAME/screen             the form that is open, or else the Home tab, as text
GET  /NAME/dm                 the direct message with the bot, as text
POST /NAME/say                say the body; ?thread=last says it in the newest thread
POST /NAME/slash              type the body as a slash command
POST /NAME/click              press the newest button with the body as its label
POST /NAME/home               look at the Home tab
POST /NAME/shortcut           use the global shortcut
POST /NAME/message_shortcut   use the shortcut on the newest message that has the body in it
POST /NAME/options            type into a list of the form, or of a card: "VM=data"
POST /NAME/pick               choose in it: "VM=database-01"
POST /NAME/submit             send the form

What changes the screen answers with it.
"""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from aiohttp import web

from bot.playground.slack import NotPossible, Person
from bot.playground.slack.surfaces import Surface, blocks_of, controls
from bot.playground.slack.views import View
from bot.playground.slack.workspace import Message
from bot.playground.stage import Stage
from bot.slack.manifest import MESSAGE_SHORTCUT, SHORTCUT


class Remote:
    """A small HTTP server on loopback; use it with `async with`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._people = {person.name: person for person in (stage.alice, stage.bob)}
        server = web.Application(middlewares=[_explained])
        server.router.add_get("/", self._channel)
        server.router.add_get("/{name}/screen", self._screen)
        server.router.add_get("/{name}/dm", self._direct)
        server.router.add_post("/{name}/say", self._say)
        server.router.add_post("/{name}/slash", self._slash)
        server.router.add_post("/{name}/click", self._click)
        server.router.add_post("/{name}/home", self._home)
        server.router.add_post("/{name}/shortcut", self._shortcut)
        server.router.add_post("/{name}/message_shortcut", self._message_shortcut)
        server.router.add_post("/{name}/options", self._options)
        server.router.add_post("/{name}/pick", self._pick)
        server.router.add_post("/{name}/submit", self._submit)
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

    async def _screen(self, request: web.Request) -> web.Response:
        return await self._seen(self._person(request))

    async def _direct(self, request: web.Request) -> web.Response:
        person, slack = self._person(request), self._stage.world.slack
        return web.Response(text=slack.transcript(slack.dm(person), viewer=person))

    async def _say(self, request: web.Request) -> web.Response:
        thread = None
        if request.query.get("thread") == "last":
            thread = self._last_thread()
        person = self._person(request)
        await person.say(self._stage.channel, await request.text(), thread=thread)
        return web.Response(text="said\n")

    async def _slash(self, request: web.Request) -> web.Response:
        person = self._person(request)
        result = await person.slash(self._stage.channel, await request.text())
        await result.settled()
        await self._stage.world.quiet()
        shown = self._stage.world.slack.screen(person) if person.view else ""
        return web.Response(text=f"{result.status} {result.text or ''}\n{shown}")

    async def _click(self, request: web.Request) -> web.Response:
        person, label = self._person(request), await request.text()
        result = await person.click(self._surface(person, label), label)
        return web.Response(text=f"{result.status}\n")

    async def _home(self, request: web.Request) -> web.Response:
        person = self._person(request)
        await person.open_home()
        return await self._seen(person)

    async def _shortcut(self, request: web.Request) -> web.Response:
        person = self._person(request)
        await person.shortcut(SHORTCUT)
        return await self._seen(person)

    async def _message_shortcut(self, request: web.Request) -> web.Response:
        person, words = self._person(request), await request.text()
        said = [each for each in self._stage.channel.messages if each.ephemeral_to is None]
        message = next((each for each in reversed(said) if words in each.text), None)
        if message is None:
            raise NotPossible(f"there is no message with {words!r}")
        await person.message_shortcut(message, MESSAGE_SHORTCUT)
        return await self._seen(person)

    async def _options(self, request: web.Request) -> web.Response:
        person, (label, typed) = self._person(request), await _assignment(request)
        offered = await person.options(self._surface(person, label), label, typed)
        lines = [
            f"{each.text}  ({each.raw['description']['text']})"
            if "description" in each.raw
            else each.text
            for each in offered
        ]
        return web.Response(text="\n".join([*lines, ""]))

    async def _pick(self, request: web.Request) -> web.Response:
        person, (label, option) = self._person(request), await _assignment(request)
        surface = self._surface(person, label)
        await person.pick(surface, label, option)
        if isinstance(surface, View):
            return await self._seen(person)
        return web.Response(text="chosen\n")

    async def _submit(self, request: web.Request) -> web.Response:
        person = self._person(request)
        result = await person.fill_and_submit({})
        await self._stage.world.quiet()
        if person.view is None:
            return web.Response(text=f"{result.status}\n")
        return await self._seen(person)

    async def _seen(self, person: Person) -> web.Response:
        """What stands over the channels for this person, once everything is at rest."""
        await self._stage.world.quiet()
        shown = self._stage.world.slack.screen(person)
        return web.Response(text=shown or "there is no form and no Home tab\n")

    def _surface(self, person: Person, label: str) -> Surface:
        """What has such a control: the form, the newest card, or the Home tab."""
        surfaces = (person.view, *reversed(self._stage.cards()), person.home)
        for surface in surfaces:
            if surface is None:
                continue
            usable = controls(blocks_of(surface), person.user)
            if any(label in (each.label, each.action_id) for each in usable):
                return surface
        raise NotPossible(f"there is no {label!r} now")

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


@web.middleware
async def _explained(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """A gesture that the screen does not allow is answered with why."""
    try:
        return await handler(request)
    except NotPossible as why:
        return web.Response(status=409, text=f"{why}\n")


async def _assignment(request: web.Request) -> tuple[str, str]:
    label, equals, value = (await request.text()).partition("=")
    if not equals:
        raise NotPossible('write the label and what to choose, like "VM=database-01"')
    return label, value
