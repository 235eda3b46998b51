"""Every view of the bot on the page, word for word as the terminal tells it; and text that stays text."""

from itertools import product
from typing import Any

import pytest

from bot.playground.slack.blockkit import normalised
from bot.playground.slack.transcript import Transcript
from bot.playground.slack.workspace import Message
from bot.playground.web.playground import Playground
from bot.restore.events import Reply
from bot.restore.model import Phase
from bot.slack import views
from bot.slack.views.form import form
from bot.slack.views.form_state import FormConversation
from bot.slack.views.home import home
from tests.browser.conftest import OpenWindow
from tests.browser.words import drawn, drawn_in, told
from tests.slack import test_views_form as forms
from tests.slack import test_views_home as homes
from tests.slack.examples import EXAMPLES
from tests.slack.test_views_answers import LIVE
from tests.slack.test_views_limits import HOSTILE, NAME
from tests.slack.test_views_lists import _longest

Json = dict[str, Any]

pytestmark = pytest.mark.asyncio(loop_scope="session")

TYPED = """\
# no heading, <b>no bold</b> & <script>alert(1)</script> <img src=x onerror=alert(1)>
*bold* _italic_ ~struck~ `<i>code</i>` 2*3*4 snake_case_name :fire:
- a bullet with @bob
1. first
> quoted <u>words</u>
```
<pre> & `ticks`
```
https://example.com/?a=1&b=<2> #incidents javascript:alert(1)"""
"""What somebody may type: none of it may become part of the page."""


def post(playground: Playground, text: str, blocks: Any = None, name: str = "") -> Message:
    """Put a message of the bot, or of somebody, into the channel as it is."""
    workspace = playground.scene.world.slack.workspace
    author = playground.scene.personas[name].person.user if name else workspace.bot
    room = playground.scene.channels["incidents"]
    made = normalised(list(blocks), workspace.ids) if blocks else None
    return workspace.post(Message(room, workspace.next_ts(), author, text, made))


async def compare(playground: Playground, page: Any) -> int:
    """All messages of the channel, as drawn and as told; how many there are."""
    workspace = playground.scene.world.slack.workspace
    transcript = Transcript(workspace, playground.scene.personas["alice"].person.user)
    room = playground.scene.channels["incidents"]
    shown = await drawn(page)
    for message in room.messages:
        assert shown[message.ts] == told(transcript.message(message)[1:])
    return len(shown)


async def test_every_card_and_answer(window: OpenWindow, playground: Playground) -> None:
    messages = [views.render(*example) for example in EXAMPLES.values()]
    messages += _longest()
    for each in messages:
        post(playground, each.text, each.blocks)
    for reply in Reply:
        post(playground, views.reply(reply, LIVE))
    alice = await window()
    assert await compare(playground, alice.page) == len(messages) + len(Reply)
    assert await alice.page.get_by_text("[unsupported").count() == 0


async def test_every_form_and_home(window: OpenWindow, playground: Playground) -> None:
    alice = await window()
    person = playground.scene.personas["alice"].person
    workspace, surfaces = playground.scene.world.slack.workspace, person._stage.views
    transcript = Transcript(workspace, person.user)
    await alice.page.get_by_role("button", name="Home", exact=True).click()
    await alice.until("You have no restore under way.")
    mine = homes.many(3)
    for page in (
        homes.page(),
        homes.page(
            mine=mine, offered=homes.many(2, name=HOSTILE), ended=homes.many(2, Phase.FAILED)
        ),
    ):
        blocks = list(home(page))
        shown = surfaces.publish(person.user, {"type": "home", "blocks": blocks})
        await playground.pace.forward(1)
        await alice.current()
        assert await drawn_in(alice.page, ".log.home") == told(transcript.view(shown).split("\n"))
    await alice.press("Restore a VM")
    await alice.until(alice.page.get_by_role("dialog"))
    opened = person.view
    assert opened is not None
    for at, clusters, chosen in product(
        (forms.HERE, FormConversation()), ((), ("east", "west")), (forms.chosen(), forms.EVERYTHING)
    ):
        shown = surfaces.update(opened, form(at, clusters, chosen))
        await playground.pace.forward(1)
        await alice.current()
        title, *lines, buttons = told(transcript.view(shown).split("\n"))
        assert await drawn_in(alice.page, ".modal .body") == lines
        dialog = alice.page.locator(".modal")
        assert f"== {await dialog.locator('h2').inner_text()} ==" == title
        pressed = await dialog.locator(".buttons > button").all_inner_texts()
        assert {f"[{each}]" for each in pressed} == set(buttons.replace("] [", "]|[").split("|"))
    assert await alice.page.get_by_text("[unsupported").count() == 0


async def test_text_full_of_markup_stays_text(window: OpenWindow, playground: Playground) -> None:
    room, person = playground.scene.channels["incidents"], playground.scene.personas["alice"].person
    await person.say(room, TYPED)
    hostile = (
        f"{HOSTILE} &lt;b&gt; <img src=x onerror=alert(1)> <javascript:alert(1)|here> *{NAME}*"
    )
    post(playground, "", [{"type": "section", "text": {"type": "mrkdwn", "text": hostile}}])
    post(playground, "*a* b*c* *d _e_* `*f*` <@U0NOBODY> <#C0NOWHERE> ~g~ h~i\n&gt; j\n• k")
    alice = await window()
    assert await compare(playground, alice.page) == 3
    inside = ".log :is(script, img, iframe, u, b b, [onerror], [href^=javascript])"
    assert await alice.page.locator(inside).count() == 0
    marks = (
        await alice.page.locator(".message .said")
        .last.locator("b, i, s, code, blockquote")
        .evaluate_all("(all) => all.map((each) => `${each.tagName} ${each.textContent}`)")
    )
    assert marks == ["B a", "B d e", "I e", "CODE *f*", "S g", "BLOCKQUOTE j"]
    said = alice.page.locator(".message").first
    assert "<script>alert(1)</script>" in await said.inner_text()


async def test_what_cannot_be_drawn_says_so(window: OpenWindow, playground: Playground) -> None:
    posted = post(playground, "a film")
    posted.blocks = [
        {"type": "video", "block_id": "v"},
        {
            "type": "actions",
            "block_id": "a",
            "elements": [{"type": "datepicker", "action_id": "d"}],
        },
    ]
    alice = await window()
    await alice.until("[unsupported block: video]")
    await alice.until("[unsupported element: datepicker]")
