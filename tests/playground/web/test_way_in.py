"""Who gets in to the playground, and what a browser may do with what it gets."""

import pytest

from tests.playground.web.conftest import Page

DO = {"as": "alice", "do": "home"}


async def test_each_answer_has_the_headers_and_the_files_are_the_page(page: Page) -> None:
    """Nothing from outside is loaded, nothing is kept, nothing may frame it."""
    for path, status, kind in (
        ("", 200, "text/html"),
        ("page.js", 200, "text/javascript"),
        ("page.css", 200, "text/css"),
        ("icon.svg", 200, "image/svg+xml"),
        ("server.py", 404, "text/plain"),
        ("..%2fserver.py", 404, "text/plain"),
    ):
        async with page.session.get(f"{page.server.url}{path}") as answer:
            assert (answer.status, answer.content_type) == (status, kind), path
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("", "localhost", 200),
        ("", "rebound.example.com", 421),
        ("live?as=alice", "rebound.example.com", 421),
        ("../guessed/", "127.0.0.1", 404),
        ("../", "127.0.0.1", 404),
        ("live?as=nobody", "127.0.0.1", 400),
    ],
)
async def test_only_those_who_know_the_address_get_in(
    page: Page, path: str, host: str, status: int
) -> None:
    """A name that somebody lets lead to loopback is another host."""
    port = page.server.origin.rpartition(":")[2]
    headers = {"Host": f"{host}:{port}"}
    async with page.session.get(f"{page.server.url}{path}", headers=headers) as answer:
        assert answer.status == status
        assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize("path", ["do", "world"])
async def test_only_the_page_itself_changes_something(page: Page, path: str) -> None:
    """Another page can send a POST, but not in this one's name, and not as JSON without asking."""
    assert (await page.post(path, DO, Origin="http://evil.example.com"))[0] == 403
    assert (await page.post(path, DO, Origin="null"))[0] == 403
    assert (await page.post(path, DO, **{"Content-Type": "text/plain"}))[0] == 415
    async with page.session.post(f"{page.server.url}{path}", json=DO) as answer:
        assert answer.status == 403


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("do", [], "no JSON object"),
        ("do", {}, "'as' is missing"),
        ("do", {"as": "eve", "do": "home"}, "nobody is called 'eve'"),
        ("do", {"as": "alice", "do": "fly"}, "no gesture 'fly'"),
        ("do", {"as": "alice", "do": "say", "channel": 3}, "'channel' is missing, or no text"),
        ("do", {"as": "alice", "do": "click", "surface": "C1"}, "'surface' is no object"),
        ("world", {"do": "end"}, "the world knows no 'end'"),
        ("world", {"do": "time", "speed": "fast"}, "'speed' is no whole number"),
    ],
)
async def test_what_the_page_never_sends_is_refused_in_words(
    page: Page, path: str, body: object, why: str
) -> None:
    status, answer = await page.post(path, body)
    assert status == 400
    assert why in answer["why"]


async def test_the_end_is_told(page: Page) -> None:
    """Whoever looks on learns that the server goes."""
    async with page.session.get(f"{page.server.url}live?as=alice") as stream:
        await stream.content.readline()
        await page.server.stop()
        assert (await stream.content.read()).endswith(b"event: gone\ndata: {}\n\n")
