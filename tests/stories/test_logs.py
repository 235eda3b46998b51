"""What the log says of a restore: a line for each thing that people do and each end, and no words."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from bot.telemetry import set_up
from tests.stories import acts
from tests.stories.conftest import SetStage


@contextmanager
def written() -> Iterator[list[dict[str, Any]]]:
    """The lines that a bot writes, as it writes them in a pod; read when it has ended."""
    out, lines = io.StringIO(), list[dict[str, Any]]()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    set_up("debug", "json", out=out)
    try:
        yield lines
    finally:
        lines += [json.loads(line) for line in out.getvalue().splitlines()]
        structlog.reset_defaults()
        root.handlers[:], root.level = handlers, level


async def test_the_log_tells_who_did_what_and_never_the_words(stage_for: SetStage) -> None:
    stage = await stage_for(start=False, running=True)
    with written() as logs:
        await stage.world.start_bot()
        await acts.ask_and_stop(stage)
        await stage.card(acts.TYPE_IT)
        await stage.reply("I am sure of this", by=stage.bob)
        await acts.type_name(stage)
        await acts.press_restore(stage)
        await stage.card(acts.RESTORED)
        await stage.world.quiet()
        await stage.world.stop_bot()
    told = [each for each in logs if each["event"] == "audit"]
    assert [(each["kind"], each.get("by")) for each in told] == [
        ("requested", stage.alice.id),
        ("stop-choice", None),
        ("stopping", stage.alice.id),
        ("stopping", None),
        ("checking", None),
        ("typing", None),
        ("confirming", stage.alice.id),
        ("restoring", stage.alice.id),
        ("restoring", None),
        ("restoring", None),
        ("succeeded", None),
    ]
    assert {each["vm"].rpartition("/")[2] for each in told} == {"database-01"}
    assert len({each["restore"] for each in told}) == 1
    everything = "\n".join(json.dumps(each, default=str) for each in logs)
    for words in ("pre-upgrade-snapshot", "I am sure", "xoxb-", "xapp-"):
        assert words not in everything
