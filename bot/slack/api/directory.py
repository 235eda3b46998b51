"""Who somebody is and what kind of place a channel is, as Slack says right now.

Answers are kept for a minute, since one restore asks several times; before an act they are
asked for with `fresh`. When Slack does not answer the error goes up: nobody is allowed anything on a guess.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from bot.clock import Clock
from bot.errors import Permanent, Temporary
from bot.restore.policy import Conversation, Person
from bot.restore.thread import UserId
from bot.slack.api.client import SlackApi, TokenRefused
from bot.slack.api.error_codes import UNKNOWN_GROUP, UNKNOWN_USER, SlackCode

KEPT = timedelta(seconds=60)
MAX_KEPT = 2000
PAGE = 999
"""Slack's largest page."""
MAX_PAGES = 5
"""So many pages of somebody's conversations are read."""
ONE_READING = timedelta(minutes=5)
"""What was read of somebody's groups for so long counts as read at the end."""
ORG_WIDE = "org_wide_installation"
GROUP_USERS = "usergroups.users.list"
_URL = re.compile(r"https://[A-Za-z0-9.-]{1,200}/")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace that installed the bot, and the bot in it."""

    team: str
    bot_user: str
    bot_id: str
    enterprise: str | None = None
    name: str = ""
    """What the bot is called after the @; "" if Slack does not say."""
    app: str | None = None
    """The app's id; None if Slack does not say."""
    url: str = ""
    """Where links into it begin, with a slash at the end; "" if Slack says nothing of that form."""


async def workspace(web: SlackApi) -> Workspace:
    """Ask Slack who we are. Raises Permanent if the token does not work, or is an organisation's."""
    try:
        said = await web.call("auth.test")
    except TokenRefused as refused:
        raise Permanent(refused.code) from refused
    if is_org_wide(said):
        raise Permanent(ORG_WIDE, "the app is installed for a whole organisation")
    return Workspace(
        team=said["team_id"],
        bot_user=said["user_id"],
        bot_id=said["bot_id"],
        enterprise=said.get("enterprise_id"),
        name=str(said.get("user") or ""),
        app=said.get("app_id"),
        url=url if _URL.fullmatch(url := str(said.get("url") or "")) else "",
    )


def is_org_wide(said: Mapping[str, Any]) -> bool:
    """Is the token whose auth.test said this an organisation's, and not a workspace's?"""
    return bool(said.get("is_enterprise_install")) or str(said["team_id"]).startswith("E")


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

    def __init__(self, web: SlackApi, home: Workspace, clock: Clock) -> None:
        self._web = web
        self._home = home
        self._clock = clock
        self._kept: dict[str, tuple[datetime, Mapping[str, Any] | Permanent]] = {}
        self._unfinished: dict[tuple[UserId, tuple[str, ...]], datetime] = {}
        """Since when the groups of somebody are being read that Slack has not told in one go."""
        self._turned: dict[tuple[UserId, str], str | None] = {}
        """How far the conversations of somebody were read, in search of one."""
        self._closed: dict[str, datetime] = {}
        """Until when Slack wants no calls of a method."""

    async def person(self, user: UserId, *, fresh: bool = False) -> Person:
        """Who this is, their groups aside. A user whom Slack does not know is nobody's member.

        Raises Temporary when Slack does not answer.
        """
        try:
            found = await self._ask("users.info", self._since(fresh=fresh), user=user)
        except Permanent as refused:
            if refused.reason not in UNKNOWN_USER:
                raise
            return Person(id=user)
        return self._parsed(user, found["user"])

    def known_name(self, user: UserId) -> str:
        """What they were called when Slack was last asked about them; "" if it was not."""
        kept = self._kept.get(_key("users.info", {"user": user}))
        said = {} if kept is None or isinstance(kept[1], Permanent) else kept[1]["user"]
        profile = said.get("profile")
        more = profile if isinstance(profile, Mapping) else {}
        found = (said.get("real_name"), more.get("real_name"), said.get("name"))
        return next((name for name in found if isinstance(name, str) and name.strip()), "")

    async def in_groups(
        self,
        person: Person,
        groups: Collection[str],
        *,
        fresh: bool = False,
        enough: Callable[[Person], bool] = lambda _: False,
    ) -> Person:
        """The same person, and which of these groups they are in; asked one by one until `enough`.

        Raises Temporary when Slack does not answer. What was read before that counts when it is asked
        again within five minutes, as if it was read now: Slack may have to be asked for longer than
        it lets itself be asked in one go. For what need not be `fresh` they count as long, too, while Slack
        limits the reading. An unknown group is empty; one that Slack refuses to tell of
        is in `unread`.
        """
        key = person.id, tuple(groups)
        begun = self._unfinished.pop(key, None)
        now, since = self._clock.now(), self._since(fresh=fresh)
        if since is not None and now - self._closed.get(GROUP_USERS, _LONG_AGO) < ONE_READING:
            since = now - ONE_READING
        if begun is not None and now - begun < ONE_READING:
            since = begun if since is None else min(begun, since)
        for group in (each for each in groups if each not in person.groups | person.unread):
            try:
                listed = await self._ask(GROUP_USERS, since, usergroup=group)
            except Permanent as refused:
                if refused.reason not in UNKNOWN_GROUP:
                    log.warning("a user group cannot be read", group=group, code=refused.reason)
                    person = replace(person, unread=person.unread | {group})
                continue
            except Temporary:
                self._unfinished[key] = begun or now - timedelta(microseconds=1)
                raise
            if person.id in listed["users"]:
                person = replace(person, groups=person.groups | {group})
                if enough(person):
                    break
        return person

    async def room(self, channel: str, *, fresh: bool = False) -> ConversationInfo:
        """What kind of conversation this is; an unknown one is one where the bot cannot write.

        Raises Temporary when Slack does not answer.
        """
        try:
            found = (
                await self._ask("conversations.info", self._since(fresh=fresh), channel=channel)
            )["channel"]
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
        """Is this person in the conversation? In a big one the person is looked up, not the list.

        Raises Temporary when Slack does not answer, and Permanent when it does not say.
        """
        page = await self._answer("conversations.members", channel=channel, limit=PAGE)
        if user in page["members"] or _cursor(page) is None:
            return user in page["members"]
        key = user, channel
        cursor = self._turned.pop(key, None)
        for _ in range(MAX_PAGES):
            try:
                page = await self._answer(
                    "users.conversations",
                    user=user,
                    types="public_channel,private_channel,mpim",
                    exclude_archived=True,
                    limit=PAGE,
                    cursor=cursor,
                )
            except Temporary:
                self._turned[key] = cursor
                raise
            if any(each["id"] == channel for each in page["channels"]):
                return True
            cursor = _cursor(page)
            if cursor is None:
                return False
        raise Permanent("too_many_conversations", "somebody is in too many conversations to say")

    def _parsed(self, user: UserId, said: Mapping[str, Any]) -> Person:
        org = said.get("enterprise_user") or {}
        teams = {said.get("team_id"), *org.get("teams", ())}
        home = self._home.team in teams and not said.get("is_stranger")
        return Person(
            id=user,
            home=home,
            bot=bool(said.get("is_bot")) or user == "USLACKBOT",
            guest=bool(said.get("is_restricted") or said.get("is_ultra_restricted")),
            deactivated=bool(said.get("deleted")),
        )

    def _since(self, *, fresh: bool) -> datetime | None:
        """Since when an answer counts; None: no old one does."""
        return None if fresh else self._clock.now() - KEPT

    async def _ask(
        self, method: str, since: datetime | None, **arguments: str
    ) -> Mapping[str, Any]:
        """Slack's answer, or one that it gave after `since`. Raises what Slack raised then."""
        key = _key(method, arguments)
        kept = self._kept.get(key)
        if kept is None or since is None or kept[0] <= since:
            try:
                found: Mapping[str, Any] | Permanent = await self._answer(method, **arguments)
            except Permanent as refused:
                if method != GROUP_USERS:  # else the next one asks again: it may be allowed by then
                    raise
                found = refused
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            kept = self._kept[key] = self._clock.now(), found
        if isinstance(kept[1], Permanent):
            raise Permanent(kept[1].reason, kept[1].text)
        return kept[1]

    async def _answer(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        """One call, which is not made while Slack wants none of this method."""
        left = (self._closed.get(method, _LONG_AGO) - self._clock.now()).total_seconds()
        if left > 0:
            raise Temporary(f"Slack asks to slow down ({method})", retry_after=left)
        try:
            return await self._web.call(method, **arguments)
        except Temporary as away:
            if away.retry_after is not None:
                pause = timedelta(seconds=away.retry_after)
                self._closed[method] = self._clock.now() + pause
            raise


def _key(method: str, arguments: Mapping[str, str]) -> str:
    return f"{method} {sorted(arguments.items())}"


def _cursor(page: Mapping[str, Any]) -> str | None:
    return (page.get("response_metadata") or {}).get("next_cursor") or None
