"""What people read when the app has another name than usual: its own, and nowhere the usual one."""

import re
from collections.abc import Iterator
from contextvars import copy_context

from bot.request import parse_command, parse_sentence
from bot.restore.check_failure import CheckFailure
from bot.restore.events import Reply
from bot.restore.model import Phase
from bot.restore.reasons import Reason
from bot.restore.suggestions import or_a_command
from bot.restore.thread import CardKind
from bot.slack import views
from bot.slack.views.home import home
from bot.slack.views.lists import Example, ListTarget
from bot.texts import locks
from bot.texts.names import AppNames, use
from tests.restores import ALICE, restore
from tests.slack.examples import EXAMPLES, card
from tests.slack.pages import page as shown
from tests.slack.test_views_home import body as of_home
from tests.slack.test_views_home import many, page
from tests.test_texts import said, texts

USUAL = re.compile(r"(?i)(?<![\w.:/])[/@]vm-restore(?!-)")
LIVE = restore(Phase.TYPING, card(CardKind.REQUEST, 1), card(CardKind.WARNING, 2))
TARGET = ListTarget("production", "database-01")


def everything() -> Iterator[str]:
    """All cards, and each answer that names the app."""
    yield from (shown(views.render(*each)) for each in EXAMPLES.values())
    yield from (views.reply(kind, LIVE) for kind in Reply)
    yield from (views.held(None, ALICE, None), views.unknown_card(), views.unread_card())
    yield from (views.which_to_cancel([LIVE]), views.in_channel_needed("C0OPS"))
    yield from (views.problem(str(parse_command(each).problem)) for each in ("hlep", "a --bogus b"))
    yield views.problem(str(parse_command("handoff database-01 web-01").problem))
    yield views.problem(str(parse_sentence("do not restore database-01", addressed=True).problem))
    yield or_a_command("hstory", "database-01", ())
    yield or_a_command("frobnicate", "database-01", {"database-01"})
    yield views.too_many([LIVE], 1, None, {})
    full = locks.TOO_MANY_OPEN
    yield CheckFailure.telling(Reason.TOO_MANY_OPEN, full, namespace="n", limit=1, vms="`a`").next
    yield from map(shown, (views.help_card(Example()), views.not_understood(Example())))
    yield shown(views.overview({"default": {"production": ["web-01"]}}, "default"))
    yield from map(shown, (views.elsewhere(TARGET, ["staging"]), views.which_namespace([TARGET])))
    yield of_home(home(page(mine=many(20), running=many(20), ended=many(20, Phase.FAILED))))


def with_the_names(names: AppNames) -> list[str]:
    """What is said where the app is called so."""

    def say() -> list[str]:
        use(names)
        return list(everything())

    return copy_context().run(say)


def test_another_name_stands_wherever_the_usual_one_stood() -> None:
    usual, other = list(everything()), with_the_names(AppNames("/db-restore", "DB Restore"))
    assert [USUAL.sub(lambda found: f"{found[0][0]}db-restore", each) for each in usual] == other
    assert any(map(USUAL.search, usual))
    assert "{slash}" not in "\n".join(usual)


def test_all_texts_that_name_the_command_are_looked_at() -> None:
    """Each with the gap is found among what is said, with the name in it."""
    spoken = "\n".join(with_the_names(AppNames("/db-restore", "DB Restore")))
    looked_at = 0
    for name, value in texts().items():
        for text in said(value):
            if "{slash}" not in text:
                continue
            # Only the words beside it: a list is cut, and a question may stand inside another sentence.
            around = text[max(0, text.index("{slash}") - 25) :][:60].partition("{slash}")
            before, after = (re.split(r"\{\w+\}", each) for each in (around[0], around[2]))
            assert f"{before[-1]}/db-restore{after[0]}" in spoken, name
            looked_at += 1
    assert looked_at >= 15
