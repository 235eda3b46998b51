"""What may stand inside a block: text objects, options, confirm dialogs, elements, rich text.

The limits are Slack's, as tables of rules.
"""

from collections.abc import Mapping

from bot.playground.slack.schema import (
    Rule,
    anything,
    array,
    boolean,
    exactly_one_of,
    integer,
    record,
    some_of,
    string,
    variant,
    word,
)

ID = string(255)
URL = string(3000, 1)
FLAGS: Mapping[str, Rule] = {"focus_on_load": boolean}


def _typed(kind: str, required: Mapping[str, Rule], optional: Mapping[str, Rule]) -> Rule:
    return record({"type": word(kind), **required}, optional)


def plain(most: int) -> Rule:
    """A plain_text object."""
    shape = _typed("plain_text", {"text": string(most, 1)}, {"emoji": boolean})
    return variant({"plain_text": shape}, "text type")


def text(most: int) -> Rule:
    """A text object of either kind."""
    return variant(
        {
            "plain_text": _typed("plain_text", {"text": string(most, 1)}, {"emoji": boolean}),
            "mrkdwn": _typed("mrkdwn", {"text": string(most, 1)}, {"verbatim": boolean}),
        },
        "text type",
    )


CONFIRM = record(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": word("primary", "danger")},
)


def _option(label: Rule) -> Rule:
    required = {"text": label, "value": string(150, 1)}
    return record(required, {"description": text(75), "url": URL})


OPTION = _option(plain(75))
RICH_OPTION = _option(text(75))
OPTION_GROUP = record({"label": plain(75), "options": array(OPTION, 100, 1)}, {})
DISPATCH = record(
    {"trigger_actions_on": array(word("on_enter_pressed", "on_character_entered"), 2, 1)}, {}
)

_CONVERSATIONS = record(
    {},
    {
        "include": array(word("im", "mpim", "private", "public"), 4, 1),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)
_CHOICE = {"action_id": ID, "placeholder": plain(150), "confirm": CONFIRM, **FLAGS}
_MULTI = {**_CHOICE, "max_selected_items": integer(1, 1_000_000)}
_OPTIONS = {"options": array(OPTION, 100, 1), "option_groups": array(OPTION_GROUP, 100, 1)}
_TYPED = {"action_id": ID, "placeholder": plain(150), "dispatch_action_config": DISPATCH, **FLAGS}


def _static(kind: str, optional: Mapping[str, Rule]) -> Rule:
    shape = _typed(kind, {}, {**_OPTIONS, **optional})
    one = exactly_one_of("options", "option_groups")
    return lambda value, at: (p for rule in (shape, one) for p in rule(value, at))


def _button() -> Rule:
    return _typed(
        "button",
        {"text": plain(75)},
        {
            "action_id": ID,
            "url": URL,
            "value": string(2000),
            "style": word("primary", "danger"),
            "confirm": CONFIRM,
            "accessibility_label": string(75),
            "agent_prompt": string(4000),
            "agent_prompt_display": anything,
            "visible_to_user_ids": array(string(255, 1), 100),
        },
    )


BUTTON = _button()
IMAGE_ELEMENT = _typed(
    "image", {"alt_text": string(2000)}, {"image_url": URL, "slack_file": anything}
)

SELECTS: Mapping[str, Rule] = {
    "static_select": _static("static_select", {**_CHOICE, "initial_option": OPTION}),
    "external_select": _typed(
        "external_select",
        {},
        {**_CHOICE, "initial_option": OPTION, "min_query_length": integer(0, 150)},
    ),
    "users_select": _typed("users_select", {}, {**_CHOICE, "initial_user": ID}),
    "conversations_select": _typed(
        "conversations_select",
        {},
        {
            **_CHOICE,
            "initial_conversation": ID,
            "default_to_current_conversation": boolean,
            "response_url_enabled": boolean,
            "filter": _CONVERSATIONS,
        },
    ),
    "channels_select": _typed(
        "channels_select", {}, {**_CHOICE, "initial_channel": ID, "response_url_enabled": boolean}
    ),
}
MULTI_SELECTS: Mapping[str, Rule] = {
    "multi_static_select": _static(
        "multi_static_select", {**_MULTI, "initial_options": array(OPTION, 100)}
    ),
    "multi_external_select": _typed(
        "multi_external_select",
        {},
        {**_MULTI, "initial_options": array(OPTION, 100), "min_query_length": integer(0, 150)},
    ),
    "multi_users_select": _typed(
        "multi_users_select", {}, {**_MULTI, "initial_users": array(ID, 100)}
    ),
}
CHOICES: Mapping[str, Rule] = {
    "overflow": _typed(
        "overflow",
        {"options": array(OPTION, 5, 1)},
        {"action_id": ID, "confirm": CONFIRM},
    ),
    "radio_buttons": _typed(
        "radio_buttons",
        {"options": array(RICH_OPTION, 10, 1)},
        {"action_id": ID, "initial_option": RICH_OPTION, "confirm": CONFIRM, **FLAGS},
    ),
    "checkboxes": _typed(
        "checkboxes",
        {"options": array(RICH_OPTION, 10, 1)},
        {
            "action_id": ID,
            "initial_options": array(RICH_OPTION, 10, 1),
            "confirm": CONFIRM,
            **FLAGS,
        },
    ),
    "datepicker": _typed("datepicker", {}, {**_CHOICE, "initial_date": string(10, 10)}),
    "timepicker": _typed(
        "timepicker", {}, {**_CHOICE, "initial_time": string(5, 5), "timezone": string(100)}
    ),
}
TYPED_INPUTS: Mapping[str, Rule] = {
    "plain_text_input": _typed(
        "plain_text_input",
        {},
        {
            **_TYPED,
            "initial_value": string(3000),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
    ),
    "number_input": _typed(
        "number_input",
        {"is_decimal_allowed": boolean},
        {**_TYPED, "initial_value": anything, "min_value": anything, "max_value": anything},
    ),
    "email_text_input": _typed("email_text_input", {}, {**_TYPED, "initial_value": string(3000)}),
    "url_text_input": _typed("url_text_input", {}, {**_TYPED, "initial_value": string(3000)}),
}

ACCESSORY = variant(
    {"button": BUTTON, "image": IMAGE_ELEMENT, **SELECTS, **MULTI_SELECTS, **CHOICES}, "element"
)
ACTION = variant({"button": BUTTON, **SELECTS, **CHOICES}, "element")
INPUT_CHOICES = {name: rule for name, rule in CHOICES.items() if name != "overflow"}
INPUT = variant({**SELECTS, **MULTI_SELECTS, **INPUT_CHOICES, **TYPED_INPUTS}, "element")
CONTEXT_ELEMENT = variant(
    {
        "image": IMAGE_ELEMENT,
        "plain_text": _typed("plain_text", {"text": string(3000, 1)}, {"emoji": boolean}),
        "mrkdwn": _typed("mrkdwn", {"text": string(3000, 1)}, {"verbatim": boolean}),
    },
    "element",
)

CONTEXT_ACTION = variant(
    {
        "feedback_buttons": _typed(
            "feedback_buttons",
            {"positive_button": anything, "negative_button": anything},
            {"action_id": ID},
        ),
        "icon_button": _typed(
            "icon_button",
            {"icon": string(255, 1), "text": plain(75)},
            {
                "action_id": ID,
                "value": string(2000),
                "confirm": CONFIRM,
                "accessibility_label": string(75),
                "visible_to_user_ids": array(string(255, 1), 100),
            },
        ),
    },
    "element",
)

_STYLE = record({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline"), boolean))
_INLINE = variant(
    {
        "text": _typed("text", {"text": string(40_000, 1)}, {"style": _STYLE}),
        "link": _typed(
            "link", {"url": URL}, {"text": string(40_000), "style": _STYLE, "unsafe": boolean}
        ),
        "user": _typed("user", {"user_id": string(255, 1)}, {"style": _STYLE}),
        "usergroup": _typed("usergroup", {"usergroup_id": string(255, 1)}, {"style": _STYLE}),
        "channel": _typed("channel", {"channel_id": string(255, 1)}, {"style": _STYLE}),
        "broadcast": _typed("broadcast", {"range": word("here", "channel", "everyone")}, {}),
        "emoji": _typed(
            "emoji",
            {"name": string(255, 1)},
            {"unicode": string(255), "skin_tone": integer(1, 6), "style": _STYLE},
        ),
        "date": _typed(
            "date",
            {"timestamp": integer(0, 99_999_999_999), "format": string(255, 1)},
            {"url": URL, "fallback": string(3000), "style": _STYLE},
        ),
        "color": _typed("color", {"value": string(7, 1)}, {"style": _STYLE}),
    },
    "element",
)
_SECTION = _typed("rich_text_section", {"elements": array(_INLINE, 1000)}, {})
RICH_TEXT = variant(
    {
        "rich_text_section": _SECTION,
        "rich_text_preformatted": _typed(
            "rich_text_preformatted",
            {"elements": array(_INLINE, 1000)},
            {"border": integer(0, 1), "language": string(50)},
        ),
        "rich_text_quote": _typed(
            "rich_text_quote", {"elements": array(_INLINE, 1000)}, {"border": integer(0, 1)}
        ),
        "rich_text_list": _typed(
            "rich_text_list",
            {
                "style": word("bullet", "ordered"),
                "elements": array(variant({"rich_text_section": _SECTION}, "element"), 1000),
            },
            {"indent": integer(0, 8), "offset": integer(0, 10_000), "border": integer(0, 1)},
        ),
    },
    "element",
)
HAS_TEXT_OR_FIELDS = some_of("text", "fields")
