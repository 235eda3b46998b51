"""`SlackSim`: the simulated Slack as one thing to start, use and stop."""

from typing import Any

from aiohttp import web

from bot.clock import Clock
from bot.playground.clock import dated_by
from bot.playground.slack.api_call import CallContext
from bot.playground.slack.blockkit import normalised
from bot.playground.slack.commands import Commands
from bot.playground.slack.composer import Composer
from bot.playground.slack.delivery import Delivery
from bot.playground.slack.events import Events
from bot.playground.slack.faults import Faults
from bot.playground.slack.gestures import Person, Stage, Thread
from bot.playground.slack.http_transport import HttpTransport
from bot.playground.slack.interactions import Interactions
from bot.playground.slack.limits import RateLimits
from bot.playground.slack.payloads import message_json
from bot.playground.slack.posting import linked
from bot.playground.slack.response_urls import ResponseUrls
from bot.playground.slack.slack_view import SlackView
from bot.playground.slack.sockets import SocketHub
from bot.playground.slack.views import Views
from bot.playground.slack.web_api import WebApi
from bot.playground.slack.workspace import (
    Channel,
    Kind,
    Message,
    User,
    UserGroup,
    Workspace,
)

Json = dict[str, Any]

_HOST = "127.0.0.1"


class SlackSim(SlackView):
    """A Slack workspace on loopback, with one installed app: the bot under test."""

    def __init__(self, clock: Clock, *, seed: int = 0) -> None:
        self.workspace = Workspace(clock, seed)
        self.faults = Faults()
        self.limits = RateLimits(clock)
        ids, bot = self.workspace.ids, self.workspace.bot
        self.bot_token = f"xoxb-{ids.secret('token', 24)}"
        self.app_token = f"xapp-1-{bot.app_id}-{ids.secret('token', 24)}"
        self.signing_secret = ids.secret("token", 32, "0123456789abcdef")
        self.root = ""
        self.api_url = ""
        self._sockets = ""
        self._runner: web.AppRunner | None = None
        self._wire()

    def _wire(self) -> None:
        workspace = self.workspace
        self._views = Views(workspace)
        self._hub = SocketHub(workspace, self.faults)
        self._http = HttpTransport(workspace, self.signing_secret)
        self.delivery = Delivery(workspace, self.faults, self._hub, self._http)
        self._events = Events(workspace, self.delivery, self._views)
        self._urls = ResponseUrls(workspace, self._events)
        context = CallContext(workspace, self._views, self._events, self.limits, self._socket_url)
        self._api = WebApi(context, self.faults, self._urls, (self.bot_token, self.app_token))
        interactions = Interactions(workspace, self._views, self._urls, self.delivery)
        composer = Composer(workspace)
        commands = Commands(workspace, composer, self._views, self._urls, self.delivery)
        self._stage = Stage(
            workspace=workspace,
            composer=composer,
            events=self._events,
            views=self._views,
            delivery=self.delivery,
            interactions=interactions,
            commands=commands,
        )

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; port 0 takes a free one."""
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self._api.serve)
        app.router.add_get("/link/", self._hub.serve)
        app.router.add_post("/response/{path:.+}", self._api.serve_response)
        app.on_response_prepare.append(dated_by(self.workspace.clock))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, _HOST, port)
        await site.start()
        address = self._runner.addresses[0]
        self.reached_at(f"http://{_HOST}:{address[1]}")

    def reached_at(self, root: str, *, hooks: str = "", sockets: str = "") -> None:
        """Name this address in every URL from now on, e.g. because a proxy stands before us.

        Slack has other hosts for response URLs (`hooks`) and for sockets, with `wss://`.
        """
        self.root = root
        self.api_url = f"{root}/api/"
        self._urls.root = f"{hooks or root}/response/"
        self._sockets = sockets

    async def stop(self) -> None:
        """Close everything."""
        await self.delivery.stop()
        await self._hub.close()
        await self._http.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def use_http(self, request_url: str) -> None:
        """Deliver by signed HTTP from now on; Socket Mode is off then."""
        self._http.url = request_url
        self._hub.enabled = False

    async def verify_url(self) -> bool:
        """The url_verification handshake that saving a request URL starts."""
        return await self._http.verify()

    @property
    def http(self) -> HttpTransport:
        """The HTTP delivery, e.g. to set the time that it stamps on requests."""
        return self._http

    def _socket_url(self, host: str) -> str:
        return f"{self._sockets or f'ws://{host}'}/link/?ticket={self._hub.new_ticket()}&app_id={self.app_id}"

    # -- the workspace ---------------------------------------------------------------------------

    def person(  # noqa: PLR0913  each is a kind of person that Slack knows
        self,
        name: str,
        *,
        guest: bool = False,
        ultra_guest: bool = False,
        deactivated: bool = False,
        bot: bool = False,
        foreign: bool = False,
        tz: str = "Europe/Berlin",
        email: str | None = None,
    ) -> Person:
        """Let somebody in."""
        ids, workspace = self.workspace.ids, self.workspace
        user = User(
            id=ids.make("U"),
            name=name,
            team_id=workspace.foreign_team_id if foreign else workspace.team_id,
            real_name=f"{name.capitalize()} Example",
            tz=tz,
            email=email or f"{name}@example.com",
            guest=guest or ultra_guest,
            ultra_guest=ultra_guest,
            deactivated=deactivated,
            bot=bot,
            foreign=foreign,
            bot_id=ids.make("B") if bot else None,
            app_id=ids.make("A") if bot else None,
        )
        return Person(self._stage, workspace.add_user(user))

    def channel(
        self,
        name: str,
        *members: Person,
        bot: bool = True,
        private: bool = False,
        ext_shared: bool = False,
        archived: bool = False,
    ) -> Channel:
        """Open a channel; `bot` says whether our bot was invited."""
        users = [person.user for person in members]
        kind: Kind = "group" if private else "channel"
        made = self.workspace.add_channel(name, kind, users)
        if bot:
            made.members.append(self.workspace.bot)
        made.ext_shared, made.archived = ext_shared, archived
        return made

    def dm(self, person: Person) -> Channel:
        """The direct message between the person and the bot."""
        return self.workspace.direct(person.user)

    def group_dm(self, *members: Person) -> Channel:
        """A direct message of several people, with our bot among them."""
        users = [person.user for person in members]
        name = f"mpdm-{'--'.join(user.name for user in users)}-1"
        return self.workspace.add_channel(name, "mpim", [*users, self.workspace.bot])

    def user_group(self, handle: str, *members: Person) -> UserGroup:
        """Make a user group."""
        return self.workspace.add_group(handle, [person.user for person in members])

    async def invite_bot(self, channel: Channel) -> None:
        """Invite our bot into a channel."""
        channel.members.append(self.workspace.bot)
        await self._events.send(self._events.joined(channel, self.workspace.bot))

    def remove_bot(self, channel: Channel) -> None:
        """Throw our bot out of a channel; Slack withholds the event."""
        channel.members.remove(self.workspace.bot)

    async def expel_bot(self, channel: Channel, by: Person) -> None:
        """Throw our bot out of a channel, and tell it."""
        self.remove_bot(channel)
        await self._events.send(self._events.left(channel, by.user))

    async def archive(self, channel: Channel, by: Person) -> None:
        """Archive a channel, and tell the bot."""
        payloads = self._events.archived(channel, by.user)
        channel.archived = True
        await self._events.send(payloads)

    async def change_id(self, channel: Channel) -> str:
        """Give a channel another id and tell the bot; the old one, which nobody knows any more."""
        old = self.workspace.change_id(channel)
        await self._events.send(self._events.id_changed(channel, old))
        return old

    async def remove(self, message: Message) -> None:
        """Delete anybody's message, as an admin of the workspace may."""
        previous = message_json(message)
        message.deleted = True
        await self._events.send(self._events.deleted(message, previous))

    async def post_as_app(
        self,
        channel: Channel,
        text: str,
        thread: Thread = None,
        *,
        app: str = "pagerbot",
        blocks: list[Json] | None = None,
    ) -> Message:
        """Post as another app, whose text may hold live markup."""
        author = self.workspace.user_named(app) or self.workspace.add_app(app)
        root = thread.root_ts if isinstance(thread, Message) else thread
        made = normalised(blocks, self.workspace.ids) if blocks else None
        message = Message(channel, self.workspace.next_ts(), author, linked(text), made, root)
        self.workspace.post(message)
        mentions = (self.bot_user_id,) if f"<@{self.bot_user_id}>" in text else ()
        await self._events.send(self._events.posted(message, mentions))
        return message

    async def touch(self, message: Message) -> None:
        """Raise message_changed without an edit, as link previews and reply counts do."""
        await self._events.send(self._events.changed(message, message_json(message)))

    async def deliver(self, payload: Json) -> None:
        """Deliver an event payload as it stands, e.g. one that was seen before."""
        await self.delivery.event(payload)

    @property
    def transport(self) -> SocketHub | HttpTransport:
        """What carries a single delivery, without the schedule around it: to time an ack."""
        return self._http if self._http.url else self._hub

    def event_of(self, message: Message) -> Json:
        """The payload that tells the app of a message, without telling it."""
        return self._events.posted(message)[0]

    # -- sockets -----------------------------------------------------------------------------------

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Send a disconnect frame on every socket: warning, refresh_requested or link_disabled."""
        await self._hub.disconnect_all(reason)

    def drop_sockets(self) -> None:
        """Break every socket without a word."""
        self._hub.cut_all()
