"""The Home tabs: gathers what each shows, and publishes it when it has changed.

A Home is a periodic task of the store, "home:USER", from when its person opens it. The store makes it due
when a restore has moved; so it is kept current without being opened, by any replica, until nobody
has opened it for two weeks. What it knows is the direct message channel of its person (which is
where a request from there is answered) and a digest of what was published last.
"""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.errors import Permanent, Temporary
from bot.restore.model import Restore, RestoreId
from bot.restore.thread import UserId
from bot.slack.api.authorizer import Asker
from bot.slack.api.directory import ConversationInfo
from bot.slack.context import Ping, SlackContext
from bot.slack.outbound.edit_throttle import EditThrottle
from bot.slack.periodic_tasks import HomeTask, fields, load
from bot.slack.views.home import MAX_LISTED, HomePage, Right, home
from bot.slack.views.unread import Unread
from bot.store.keys import HOME
from bot.store.records import PeriodicTask, TaskResult

LOOK_AGAIN = timedelta(seconds=60)
"""While a restore is under way its Home is looked through so often: not every change is a move."""
HEALTH_KEPT = timedelta(seconds=15)
PING_SECONDS = 2.0
MAX_READ = 100
"""So many ended restores are looked through for the last ones that somebody may see."""
MAX_LINKS = 2000
MAX_ASKED = 10
"""So many addresses of threads are asked for at once: Slack limits how often it is asked."""

log = structlog.get_logger(__name__)


class AppHome:
    """Publishes Home tabs."""

    def __init__(self, context: SlackContext) -> None:
        self._store = context.store
        self._authorizer = context.authorizer
        self._responder = context.responder
        self._web = context.web
        self._visibility = HomeVisibility(context.authorizer.channels, tuple(context.pings))
        self._clusters = context.pings
        self._version = context.version
        self._clock = context.clock
        self._pace = EditThrottle()
        self._links: dict[tuple[str, str | None], str | None] = {}
        self._health: tuple[datetime, Mapping[str, bool]] | None = None

    async def opened(self, user: UserId, direct: str) -> None:
        """Somebody looks at their Home: draw it at once, and keep it current from now on."""
        body = fields(HomeTask(direct=direct))
        await self._store.tasks.schedule(HOME + user, body, due=self._clock.now())

    async def used(self, user: UserId) -> None:
        """Somebody has pressed a button of their Home: show what came of it."""
        body = await self._store.tasks.body(HOME + user)
        if body is not None:
            await self._store.tasks.schedule(HOME + user, body, due=self._clock.now())

    async def refresh(self, task: PeriodicTask) -> TaskResult | None:
        """Bring one Home up to date; None if it need not be kept current any more."""
        user, now = UserId(task.name.removeprefix(HOME)), self._clock.now()
        known = load(HomeTask, task)
        shown = known.digest
        # A Home that was just opened does not wait for its turn.
        if shown is not None and (turn := self._pace.turn(HOME, user, now)) > now:
            return TaskResult(turn)
        try:
            page = await self._page(user, known.direct)
            blocks = home(page)
            digest = _digest(blocks)
            if digest != shown:
                view = {"type": "home", "blocks": list(blocks)}
                await self._web.call("views.publish", user_id=user, view=view)
        except Permanent as refused:
            log.warning("a Home is not kept current any more", user=user, reason=refused.reason)
            return None
        if page.refused:
            return None
        under_way = page.mine or page.running or page.offered
        again = now + LOOK_AGAIN if under_way or page.unlinked else None
        return TaskResult(again, fields(HomeTask(direct=known.direct, digest=digest)))

    async def _page(self, user: UserId, direct: str) -> HomePage:
        """All that this person's Home shows now."""
        asker = await self._authorizer.asker(user, ConversationInfo.direct(direct), anywhere=True)
        refused = self._visibility.refusal(asker)
        if refused:
            # The names of clusters are nothing for strangers.
            return HomePage(self._clock.now(), self._version, {}, refused=refused)
        health = await self._pinged()
        found, recent = await self._store.under_way(), await self._store.recent(MAX_READ)
        # Whatever ends between the two readings is in both: it has ended.
        over = {each.id for each in recent}
        seen = [
            each
            for each in found.restores
            if each.id not in over and self._visibility.sees(asker, each)
        ]
        mine = [each for each in seen if each.owner == user]
        others = [each for each in seen if each.owner != user]
        offered = [each for each in others if _is_offered(each, user)]
        running = [each for each in others if not _is_offered(each, user)]
        ended = [each for each in recent if self._visibility.sees(asker, each)]
        listed = [each for kind in (mine, offered, running, ended) for each in kind[:MAX_LISTED]]
        links = await self._addresses(listed, user)
        return HomePage(
            as_of=self._clock.now(),
            version=self._version,
            health=health,
            mine=mine,
            offered=offered,
            running=running,
            ended=ended,
            unread=Unread(newer=found.newer, lost=found.lost),
            links=links,
            unlinked=any(each.id not in links for each in listed),
            rights=self._visibility.rights(asker),
            denials=self._visibility.denials(asker),
            no_take_over=self._visibility.no_take_over(asker),
        )

    async def _addresses(
        self, restores: Sequence[Restore], user: UserId
    ) -> dict[RestoreId, str | None]:
        """Addresses of threads, kept once they are known: they never change.

        What Slack does not say just now, or was not asked for yet, is left out.
        """
        if len(self._links) > MAX_LINKS:
            self._links.clear()
        begun = [each for each in restores if each.thread_ref.thread is not None]
        open_ = [each for each in begun if each.owner == user or not each.thread_ref.direct]
        unknown = [each for each in open_ if _thread(each) not in self._links][:MAX_ASKED]
        await asyncio.gather(*(self._ask_address(each, user) for each in unknown))
        known = {
            each.id: self._links[_thread(each)] for each in open_ if _thread(each) in self._links
        }
        begins = [each for each in restores if each.thread_ref.thread is None and not each.closed]
        return {each.id: None for each in restores if each not in (*open_, *begins)} | known

    async def _ask_address(self, restore: Restore, user: UserId) -> None:
        with suppress(Temporary):
            self._links[_thread(restore)] = await self._responder.address(restore, user)

    async def _pinged(self) -> Mapping[str, bool]:
        """Which clusters answer, as it was found out not long ago."""
        now = self._clock.now()
        if self._health is None or now - self._health[0] >= HEALTH_KEPT:
            answers = await asyncio.gather(*(_answers(ping) for ping in self._clusters.values()))
            self._health = now, dict(zip(self._clusters, answers, strict=True))
        return self._health[1]


class HomeVisibility:
    """What somebody may see and do from their Home. An asker is in the direct message with the bot."""

    def __init__(self, channels: Sequence[str], clusters: Sequence[str]) -> None:
        self._channels = channels
        self._clusters = clusters

    def refusal(self, asker: Asker) -> str:
        """Why this person may restore nothing at all; empty if they may something."""
        if self.rights(asker):
            return ""
        return next(iter(self.denials(asker).values()), "")

    def sees(self, asker: Asker, restore: Restore) -> bool:
        """Their own, what is offered to them, and what they might restore themselves."""
        there = asker.by_name().elsewhere(restore.thread_ref.channel)
        return asker.sees(restore) or there.sees(restore)

    def rights(self, asker: Asker) -> list[Right]:
        """Where they may restore, asked in a direct message; and what more in which channel."""
        return [right for name in self._clusters for right in self._rights_in(name, asker)]

    def _rights_in(self, cluster: str, asker: Asker) -> Iterable[Right]:
        anywhere = asker.permitted(cluster)
        if anywhere is None or anywhere:
            yield Right(cluster, anywhere)
        for channel in self._channels if anywhere is not None else ():
            there = asker.elsewhere(channel).permitted(cluster)
            if there is None or there - (anywhere or frozenset()):
                yield Right(cluster, there, channel)

    def denials(self, asker: Asker) -> dict[str, str]:
        """Clusters in which they may nothing, and why."""
        allowed = {right.cluster for right in self.rights(asker)}
        return {
            name: asker.may_restore(name).text for name in self._clusters if name not in allowed
        }

    def no_take_over(self, asker: Asker) -> str:
        """Why they may not take over a restore, in the cluster where they may most."""
        verdicts = [
            (asker.elsewhere(right.channel) if right.channel else asker).may_take_over(
                right.cluster
            )
            for right in self.rights(asker)
        ]
        refused = [each.text for each in verdicts if not each.allowed]
        return refused[0] if len(refused) == len(verdicts) else ""


async def _answers(ping: Ping) -> bool:
    try:
        async with asyncio.timeout(PING_SECONDS):
            await ping()
    except (Temporary, Permanent, TimeoutError):
        return False
    return True


def _is_offered(restore: Restore, user: UserId) -> bool:
    return restore.offer is not None and restore.offer.to == user


def _thread(restore: Restore) -> tuple[str, str | None]:
    return restore.thread_ref.channel, restore.thread_ref.thread


def _digest(blocks: Sequence[Mapping[str, Any]]) -> str:
    """What tells one Home from another, whenever it was drawn."""
    text = json.dumps(list(blocks[:-1]), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
