"""Puts the Slack side together: who listens, who answers, and who is at work by the clock.

Wiring only, nothing is decided here. What it works with was opened by `app.py`, which closes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp

from bot.slack.context import SlackContext
from bot.slack.handlers.app_home import AppHome
from bot.slack.handlers.card_options import Pickers
from bot.slack.handlers.handoff import HandoffHandler
from bot.slack.handlers.modal import ModalHandler
from bot.slack.handlers.queries import QueryHandler
from bot.slack.handlers.requests import RequestHandler
from bot.slack.handlers.shift_report import TASK, ShiftReporter
from bot.slack.inbound.dispatcher import Dispatcher
from bot.slack.inbound.listeners import Enqueue, Hears, Listeners
from bot.slack.inbound.modal_listeners import ModalListeners
from bot.slack.markup.address import BotNames
from bot.store.records import TaskHandler
from bot.texts.names import used


@dataclass(frozen=True, slots=True)
class Wiring:
    """What is called from outside: by Bolt, by the worker, and when the bot starts."""

    context: SlackContext
    pickers: Pickers
    reports: ShiftReporter
    forms: ModalHandler
    homes: AppHome
    dispatcher: Dispatcher

    @property
    def task_handlers(self) -> Mapping[str, TaskHandler]:
        """The handler of each kind of periodic task, by the prefix of the task's name."""
        return {"home": self.homes.refresh, TASK: self.reports.post}

    def listen(self, bolt: AsyncApp, accept: Enqueue, hears: Hears) -> None:
        """Give Bolt its listeners."""
        config, responder = self.context.config, self.context.responder
        listeners = Listeners(
            home=config.home,
            names=BotNames(config.home.name, used().bot, used().command),
            accept=accept,
            options=self.pickers.options,
            sorry=self.context.web.respond,
            hears=hears,
        )
        listeners.register_messages(bolt)
        ModalListeners(self.forms, accept, responder, config.default_cluster).register(bolt)
        listeners.register(bolt)


def wire(context: SlackContext) -> Wiring:
    """Build every handler."""
    pickers, homes = Pickers(context), AppHome(context)
    handoffs, reports = HandoffHandler(context), ShiftReporter(context)
    requests = RequestHandler(
        context, lists=QueryHandler(context), handoffs=handoffs, reports=reports
    )
    forms = ModalHandler(context, requests)
    dispatcher = Dispatcher(
        context, requests=requests, pickers=pickers, forms=forms, homes=homes, handoffs=handoffs
    )
    return Wiring(context, pickers, reports, forms, homes, dispatcher)
