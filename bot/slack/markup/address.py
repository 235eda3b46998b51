"""How the bot is called where Slack made no mention of it: its name or its command, typed as text.

People paste `@vm-restore restore ...`, write `vm-restore: restore ...`, and type `/vm-restore ...` in a
thread, where Slack takes no commands. What stands in quotes and in code is somebody else's words, and
the name in the middle of a sentence calls nobody.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from bot.slack.markup.message_text import Spoken


class HowCalled(Enum):
    """What calls the bot in a message."""

    NOTHING = auto()
    COLON = auto()
    """Its name and a colon. So people also write of it, in a list for instance."""
    MENTION = auto()
    """A mention, real or spelled out."""
    COMMAND = auto()
    """The slash command as text."""


@dataclass(frozen=True, slots=True)
class Called:
    """What was said to the bot, without what called it."""

    text: str
    how: HowCalled


_OTHERS = re.compile(r"```.*?(?:```|\Z)|(?m:^>[^\n]*)", re.DOTALL)
_WHOLE_CODE = re.compile(r"\s*(`{3}|`)\s*([^`]+?)\s*\1\s*")
_GREETINGS = "hi|hey|hello|ok|okay|please|thanks"


class BotNames:
    """The names that the bot is called by, and its command, such as `/vm-restore`."""

    def __init__(self, user: str, shown: str, command: str) -> None:
        """`user`: its name as Slack says it, "" if not; `shown`: the one in the manifest.

        Slack may write one without the marks of the other. Where the app has quite another name, the
        one in the manifest is perhaps that of another installation.
        """
        names = {shown, user or shown} if not user or alike(user, shown) else {user}
        one = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        at = rf"@(?:{one})(?![\w-]|\.\w)"
        spelled = re.escape(command)
        self._command = re.compile(rf"\s*{spelled}(?:\s+|\Z)", re.IGNORECASE)
        self._colon = re.compile(rf"^(?:{one})[:,](?=\s|\Z)", re.IGNORECASE | re.MULTILINE)
        # At the start of a line or of a sentence, or at the end of a line.
        self._mention = re.compile(
            rf"(?:^|[.!?:;,] )(?:(?:{_GREETINGS})[ ,]+){{0,2}}(?P<call>{at}[:,]?)|(?<=\s)(?P<last>{at})(?=[.!?]*$)",
            re.IGNORECASE | re.MULTILINE,
        )
        self._lead = re.compile(rf"\s*(?:{at}[:,]?|(?:{one}):|{spelled}(?=\s))\s*", re.IGNORECASE)

    def called(self, spoken: Spoken) -> Called:
        """Whether a message speaks to the bot, and its words without what says so."""
        text = spoken.text
        whole = _WHOLE_CODE.fullmatch(text) if spoken.mentioned else None
        if command := self._command.match(whole[2] if whole else text):
            said = whole[2] if whole else text
            return Called(said[command.end() :].strip(), HowCalled.COMMAND)
        own = _OTHERS.sub(lambda found: re.sub(r"[^\n]", "\0", found[0]), text)
        if mentions := list(self._mention.finditer(own)):
            for found in reversed(mentions):
                start, end = found.span("call" if found["call"] else "last")
                text = f"{text[:start]}{text[end:]}"
            return Called(text.strip(), HowCalled.MENTION)
        if spoken.mentioned:
            return Called(text, HowCalled.MENTION)
        if colon := self._colon.search(own):
            return Called(text[colon.end() :].strip(), HowCalled.COLON)
        return Called(text, HowCalled.NOTHING)

    def without(self, typed: str) -> str:
        """A typed answer without the call before it: no name of an object begins like one."""
        lead = self._lead.match(typed)
        return typed[lead.end() :] if lead else typed


def alike(one: str, other: str) -> bool:
    """Whether two names differ by marks and capitals alone: Slack leaves some out."""
    return _squeezed(one) == _squeezed(other)


def _squeezed(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum())
