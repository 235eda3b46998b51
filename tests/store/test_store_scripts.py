"""The Lua scripts and the Python that calls them agree by name, not by position."""

import re
from importlib import resources

import pytest

from bot.store.scripts import NAMES, declared, read

LUA = resources.files("bot.store") / "lua"


@pytest.mark.parametrize("name", NAMES)
def test_a_script_declares_what_it_takes_and_counts_nothing(name: str) -> None:
    own = LUA.joinpath(f"{name}.lua").read_text("utf-8")
    code = re.sub(r"--.*", "", own)
    assert declared(own, "KEYS"), "every script needs a key, by which a cluster finds its server"
    assert not re.search(r"\b(KEYS|ARGV)\b", code)
    taken = [*declared(own, "KEYS"), *declared(own, "ARGV")]
    assert len(taken) == len(set(taken))
    unused = {each for each in taken if not re.search(rf"\b{each}\b", code)}
    # `load_many` builds its keys from the prefix; the one it is given names the server.
    # `time` asks that server as well.
    assert unused == {"load_many": {"live"}, "time": {"due"}}.get(name, set())


def test_every_script_file_is_known() -> None:
    files = {each.name.removesuffix(".lua") for each in LUA.iterdir()}
    assert files == {*NAMES, "parts"}


def test_values_are_sent_in_the_order_of_the_head() -> None:
    script = read("renew")
    arguments: dict[str, str | int] = {"now": 3, "fence": 2, "lease_ms": 4, "member": "restore:R1"}
    assert script.values({"due": "d", "record": "r"}, arguments) == [
        "r",
        "d",
        "restore:R1",
        2,
        3,
        4,
    ]


@pytest.mark.parametrize("wrong", [{"now": 1}, {"now": 1, "fence": 2, "lease_ms": 3, "x": 4}])
def test_a_name_too_many_or_too_few_is_refused_before_anything_is_sent(
    wrong: dict[str, int],
) -> None:
    with pytest.raises(TypeError, match="renew takes KEYS"):
        read("renew").values({"due": "d", "record": "r"}, wrong)
