"""Who somebody is and what kind of place a channel is, as Slack says right now.

Answers are kept for a minute, since one restore asks several times; before an act they are
asked for with `fresh`. When Slack does not answer the error goes up: nobody is allowed anything on a guess.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock
from bot.errors import Permanent
from bot.restore.policy import Conversation, Person
from bot.restore.thread import UserId
from bot.slack.api.client import SlackApi, TokenRefused
from bot.slack.api.error_codes import UNKNOWN_GROUP, UNKNOWN_USER, SlackCode

KEPT = timedelta(seconds=60)
MAX_KEPT = 2000
PAGE = 1000
MAX_PAGES = 5
"""So many pages of a conversation's members are read."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace that installed the bot, and the bot in it."""

    team: str
    bot_user: str
    bot_id: str
    enterprise: str | None = None
    name: str = ""
    """What the bot is called after the @; "" if Slack does not say."""


async def workspace(web: SlackApi) -> Workspace:
    """Ask Slack who we are. Raises Permanent if the token does not work."""
    try:
        said = await web.call("auth.test")
    except TokenRefused as refused:
        raise Permanent(refused.code) from refused
    return Workspace(
        team=said["team_id"],
        bot_user=said["user_id"],
        bot_id=said["bot_id"],
        enterprise=said.get("enterprise_id"),
        name=str(said.get("user") or ""),
    )


@dataclass(frozen=True, slots=True)
class ConversationInfo:
    """A conversation. `member` is False where the bot cannot write; nobody joins a `private` one."""

    spot: Conversation
    member: bool
    private: bool = False

    @classmethod
    def direct(cls, channel: str = "") -> "ConversationInfo":
        """A direct message with the bot, of which Slack need not be asked.

        Without a channel it is yet to be opened: grants for a channel do not hold there.
        """
        return cls(Conversation(channel), member=True)


class Directory:
    """Reads people, their user groups and channels from Slack."""

    def __init__(
        self, web: SlackApi, home: Workspace, groups: frozenset[str], clock: Clock
    ) -> None:
        self._web = web
        self._home = home
        self._groups = groups
        self._clock = clock
        self._kept: dict[str, tuple[datetime, Mapping[str, Any]]] = {}

    async def person(self, user: UserId, *, fresh: bool = False) -> Person:
        """Who this is. A user whom Slack does not know is nobody's member.

        Raises Temporary when Slack does not answer.
        """
        try:
            found = await self._ask("users.info", fresh, user=user)
        except Permanent as refused:
            if refused.reason not in UNKNOWN_USER:
                raise
            return Person(id=user)
        return self._parsed(user, found["user"], await self._groups_of(user, fresh=fresh))

    async def room(self, channel: str, *, fresh: bool = False) -> ConversationInfo:
        """What kind of conversation this is; an unknown one is one where the bot cannot write.

        Raises Temporary when Slack does not answer.
        """
        try:
            found = (await self._ask("conversations.info", fresh, channel=channel))["channel"]
        except Permanent as refused:
            if refused.reason != SlackCode.CHANNEL_NOT_FOUND:
                raise
            return ConversationInfo(Conversation(channel), member=False)
        shared = bool(found.get("is_ext_shared") or found.get("is_pending_ext_shared"))
        direct = bool(found.get("is_im"))
        writable = (direct or bool(found.get("is_member"))) and not found.get("is_archived")
        private = bool(found.get("is_private"))
        return ConversationInfo(
            Conversation(channel, shared=shared), member=writable, private=private
        )

    async def is_member(self, user: UserId, channel: str) -> bool:
        """Is this person in the conversation? Nobody reads through a crowd: then it is not known.

        Raises Temporary when Slack does not answer, and Permanent when it does not say.
        """
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await self._web.call(
                "conversations.members", channel=channel, limit=PAGE, cursor=cursor
            )
            if user in page["members"]:
                return True
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
            if cursor is None:
                return False
        raise Permanent("too_many_members", "the conversation has too many members to be read")

    async def _groups_of(self, user: UserId, *, fresh: bool) -> frozenset[str]:
        """Which of the groups that the policy names this user is in. An unknown group is empty."""
        inside = set()
        for group in sorted(self._groups):
            try:
                listed = await self._ask("usergroups.users.list", fresh, usergroup=group)
            except Permanent as refused:
                if refused.reason not in UNKNOWN_GROUP:
                    raise
                continue
            if user in listed["users"]:
                inside.add(group)
        return frozenset(inside)

    def _parsed(self, user: UserId, said: Mapping[str, Any], groups: frozenset[str]) -> Person:
        org = said.get("enterprise_user") or {}
        teams = {said.get("team_id"), *org.get("teams", ())}
        home = self._home.team in teams and not said.get("is_stranger")
        return Person(
            id=user,
            home=home,
            bot=bool(said.get("is_bot")) or user == "USLACKBOT",
            guest=bool(said.get("is_restricted") or said.get("is_ultra_restricted")),
            deactivated=bool(said.get("deleted")),
            groups=groups,
        )

    async def _ask(self, method: str, fresh: bool, **arguments: str) -> Mapping[str, Any]:  # noqa: FBT001 - private
        key = f"{method} {sorted(arguments.items())}"
        kept = self._kept.get(key)
        now = self._clock.now()
        if kept is not None and not fresh and now - kept[0] < KEPT:
            return kept[1]
        answer = await self._web.call(method, **arguments)
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[key] = (now, answer)
        return answer
