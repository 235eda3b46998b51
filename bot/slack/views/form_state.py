"""What a person has chosen in the form, and whether it can be asked for. Pure.

Rules of this file
- Slack does not tell a picker what is chosen in the other fields. So every choice draws the form
  anew with the choices in it, and a picker reads them off the form (`read` with `live=False`).
- A block id says for which cluster, and with which choice in it, the block was drawn. So a field
  that is drawn anew shows what is in it, and what was chosen for another cluster is recognised.
- An option's value is at most 150 letters, a name up to 253: a longer one travels as a digest and is
  looked up again. A VM's value begins with its namespace, a snapshot's with a mark of its VM.
- `private_metadata` holds the conversation and nothing else. Who may do what is never taken from
  the form: it is decided again when the form is sent, and after that.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.restore.events import Verdict
from bot.restore.observation import Snapshot
from bot.restore.thread import Stored
from bot.slack.markup.mrkdwn import plain, shortened
from bot.texts import form as texts

MAX_VALUE = 150
MAX_TEXT = 75
PREFIX = "vmr:form-"
"""What the action ids of the form's fields begin with."""

_MAX_PROBLEM = 250


class Field(StrEnum):
    """The fields of the form, in their order."""

    WHERE = "where"
    CLUSTER = "cluster"
    NAMESPACE = "namespace"
    VM = "vm"
    SNAPSHOT = "snapshot"

    @property
    def action_id(self) -> str:
        """The name under which a choice in it comes in."""
        return f"{PREFIX}{self}"


_OF_A_CLUSTER = (Field.NAMESPACE, Field.VM, Field.SNAPSHOT)


class FormConversation(Stored):
    """Where the form was asked for; no channel if that was outside of any conversation."""

    channel: str = ""
    thread: str | None = None


class Choice(Stored):
    """An option as it was chosen."""

    value: str
    text: str
    description: str | None = None

    @property
    def front(self) -> str:
        """What stands before the name: a VM's namespace, a snapshot's mark."""
        return self.value.partition("/")[0]


class Selection(Stored):
    """All that is chosen so far."""

    cluster: str
    where: str | None = None
    namespace: Choice | None = None
    vm: Choice | None = None
    snapshot: Choice | None = None

    @property
    def in_namespace(self) -> str | None:
        """The namespace that was chosen, or the one of the VM that was."""
        if self.namespace is not None:
            return self.namespace.value
        return self.vm.front if self.vm is not None else None

    def block_id(self, field: Field) -> str:
        """The block that shows this choice. Snapshots get another one for another VM."""
        if field not in _OF_A_CLUSTER:
            return f"form-{field}"
        shown = self.namespace if field is Field.NAMESPACE else self.vm
        return f"form-{field}.{mark(self.cluster)}.{mark(shown.value if shown else '')}"


class FormState(Stored):
    """The form as it stands on somebody's screen."""

    view: str
    at: FormConversation
    chosen: Selection
    blocks: Mapping[Field, str]
    """The block id of every field that it has."""

    @property
    def room(self) -> str:
        """The conversation that it would be asked in; "" for a direct message yet to be opened."""
        return self.chosen.where or self.at.channel

    def fits(self, field: Field) -> bool:
        """Whether what stands in the field was chosen for the cluster that is chosen now."""
        return self.blocks.get(field, "").split(".")[1:2] == [mark(self.chosen.cluster)]


class FormRequest(Stored):
    """What the form asks for, by the full names."""

    cluster: str
    namespace: str | None = None
    vm: str | None = None
    snapshot: str | None = None


@dataclass(frozen=True, slots=True)
class FormChecks:
    """What could be found out before the form had to be answered; None is what could not."""

    member: bool | None = None
    """The bot can write there."""
    inside: bool | None = None
    """The person is in the channel that they chose."""
    verdict: Verdict | None = None
    vms: tuple[str, ...] | None = None
    """The VMs of the chosen one's namespace."""
    snapshots: tuple[Snapshot, ...] | None = None


def mark(*parts: str) -> str:
    """A short digest."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def packed(front: str, name: str) -> str:
    """An option's value for a name of any length."""
    value = f"{front}/{name}"
    return value if len(value) <= MAX_VALUE else f"{front}/{digest(name)}"


def named(choice: Choice, candidates: Iterable[str] | None) -> str | None:
    """The full name behind a choice; None if it is a digest of none of the candidates."""
    tail = choice.value.partition("/")[2]
    if not tail.startswith("#"):
        return tail
    return next((name for name in candidates or () if digest(name) == tail), None)


def namespace_choice(namespace: str, vms: int) -> Choice:
    """A namespace, as an option."""
    count = texts.ONE_VM if vms == 1 else texts.VMS.format(count=vms)
    return Choice(value=namespace, text=namespace, description=count)


def vm_choice(namespace: str, vm: str) -> Choice:
    """A VM, as an option."""
    where = plain(texts.IN_NAMESPACE.format(namespace=namespace), MAX_TEXT)
    return Choice(value=packed(namespace, vm), text=shortened(vm, MAX_TEXT), description=where)


def snapshot_choice(cluster: str, vm: Choice, name: str, facts: str) -> Choice:
    """A snapshot of this VM, as an option."""
    value = packed(mark(cluster, vm.value), name)
    return Choice(value=value, text=shortened(name, MAX_TEXT), description=plain(facts, MAX_TEXT))


def is_of(snapshot: Choice, cluster: str, vm: Choice) -> bool:
    """Whether the snapshot was offered for this VM."""
    return snapshot.front == mark(cluster, vm.value)


def metadata(at: FormConversation) -> str:
    """The conversation, as the form carries it."""
    return json.dumps(at.model_dump(exclude_defaults=True))


def read(view: Mapping[str, Any], default_cluster: str, *, live: bool) -> FormState:
    """The form as Slack sends it. `live` is what is on the screen, otherwise what was drawn last.

    Slack keeps what is on the screen to itself when a picker asks for its options.
    """
    drawn = {
        Field(element["action_id"].removeprefix(PREFIX)): (block["block_id"], element)
        for block in view["blocks"]
        if (element := block.get("element")) and element["action_id"].startswith(PREFIX)
    }
    state = view["state"]["values"] if live else {}

    def shown(field: Field, key: str) -> Any:
        block, element = drawn.get(field, ("", {}))
        kept = state.get(block, {}).get(field.action_id)
        return element.get(f"initial_{key}") if kept is None else kept.get(f"selected_{key}")

    cluster = _choice(shown(Field.CLUSTER, "option"))
    return FormState(
        view=view["id"],
        at=FormConversation.model_validate_json(view["private_metadata"]),
        chosen=Selection(
            cluster=cluster.value if cluster else default_cluster,
            where=shown(Field.WHERE, "conversation"),
            namespace=_choice(shown(Field.NAMESPACE, "option")),
            vm=_choice(shown(Field.VM, "option")),
            snapshot=_choice(shown(Field.SNAPSHOT, "option")),
        ),
        blocks={field: block for field, (block, _) in drawn.items()},
    )


def resolve(filled: FormState, changed: Field) -> Selection:
    """The choices after one was made: what it contradicts goes, what follows from it is filled in."""
    chosen = filled.chosen
    namespace = chosen.namespace if filled.fits(Field.NAMESPACE) else None
    vm = chosen.vm if filled.fits(Field.VM) else None
    if vm is not None and changed is Field.VM:
        namespace = Choice(value=vm.front, text=vm.front)
    if vm is not None and namespace is not None and vm.front != namespace.value:
        vm = None
    snapshot = chosen.snapshot
    if vm is None or (snapshot is not None and not is_of(snapshot, chosen.cluster, vm)):
        snapshot = None
    return chosen.model_copy(update={"namespace": namespace, "vm": vm, "snapshot": snapshot})


def problems(filled: FormState, checks: FormChecks) -> dict[Field, str]:
    """What is wrong, by field. What could not be found out is left to the checks in the thread."""
    found: dict[Field, str] = {}
    if checks.member is False and Field.WHERE in filled.blocks:
        found[Field.WHERE] = texts.NO_BOT
    elif checks.inside is False and Field.WHERE in filled.blocks:
        found[Field.WHERE] = texts.NOT_IN_IT
    for field, check in (
        (Field.NAMESPACE, _namespace_problem),
        (Field.VM, _vm_problem),
        (Field.SNAPSHOT, _snapshot_problem),
    ):
        if text := check(filled, checks):
            found[field] = plain(text, _MAX_PROBLEM)
    if checks.verdict is not None and not checks.verdict.allowed and not found:
        found[_refused_field(filled)] = plain(checks.verdict.text.replace("`", ""), _MAX_PROBLEM)
    return found


def asked(filled: FormState, checks: FormChecks) -> FormRequest:
    """What a form without problems asks for."""
    chosen = filled.chosen
    ready = [each.name for each in checks.snapshots or ()]
    return FormRequest(
        cluster=chosen.cluster,
        namespace=chosen.in_namespace,
        vm=named(chosen.vm, checks.vms) if chosen.vm else None,
        snapshot=named(chosen.snapshot, ready) if chosen.snapshot else None,
    )


def state_of(snapshot: Snapshot) -> str:
    """Whether it can be restored from, in words."""
    if snapshot.deleting:
        return texts.DELETING
    if snapshot.phase == "Failed":
        return texts.FAILED
    return texts.READY if snapshot.usable else texts.NOT_READY


def _namespace_problem(filled: FormState, _: FormChecks) -> str | None:
    stale = filled.chosen.namespace is not None and not filled.fits(Field.NAMESPACE)
    return texts.OTHER_CLUSTER if stale else None


def _vm_problem(filled: FormState, checks: FormChecks) -> str | None:
    chosen, vm = filled.chosen, filled.chosen.vm
    if vm is None:
        return texts.NO_VM if chosen.snapshot is not None else None
    if not filled.fits(Field.VM):
        return texts.OTHER_CLUSTER
    if chosen.in_namespace != vm.front:
        return texts.OTHER_NAMESPACE.format(found=vm.front, chosen=chosen.in_namespace)
    name = named(vm, checks.vms)
    if checks.vms is None:
        return texts.NAME_LOST if name is None else None
    return None if name in checks.vms else texts.NO_SUCH_VM


def _snapshot_problem(filled: FormState, checks: FormChecks) -> str | None:
    chosen, snapshot = filled.chosen, filled.chosen.snapshot
    if snapshot is None or chosen.vm is None:
        return None
    if not is_of(snapshot, chosen.cluster, chosen.vm):
        return texts.OTHER_VM
    known = None if checks.snapshots is None else {each.name: each for each in checks.snapshots}
    name = named(snapshot, known)
    if known is None:
        return texts.NAME_LOST if name is None else None
    there = known.get(name or "")
    if there is None:
        return texts.NO_SUCH_SNAPSHOT
    return None if there.usable else texts.SNAPSHOT_UNUSABLE.format(state=state_of(there))


def _refused_field(filled: FormState) -> Field:
    if filled.chosen.vm is None and filled.chosen.namespace is not None:
        return Field.NAMESPACE
    return Field.WHERE if filled.chosen.where else Field.VM


def _choice(option: Mapping[str, Any] | None) -> Choice | None:
    if option is None:
        return None
    description = (option.get("description") or {}).get("text")
    return Choice(value=option["value"], text=option["text"]["text"], description=description)


def digest(name: str) -> str:
    """What stands for a name that an option cannot hold."""
    return "#" + hashlib.sha256(name.encode()).hexdigest()[:40]
