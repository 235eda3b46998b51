"""What somebody does on the page, done by the simulated Slack's own gestures.

Each gesture is what the tests do as well; one that the screen does not allow raises `NotPossible`.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from bot.playground.slack import NotPossible, Person
from bot.playground.slack.interactions import ClickResult, Result
from bot.playground.slack.surfaces import MENUS, Named, Surface, blocks_of, find_control
from bot.playground.slack.workspace import Channel, Message
from bot.playground.web.deeds import Deeds
from bot.playground.web.marks import Marks
from bot.playground.web.requests import Fields, Malformed
from bot.playground.web.scene import Scene

Json = dict[str, Any]

FAILED = {
    "operation_timeout": "The app did not answer within three seconds (operation_timeout).",
    "dispatch_failed": "The app could not be reached (dispatch_failed).",
}
NOT_SENT = "We had some trouble connecting. Try again?"
INPUTS = ("plain_text_input",)


class Gestures:
    """Does what the page asks for."""

    def __init__(self, scene: Scene, marks: Marks, deeds: Deeds) -> None:
        self._scene = scene
        self._slack = scene.world.slack
        self._marks = marks
        self._deeds = deeds
        self._typed: dict[tuple[str, int, Named], str] = {}
        """What each person typed last into each menu that searches."""
        self._kinds: dict[str, Callable[[Person, Fields], Awaitable[Json]]] = {
            "say": self._say,
            "slash": self._slash,
            "edit": self._edit,
            "delete": self._delete,
            "click": self._click,
            "options": self._options,
            "pick": self._pick,
            "tick": self._tick,
            "type": self._type,
            "submit": self._submit,
            "close": self._close,
            "home": self._home,
            "shortcut": self._shortcut,
            "message_shortcut": self._message_shortcut,
            "read": self._read,
        }

    async def do(self, fields: Fields) -> Json:
        """Make one gesture; what comes of it besides `ok`."""
        persona = self._scene.personas.get(fields.text("as"))
        if persona is None:
            raise Malformed(f"nobody is called {fields.text('as')!r}")
        kind = self._kinds.get(fields.text("do"))
        if kind is None:
            raise Malformed(f"there is no gesture {fields.text('do')!r}")
        return await kind(persona.person, fields)

    # Messages

    async def _say(self, person: Person, fields: Fields) -> Json:
        channel, text = self._channel(person, fields), _words(fields)
        thread = self._root(person, channel, fields)
        broadcast = fields.flag("broadcast", default=False)
        said = await person.say(channel, text, thread=thread, broadcast=broadcast)
        self._marks.read(person, channel, thread or "")
        self._deeds.by(person, f"said “{text}”", channel, said.root_ts)
        return {"ts": said.ts}

    async def _slash(self, person: Person, fields: Fields) -> Json:
        channel, line = self._channel(person, fields), _words(fields)
        self._deeds.by(person, f"typed {line}", channel)
        result = await person.slash(channel, line)
        await result.settled()
        if result.failure:
            return {"warning": f"Slack could not show the answer ({result.failure})."}
        return _warned(result) | ({"text": result.text} if result.text else {})

    async def _edit(self, person: Person, fields: Fields) -> Json:
        await person.edit(self._message(person, fields), _words(fields))
        return {}

    async def _delete(self, person: Person, fields: Fields) -> Json:
        await person.delete(self._message(person, fields))
        return {}

    # Controls

    async def _click(self, person: Person, fields: Fields) -> Json:
        surface, what = self._control(person, fields)
        label = find_control(blocks_of(surface), person.user, what).label
        self._deeds.on(surface, person, f"clicked [{label}]")
        return await _settled(await person.click(surface, what))

    async def _options(self, person: Person, fields: Fields) -> Json:
        surface, what = self._control(person, fields)
        typed = fields.text("typed")
        offered = await person.options(surface, what, typed)
        self._typed[person.id, id(surface), what] = typed
        return {"options": [_option(each.raw) for each in offered]}

    async def _pick(self, person: Person, fields: Fields) -> Json:
        surface, what = self._control(person, fields)
        control = find_control(blocks_of(surface), person.user, what, MENUS)
        value = chosen = fields.text("value")
        if control.kind == "users_select":
            user = self._slack.workspace.users.get(value)
            if user is None:
                raise NotPossible("there is nobody with this id")
            value = chosen = user.name
        typed = self._typed.get((person.id, id(surface), what), "")
        result = await person.pick(surface, what, value, typed=typed)
        self._deeds.on(surface, person, f"chose “{chosen}”")
        return await _settled(result)

    async def _tick(self, person: Person, fields: Fields) -> Json:
        surface, what = self._control(person, fields)
        values = fields.texts("values")
        result = await person.tick(surface, what, *values)
        self._deeds.on(surface, person, f"left {len(values)} boxes ticked")
        return await _settled(result)

    # Modals, the Home tab and shortcuts

    async def _type(self, person: Person, fields: Fields) -> Json:
        surface, what = self._control(person, fields)
        if surface is not person.view:
            raise NotPossible("only the open modal has fields to type in")
        find_control(blocks_of(surface), person.user, what, INPUTS)
        await person.fill({what: fields.text("text")})
        return {}

    async def _submit(self, person: Person, _: Fields) -> Json:
        result = await person.fill_and_submit({})
        if result.status != "ok":
            raise NotPossible(NOT_SENT)
        if not result.errors:
            self._deeds.by(person, "sent the form")
        return {"errors": result.errors} if result.errors else {}

    async def _close(self, person: Person, _: Fields) -> Json:
        await person.close_view()
        return {}

    async def _home(self, person: Person, _: Fields) -> Json:
        if person.user.foreign:
            raise NotPossible(f"{person.name} has no Home tab of this app")
        await person.open_home()
        return {}

    async def _shortcut(self, person: Person, fields: Fields) -> Json:
        looking_at = self._channel(person, fields) if fields.has("channel") else None
        self._deeds.by(person, "used the shortcut")
        result = await person.shortcut(fields.text("callback_id"), looking_at=looking_at)
        return await _settled(result)

    async def _message_shortcut(self, person: Person, fields: Fields) -> Json:
        message = self._message(person, fields)
        self._deeds.on(message, person, "used the shortcut of a message")
        result = await person.message_shortcut(message, fields.text("callback_id"))
        return await _settled(result)

    async def _read(self, person: Person, fields: Fields) -> Json:
        channel = self._channel(person, fields)
        self._marks.read(person, channel, fields.maybe("thread") or "")
        return {}

    # What is meant

    def _channel(self, person: Person, fields: Fields) -> Channel:
        """A conversation that this person is in; of others nobody learns whether they exist."""
        found = self._slack.workspace.channels.get(fields.text("channel"))
        if found is None or not found.has(person.user):
            raise NotPossible(f"{person.name} is in no conversation {fields.text('channel')!r}")
        return found

    def _message(self, person: Person, fields: Fields) -> Message:
        channel, ts = self._channel(person, fields), fields.text("ts")
        # An ephemeral message may have the ts of no other.
        for message in reversed(channel.messages):
            mine = message.shown and message.ephemeral_to in (None, person.user)
            if message.ts == ts and mine and not message.deleted:
                return message
        raise NotPossible("the message is gone")

    def _root(self, person: Person, channel: Channel, fields: Fields) -> str | None:
        thread = fields.maybe("thread")
        if thread is None:
            return None
        root = channel.find(thread)
        if root is None or root.is_reply:
            raise NotPossible(f"{person.name} sees no such thread")
        return thread

    def _control(self, person: Person, fields: Fields) -> tuple[Surface, Named]:
        surface = self._surface(person, fields.inner("surface"))
        return surface, (fields.text("block_id"), fields.text("action_id"))

    def _surface(self, person: Person, fields: Fields) -> Surface:
        if not fields.has("view"):
            return self._message(person, fields)
        for view in (person.view, person.home):
            if view is not None and view.id == fields.text("view"):
                return view
        raise NotPossible("it is not on the screen any more")


async def _settled(result: ClickResult) -> Json:
    """Wait for the app's ack, as the spinner of a button does."""
    return _warned(await result.settled())


def _warned(result: Result) -> Json:
    warning = FAILED.get(result.status)
    return {"warning": warning} if warning else {}


def _words(fields: Fields) -> str:
    text = fields.text("text")
    if not text.strip():
        raise NotPossible("an empty message is not sent")
    return text


def _option(raw: Json) -> Json:
    described = raw.get("description")
    more = {"description": described["text"]} if described else {}
    return {"text": raw["text"]["text"], "value": raw["value"], **more}
