"""Who may: nobody, unless a grant says so; and some never."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.restore.access import Grant, OnCall, Policy
from bot.restore.model import Offer
from bot.restore.policy import (
    Conversation,
    Person,
    decide,
    groups_of_grants,
    groups_to_ask,
    may_see,
    may_take_over,
    permitted_namespaces,
)
from bot.restore.reasons import Reason
from bot.restore.target import RestoreRequest
from bot.restore.thread import UserId
from tests.restore.ground import NOW
from tests.restore.play import asked

ALICE = Person(id=UserId("U0ALICE"), home=True)
ONCALL = Person(id=UserId("U0CAROL"), home=True, groups=frozenset({"S0ONCALL"}))
OPS = Conversation("C0OPS")
USER = Grant(users=("U0ALICE",), namespaces=("production",))
GROUP = Grant(groups=("S0ONCALL",), namespaces=("production",))
CHANNEL = Grant(channels=("C0OPS",), namespaces=("production",))
EVERYWHERE = Grant(users=("U0ALICE",), namespaces=("*",))


def person(**changes: Any) -> Person:
    """Alice, but."""
    return Person(**{"id": UserId("U0ALICE"), "home": True, **changes})


# grants, person, spot, cluster, namespace -> allowed
DECISIONS: dict[str, tuple[tuple[Grant, ...], Person, Conversation, str, str | None, bool]] = {
    "nobody, without a grant": ((), ALICE, OPS, "main", "production", False),
    "a named user": ((USER,), ALICE, OPS, "main", "production", True),
    "another user": ((USER,), ONCALL, OPS, "main", "production", False),
    "a named user in another namespace": ((USER,), ALICE, OPS, "main", "staging", False),
    "a namespace that begins alike": ((USER,), ALICE, OPS, "main", "production-2", False),
    "a named user before any namespace": ((USER,), ALICE, OPS, "main", None, True),
    "a stranger before any namespace": ((USER,), ONCALL, OPS, "main", None, False),
    "a member of a group": ((GROUP,), ONCALL, OPS, "main", "production", True),
    "no member of the group": ((GROUP,), ALICE, OPS, "main", "production", False),
    "either of users and groups is enough": (
        (Grant(users=("U0ALICE",), groups=("S0ONCALL",), namespaces=("production",)),),
        ONCALL,
        OPS,
        "main",
        "production",
        True,
    ),
    "anybody in a named channel": ((CHANNEL,), ALICE, OPS, "main", "production", True),
    "nobody in another channel": (
        (CHANNEL,),
        ALICE,
        Conversation("C0ELSE"),
        "main",
        "production",
        False,
    ),
    "a user and a channel must both fit": (
        (Grant(users=("U0ALICE",), channels=("C0OPS",), namespaces=("*",)),),
        ALICE,
        Conversation("C0ELSE"),
        "main",
        "production",
        False,
    ),
    "a named cluster": (
        (Grant(users=("U0ALICE",), clusters=("main",), namespaces=("*",)),),
        ALICE,
        OPS,
        "main",
        "production",
        True,
    ),
    "another cluster": (
        (Grant(users=("U0ALICE",), clusters=("main",), namespaces=("*",)),),
        ALICE,
        OPS,
        "lab",
        "production",
        False,
    ),
    "every namespace": ((EVERYWHERE,), ALICE, OPS, "main", "anything", True),
    "the second grant fits": ((GROUP, USER), ALICE, OPS, "main", "production", True),
    "grants do not add up": (
        (
            Grant(users=("U0ALICE",), clusters=("lab",), namespaces=("production",)),
            Grant(users=("U0ALICE",), clusters=("main",), namespaces=("staging",)),
        ),
        ALICE,
        OPS,
        "main",
        "production",
        False,
    ),
    "a bot": ((EVERYWHERE,), person(bot=True), OPS, "main", "production", False),
    "a guest": ((EVERYWHERE,), person(guest=True), OPS, "main", "production", False),
    "a deactivated account": ((EVERYWHERE,), person(deactivated=True), OPS, "main", "x", False),
    "somebody of another company": ((EVERYWHERE,), person(home=False), OPS, "main", "x", False),
    "somebody Slack says nothing of": (
        (EVERYWHERE,),
        Person(id=UserId("U0ALICE")),
        OPS,
        "main",
        "x",
        False,
    ),
    "a shared channel": (
        (EVERYWHERE,),
        ALICE,
        Conversation("C0OPS", shared=True),
        "main",
        "x",
        False,
    ),
    "a shared channel before any namespace": (
        (EVERYWHERE,),
        ALICE,
        Conversation("C0OPS", shared=True),
        "main",
        None,
        False,
    ),
}


@pytest.mark.parametrize("case", DECISIONS)
def test_who_may_what_where(case: str) -> None:
    grants, who, spot, cluster, namespace, allowed = DECISIONS[case]
    verdict = decide(Policy(grants=grants), who, spot, cluster=cluster, namespace=namespace)
    assert verdict.allowed is allowed
    if allowed:
        assert (verdict.reason, verdict.text) == ("", "")
    else:
        assert verdict.reason == Reason.NOT_PERMITTED
        assert verdict.text


@pytest.mark.parametrize("case", DECISIONS)
def test_the_namespaces_that_are_offered_are_those_that_are_allowed(case: str) -> None:
    grants, who, spot, cluster, _, _ = DECISIONS[case]
    policy = Policy(grants=grants)
    offered = permitted_namespaces(policy, who, spot, cluster=cluster)
    for namespace in ("production", "staging", "anything"):
        verdict = decide(policy, who, spot, cluster=cluster, namespace=namespace)
        assert verdict.allowed is (offered is None or namespace in offered)


def test_a_no_says_whom_to_ask() -> None:
    policy = Policy(grants=(USER,), contact="the platform team in #platform")
    for who, namespace in ((ONCALL, "production"), (ALICE, "staging")):
        verdict = decide(policy, who, OPS, cluster="main", namespace=namespace)
        assert "Ask the platform team in #platform." in verdict.text
    assert "`staging`" in decide(policy, ALICE, OPS, cluster="main", namespace="staging").text


# on call, grants, person, spot -> allowed
TAKING_OVER: dict[str, tuple[OnCall, tuple[Grant, ...], Person, Conversation, bool]] = {
    "nobody, where nobody is on call": (OnCall(), (USER,), ALICE, OPS, False),
    "a named user": (OnCall(users=("U0ALICE",)), (USER,), ALICE, OPS, True),
    "a member of a named group": (OnCall(groups=("S0ONCALL",)), (GROUP,), ONCALL, OPS, True),
    "either of users and groups is enough": (
        OnCall(users=("U0ELSE",), groups=("S0ONCALL",)),
        (GROUP,),
        ONCALL,
        OPS,
        True,
    ),
    "somebody who may restore and is not on call": (
        OnCall(users=("U0ELSE",), groups=("S0ONCALL",)),
        (USER,),
        ALICE,
        OPS,
        False,
    ),
    "somebody on call who may not restore there": (
        OnCall(groups=("S0ONCALL",)),
        (USER,),
        ONCALL,
        OPS,
        False,
    ),
    "a guest on call": (
        OnCall(users=("U0ALICE",)),
        (EVERYWHERE,),
        person(guest=True),
        OPS,
        False,
    ),
    "somebody on call whose account is deactivated": (
        OnCall(users=("U0ALICE",)),
        (EVERYWHERE,),
        person(deactivated=True),
        OPS,
        False,
    ),
    "somebody on call in a shared channel": (
        OnCall(users=("U0ALICE",)),
        (EVERYWHERE,),
        ALICE,
        Conversation("C0OPS", shared=True),
        False,
    ),
}


@pytest.mark.parametrize("case", TAKING_OVER)
def test_who_may_take_over(case: str) -> None:
    on_call, grants, who, spot, allowed = TAKING_OVER[case]
    policy = Policy(grants=grants, on_call=on_call, contact="the platform team")
    verdict = may_take_over(policy, who, spot, cluster="main", namespace="production")
    assert verdict.allowed is allowed
    if not allowed:
        assert verdict.reason == Reason.NOT_PERMITTED
        assert verdict.text


def test_a_group_that_slack_does_not_tell_is_named_where_it_would_allow() -> None:
    """And nowhere else: not where the person is named, or where the group's grant does not fit."""
    unread = person(unread=frozenset({"S0ONCALL"}))
    policy = Policy(grants=(GROUP,), on_call=OnCall(groups=("S0ONCALL",)), contact="Carol")
    hidden = "in user group S0ONCALL, whose members may. Ask Carol."
    no = decide(policy, unread, OPS, cluster="main", namespace="production")
    assert not no.allowed
    assert hidden in no.text
    elsewhere = decide(policy, unread, OPS, cluster="main", namespace="staging")
    assert hidden not in elsewhere.text
    named = policy.model_copy(update={"grants": (USER, GROUP)})
    assert decide(named, unread, OPS, cluster="main", namespace="production").allowed
    claim = may_take_over(named, unread, OPS, cluster="main", namespace="production")
    assert not claim.allowed
    assert hidden in claim.text


GUEST = person(guest=True)
# person, namespace -> the groups on which the answer hangs
ASKED: dict[str, tuple[Person, str | None, tuple[str, ...]]] = {
    "none for somebody who is named": (ALICE, "production", ()),
    "none for a guest, whom nothing allows": (GUEST, "staging", ()),
    "the group of that namespace": (ALICE, "staging", ("S0STAGE",)),
    "none where no grant covers the namespace": (ALICE, "finance", ()),
    "each once, before a namespace is known": (ONCALL, None, ("S0STAGE",)),
}


@pytest.mark.parametrize("case", ASKED)
def test_only_groups_that_decide_are_asked_about(case: str) -> None:
    who, namespace, groups = ASKED[case]
    stage = Grant(groups=("S0STAGE",), namespaces=("staging",))
    policy = Policy(grants=(USER, stage, stage))
    assert groups_to_ask(policy, who, OPS, cluster="main", namespace=namespace) == groups


def test_the_groups_that_tell_what_somebody_may_at_all() -> None:
    """In a conversation those of its grants; in none, for the Home tab, all."""
    here = Grant(groups=("S0HERE",), channels=("C0OPS",), namespaces=("production",))
    there = Grant(groups=("S0THERE",), channels=("C0ELSE",), namespaces=("production",))
    policy = Policy(grants=(here, there, here))
    assert groups_of_grants(policy, ALICE, OPS) == ("S0HERE",)
    assert groups_of_grants(policy, ALICE, None) == ("S0HERE", "S0THERE")
    assert groups_of_grants(policy, GUEST, None) == ()


def test_who_is_not_on_call_is_told_so() -> None:
    policy = Policy(grants=(USER,), contact="the platform team")
    verdict = may_take_over(policy, ALICE, OPS, cluster="main", namespace="production")
    expected = "Only people on call may take over a restore. Ask the platform team."
    assert verdict.text == expected


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"namespaces": ["x"]}, id="a grant for nobody in particular"),
        pytest.param({"users": ["U0ALICE"]}, id="a grant for no namespace"),
        pytest.param({"users": ["U0ALICE"], "namespaces": ["x"], "vm": "y"}, id="unknown words"),
        pytest.param({"users": ["*"], "namespaces": ["x"]}, id="a star is no user"),
        pytest.param({"groups": ["*"], "namespaces": ["x"]}, id="a star is no group"),
    ],
)
def test_a_grant_that_says_too_little_or_too_much_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Grant.model_validate(wrong)


@pytest.mark.parametrize("who", ["users", "groups"])
def test_a_star_is_nobody_on_call(who: str) -> None:
    with pytest.raises(ValidationError):
        OnCall.model_validate({who: ["*"]})


def test_a_namespace_that_is_nearly_one_that_is_allowed_is_named() -> None:
    policy = Policy(grants=(USER,), contact="#platform")
    typed = decide(policy, ALICE, OPS, cluster="main", namespace="prodction")
    assert "Did you mean `production`?" in typed.text
    assert "Did you mean" not in decide(policy, ALICE, OPS, cluster="main", namespace="x").text


SOMEBODY = UserId("U0DAVE")
TO_ALICE = Offer(to=ALICE.id, by=SOMEBODY, at=NOW, until=NOW + timedelta(minutes=15))
TO_CAROL = TO_ALICE.model_copy(update={"to": ONCALL.id})
SHARED = Conversation("C0OPS", shared=True)
STRANGER = Person(id=UserId("U0ALICE"))

# grants, person, spot, owner, offer, namespace -> is the restore told?
SEEING: dict[
    str,
    tuple[tuple[Grant, ...], Person, Conversation, str, Offer | None, str | None, bool],
] = {
    "one's own": ((), ALICE, OPS, "U0ALICE", None, "production", True),
    "one's own, in a namespace not yet known": ((), ALICE, OPS, "U0ALICE", None, None, True),
    "one's own, whatever Slack says of the owner": (
        (),
        STRANGER,
        SHARED,
        "U0ALICE",
        None,
        "production",
        True,
    ),
    "one that is offered": ((), ALICE, OPS, SOMEBODY, TO_ALICE, "production", True),
    "one that is offered, in a namespace not yet known": (
        (),
        ALICE,
        OPS,
        SOMEBODY,
        TO_ALICE,
        None,
        True,
    ),
    "one that is offered to somebody else": (
        (),
        ALICE,
        OPS,
        SOMEBODY,
        TO_CAROL,
        "production",
        False,
    ),
    "somebody's, without a grant": ((), ALICE, OPS, SOMEBODY, None, "production", False),
    "somebody's that one might restore": ((USER,), ALICE, OPS, SOMEBODY, None, "production", True),
    "somebody's that is offered to a third": (
        (USER,),
        ALICE,
        OPS,
        SOMEBODY,
        TO_CAROL,
        "production",
        True,
    ),
    "somebody's in another namespace": ((USER,), ALICE, OPS, SOMEBODY, None, "staging", False),
    "somebody's in a namespace not yet known": ((USER,), ALICE, OPS, SOMEBODY, None, None, False),
    "in a namespace not yet known, by a right to all": (
        (EVERYWHERE,),
        ALICE,
        OPS,
        SOMEBODY,
        None,
        None,
        False,
    ),
    "somebody's on another cluster": (
        (Grant(users=("U0ALICE",), clusters=("lab",), namespaces=("*",)),),
        ALICE,
        OPS,
        SOMEBODY,
        None,
        "production",
        False,
    ),
    "somebody's, in another channel than the grant's": (
        (CHANNEL,),
        ALICE,
        Conversation("C0ELSE"),
        SOMEBODY,
        None,
        "production",
        False,
    ),
    "somebody's, in a shared channel": (
        (EVERYWHERE,),
        ALICE,
        SHARED,
        SOMEBODY,
        None,
        "production",
        False,
    ),
    "somebody's, for a guest": (
        (EVERYWHERE,),
        person(guest=True),
        OPS,
        SOMEBODY,
        None,
        "production",
        False,
    ),
    "somebody's, for one Slack says nothing of": (
        (EVERYWHERE,),
        STRANGER,
        OPS,
        SOMEBODY,
        None,
        "production",
        False,
    ),
}


@pytest.mark.parametrize("case", SEEING)
def test_who_is_told_of_a_restore(case: str) -> None:
    grants, who, spot, owner, offer, namespace, told = SEEING[case]
    request = RestoreRequest(cluster="main", namespace=namespace, vm="database-01")
    restore = asked(owner=UserId(owner), request=request).model_copy(update={"offer": offer})
    assert may_see(Policy(grants=grants), who, spot, restore) is told


def test_being_on_call_alone_tells_nobody_of_a_restore() -> None:
    policy = Policy(on_call=OnCall(groups=("S0ONCALL",)))
    assert not may_see(policy, ONCALL, OPS, asked(owner=SOMEBODY))
