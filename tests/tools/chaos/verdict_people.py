"""What is asked when a run is over about people: what passed on to whom, and what they were shown."""

from collections import Counter
from typing import Any

from bot.playground.slack import Person
from bot.playground.slack.surfaces import controls
from bot.playground.slack.workspace import Message
from bot.restore.events import Button
from bot.restore.model import Restore
from bot.restore.thread import CardKind, UserId
from bot.slack.views import PREFIX, parse_value
from tests.tools.chaos.ground import Ground

Json = dict[str, Any]

CLOCKS_DIFFER = 0.005
"""Seconds. Replicas date what they store, and their clocks are the same to a few milliseconds only."""


def judge_asking(ground: Ground, documents: tuple[Restore, ...]) -> list[str]:
    """One request opens one restore, however often it was sent or delivered."""
    # One that was found again after its record was lost knows its predecessor by its id alone.
    asked = [each for each in documents if each.previous is None and "." not in each.id]
    if len(asked) <= ground.asks:
        return []
    return [f"{len(asked)} restores were opened, but only {ground.asks} were asked for"]


def judge_passing(ground: Ground, documents: tuple[Restore, ...]) -> list[str]:
    """Who has a restore got it by their own click or words, once for each, and everybody was told."""
    return [
        f"{restore.id}: {wrong}"
        for restore in documents
        for wrong in (
            *_accepted_more_than_once(ground, restore),
            *_told_of_each(ground, restore),
            *_offers_left(ground, restore),
            *_confirmed_by_its_owner(restore),
        )
    ]


def _accepted_more_than_once(ground: Ground, restore: Restore) -> list[str]:
    """Each click on another offer hands it over once."""
    accepted = Counter(each.taker for each in restore.handoffs if each.how == "accepted")
    found = []
    for taker, times in accepted.items():
        offers = {number for who, number in _accepts(ground, restore) if who == taker}
        if times > len(offers):
            found.append(f"passed on to {taker} {times} times, by clicks on {len(offers)} offers")
    return found


def _accepts(ground: Ground, restore: Restore) -> list[tuple[str, int]]:
    """Who pressed Accept, on which card."""
    found = []
    for outgoing in ground.world.slack.sent:
        for action in outgoing.payload.get("actions") or ():
            ref = parse_value(str(action.get("value") or ""))
            if action["action_id"] == f"{PREFIX}{Button.ACCEPT}" and ref and ref[0] == restore.id:
                found.append((outgoing.payload["user"]["id"], ref[1]))
    return found


def _told_of_each(ground: Ground, restore: Restore) -> list[str]:
    """No handover has two cards; the last one has one that stands where the restore is."""
    known = [each for each in _handed(ground, restore) if not ground.memories.forgot(each[0])]
    keys = {key for _, key in known}
    if len(keys) > len(restore.handoffs):
        return [f"{len(keys)} cards tell of {len(restore.handoffs)} handovers"]
    news = [card for card in restore.cards if card.kind is CardKind.HANDED and card.closed is None]
    standing = {
        key
        for message, key in _handed(ground, restore)
        if message.channel.id == restore.thread_ref.channel and not message.deleted
    }
    return [f"nobody was told of {card.key}" for card in news if card.key not in standing]


def _handed(ground: Ground, restore: Restore) -> list[tuple[Message, str]]:
    """The cards that tell of its handovers, also those that somebody has deleted."""
    found = []
    for message in ground.world.slack.workspace.everything():
        marks = (message.metadata or {}).get("event_payload") or {}
        key = str(marks.get("card", ""))
        if marks.get("restore") == restore.id and key.startswith(f"{CardKind.HANDED}."):
            found.append((message, key))
    return found


def _offers_left(ground: Ground, restore: Restore) -> list[str]:
    """An offer is open until its time is over, and no longer than the last buttons."""
    made = restore.offer
    opened = [c.key for c in restore.cards if c.kind is CardKind.OFFER and c.closed is None]
    if made is None:
        return [f"nothing is offered, but {key} is open" for key in opened]
    late = made.until <= ground.clock.now()
    return ["it is offered past the limit"] if late or restore.closed else []


def _confirmed_by_its_owner(restore: Restore) -> list[str]:
    """It was theirs when they typed the name, and it was theirs when they pressed."""
    typed, sealed = restore.typed, restore.confirmation
    found = []
    if typed is not None and typed.by not in owners_at(restore, float(typed.ts)):
        found.append(f"{typed.by} typed the name before it was theirs")
    if sealed is not None and sealed.by not in owners_at(restore, sealed.at.timestamp()):
        found.append(f"{sealed.by} confirmed what was not theirs")
    if typed is not None and sealed is not None and typed.by != sealed.by:
        found.append(f"{typed.by} typed the name, {sealed.by} confirmed")
    return found


def owners_at(restore: Restore, moment: float) -> set[UserId]:
    """Whose it was then; of both, if it passed on at that very moment."""
    owners = {restore.requester}
    for change in restore.handoffs:
        since = moment - change.at.timestamp()
        if since > CLOCKS_DIFFER:
            owners = {change.taker}
        elif since >= -CLOCKS_DIFFER:
            owners.add(change.taker)
    return owners


# Homes


def homes(ground: Ground) -> dict[str, list[Json]]:
    """What the Homes show that somebody has opened, but for the line that tells when."""
    people = ground.stage.alice, ground.stage.bob
    return {each.name: _shown(each) for each in people if each.home is not None}


def _shown(person: Person) -> list[Json]:
    view = person.home
    blocks = view.blocks[:-1] if view is not None else []
    return [{name: part for name, part in each.items() if name != "block_id"} for each in blocks]


def judge_homes(before: dict[str, list[Json]], after: dict[str, list[Json]]) -> list[str]:
    """A Home that nobody has opened for a while shows what it shows to somebody who opens it."""
    return [
        f"the Home of {name} was out of date: {_difference(before[name], after[name])}"
        for name in before
        if before[name] != after[name]
    ]


def _difference(before: list[Json], after: list[Json]) -> str:
    gone = [str(each) for each in before if each not in after]
    new = [str(each) for each in after if each not in before]
    return f"it showed {gone} instead of {new}"


# Direct messages


def judge_copies(ground: Ground, documents: tuple[Restore, ...]) -> list[str]:
    """Only what is still offered can be accepted, also where the offer came by direct message."""
    opened = {
        (str(restore.id), card.number)
        for restore in documents
        for card in restore.cards
        if card.kind is CardKind.OFFER and card.closed is None
    }
    return [
        f"{id_}: a direct message still offers it by card {number}"
        for name, id_, number in _in_direct_messages(ground)
        if name == f"{PREFIX}{Button.ACCEPT}" and (id_, number) not in opened
    ]


def loose_copies(ground: Ground, over: set[str]) -> list[str]:
    """What came by direct message of restores that are over, and can still be pressed."""
    return [
        f"{id_}: {name} of card {number} stays in a direct message for ever"
        for name, id_, number in _in_direct_messages(ground, known=True)
        if id_ in over
    ]


def _in_direct_messages(ground: Ground, *, known: bool = False) -> list[tuple[str, str, int]]:
    """What can be pressed there: the action, the restore and the card.

    With `known` only in messages of which Redis has forgotten nothing.
    """
    found = []
    for message in ground.world.slack.workspace.everything():
        if message.channel.kind != "im" or message.deleted or message.ephemeral_to is not None:
            continue
        if ground.out_of_reach(message) or (known and ground.memories.forgot(message)):
            continue
        for control in controls(message.blocks or [], ground.stage.alice.user):
            ref = parse_value(str(control.element.get("value") or ""))
            if ref is not None:
                found.append((control.action_id, str(ref[0]), ref[1]))
    return found
