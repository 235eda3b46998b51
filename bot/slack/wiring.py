"""Puts the Slack side together: who listens, who answers, and who is at work by the clock.

Wiring only, nothing is decided here. What it works with was opened by `app.py`, which closes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp

from bot.clock import Clock
from bot.slack.api.client import SlackApi
from bot.slack.api.directory import Directory
from bot.slack.handlers.app_home import AppHome, Ping
from bot.slack.handlers.apply_event import EventApplier
from bot.slack.handlers.card_options import Names, Pickers
from bot.slack.handlers.handoff import HandoffHandler
from bot.slack.handlers.modal import ModalHandler
from bot.slack.handlers.queries import QueryHandler
from bot.slack.handlers.requests import RequestHandler, SlackConfig
from bot.slack.handlers.shift_report import TASK, ShiftReporter, Timetable
from bot.slack.inbound.dispatcher import Dispatcher
from bot.slack.inbound.listeners import Enqueue, Hears, Listeners
from bot.slack.inbound.modal_listeners import ModalListeners
from bot.slack.outbound.replies import Responder
from bot.store.records import TaskHandler
from bot.store.store import Store
from bot.telemetry import Metrics


@dataclass(frozen=True, slots=True)
class SlackContext:
    """What everybody at the desk works with."""

    web: SlackApi
    store: Store
    people: Directory
    ground: SlackConfig
    names: Mapping[str, Names]
    pings: Mapping[str, Ping]
    """Asks whether a cluster answers."""
    timetable: Timetable | None
    """When the shift report is due, if it is wanted by the clock."""
    version: str
    clock: Clock
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Wiring:
    """Those who deal with Slack and are met from outside."""

    tools: SlackContext
    responder: Responder
    pickers: Pickers
    reports: ShiftReporter
    forms: ModalHandler
    homes: AppHome
    dispatcher: Dispatcher

    @property
    def task_handlers(self) -> Mapping[str, TaskHandler]:
        """What is done when a chore is due, by the first word of its name."""
        return {"home": self.homes.refresh, TASK: self.reports.post}

    def listen(self, bolt: AsyncApp, accept: Enqueue, hears: Hears) -> None:
        """Give Bolt its listeners."""
        ground = self.tools.ground
        ModalListeners(self.forms, accept, self.responder, ground.default_cluster).register(bolt)
        Listeners(
            home=ground.home,
            accept=accept,
            options=self.pickers.options,
            sorry=self.tools.web.respond,
            hears=hears,
        ).register(bolt)


def wire(tools: SlackContext) -> Wiring:
    """Build everybody."""
    web, store, people, clock = tools.web, tools.store, tools.people, tools.clock
    ground, policy = tools.ground, tools.ground.policy
    responder, steps = Responder(web), EventApplier(store, clock)
    pickers = Pickers(store, people, policy, tools.names)
    lists = QueryHandler(
        store=store,
        people=people,
        responder=responder,
        policy=policy,
        names=tools.names,
        default_cluster=ground.default_cluster,
        clock=clock,
    )
    handoffs = HandoffHandler(
        store=store,
        people=people,
        responder=responder,
        steps=steps,
        policy=policy,
        web=web,
        bot_user=ground.home.bot_user,
    )
    reports = ShiftReporter(
        store=store,
        people=people,
        responder=responder,
        policy=policy,
        clusters=ground.clusters,
        web=web,
        timetable=tools.timetable,
        clock=clock,
        metrics=tools.metrics,
    )
    wishes = RequestHandler(
        store=store,
        people=people,
        responder=responder,
        steps=steps,
        ground=ground,
        lists=lists,
        handoffs=handoffs,
        reports=reports,
        clock=clock,
        metrics=tools.metrics,
    )
    forms = ModalHandler(
        web=web,
        people=people,
        wishes=wishes,
        responder=responder,
        names=tools.names,
        ground=ground,
        clock=clock,
    )
    homes = AppHome(
        store=store,
        people=people,
        responder=responder,
        web=web,
        policy=policy,
        clusters=tools.pings,
        version=tools.version,
        clock=clock,
    )
    dispatcher = Dispatcher(
        store=store,
        people=people,
        wishes=wishes,
        steps=steps,
        responder=responder,
        pickers=pickers,
        forms=forms,
        homes=homes,
        handoffs=handoffs,
        ground=ground,
        clock=clock,
    )
    return Wiring(tools, responder, pickers, reports, forms, homes, dispatcher)
