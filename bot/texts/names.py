"""What this installation is called in Slack. Texts have the gap {slash} for its command, filled from here.

Several installations in one workspace have a command each, as the settings say. The names are those of the running
bot: `use` is called once, at its start, and counts for the tasks that are started after it. They change what is
said, never what is done.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class AppNames:
    """The names of the Slack app."""

    command: str = "/vm-restore"
    """Its slash command: letters, digits, dashes and underscores behind the slash, so it needs no escaping."""
    app: str = "VM Restore"
    """How Slack's lists call the app."""

    @property
    def bot(self) -> str:
        """By which people mention the bot: the command without its slash."""
        return self.command.removeprefix("/")


DEFAULT: Final = AppNames()
_used: ContextVar[AppNames] = ContextVar("app_names", default=DEFAULT)


def use(names: AppNames) -> None:
    """What is said from here on has these names."""
    _used.set(names)


def used() -> AppNames:
    """The names in use."""
    return _used.get()


def worded(text: str, /, **values: object) -> str:
    """A text with its gaps filled, {slash} by the command; the values are not made safe."""
    return text.format(slash=used().command, **values)
