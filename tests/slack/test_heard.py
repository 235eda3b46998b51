"""What a listener keeps of a message: whether it was said to the bot, by whom, and what of it."""

from typing import Any

import pytest

from bot.request import ParsedRequest, Verb, parse_sentence
from bot.slack.api.directory import Workspace
from bot.slack.deliveries import MessageReceived
from bot.slack.inbound.listeners import heard
from bot.slack.markup.address import BotNames
from tests.slack.test_typed import BOT, element, message, old, section, text_part, user

HOME = Workspace("T1", bot_user=BOT, bot_id="B1", name="vm-restore")
NAMES = BotNames("vm-restore", "vm-restore", "/vm-restore")
ASKED = "restore web-01 from snap-1 in production"
WANTED = ParsedRequest(Verb.RESTORE, vm="web-01", snapshot="snap-1", namespace="production")


def keep(event: dict[str, Any], *, words: bool = False, **more: Any) -> MessageReceived | None:
    """What is kept of a message in a channel. `words`: plain words are heard there."""
    sent = {"user": "U1", "channel": "C1", "ts": "1.2"} | event | more
    return heard(sent, HOME, NAMES, lambda _: words)


def read(kept: MessageReceived) -> ParsedRequest:
    """What the dispatcher understands of it."""
    return kept.request or parse_sentence(kept.spoken, addressed=kept.addressed)


def said(text: str) -> dict[str, Any]:
    """A message of one line, as the composer makes it."""
    return section(text_part(text))


CALLED = {
    "a mention": section(user(BOT), text_part(f" {ASKED}")),
    "its name with an @, as pasted": said(f"@vm-restore {ASKED}"),
    "text only": old(f"@vm-restore {ASKED}"),
    "in capitals and with a colon": said(f"@VM-Restore: {ASKED}"),
    "behind a greeting": said(f"Hey @vm-restore please {ASKED}"),
    "in a second sentence": said(f"The upgrade failed. @vm-restore {ASKED}"),
    "in a second line": said(f"The upgrade failed\n@vm-restore {ASKED}"),
    "at the end": said(f"{ASKED} @vm-restore"),
    "its name and a colon": said(f"vm-restore: {ASKED}"),
    "its name and a comma": said(f"vm-restore, {ASKED}"),
    "the command": said("/vm-restore web-01 from snap-1 in production"),
    "the command with the verb": said(f"/vm-restore {ASKED}"),
    "a mention and the command": section(
        user(BOT), text_part(" /vm-restore web-01 from snap-1 in production")
    ),
    "a mention and the command in code": section(
        user(BOT), text_part("/vm-restore production/web-01 snap-1", code=True)
    ),
    "a code block behind a mention": message(
        element("section", user(BOT)), element("preformatted", text_part(ASKED))
    ),
    "a code block behind a mention, text only": old(f"<@{BOT}> ```{ASKED}```"),
    "a code block that is pointed to": message(
        element("section", text_part("@vm-restore please run this:\n")),
        element("preformatted", text_part(ASKED)),
    ),
}


@pytest.mark.parametrize("thread", [None, "1.1"], ids=["in the channel", "in a thread"])
@pytest.mark.parametrize("event", CALLED.values(), ids=CALLED)
def test_a_request_is_said_to_the_bot(event: dict[str, Any], thread: str | None) -> None:
    kept = keep(event, thread_ts=thread)
    assert kept is not None
    assert kept.addressed
    assert read(kept) == WANTED


NOT_CALLED = {
    "of it": "the vm-restore bot is slow today",
    "of it, with a dash": "vm-restore - what is that?",
    "of it, with an @": "ask @vm-restore for that",
    "to a namesake": f"@vm-restore-2 {ASKED}",
    "a host of that name": f"@vm-restore.example {ASKED}",
    "the state of it": "database: ok\nvm-restore: down",
    "of the command": f"use /vm-restore, or `/vm-restore {ASKED}`",
    "a path": f"/vm-restore/bin {ASKED}",
    "in code": f"`@vm-restore {ASKED}`",
    "in a quote": f"> @vm-restore {ASKED}",
    "in a code block": f"```\n@vm-restore {ASKED}\n```",
}


@pytest.mark.parametrize("text", NOT_CALLED.values(), ids=NOT_CALLED)
def test_who_only_speaks_of_the_bot_calls_nobody(text: str) -> None:
    assert keep(old(text.replace(">", "&gt;"))) is None


STARTS_NOTHING = {
    "a quote behind a mention": message(
        element("section", user(BOT)), element("quote", text_part(ASKED))
    ),
    "a code block that is told of": message(
        element("section", user(BOT), text_part(" alice wrote:")),
        element("preformatted", text_part(ASKED)),
    ),
    "a question about a code block": message(
        element("section", user(BOT), text_part(" this?")),
        element("preformatted", text_part(ASKED)),
    ),
    "two code blocks": message(
        element("section", user(BOT)),
        element("preformatted", text_part(ASKED)),
        element("preformatted", text_part(ASKED)),
    ),
    "a negation behind its name": said(f"vm-restore: don't {ASKED}"),
    "a negation behind the command": said(f"/vm-restore don't {ASKED}"),
}


@pytest.mark.parametrize("event", STARTS_NOTHING.values(), ids=STARTS_NOTHING)
def test_what_is_no_request_starts_nothing(event: dict[str, Any]) -> None:
    kept = keep(event)
    assert kept is not None
    request = read(kept)
    assert request.verb is not Verb.RESTORE or request.problem is not None


@pytest.mark.parametrize(
    "call", ["@vm-restore ", "@vm-restore: ", "vm-restore: ", "/vm-restore ", f"<@{BOT}> "]
)
def test_an_answer_is_taken_without_the_call_before_it(call: str) -> None:
    kept = keep(old(f"{call}snap-1"), thread_ts="1.1")
    assert kept is not None
    assert (kept.typed, kept.plain) == ("snap-1", True)


APPS: dict[str, Any] = {
    "bot_id": "B2",
    "app_id": "A2",
    "workflow_id": "Wf2",
    "bot_profile": {"id": "B2", "app_id": "A2"},
}


@pytest.mark.parametrize("mark", APPS)
def test_what_an_app_or_a_workflow_writes_is_not_heard(mark: str) -> None:
    assert keep(CALLED["a mention"], **{mark: APPS[mark]}) is None
    assert keep(said("snap-1"), thread_ts="1.1", **{mark: APPS[mark]}) is None


STRUCK = {
    "in blocks": section(text_part("snap-1", strike=True)),
    "in text only": old("~snap-1~"),
    "a part of it": section(text_part("snap-"), text_part("2", strike=True), text_part("1")),
    "with a mention": section(user(BOT), text_part(" "), text_part("snap-1", strike=True)),
}


@pytest.mark.parametrize("event", STRUCK.values(), ids=STRUCK)
def test_what_is_struck_through_was_not_typed(event: dict[str, Any]) -> None:
    kept = keep(event, thread_ts="1.1")
    assert kept is not None
    assert not kept.plain


def test_a_mention_that_is_struck_through_calls_nobody() -> None:
    struck = user(BOT) | {"style": {"strike": True}}
    assert keep(section(struck, text_part(f" {ASKED}"))) is None
    assert keep(old(f"~<@{BOT}>~ {ASKED}")) is None


def test_of_words_among_people_only_what_may_be_an_answer_is_kept() -> None:
    """In a thread of people it counts only if a restore is there; what asks for one counts itself."""
    kept = keep(said("the password is hunter2 " * 40), words=True, thread_ts="1.1")
    assert kept is not None
    assert (kept.spoken, kept.request, len(kept.typed)) == ("", None, 400)
    assert kept.only_in == ("C1", "1.1")
    overheard = keep(said(ASKED), words=True, thread_ts="1.1")
    assert overheard is not None
    assert (overheard.request, overheard.only_in) == (WANTED, None)


@pytest.mark.parametrize(
    "more",
    [{"parent_user_id": BOT}, {"text": f"<@{BOT}> snap-1", "blocks": None}, {"channel_type": "im"}],
    ids=["in the bot's own thread", "to the bot", "in a direct message"],
)
def test_what_is_said_to_the_bot_is_kept_wherever_it_stands(more: dict[str, Any]) -> None:
    kept = keep(said("snap-1"), thread_ts="1.1", **more)
    assert kept is not None
    assert kept.only_in is None


def test_an_overheard_request_is_kept_without_the_words() -> None:
    kept = keep(said(f"{ASKED}, the password is hunter2"), words=True)
    assert kept is not None
    assert (kept.request, kept.typed, kept.spoken) == (WANTED, "", "")
    assert keep(said("the password is hunter2"), words=True) is None
