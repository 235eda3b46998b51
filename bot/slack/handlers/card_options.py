"""What a picker offers: names from the cluster, only those that the asker may restore.

The catalogs come in as read-only callables; nothing here can act. An option's value holds at most
150 letters while a Kubernetes name may have 253, so a longer name travels as a digest and is looked
up again when it comes back.
"""

from collections.abc import Mapping
from typing import Any

from slack_sdk.models.blocks import Option

from bot.restore.events import Button, button_named
from bot.restore.model import Restore
from bot.slack import views
from bot.slack.context import SlackContext
from bot.slack.markup.mrkdwn import shortened
from bot.slack.views.form_state import MAX_VALUE, digest

MAX_OPTIONS = 100
MAX_LABEL = 75


class Pickers:
    """Answers Slack's block_suggestion requests."""

    def __init__(self, context: SlackContext) -> None:
        self._store = context.store
        self._authorizer = context.authorizer
        self._names = context.names

    async def options(self, payload: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Option objects for what was typed so far; none for anybody but the owner."""
        ref = views.parse_value(str(payload.get("block_id") or ""))
        record = await self._store.load(ref[0]) if ref else None
        button = button_named(str(payload.get("action_id", "")).removeprefix(views.PREFIX))
        if record is None or button is None:
            return []
        restore = record.restore
        if payload["user"]["id"] != restore.owner:
            return []
        names = await self._candidates(restore, button)
        typed = str(payload.get("value") or "").strip().lower()
        if not typed and button is Button.PICK_SNAPSHOT:
            names = described(restore.request.described, names)
        fitting = [name for name in names if typed in name]
        return [_option(name) for name in fitting[:MAX_OPTIONS]]

    async def resolve(self, restore: Restore, button: Button, value: str) -> str | None:
        """The name behind an option's value."""
        if not value.startswith("#"):
            return value
        names = await self._candidates(restore, button)
        return next((name for name in names if option_value(name) == value), None)

    async def _candidates(self, restore: Restore, button: Button) -> list[str]:
        """Names that fit the question, only where the owner may restore."""
        request, vm_ref = restore.request, restore.request.vm_ref
        names = self._names.get(request.cluster)
        if names is None:
            return []
        asker = await self._authorizer.asker(restore.owner, restore.thread_ref.channel)
        permitted = asker.permitted(request.cluster)
        match button:
            case Button.PICK_VM:
                vms = await names.vms(permitted)
                return sorted({vm for ns, vm in vms if request.namespace in (None, ns)})
            case Button.PICK_NAMESPACE:
                vms = await names.vms(permitted)
                return sorted({ns for ns, vm in vms if request.vm in (None, vm)})
            case Button.PICK_SNAPSHOT if vm_ref is not None:
                if not asker.may_restore(request.cluster, vm_ref.namespace).allowed:
                    return []
                found = await names.snapshots(vm_ref.namespace, vm_ref.vm)
                return [each.name for each in sorted(found, key=lambda each: not each.usable)]
            case _:
                return []


def described(words: str | None, names: list[str]) -> list[str]:
    """The names that fit a description ("pre-upgrade"), or all of them if none does."""
    fitting = [name for name in names if (words or "").lower() in name]
    return fitting or names


def _option(name: str) -> dict[str, Any]:
    label = Option(label=shortened(name, MAX_LABEL), value=option_value(name))
    return label.to_dict()


def option_value(name: str) -> str:
    """What an option carries for a name."""
    if len(name) <= MAX_VALUE:
        return name
    return digest(name)
