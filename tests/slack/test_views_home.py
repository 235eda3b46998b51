"""The Home with giant names, hundreds of restores and long lists of rights: within Slack's limits."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from bot.playground.slack.blockkit import check_view
from bot.restore.model import Offer, Outcome, Phase, Restore, RestoreId
from bot.restore.reasons import Reason
from bot.restore.thread import Card, CardKind, UserId
from bot.slack.views.home import MAX_LISTED, MAX_RIGHTS, HomePage, Right, home
from tests.restores import ALICE, BOB, NOW, restore
from tests.slack.examples import JOB, card, request
from tests.slack.pages import LIVE, texts
from tests.slack.test_views_limits import HOSTILE, NAME

LINK = "https://example.slack.com/archives/C0OPS/p1771432200000100"


def page(**changes: Any) -> HomePage:
    """A Home with nothing in it."""
    return HomePage(**{"as_of": NOW, "version": "1.2.3", "health": {"default": True}, **changes})


def many(count: int, phase: Phase = Phase.TYPING, name: str = NAME) -> list[Restore]:
    """So many restores with names as long as they can be."""
    asked = request(cluster=name[:63], namespace=name[:63], vm=name, snapshot=name)
    outcome = Outcome(reason=Reason.RESTORE_FAILED, at=NOW, found=name) if phase.ended else None
    made = restore(phase, card(CardKind.REQUEST), request=asked, outcome=outcome)
    return [
        made.model_copy(update={"id": RestoreId(f"{number:010d}"), "opened_at": NOW})
        for number in range(count)
    ]


def body(blocks: tuple[dict[str, Any], ...]) -> str:
    """What it says, without buttons."""
    return "\n".join(text for block in blocks for text in texts(block))


def buttons(blocks: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """The buttons beside the restores."""
    return [block["accessory"] for block in blocks if block.get("accessory")]


def check(blocks: tuple[dict[str, Any], ...]) -> None:
    """Slack takes it."""
    assert check_view({"type": "home", "blocks": list(blocks)}, "home") == []
    assert len(blocks) <= 100
    assert len({block["block_id"] for block in blocks}) == len(blocks)


@pytest.mark.parametrize("name", [NAME, HOSTILE, "db-01"], ids=["giant", "hostile", "short"])
def test_a_hundred_restores_of_each_kind_are_cut_and_counted(name: str) -> None:
    full = page(
        mine=many(100, name=name),
        offered=many(100, name=name),
        running=many(100, name=name),
        ended=many(100, Phase.FAILED, name),
        links={each.id: LINK for each in many(100)},
        rights=[Right(name[:63], frozenset({f"{name[:50]}-{n}" for n in range(100)}), "C0OPS")]
        * 50,
        denials={f"{name[:60]}{n}": name for n in range(50)},
        no_take_over=name,
        health={f"{name[:60]}{n}": n % 2 == 0 for n in range(20)},
    )
    blocks = home(full)
    check(blocks)
    assert len(buttons(blocks)) == MAX_LISTED
    said = body(blocks)
    assert len(re.findall("^and 90 more", said, re.MULTILINE)) == 4
    assert f"and {100 - MAX_RIGHTS} more" in said
    assert len(json.dumps(blocks).encode()) < 200_000


def test_nothing_of_what_others_wrote_is_live() -> None:
    full = page(
        mine=many(1, name=HOSTILE),
        ended=many(1, Phase.FAILED, HOSTILE),
        denials={HOSTILE: HOSTILE},
        rights=[Right(HOSTILE, frozenset({HOSTILE}), HOSTILE)],
        no_take_over=HOSTILE,
        health={HOSTILE: False},
        version=HOSTILE,
    )
    live = {found for found in LIVE.findall(body(home(full))) if not found.startswith("<!date^")}
    assert live <= {f"<@{ALICE}>", "<#C0OPS>"}
    refused = home(page(refused=HOSTILE))
    check(refused)
    assert all(found.startswith("<!date^") for found in LIVE.findall(body(refused)))


@pytest.mark.parametrize(
    ("phase", "changes", "expected"),
    [
        (Phase.TYPING, {}, 1),
        (Phase.STOPPING, {}, 1),
        (Phase.RESTORING, {"job": JOB}, 0),
        (Phase.CHECKING, {"cards": (Card(kind=CardKind.PROGRESS, number=1, opened_at=NOW),)}, 0),
    ],
    ids=[
        "one that waits can be cancelled",
        "so can one that stops its VM",
        "one that the cluster restores cannot",
        "nor one without an open card that cancels",
    ],
)
def test_cancel_is_offered_while_it_would_be_answered(
    phase: Phase, changes: dict[str, Any], expected: int
) -> None:
    (made,) = many(1, phase)
    blocks = home(page(mine=[made.model_copy(update=changes)]))
    check(blocks)
    assert [each["action_id"] for each in buttons(blocks)] == ["vmr:cancel"] * expected


def test_a_button_names_its_restore_and_an_open_card() -> None:
    (made,) = many(1)
    (button,) = buttons(home(page(mine=[made])))
    assert button["value"] == f"{made.id}@{made.cards[0].number}"
    assert "confirm" in button


def test_what_is_offered_to_somebody_stands_among_theirs() -> None:
    (made,) = many(1, name="db-01")
    until = NOW + timedelta(minutes=15)
    offer = Offer(to=UserId(BOB), by=ALICE, at=NOW, until=until)
    said = body(home(page(offered=[made.model_copy(update={"offer": offer})])))
    assert f"<@{ALICE}> offers you this restore" in said
    assert "You have no restore under way" not in said


def test_who_may_not_gets_neither_lists_nor_buttons() -> None:
    blocks = home(page(refused="Guests may not restore VMs.", mine=many(3), running=many(3)))
    check(blocks)
    assert not any(block["type"] == "actions" for block in blocks)
    assert buttons(blocks) == []
    assert NAME not in json.dumps(blocks)


def test_only_the_last_block_tells_when_it_was_drawn() -> None:
    """So that the same Home is not published twice."""
    first, later = (home(page(as_of=NOW + timedelta(hours=n), mine=many(3))) for n in (0, 1))
    assert first[:-1] == later[:-1]
    assert first[-1] != later[-1]
