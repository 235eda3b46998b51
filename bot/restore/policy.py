"""Who may restore what, and where. Pure; asked on every request and again before each act.

This is the one place that decides; the full policy (approvals, freezes, other actions, labels) grows
here. Nothing is allowed unless a grant says so, and no grant can allow those in `_never`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.restore.access import ANY, Grant, Policy
from bot.restore.events import Verdict
from bot.restore.model import Restore
from bot.restore.reasons import Reason
from bot.restore.suggestions import nearest
from bot.restore.thread import UserId
from bot.texts import refusals


@dataclass(frozen=True, slots=True)
class Person:
    """What Slack says about somebody; what it did not say is at the value that permits nothing."""

    id: UserId
    home: bool = False
    """A full member of the workspace (or org) that installed the bot."""
    bot: bool = False
    guest: bool = False
    deactivated: bool = False
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where something is asked. `shared` is a channel that people of other companies can read."""

    channel: str
    shared: bool = False


def decide(
    policy: Policy, person: Person, spot: Conversation, *, cluster: str, namespace: str | None
) -> Verdict:
    """May this person restore there? With namespace None: may they restore anything at all?"""
    if stranger := _never(person, spot):
        return Verdict(allowed=False, reason=Reason.NOT_PERMITTED, text=stranger)
    grants = list(_fitting(policy, person, spot, cluster))
    if not grants:
        who = refusals.NOT_ON_THE_LIST.format(contact=policy.contact)
        return Verdict(allowed=False, reason=Reason.NOT_PERMITTED, text=who)
    if namespace is None or any(_covers(grant.namespaces, namespace) for grant in grants):
        return Verdict(allowed=True)
    near = nearest(namespace, (name for grant in grants for name in grant.namespaces))
    meant = refusals.DID_YOU_MEAN.format(name=near[0]) if near else ""
    where = refusals.NOT_IN_NAMESPACE.format(
        namespace=namespace, meant=meant, contact=policy.contact
    )
    return Verdict(allowed=False, reason=Reason.NOT_PERMITTED, text=where)


def may_take_over(
    policy: Policy, person: Person, spot: Conversation, *, cluster: str, namespace: str | None
) -> Verdict:
    """May this person claim somebody else's restore there?

    The owner of a restore confirms it, so being on call is not enough: a grant must fit, too.
    """
    permitted = decide(policy, person, spot, cluster=cluster, namespace=namespace)
    on_call = policy.on_call
    if permitted.allowed and not (
        person.id in on_call.users or person.groups & set(on_call.groups)
    ):
        text = refusals.NOT_ON_CALL.format(contact=policy.contact)
        return Verdict(allowed=False, reason=Reason.NOT_PERMITTED, text=text)
    return permitted


def may_see(policy: Policy, person: Person, spot: Conversation, restore: Restore) -> bool:
    """May this person be told of the restore?

    Of their own, of one that is offered to them, and of what they might restore themselves. While
    nobody knows in which namespace a VM is, its name may be one that they must not learn.
    """
    offer, request = restore.offer, restore.request
    if person.id == restore.owner or (offer is not None and person.id == offer.to):
        return True
    if request.namespace is None:
        return False
    return decide(
        policy, person, spot, cluster=request.cluster, namespace=request.namespace
    ).allowed


def permitted_namespaces(
    policy: Policy, person: Person, spot: Conversation, *, cluster: str
) -> frozenset[str] | None:
    """The namespaces somebody may restore in; None means every namespace of the cluster."""
    if _never(person, spot):
        return frozenset()
    names = {name for grant in _fitting(policy, person, spot, cluster) for name in grant.namespaces}
    return None if ANY in names else frozenset(names)


def _never(person: Person, spot: Conversation) -> str | None:
    """Those whom no grant can allow, each with the sentence they are told."""
    if person.bot:
        return refusals.BOT
    if person.deactivated:
        return refusals.DEACTIVATED
    if not person.home:
        return refusals.NOT_OF_THIS_WORKSPACE
    if person.guest:
        return refusals.GUEST
    if spot.shared:
        return refusals.SHARED_CHANNEL
    return None


def _fitting(policy: Policy, person: Person, spot: Conversation, cluster: str) -> Iterable[Grant]:
    for grant in policy.grants:
        named = person.id in grant.users or bool(person.groups & set(grant.groups))
        anybody = not grant.users and not grant.groups
        here = not grant.channels or spot.channel in grant.channels
        if (named or anybody) and here and _covers(grant.clusters, cluster):
            yield grant


def _covers(names: tuple[str, ...], name: str) -> bool:
    return ANY in names or name in names
