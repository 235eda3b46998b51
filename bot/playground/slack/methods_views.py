"""Web API methods on modals and the Home tab: views.*."""

from typing import Any

from bot.playground.slack.api_call import Call, CallContext
from bot.playground.slack.posting import decoded
from bot.playground.slack.workspace import SlackRefusal

Json = dict[str, Any]


def _definition(call: Call) -> Any:
    call.need("view")
    return decoded(call.args["view"], "invalid_arguments")


def _trigger(call: Call) -> str:
    return str(call.args.get("interactivity_pointer") or call.text("trigger_id"))


def open_view(context: CallContext, call: Call) -> Json:
    """views.open."""
    return {"view": context.views.show(context.views.open(_trigger(call), _definition(call)))}


def push(context: CallContext, call: Call) -> Json:
    """views.push."""
    return {"view": context.views.show(context.views.push(_trigger(call), _definition(call)))}


def update(context: CallContext, call: Call) -> Json:
    """views.update."""
    view = context.views.find(call.args.get("view_id"), call.args.get("external_id"))
    known = call.args.get("hash")
    return {"view": context.views.show(context.views.update(view, _definition(call), known))}


def publish(context: CallContext, call: Call) -> Json:
    """views.publish."""
    user = context.workspace.users.get(call.text("user_id"))
    if user is None or user.deactivated:
        raise SlackRefusal("invalid_arguments")
    view = context.views.publish(user, _definition(call), call.args.get("hash"))
    absent = ("title", "app_installed_team_id")  # in events they are there
    shown = context.views.show(view).items()
    return {"view": {key: value for key, value in shown if key not in absent}}
