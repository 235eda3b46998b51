"""The form with pickers: opened, drawn anew with every choice, judged when it is sent, and asked.

A form asks for a restore exactly as a command does: through `RequestHandler`, which decides anew who may do
what. What is checked before that only spares somebody a walk to the thread: it never takes longer
than `LOOK`, and what cannot be found out by then is left to the checks there.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Final, TypeVar

import structlog

from bot.errors import Permanent, Temporary
from bot.request import ParsedRequest, Verb
from bot.restore.events import Verdict
from bot.restore.observation import Snapshot
from bot.restore.thread import ThreadRef, UserId, slack_order
from bot.slack import views
from bot.slack.api.authorizer import Asker
from bot.slack.api.directory import ConversationInfo
from bot.slack.api.error_codes import TRIGGER_TOO_OLD, TRIGGER_USED, SlackCode
from bot.slack.context import SlackContext
from bot.slack.deliveries import ModalChanged
from bot.slack.handlers.requests import RequestHandler, restore_id
from bot.slack.outbound.replies import Caller
from bot.slack.views.form import by_block, facts, form, options, too_slow
from bot.slack.views.form_state import (
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
    problems,
    resolve,
    snapshot_choice,
    vm_choice,
)
from bot.store.drawn_forms import Drawn

LOOK: Final = 1.8
"""Seconds that a look may take before a sent form is answered; Slack waits for three."""


T = TypeVar("T")
log = structlog.get_logger(__name__)


class ModalHandler:
    """Shows the form and takes it in."""

    def __init__(self, context: SlackContext, requests: RequestHandler) -> None:
        self._web = context.web
        self._store = context.store
        self._drawn = context.store.forms
        self._people = context.people
        self._authorizer = context.authorizer
        self._responder = context.responder
        self._names = context.names
        self._config = context.config
        self._clock = context.clock
        self._requests = requests

    async def open(self, caller: Caller, trigger: str) -> None:
        """Show an empty form, or say why not. Without a channel it asks where to talk."""
        asker = await self._asker(caller.user, caller.channel)
        clusters = self._clusters(asker, anywhere=not caller.channel)
        if not clusters:
            await self._refuse(caller, asker.may_restore(self._config.default_cluster))
            return
        if not asker.room.member:
            await self._responder.try_reply(caller, views.in_channel_needed(caller.channel))
            return
        at = FormConversation(channel=caller.channel, thread=caller.thread)
        preferred = self._config.default_cluster
        chosen = Selection(cluster=preferred if preferred in clusters else clusters[0])
        try:
            await self._web.call(
                "views.open", trigger_id=trigger, view=form(at, self._offered(clusters), chosen)
            )
        except Permanent as refused:
            if refused.reason in TRIGGER_TOO_OLD:
                await self._responder.try_reply(caller, too_slow())
            elif refused.reason not in TRIGGER_USED:  # it was opened, and then the process died
                raise

    async def redraw(self, choice: ModalChanged) -> None:
        """Draw the form anew after a choice, if it is still open and no newer one was drawn.

        Raises Temporary to be asked again: without it the pickers show what was chosen before.
        """
        filled, changed = choice.form, choice.changed
        asker = await self._asker_of(choice.user, filled)
        clusters = self._clusters(asker, anywhere=not filled.at.channel)
        chosen = resolve(filled, changed)
        try:
            await self._draw(choice, form(filled.at, self._offered(clusters), chosen))
        except Permanent as refused:
            log.info("a form was not drawn anew", error=refused.reason)
            return
        if changed is Field.VM:
            # The next picker to be opened is the one of its snapshots, and they may be many.
            with suppress(Temporary, Permanent):
                await self._snapshots(chosen, asker)

    async def _draw(self, choice: ModalChanged, view: dict[str, Any]) -> None:
        """Over what was on the screen when the choice was made, or over an older choice."""
        view_id = choice.form.view
        last = await self._drawn.last(view_id)
        if last is not None and slack_order(last.ts) >= slack_order(choice.ts):
            return
        for known in dict.fromkeys((choice.hash, last.hash if last else choice.hash)):
            try:
                shown = await self._web.call(
                    "views.update", view_id=view_id, view=view, hash=known or None
                )
            except Permanent as refused:
                if refused.reason != SlackCode.HASH_CONFLICT:
                    raise
            else:
                await self._drawn.note(view_id, Drawn(choice.ts, str(shown["view"]["hash"])))
                return
        raise Temporary("another choice is being drawn in this form")

    async def options(
        self, user: UserId, filled: FormState, field: Field, typed: str
    ) -> list[dict[str, Any]]:
        """What a picker of the form offers. Raises Temporary or Permanent if nobody can tell."""
        asker = await self._asker_of(user, filled)
        text, chosen = typed.strip().lower(), filled.chosen
        if field is Field.SNAPSHOT:
            now = self._clock.now()
            return options(
                snapshot_choice(chosen.cluster, chosen.vm, each.name, facts(each, now))
                for each in await self._snapshots(chosen, asker)
                if chosen.vm is not None and text in each.name
            )
        permitted = self._permitted(asker, chosen.cluster)
        if permitted == frozenset():
            return []
        vms = await self._names[chosen.cluster].vms(permitted)
        if field is Field.NAMESPACE:
            return options(_namespaces(vms, text))
        wanted = None if chosen.namespace is None else chosen.namespace.value
        return options(
            vm_choice(namespace, vm)
            for namespace, vm in vms
            if wanted in (None, namespace) and text in vm
        )

    async def judge(self, user: UserId, filled: FormState) -> dict[str, str] | FormRequest:
        """What is wrong with a form that was sent, by block; or what it asks for.

        Raises StoreUnavailable if a refusal cannot be noted.
        """
        checks = await self._look(user, filled)
        wrong = problems(filled, checks)
        if not wrong:
            return asked(filled, checks)
        if checks.verdict is not None and not checks.verdict.allowed:
            chosen = filled.chosen
            parsed = ParsedRequest(
                Verb.RESTORE,
                vm=named(chosen.vm, None) if chosen.vm else None,
                namespace=chosen.in_namespace,
            )
            await self._requests.note_refusal(user, checks.verdict, parsed)
        return by_block(wrong, filled.blocks)

    async def take(
        self, key: str, caller: Caller, request: FormRequest, *, chosen: bool = False
    ) -> None:
        """Ask for what a form asked for, where it asked.

        A person who has `chosen` the channel may not be looking at it, and is told by direct message.
        """
        if not await self._inside(caller.user, caller.channel):
            alone = Caller(caller.user, "", None, None)
            await self._responder.reply(alone, views.outside_channel(caller.channel))
            return
        channel = caller.channel or await self._web.direct(caller.user)
        thread_ref = ThreadRef(
            team=self._config.home.team,
            channel=channel,
            thread=caller.thread,
            own_thread=caller.thread is None,
        )
        parsed = ParsedRequest(
            Verb.RESTORE,
            cluster=request.cluster,
            namespace=request.namespace,
            vm=request.vm,
            snapshot=request.snapshot,
        )
        there = Caller(caller.user, channel, caller.thread, None, direct=chosen)
        await self._requests.hear(key, there, parsed, thread_ref)
        begun = restore_id(self._config.installation, key)
        if chosen and await self._store.load(begun) is not None:
            await self._responder.reply(there, views.asked_in(channel))

    async def _look(self, user: UserId, filled: FormState) -> FormChecks:
        """All that can be found out in time."""
        until = asyncio.get_running_loop().time() + LOOK
        chosen = filled.chosen
        asker, inside = await asyncio.gather(
            _in_time(until, self._asker(user, filled.room)),
            _in_time(until, self._inside(user, filled.chosen.where or "")),
        )
        if asker is None or inside is False:
            return FormChecks(member=asker.room.member if asker else None, inside=inside)
        verdict = asker.may_restore(chosen.cluster, chosen.in_namespace)
        if not verdict.allowed or chosen.vm is None or chosen.cluster not in self._names:
            return FormChecks(member=asker.room.member, verdict=verdict)
        names, namespace = self._names[chosen.cluster], chosen.vm.front
        found = await _in_time(until, names.vms((namespace,)))
        vms = None if found is None else tuple(vm for _, vm in found)
        vm = named(chosen.vm, vms)
        snapshots = None
        if chosen.snapshot is not None and vm is not None:
            snapshots = await _in_time(until, names.snapshots(namespace, vm))
        return FormChecks(
            member=asker.room.member,
            verdict=verdict,
            vms=vms,
            snapshots=None if snapshots is None else tuple(snapshots),
        )

    async def _snapshots(self, chosen: Selection, asker: Asker) -> list[Snapshot]:
        """The chosen VM's snapshots, newest first."""
        permitted = self._permitted(asker, chosen.cluster)
        if chosen.vm is None or (permitted is not None and chosen.vm.front not in permitted):
            return []
        names, namespace = self._names[chosen.cluster], chosen.vm.front
        name = named(chosen.vm, [vm for _, vm in await names.vms((namespace,))])
        return [] if name is None else await names.snapshots(namespace, name)

    def _permitted(self, asker: Asker, cluster: str) -> frozenset[str] | None:
        if cluster not in self._names:  # taken out of the settings while the form was open
            return frozenset()
        return asker.permitted(cluster)

    async def _asker(self, user: UserId, channel: str) -> Asker:
        where = channel or ConversationInfo.direct()
        return await self._authorizer.asker(user, where, anywhere=True)

    async def _asker_of(self, user: UserId, filled: FormState) -> Asker:
        """Who fills it in, where they want to ask. What a channel may is for those who are in it."""
        inside = await self._inside(user, filled.chosen.where or "")
        return await self._asker(user, filled.room if inside else "")

    async def _inside(self, user: UserId, channel: str) -> bool:
        """Is this person in the channel? False as well if Slack does not say."""
        if not channel or channel.startswith("D"):
            return True
        try:
            return await self._people.is_member(user, channel)
        except Permanent as refused:
            log.info("nobody says who is in the channel", error=refused.reason)
            return False

    def _clusters(self, asker: Asker, *, anywhere: bool) -> tuple[str, ...]:
        """Where this person may restore something: in this room, or in any that they may choose."""
        named_rooms = self._authorizer.channels if anywhere else ()
        askers = [asker, *(asker.elsewhere(each) for each in named_rooms)]
        return tuple(
            cluster
            for cluster in self._config.clusters
            if any(each.may_restore(cluster).allowed for each in askers)
        )

    def _offered(self, clusters: tuple[str, ...]) -> tuple[str, ...]:
        """Nothing, if there is nothing to choose between."""
        return clusters if len(self._config.clusters) > 1 else ()

    async def _refuse(self, caller: Caller, verdict: Verdict) -> None:
        await self._requests.refuse(caller, verdict, ParsedRequest(Verb.RESTORE))


async def _in_time(until: float, asking: Awaitable[T]) -> T | None:
    """The answer, or None if it does not come in time."""
    try:
        async with asyncio.timeout_at(until):
            return await asking
    except (Temporary, Permanent, TimeoutError) as unknown:
        log.info("a form is judged without a look", error=type(unknown).__name__)
        return None


def _namespaces(vms: list[tuple[str, str]], text: str) -> list[Choice]:
    counts: dict[str, int] = {}
    for namespace, _ in vms:
        counts[namespace] = counts.get(namespace, 0) + 1
    return [namespace_choice(name, counts[name]) for name in sorted(counts) if text in name]
