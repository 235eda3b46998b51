"""What comes from Slack and is not taken: counted by cause, and told in the log now and then."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import structlog

from bot.clock import Clock, FarClock
from bot.metrics import Metrics
from bot.slack.api.directory import Workspace

TOLD_AGAIN = timedelta(minutes=1)
"""How often one cause is told in the log."""

log = structlog.get_logger(__name__)


class RefusalCause(StrEnum):
    """Why a request or an envelope was not taken, as the metric `slack_refused` has it."""

    WRONG_TYPE = "wrong_type"
    NOT_SIGNED = "not_signed"
    TOO_OLD = "too_old"
    TOO_NEW = "too_new"
    BAD_SIGNATURE = "bad_signature"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    UNREADABLE = "unreadable"
    OTHER_APP = "other_app"
    OTHER_WORKSPACE = "other_workspace"
    PERSON_TOO_OFTEN = "person_too_often"
    CHANNEL_TOO_OFTEN = "channel_too_often"


class Refusals:
    """Counts each, and tells each cause at most once a minute, with how often it came."""

    def __init__(self, metrics: Metrics, clock: FarClock | Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._untold: Counter[RefusalCause] = Counter()
        self._told: dict[RefusalCause, datetime] = {}

    def note(self, cause: RefusalCause, **details: object) -> None:
        """One more. `details` are of the bot's own words and numbers, never what was sent."""
        self._metrics.slack_refused.labels(cause).inc()
        self._untold[cause] += 1
        now = self._clock.now()
        if cause in self._told and now - self._told[cause] < TOLD_AGAIN:
            return
        self._told[cause] = now
        times = self._untold.pop(cause)
        log.warning("not taken from Slack", cause=cause.value, times=times, **details)

    def belongs_elsewhere(self, home: Workspace, body: Mapping[str, Any]) -> bool:
        """The same as the function of this name; what it finds is noted."""
        cause = belongs_elsewhere(body, home)
        if cause is not None:
            self.note(cause)
        return cause is not None


def belongs_elsewhere(body: Mapping[str, Any], home: Workspace) -> RefusalCause | None:
    """Is this of another app, or of another workspace in which this app is installed as well?

    What names neither is taken: the signature, or the socket, has proved that Slack sent it.
    """
    app = body.get("api_app_id")
    if app and home.app and app != home.app:
        return RefusalCause.OTHER_APP
    teams = set(_installed_in(body))
    if teams and home.team not in teams:
        return RefusalCause.OTHER_WORKSPACE
    return None


def _installed_in(body: Mapping[str, Any]) -> Iterable[str]:
    """The workspaces that an event, a command or an interaction is for.

    In a channel that two companies share, `team_id` may be the other company's; `authorizations` names
    the one that has installed this app.
    """
    listed = body.get("authorizations")
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, Mapping) and each.get("team_id"):
            yield str(each["team_id"])
    for part, key in (("team", "id"), ("view", "app_installed_team_id")):
        found = body.get(part)
        if isinstance(found, Mapping) and found.get(key):
            yield str(found[key])
    for key in ("team_id", "context_team_id"):
        if body.get(key):
            yield str(body[key])
