"""The form: what it shows, what a choice in it means, and what is wrong with it when it is sent."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.playground.slack.blockkit import check_view
from bot.restore.events import Verdict
from bot.restore.observation import Snapshot
from bot.restore.reasons import Reason
from bot.slack.views.form import by_block, facts, form, options
from bot.slack.views.form_state import (
    MAX_TEXT,
    MAX_VALUE,
    Choice,
    Field,
    FormChecks,
    FormConversation,
    FormRequest,
    FormState,
    Selection,
    asked,
    named,
    namespace_choice,
    packed,
    problems,
    read,
    resolve,
    snapshot_choice,
    vm_choice,
)
from bot.texts import form as texts

Json = dict[str, Any]

NOW = datetime(2026, 2, 18, 16, 30, tzinfo=UTC)
LONG = "n" * 253
HERE = FormConversation(channel="C1", thread="1.2")
DATABASE, WEB = vm_choice("production", "database-01"), vm_choice("production", "web-01")
ELSEWHERE = vm_choice("staging", "database-01")
GIANT = vm_choice("production", LONG)
PRODUCTION, STAGING = namespace_choice("production", 2), namespace_choice("staging", 1)
ALLOWED = Verdict(allowed=True)
DENIED = Verdict(
    allowed=False, reason=Reason.NOT_PERMITTED, text="Not in `production`.\u202e Ask us."
)


def snapshot(name: str = "nightly", **more: Any) -> Snapshot:
    known = {"phase": "Succeeded", "ready": True, "requested_at": NOW - timedelta(hours=6)}
    return Snapshot(**{"name": name, "uid": "u", "source": "database-01", **known, **more})


def taken(vm: Choice = DATABASE, name: str = "nightly", cluster: str = "east") -> Choice:
    return snapshot_choice(cluster, vm, name, "6 hours ago")


def chosen(**more: Any) -> Selection:
    return Selection(**{"cluster": "east", **more})


def filled(
    now: Selection, drawn: Selection | None = None, at: FormConversation = HERE
) -> FormState:
    """The choices `now`, in a form that was last drawn for others."""
    before = drawn or now
    fields = [field for field in Field if field is not Field.WHERE or not at.channel]
    blocks = {field: before.block_id(field) for field in fields}
    return FormState(view="V1", at=at, chosen=now, blocks=blocks)


def sent(view: Json, **choices: Any) -> Json:
    """A view as Slack sends it, with what was chosen on the screen since it was drawn."""
    values: Json = {}
    for block in view["blocks"]:
        element = block.get("element")
        if element is None:
            continue
        field = element["action_id"].removeprefix("vmr:form-")
        key = "conversation" if field == "where" else "option"
        value = choices.get(field, element.get(f"initial_{key}"))
        values.setdefault(block["block_id"], {})[element["action_id"]] = {f"selected_{key}": value}
    return {**view, "id": "V1", "state": {"values": values}}


def option(choice: Choice) -> Json:
    return options([choice])[0]


EVERYTHING = chosen(namespace=PRODUCTION, vm=GIANT, snapshot=taken(GIANT, LONG), where="C2")


# What it shows


@pytest.mark.parametrize("at", [HERE, FormConversation()], ids=["somewhere", "nowhere"])
@pytest.mark.parametrize(
    "clusters", [(), ("east", "west"), tuple("c" * 60 + str(n) for n in range(150))]
)
@pytest.mark.parametrize("what", [chosen(), EVERYTHING], ids=["empty", "giant names"])
def test_slack_takes_every_form(
    at: FormConversation, clusters: tuple[str, ...], what: Selection
) -> None:
    assert check_view(form(at, clusters, what), "modal") == []


def test_it_asks_only_for_what_is_not_known() -> None:
    def fields(view: Json) -> list[str]:
        return [block["block_id"].split(".")[0] for block in view["blocks"][1:]]

    usual = ["form-namespace", "form-vm", "form-snapshot"]
    assert fields(form(HERE, (), chosen())) == usual
    assert fields(form(HERE, ("east", "west"), chosen())) == ["form-cluster", *usual]
    assert fields(form(FormConversation(), (), chosen())) == ["form-where", *usual]


def test_it_carries_the_conversation_and_nothing_else() -> None:
    view = form(HERE, (), EVERYTHING)
    assert json.loads(view["private_metadata"]) == {"channel": "C1", "thread": "1.2"}


def test_it_never_offers_a_channel_that_is_shared_with_others() -> None:
    where = form(FormConversation(), (), chosen())["blocks"][1]["element"]
    assert where["filter"]["exclude_external_shared_channels"] is True


def test_it_says_that_nothing_is_restored_by_it() -> None:
    view = form(HERE, (), chosen())
    assert view["blocks"][0]["text"]["text"].startswith("Nothing is restored by this form.")
    assert view["submit"]["text"] == "Check and ask"


def test_a_picker_gets_a_hundred_options_at_most() -> None:
    assert len(options(vm_choice("production", f"vm-{n}") for n in range(500))) == 100


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (snapshot(), "6 hours ago, ready, VM was stopped"),
        (
            snapshot(created=NOW - timedelta(days=400, hours=23), indications=("Online",)),
            "400 days 23 hours ago, ready, consistency not known",
        ),
        (
            snapshot(indications=("Online", "GuestAgent")),
            "6 hours ago, ready, guest quiesced",
        ),
        (
            snapshot(indications=("Online", "NoGuestAgent"), phase="Failed", ready=False),
            "6 hours ago, failed, crash-consistent",
        ),
        (snapshot(ready=False), "6 hours ago, not ready, VM was stopped"),
        (snapshot(deleting=True), "6 hours ago, being deleted, VM was stopped"),
        (
            snapshot(requested_at=NOW + timedelta(minutes=5)),
            "(unknown time: it is dated in the future), ready, VM was stopped",
        ),
    ],
)
def test_an_option_says_what_matters_about_a_snapshot(found: Snapshot, expected: str) -> None:
    assert facts(found, NOW) == expected
    assert len(expected) <= MAX_TEXT


# Values


@pytest.mark.parametrize("length", [1, 63, 138, 139, 140, 149, 150, 151, 253])
def test_a_name_of_any_length_comes_back(length: int) -> None:
    name, others = "x" * length, ["x" * other for other in range(1, 254)]
    for choice in (vm_choice("production", name), taken(DATABASE, name)):
        assert len(choice.value) <= MAX_VALUE
        assert len(choice.text) <= MAX_TEXT
        assert named(choice, others) == name


def test_a_long_name_is_nothing_without_the_list() -> None:
    assert named(vm_choice("production", LONG), None) is None
    assert named(vm_choice("production", LONG), ["m" * 253]) is None
    assert named(DATABASE, None) == "database-01"


def test_a_short_name_is_never_taken_for_a_digest() -> None:
    assert "#" not in packed("production", "x" * 100)


# Reading it


def test_a_picker_reads_what_was_drawn_and_a_sent_form_what_is_on_the_screen() -> None:
    view = form(HERE, ("east", "west"), chosen(namespace=PRODUCTION, vm=DATABASE))
    said = sent(view, vm=option(WEB), snapshot=option(taken(WEB)))
    assert read(said, "east", live=False).chosen == chosen(namespace=PRODUCTION, vm=DATABASE)
    assert read(said, "east", live=True).chosen == chosen(
        namespace=PRODUCTION, vm=WEB, snapshot=taken(WEB)
    )


def test_what_was_taken_out_on_the_screen_is_gone() -> None:
    view = form(HERE, (), chosen(namespace=PRODUCTION, vm=DATABASE))
    found = read(sent(view, namespace=None, vm=None), "east", live=True)
    assert found.chosen == chosen()
    assert found.at == HERE


def test_where_to_go_is_read_and_comes_before_where_it_was_asked() -> None:
    view = form(FormConversation(), (), chosen(where="C2"))
    assert read(sent(view), "east", live=False).room == "C2"
    assert read(sent(view, where="C3"), "east", live=True).room == "C3"
    assert read(sent(form(HERE, (), chosen())), "east", live=True).room == "C1"


MOVING = (Field.NAMESPACE, Field.VM, Field.SNAPSHOT)


@pytest.mark.parametrize(
    ("after", "same"),
    [
        (chosen(vm=WEB), (Field.NAMESPACE,)),
        (chosen(vm=DATABASE, namespace=PRODUCTION), (Field.VM, Field.SNAPSHOT)),
        (chosen(vm=DATABASE, where="C2"), MOVING),
        (chosen(vm=DATABASE, snapshot=taken()), MOVING),
        (chosen(vm=DATABASE, cluster="west"), ()),
    ],
    ids=["another VM", "a namespace", "a place", "a snapshot", "another cluster"],
)
def test_a_block_keeps_its_id_as_long_as_nothing_in_it_changes(
    after: Selection, same: tuple[Field, ...]
) -> None:
    before = chosen(vm=DATABASE)
    kept = [field for field in MOVING if before.block_id(field) == after.block_id(field)]
    assert kept == list(same)


@pytest.mark.parametrize(
    ("now", "drawn", "changed", "expected"),
    [
        (
            chosen(vm=DATABASE),
            chosen(),
            Field.VM,
            chosen(namespace=Choice(value="production", text="production"), vm=DATABASE),
        ),
        (
            chosen(namespace=STAGING, vm=DATABASE, snapshot=taken()),
            None,
            Field.NAMESPACE,
            chosen(namespace=STAGING),
        ),
        (
            chosen(vm=DATABASE, snapshot=taken()),
            None,
            Field.NAMESPACE,
            chosen(vm=DATABASE, snapshot=taken()),
        ),
        (
            chosen(namespace=PRODUCTION, vm=WEB, snapshot=taken()),
            chosen(namespace=PRODUCTION, vm=DATABASE, snapshot=taken()),
            Field.VM,
            chosen(namespace=Choice(value="production", text="production"), vm=WEB),
        ),
        (
            chosen(cluster="west", namespace=PRODUCTION, vm=DATABASE, snapshot=taken()),
            chosen(namespace=PRODUCTION, vm=DATABASE, snapshot=taken()),
            Field.CLUSTER,
            chosen(cluster="west"),
        ),
        (
            chosen(namespace=PRODUCTION, vm=DATABASE, snapshot=taken(), where="C2"),
            None,
            Field.WHERE,
            chosen(namespace=PRODUCTION, vm=DATABASE, snapshot=taken(), where="C2"),
        ),
    ],
    ids=[
        "a VM brings its namespace",
        "another namespace takes the VM and its snapshot back",
        "without a namespace the VM stays",
        "another VM takes the snapshot back",
        "another cluster takes everything back",
        "a place changes nothing else",
    ],
)
def test_a_choice_settles_the_others(
    now: Selection, drawn: Selection | None, changed: Field, expected: Selection
) -> None:
    assert resolve(filled(now, drawn), changed) == expected


# What is wrong

GOOD = chosen(namespace=PRODUCTION, vm=DATABASE, snapshot=taken())
SEEN = FormChecks(
    member=True, verdict=ALLOWED, vms=("database-01", "web-01"), snapshots=(snapshot(),)
)
BLIND = FormChecks()
NOWHERE = FormConversation()


@pytest.mark.parametrize(
    ("form_", "checks", "expected"),
    [
        (filled(GOOD), SEEN, {}),
        (filled(GOOD), BLIND, {}),
        (filled(chosen()), SEEN, {}),
        (filled(GOOD, at=NOWHERE), FormChecks(member=False), {Field.WHERE: texts.NO_BOT}),
        (filled(GOOD), FormChecks(member=False), {}),
        (
            filled(GOOD),
            FormChecks(verdict=DENIED),
            {Field.VM: "Not in production. Ask us."},
        ),
        (
            filled(chosen(namespace=PRODUCTION)),
            FormChecks(verdict=DENIED),
            {Field.NAMESPACE: "Not in production. Ask us."},
        ),
        (
            filled(chosen(where="C2"), at=NOWHERE),
            FormChecks(verdict=DENIED),
            {Field.WHERE: "Not in production. Ask us."},
        ),
        (
            filled(chosen(namespace=PRODUCTION, vm=ELSEWHERE)),
            SEEN,
            {Field.VM: "This VM is in namespace staging, not in production. Choose again."},
        ),
        (filled(GOOD), FormChecks(vms=()), {Field.VM: texts.NO_SUCH_VM}),
        (filled(chosen(snapshot=taken())), SEEN, {Field.VM: texts.NO_VM}),
        (
            filled(chosen(vm=WEB, snapshot=taken())),
            SEEN,
            {Field.SNAPSHOT: texts.OTHER_VM},
        ),
        (filled(GOOD), FormChecks(snapshots=()), {Field.SNAPSHOT: texts.NO_SUCH_SNAPSHOT}),
        (
            filled(GOOD),
            FormChecks(snapshots=(snapshot(phase="Failed"),)),
            {Field.SNAPSHOT: "This snapshot cannot be restored from (failed). Choose another one."},
        ),
        (
            filled(chosen(vm=GIANT, snapshot=taken(GIANT, LONG))),
            BLIND,
            {Field.VM: texts.NAME_LOST, Field.SNAPSHOT: texts.NAME_LOST},
        ),
        (
            filled(chosen(cluster="west", namespace=PRODUCTION, vm=DATABASE), GOOD),
            SEEN,
            {Field.NAMESPACE: texts.OTHER_CLUSTER, Field.VM: texts.OTHER_CLUSTER},
        ),
    ],
    ids=[
        "nothing is wrong",
        "what cannot be looked at is left to the thread",
        "an empty form is asked for in the thread",
        "the bot is not in the place that was chosen",
        "it is not in the place of the form, which the thread cannot say either",
        "not permitted there",
        "not permitted in the namespace",
        "not permitted from that place",
        "the VM is in another namespace",
        "the VM is gone",
        "a snapshot without a VM",
        "a snapshot of another VM",
        "the snapshot is gone",
        "the snapshot is of no use",
        "long names that nobody can look up",
        "chosen for another cluster",
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    form_: FormState, checks: FormChecks, expected: dict[Field, str]
) -> None:
    found = problems(form_, checks)
    assert found == expected
    assert set(by_block(found, form_.blocks)) <= set(form_.blocks.values())


def test_a_form_asks_by_the_full_names() -> None:
    giant = filled(chosen(vm=GIANT, snapshot=taken(GIANT, LONG)))
    checks = FormChecks(vms=(LONG,), snapshots=(snapshot(LONG),))
    assert problems(giant, checks) == {}
    assert asked(giant, checks) == FormRequest(
        cluster="east", namespace="production", vm=LONG, snapshot=LONG
    )
    assert asked(filled(chosen()), BLIND) == FormRequest(cluster="east")
    assert asked(filled(chosen(namespace=STAGING)), BLIND).namespace == "staging"


def test_a_snapshot_that_is_not_ready_is_told_from_a_failed_one() -> None:
    [text] = problems(filled(GOOD), FormChecks(snapshots=(snapshot(ready=False),))).values()
    assert "(not ready)" in text
