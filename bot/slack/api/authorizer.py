"""Who may do what, where they speak: Slack says who somebody is, the policy says what they may.

This is the one place where the two meet. How old the knowledge may be depends on the question:

- What is shown, and what a request is opened with, may be a minute old: before the act it is asked
  again.
- What gives a restore to somebody, and what acts on a cluster, is asked of Slack at that moment
  (`fresh`).

User groups are what costs: Slack answers twenty such questions a minute. So only groups of grants that
could fit are asked about, none once the answer is known, and what was read stays read when Slack asks to
slow down.

When Slack does not answer, the error goes up: nobody is allowed anything on a guess. A group that Slack
refuses to tell of allows nobody, and keeps nobody from what another grant allows.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.errors import Permanent, Temporary
from bot.restore.access import Policy
from bot.restore.events import Verdict
from bot.restore.model import Restore
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
from bot.restore.target import RestoreRequest
from bot.restore.thread import UserId
from bot.slack.api.directory import ConversationInfo, Directory


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody in a conversation, and what the policy says of them there."""

    policy: Policy
    person: Person
    room: ConversationInfo

    def may_restore(self, cluster: str, namespace: str | None = None) -> Verdict:
        """May they restore there? Without a namespace: anything at all in the cluster?"""
        return decide(
            self.policy, self.person, self.room.spot, cluster=cluster, namespace=namespace
        )

    def may_take_over(self, cluster: str, namespace: str | None = None) -> Verdict:
        """May they take over somebody else's restore there?"""
        return may_take_over(
            self.policy, self.person, self.room.spot, cluster=cluster, namespace=namespace
        )

    def sees(self, restore: Restore) -> bool:
        """May they be told of the restore?"""
        return may_see(self.policy, self.person, self.room.spot, restore)

    def permitted(self, cluster: str) -> frozenset[str] | None:
        """The namespaces they may restore in; None means every namespace of the cluster."""
        return permitted_namespaces(self.policy, self.person, self.room.spot, cluster=cluster)

    def elsewhere(self, channel: str) -> "Asker":
        """The same person in another conversation, of which nothing but its id is looked at."""
        return replace(self, room=ConversationInfo(Conversation(channel), member=True))

    def by_name(self) -> "Asker":
        """The same, by the grants that name people: one for a whole channel tells nobody's rights.

        Nobody has asked Slack whether this person is in it.
        """
        named = tuple(grant for grant in self.policy.grants if grant.users or grant.groups)
        return replace(self, policy=self.policy.model_copy(update={"grants": named}))


class Authorizer:
    """Answers who may do what. Each question raises Temporary when Slack does not answer it.

    `where` is a conversation's id, or what is known of it already.
    """

    def __init__(self, people: Directory, policy: Policy) -> None:
        self._people = people
        self._policy = policy

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that grants name, by id."""
        return tuple(sorted({name for grant in self._policy.grants for name in grant.channels}))

    async def learn_name(self, user: UserId) -> None:
        """Ask what somebody is called, if that is not known. Slack need not answer."""
        if not self._people.known_name(user):
            with contextlib.suppress(Temporary, Permanent):
                await self._people.person(user)

    def name(self, user: UserId) -> str:
        """What somebody was called when Slack was last asked about them; "" if it was not."""
        return self._people.known_name(user)

    async def asker(
        self,
        user: UserId,
        where: str | ConversationInfo,
        *,
        fresh: bool = False,
        anywhere: bool = False,
    ) -> Asker:
        """Who this is and where, for several questions: as of the last minute, or of now.

        `anywhere`: also for questions about other conversations, and for taking over.
        """
        person, room = await self._who_and_where(user, where, fresh=fresh)
        groups = groups_of_grants(self._policy, person, None if anywhere else room.spot)
        if anywhere:
            groups = tuple(dict.fromkeys((*groups, *self._policy.on_call.groups)))
        person = await self._people.in_groups(person, groups, fresh=fresh)
        return Asker(self._policy, person, room)

    async def may_restore(
        self, user: UserId, where: str | ConversationInfo, request: RestoreRequest, *, fresh: bool
    ) -> Verdict:
        """May this person restore what is asked for, there?

        Only the groups on which the answer hangs are asked about, until one of them settles it.
        """
        asker = await self.asker_about(user, where, request, fresh=fresh)
        return asker.may_restore(request.cluster, request.namespace)

    async def may_take_over(
        self, user: UserId, where: str | ConversationInfo, request: RestoreRequest, *, fresh: bool
    ) -> Verdict:
        """May this person take over somebody else's restore, there?"""
        asker = await self.asker_about(user, where, request, fresh=fresh)
        cluster, namespace = request.cluster, request.namespace
        on_call = self._policy.on_call
        if user not in on_call.users and asker.may_restore(cluster, namespace).allowed:

            def settled(person: Person) -> bool:
                return replace(asker, person=person).may_take_over(cluster, namespace).allowed

            person = await self._people.in_groups(
                asker.person, on_call.groups, fresh=fresh, enough=settled
            )
            asker = replace(asker, person=person)
        return asker.may_take_over(cluster, namespace)

    async def asker_about(
        self, user: UserId, where: str | ConversationInfo, request: RestoreRequest, *, fresh: bool
    ) -> Asker:
        """Somebody of whom enough is known to say whether they may restore this, and no more."""
        person, room = await self._who_and_where(user, where, fresh=fresh)
        cluster, namespace = request.cluster, request.namespace

        def settled(person: Person) -> bool:
            return decide(
                self._policy, person, room.spot, cluster=cluster, namespace=namespace
            ).allowed

        groups = groups_to_ask(
            self._policy, person, room.spot, cluster=cluster, namespace=namespace
        )
        person = await self._people.in_groups(person, groups, fresh=fresh, enough=settled)
        return Asker(self._policy, person, room)

    async def _who_and_where(
        self, user: UserId, where: str | ConversationInfo, *, fresh: bool
    ) -> tuple[Person, ConversationInfo]:
        if isinstance(where, ConversationInfo):
            return await self._people.person(user, fresh=fresh), where
        return await asyncio.gather(
            self._people.person(user, fresh=fresh), self._people.room(where, fresh=fresh)
        )

    async def visible(
        self, user: UserId, where: str | ConversationInfo, restores: Iterable[Restore]
    ) -> list[Restore]:
        """Those that this person may be told of there, as of the last minute."""
        asker = await self.asker(user, where)
        return [each for each in restores if asker.sees(each)]
