"""Snapshots, what there is, and help: answers that only the asker sees.

Each is a message with blocks; its `text` is one short line. Long lists are cut, and the last line
says how to see the rest.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.restore.observation import Snapshot
from bot.restore.preview import consistency, partly
from bot.slack.markup.mrkdwn import (
    Mrkdwn,
    ago,
    code,
    fill,
    joined,
    moment,
    names,
    sentence,
)
from bot.slack.views.layout import (
    Message,
    answer,
    context,
    header,
    name,
    section,
    short_answer,
)
from bot.slack.views.lines import cut, fitting
from bot.texts import general
from bot.texts import lists as texts
from bot.texts.cards import CONSISTENCIES
from bot.texts.names import used
from bot.texts.refusals import BRING_BACK

MAX_NAMED = 8
_LONG = 800
"""Letters that a command to be copied may have; shortened it would be wrong."""


@dataclass(frozen=True, slots=True)
class ListTarget:
    """A VM, or a whole namespace."""

    namespace: str
    vm: str | None = None
    cluster: str | None = None
    """None for the one that is meant where none is named."""

    @property
    def thread_ref(self) -> Mrkdwn:
        """The namespace, and the cluster if it is not the usual one."""
        other = (
            [fill(general.ASKED_CLUSTER, cluster=code(self.cluster, 100))] if self.cluster else []
        )
        return joined((code(self.namespace), *other), "")

    def command(self, template: str, **known: str) -> Mrkdwn:
        """A command about it."""
        if self.cluster is not None:
            template = texts.ON_CLUSTER.format(example=template, cluster=self.cluster)
        return _command(template, **{"namespace": self.namespace, "vm": self.vm or "VM", **known})


@dataclass(frozen=True, slots=True)
class Example:
    """Names for the examples of the help: real ones, or those of the manual."""

    vm: str = texts.EXAMPLE_VM
    namespace: str = texts.EXAMPLE_NAMESPACE
    snapshot: str = texts.EXAMPLE_SNAPSHOT


# Snapshots


def snapshots(
    target: ListTarget, found: Sequence[Snapshot], now: datetime, gone: Collection[str] = ()
) -> Message:
    """The snapshots of a VM or of a namespace, newest first. `gone`: the VMs that do not exist."""
    where = {"vm": name(target.vm), "namespace": target.thread_ref}
    if not found:
        return short_answer(
            fill(texts.NO_SNAPSHOTS if target.vm else texts.NO_SNAPSHOTS_HERE, **where)
        )
    what = texts.SNAPSHOTS_OF_VM if target.vm else texts.SNAPSHOTS_IN_NAMESPACE
    title = fill(what, count=len(found), **where)
    lines = fitting([_snapshot(each, now, named=target.vm is None) for each in found])
    rest = len(found) - len(lines)
    blocks = [
        header(texts.SNAPSHOTS_HEADING),
        *section(fill(texts.NEWEST_FIRST, what=title)),
        *section(*lines, _more_snapshots(target, rest) if rest else None),
        *context(_to_restore(found, target, gone)),
    ]
    return answer(title, blocks)


def _snapshot(snapshot: Snapshot, now: datetime, *, named: bool) -> Mrkdwn:
    created = snapshot.created or snapshot.requested_at
    first = fill(
        texts.ONE_SNAPSHOT_OF if named else texts.ONE_SNAPSHOT,
        snapshot=code(snapshot.name),
        vm=code(snapshot.source),
        state=_readiness(snapshot),
        created=moment(created),
        age=ago(now - created),
    )
    # Of one that is still being taken, or has failed, nothing more is certain.
    more = _what_it_holds(snapshot) if snapshot.usable else _why_not(snapshot)
    return joined((first, *more))


def _readiness(snapshot: Snapshot) -> Mrkdwn:
    if snapshot.deleting:
        return Mrkdwn(texts.BEING_DELETED)
    if snapshot.content_loss is not None:
        return Mrkdwn(texts.CONTENT_LOST[snapshot.content_loss])
    if snapshot.usable:
        return Mrkdwn(texts.USABLE)
    return fill(texts.NOT_USABLE, status=snapshot.phase or "Unknown")


def _why_not(snapshot: Snapshot) -> tuple[Mrkdwn, ...]:
    error = (snapshot.error or "").rstrip(".")
    return (fill(texts.SNAPSHOT_ERROR, error=sentence(error, 200)),) if error else ()


def _what_it_holds(snapshot: Snapshot) -> tuple[Mrkdwn, Mrkdwn]:
    level, why = consistency(snapshot)
    sure = fill(texts.CONSISTENCY, level=Mrkdwn(partly(snapshot, CONSISTENCIES[level])), why=why)
    disks = snapshot.included
    if not disks:
        return sure, Mrkdwn(texts.NO_DISKS)
    template = texts.DISKS_ONE if len(disks) == 1 else texts.DISKS_MANY
    return sure, fill(template, count=len(disks), disks=names(disks, most=MAX_NAMED, room=200))


def _more_snapshots(target: ListTarget, count: int) -> Mrkdwn:
    if target.vm is None:
        return fill(texts.NARROW, count=count, command=target.command(texts.LIST_EXAMPLE))
    command = target.command(texts.RESTORE_EXAMPLE)
    return fill(texts.NARROW, count=count, command=fill(texts.SEARCH_THEM, command=command))


def _to_restore(
    found: Sequence[Snapshot], target: ListTarget, gone: Collection[str]
) -> Mrkdwn | None:
    usable = [each for each in found if each.usable]
    newest = next((each for each in usable if each.source not in gone), None)
    if newest is None and usable:
        how = BRING_BACK.format(
            namespace=target.namespace, vm=usable[0].source, snapshot=usable[0].name
        )
        return fill(texts.VM_IS_GONE, vm=code(usable[0].source), how=sentence(how, 1200))
    if newest is None:
        return None
    command = target.command(texts.COMMAND_EXAMPLE, vm=newest.source, snapshot=newest.name)
    return fill(texts.TO_RESTORE, command=command)


def no_such_vm(vm: str, namespace: str | None, near: Sequence[str]) -> Message:
    """Nothing of that name where the asker may look; names that are like it."""
    if namespace is None:
        said = fill(texts.NO_SUCH_VM, vm=code(vm))
    else:
        said = fill(texts.NO_SUCH_VM_IN, vm=code(vm), namespace=code(namespace))
    meant = [fill(texts.DID_YOU_MEAN, names=names(near))] if near else []
    return short_answer(joined((said, *meant)))


def nothing_in(namespace: str, near: Sequence[str]) -> Message:
    """Neither a VM nor a snapshot there: perhaps the name is wrong."""
    said = fill(texts.NOTHING_IN, namespace=code(namespace))
    meant = [fill(texts.DID_YOU_MEAN, names=names(near))] if near else []
    return short_answer(joined((said, *meant)))


def elsewhere(wanted: ListTarget, namespaces: Sequence[str]) -> Message:
    """No such VM in that namespace, but one in another."""
    said = fill(texts.NO_SUCH_VM_IN, vm=name(wanted.vm), namespace=code(wanted.namespace))
    command = wanted.command(texts.LIST_EXAMPLE, namespace=namespaces[0])
    there = fill(texts.IT_IS_IN, namespaces=names(namespaces), command=command)
    return short_answer(joined((said, there)))


def which_namespace(found: Sequence[ListTarget]) -> Message:
    """Several VMs have that name: a command for each."""
    namespaces = names([each.namespace for each in found])
    said = fill(texts.WHICH_NAMESPACE, vm=name(found[0].vm), namespaces=namespaces)
    lines = [fill("• {example}", example=each.command(texts.LIST_EXAMPLE)) for each in found]
    return answer(said, section(said, *cut(lines)))


def cluster_refuses(what: str) -> Message:
    """The cluster answers, and says no."""
    return short_answer(fill(texts.CLUSTER_REFUSES, what=sentence(what, 300)))


# What there is


def overview(by_cluster: Mapping[str, Mapping[str, Sequence[str]] | None], cluster: str) -> Message:
    """The VMs by cluster and namespace; None for a cluster that cannot be asked.

    `cluster` is the one that is meant where none is named.
    """
    found = [
        (where, namespace, vms)
        for where, spaces in by_cluster.items()
        for namespace, vms in (spaces or {}).items()
    ]
    count = sum(len(vms) for _, _, vms in found)
    complete = all(spaces is not None for spaces in by_cluster.values())
    said = fill(texts.OVERVIEW if complete else texts.OVERVIEW_IN_PART, count=_vms(count))
    lines = [_space(each, cluster) for each in found]
    lines += [
        fill(
            texts.OVERVIEW_NOTHING if spaces is not None else texts.OVERVIEW_AWAY, cluster=code(at)
        )
        for at, spaces in by_cluster.items()
        if not spaces
    ]
    example = [(space, vms[0]) for where, space, vms in found if where == cluster]
    return answer(
        said,
        [
            header(texts.OVERVIEW_HEADING),
            *section(said),
            *section(*cut(lines, _command(texts.LIST_IN_EXAMPLE))),
            *context(*(_to_see(*each) for each in example[:1])),
        ],
    )


def _space(found: tuple[str, str, Sequence[str]], usual: str) -> Mrkdwn:
    cluster, namespace, vms = found
    return fill(
        texts.OVERVIEW_LINE if cluster == usual else texts.OVERVIEW_LINE_ON,
        cluster=code(cluster),
        namespace=code(namespace),
        count=_vms(len(vms)),
        vms=names(vms, most=MAX_NAMED, room=300),
    )


def _vms(count: int) -> Mrkdwn:
    return Mrkdwn(texts.VMS_ONE) if count == 1 else fill(texts.VMS_MANY, count=count)


def _to_see(namespace: str, vm: str) -> Mrkdwn:
    command = _command(texts.LIST_EXAMPLE, vm=vm, namespace=namespace)
    return fill(texts.OVERVIEW_NEXT, command=command)


# Help


def help_card(example: Example) -> Message:
    """How to ask, what else there is and what works where."""
    blocks = [
        header(texts.HELP_HEADING),
        *section(Mrkdwn(texts.HELP_INTRO)),
        *section(Mrkdwn(texts.HELP_ASK), *_examples(example), _line(texts.LEFT_OUT)),
        *section(Mrkdwn(texts.HELP_COMMANDS), *map(_line, texts.HELP_LINES)),
        *section(Mrkdwn(texts.HELP_PLACES), *map(_line, texts.PLACES_LINES)),
    ]
    return answer(Mrkdwn(texts.HELP_TEXT), blocks)


def not_understood(example: Example) -> Message:
    """Said to the bot and not understood: a few examples that work."""
    said = Mrkdwn(texts.NOT_UNDERSTOOD)
    return answer(said, section(said, Mrkdwn(texts.TRY_THESE), *_examples(example)))


def _examples(example: Example) -> list[Mrkdwn]:
    known = {"vm": example.vm, "namespace": example.namespace, "snapshot": example.snapshot}
    phrase = fill(texts.IN_THREADS_TOO, example=_command(texts.PHRASE_EXAMPLE, **known))
    return [
        _example(texts.COMMAND_EXAMPLE, **known),
        _example(texts.SHORT_EXAMPLE, **known),
        fill("• {example}", example=phrase),
        _example(texts.DESCRIBED_EXAMPLE, **known),
    ]


def _example(template: str, **known: str) -> Mrkdwn:
    return fill("• {example}", example=_command(template, **known))


def _command(template: str, **known: str) -> Mrkdwn:
    """Something to be copied, as code."""
    return code(template.format(command=used().command, bot=used().bot, **known), _LONG)


def _line(text: str) -> Mrkdwn:
    return fill(f"• {text}", command=Mrkdwn(used().command), bot=Mrkdwn(used().bot))
