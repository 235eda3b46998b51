"""The demo is a story, too: in real time, with nobody's help, to a good end."""

from io import StringIO

from bot.playground import demo


async def test_demo_plays_both_stories_and_ends() -> None:
    """It prints the channel live: a restore that succeeds, a wrong name that restores nothing."""
    out = StringIO()
    code = await demo.play(out=out)
    told = out.getvalue()
    assert code == 0
    beats = [
        "Story 1",
        "@alice *Which namespace is `database-01` in?*",
        "VM Must Be Stopped Before Restore",
        "Alice presses [Stop and restore].",
        "VM RESTORE - Data Loss Warning",
        "Typed Verification Passed",
        "Alice presses [Restore VM now].",
        "VM Restored Successfully",
        "started by @alice",
        "Story 2",
        "❌ Confirmation Failed",
        "The cluster was asked for 1 restore: restore-database-01-",
    ]
    places = [told.find(beat) for beat in beats]
    assert -1 not in places, [beat for beat in beats if beat not in told]
    assert places == sorted(places)
