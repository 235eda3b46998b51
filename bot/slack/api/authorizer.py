"""Who may do what, where they speak: Slack says who somebody is, the policy says what they may.

This is the one place where the two meet. How old the knowledge may be depends on the question:

- What is shown, and what a request is opened with, may be a minute old: before the act it is asked
  again.
- What gives a restore to somebody, and what acts on a cluster, is asked of Slack at that moment
  (`fresh`).

When Slack does not answer, the error goes up: nobody is allowed anything on a guess.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.restore.access import Policy
from bot.restore.events import Verdict
from bot.restore.model import Restore
from bot.restore.policy import (
    Conversation,
    Person,
    decide,
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

    async def asker(
        self, user: UserId, where: str | ConversationInfo, *, fresh: bool = False
    ) -> Asker:
        """Who this is and where, for several questions: as of the last minute, or of now."""
        if isinstance(where, ConversationInfo):
            return Asker(self._policy, await self._people.person(user, fresh=fresh), where)
        room, person = await asyncio.gather(
            self._people.room(where, fresh=fresh), self._people.person(user, fresh=fresh)
        )
        return Asker(self._policy, person, room)

    async def may_restore(
        self, user: UserId, where: str | ConversationInfo, request: RestoreRequest, *, fresh: bool
    ) -> Verdict:
        """May this person restore what is asked for, there?"""
        asker = await self.asker(user, where, fresh=fresh)
        return asker.may_restore(request.cluster, request.namespace)

    async def may_take_over(
        self, user: UserId, where: str | ConversationInfo, request: RestoreRequest, *, fresh: bool
    ) -> Verdict:
        """May this person take over somebody else's restore, there?"""
        asker = await self.asker(user, where, fresh=fresh)
        return asker.may_take_over(request.cluster, request.namespace)

    async def visible(
        self, user: UserId, where: str | ConversationInfo, restores: Iterable[Restore]
    ) -> list[Restore]:
        """Those that this person may be told of there, as of the last minute."""
        asker = await self.asker(user, where)
        return [each for each in restores if asker.sees(each)]
