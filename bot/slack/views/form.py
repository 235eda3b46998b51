"""How the form looks: pickers for everything that a restore is asked with. Pure.

It is drawn from what is chosen (see form_state.py), so drawing it again changes nothing else. A block
keeps its id, and Slack what is on the screen in it, as long as nothing that it depends on changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    ConversationFilter,
    ConversationSelectElement,
    ExternalDataSelectElement,
    InputBlock,
    InputInteractiveElement,
    Option,
    PlainTextObject,
    SectionBlock,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot.restore.observation import Snapshot
from bot.restore.preview import consistency, partly
from bot.slack.markup.mrkdwn import ago, shortened
from bot.slack.views.form_state import (
    MAX_TEXT,
    Choice,
    Field,
    FormConversation,
    Selection,
    metadata,
    state_of,
)
from bot.texts import form as texts

FORM = "vmr:form"
"""The callback id under which the form comes back."""
OPEN_FORM = "vmr:open-form"
"""The action id of a button, in a Home tab for instance, that opens the form."""

MAX_OPTIONS = 100


def form(at: FormConversation, clusters: Sequence[str], chosen: Selection) -> dict[str, Any]:
    """The form. It asks for the cluster if there is a choice, and where to go if that is not known."""
    blocks: list[Block] = [SectionBlock(text=PlainTextObject(text=texts.INTRO))]
    if not at.channel:
        blocks.append(_field(Field.WHERE, chosen, texts.WHERE, _where(chosen), texts.WHERE_HINT))
    if clusters:
        cluster = _cluster(clusters, chosen)
        blocks.append(_field(Field.CLUSTER, chosen, texts.CLUSTER, cluster, optional=False))
    for field, label, placeholder, choice, hint in (
        (
            Field.NAMESPACE,
            texts.NAMESPACE,
            texts.NAMESPACE_PLACEHOLDER,
            chosen.namespace,
            texts.NAMESPACE_HINT,
        ),
        (Field.VM, texts.VM, texts.VM_PLACEHOLDER, chosen.vm, None),
        (
            Field.SNAPSHOT,
            texts.SNAPSHOT,
            texts.SNAPSHOT_PLACEHOLDER,
            chosen.snapshot,
            texts.SNAPSHOT_HINT,
        ),
    ):
        blocks.append(_field(field, chosen, label, _search(field, placeholder, choice), hint))
    view = View(
        type="modal",
        callback_id=FORM,
        title=PlainTextObject(text=texts.TITLE),
        submit=PlainTextObject(text=texts.SUBMIT),
        close=PlainTextObject(text=texts.CLOSE),
        blocks=blocks,
        private_metadata=metadata(at),
    )
    shape: dict[str, Any] = view.to_dict()
    return shape


def options(choices: Iterable[Choice]) -> list[dict[str, Any]]:
    """The first hundred, as a picker takes them."""
    return [_option(choice).to_dict() for choice in islice(choices, MAX_OPTIONS)]


def facts(snapshot: Snapshot, now: datetime) -> str:
    """What an option says about a snapshot: age, state, consistency."""
    level, _ = consistency(snapshot)
    return texts.SNAPSHOT_FACTS.format(
        age=ago(now - (snapshot.created or snapshot.requested_at)),
        state=state_of(snapshot),
        consistency=partly(snapshot, texts.CONSISTENCIES[level]),
    )


def by_block(problems: Mapping[Field, str], blocks: Mapping[Field, str]) -> dict[str, str]:
    """What is wrong, by the blocks that say it."""
    return {blocks[field]: text for field, text in problems.items()}


def store_down(blocks: Mapping[Field, str]) -> dict[str, str]:
    """The form cannot be kept: said beside the one field that every form has."""
    return by_block({Field.VM: texts.STORE_DOWN}, blocks)


def too_slow() -> str:
    """Slack lets a form open only for three seconds."""
    return texts.TOO_SLOW


def _field(  # noqa: PLR0913 - the parts of a field
    field: Field,
    chosen: Selection,
    label: str,
    element: InputInteractiveElement,
    hint: str | None = None,
    *,
    optional: bool = True,
) -> InputBlock:
    """A field that says at once when something is chosen in it, for others depend on it."""
    return InputBlock(
        label=PlainTextObject(text=label),
        element=element,
        block_id=chosen.block_id(field),
        hint=PlainTextObject(text=hint) if hint else None,
        optional=optional,
        dispatch_action=field is not Field.SNAPSHOT,
    )


def _where(chosen: Selection) -> ConversationSelectElement:
    return ConversationSelectElement(
        action_id=Field.WHERE.action_id,
        placeholder=PlainTextObject(text=texts.WHERE_PLACEHOLDER),
        initial_conversation=chosen.where,
        default_to_current_conversation=None if chosen.where else True,
        filter=ConversationFilter(
            include=["public", "private"],
            exclude_bot_users=True,
            exclude_external_shared_channels=True,
        ),
    )


def _cluster(clusters: Sequence[str], chosen: Selection) -> StaticSelectElement:
    offered = {name: _option(_of_cluster(name)) for name in clusters[:MAX_OPTIONS]}
    return StaticSelectElement(
        action_id=Field.CLUSTER.action_id,
        options=list(offered.values()),
        initial_option=offered.get(chosen.cluster),
    )


def _of_cluster(name: str) -> Choice:
    return Choice(value=name, text=shortened(name, MAX_TEXT))


def _search(field: Field, placeholder: str, choice: Choice | None) -> ExternalDataSelectElement:
    return ExternalDataSelectElement(
        action_id=field.action_id,
        placeholder=PlainTextObject(text=placeholder),
        initial_option=_option(choice) if choice else None,
        min_query_length=0,
    )


def _option(choice: Choice) -> Option:
    return Option(label=choice.text, value=choice.value, description=choice.description)
