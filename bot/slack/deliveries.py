"""What Slack sent, as it is stored between the listener that keeps it and the dispatcher.

Each kind has a type here. A listener builds one, `fields` is what the store keeps of it beside its
`kind`, and `parse` reads that again, perhaps in another replica, of another release. Fixtures of
every kind are in `tests/store/documents/deliveries`.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, TypeAdapter, ValidationError

from bot.request import ParsedRequest
from bot.restore.events import Button
from bot.restore.thread import Stored, UserId, slack_order
from bot.slack.views.form_state import Field, FormRequest, FormState
from bot.store.documents import Unreadable, places
from bot.store.records import Delivery


def _whole(text: Any) -> Any:
    """The text without halves of surrogate pairs, which Slack may send and no model takes."""
    if isinstance(text, str):
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


Text = Annotated[str, BeforeValidator(_whole)]
"""What somebody typed."""


class FromPerson(Stored):
    """Who sent it, where, and how they are answered."""

    user: UserId
    channel: str
    """"" outside of any conversation, in the Home tab for instance."""
    thread: str | None = None
    response_url: str | None = None


class MessageReceived(FromPerson):
    """A message that may be meant for the bot. Of what was not said to it only the needed is kept."""

    kind: Literal["message"] = "message"
    ts: str
    bot_thread: bool
    """The thread was started by the bot."""
    typed: Text
    """The text as it was typed, mentions included, if it may be an answer or names a person."""
    plain: bool
    """Nothing in it that can never be part of a name."""
    spoken: Text
    """The text without the mention of the bot, if it is said to the bot."""
    addressed: bool
    """It mentions the bot, or is a direct message."""
    words: bool
    """Plain words are heard in this channel."""
    request: ParsedRequest | None = None
    """What it asks for, if the listener had to read it; deliveries stored before had no such field."""

    @property
    def at(self) -> datetime:
        """When it was written, to the second, by Slack's clock."""
        return datetime.fromtimestamp(slack_order(self.ts)[0], UTC)

    @property
    def only_in(self) -> tuple[str, str] | None:
        """The thread of people (channel, ts) in which it may be an answer, if it is nothing else."""
        other = self.addressed or self.request is not None or self.bot_thread
        return None if other or self.thread is None else (self.channel, self.thread)


class MessageDeleted(Stored):
    """A message of the bot was deleted."""

    kind: Literal["removed"] = "removed"
    channel: str
    thread: str
    ts: str


class ChannelIdChanged(Stored):
    """A channel has another id."""

    kind: Literal["moved"] = "moved"
    old: str
    channel: str


class ChannelLost(Stored):
    """A channel was archived, or the bot was removed from it."""

    kind: Literal["lost"] = "lost"
    channel: str


class HomeOpened(FromPerson):
    """Somebody looks at the Home tab; the channel is their direct message with the bot."""

    kind: Literal["home"] = "home"


class SlashCommand(FromPerson):
    """The slash command with its text."""

    kind: Literal["command"] = "command"
    text: Text
    trigger: str


class ButtonClicked(FromPerson):
    """A button or a picker of a card."""

    kind: Literal["click"] = "click"
    button: Button
    ref: str | None
    """The card, as `views.parse_value` reads it."""
    value: str | None
    """What was picked."""


class ModalOpened(FromPerson):
    """Somebody asks for the form. A shortcut of a message names its thread."""

    kind: Literal["form-open"] = "form-open"
    trigger: str


class ModalChanged(FromPerson):
    """Something was chosen in the form."""

    kind: Literal["form-choice"] = "form-choice"
    form: FormState
    changed: Field
    ts: str = ""
    """When; "" in what was stored before."""
    hash: str = ""
    """Slack's mark of how the form was drawn then; likewise."""


class ModalSubmitted(FromPerson):
    """The form was sent, and nothing was wrong with it."""

    kind: Literal["form-sent"] = "form-sent"
    request: FormRequest
    chosen: bool = False
    """The channel was chosen in the form, so that its person may be looking at another one."""


Prompt: TypeAlias = SlashCommand | ButtonClicked | ModalOpened | ModalSubmitted
"""What somebody wants now, and would not want any more if it came late."""
Received: TypeAlias = (
    MessageReceived
    | MessageDeleted
    | ChannelIdChanged
    | ChannelLost
    | HomeOpened
    | ModalChanged
    | Prompt
)

_RECEIVED: Final[TypeAdapter[Received]] = TypeAdapter(Annotated[Received, Discriminator("kind")])


def fields(received: Received) -> dict[str, Any]:
    """What is stored of it beside its kind."""
    return received.model_dump(mode="json", exclude={"kind"})


def parse(delivery: Delivery) -> Received:
    """A stored delivery. Raises Unreadable if its kind or a field is of another release."""
    try:
        return _RECEIVED.validate_python({**delivery.body, "kind": delivery.kind})
    except ValidationError as error:
        found = f"a delivery of kind {delivery.kind} does not load at {places(error)}"
        raise Unreadable(found) from None
