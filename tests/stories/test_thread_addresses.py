"""Who is given the address of a restore's thread: nobody, if it leads into another's messages."""

import pytest

from bot.playground.stage import access
from bot.restore.model import Restore
from bot.restore.thread import UserId
from bot.slack.api.directory import workspace
from bot.slack.outbound.thread_address import link_into, thread_address, whereabouts
from tests.stories import acts
from tests.stories.conftest import SetStage, documents
from tests.test_house import product

WITHOUT_A_NAMESPACE = "/vm-restore database-01 from pre-upgrade-snapshot"
HELD = "is already restoring this VM"
IN_A_DM = "its thread in a direct message"

# where the restore's thread is, who reads its address, what Slack does -> is there an address?
GIVEN: list[tuple[str, str, str, bool]] = [
    ("channel", "owner", "answers", True),
    ("channel", "stranger", "answers", True),
    ("channel", "everybody", "answers", True),
    ("channel", "owner", "refuses", False),
    ("direct message", "owner", "answers", True),
    ("direct message", "stranger", "answers", False),
    ("direct message", "everybody", "answers", False),
    ("no thread yet", "owner", "answers", False),
]


@pytest.mark.parametrize(("where", "reader", "slack", "given"), GIVEN)
async def test_who_is_given_the_address_of_a_thread(
    stage_for: SetStage, where: str, reader: str, slack: str, given: bool
) -> None:
    stage = await stage_for()
    if where == "direct message":
        stage.channel = stage.world.slack.dm(stage.alice)
    await acts.to_the_warning(stage)
    await stage.world.quiet()
    (restore,) = await documents(stage.world)
    if where == "no thread yet":
        thread_ref = restore.thread_ref.model_copy(update={"thread": None})
        restore = restore.model_copy(update={"thread_ref": thread_ref})
    if slack == "refuses":
        stage.world.slack.faults.forbid("chat.getPermalink", "message_not_found")
    readers = {"owner": restore.owner, "stranger": UserId(stage.bob.id), "everybody": None}
    assert stage.world.bot is not None
    web, asked = stage.world.bot.web, len(stage.world.slack.log)
    address = await thread_address(web, restore, readers[reader])
    expected = f"/archives/{restore.thread_ref.channel}/p" if given else "None"
    assert expected in str(address)
    said = await whereabouts(web, restore, readers[reader])
    assert said == (address or without_an_address(restore))
    assert len(stage.world.slack.log[asked:]) == 2 * (given or slack == "refuses")
    if reader == "everybody":
        assert link_into(await workspace(web), restore.thread_ref) == address


def without_an_address(restore: Restore) -> str:
    """What a sentence says then."""
    thread_ref = restore.thread_ref
    return IN_A_DM if thread_ref.direct else f"<#{thread_ref.channel}>"


async def test_the_vm_is_held_by_a_restore_in_a_direct_message(stage_for: SetStage) -> None:
    """Alice restores it by direct message; Bob is told that, and not where it is."""
    stage = await stage_for(config=lambda stage: access(stage.alice, stage.bob))
    hers = stage.world.slack.dm(stage.alice)
    await stage.alice.slash(hers, acts.REQUEST)
    await stage.world.quiet()
    await stage.bob.slash(stage.channel, WITHOUT_A_NAMESPACE)
    await stage.press("exists in one namespace", "Use production", by=stage.bob)
    card = stage.read(await stage.card(HELD))
    assert IN_A_DM in card
    assert hers.id not in card


async def test_her_own_restore_is_held_by_one_in_her_direct_message(stage_for: SetStage) -> None:
    """She asks in the channel, where others read the card, too."""
    stage = await stage_for()
    hers = stage.world.slack.dm(stage.alice)
    await stage.alice.slash(hers, acts.REQUEST)
    await stage.world.quiet()
    await stage.alice.slash(stage.channel, WITHOUT_A_NAMESPACE)
    await stage.press("exists in one namespace", "Use production")
    card = stage.read(await stage.card(HELD))
    assert IN_A_DM in card
    assert hers.id not in card


async def test_her_own_restore_in_the_same_direct_message_is_linked(stage_for: SetStage) -> None:
    """There, nobody but Alice reads the card."""
    stage = await stage_for()
    stage.channel = stage.world.slack.dm(stage.alice)
    await acts.to_the_warning(stage)
    await stage.alice.slash(stage.channel, WITHOUT_A_NAMESPACE)
    await stage.press("exists in one namespace", "Use production")
    card = stage.read(await stage.card(HELD))
    assert f"/archives/{stage.channel.id}/p" in card


def test_one_function_asks_slack_for_addresses() -> None:
    asking = [path.name for path in product() if '"chat.getPermalink",' in path.read_text("utf-8")]
    assert asking == ["thread_address.py"]
