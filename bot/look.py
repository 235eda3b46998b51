"""One look of a restore, before a step: the people are asked about in Slack, the cluster is read.

What comes of it is an event. A side that does not answer is one as well, and nothing is allowed or
taken for absent by it.
"""

from collections.abc import Mapping
from dataclasses import replace

from bot.clock import Clock
from bot.cluster.cluster import Cluster
from bot.errors import Permanent, StoreUnavailable, Temporary
from bot.restore import workflow
from bot.restore.diagnosis import times
from bot.restore.diagnosis.evidence import Evidence
from bot.restore.events import (
    Elapsed,
    Event,
    FarSide,
    ObservationFailed,
    Observed,
    Verdict,
)
from bot.restore.model import Restore
from bot.restore.observation import Observation, ObservationKind
from bot.restore.thread import UserId
from bot.slack.api.authorizer import Asker, Authorizer
from bot.texts import refusals


class Look:
    """Looks once, at what the phase of a restore needs to know."""

    def __init__(
        self, clusters: Mapping[str, Cluster], authorizer: Authorizer, clock: Clock
    ) -> None:
        self._clusters = clusters
        self._authorizer = authorizer
        self._clock = clock

    async def __call__(self, restore: Restore) -> Event:
        """Ask Slack about the people, and the cluster, what the phase needs to know."""
        kind = workflow.wanted(restore) or workflow.last_look(restore, self._clock.now())
        if kind is None:
            return Elapsed()
        asked = FarSide.SLACK
        try:
            permission = await self._permission(restore, kind)
            asked = FarSide.CLUSTER
            return await self._observe(restore, kind, permission)
        except StoreUnavailable:
            raise
        except Temporary as away:
            return ObservationFailed(away.what, asked)
        except Permanent as refused:
            return ObservationFailed(f"{refused.reason}: {refused.text}", asked)

    async def _permission(
        self, restore: Restore, kind: ObservationKind
    ) -> tuple[Asker, Verdict] | None:
        """The owner and the policy's answer; None after the act, where nothing is left to permit."""
        if kind is ObservationKind.JOB or workflow.wanted(restore) is None:
            return None
        channel, authorizer = restore.thread_ref.channel, self._authorizer
        fresh = _may_act_at_once(restore, kind)
        if fresh:
            owner = await authorizer.asker_about(
                restore.owner, channel, restore.request, fresh=True
            )
            await authorizer.learn_name(restore.requester)
        else:
            owner = await authorizer.asker(restore.owner, channel)
        return owner, await self._verdict(restore, owner, fresh=fresh)

    async def _observe(
        self, restore: Restore, kind: ObservationKind, permission: tuple[Asker, Verdict] | None
    ) -> Observed:
        request = restore.request
        cluster = self._clusters.get(request.cluster)
        if cluster is None:
            gone = refusals.NOT_CONFIGURED.format(cluster=request.cluster)
            raise Permanent("unknown_cluster", gone)
        if permission is None:
            observation = await cluster.observe(restore, kind)
            evidence = await self._evidence(cluster, restore, observation)
            return Observed(observation, workflow.ALLOWED, evidence)
        owner, verdict = permission
        planned = (
            workflow.planned(restore, self._clock.now()) if kind is ObservationKind.FULL else None
        )
        permitted = owner.permitted(request.cluster)
        observation = await cluster.observe(restore, kind, planned, permitted=permitted)
        return Observed(observation, verdict, await self._evidence(cluster, restore, observation))

    async def _evidence(
        self, cluster: Cluster, restore: Restore, seen: Observation
    ) -> Evidence | None:
        """Why it does not go on, where that is worth reading now."""
        worth_it = times.wanted(restore, seen, self._clock.now())
        return await cluster.evidence(restore) if worth_it else None

    async def _verdict(self, restore: Restore, owner: Asker, *, fresh: bool) -> Verdict:
        """The policy's answer, for everybody in whose name the next act is done: one no is a no."""
        request, may_restore = restore.request, self._authorizer.may_restore
        verdict = owner.may_restore(request.cluster, request.namespace)
        for user in workflow.acts_for(restore):
            if not verdict.allowed:
                return verdict
            if user != restore.owner:
                verdict = await may_restore(user, owner.room, request, fresh=fresh)
                if not verdict.allowed:
                    return _about_another(user, verdict)
        return verdict


def _may_act_at_once(restore: Restore, kind: ObservationKind) -> bool:
    """Can something be done in the cluster right after this look, that was not done before?"""
    if kind is ObservationKind.RECHECK or restore.phase.ended:
        return True
    stop = restore.stop
    sent = stop is not None and stop.asked_at is not None and not stop.force
    return kind is ObservationKind.VMI and not sent


def _about_another(user: UserId, verdict: Verdict) -> Verdict:
    """The owner is told that the answer is not about them."""
    text = refusals.SAID_TO_ANOTHER.format(user=user, text=verdict.text)
    return replace(verdict, text=text)
