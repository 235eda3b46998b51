"""A playground with a bot, its server, and a page's requests to it, over HTTP."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.playground.web.playground import Playground
from bot.playground.web.scene import set_scene
from bot.playground.web.server import PlaygroundServer
from bot.playground.world import World, world

Json = dict[str, Any]


class Page:
    """What the page does: it reads the stream, and sends gestures."""

    def __init__(
        self, session: aiohttp.ClientSession, server: PlaygroundServer, playground: Playground
    ) -> None:
        self.session = session
        self.server = server
        self.playground = playground

    @property
    def world(self) -> World:
        """The world that is played in."""
        return self.playground.scene.world

    async def post(self, path: str, body: object, **headers: str) -> tuple[int, Json]:
        """Status and answer of one POST."""
        sent = {"Origin": self.server.origin, **headers}
        url = f"{self.server.url}{path}"
        async with self.session.post(url, json=body, headers=sent) as answer:
            text = await answer.text()
            held = json.loads(text) if answer.content_type == "application/json" else {}
            return answer.status, held or {"text": text}

    async def do(self, name: str, kind: str, **fields: Any) -> Json:
        """A gesture that the screen allows."""
        status, answer = await self.post("do", {"as": name, "do": kind, **fields})
        assert status == 200, answer
        return answer

    async def cannot(self, name: str, kind: str, **fields: Any) -> str:
        """Why the screen does not allow a gesture."""
        status, answer = await self.post("do", {"as": name, "do": kind, **fields})
        assert status == 409, answer
        return str(answer["why"])

    async def change(self, kind: str, **fields: Any) -> Json:
        """A change of the world."""
        status, answer = await self.post("world", {"do": kind, **fields})
        assert status == 200, answer
        return answer

    async def state(self, name: str) -> Json:
        """What somebody sees now: the first event of the stream."""
        async with self.session.get(f"{self.server.url}live", params={"as": name}) as stream:
            assert stream.content_type == "text/event-stream"
            assert await stream.content.readline() == b"event: state\n"
            line = b""
            while not line.endswith(b"\n"):
                line += await stream.content.readany()
            held: Json = json.loads(line.partition(b"\n")[0].removeprefix(b"data: "))
            return held

    async def until(self, name: str, done: Callable[[Json], Any], *, within: int = 120) -> Any:
        """What `done` finds on somebody's screen, once it finds something."""
        for _ in range(within):
            if found := done(await self.state(name)):
                return found
            await self.world.pass_time(1)
        raise AssertionError(json.dumps(await self.state(name), indent=1)[-6000:])

    async def channel(self, name: str, called: str) -> str:
        """The id of one of somebody's channels."""
        channels = (await self.state(name))["channels"]
        return next(str(each["id"]) for each in channels if each["name"] == called)


def said(words: str) -> Callable[[Json], Json | None]:
    """Finds the newest message with these words: in its text, or in its blocks as they are stored."""

    def find(state: Json) -> Json | None:
        everything = [m for room in state["messages"].values() for m in room]
        fitting = [
            m
            for m in everything
            if words in m["text"] + json.dumps(m["blocks"], ensure_ascii=False)
        ]
        return max(fitting, key=lambda each: str(each["ts"])) if fitting else None

    return find


def button(message: Json, label: str) -> Json:
    """The fields of a click on the button with this label."""
    for block in message["blocks"]:
        for element in (*block.get("elements", ()), block.get("accessory") or {}):
            if element.get("type") == "button" and element["text"]["text"] == label:
                where = {"channel": message["channel"], "ts": message["ts"]}
                ids = {"block_id": block["block_id"], "action_id": element["action_id"]}
                return {"surface": where, **ids}
    raise AssertionError(f"no button {label!r} in {message}")


@pytest.fixture
async def page(tmp_path: Path, lent_redis: str) -> AsyncIterator[Page]:
    """The page of a playground whose bot runs, and whose time the test moves."""
    async with world(tmp_path, lent_redis=lent_redis) as made, opened(made) as page:
        yield page


@asynccontextmanager
async def opened(made: World) -> AsyncIterator[Page]:
    """The same in this world."""
    playground = Playground(set_scene(made))
    await playground.life.begin()
    try:
        async with PlaygroundServer(playground) as server, aiohttp.ClientSession() as session:
            yield Page(session, server, playground)
    finally:
        await playground.life.end()
