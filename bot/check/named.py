"""What the settings name in Slack: is it there, and may the bot read it and write to it?"""

from collections.abc import Iterable

from bot.check.rows import CheckRow, Grade
from bot.errors import Permanent, Temporary
from bot.settings import Settings
from bot.slack.api.client import SlackApi


async def look(web: SlackApi, settings: Settings) -> list[CheckRow]:
    """A row for each channel, user group and person that is not there, or that the bot cannot use."""
    access, report = settings.access, settings.report.channel
    rows = []
    written = {} if report is None else {report: "report.channel"}
    channels = dict.fromkeys(
        [channel for grant in access.grants for channel in grant.channels], "access.grants"
    )
    channels |= dict.fromkeys(settings.listen.channels, "listen.channels") | written
    for channel, where in channels.items():
        rows += await _channel(web, channel, where)
    groups = _each([*(g for each in access.grants for g in each.groups), *access.on_call.groups])
    rows += await _groups(web, groups) if groups else []
    for user in _each([*(u for each in access.grants for u in each.users), *access.on_call.users]):
        rows += await _user(web, user)
    return rows


def _each(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


async def _channel(web: SlackApi, channel: str, where: str) -> list[CheckRow]:
    fix = f"correct `{where}`, or invite the bot into the channel"
    try:
        found = (await web.call("conversations.info", channel=channel))["channel"]
    except Permanent as refused:
        why = f"channel {channel} of `{where}` cannot be read ({refused.reason})"
        return [CheckRow("slack", Grade.FAIL, why, fix)]
    except Temporary as away:
        return [_unknown(f"channel {channel}", away)]
    if found.get("is_archived"):
        why = f"channel {channel} of `{where}` is archived"
        return [CheckRow("slack", Grade.FAIL, why, f"correct `{where}`")]
    if not found.get("is_member") and not found.get("is_im"):
        why = f"the bot is not in channel {channel} of `{where}`"
        return [CheckRow("slack", Grade.FAIL, why, "invite the bot into the channel")]
    return []


async def _groups(web: SlackApi, groups: list[str]) -> list[CheckRow]:
    try:
        said = await web.call("usergroups.list", include_disabled=True)
    except Permanent as refused:
        why = f"the user groups cannot be read ({refused.reason})"
        fix = "give the app the scope usergroups:read"
        return [CheckRow("slack", Grade.FAIL, why, fix)]
    except Temporary as away:
        return [_unknown("the user groups", away)]
    there = {each["id"]: each for each in said["usergroups"]}
    rows = []
    for group in groups:
        found = there.get(group)
        state = (
            "is not there" if found is None else "is disabled" if found.get("date_delete") else ""
        )
        if state:
            why = f"user group {group} of `access` {state}, so it lets nobody restore"
            rows.append(CheckRow("slack", Grade.FAIL, why, "correct its id in `access`"))
    return rows


async def _user(web: SlackApi, user: str) -> list[CheckRow]:
    fix = "correct the id in `access`"
    try:
        found = (await web.call("users.info", user=user))["user"]
    except Permanent as refused:
        why = f"person {user} of `access` cannot be read ({refused.reason})"
        return [CheckRow("slack", Grade.FAIL, why, fix)]
    except Temporary as away:
        return [_unknown(f"person {user}", away)]
    if found.get("deleted"):
        return [CheckRow("slack", Grade.WARN, f"person {user} of `access` is deactivated", fix)]
    return []


def _unknown(what: str, away: Temporary) -> CheckRow:
    return CheckRow("slack", Grade.WARN, f"unknown: {what} ({away.what})", "try again later")
