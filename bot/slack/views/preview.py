"""The two cards before the restore: the data-loss warning, and the final confirmation.

Both show what is in `restore.preview` and nothing else: what the person agrees to is what is
compared again before the cluster is touched.
"""

from datetime import timedelta

from slack_sdk.models.blocks import Block, ButtonElement

from bot.restore.events import Button
from bot.restore.model import Change, Fate, Preview, Restore, Slot
from bot.slack.markup.mrkdwn import (
    Mrkdwn,
    code,
    disks,
    duration,
    fill,
    joined,
    moment,
    names,
    sentence,
    utc,
)
from bot.slack.views.layout import (
    Draft,
    Face,
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
from bot.slack.views.questions import waits
from bot.texts import cards as texts
from bot.texts import general

MOST_CHANGES = 8
VALUE = 60
FIELD = 40
UNKNOWN_TIME = Mrkdwn(texts.CREATED_UNKNOWN)


def window(preview: Preview | None) -> Mrkdwn:
    """How much time is lost: from the snapshot to the look that was shown."""
    if preview is None:
        return Mrkdwn(texts.WINDOW_UNKNOWN)
    return duration(max(timedelta(0), preview.taken_at - preview.snapshot_created))


def still_live(face: Face) -> bool:
    """The stop was agreed to and not yet sent when the card was opened (`stop_when: confirmed`)."""
    stop = face.restore.stop
    if stop is None:
        return False
    return stop.asked_at is None or stop.asked_at > face.card.opened_at


def warning(face: Face) -> Draft:
    """What will happen, what will be lost, and the request to type the snapshot's name."""
    restore = face.restore
    said = face.say(texts.WARNING_TEXT, length=window(restore.preview))
    gone = of_fate(restore.preview, Fate.DELETED)
    deletes = [fill(texts.DELETES_TEXT, disks=disks(gone))] if gone else []
    text = notice(face, joined((said, *deletes)))
    if not face.open:
        text = notice(face, face.say(texts.OLD_WARNING))
        if face.card != _last_warning(restore):
            return Draft(text, [*section(text)])
    blocks = [
        header(texts.WARNING_HEADING),
        *section(face.when_open(texts.WARNING_ASK), _note(face)),
        *section(*_deletes(restore)),
        *_facts(face, restore.preview),
        divider(),
        *section(Mrkdwn(texts.CRITICAL), _protection(restore)),
        *_request(face),
        *actions(face, _protect_button(face), cancel(face)),
        *waits(face, _waits(restore)),
        *answered(face),
    ]
    return Draft(text, blocks)


def _last_warning(restore: Restore) -> object:
    warnings = [card for card in restore.cards if card.slot is Slot.WARNING]
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


def _note(face: Face) -> Mrkdwn | None:
    note = face.restore.note
    return fill(texts.NOTE, note=sentence(note, 600)) if note and face.open else None


def _waits(restore: Restore) -> str:
    return general.WAITS_OR_EXPIRES_STOPPED if restore.stopped_by_us else general.WAITS_OR_EXPIRES


def _facts(face: Face, preview: Preview | None) -> list[Block]:
    created = utc(preview.snapshot_created) if preview else UNKNOWN_TIME
    return [
        *section(Mrkdwn(texts.WILL_REPLACE)),
        *section(
            Mrkdwn(texts.WHAT_WILL_HAPPEN),
            face.say(texts.VM_TO_RESTORE),
            face.say(texts.SNAPSHOT_TO_RESTORE),
            fill(general.CLUSTER, cluster=code(face.restore.wish.cluster, 100)),
        ),
        *section(*_current(preview, created)),
        *section(*_snapshot_state(preview)),
        *section(
            Mrkdwn(texts.LOSS_RANGE),
            fill(texts.LOSS, length=window(preview)),
            Mrkdwn(texts.LOSS_GROWS) if still_live(face) else None,
        ),
        *section(*_restored(preview)),
        *section(*_lost(preview, created)),
        *(_good_to_know(face.restore, preview) if preview else ()),
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
    level = Mrkdwn(texts.CONSISTENCIES[preview.consistency])
    because = fill(texts.WHY, why=sentence(why, 150)) if why else Mrkdwn("")
    newest = names(newer, most=5, room=250, more=preview.more_newer)
    return section(
        Mrkdwn(texts.GOOD_TO_KNOW),
        fill(texts.CONSISTENCY, level=level, why=because),
        *_other_disks(preview),
        fill(texts.SHARED, disks=disks(shared)) if shared else None,
        fill(texts.NEWER, names=newest) if newer else None,
        Mrkdwn(texts.OLD_VOLUMES[restore.rules.volume_policy]),
        _strategy_afterwards(restore, preview),
        fill(texts.GITOPS, gitops=sentence(preview.gitops, 60)) if preview.gitops else None,
        None if preview.changes else Mrkdwn(texts.NO_CHANGES),
    ) + section(*_changes(preview))


def _other_disks(preview: Preview) -> list[Mrkdwn | None]:
    """The disks that do not simply roll back, each with what becomes of it."""
    told = (
        (texts.KEEP_DATA, of_fate(preview, Fate.KEEPS)),
        (texts.LEAVE_VM, of_fate(preview, Fate.LEAVES)),
        (texts.COME_BACK, of_fate(preview, Fate.RETURNS)),
        # A document of an earlier release, which did not tell these apart.
        (texts.LEFT_OUT, () if preview.fates else preview.disks_left_out),
    )
    return [fill(text, disks=disks(found)) if found else None for text, found in told]


def _changes(preview: Preview) -> list[Mrkdwn]:
    if not preview.changes:
        return []
    shown = preview.changes[:MOST_CHANGES]
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


def _request(face: Face) -> list[Block]:
    if not face.usable:
        return []
    own = face.restore.place.own_thread
    return section(
        Mrkdwn(texts.TO_PROCEED),
        face.say(texts.TYPE_NAME),
        Mrkdwn(texts.ANYTHING_ELSE if own else texts.ANYTHING_ELSE_THERE),
    )


def _protect_button(face: Face) -> ButtonElement:
    return button(face, Button.PROTECT_OFF if face.restore.protect else Button.PROTECT_ON)


def confirm(face: Face) -> Draft:
    """The last question, and the only button that restores."""
    restore = face.restore
    text = notice(face, face.say(texts.CONFIRM_TEXT))
    if not face.open:
        text = notice(face, face.say(texts.OLD_CONFIRM))
    blocks = [
        header(texts.CONFIRM_HEADING),
        *section(face.when_open(texts.CONFIRM_ASK), face.say(texts.RECEIVED)),
        *section(Mrkdwn(texts.READY), face.vm_line, face.say(texts.FROM_SNAPSHOT)),
        *section(*_impact(face)),
        *section(*_last_words(face)),
        *actions(face, _danger(face), cancel(face)),
        *waits(face, _waits(restore)),
        *answered(face),
    ]
    return Draft(text, blocks)


def _impact(face: Face) -> list[Mrkdwn | None]:
    gone = of_fate(face.restore.preview, Fate.DELETED)
    return [
        Mrkdwn(texts.IMPACT),
        Mrkdwn(texts.IMPACT_REPLACED),
        fill(texts.IMPACT_LOST, length=window(face.restore.preview)),
        fill(texts.IMPACT_DELETES, disks=disks(gone)) if gone else None,
        Mrkdwn(texts.IMPACT_STOP) if still_live(face) else None,
        Mrkdwn(f"• {_protection(face.restore)}"),
    ]


def _last_words(face: Face) -> list[Mrkdwn | None]:
    if not face.usable:
        return []
    own = face.restore.place.own_thread
    how = Mrkdwn(texts.PROCEED_HOW if own else texts.PROCEED_HOW_THERE)
    return [_note(face), Mrkdwn(texts.PROCEED), how]


def _danger(face: Face) -> ButtonElement:
    sure = dialog(
        face,
        texts.CONFIRM_DIALOG_TITLE,
        texts.CONFIRM_DIALOG,
        Button.CONFIRM,
        length=window(face.restore.preview),
    )
    return button(face, Button.CONFIRM, style="danger", confirm=sure)
