"""Channels as text, as golden texts."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.clock import HandClock
from bot.playground.slack import Person, SlackSim
from bot.playground.slack.workspace import Channel

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


CONFIRM = {
    "title": plain("Restore now?"),
    "text": mrkdwn("*All* changes are lost."),
    "confirm": plain("Restore"),
    "deny": plain("Keep"),
}
CARD: list[Json] = [
    {"type": "header", "text": plain("🔴 Data Loss Warning")},
    {
        "type": "section",
        "text": mrkdwn("Restore `a&amp;b` &lt;now&gt;"),
        "fields": [mrkdwn("*VM*\ndb-01"), mrkdwn("*Namespace*\nprod")],
    },
    {"type": "divider"},
    {
        "type": "context",
        "elements": [mrkdwn("until <!date^1771433100^{date_short} at {time}|16:45 UTC>")],
    },
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "text", "text": "Type "},
                    {"type": "text", "text": "snap-1", "style": {"code": True}},
                ],
            },
            {
                "type": "rich_text_list",
                "style": "bullet",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [{"type": "text", "text": "disk", "style": {"bold": True}}],
                    }
                ],
            },
        ],
    },
    {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "go",
                "style": "danger",
                "text": plain("Restore VM now"),
                "confirm": CONFIRM,
            },
            {"type": "button", "action_id": "no", "text": plain("Cancel")},
            {
                "type": "external_select",
                "action_id": "vm",
                "placeholder": plain("Pick a VM"),
            },
        ],
    },
]

GOLDEN = """\
#inc-4711
16:30 alice
    @vm-restore restore a&b
    16:30 vm-restore APP
        # 🔴 Data Loss Warning
        Restore `a&b` <now>
        | *VM*
        |   db-01
        | *Namespace*
        |   prod
        ----
        ~ until Feb 18, 2026 at 16:45
        Type `snap-1`
        • *disk*
        [!Restore VM now] [Cancel] <Pick a VM>
          [Restore VM now] asks: Restore now?: *All* changes are lost. [Restore] [Keep]
    16:31 vm-restore APP (only visible to bob)
        only @alice can
    16:31 bob (also sent to the channel)
        careful
        :eyes: 1
16:31 bob (also sent to the channel)
    careful
    :eyes: 1
"""


async def test_a_channel_reads_like_this(
    sim: SlackSim, client: AsyncWebClient, clock: HandClock, alice: Person, bob: Person
) -> None:
    channel = sim.channel("inc-4711", alice, bob)
    root = await alice.say(channel, "@vm-restore restore a&b")
    where: Any = {"channel": channel.id, "thread_ts": root.ts}
    await client.chat_postMessage(text="card", blocks=CARD, **where)
    clock.advance(60)
    await client.chat_postEphemeral(user=bob.id, text=f"only <@{alice.id}> can", **where)
    said = await bob.say(channel, "careful", root, broadcast=True)
    await client.reactions_add(channel=channel.id, timestamp=said.ts, name="eyes")
    assert sim.transcript(channel) == GOLDEN


async def test_a_viewer_sees_their_own_times_and_their_own_ephemeral_messages(
    sim: SlackSim, client: AsyncWebClient, channel: Channel, alice: Person, bob: Person
) -> None:
    await client.chat_postEphemeral(channel=channel.id, user=bob.id, text="psst")
    date = "<!date^1771432200^{date_num} {time}|fallback>"
    await client.chat_postMessage(channel=channel.id, text=date)
    assert sim.transcript(channel, viewer=alice) == (
        "#inc-4711\n17:30 vm-restore APP\n    2026-02-18 17:30\n"
    )
    assert sim.transcript(channel, viewer=bob) == (
        "#inc-4711\n"
        "11:30 vm-restore APP (only visible to bob)\n"
        "    psst\n"
        "11:30 vm-restore APP\n"
        "    2026-02-18 11:30\n"
    )


async def test_an_edited_card_is_shown_as_it_is_now_with_its_history_on_request(
    sim: SlackSim, client: AsyncWebClient, channel: Channel, alice: Person
) -> None:
    ts = (await client.chat_postMessage(channel=channel.id, text="Working"))["ts"]
    await client.chat_update(channel=channel.id, ts=ts, text="Done")
    said = await alice.say(channel, "tpyo")
    await alice.edit(said, "typo")
    assert sim.transcript(channel) == (
        "#inc-4711\n16:30 vm-restore APP\n    Done\n16:30 alice (edited)\n    typo\n"
    )
    assert sim.transcript(channel, history=True) == (
        "#inc-4711\n"
        "16:30 vm-restore APP\n"
        "    Done\n"
        "    (was: Working)\n"
        "16:30 alice (edited)\n"
        "    typo\n"
        "    (was: tpyo)\n"
    )


async def test_deleted_messages_go_unless_they_have_replies(
    sim: SlackSim, channel: Channel, alice: Person
) -> None:
    lonely = await alice.say(channel, "lonely")
    parent = await alice.say(channel, "parent")
    await alice.say(channel, "reply", parent)
    for message in (lonely, parent):
        await alice.delete(message)
    assert sim.transcript(channel) == (
        "#inc-4711\n16:30 alice\n    This message was deleted.\n    16:30 alice\n        reply\n"
    )


@pytest.mark.parametrize(
    ("markup", "seen"),
    [
        ("<!date^1771432200^{date_pretty}|x>", "today"),
        ("<!date^1771345800^{date_short_pretty}|x>", "yesterday"),
        ("<!date^1771432200^{date}|x>", "February 18th, 2026"),
        ("<!date^1771432200^{date_long}|x>", "Wednesday, February 18th, 2026"),
        ("<!date^1771432200^{time_secs}|x>", "16:30:00"),
        ("<!date^1771425000^{ago}|x>", "2 hours ago"),
        ("<!date^1771432260^{ago}|x>", "in 1 minute"),
        ("<!date^1771432200^{nonsense}|at noon>", "at noon"),
        ("<!date^1771432200^{time}^https://x.io|x>", "16:30"),
        ("<https://x.io|label>", "label (https://x.io)"),
        ("<https://x.io>", "https://x.io"),
        ("<http://x.io|x.io>", "x.io"),
        ("<!here>", "@here"),
        ("<@U0NOBODY>", "@U0NOBODY"),
        ("a &lt;b&gt; &amp;amp;", "a <b> &amp;"),
    ],
)
async def test_markup_reads_as(
    sim: SlackSim, client: AsyncWebClient, channel: Channel, markup: str, seen: str
) -> None:
    section = {"type": "section", "text": mrkdwn(markup)}
    await client.chat_postMessage(channel=channel.id, text="x", blocks=[section])
    assert sim.transcript(channel).splitlines()[-1] == f"    {seen}"


TASK = {"type": "task_card", "task_id": "1", "title": "Stop", "status": "complete"}


@pytest.mark.parametrize(
    ("block", "seen"),
    [
        ({"type": "markdown", "text": "**a**\nb"}, ["**a**", "b"]),
        ({"type": "plan", "title": "Restore", "tasks": [TASK]}, ["# Restore", "- Stop (complete)"]),
        (TASK, ["- Stop (complete)"]),
        ({"type": "card", "title": plain("T"), "body": mrkdwn("b &amp; c")}, ["T", "b & c"]),
        (
            {
                "type": "container",
                "title": plain("Box"),
                "child_blocks": [{"type": "divider"}],
            },
            ["# Box", "  ----"],
        ),
        (
            {
                "type": "table",
                "rows": [
                    [{"type": "raw_text", "text": "a"}, {"type": "raw_number", "value": 1}],
                ],
            },
            ["| a | 1"],
        ),
        (
            {"type": "image", "image_url": "https://x.io/a.png", "alt_text": "graph"},
            ["(image: graph)"],
        ),
        (
            {
                "type": "section",
                "text": mrkdwn("x"),
                "accessory": {
                    "type": "overflow",
                    "action_id": "o",
                    "options": [{"text": plain("Undo"), "value": "u"}],
                },
            },
            ["x", "<... Undo>"],
        ),
        (
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "checkboxes",
                        "action_id": "c",
                        "options": [
                            {"text": plain("a"), "value": "1"},
                            {"text": plain("b"), "value": "2"},
                        ],
                        "initial_options": [{"text": plain("b"), "value": "2"}],
                    },
                    {
                        "type": "static_select",
                        "action_id": "s",
                        "options": [{"text": plain("z"), "value": "1"}],
                        "initial_option": {"text": plain("z"), "value": "1"},
                    },
                ],
            },
            ["[ ] a [x] b <z>"],
        ),
        (
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {"type": "broadcast", "range": "here"},
                            {"type": "emoji", "name": "fire"},
                            {"type": "link", "url": "https://x.io"},
                            {
                                "type": "date",
                                "timestamp": 1771432200,
                                "format": "{time}",
                                "fallback": "x",
                            },
                        ],
                    },
                    {
                        "type": "rich_text_preformatted",
                        "elements": [{"type": "text", "text": "kubectl"}],
                    },
                    {"type": "rich_text_quote", "elements": [{"type": "text", "text": "q"}]},
                ],
            },
            ["@here:fire:https://x.io16:30", "```", "kubectl", "```", "> q"],
        ),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
async def test_a_block_reads_as(
    sim: SlackSim, client: AsyncWebClient, channel: Channel, block: Json, seen: list[str]
) -> None:
    await client.chat_postMessage(channel=channel.id, text="x", blocks=[block])
    assert sim.transcript(channel).splitlines()[2:] == [f"    {line}" for line in seen]


async def test_what_names_stand_for(
    sim: SlackSim, client: AsyncWebClient, channel: Channel, alice: Person
) -> None:
    group = sim.user_group("oncall", alice)
    text = f"<#{channel.id}> <!subteam^{group.id}>"
    await client.chat_postMessage(channel=channel.id, text=text)
    assert sim.transcript(channel).splitlines()[-1] == "    #inc-4711 @oncall"
    assert alice.notified == channel.messages


async def test_the_screen_shows_the_home_tab(
    sim: SlackSim, client: AsyncWebClient, alice: Person
) -> None:
    assert sim.screen(alice) == ""
    blocks = [{"type": "header", "text": plain("My restores")}]
    await client.views_publish(user_id=alice.id, view={"type": "home", "blocks": blocks})
    assert sim.screen(alice) == "# My restores\n"


async def test_direct_messages_and_commands(sim: SlackSim, alice: Person, bob: Person) -> None:
    dm = sim.dm(alice)
    channel = sim.channel("ops", alice, bob)
    await alice.say(dm, "status")
    await (await alice.slash(channel, "/vm-restore help")).settled()
    assert sim.transcript(dm) == "DM with alice\n16:30 alice\n    status\n"
    assert sim.transcript(channel) == (
        "#ops\n16:30 alice (only visible to alice)\n    /vm-restore help\n"
    )
    assert sim.transcript(channel, viewer=bob) == "#ops\n"
