"""A rolling update and a downgrade with restores in flight: two releases on one Redis, as processes.

The release at hand plays the older one. The newer one is a copy of it that writes a schema of its own and reads
both: what the next release may do, and what this one must leave alone.
"""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.clock import Clock
from bot.playground.world import World, world
from bot.restore.model import Phase, Restore
from bot.store.documents import load
from tests.replicas.cast import Actor, cast, hurry
from tests.stories import acts
from tests.tools.fleet import Fleet, Replica, until
from tests.tools.invariants import Invariants

HOUSE = Path(__file__).parent.parent.parent
NEWER = {
    "restore/model.py": [
        ("SCHEMA: Literal[1] = 1", "SCHEMA: Literal[2] = 2"),
        ("schema_version: Literal[1] = SCHEMA", "schema_version: Literal[1, 2] = SCHEMA"),
    ],
    "store/documents.py": [("**fields}", '**fields, "schema_version": SCHEMA}')],
}
"""What the newer release has changed."""
UNREAD = "Nothing was done: I cannot read the record of this restore"


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the newer release lies."""
    place = tmp_path_factory.mktemp("newer")
    ignored = shutil.ignore_patterns("playground")
    shutil.copytree(HOUSE / "bot", place / "bot", ignore=ignored)
    for name, changes in NEWER.items():
        path = place / "bot" / name
        text = path.read_text(encoding="utf-8")
        for before, after in changes:
            assert text.count(before) == 1, (name, before)
            text = text.replace(before, after)
        path.write_text(text, encoding="utf-8")
    return place


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    """No replica runs yet. By HTTP, so that it is known which of them hears what is said."""
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(world(tmp_path, clock=Clock(), socket_mode=False))
        hurry(made)
        yield await stack.enter_async_context(Fleet(made))


async def stored(made: World) -> dict[str, tuple[int, Restore]]:
    """The schema and the content of each VM's restore, as the newer release reads them."""
    found = {}
    async with Redis.from_url(made.redis_url, decode_responses=True) as client:
        async for key in client.scan_iter(match="*:restore:*"):
            text = str(await client.hget(key, "doc"))
            schema = json.loads(text)["schema_version"]
            restore = load(text.replace('"schema_version":2', '"schema_version":1', 1))
            found[str(restore.request.vm)] = (schema, restore)
    return found


async def told(actor: Actor, words: str) -> None:
    """Wait for what only this person sees."""
    stage = actor.stage

    def said() -> bool:
        return any(words in stage.read(each) for each in stage.whispers(actor.person))

    await until(said, f"{actor.vm}: {words}")


def updated(fleet: Fleet, newer: Path) -> Replica:
    """A replica of the newer release."""
    # Safe: or the folder that the tests run in would come first.
    return fleet.begin(PYTHONPATH=str(newer), PYTHONSAFEPATH="1")


def hears(replica: Replica, made: World) -> None:
    """From here on Slack brings everything to this replica."""
    made.slack.use_http(f"http://127.0.0.1:{replica.port()}/slack/events")


async def test_restores_in_flight_outlive_an_update_and_a_downgrade(
    fleet: Fleet, newer: Path
) -> None:
    """What the newer release has written is left to it by the older one, which says so; all ends well."""
    made = fleet.world
    first, second = cast(made, 2)
    invariants = Invariants(made)
    [old] = await fleet.start()
    hears(old, made)
    await first.ask()
    await second.ask()
    assert {schema for schema, _ in (await stored(made)).values()} == {1}

    # Side by side. The newer one takes over a restore of the older one by an answer; the older one goes on with
    # what it can read, and either may find that a VM is down.
    new = updated(fleet, newer)
    await new.up()
    hears(new, made)
    await first.type_name()
    hears(old, made)
    await second.stop()
    assert (await stored(made))[first.vm][0] == 2

    # Downgraded: the older one alone leaves it, and says so to whoever asks or clicks.
    new.terminate()
    assert await new.exited() == 0
    await first.person.slash(first.stage.channel, "/vm-restore status")
    await told(first, "kept by a newer release")
    await first.press(acts.READY, "Restore VM now")
    await told(first, UNREAD)
    assert (await stored(made))[first.vm][1].phase is Phase.CONFIRMING

    # Updated again, the older one last.
    again = updated(fleet, newer)
    await again.up()
    hears(again, made)
    old.terminate()
    assert await old.exited() == 0
    assert first.created() == []
    await first.confirm()
    await second.type_name()
    await second.confirm()
    await first.result()
    await second.result()

    found = await stored(made)
    assert {vm: (schema, each.phase) for vm, (schema, each) in found.items()} == {
        actor.vm: (2, Phase.SUCCEEDED) for actor in (first, second)
    }
    assert [len(actor.created()) for actor in (first, second)] == [1, 1]
    assert invariants.judge(tuple(restore for _, restore in found.values())) == []
