"""What can be read of the simulated Slack: who the bot is, what happened, what people see."""

from bot.playground.slack.api_call import SlackCall
from bot.playground.slack.delivery import Delivery
from bot.playground.slack.gestures import Person
from bot.playground.slack.outgoing import Outgoing
from bot.playground.slack.sockets import SocketHub
from bot.playground.slack.transcript import Transcript
from bot.playground.slack.views import Views
from bot.playground.slack.web_api import WebApi
from bot.playground.slack.workspace import (
    Broadcast,
    Channel,
    Workspace,
)


class SlackView:
    """Reads what the simulator holds; `SlackSim` fills it."""

    workspace: Workspace
    delivery: Delivery
    _api: WebApi
    _hub: SocketHub
    _views: Views

    @property
    def team_id(self) -> str:
        """The workspace's id."""
        return self.workspace.team_id

    @property
    def bot_user_id(self) -> str:
        """The user id of our bot."""
        return self.workspace.bot.id

    @property
    def bot_id(self) -> str:
        """The bot id of our bot."""
        return str(self.workspace.bot.bot_id)

    @property
    def app_id(self) -> str:
        """The id of our app."""
        return str(self.workspace.bot.app_id)

    @property
    def mention(self) -> str:
        """What people type to mention the bot."""
        return f"@{self.workspace.bot.name}"

    @property
    def scopes(self) -> set[str]:
        """The scopes of the bot token; take one away to see `missing_scope`."""
        return self.workspace.scopes

    @property
    def log(self) -> list[SlackCall]:
        """All Web API calls and response URL posts, in the order of their answers."""
        return self._api.log

    @property
    def unknown(self) -> list[str]:
        """Methods that were called and are not simulated."""
        return self._api.unknown

    @property
    def broadcasts(self) -> list[Broadcast]:
        """Live <!channel>, <!here> and <!everyone> in texts of apps."""
        return self.workspace.broadcasts

    @property
    def sent(self) -> list[Outgoing]:
        """Every attempt to deliver something to the app."""
        return self.delivery.sent

    @property
    def lost(self) -> list[Outgoing]:
        """Events given up after all retries."""
        return self.delivery.lost

    @property
    def busy(self) -> int:
        """Deliveries that are not acked, and Web API calls in flight; 0 means quiet."""
        return self.delivery.busy + self._api.in_flight

    @property
    def calls(self) -> int:
        """Web API calls in flight, without those whose answer is held back."""
        return self._api.in_flight

    @property
    def held_back(self) -> int:
        """Web API calls whose answer waits for the clock."""
        return self._api.held_back

    @property
    def waiting(self) -> int:
        """How many of the busy ones only the clock can move: retries, delays."""
        return self.delivery.waiting

    @property
    def connections(self) -> int:
        """Open sockets of the app."""
        return len(self._hub.open)

    def transcript(
        self, channel: Channel, *, viewer: Person | None = None, history: bool = False
    ) -> str:
        """The channel as text; `history` adds what edited messages said before."""
        user = viewer.user if viewer is not None else None
        return Transcript(self.workspace, user, history=history).channel(channel)

    def modals_below(self, person: Person) -> int:
        """How many modals lie under the one that is open for this person."""
        return self._views.below(person.user)

    def screen(self, person: Person) -> str:
        """What stands over the channels: the open modal, or else the Home tab."""
        view = person.view or person.home
        return Transcript(self.workspace, person.user).view(view) if view else ""
