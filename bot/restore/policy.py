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
    """Those that were asked about and have this person in them."""
    unread: frozenset[str] = frozenset()
    """Those of which Slack does not tell who is in them."""


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
    if any(namespace is None or _covers(grant.namespaces, namespace) for grant in grants):
        return Verdict(allowed=True)
    hidden = person.unread & set(_open_groups(policy, person, spot, cluster, namespace))
    if hidden:
        unread = refusals.GROUP_UNREAD.format(
            groups=", ".join(sorted(hidden)), contact=policy.contact
        )
        return Verdict(allowed=False, reason=Reason.NOT_PERMITTED, text=unread)
    if namespace is None or not grants:
        who = refusals.NOT_ON_THE_LIST.format(contact=policy.contact)
        return Verdict(allowed=False, reason=Reason.NOT_PERMITTED, text=who)
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
    groups = set(on_call.groups)
    if not permitted.allowed or person.id in on_call.users or person.groups & groups:
        return permitted
    hidden = person.unread & groups
    said = refusals.GROUP_UNREAD if hidden else refusals.NOT_ON_CALL
    text = said.format(contact=policy.contact, groups=", ".join(sorted(hidden)))
    return Verdict(allowed=False, reason=Reason.NOT_PERMITTED, text=text)


def groups_to_ask(
    policy: Policy, person: Person, spot: Conversation, *, cluster: str, namespace: str | None
) -> tuple[str, ...]:
    """The groups on which the answer of `decide` may hang; none if it is known without them."""
    if _never(person, spot):
        return ()
    if decide(policy, person, spot, cluster=cluster, namespace=namespace).allowed:
        return ()
    return tuple(dict.fromkeys(_open_groups(policy, person, spot, cluster, namespace)))


def groups_of_grants(policy: Policy, person: Person, spot: Conversation | None) -> tuple[str, ...]:
    """The groups that tell what this person may at all: in this conversation, or (None) in any."""
    if _never(person, spot or Conversation("")):
        return ()
    groups = (
        group
        for grant in policy.grants
        if person.id not in grant.users and (spot is None or _holds_in(grant, spot))
        for group in grant.groups
    )
    return tuple(dict.fromkeys(groups))


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
        if (named or anybody) and _holds_in(grant, spot) and _covers(grant.clusters, cluster):
            yield grant


def _open_groups(
    policy: Policy, person: Person, spot: Conversation, cluster: str, namespace: str | None
) -> Iterable[str]:
    """The groups of grants that would allow it to their members, and do not name this person."""
    for grant in policy.grants:
        fits = _holds_in(grant, spot) and _covers(grant.clusters, cluster)
        enough = namespace is None or _covers(grant.namespaces, namespace)
        if fits and enough and person.id not in grant.users:
            yield from grant.groups


def _holds_in(grant: Grant, spot: Conversation) -> bool:
    return not grant.channels or spot.channel in grant.channels


def _covers(names: tuple[str, ...], name: str) -> bool:
    return ANY in names or name in names
