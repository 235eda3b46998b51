"""What people do: say, edit, click, pick, fill forms, look.

Gestures return when Slack has handed their payload over, not when the app has answered. A gesture
that the screen does not allow raises `NotPossible`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.playground.slack.commands import Commands, SlashResult
from bot.playground.slack.composer import PLAIN, Composer, Keyboard
from bot.playground.slack.delivery import Delivery
from bot.playground.slack.events import Events
from bot.playground.slack.interactions import ClickResult, Interactions, SubmitResult
from bot.playground.slack.payloads import message_json
from bot.playground.slack.surfaces import (
    MENUS,
    Choice,
    Control,
    Named,
    NotPossible,
    Surface,
    blocks_of,
    check_form,
    choices,
    choose,
    find_control,
)
from bot.playground.slack.views import View, Views, admits
from bot.playground.slack.workspace import Channel, Message, User, Workspace

Json = dict[str, Any]
Thread = Message | str | None
Option: TypeAlias = "str | Channel | Person"
"""What is chosen in a menu."""


@dataclass(frozen=True, slots=True)
class Stage:
    """All that gestures act upon."""

    workspace: Workspace
    composer: Composer
    events: Events
    views: Views
    delivery: Delivery
    interactions: Interactions
    commands: Commands


class Person:
    """Somebody at a Slack client."""

    def __init__(self, stage: Stage, user: User) -> None:
        self._stage = stage
        self.user = user

    @property
    def id(self) -> str:
        """The user id."""
        return self.user.id

    @property
    def name(self) -> str:
        """The name after the @."""
        return self.user.name

    def __repr__(self) -> str:
        return f"Person({self.name})"

    async def say(  # noqa: PLR0913  each is a way in which a message can differ
        self,
        channel: Channel,
        text: str,
        thread: Thread = None,
        *,
        twice: bool = False,
        raw_blocks: bool = True,
        broadcast: bool = False,
        keyboard: Keyboard = PLAIN,
    ) -> Message:
        """Type a message; `twice` delivers its events twice, `raw_blocks=False` leaves blocks out."""
        self._may_write(channel)
        composed = self._stage.composer.compose(text, keyboard)
        workspace = self._stage.workspace
        message = Message(
            channel=channel,
            ts=workspace.next_ts(),
            author=self.user,
            text=composed.text,
            blocks=composed.blocks if raw_blocks else None,
            thread_ts=_root(thread),
            client_msg_id=None if self.user.bot else workspace.ids.uuid("client-message"),
            subtype="thread_broadcast" if broadcast else None,
            broadcast=broadcast,
        )
        workspace.post(message)
        payloads = self._stage.events.posted(message, composed.mentions)
        await self._stage.events.send(payloads * 2 if twice else payloads)
        return message

    async def edit(self, message: Message, text: str, *, keyboard: Keyboard = PLAIN) -> None:
        """Edit an own message. A mention that it gains raises app_mention."""
        self._must_own(message)
        had = _mentions_of(message)
        previous = message_json(message)
        composed = self._stage.composer.compose(text, keyboard)
        self._stage.workspace.rewrite(message, composed.text, composed.blocks, self.id)
        payloads = self._stage.events.changed(message, previous)
        bot = self._stage.workspace.bot.id
        if bot in composed.mentions and bot not in had:
            payloads += self._stage.events.mentioned(message)
        await self._stage.events.send(payloads)

    async def delete(self, message: Message) -> None:
        """Delete an own message."""
        self._must_own(message)
        previous = message_json(message)
        message.deleted = True
        await self._stage.events.send(self._stage.events.deleted(message, previous))

    async def slash(
        self, channel: Channel, line: str, *, keyboard: Keyboard = PLAIN
    ) -> SlashResult:
        """Type a slash command; there is no way to type one in a thread."""
        return await self._stage.commands.send(self.user, channel, line, keyboard)

    async def click(self, where: Surface, what: Named, *, confirm: bool = True) -> ClickResult:
        """Press a button that is there now; `confirm=False` says no to Slack's confirm dialog."""
        if isinstance(where, Message) and where.deleted:
            raise NotPossible("the message is gone")
        return await self._press(where, blocks_of(where), what, confirm=confirm)

    async def click_stale(
        self, where: Surface, blocks: list[Json] | None, what: Named
    ) -> ClickResult:
        """Press a button of an earlier version of a card, as a screen that lags behind allows."""
        return await self._press(where, blocks or [], what, confirm=True)

    async def use_stale(self, where: Surface, control: Control, choice: Json) -> ClickResult:
        """Use any control that a card had at some time, with a choice that it offered then."""
        return await self._stage.interactions.use(self.user, where, control, choice, remember=False)

    async def _press(
        self, where: Surface, blocks: list[Json], what: Named, *, confirm: bool
    ) -> ClickResult:
        control = find_control(blocks, self.user, what, ("button",))
        if not confirm:
            if not control.element.get("confirm"):
                raise NotPossible(f"{what!r} asks nothing back")
            return ClickResult(dismissed=True)
        return await self._stage.interactions.use(self.user, where, control, {})

    async def options(self, where: Surface, what: Named, typed: str) -> list[Choice]:
        """Type into an external menu and read what it offers."""
        control = find_control(blocks_of(where), self.user, what, ("external_select",))
        return await self._stage.interactions.options(self.user, where, control, typed)

    async def pick(
        self, where: Surface, what: Named, option: Option, *, typed: str | None = None
    ) -> ClickResult:
        """Choose in a menu; in an external one `typed` (or the option's text) is typed first."""
        control = find_control(blocks_of(where), self.user, what, MENUS)
        extra = await self._chosen(where, control.kind, what, option, typed)
        if control.only_typed:
            self._stage.interactions.type_in(where, control, next(iter(extra.values())))
            return ClickResult(dismissed=True)
        return await self._stage.interactions.use(self.user, where, control, extra)

    async def _chosen(
        self, where: Surface, kind: str, what: Named, option: Option, typed: str | None
    ) -> Json:
        if kind == "users_select":
            return {"selected_user": self._user_id(option)}
        if kind == "conversations_select":
            element = find_control(blocks_of(where), self.user, what, MENUS).element
            return {"selected_conversation": self._conversation(element, option)}
        wanted = str(option)
        if kind == "external_select":
            offered = await self.options(where, what, typed if typed is not None else wanted)
        else:
            offered = choices(find_control(blocks_of(where), self.user, what, MENUS).element)
        return {"selected_option": choose(offered, wanted).raw}

    def _conversation(self, element: Json, option: Option) -> str:
        """The id of a conversation that the menu's filter lets this person choose."""
        rooms = self._stage.workspace.channels.values()
        found = next((r for r in rooms if option in (r, r.name, f"#{r.name}", r.id)), None)
        # Public channels are offered to everybody, members or not.
        hidden = found is not None and found.private and not found.has(self.user)
        if found is None or hidden or found.archived:
            raise NotPossible(f"{self.name} has no conversation {option!r}")
        if not admits(element, found):
            raise NotPossible(f"the menu leaves out {option!r}")
        return found.id

    def _user_id(self, option: Option) -> str:
        if isinstance(option, Person):
            return option.id
        user = self._stage.workspace.user_named(str(option).removeprefix("@"))
        if user is None:
            raise NotPossible(f"nobody is called {option!r}")
        return user.id

    async def tick(self, where: Surface, what: Named, *options: str) -> ClickResult:
        """Leave exactly these boxes of a checkbox group ticked."""
        control = find_control(blocks_of(where), self.user, what, ("checkboxes",))
        offered = choices(control.element)
        ticked = [choose(offered, option).raw for option in options]
        if control.only_typed:
            self._stage.interactions.type_in(where, control, ticked)
            return ClickResult(dismissed=True)
        extra = {"selected_options": ticked}
        return await self._stage.interactions.use(self.user, where, control, extra)

    async def shortcut(self, callback_id: str, *, looking_at: Channel | None = None) -> ClickResult:
        """Use a global shortcut; single-channel guests and strangers have none."""
        if self.user.foreign or self.user.ultra_guest:
            raise NotPossible(f"{self.name} has no shortcuts")
        return await self._stage.interactions.shortcut(self.user, callback_id, looking_at)

    async def message_shortcut(self, message: Message, callback_id: str) -> ClickResult:
        """Use a message shortcut; there is none on ephemeral messages, and none for strangers."""
        if self.user.foreign or message.ephemeral_to is not None or message.deleted:
            raise NotPossible(f"{self.name} has no shortcut on this message")
        return await self._stage.interactions.message_shortcut(self.user, message, callback_id)

    @property
    def view(self) -> View | None:
        """The modal that is open for this person."""
        return self._stage.views.top(self.user)

    @property
    def home(self) -> View | None:
        """The Home tab as published for this person."""
        return self._stage.views.home(self.user)

    async def open_home(self) -> None:
        """Look at the app's Home tab."""
        event = self._stage.events.home_opened(self.user, self.home)
        await self._stage.delivery.event(event)

    async def fill(self, values: Mapping[Named, Option]) -> None:
        """Fill in fields of the open modal, by label, action id or block id."""
        view = self._open_view()
        for what, value in values.items():
            control = find_control(view.blocks, self.user, what)
            if control.kind in MENUS:
                await self.pick(view, what, value)
            else:
                self._stage.interactions.type_in(view, control, str(value))

    async def fill_and_submit(self, values: Mapping[Named, Option]) -> SubmitResult:
        """Fill in the open modal and submit it; waits for the app's answer, as the client does."""
        await self.fill(values)
        view = self._open_view()
        check_form(view, self.user)
        return await self._stage.interactions.submit(self.user, view)

    async def close_view(self) -> None:
        """Close the open modal."""
        await self._stage.interactions.close(self.user, self._open_view())

    def sees(self, channel: Channel, thread: Thread = None) -> list[Message]:
        """The messages on this person's screen, ephemeral ones included."""
        if not channel.has(self.user):
            return []
        root = _root(thread)
        return [m for m in channel.messages if self._visible(m) and _placed(m, root)]

    def reload(self) -> None:
        """Restart the client: ephemeral messages do not survive it."""
        for message in self._stage.workspace.everything():
            if message.ephemeral_to is self.user:
                message.shown = False

    @property
    def notified(self) -> list[Message]:
        """The messages that notified this person by a mention."""
        return [n.message for n in self._stage.workspace.notices if n.user == self.id]

    def _visible(self, message: Message) -> bool:
        if message.deleted or not message.shown:
            return False
        return message.ephemeral_to in (None, self.user)

    def _may_write(self, channel: Channel) -> None:
        if channel.archived or not channel.has(self.user) or self.user.deactivated:
            raise NotPossible(f"{self.name} cannot write in #{channel.name}")

    def _must_own(self, message: Message) -> None:
        if message.author is not self.user or message.deleted:
            raise NotPossible(f"{self.name} cannot change this message")

    def _open_view(self) -> View:
        if self.view is None:
            raise NotPossible(f"no modal is open for {self.name}")
        return self.view


def _root(thread: Thread) -> str | None:
    return thread.root_ts if isinstance(thread, Message) else thread


def _placed(message: Message, root: str | None) -> bool:
    if root is None:
        return not message.is_reply or message.broadcast
    return root in (message.ts, message.thread_ts)


def _mentions_of(message: Message) -> set[str]:
    return {
        part["user_id"]
        for block in message.blocks or []
        for section in block.get("elements", [])
        for part in section.get("elements", [])
        if part.get("type") == "user"
    }
