"""Gathers what list, status, history and help show: only what the asker may see, and read only.

Each answer is a message for the asker alone, or the verdict that refuses it. A cluster that cannot
be asked spoils no answer that can be given without it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from bot.errors import Permanent, Temporary
from bot.request import ParsedRequest, Verb
from bot.restore.events import Verdict
from bot.restore.model import Restore, RestoreId
from bot.restore.observation import Snapshot
from bot.restore.suggestions import nearest
from bot.restore.target import VmRef
from bot.slack import views
from bot.slack.api.authorizer import Asker
from bot.slack.context import SlackContext
from bot.slack.outbound.replies import Caller
from bot.slack.views import Example, ListTarget, Message
from bot.slack.views.unread import Unread

Answer = Message | str | Verdict
LISTED = frozenset({Verb.LIST, Verb.STATUS, Verb.HISTORY, Verb.HELP, Verb.UNKNOWN})
"""What is answered here."""

PATIENCE = 1.0
"""Seconds that help waits for real names before it shows those of the manual."""
MAX_LINKS = 10
MAX_HISTORY = 10
MAX_RECENT = 100
"""So many ended restores are looked through for those that the asker may see."""
MAX_TRIED = 3
"""So many VMs are asked for a snapshot that could stand in an example."""


class QueryHandler:
    """Answers the requests that only read."""

    def __init__(self, context: SlackContext) -> None:
        self._store = context.store
        self._authorizer = context.authorizer
        self._responder = context.responder
        self._names = context.names
        self._default = context.config.default_cluster
        self._clock = context.clock

    async def answer(self, caller: Caller, parsed: ParsedRequest) -> Answer:
        """What is shown to the one who asked."""
        if parsed.verb is Verb.HELP:
            return views.help_card(await self._example(caller))
        if parsed.cluster is not None and parsed.cluster not in self._names:
            return unknown_cluster(await self._asker(caller), parsed.cluster, tuple(self._names))
        match parsed.verb:
            case Verb.LIST:
                return await self._list(await self._asker(caller), parsed)
            case Verb.STATUS:
                return await self._status(await self._asker(caller), parsed)
            case Verb.HISTORY:
                return await self._history(await self._asker(caller), parsed)
            case _:
                return await self._unknown(caller)

    async def _asker(self, caller: Caller) -> Asker:
        return await self._authorizer.asker(caller.user, caller.channel)

    # list

    async def _list(self, asker: Asker, parsed: ParsedRequest) -> Answer:
        if parsed.vm is None and parsed.namespace is None:
            return await self._overview(asker, parsed.cluster)
        cluster = parsed.cluster or self._default
        verdict = asker.may_restore(cluster, parsed.namespace)
        if not verdict.allowed:
            return verdict
        try:
            if parsed.namespace is None:
                return await self._somewhere(asker, cluster, parsed.vm or "")
            target = self._target(cluster, parsed.namespace, parsed.vm)
            return await self._snapshots(asker, target)
        except Temporary as away:
            return views.cluster_down(away.what)
        except Permanent as refused:
            return views.cluster_refuses(refused.text or refused.reason)

    async def _somewhere(self, asker: Asker, cluster: str, vm: str) -> Answer:
        """A VM without its namespace: shown if there is only one; else which ones there are.

        A name that no VM has may be that of a namespace.
        """
        found = await self._names[cluster].vms(asker.permitted(cluster))
        spaces = [namespace for namespace, name in found if name == vm]
        if len(spaces) > 1:
            return views.which_namespace([self._target(cluster, each, vm) for each in spaces])
        if spaces:
            return await self._snapshots(asker, self._target(cluster, spaces[0], vm))
        if vm in {namespace for namespace, _ in found}:
            return await self._snapshots(asker, self._target(cluster, vm, None))
        return views.no_such_vm(vm, None, nearest(vm, (name for _, name in found)))

    async def no_vm(
        self, asker: Asker, caller: Caller, cluster: str, vm: str | None
    ) -> Answer | None:
        """What to say to words of which the first is no VM that they may restore; None if it is one.

        None as well while the cluster cannot be asked.
        """
        try:
            found = await self._names[cluster].vms(asker.permitted(cluster))
        except (Temporary, Permanent):
            return None
        known = {name for _, name in found}
        if vm is None or vm in known:
            return None
        near = nearest(vm, known)
        return views.no_such_vm(vm, None, near) if near else await self._unknown(caller)

    async def _snapshots(self, asker: Asker, target: ListTarget) -> Answer:
        cluster = target.cluster or self._default
        names, now = self._names[cluster], self._clock.now()
        if target.vm is None:
            return await self._in_namespace(asker, target)
        found = await names.snapshots(target.namespace, target.vm)
        if found:
            gone = await self._gone(cluster, target.namespace, found)
            return views.snapshots(target, found, now, gone)
        vms = await names.vms(asker.permitted(cluster))
        if (target.namespace, target.vm) in vms:
            return views.snapshots(target, (), now)
        if spaces := [namespace for namespace, name in vms if name == target.vm]:
            return views.elsewhere(target, spaces)
        here = (name for namespace, name in vms if namespace == target.namespace)
        return views.no_such_vm(target.vm, target.namespace, nearest(target.vm, here))

    async def _in_namespace(self, asker: Asker, target: ListTarget) -> Answer:
        """All snapshots of a namespace. Where there is no VM either, the name may be wrong."""
        cluster = target.cluster or self._default
        names, now = self._names[cluster], self._clock.now()
        found = await names.all_snapshots(target.namespace)
        spaces = {namespace for namespace, _ in await names.vms(asker.permitted(cluster))}
        if found or target.namespace in spaces:
            gone = await self._gone(cluster, target.namespace, found)
            return views.snapshots(target, found, now, gone)
        return views.nothing_in(target.namespace, nearest(target.namespace, spaces))

    async def _gone(
        self, cluster: str, namespace: str, found: Sequence[Snapshot]
    ) -> frozenset[str]:
        """The VMs of these snapshots that do not exist; none where that cannot be read."""
        try:
            there = await self._names[cluster].vms((namespace,))
        except (Temporary, Permanent):
            return frozenset()
        return frozenset(one.source for one in found) - {name for _, name in there}

    def _target(self, cluster: str, namespace: str, vm: str | None) -> ListTarget:
        return ListTarget(namespace, vm, None if cluster == self._default else cluster)

    async def _overview(self, asker: Asker, cluster: str | None) -> Answer:
        """What there is in all clusters, or in the one that was named."""
        clusters = [cluster] if cluster else list(self._names)
        allowed = [each for each in clusters if asker.may_restore(each).allowed]
        if not allowed:
            return asker.may_restore(clusters[0])
        spaces = await asyncio.gather(*(self._spaces(asker, each) for each in allowed))
        return views.overview(dict(zip(allowed, spaces, strict=True)), self._default)

    async def _spaces(self, asker: Asker, cluster: str) -> Mapping[str, Sequence[str]] | None:
        """The VMs by namespace; None if the cluster cannot be asked."""
        try:
            found = await self._names[cluster].vms(asker.permitted(cluster))
        except (Temporary, Permanent):
            return None
        spaces = defaultdict[str, list[str]](list)
        for namespace, name in found:
            spaces[namespace].append(name)
        return spaces

    # status and history

    async def _status(self, asker: Asker, parsed: ParsedRequest) -> Answer:
        found = await self._store.under_way()
        mine_first = sorted(found.restores, key=lambda one: one.owner != asker.person.id)
        shown = [each for each in mine_first if asker.sees(each) and meant(each, parsed)]
        unread = Unread(newer=found.newer, lost=found.lost)
        return views.status(shown, await self._links(asker, shown), parsed.vm, unread)

    async def _history(self, asker: Asker, parsed: ParsedRequest) -> Answer:
        ended = await self._ended(asker, parsed)
        seen = [each for each in ended if asker.sees(each) and meant(each, parsed)]
        shown = sorted(seen, key=lambda one: one.ended_at, reverse=True)[:MAX_HISTORY]
        return views.history(shown, await self._links(asker, shown), parsed.vm)

    async def _ended(self, asker: Asker, parsed: ParsedRequest) -> list[Restore]:
        """The last ones of the workspace, and those of the VM that was named, wherever it is."""
        asked = [self._store.recent(MAX_RECENT)]
        if parsed.vm is not None:
            places = await self._places(asker, parsed, parsed.vm)
            asked += [self._store.history(each, MAX_HISTORY) for each in places]
        found = await asyncio.gather(*asked)
        return list({each.id: each for restores in found for each in restores}.values())

    async def _places(self, asker: Asker, parsed: ParsedRequest, vm: str) -> list[VmRef]:
        """Where a VM of that name is, or was meant to be."""
        clusters = [parsed.cluster] if parsed.cluster else list(self._names)
        if parsed.namespace is not None:
            return [VmRef(cluster, parsed.namespace, vm) for cluster in clusters]
        spaces = await asyncio.gather(*(self._spaces(asker, each) for each in clusters))
        return [
            VmRef(cluster, namespace, vm)
            for cluster, found in zip(clusters, spaces, strict=True)
            for namespace, names in (found or {}).items()
            if vm in names
        ]

    async def _links(
        self, asker: Asker, restores: Sequence[Restore]
    ) -> dict[RestoreId, str | None]:
        """Addresses of the first few threads: Slack limits how often it is asked for them."""
        return await self._responder.links(restores[:MAX_LINKS], asker.person.id)

    # help

    async def _example(self, caller: Caller) -> Example:
        """Real names if they are at hand: help is given even when nobody else answers."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._real_example(caller)
        except (TimeoutError, Temporary, Permanent):
            return Example()

    async def _real_example(self, caller: Caller) -> Example:
        asker, cluster = await self._asker(caller), self._default
        if not asker.may_restore(cluster).allowed:
            return Example()
        names = self._names[cluster]
        vms = await names.vms(asker.permitted(cluster))
        for namespace, vm in vms[:MAX_TRIED]:
            found = await names.snapshots(namespace, vm)
            if usable := next((each for each in found if each.usable), None):
                return Example(vm, namespace, usable.name)
        return Example()

    async def _unknown(self, caller: Caller) -> Answer:
        """Perhaps it was meant as an answer to a question that is asked elsewhere."""
        asked = [each for each in await self._store.live() if _waits_for(caller, each)]
        if not asked:
            return views.not_understood(await self._example(caller))
        newest = max(asked, key=lambda one: one.entered_at)
        return views.reply_in_thread(newest, await self._responder.link(newest, caller.user))


def unknown_cluster(asker: Asker, cluster: str, clusters: Sequence[str]) -> str | Verdict:
    """The answer to the name of no cluster: those that this person may restore in, or the refusal."""
    verdicts = {each: asker.may_restore(each) for each in clusters}
    permitted = [each for each, verdict in verdicts.items() if verdict.allowed]
    return views.unknown_cluster(cluster, permitted) if permitted else verdicts[clusters[0]]


def meant(restore: Restore, parsed: ParsedRequest) -> bool:
    """Is it one of those that were asked about?"""
    request = restore.request
    pairs = (
        (parsed.vm, request.vm),
        (parsed.namespace, request.namespace),
        (parsed.cluster, request.cluster),
    )
    return all(asked is None or asked == known for asked, known in pairs)


def _waits_for(caller: Caller, restore: Restore) -> bool:
    """Does it ask this person something in another thread of this channel?"""
    thread_ref = restore.thread_ref
    here = thread_ref.channel == caller.channel and thread_ref.thread != caller.thread
    return here and restore.owner == caller.user and restore.question is not None
