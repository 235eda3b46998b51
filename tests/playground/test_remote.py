"""Gestures over HTTP: what curl does, and what it is answered."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.playground.remote import Remote
from bot.playground.stage import set_stage
from bot.playground.world import world


class Curl:
    """Sends bodies and reads texts."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def post(self, path: str, body: str = "", status: int = 200) -> str:
        """The answer to a POST."""
        async with self._session.post(f"{self._url}{path}", data=body) as answer:
            assert answer.status == status
            return await answer.text()

    async def get(self, path: str) -> str:
        """The answer to a GET."""
        async with self._session.get(f"{self._url}{path}") as answer:
            assert answer.status == 200
            return await answer.text()


@pytest.fixture
async def curl(tmp_path: Path) -> AsyncIterator[Curl]:
    """A playground with a bot, seen from outside."""
    async with world(tmp_path) as made:
        stage = await set_stage(made, running=False)
        await made.start_bot()
        async with Remote(stage) as remote, aiohttp.ClientSession() as session:
            yield Curl(session, remote.url)
        await made.stop_bot()


async def test_a_form_from_the_shortcut_to_the_thread(curl: Curl) -> None:
    """Each step prints the screen; the thread then stands in the channel."""
    assert "Where to talk about it: <Choose a channel>" in await curl.post("/alice/shortcut")
    seen = await curl.post("/alice/pick", "Where to talk about it=incidents")
    assert "Where to talk about it: <#incidents>" in seen
    assert await curl.post("/alice/options", "VM=web") == "web-01  (in production)\n"
    assert "VM: <web-01>" in await curl.post("/alice/pick", "VM=web-01")
    assert "<before-release>" in await curl.post("/alice/pick", "Snapshot=before-release")
    assert await curl.post("/alice/submit") == "ok\n"
    assert "asked to restore VM `web-01`" in await curl.get("/")
    assert "Restore a VM" not in await curl.get("/alice/screen")


async def test_the_other_ways_in(curl: Curl) -> None:
    """A command alone and the menu of a message open the form; Home and the DM can be read."""
    assert "== Restore a VM ==" in await curl.post("/alice/slash", "/vm-restore")
    await curl.post("/bob/say", "production is down")
    assert "== Restore a VM ==" in await curl.post("/alice/message_shortcut", "is down")
    assert "DM with alice" in await curl.get("/alice/dm")
    assert "Restore VMs from snapshots" in await curl.post("/bob/home")


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("/alice/click", "Nothing", "there is no 'Nothing' now"),
        ("/alice/pick", "VM", "write the label and what to choose"),
        ("/alice/submit", "", "no modal is open"),
        ("/alice/message_shortcut", "never said", "there is no message with"),
    ],
)
async def test_what_cannot_be_done_is_said(curl: Curl, path: str, body: str, why: str) -> None:
    """A gesture that the screen does not allow is answered with why."""
    assert why in await curl.post(path, body, status=409)
