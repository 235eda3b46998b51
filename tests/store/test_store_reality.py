"""The store on servers as they are: full, forgetful, closed, killed; and documents that must last."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, get_args

import pytest
from pydantic import BaseModel

from bot.errors import StoreUnavailable
from bot.playground.clock import START, HandClock
from bot.restore.model import Phase, Restore, RestoreId
from bot.store import Durability, EmbeddedRedis, Store, connect
from bot.store.connection import Client
from bot.store.documents import dump
from bot.store.keys import Keys
from bot.store.records import Committed, Created, Lease
from tests.store import servers
from tests.store.conftest import unguarded
from tests.store.phases import EVERY_DOCUMENT, EVERY_PHASE, TEXTS
from tests.store.samples import changed, restore, said, typical

NOTHING = "keeps nothing on disk"
NOW_AND_THEN = "now and then"
DROPS = "may drop keys"


# --- Does what is stored stay? --------------------------------------------------------------------


@pytest.fixture
def own_url(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that one test may break; its parameter, if it has one, is its configuration."""
    port, settings = servers.free_port(), getattr(request, "param", {})
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    with servers.process(tmp_path, port, *options):
        yield f"redis://127.0.0.1:{port}"


@pytest.fixture
async def own(own_url: str) -> AsyncIterator[Client]:
    """A client of it that may do everything."""
    async with connect(own_url) as client:
        yield client


async def test_every_kind_of_server_says_whether_it_keeps_what_is_stored(
    store: Store, server: str
) -> None:
    """The embedded server does; the cluster of the tests writes nothing to disk, and says so."""
    kept = server != "cluster"
    found = await store.durability()
    assert int(found.version.partition(".")[0]) >= 7
    assert replace(found, version="") == Durability(persistent=kept, evicts=False)


@pytest.mark.parametrize(
    ("own_url", "known", "risks"),
    [
        pytest.param({"appendonly": "yes"}, (True, False, False), [], id="an append-only file"),
        pytest.param({}, (False, False, False), [NOTHING], id="nothing at all"),
        pytest.param(
            {"save": "3600 1 300 100"}, (True, False, True), [NOW_AND_THEN], id="snapshots only"
        ),
        pytest.param(
            {"appendonly": "yes", "appendfsync": "no"},
            (True, False, True),
            [NOW_AND_THEN],
            id="a log that the system writes when it likes",
        ),
        pytest.param(
            {"appendonly": "yes", "save": "3600 1"}, (True, False, False), [], id="both of them"
        ),
        pytest.param(
            {"appendonly": "yes", "maxmemory": "100mb", "maxmemory-policy": "noeviction"},
            (True, False, False),
            [],
            id="a limit that refuses",
        ),
        pytest.param(
            {"appendonly": "yes", "maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"},
            (True, True, False),
            [DROPS],
            id="a limit that drops any key",
        ),
        pytest.param(
            {"appendonly": "yes", "maxmemory": "100mb", "maxmemory-policy": "volatile-ttl"},
            (True, True, False),
            [DROPS],
            id="a limit that drops keys with a TTL",
        ),
        pytest.param(
            {"appendonly": "yes", "maxmemory": "0", "maxmemory-policy": "allkeys-lru"},
            (True, False, False),
            [],
            id="no limit, so that its policy is never asked",
        ),
    ],
    indirect=["own_url"],
)
async def test_what_the_configuration_of_a_server_means(
    own: Client, known: tuple[bool, bool, bool], risks: list[str]
) -> None:
    found = await Store(own, "T1", HandClock()).durability()
    assert (found.persistent, found.evicts, found.lags) == known
    assert len(found.risks) == len(risks)
    for risk, words in zip(found.risks, risks, strict=True):
        assert words in risk.what
        assert "set `" in risk.fix


LRU = {"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"}


@pytest.mark.parametrize(
    ("own_url", "rights", "found"),
    [
        pytest.param(
            {"appendonly": "yes", **LRU},
            ("+@all", "-config"),
            Durability(persistent=True, evicts=True),
            id="INFO tells",
        ),
        pytest.param(
            {"save": "3600 1", **LRU},
            ("+@all", "-config"),
            Durability(persistent=None, evicts=True),
            id="INFO knows nothing of snapshots",
        ),
        pytest.param(
            {"appendonly": "yes", **LRU},
            ("+@all", "-config", "-info"),
            Durability(),
            id="all is forbidden",
        ),
    ],
    indirect=["own_url"],
)
async def test_a_managed_server_that_forbids_config(
    own: Client, own_url: str, rights: tuple[str, ...], found: Durability
) -> None:
    """What it does not tell is unknown, which is no risk that could be named."""
    await own.execute_command("ACL", "SETUSER", "bot", "on", ">pw", "~*", *rights)
    async with connect(own_url.replace("redis://", "redis://bot:pw@")) as client:
        told = await Store(client, "T1", HandClock()).durability()
        assert replace(told, version="") == found


async def test_a_server_that_is_away_is_not_unknown_but_unavailable(tmp_path: Path) -> None:
    async with connect(f"unix://{tmp_path}/nowhere.sock") as client:
        with pytest.raises(StoreUnavailable):
            await Store(client, "T1", HandClock()).durability()


async def test_a_server_that_still_loads_its_data_is_unavailable() -> None:
    """LOADING is an answer of the server, but no answer to the question."""

    async def loading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            writer.write(b"-LOADING Redis is loading the dataset in memory\r\n")
        writer.close()

    server = await asyncio.start_server(loading, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, connect(f"redis://127.0.0.1:{port}") as client:
        with pytest.raises(StoreUnavailable, match="loading"):
            await Store(client, "T1", HandClock()).durability()


# --- No memory left -------------------------------------------------------------------------------


ROOM = 150_000


async def fill_up(client: Client) -> None:
    """Let the limit be what is used now and a little more, so that it is reached soon."""
    used = (await client.info("memory"))["used_memory"]
    await client.config_set("maxmemory", str(used + ROOM))


async def test_what_was_stored_when_the_memory_ran_out_is_whole_and_the_rest_is_not_there(
    own: Client,
) -> None:
    """Restores are created and moved on until the server refuses: each change is all or nothing."""
    clock, keys = HandClock(), Keys("T1")
    store = Store(own, "T1", clock)
    kept: dict[str, Restore] = {}
    refused: set[str] = set()
    for number in range(150):
        if number == 5:  # the server knows the scripts by now, which take memory, too
            await fill_up(own)
        made = changed(typical(), id=RestoreId(f"R{number}"), request=_other_vm(number))
        try:
            assert isinstance(
                await store.create(made, due=START, audit=[said("asked", made)]), Created
            )
            kept[made.id] = made
            done = await store.commit(
                changed(made, note="x" * 500), due=START, audit=[said("a", made)]
            )
            assert isinstance(done, Committed)
            kept[made.id] = done.restore
        except StoreUnavailable:
            if made.id not in kept:
                refused.add(made.id)
    assert len(kept) > 5
    assert refused
    assert {each.id: each for each in await store.live()} == kept
    for gone in refused:
        assert not await own.exists(keys.restore(gone))
    assert await whole(own)


def _other_vm(number: int) -> Any:
    return typical().request.model_copy(update={"vm": f"vm-{number}"})


async def test_every_change_is_refused_as_a_whole_and_reading_goes_on(own: Client) -> None:
    clock = HandClock()
    store = Store(own, "T1", clock)
    made = restore()
    await store.create(made, due=START, audit=[])
    lease = await store.queue.enqueue_delivery("Ev1", "event", {"a": 1})
    assert lease is not None
    before = await picture(own)
    await own.config_set("maxmemory", "1")
    for change in _changes(store, made, lease):
        with pytest.raises(StoreUnavailable, match="no memory left"):
            await change
    assert await picture(own) == before
    assert await store.live() == (made,)
    assert (await store.load_many([made.id]))[0].restore == made
    assert [entry async for entry in store.audit.read()] == []
    await store.ping()
    await own.config_set("maxmemory", "0")
    for change in _changes(store, made, lease):
        await change


def _changes(store: Store, made: Restore, lease: Lease) -> Iterator[Any]:
    yield store.queue.enqueue_delivery("Ev2", "event", {})
    yield store.queue.renew(lease)
    yield store.commit(changed(made, note="x"), due=START, audit=[said("asked")])
    yield store.create(restore("R2", vm="db-02"), due=START, audit=[])
    yield store.audit.append([said("asked")])
    yield store.queue.wake([made.id])
    yield store.tasks.schedule("home:U1", {}, due=START)
    yield store.tasks.delete("report")
    yield store.queue.lease(5)
    yield store.queue.complete_delivery(lease)


async def picture(client: Client) -> dict[str, bytes | None]:
    """Everything that is stored, byte for byte."""
    return {key: await client.dump(key) async for key in client.scan_iter(match="*")}


@pytest.mark.parametrize("own_url", [{"save": "3600 1"}], indirect=True, ids=["snapshots"])
async def test_a_server_that_cannot_write_its_disk_takes_nothing_until_it_can(
    own: Client, tmp_path: Path
) -> None:
    """MISCONF: a snapshot failed, so that every write is refused until one succeeds."""
    store = Store(own, "T1", HandClock())
    await store.create(restore(), due=START, audit=[])
    in_the_way = tmp_path / "dump.rdb"
    in_the_way.mkdir()
    await saved(own, "err")
    with pytest.raises(StoreUnavailable, match="cannot write to its disk"):
        await store.create(restore("R2", vm="db-02"), due=START, audit=[])
    assert [each.id for each in await store.live()] == ["R1"]
    in_the_way.rmdir()
    await saved(own, "ok")
    assert isinstance(await store.create(restore("R2", vm="db-02"), due=START, audit=[]), Created)


async def saved(client: Client, how: str) -> None:
    """Have the server write a snapshot, and wait for how that went."""
    await client.bgsave()

    async def over() -> bool:
        info = await client.info("persistence")
        return (info["rdb_bgsave_in_progress"], info["rdb_last_bgsave_status"]) == (0, how)

    await servers.wait_until(f"the snapshot is written: {how}", over)


@pytest.mark.parametrize(
    ("first", "back"), [("no", True), ("yes", False)], ids=["as the manual says", "carelessly"]
)
def test_a_backup_is_put_back(tmp_path: Path, first: str, back: bool) -> None:
    """docs/operating.md: a server that starts with `appendonly yes` does not read dump.rdb, and is empty."""
    old, new = tmp_path / "old", tmp_path / "new"

    async def backed_up(client: Client) -> Mapping[str, bytes | None]:
        await Store(client, "T1", HandClock()).create(restore(), due=START, audit=[])
        await saved(client, "ok")
        return await picture(client)

    async def put_back(client: Client) -> Mapping[str, bytes | None]:
        found = await picture(client)
        await client.config_set("appendonly", "yes")
        await rewritten(client)
        return found

    async def live(client: Client) -> tuple[Restore, ...]:
        return await Store(client, "T1", HandClock()).live()

    kept = on_a_server(old, "yes", backed_up)
    new.mkdir()
    shutil.copy(old / "dump.rdb", new)
    assert on_a_server(new, first, put_back) == (kept if back else {})
    assert [each.id for each in on_a_server(new, "yes", live)] == (["R1"] if back else [])


T = TypeVar("T")


def on_a_server(
    directory: Path, append_only: str, act: Callable[[Client], Coroutine[Any, Any, T]]
) -> T:
    """Do something with a server that has its data there."""
    directory.mkdir(exist_ok=True)
    port = servers.free_port()

    async def acted() -> T:
        async with connect(f"redis://127.0.0.1:{port}") as client:
            return await act(client)

    with servers.process(directory, port, "--appendonly", append_only):
        return asyncio.run(acted())


async def rewritten(client: Client) -> None:
    """Wait until the append-only file holds all."""

    async def over() -> bool:
        info = await client.info("persistence")
        going = ("aof_rewrite_in_progress", "aof_rewrite_scheduled")
        return bool(info["aof_enabled"]) and not any(info[each] for each in going)

    await servers.wait_until("the append-only file is written", over)


# --- Killed, and cut off from power ---------------------------------------------------------------


@pytest.fixture
async def embedded(request: pytest.FixtureRequest) -> AsyncIterator[EmbeddedRedis]:
    """A server as the bot starts it, stopped after the test in whatever state it is."""
    server = EmbeddedRedis(sync=getattr(request, "param", True))
    yield server
    await server.stop()


async def kill(server: EmbeddedRedis) -> None:
    """SIGKILL, and what a supervisor tidies up afterwards."""
    process = server._process
    assert process is not None
    process.kill()
    await asyncio.to_thread(process.wait)
    await server.stop()


@pytest.mark.parametrize("embedded", [True, False], indirect=True, ids=["sync", "everysec"])
@pytest.mark.parametrize("after", [1, 7, 20])
async def test_a_kill_amid_changes_leaves_everything_whole(
    embedded: EmbeddedRedis, tmp_path: Path, after: int
) -> None:
    """Three writers at work. Nothing is there by half, and nothing is lost that was answered.

    With `everysec`, as most servers are run, the last two seconds may be missing, and nothing else:
    what is there is the whole state of a moment before.
    """
    url = await embedded.start(tmp_path)
    told: dict[str, int] = {}
    enough = asyncio.Event()

    async def write(writer: int) -> None:
        async with connect(url) as client:
            store = Store(client, "T1", HandClock())
            for number in range(1000):
                made = restore(f"{writer}.{number}", vm=f"vm-{writer}-{number}")
                await store.create(made, due=START, audit=[said("asked", made)])
                told[made.id] = 0
                if len(told) >= after:
                    enough.set()
                await store.commit(changed(made, note="x"), due=START, audit=[said("went", made)])
                told[made.id] = 1

    writers = [asyncio.create_task(write(number)) for number in range(3)]
    await enough.wait()
    await kill(embedded)
    ends = await asyncio.gather(*writers, return_exceptions=True)
    assert {type(end) for end in ends} == {StoreUnavailable}
    await embedded.start(tmp_path)
    async with connect(url) as client:
        assert await whole(client)
        found = await Store(client, "T1", HandClock()).live()
    live: dict[str, int] = {each.id: each.version for each in found}
    # The last change of a writer may have been made without its answer having come.
    assert changes(live) <= changes(told) + len(writers)
    if embedded._sync:
        assert all(live[name] >= version for name, version in told.items())
    else:
        assert all(are_the_first(live, str(writer)) for writer in range(3))


def changes(versions: Mapping[str, int]) -> int:
    """How many changes these versions are: each create and each commit."""
    return sum(1 + version for version in versions.values())


def are_the_first(versions: Mapping[str, int], writer: str) -> bool:
    """No gap: of what one writer wrote, nothing is there before which something is missing."""
    numbers = {
        int(name.partition(".")[2]): version
        for name, version in versions.items()
        if name.startswith(f"{writer}.")
    }
    last = max(numbers, default=-1)
    return all(numbers.get(number) == 1 for number in range(last))


async def test_a_server_that_is_to_answer_only_what_is_on_its_disk_does(
    embedded: EmbeddedRedis, tmp_path: Path
) -> None:
    """What the test above sees only while the disk is slow."""
    async with connect(await embedded.start(tmp_path)) as client:
        assert (await client.config_get("appendfsync"))["appendfsync"] == "always"


async def test_a_file_cut_off_by_a_power_failure_loses_its_last_change_as_a_whole(
    embedded: EmbeddedRedis, tmp_path: Path
) -> None:
    """The log ends in the middle of a script: none of the script's writes are there."""
    url = await embedded.start(tmp_path)
    async with connect(url) as client:
        store = Store(client, "T1", HandClock())
        first = restore()
        await store.create(first, due=START, audit=[said("asked", first)])
        begins = len((file := newest_log(tmp_path)).read_bytes())
        await store.create(restore("R2", vm="db-02"), due=START, audit=[said("asked")])
    await kill(embedded)
    log = file.read_bytes()
    for cut in (len(log) - 3, (begins + len(log)) // 2, begins + 10):
        file.write_bytes(log[:cut])
        await embedded.start(tmp_path)
        async with connect(url) as client:
            assert await whole(client)
            assert await Store(client, "T1", HandClock()).live() == (first,)
        await kill(embedded)


def newest_log(directory: Path) -> Path:
    """The file that changes are appended to."""
    return max((directory / "appendonlydir").glob("*.incr.aof"))


async def whole(client: Client) -> bool:
    """Every live restore stands in the queue, holds its VM and has its audit entries."""
    store, keys = Store(client, "T1", HandClock()), Keys("T1")
    live = await store.live()
    assert await client.hgetall(keys.claims) == {each.claim: each.id for each in live}
    assert set(await client.zrange(keys.due, 0, -1)) == {f"restore:{each.id}" for each in live}
    entries = [entry async for entry in store.audit.read()]
    assert len(entries) == sum(1 + each.version for each in live)
    return await unguarded(client, keys) == []


# --- Documents that every later release must load -------------------------------------------------


@pytest.mark.parametrize("name", EVERY_DOCUMENT)
def test_a_document_is_written_again_as_it_was_read(name: str) -> None:
    """A change of the model shows here. These files are never changed once their release is out.

    A new field with a default is fine: leave the files alone and use it in a new document.
    Anything else needs a schema version of its own, and `documents.load` must read the old one.
    What a rich document says in our types is compared in test_store_documents.py.
    """
    assert dump(EVERY_DOCUMENT[name]) + "\n" == TEXTS[name]


def test_there_is_a_document_of_every_phase() -> None:
    assert {phase: each.phase for phase, each in EVERY_PHASE.items()} == {p: p for p in Phase}


def test_every_word_that_is_stored_is_the_name_of_what_it_means() -> None:
    """So that no two of them can change places without this."""
    words = {word for shape in _shapes(Restore) if issubclass(shape, Enum) for word in shape}
    other = {word for word in words if _plain(word.value) != _plain(word.name)}
    assert {(word.name, word.value) for word in other} == {("HANDED", "handed-over")}


def _plain(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "")


def test_the_documents_use_every_field_there_is() -> None:
    """So that no field can change its meaning without one of them noticing."""
    used: set[str] = set()
    for each in EVERY_DOCUMENT.values():
        used |= set(fields_set(each))
    assert set(fields_of(Restore)) - used == {"Restore.schema_version"}, "which is always written"


def fields_of(model: type[BaseModel]) -> Iterator[str]:
    """Every field of a stored shape and of the shapes in it, as "Shape.field"."""
    for shape in _shapes(model):
        if issubclass(shape, BaseModel):
            yield from (f"{shape.__name__}.{name}" for name in shape.model_fields)


def _shapes(annotation: Any) -> Iterator[type]:
    """All models and enums that a field of this type may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel | Enum):
        yield annotation
        for field in getattr(annotation, "model_fields", {}).values():
            yield from _shapes(field.annotation)
    for part in get_args(annotation):
        yield from _shapes(part)


def fields_set(shape: BaseModel) -> Iterator[str]:
    """The fields that differ from their defaults, or have none."""
    for name, field in type(shape).model_fields.items():
        value = getattr(shape, name)
        if field.is_required() or value != field.get_default():
            yield f"{type(shape).__name__}.{name}"
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, BaseModel):
                yield from fields_set(inner)
