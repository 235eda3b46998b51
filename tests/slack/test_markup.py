"""Untrusted text becomes safe text, and times and lengths read well."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.markup import mrkdwn as markup
from bot.slack.markup.mrkdwn import Mrkdwn
from bot.texts import general

WHEN = datetime(2026, 2, 18, 10, 0, tzinfo=UTC)
NASTY = st.text() | st.text(alphabet="<>&|!@#*_~`:;/ \n\u200b\u202eaZ0-ü😀", max_size=400)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("database-01", "`database-01`"),
        ("<!channel>", "`&lt;!channel&gt;`"),
        ("a`b", "`a'b`"),
        ("safe\u202egnp.exe", "`safegnp.exe`"),
        ("pre\u200bfix", "`prefix`"),
        ("two\nlines", "`two lines`"),
        ("", "(empty)"),
        ("\u200b", "(empty)"),
        ("\u3164", "(empty)"),
    ],
)
def test_a_name_is_shown_as_code_and_nothing_else(text: str, shown: str) -> None:
    assert markup.code(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pre-upgrade", "`pre-upgrade`"),
        ("handof <@U0BOB>", "`handof` <@U0BOB>"),
        ("<@U0BOB|bob>", "<@U0BOB>"),
        ("<@W1> or <@U2>`s", "<@W1> `or` <@U2> `'s`"),
        ("<@nobody> <!here> <#C1>", "`&lt;@nobody&gt; &lt;!here&gt; &lt;#C1&gt;`"),
        ("", "(empty)"),
    ],
)
def test_what_somebody_typed_is_code_with_people_in_between(text: str, shown: str) -> None:
    assert markup.quoted(text, 300) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("quota `storage` is full", "quota `storage` is full"),
        ("an odd ` backtick", "an odd ' backtick"),
        ("<https://evil|Approve>", "&lt;https://evil|Approve&gt;"),
        ("*bold* _sly_ ~gone~", "∗bold∗ ＿sly＿ ∼gone∼"),  # noqa: RUF001 - the look-alikes
        ("restore_1_root and 2*3", "restore_1_root and 2*3"),
        ("`*` stays in code", "`*` stays in code"),
        ("a && b", "a &amp;&amp; b"),
    ],
)
def test_a_sentence_keeps_its_code_and_loses_its_markup(text: str, shown: str) -> None:
    assert markup.sentence(text) == shown


def test_a_long_sentence_is_cut_without_breaking_an_escape() -> None:
    cut = markup.sentence("&" * 100, most=23)
    assert cut == "&amp;" * 4 + "…"


def test_a_cut_that_halves_code_leaves_none_open() -> None:
    cut = markup.sentence("see `" + "a" * 100 + "`", most=20)
    assert "`" not in cut


@given(NASTY, st.integers(5, 300))
def test_nothing_untrusted_is_live_or_too_long(text: str, most: int) -> None:
    for safe in (markup.sentence(text, most), markup.code(text, most)):
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", safe)
        assert len(safe) <= max(most + 2, len("(empty)"))
        assert not any(ord(c) < 32 for c in safe)
        safe.encode()


@given(NASTY)
def test_code_has_exactly_its_own_two_backticks(text: str) -> None:
    assert markup.code(text).count("`") in (0, 2)
    assert markup.sentence(text).count("`") % 2 == 0


@given(NASTY)
def test_references_are_the_only_links_that_survive(text: str) -> None:
    for found in re.findall(r"<[^<>]*>", markup.referring(text)):
        assert re.fullmatch(
            r"<@[UW]\w+>|<#[CGD]\w+>|<https?://[^|>]+/archives/[^|>]+\|thread>", found
        )


def test_the_core_may_name_people_channels_and_threads() -> None:
    said = "<@U0BOB> holds it in <#C0OPS>: https://acme.slack.com/archives/C0OPS/p177143 <!here>"
    assert markup.referring(said) == (
        "<@U0BOB> holds it in <#C0OPS>: "
        "<https://acme.slack.com/archives/C0OPS/p177143|thread> &lt;!here&gt;"
    )


def test_a_time_that_the_core_names_is_told_in_the_zone_of_the_reader() -> None:
    said = markup.referring("held since 2026-02-18 10:00 UTC, not since 2026-99-99 10:00 UTC")
    assert said == f"held since {markup.moment(WHEN)}, not since 2026-99-99 10:00 UTC"


def test_fill_escapes_what_is_not_markup_already() -> None:
    filled = markup.fill("{a} and {b}", a="<!here>", b=Mrkdwn("*bold*"))
    assert filled == "&lt;!here&gt; and *bold*"


def test_a_value_with_braces_is_not_filled_again() -> None:
    assert markup.fill("{a}", a="{b} {0}") == "{b} {0}"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (-5, "0 seconds"),
        (1, "1 second"),
        (45, "45 seconds"),
        (60, "1 minute"),
        (61, "1 minute 1 second"),
        (600, "10 minutes"),
        (6.5 * 3600, "6 hours 30 minutes"),
        (3600, "1 hour"),
        (3605, "1 hour"),
        (24 * 3600 + 60, "1 day"),
        (74 * 3600, "3 days 2 hours"),
        (400 * 86400, "400 days"),
    ],
)
def test_a_length_of_time_is_two_units_in_words(seconds: float, words: str) -> None:
    assert markup.duration(seconds) == words
    assert markup.duration(timedelta(seconds=seconds)) == words


def test_a_moment_is_utc_and_the_readers_own_time() -> None:
    assert markup.moment(WHEN) == (
        "2026-02-18 10:00:00 UTC (your time: "
        "<!date^1771408800^{date_short_pretty} {time}|2026-02-18 10:00:00 UTC>)"
    )


def test_another_zone_is_shown_in_utc() -> None:
    assert markup.utc(WHEN.astimezone(timezone(timedelta(hours=5)))) == "2026-02-18 10:00:00 UTC"


def test_a_list_says_how_many_it_left_out() -> None:
    assert markup.names(["a", "b", "c"], most=2) == "`a`, `b` and 1 more"
    assert markup.names(["a" * 30, "b" * 30], room=40) == f"`{'a' * 30}` and 1 more"
    assert markup.names(["a"], more=4) == "`a` and 4 more"
    assert markup.names(["a", "b"]) == "`a`, `b`"


def test_a_person_is_mentioned_only_by_a_true_id() -> None:
    assert markup.mention("U0ALICE") == "<@U0ALICE>"
    assert markup.mention("U0> <!here") == "`U0&gt; &lt;!here`"


@pytest.mark.parametrize("url", [None, "", "javascript:alert(1)", "https://a|b", "https://a >"])
def test_only_an_address_becomes_a_link(url: str | None) -> None:
    assert markup.link(url, "its thread") == "its thread"


def test_an_address_becomes_a_link() -> None:
    assert markup.link("https://acme.slack.com/x", "thread") == "<https://acme.slack.com/x|thread>"


def test_a_long_name_keeps_both_its_ends() -> None:
    short = markup.shortened("a" * 100 + "-the-end-01", 30)
    assert len(short) == 30
    assert short.startswith("aaa")
    assert short.endswith("…the-end-01")


def test_what_is_dated_in_the_future_is_not_ago() -> None:
    assert markup.ago(timedelta(hours=-1)) == general.DATED_LATER
    assert markup.ago(timedelta(hours=1)) == "1 hour ago"
