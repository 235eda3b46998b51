"""The five drills."""

from bot.playground.web.drills import Drill, Situation, Step
from bot.restore.model import Phase

DATABASE, WEB = ("production", "database-01"), ("production", "web-01")


def _asked(now: Situation) -> bool:
    return now.restore is not None


def _stopped(now: Situation) -> bool:
    restore = now.restore
    return restore is not None and restore.stop is not None and restore.stop.done_at is not None


def _typed(now: Situation) -> bool:
    return now.restore is not None and now.restore.typed is not None


def _confirmed(now: Situation) -> bool:
    return now.restore is not None and now.restore.confirmation is not None


def _restored(now: Situation) -> bool:
    return now.restore is not None and now.restore.phase is Phase.SUCCEEDED


def _started(now: Situation) -> bool:
    restore = now.restore
    asked = restore is not None and restore.start is not None and restore.start.done_at is not None
    return asked and now.runs


def _wrong_name(now: Situation) -> bool:
    outcome = now.restore.outcome if now.restore else None
    return outcome is not None and outcome.typed is not None


def _refused(now: Situation) -> bool:
    return now.restore is not None and now.restore.phase is Phase.REFUSED


def _handed(now: Situation) -> bool:
    return now.restore is not None and bool(now.restore.handoffs)


def _offered(now: Situation) -> bool:
    return now.restore is not None and (now.restore.offer is not None or _handed(now))


def _diagnosed(now: Situation) -> bool:
    return _restored(now) or (now.restore is not None and now.restore.diagnosis is not None)


def _confirming(now: Situation) -> bool:
    return now.restore is not None and now.restore.phase is Phase.CONFIRMING


def _one_restore(now: Situation) -> str:
    made = len(now.created)
    if made == 1:
        return "The goal is reached: one restore was made, after both confirmations."
    return f"{made} restores were asked for."


def _no_restore(now: Situation) -> str:
    if not now.created:
        return "The goal is reached: nothing was restored."
    return f"{len(now.created)} restores were asked for, and none was wanted."


def _handed_over(now: Situation) -> str:
    restore = now.restore
    if restore is None or restore.confirmation is None or restore.typed is None:
        return _one_restore(now)
    one = restore.confirmation.by == restore.typed.by == restore.owner
    who = "typed and clicked by its new owner alone" if one else "confirmed by two people"
    return f"{_one_restore(now)} It was {who}."


ASK_DATABASE = Step(
    "As alice, ask in #incidents: restore database-01 from pre-upgrade-snapshot in production.",
    _asked,
)
ASK_WEB = Step(
    "As alice, ask in #incidents: restore web-01 from before-release in production.", _asked
)
STOP = Step("Agree to the stop of the VM, and wait until it is down.", _stopped)
TYPE = Step("Read what will be lost, then type the snapshot's name into the thread.", _typed)
CLICK = Step("Confirm with the button [Restore VM now].", _confirmed)
WAIT = Step("Wait until the cluster has restored it.", _restored)

DRILLS = (
    Drill(
        id="failed-upgrade",
        title="A failed upgrade",
        goal="database-01 is back at the state before the upgrade, and runs.",
        watch="What is asked before the VM is stopped, and what before its disks are replaced.",
        length="4 minutes",
        vm=DATABASE,
        starts_running=True,
        said="database-01: the upgrade has failed, its schema is half migrated",
        steps=(
            ASK_DATABASE,
            STOP,
            TYPE,
            CLICK,
            WAIT,
            Step("Start the VM with the button of the last card.", _started),
        ),
        verdict=_one_restore,
    ),
    Drill(
        id="wrong-snapshot",
        title="The wrong snapshot",
        goal="Nothing is restored to web-01 from a snapshot that nobody wanted.",
        watch="Where the age of the snapshot is told, and what a name that differs does.",
        length="2 minutes",
        vm=WEB,
        starts_running=False,
        said="web-01: the release of this morning is broken",
        steps=(
            Step(
                "In a hurry alice takes the wrong one. Ask as alice: restore web-01 from"
                " last-month-web-01 in production.",
                _asked,
            ),
            Step(
                "How old is that snapshot? Type the name of the one that you meant: before-release.",
                _wrong_name,
            ),
        ),
        verdict=_no_restore,
    ),
    Drill(
        id="stuck-storage",
        title="Storage is stuck",
        goal="The restore of web-01 ends well, and is asked for once, although storage hangs.",
        watch="What the thread names as the likely cause, and who can do something about it.",
        length="4 minutes",
        vm=WEB,
        starts_running=False,
        said="web-01: the release of this morning is broken",
        steps=(
            ASK_WEB,
            TYPE,
            CLICK,
            Step(
                "Nothing moves. Let five minutes pass, and read the likely cause in the thread.",
                _diagnosed,
            ),
            Step(
                "Be the admin of the storage: turn “Storage stuck” off.",
                lambda now: "storage" not in now.troubles,
            ),
            WAIT,
        ),
        verdict=_one_restore,
        trouble="storage",
    ),
    Drill(
        id="handover",
        title="The end of the shift",
        goal="bob carries on the restore of web-01 that alice has asked for.",
        watch="Whose typing and whose click count, before and after bob has accepted.",
        length="4 minutes",
        vm=WEB,
        starts_running=False,
        said="web-01: the release of this morning is broken",
        steps=(
            ASK_WEB,
            Step("As alice, say in the thread: @vm-restore handoff @bob", _offered),
            Step("As bob, accept it.", _handed),
            Step("As bob, type the snapshot's name into the thread.", _typed),
            Step("As bob, confirm with the button [Restore VM now].", _confirmed),
            WAIT,
        ),
        verdict=_handed_over,
    ),
    Drill(
        id="somebody-starts",
        title="Somebody starts the VM",
        goal="No disk of database-01 is replaced while the VM runs.",
        watch="What the click finds out that the warning could not know.",
        length="3 minutes",
        vm=DATABASE,
        starts_running=True,
        said="database-01: the upgrade has failed, its schema is half migrated",
        steps=(
            ASK_DATABASE,
            STOP,
            TYPE,
            Step(
                "Somebody who knows nothing of this has just started the VM. Confirm all the same.",
                _refused,
            ),
        ),
        verdict=_no_restore,
        strikes=_confirming,
    ),
)
