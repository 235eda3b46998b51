"""What the log says of a restore: a line for each thing that people do and each end, and no words."""

import json

from structlog.testing import capture_logs

from tests.stories import acts
from tests.stories.conftest import SetStage


async def test_the_log_tells_who_did_what_and_never_the_words(stage_for: SetStage) -> None:
    stage = await stage_for(start=False, running=True)
    with capture_logs() as logs:
        await stage.world.start_bot()
        await acts.ask(stage)
        await stage.press(acts.MUST_STOP, "Stop and restore")
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
