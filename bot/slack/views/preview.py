"""The two cards before the restore: the data-loss warning, and the final confirmation.

Both show what is in `restore.preview` and nothing else: what the person agrees to is what is
compared again before the cluster is touched.
"""

from datetime import timedelta

from slack_sdk.models.blocks import Block, ButtonElement

from bot.restore.disks import Fate
from bot.restore.events import Button
from bot.restore.model import Change, Preview, Restore
from bot.restore.thread import CardKind
from bot.restore.user_events import wants_agreement
from bot.slack.markup.mrkdwn import (
    Mrkdwn,
    age,
    code,
    disks,
    fill,
    joined,
    moment,
    names,
    sentence,
    shortened,
    utc,
)
from bot.slack.views.layout import (
    CardContext,
    Draft,
    actions,
    answered,
    button,
    cancel,
    dialog,
    divider,
    header,
    notice,
    section,
)
from bot.slack.views.questions import asked, waits
from bot.texts import cards as texts
from bot.texts import general

MAX_CHANGES = 6
VALUE = 60
FIELD = 40
DISK_IN_LABEL = 30
ROOM = 60
"""Bytes for the names of the disks of one fate: a card has at most 10,000."""
UNKNOWN_TIME = Mrkdwn(texts.CREATED_UNKNOWN)


def window(preview: Preview | None) -> Mrkdwn:
    """How much time is lost: from the snapshot to the look that was shown."""
    if preview is None:
        return Mrkdwn(texts.WINDOW_UNKNOWN)
    ahead = timedelta(seconds=preview.clock_ahead)
    return age(preview.taken_at + ahead - preview.snapshot_created)


def still_live(ctx: CardContext) -> bool:
    """The stop was agreed to and not yet sent when the card was opened (`stop_when: confirmed`)."""
    stop = ctx.restore.stop
    if stop is None:
        return False
    return stop.asked_at is None or stop.asked_at > ctx.card.opened_at


def warning(ctx: CardContext) -> Draft:
    """What is lost and what to type; below that, for who has the time, all that will happen."""
    restore = ctx.restore
    said = ctx.say(texts.WARNING_TEXT, length=window(restore.preview))
    gone = of_fate(restore.preview, Fate.DELETED)
    deletes = [fill(texts.DELETES_TEXT, disks=disks(gone))] if gone else []
    text = notice(ctx, joined((said, *deletes)))
    if not ctx.open:
        text = notice(ctx, ctx.say(texts.OLD_WARNING))
        # What it said is lost with the preview.
        if restore.preview is None or ctx.card != _last_warning(restore):
            return Draft(text, [*section(text)])
    blocks = [
        header(texts.WARNING_HEADING),
        *section(asked(ctx, texts.WARNING_ASK), _note(ctx)),
        *section(*_loss(ctx)),
        *section(*_deletes(restore)),
        *section(
            Mrkdwn(texts.CRITICAL_PROTECTED if restore.protect else texts.CRITICAL),
            _protection(restore),
        ),
        *_request(ctx),
        *actions(ctx, _protect_button(ctx), cancel(ctx)),
        *waits(ctx, _waits(restore)),
        *answered(ctx),
        divider(),
        *_facts(ctx, restore.preview),
    ]
    return Draft(text, blocks)


def _last_warning(restore: Restore) -> object:
    warnings = [card for card in restore.cards if card.kind is CardKind.WARNING]
    return max(warnings, key=lambda card: card.number, default=None)


def of_fate(preview: Preview | None, *fates: Fate) -> tuple[str, ...]:
    """The disks that the restore does this to."""
    return tuple(each.name for each in preview.fates if each.fate in fates) if preview else ()


def _deletes(restore: Restore) -> list[Mrkdwn]:
    """A deletion stands before everything else that will happen, and what protects from it."""
    gone = of_fate(restore.preview, Fate.DELETED)
    if not gone:
        return []
    guarded = texts.DELETES_PROTECTED if restore.protect else texts.DELETES_UNPROTECTED
    return [fill(texts.DELETES, disks=disks(gone)), Mrkdwn(guarded)]


def _note(ctx: CardContext) -> Mrkdwn | None:
    note = ctx.restore.note
    return fill(texts.NOTE, note=sentence(note, 400)) if note and ctx.open else None


def _waits(restore: Restore) -> str:
    return general.WAITS_OR_EXPIRES_STOPPED if restore.stopped_by_us else general.WAITS_OR_EXPIRES


def _facts(ctx: CardContext, preview: Preview | None) -> list[Block]:
    created = utc(preview.snapshot_created) if preview else UNKNOWN_TIME
    return [
        *section(Mrkdwn(texts.WILL_REPLACE)),
        *section(
            Mrkdwn(texts.WHAT_WILL_HAPPEN),
            ctx.say(texts.VM_TO_RESTORE),
            ctx.say(texts.SNAPSHOT_TO_RESTORE),
            fill(general.CLUSTER, cluster=code(ctx.restore.request.cluster, 100)),
        ),
        *section(*_current(preview, created)),
        *section(*_snapshot_state(preview)),
        *section(*_restored(preview)),
        *section(*_lost(preview, created)),
        *(_good_to_know(ctx.restore, preview) if preview else ()),
    ]


def _loss(ctx: CardContext) -> list[Mrkdwn | None]:
    return [
        Mrkdwn(texts.LOSS_RANGE),
        fill(texts.LOSS, length=window(ctx.restore.preview)),
        Mrkdwn(texts.LOSS_GROWS) if still_live(ctx) else None,
    ]


def _current(preview: Preview | None, created: Mrkdwn) -> list[Mrkdwn]:
    modified = preview.last_modified if preview else None
    when = (
        joined((moment(modified), Mrkdwn(texts.LAST_MODIFIED_NOTE)))
        if modified
        else Mrkdwn(texts.LAST_MODIFIED_UNKNOWN)
    )
    return [
        Mrkdwn(texts.CURRENT_STATE),
        fill(texts.LAST_MODIFIED, when=when),
        fill(texts.CHANGES_SINCE, created=created),
    ]


def _snapshot_state(preview: Preview | None) -> list[Mrkdwn]:
    when = moment(preview.snapshot_created) if preview else UNKNOWN_TIME
    return [
        Mrkdwn(texts.SNAPSHOT_STATE),
        fill(texts.CREATED, when=when),
        fill(texts.AGE, age=window(preview)),
    ]


def _restored(preview: Preview | None) -> list[Mrkdwn]:
    included = preview.disks if preview else ()
    named = fill(texts.RESTORED_DISKS_NAMED, disks=disks(included, 200))
    return [
        Mrkdwn(texts.WILL_BE_RESTORED),
        Mrkdwn(texts.RESTORED_CONFIGURATION),
        named if included else Mrkdwn(texts.RESTORED_DISKS),
    ]


def _lost(preview: Preview | None, created: Mrkdwn) -> list[Mrkdwn | None]:
    gone = of_fate(preview, Fate.DELETED)
    return [
        Mrkdwn(texts.WILL_BE_LOST),
        fill(texts.LOST_DISKS, created=created),
        fill(texts.LOST_CONFIGURATION, created=created),
        Mrkdwn(texts.LOST_DELETED) if gone else None,
    ]


def _good_to_know(restore: Restore, preview: Preview) -> list[Block]:
    shared, newer = preview.shared_disks, preview.newer
    why = preview.consistency_why
    level = _level(preview)
    because = fill(texts.WHY, why=sentence(why, 150)) if why else Mrkdwn("")
    newest = names(newer, most=5, room=250, more=preview.more_newer)
    return section(
        Mrkdwn(texts.GOOD_TO_KNOW),
        fill(texts.CONSISTENCY, level=level, why=because),
        None if preview.coverage.one_moment else Mrkdwn(texts.NOT_ONE_MOMENT),
        *_other_disks(preview),
        _guest_state(preview),
        fill(texts.SHARED, disks=disks(shared)) if shared else None,
        fill(texts.NEWER, names=newest) if newer else None,
        Mrkdwn(texts.NEWER_UNREAD) if preview.newer_unread else None,
        Mrkdwn(texts.OLD_VOLUMES[restore.rules.volume_policy]),
        _strategy_afterwards(restore, preview),
        _written_by(preview.gitops) if preview.gitops else None,
        None if preview.changes else Mrkdwn(texts.NO_CHANGES),
    ) + section(*_changes(preview))


def _written_by(writers: str) -> Mrkdwn:
    """Who may undo the restore, and when: a pool acts by itself, a GitOps tool at its next sync."""
    syncs = any(tool in writers for tool in texts.SYNCING)
    words = texts.GITOPS if syncs else texts.WRITTEN_BY
    pool = texts.POOL in writers
    return fill(texts.OF_A_POOL if pool else words, gitops=sentence(writers, 60))


def _level(preview: Preview) -> Mrkdwn:
    """How far it can be trusted; of a partial snapshot that is said of its disks alone."""
    level, held = Mrkdwn(texts.CONSISTENCIES[preview.consistency]), preview.coverage
    if not held.partial:
        return level
    if not held.missing:
        return fill(texts.PARTIAL_UNNAMED, level=level)
    return fill(texts.PARTIAL, disks=disks(held.missing, ROOM), level=level)


def _guest_state(preview: Preview) -> Mrkdwn | None:
    state = preview.coverage.guest_state
    return Mrkdwn(texts.GUEST_STATES[state]) if state else None


def _other_disks(preview: Preview) -> list[Mrkdwn | None]:
    """The disks that do not simply roll back, each with what becomes of it."""
    as_is = [each for each in preview.fates if each.fate is Fate.RETURNS_AS_IS]
    told = (
        (texts.KEEP_DATA, of_fate(preview, Fate.KEEPS)),
        (texts.LEAVE_VM, of_fate(preview, Fate.LEAVES)),
        (texts.COME_BACK, of_fate(preview, Fate.RETURNS)),
        (texts.COME_BACK_AS_IS, tuple(each.name for each in as_is if each.there)),
        (texts.COME_BACK_WITHOUT_CLAIM, tuple(each.name for each in as_is if not each.there)),
        (texts.DETACHED, of_fate(preview, Fate.DETACHED)),
        (texts.MEMORY_DUMPS, of_fate(preview, Fate.DUMP)),
        # A document of an earlier release, which did not tell these apart.
        (texts.LEFT_OUT, () if preview.fates else preview.disks_left_out),
    )
    return [fill(text, disks=disks(found, ROOM)) if found else None for text, found in told]


def _changes(preview: Preview) -> list[Mrkdwn]:
    if not preview.changes:
        return []
    shown = preview.changes[:MAX_CHANGES]
    rest = len(preview.changes) - len(shown) + preview.more_changes
    more = [fill(texts.AND_MORE, count=rest)] if rest else []
    return [Mrkdwn(texts.CHANGES), *map(_change, shown), *more]


def _change(change: Change) -> Mrkdwn:
    return fill(
        texts.CHANGE,
        field=sentence(change.field, FIELD),
        current=code(change.current, VALUE),
        snapshot=code(change.snapshot, VALUE),
    )


def _strategy_afterwards(restore: Restore, preview: Preview) -> Mrkdwn | None:
    """KubeVirt keeps the run strategy; a stop through the API turns Always and Once to Halted."""
    before = restore.stop.strategy if restore.stop else ""
    kept = preview.run_strategy
    after = "Halted" if restore.stop and kept in ("Always", "Once") else kept
    if not after:
        return None
    meaning = {
        "Always": texts.STARTS_ITSELF,
        "Once": texts.STARTS_ITSELF,
        "RerunOnFailure": texts.BY_CONDITIONS,
        "Manual": texts.BY_CONDITIONS,
    }.get(after, texts.STAYS_DOWN)
    was = before in ("Always", "Once") and after == "Halted"
    note = fill(texts.WAS_STRATEGY, before=code(before)) if was else Mrkdwn("")
    strategy = Mrkdwn(code(after, 40) + note)
    return fill(texts.RUN_STRATEGY, strategy=strategy, meaning=Mrkdwn(meaning))


def _protection(restore: Restore) -> Mrkdwn:
    state = fill(texts.PROTECT, state=Mrkdwn(general.ON if restore.protect else general.OFF))
    return Mrkdwn(state + texts.PROTECT_MEANING) if restore.protect else state


def _request(ctx: CardContext) -> list[Block]:
    if not ctx.usable:
        return []
    own = ctx.restore.thread_ref.own_thread
    return section(
        Mrkdwn(texts.TO_PROCEED),
        ctx.say(texts.TYPE_NAME),
        Mrkdwn(texts.ANYTHING_ELSE if own else texts.ANYTHING_ELSE_THERE),
    )


def _protect_button(ctx: CardContext) -> ButtonElement:
    return button(ctx, Button.PROTECT_OFF if ctx.restore.protect else Button.PROTECT_ON)


def confirm(ctx: CardContext) -> Draft:
    """The last question, and the only button that restores."""
    restore = ctx.restore
    text = notice(ctx, ctx.say(texts.CONFIRM_TEXT))
    if not ctx.open:
        text = notice(ctx, ctx.say(texts.OLD_CONFIRM))
        if restore.preview is None:
            return Draft(text, [*section(text)])
    blocks = [
        header(texts.CONFIRM_HEADING),
        *section(asked(ctx, texts.CONFIRM_ASK), ctx.say(texts.RECEIVED)),
        *section(Mrkdwn(texts.READY), ctx.vm_line, ctx.say(texts.FROM_SNAPSHOT)),
        *section(*_impact(ctx)),
        *section(*_last_words(ctx)),
        *actions(ctx, _agree(ctx) if wants_agreement(restore) else _danger(ctx), cancel(ctx)),
        *waits(ctx, _waits(restore)),
        *answered(ctx),
    ]
    return Draft(text, blocks)


def _impact(ctx: CardContext) -> list[Mrkdwn | None]:
    gone = of_fate(ctx.restore.preview, Fate.DELETED)
    return [
        Mrkdwn(texts.IMPACT),
        Mrkdwn(texts.IMPACT_REPLACED),
        fill(texts.IMPACT_LOST, length=window(ctx.restore.preview)),
        fill(texts.IMPACT_DELETES, disks=disks(gone)) if gone else None,
        _agreed(ctx, gone),
        Mrkdwn(texts.IMPACT_STOP) if still_live(ctx) else None,
        Mrkdwn(f"• {_protection(ctx.restore)}"),
    ]


def _last_words(ctx: CardContext) -> list[Mrkdwn | None]:
    if not ctx.usable:
        return []
    own = ctx.restore.thread_ref.own_thread
    how = Mrkdwn(texts.PROCEED_HOW if own else texts.PROCEED_HOW_THERE)
    first = Mrkdwn(texts.AGREE_FIRST) if wants_agreement(ctx.restore) else None
    proceed = texts.PROCEED_PROTECTED if ctx.restore.protect else texts.PROCEED
    return [_note(ctx), Mrkdwn(proceed), first, how]


def _agreed(ctx: CardContext, gone: tuple[str, ...]) -> Mrkdwn | None:
    agreed = ctx.restore.deletion_agreed and gone
    return fill(texts.AGREED, owner=ctx.owner, disks=disks(gone)) if agreed else None


def _agree(ctx: CardContext) -> ButtonElement:
    """The deletion has an agreement of its own, where no safety snapshot copies the disks."""
    first, *more = of_fate(ctx.restore.preview, Fate.DELETED)
    words = texts.AGREE_LABEL_MORE if more else texts.AGREE_LABEL
    label = words.format(disk=shortened(first, DISK_IN_LABEL), count=len(more))
    return button(ctx, Button.AGREE_DELETION, label=label, style="danger")


def _danger(ctx: CardContext) -> ButtonElement:
    sure = dialog(
        ctx,
        texts.CONFIRM_DIALOG_TITLE,
        texts.CONFIRM_DIALOG,
        Button.CONFIRM,
        length=window(ctx.restore.preview),
    )
    return button(ctx, Button.CONFIRM, style="danger", confirm=sure)
