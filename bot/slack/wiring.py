"""Puts the Slack side together: who listens, who answers, and who is at work by the clock.

Wiring only, nothing is decided here. What it works with was opened by `app.py`, which closes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp

from bot.clock import Clock
from bot.slack.api.client import Web
from bot.slack.api.directory import People
from bot.slack.handlers.app_home import Homes, Ping
from bot.slack.handlers.apply_event import Steps
from bot.slack.handlers.card_options import Names, Pickers
from bot.slack.handlers.handoff import Handoffs
from bot.slack.handlers.modal import Forms
from bot.slack.handlers.queries import Lists
from bot.slack.handlers.requests import Ground, Wishes
from bot.slack.handlers.shift_report import CHORE, Reports, Timetable
from bot.slack.inbound.dispatcher import Intake
from bot.slack.inbound.listeners import Accept, Hears, Listeners
from bot.slack.inbound.modal_listeners import FormListeners
from bot.slack.outbound.replies import Teller
from bot.store.records import Duty
from bot.store.store import Store
from bot.telemetry import Metrics


@dataclass(frozen=True, slots=True)
class Tools:
    """What everybody at the desk works with."""

    web: Web
    store: Store
    people: People
    ground: Ground
    names: Mapping[str, Names]
    pings: Mapping[str, Ping]
    """Asks whether a cluster answers."""
    timetable: Timetable | None
    """When the shift report is due, if it is wanted by the clock."""
    version: str
    clock: Clock
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Desk:
    """Those who deal with Slack and are met from outside."""

    tools: Tools
    teller: Teller
    pickers: Pickers
    reports: Reports
    forms: Forms
    homes: Homes
    intake: Intake

    @property
    def duties(self) -> Mapping[str, Duty]:
        """What is done when a chore is due, by the first word of its name."""
        return {"home": self.homes.refresh, CHORE: self.reports.post}

    def listen(self, bolt: AsyncApp, accept: Accept, hears: Hears) -> None:
        """Give Bolt its listeners."""
        ground = self.tools.ground
        FormListeners(self.forms, accept, self.teller, ground.default_cluster).register(bolt)
        Listeners(
            home=ground.home,
            accept=accept,
            options=self.pickers.options,
            sorry=self.tools.web.respond,
            hears=hears,
        ).register(bolt)


def set_up(tools: Tools) -> Desk:
    """Build everybody."""
    web, store, people, clock = tools.web, tools.store, tools.people, tools.clock
    ground, policy = tools.ground, tools.ground.policy
    teller, steps = Teller(web), Steps(store, clock)
    pickers = Pickers(store, people, policy, tools.names)
    lists = Lists(
        store=store,
        people=people,
        teller=teller,
        policy=policy,
        names=tools.names,
        default_cluster=ground.default_cluster,
        clock=clock,
    )
    handoffs = Handoffs(
        store=store,
        people=people,
        teller=teller,
        steps=steps,
        policy=policy,
        web=web,
        bot_user=ground.home.bot_user,
    )
    reports = Reports(
        store=store,
        people=people,
        teller=teller,
        policy=policy,
        clusters=ground.clusters,
        web=web,
        timetable=tools.timetable,
        clock=clock,
        metrics=tools.metrics,
    )
    wishes = Wishes(
        store=store,
        people=people,
        teller=teller,
        steps=steps,
        ground=ground,
        lists=lists,
        handoffs=handoffs,
        reports=reports,
        clock=clock,
        metrics=tools.metrics,
    )
    forms = Forms(
        web=web,
        people=people,
        wishes=wishes,
        teller=teller,
        names=tools.names,
        ground=ground,
        clock=clock,
    )
    homes = Homes(
        store=store,
        people=people,
        teller=teller,
        web=web,
        policy=policy,
        clusters=tools.pings,
        version=tools.version,
        clock=clock,
    )
    intake = Intake(
        store=store,
        people=people,
        wishes=wishes,
        steps=steps,
        teller=teller,
        pickers=pickers,
        forms=forms,
        homes=homes,
        handoffs=handoffs,
        ground=ground,
        clock=clock,
    )
    return Desk(tools, teller, pickers, reports, forms, homes, intake)
