"""What is asked of the far sides when a run is over and it is quiet.

Where Redis has forgotten something (`memories.py`) the documents are no witness of it, and what they
cannot know is not held against them: a message that was posted or changed in a gap may stand twice or
keep its buttons; a Home may show what is forgotten until it is opened; a document that came back from before it
was known what to restore may expire. What the cluster was made to do is judged as
always, by the cluster's own log (`tests/tools/deeds.py`): a gap hides nothing there.
"""

from collections import Counter
from dataclasses import dataclass, field

from bot.playground.slack.surfaces import controls
from bot.playground.slack.workspace import Message
from bot.restore.audit_kinds import AuditKind
from bot.restore.edits import PATIENT
from bot.restore.model import Phase, Restore
from bot.restore.reasons import Reason
from bot.restore.thread import CardKind
from bot.slack.views import PREFIX
from bot.store import Store, connect
from bot.store.keys import PERMANENT, RESTORE, TASK, Keys
from tests.tools.chaos.ground import Ground
from tests.tools.chaos.verdict_people import (
    judge_asking,
    judge_copies,
    judge_passing,
    loose_copies,
)
from tests.tools.invariants import RESTORES, Invariants, restore_id

UNTOUCHED = ("as before", "unchanged")
"""How the end of a restore begins that never reached the VM."""
STAYING = (CardKind.RESULT, CardKind.OFFER, CardKind.REQUEST, CardKind.STARTED)
"""Cards that keep buttons after an end: it can still be passed on, to the person who goes on from there,
and asked why its VM does not come up."""
FOUND_BY_THE_BOT = (AuditKind.ABANDONED, AuditKind.DEFERRED)
"""Audit entries that no fault that the tools make may cause."""


@dataclass(slots=True)
class Verdict:
    """What went wrong, by kind."""

    violations: list[str] = field(default_factory=list)
    endless: list[str] = field(default_factory=list)
    """Threads without an end."""
    duplicates: list[str] = field(default_factory=list)
    """Cards that stand twice."""

    @property
    def guilty(self) -> bool:
        """Something went wrong."""
        return bool(self.violations or self.endless or self.duplicates)


async def stored(ground: Ground) -> tuple[Restore, ...]:
    """Every restore that the store knows, live and ended."""
    async with connect(ground.world.redis_url) as client:
        keys = Keys(ground.world.slack.team_id)
        prefix = keys.prefix + RESTORE
        ids = [key.removeprefix(prefix) async for key in client.scan_iter(match=f"{prefix}*")]
        store = Store(client, ground.world.slack.team_id, ground.clock)
        return tuple(record.restore for record in await store.load_many(sorted(ids)))


async def judge(ground: Ground, invariants: Invariants, documents: tuple[Restore, ...]) -> Verdict:
    """Look at everything, before the aftercare of the restores is over."""
    verdict = Verdict()
    memories = ground.memories
    for found in invariants.judge(documents, memories.forgot):
        (verdict.duplicates if found.startswith("card posted") else verdict.violations).append(
            found
        )
    for restore in documents:
        verdict.endless += _endless(ground, restore)
    verdict.violations += _loose_buttons(ground, documents)
    verdict.violations += _untrue(ground, documents)
    verdict.violations += judge_asking(ground, documents)
    verdict.violations += judge_passing(ground, documents)
    verdict.violations += judge_copies(ground, documents)
    verdict.violations += await _entries(ground)
    return verdict


def forgotten(ground: Ground, documents: tuple[Restore, ...]) -> Counter[str]:
    """Restores that people see and no document knows: nobody follows those."""
    known = {str(each.id) for each in documents}
    seen = {id_ for _, (id_, _) in _cards(ground)} - known
    made = {restore_id(call) for call in ground.stage.restores()} & seen
    return Counter({"before anything was made": len(seen - made), "made": len(made)})


def _endless(ground: Ground, restore: Restore) -> list[str]:
    """An ended restore has told its end; a live one waits for the cluster alone."""
    if restore.phase.ended:
        return [] if _told(ground, restore) else [f"{restore.id}: nobody was told of its end ({restore.phase})"]  # fmt: skip
    question = restore.question
    if question is not None and restore.deadline is None and question.kind not in PATIENT:
        return [f"{restore.id}: its question {question.key} has no deadline"]
    if waits_for_the_cluster(ground, restore):
        return []
    return [f"{restore.id}: still {restore.phase}"]


def waits_for_the_cluster(ground: Ground, restore: Restore) -> bool:
    """The restore is made and the cluster has not finished it; that may take for ever."""
    if restore.phase is not Phase.RESTORING or restore.job is None:
        return False
    made = ground.world.kube.storage.find(
        RESTORES, restore.request.namespace or "", restore.job.name
    )
    return made is not None and not _over(made)


def _over(made: dict[str, dict[str, object]]) -> bool:
    return bool(made.get("status", {}).get("complete"))


def _told(ground: Ground, restore: Restore) -> bool:
    """The result stands in the thread, or in the direct message that it moved to.

    One that somebody has deleted is posted anew, unless the story went on from it.
    """
    result = next(card for card in restore.cards if card.kind is CardKind.RESULT)
    return any(
        _marks(message) == (restore.id, result.key)
        for message in ground.world.slack.workspace.everything()
        if not message.deleted or result.closed is not None
    )


def _marks(message: Message) -> tuple[str, str]:
    """Which card of which restore a message is."""
    payload = (message.metadata or {}).get("event_payload") or {}
    return str(payload.get("restore", "")), str(payload.get("card", ""))


def _cards(ground: Ground) -> list[tuple[Message, tuple[str, str]]]:
    return [
        (message, _marks(message))
        for message in ground.world.slack.workspace.everything()
        if _marks(message)[1] and not message.deleted
    ]


def _untrue(ground: Ground, documents: tuple[Restore, ...]) -> list[str]:
    """Ends that were told and are not so."""
    made = {call.name for call in ground.stage.restores()}
    found = []
    for each in documents:
        name = each.job.name if each.job else ""
        said = each.outcome.vm_status if each.outcome else ""
        if each.phase is Phase.SUCCEEDED and name not in ground.completed:
            found.append(f"{each.id}: called a success, but the cluster never completed {name}")
        if each.phase is Phase.FAILED and said.startswith(UNTOUCHED) and name in made:
            found.append(f"{each.id}: said to be {said}, but {name} was created")
        if _called_deleted(each) and _there(ground, each):
            found.append(f"{each.id}: said that {name} was deleted, but it is there")
    return found


def _called_deleted(restore: Restore) -> bool:
    return restore.outcome is not None and restore.outcome.reason is Reason.RESTORE_DELETED


def _there(ground: Ground, restore: Restore) -> bool:
    name, namespace = restore.job.name if restore.job else "", restore.request.namespace or ""
    return ground.world.kube.storage.find(RESTORES, namespace, name) is not None


def _buttons(ground: Ground, message: Message) -> list[str]:
    user = ground.stage.alice.user
    usable = (control.action_id for control in controls(message.blocks or [], user))
    return [name.removeprefix(PREFIX) for name in usable]


def _loose_buttons(ground: Ground, documents: tuple[Restore, ...]) -> list[str]:
    """Buttons stand on what is open; after the end only where one goes on from there."""
    by_id = {str(each.id): each for each in documents}
    found = []
    for message, (id_, key) in _cards(ground):
        restore = by_id.get(id_)
        if restore is None or not (buttons := _buttons(ground, message)):
            continue
        if restore.thread_ref.channel != message.channel.id or ground.out_of_reach(message):
            continue  # it cannot be written to any more, or nobody knows of it
        card = next((card for card in restore.cards if card.key == key), None)
        usable = card is not None and card.closed is None
        if not usable or (restore.phase.ended and card and card.kind not in STAYING):
            found.append(f"{id_}: card {key} has live buttons {buttons}")
    return found


async def _entries(ground: Ground) -> list[str]:
    async with connect(ground.world.redis_url) as client:
        store = Store(client, ground.world.slack.team_id, ground.clock)
        return [
            f"the store {entry.kind} {entry.target}: {entry.detail}"
            async for entry in store.audit.read()
            if entry.kind in FOUND_BY_THE_BOT
        ]


async def judge_later(ground: Ground, documents: tuple[Restore, ...]) -> list[str]:
    """Look again when the aftercare is over."""
    found = []
    over = {str(each.id) for each in documents if each.phase.ended}
    places = {str(each.id): each.thread_ref.channel for each in documents}
    for message, (id_, key) in _cards(ground):
        here = places.get(id_) == message.channel.id
        known = here and not ground.out_of_reach(message)
        if id_ in over and known and (buttons := _buttons(ground, message)):
            found.append(f"{id_}: card {key} keeps its buttons for ever: {buttons}")
    found += loose_copies(ground, over)
    return found + await _leaked(ground, {str(each.id) for each in documents} - over)


async def _leaked(ground: Ground, late: set[str]) -> list[str]:
    """Keys that nothing will ever remove, and what stands in the queue or holds a VM for ever.

    `late`: restores that had not ended when the night began.
    """
    keys = Keys(ground.world.slack.team_id)
    async with connect(ground.world.redis_url) as client:
        live = {str(each) for each in await client.zrange(keys.live, 0, -1)}
        due = [str(each) for each in await client.zrange(keys.due, 0, -1)]
        claims = {str(vm): str(id_) for vm, id_ in (await client.hgetall(keys.claims)).items()}
        members = {
            str(each).removeprefix(keys.prefix) async for each in client.scan_iter(count=500)
        }
        kept = [each for each in members if await client.ttl(keys.prefix + each) == -1]
    # Whatever the cluster finished only in the night is in its own aftercare now.
    alive = {RESTORE + each for each in live | late}
    return [
        *(f"the key {each} will never go" for each in kept if each not in {*PERMANENT, *alive}),
        *(f"{each} stays in the queue" for each in due if not _kept_current(each, alive)),
        *(f"the claim on {vm} stays" for vm, holder in claims.items() if holder not in live),
    ]


def _kept_current(member: str, alive: set[str]) -> bool:
    """It lives, or it is something that is drawn anew as long as anything lives."""
    return member in alive or (member.startswith(TASK) and bool(alive))
