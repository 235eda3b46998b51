"""Request parsing: tables whose ids are what a person wrote, and properties for all other text."""

import string
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.request import (
    ParsedRequest,
    Part,
    Verb,
    is_name,
    names_alone,
    parse_command,
    parse_sentence,
    single_name,
)
from bot.request.names import name_problem

STEADY = settings(deadline=None, derandomize=True, max_examples=150)
NONE = ParsedRequest(Verb.NONE)


def restore(
    vm: str | None = None,
    snapshot: str | None = None,
    namespace: str | None = None,
    *,
    described: str | None = None,
    cluster: str | None = None,
) -> ParsedRequest:
    """A request to restore without a problem."""
    return ParsedRequest(
        Verb.RESTORE,
        vm=vm,
        snapshot=snapshot,
        namespace=namespace,
        described=described,
        cluster=cluster,
    )


def table(rows: dict[str, ParsedRequest]) -> list[object]:
    """The rows as parameters whose ids are the sentences."""
    return [pytest.param(text, wanted, id=ascii(text)[1:-1]) for text, wanted in rows.items()]


DB = restore("database-01")
EXACT = restore("database-01", "pre-upgrade-snapshot")
IN_PRODUCTION = restore("database-01", "pre-upgrade-snapshot", "production")
DESCRIBED = restore("database-01", described="pre-upgrade")

# Understood whether or not the bot was addressed.
PLAIN = {
    "Restore VM api-server from snapshot snapshot-20240115": restore(
        "api-server", "snapshot-20240115"
    ),
    "Roll back database-01 to pre-upgrade snapshot": DESCRIBED,
    "Roll back VM database-01 to snapshot pre-upgrade-snapshot": EXACT,
    "Recover VM web-server from backup": restore("web-server", described="backup"),
    "revert database-01 to pre-upgrade-snapshot": EXACT,
    "RESTORE VM database-01 FROM SNAPSHOT pre-upgrade-snapshot": EXACT,
    "rollback database-01": DB,
    "roll database-01 back to the pre-upgrade snapshot": DESCRIBED,
    "roll-back database-01": DB,
    "restore web": restore("web"),
    "Restore the virtual machine database-01": DB,
    "Restore the VM named database-01": DB,
    "Restore the database-01 VM from snapshot pre-upgrade-snapshot": EXACT,
    "Restore database-01 from pre-upgrade-snapshot.": EXACT,
    "Restore database-01 from pre-upgrade-snapshot please!": EXACT,
    "Restore database-01 from pre-upgrade-snapshot asap, thanks": EXACT,
    "Restore database-01 from snapshot pre-upgrade-snapshot in namespace production": IN_PRODUCTION,
    "Restore database-01 from snapshot pre-upgrade-snapshot in production namespace": IN_PRODUCTION,
    "Restore database-01 from snapshot pre-upgrade-snapshot in the production namespace": IN_PRODUCTION,
    "Restore database-01 in production from pre-upgrade-snapshot": IN_PRODUCTION,
    "Restore production/database-01 from pre-upgrade-snapshot": IN_PRODUCTION,
    "In production restore database-01": NONE,
    "Restore database-01 from pre-upgrade-snapshot on cluster east": replace(EXACT, cluster="east"),
    "Restore database-01 from pre-upgrade-snapshot on the east cluster": replace(
        EXACT, cluster="east"
    ),
    "Restore database-01 on east": replace(DB, cluster="east"),
    "Restore database-01 using snapshot pre-upgrade-snapshot": EXACT,
    "Restore database-01 --snapshot pre-upgrade-snapshot -n production": IN_PRODUCTION,
    "Restore `database-01` from snapshot `pre-upgrade-snapshot` in `production`": IN_PRODUCTION,
    'Restore "database-01" from "pre-upgrade-snapshot".': EXACT,
    "Restore 'database-01' from 'pre-upgrade-snapshot'": EXACT,
    "Restore \u201cdatabase-01\u201d from \u2018pre-upgrade-snapshot\u2019": EXACT,
    "Restore *database-01* from _pre-upgrade-snapshot_": EXACT,
    "Restore\u00a0database-01\u2003from\u202fpre-upgrade-snapshot": EXACT,
    "Restore data\u200bbase-01\u2060 from pre-upgrade-snapshot": EXACT,
    "Restore <http://db.prod-01.example.com|db.prod-01.example.com>": restore(
        "db.prod-01.example.com"
    ),
    "Restore db.prod-01.example.com.": restore("db.prod-01.example.com"),
    "Restore database-01 from snapshot <tel:20240115|20240115>": restore("database-01", "20240115"),
    "Restore database-01 from snapshot pre-upgrade": restore("database-01", "pre-upgrade"),
    "Restore database-01 from snapshot called pre-upgrade": restore("database-01", "pre-upgrade"),
    "Restore database-01 from snapshot 2024-01-15": restore("database-01", "2024-01-15"),
    "Restore database-01 from the `pre-upgrade` snapshot": restore("database-01", "pre-upgrade"),
    "Restore database-01 from `latest`": restore("database-01", "latest"),
    "Restore database-01 from backup nightly-0115": restore("database-01", "nightly-0115"),
    "Restore database-01 from pre-upgrade snapshot": DESCRIBED,
    "Restore database-01 to the Pre-Upgrade snapshot": DESCRIBED,
    "Restore database-01 to the pre-upgrade one": DESCRIBED,
    "Restore database-01 from the latest snapshot": replace(DB, described="latest"),
    "Restore database-01 from latest": replace(DB, described="latest"),
    "Restore database-01 to yesterday's snapshot": replace(DB, described="yesterday's"),
    "Restore database-01 to yesterday\u2019s snapshot": replace(DB, described="yesterday's"),
    "Restore database-01 to the snapshot from yesterday": replace(DB, described="yesterday"),
    "Restore database-01 from last night's backup": replace(DB, described="last night's"),
    "Restore database-01 to last known good": replace(DB, described="last known good"),
    "Restore database-01 to friday": replace(DB, described="friday"),
    "Restore database-01 from 2 hours ago": replace(DB, described="2 hours ago"),
    "Restore database-01 to 2024-01-15": replace(DB, described="2024-01-15"),
    "Restore database-01 to the snapshot before the upgrade": replace(
        DB, described="before the upgrade"
    ),
    "Restore database-01 from pre-upgrade-snapshot again": EXACT,
    "Restore database-01 from pre-upgrade-snapshot and tell me when it is done": EXACT,
    "Restore vm=database-01 snapshot=pre-upgrade-snapshot namespace=production": IN_PRODUCTION,
    "Restore database-01 from pre-upgrade-snapshot (namespace production)": IN_PRODUCTION,
    "Rollback to yesterday's snapshot for database-01": replace(DB, described="yesterday's"),
    "Restore snapshot pre-upgrade-snapshot on database-01": EXACT,
    "Restore database-01 from snapshot": DB,
    "Restore database-01 from a snapshot": DB,
    "Restore database-01's latest snapshot": replace(DB, described="latest"),
    "Restore the latest snapshot of database-01": replace(DB, described="latest"),
    "Restore snapshot pre-upgrade-snapshot of database-01": EXACT,
    "Restore snapshot pre-upgrade-snapshot to VM database-01": EXACT,
    "Restore VM": restore(),
    "Restore a VM from snapshot pre-upgrade-snapshot": restore(None, "pre-upgrade-snapshot"),
    "Restore VM: database-01\nNamespace: production\nSnapshot: pre-upgrade-snapshot": IN_PRODUCTION,
    "Restore database-01\nfrom pre-upgrade-snapshot\nin production": IN_PRODUCTION,
    "The database upgrade failed. Restore database-01 from snapshot pre-upgrade-snapshot": EXACT,
    "The database upgrade failed.\nRestore database-01 from pre-upgrade-snapshot\nThanks!": EXACT,
    "Really? Restore database-01 from pre-upgrade-snapshot": EXACT,
    "Restore database-01 from pre-upgrade-snapshot because it doesn't boot": EXACT,
    "Restore database-01 from pre-upgrade-snapshot, the upgrade failed": EXACT,
    "Restore database-01 from pre-upgrade-snapshot. Restore database-01 from pre-upgrade-snapshot": EXACT,
    "> restore web-01\nRestore database-01 from pre-upgrade-snapshot": EXACT,
    "Restore database-01 from pre-upgrade-snapshot\n```restore web-01```": EXACT,
    "We could not recover by hand. Restore database-01 from pre-upgrade-snapshot": EXACT,
}

# Start nothing, whether or not the bot was addressed: NONE, or UNKNOWN when it was.
STARTS_NOTHING = (
    "don't restore database-01",
    "don\u2019t restore database-01 from pre-upgrade-snapshot",
    "Do not restore database-01 from pre-upgrade-snapshot",
    "please do not restore database-01",
    "Never restore database-01 from backup",
    "we should not restore database-01",
    "Let's not roll back database-01",
    "should we restore database-01?",
    "Should we roll back database-01 to pre-upgrade snapshot?",
    "Restore database-01 from pre-upgrade-snapshot?",
    "restore database-01?!",
    "what if we restore database-01?",
    "did you restore database-01?",
    "did anybody restore database-01 from backup",
    "can we restore database-01?",
    "why restore database-01",
    "we restored database-01 from pre-upgrade-snapshot yesterday",
    "I was restoring database-01 when it broke",
    "he said restore database-01",
    'The runbook says "restore database-01 from pre-upgrade-snapshot"',
    "if it fails restore database-01",
    "If it fails, restore database-01 from pre-upgrade-snapshot",
    "In case it fails:\nrestore database-01 from pre-upgrade-snapshot",
    "Restore database-01 from pre-upgrade-snapshot if it fails",
    "Restore database-01 from pre-upgrade-snapshot unless it boots",
    "Restore database-01 tomorrow",
    "Restore database-01 from snapshot before lunch",
    "Restore database-01 (production) from pre-upgrade-snapshot",
    "Revert the last change",
    "Restore database-01 in 10 minutes",
    "Restore database-01 on monday",
    "Restore database-01 but not its disks",
    "Restore database-01 failed again",
    "Restore database-01 from pre-upgrade-snapshot failed again",
    "Restore database-01 from pre-upgrade-snapshot, done",
    "Restore database-01 from pre-upgrade-snapshot: complete",
    "Restore database-01 :white_check_mark:",
    "Restore database-01 \u2705",
    "Restore is running",
    "Restore complete",
    "Restore in progress",
    "Restore of database-01 done",
    "Restores are slow today",
    "> restore database-01 from pre-upgrade-snapshot",
    "&gt; restore database-01 from pre-upgrade-snapshot",
    ">>> restore database-01\nrestore database-01",
    "```restore database-01",
    "the restore of database-01 took an hour",
    "Revert commit abc123 on the release branch",
    "wait",
)

# Not said to the bot: silence.
OVERHEARD_ONLY = (
    "```\nrestore database-01 from pre-upgrade-snapshot\n```",
    "",
    "good morning",
    "help",
    "cancel",
    "list",
    "status of database-01",
    "start VM database-01",
    "please restore database-01 from pre-upgrade-snapshot",
    "can you restore database-01 from pre-upgrade-snapshot?",
    "Hey team, restore database-01",
    "The upgrade failed, restore database-01 from pre-upgrade-snapshot",
    ":rotating_light: restore database-01",
    "<@U0ALICE> restore database-01",
    "- Stop the app\n- Restore database-01 from pre-upgrade-snapshot",
    "1. Restore database-01 from pre-upgrade-snapshot",
    "Revert deployment",
    "Recover access",
    "Restore it",
    "Restore everything",
    "Restore :tada:",
    "Restore \U0001f389 now",
    "Restore to normal",
    "Recover 50%",
    "e.g. restore database-01",
    "Restore database-01 manually following the runbook",
)

ADDRESSED = {
    "```\nrestore database-01 from pre-upgrade-snapshot\n```": EXACT,
    "please:\n```restore database-01 from pre-upgrade-snapshot```": EXACT,
    "": ParsedRequest(Verb.HELP),
    "please restore database-01 from pre-upgrade-snapshot": EXACT,
    "can you restore database-01 from pre-upgrade-snapshot?": EXACT,
    "Could you please roll back database-01 to pre-upgrade snapshot?": DESCRIBED,
    "hey, would you restore database-01": DB,
    "Hey team, restore database-01 from pre-upgrade-snapshot": EXACT,
    ", restore database-01": DB,
    "I need you to restore database-01 from pre-upgrade-snapshot": EXACT,
    "we'd like to recover database-01": DB,
    "let's restore database-01": DB,
    "The upgrade failed, restore database-01 from pre-upgrade-snapshot": EXACT,
    "It doesn't boot, please restore database-01": DB,
    ":rotating_light: restore database-01 :pray:": DB,
    "restore": restore(),
    "restore it": restore(),
    "restore service": restore("service"),
    "restore database-01 pre-upgrade-snapshot": EXACT,
    "restore database-01 latest": replace(DB, described="latest"),
    "start a restore of database-01 from pre-upgrade-snapshot": EXACT,
    "- restore database-01": DB,
    "`restore database-01 from snapshot pre-upgrade-snapshot`": EXACT,
    "Please help. Restore database-01": DB,
    "help": ParsedRequest(Verb.HELP),
    "Help!": ParsedRequest(Verb.HELP),
    "how do I restore a VM?": ParsedRequest(Verb.HELP),
    "what can you do?": ParsedRequest(Verb.HELP),
    "cancel": ParsedRequest(Verb.CANCEL),
    "please cancel the restore": ParsedRequest(Verb.CANCEL),
    "cancel database-01": ParsedRequest(Verb.CANCEL, vm="database-01"),
    "stop restoring database-01": ParsedRequest(Verb.CANCEL, vm="database-01"),
    "list": ParsedRequest(Verb.LIST),
    "List snapshots for VM database-01": ParsedRequest(Verb.LIST, vm="database-01"),
    "show me the snapshots of database-01 in production": ParsedRequest(
        Verb.LIST, vm="database-01", namespace="production"
    ),
    "which snapshots does database-01 have?": ParsedRequest(Verb.LIST, vm="database-01"),
    "status": ParsedRequest(Verb.STATUS),
    "what's the status of database-01?": ParsedRequest(Verb.STATUS, vm="database-01"),
    "history of database-01": ParsedRequest(Verb.HISTORY, vm="database-01"),
    "take over": ParsedRequest(Verb.TAKE_OVER),
    "take over this restore": ParsedRequest(Verb.TAKE_OVER),
    "take over from <@U0ALICE>": ParsedRequest(Verb.TAKE_OVER, user="U0ALICE"),
    "take over database-01 from <@U0ALICE>": ParsedRequest(
        Verb.TAKE_OVER, vm="database-01", user="U0ALICE"
    ),
    "please take this over": ParsedRequest(Verb.TAKE_OVER),
    "take database-01 over": ParsedRequest(Verb.TAKE_OVER, vm="database-01"),
    "hand database-01 over to <@U0ALICE>": ParsedRequest(
        Verb.HANDOFF, vm="database-01", user="U0ALICE"
    ),
    "hand my restore over to <@U0ALICE>": ParsedRequest(Verb.HANDOFF, user="U0ALICE"),
    "takeover of database-01": ParsedRequest(Verb.TAKE_OVER, vm="database-01"),
    "claim database-01 in production": ParsedRequest(
        Verb.TAKE_OVER, vm="database-01", namespace="production"
    ),
    "take a snapshot of database-01": ParsedRequest(Verb.CREATE_SNAPSHOT, vm="database-01"),
    "hand off to <@U0BOB>": ParsedRequest(Verb.HANDOFF, user="U0BOB"),
    "hand this over to <@U0BOB|bob>": ParsedRequest(Verb.HANDOFF, user="U0BOB"),
    "handoff": ParsedRequest(Verb.HANDOFF),
    "freeze": ParsedRequest(Verb.FREEZE),
    "Start VM database-01 in namespace production": ParsedRequest(
        Verb.START, vm="database-01", namespace="production"
    ),
    "create a snapshot of database-01": ParsedRequest(Verb.CREATE_SNAPSHOT, vm="database-01"),
    "take a snapshot of database-01 before the upgrade": ParsedRequest(
        Verb.CREATE_SNAPSHOT, vm="database-01"
    ),
    "delete snapshot pre-upgrade of database-01": ParsedRequest(
        Verb.DELETE_SNAPSHOT, vm="database-01", snapshot="pre-upgrade"
    ),
    "clone database-01 to database-02": ParsedRequest(
        Verb.CLONE, vm="database-01", snapshot="database-02"
    ),
    "cancel :pray:": ParsedRequest(Verb.CANCEL),
    "status :eyes:": ParsedRequest(Verb.STATUS),
    "make coffee": ParsedRequest(Verb.UNKNOWN),
    "thanks": ParsedRequest(Verb.UNKNOWN),
}

COMMANDS = {
    "": restore(),
    "   ": restore(),
    "database-01": DB,
    "database-01 from pre-upgrade-snapshot in production": IN_PRODUCTION,
    "production/database-01 pre-upgrade-snapshot": IN_PRODUCTION,
    "database-01 pre-upgrade-snapshot": EXACT,
    "database-01 pre-upgrade-snapshot -n production": IN_PRODUCTION,
    "-n production database-01 --snapshot pre-upgrade-snapshot": IN_PRODUCTION,
    "--namespace=production --snapshot=pre-upgrade-snapshot --vm=database-01": IN_PRODUCTION,
    "--snapshot='pre-upgrade-snapshot' database-01": EXACT,
    "--snapshot=`pre-upgrade-snapshot` database-01": EXACT,
    "--SNAPSHOT pre-upgrade-snapshot database-01": EXACT,
    "database-01 --cluster East_1": replace(DB, cluster="East_1"),
    "database-01 \u2014snapshot pre-upgrade-snapshot \u2014namespace=production": IN_PRODUCTION,
    "database-01 pre-upgrade-snapshot \u2013n production": IN_PRODUCTION,
    "database-01\u00a0pre-upgrade-snapshot": EXACT,
    "`database-01` `pre-upgrade-snapshot`": EXACT,
    "`database-01 from pre-upgrade-snapshot`": EXACT,
    "db.prod-01.example.com snap-2026-11-22": restore("db.prod-01.example.com", "snap-2026-11-22"),
    "<http://db.prod.example.com|db.prod.example.com> snap-1": restore(
        "db.prod.example.com", "snap-1"
    ),
    "<http://db.prod.example.com/> snap-1": restore("db.prod.example.com", "snap-1"),
    "restore database-01 from pre-upgrade-snapshot": EXACT,
    "roll back database-01": DB,
    "please restore database-01": DB,
    "can you restore database-01?": DB,
    "The upgrade failed. Restore database-01 from pre-upgrade-snapshot": EXACT,
    "database-01 latest": replace(DB, described="latest"),
    "database-01 latest snapshot": replace(DB, described="latest"),
    "database-01 --snapshot latest": restore("database-01", "latest"),
    "database-01 from backup": replace(DB, described="backup"),
    "service": restore("service"),
    "--vm list": restore("list"),
    "--vm hlep": restore("hlep"),
    "hlep from pre-upgrade-snapshot": restore("hlep", "pre-upgrade-snapshot"),
    "list-01": restore("list-01"),
    "help": ParsedRequest(Verb.HELP),
    "HELP": ParsedRequest(Verb.HELP),
    "--help": ParsedRequest(Verb.HELP),
    "?": ParsedRequest(Verb.HELP),
    "list": ParsedRequest(Verb.LIST),
    "list production/database-01": ParsedRequest(
        Verb.LIST, vm="database-01", namespace="production"
    ),
    "status": ParsedRequest(Verb.STATUS),
    "history database-01": ParsedRequest(Verb.HISTORY, vm="database-01"),
    "cancel": ParsedRequest(Verb.CANCEL),
    "cancel database-01 -n production": ParsedRequest(
        Verb.CANCEL, vm="database-01", namespace="production"
    ),
    "takeover": ParsedRequest(Verb.TAKE_OVER),
    "take-over database-01": ParsedRequest(Verb.TAKE_OVER, vm="database-01"),
    "take over database-01 -n production --cluster east": ParsedRequest(
        Verb.TAKE_OVER, vm="database-01", namespace="production", cluster="east"
    ),
    "claim": ParsedRequest(Verb.TAKE_OVER),
    "handoff": ParsedRequest(Verb.HANDOFF),
    "handoff <@U0BOB|bob>": ParsedRequest(Verb.HANDOFF, user="U0BOB"),
    "handoff @bob": ParsedRequest(Verb.HANDOFF, user="@bob"),
    "handoff database-01 to <@W0BOB>": ParsedRequest(Verb.HANDOFF, vm="database-01", user="W0BOB"),
    "freeze production": ParsedRequest(Verb.FREEZE, namespace="production"),
    "unfreeze --cluster east": ParsedRequest(Verb.UNFREEZE, cluster="east"),
    "start database-01": ParsedRequest(Verb.START, vm="database-01"),
    "create-snapshot database-01": ParsedRequest(Verb.CREATE_SNAPSHOT, vm="database-01"),
    "delete-snapshot pre-upgrade": ParsedRequest(Verb.DELETE_SNAPSHOT, snapshot="pre-upgrade"),
    "clone database-01": ParsedRequest(Verb.CLONE, vm="database-01"),
    # Words of the language, where only a name can stand.
    "once from pre-upgrade-snapshot in production": replace(IN_PRODUCTION, vm="once"),
    "restore once from pre-upgrade-snapshot in production": replace(IN_PRODUCTION, vm="once"),
    "stop from if in production": restore("stop", "if", "production"),
    "database-01 to before": restore("database-01", "before"),
    "--vm once --snapshot before": restore("once", "before"),
    "production/cancel pre-upgrade-snapshot": replace(IN_PRODUCTION, vm="cancel"),
}

# The text of a command or of a sentence, and words that the problem must hold.
COMMAND_PROBLEMS = {
    "once": "--vm NAME",
    "database-01 once it is down": "--vm NAME",
    "Database-01": "names are lower case: did you mean `database-01`?",
    "database-01 Pre-Upgrade": "did you mean `pre-upgrade`?",
    "production/Database-01": "did you mean `database-01`?",
    "data_base": "cannot be a VM name",
    "database-01 --namespace prod.east": "cannot be a namespace name",
    f"database-01 -n {'n' * 64}": "at most 63 characters",
    f"{'v' * 254} snap": "at most 253 characters",
    "d\u0430tabase-01": "cannot be a VM name",
    "pre\u2014upgrade": "smart dash",
    "a/b/c": "cannot be a namespace name",
    "<!channel>": "without a mention",
    "<@U0ALICE>": "without a mention",
    "<database-01> from <snapshot>": "angle brackets",
    '"database 01"': "cannot be a VM name",
    "database-01 --snap x": "Did you mean `--snapshot`?",
    "database-01 --force": "`--force` is no flag",
    "database-01 --namespace": "needs a namespace name",
    "--snapshot --namespace production database-01": "needs a snapshot name",
    "production/database-01 -n staging": "Two namespaces",
    "database-01 --vm web-01": "Two VMs",
    "database-01 pre-upgrade --snapshot other": "Two snapshots",
    "database-01 from latest --snapshot other": "Two snapshots",
    "database-01 --snapshot other from latest": "Two snapshots",
    "database-01 in namespace": "did not understand `in namespace`",
    "database-01, web-01": "one VM",
    "database-01 and web-01 from pre-upgrade-snapshot": "one VM",
    "database-01 snap-1 snap-2 snap-3": "did not understand `snap-2 snap-3`",
    "don't restore database-01": "negation",
    "should we restore database-01?": "question",
    "database-01?": "question",
    "database-01 if it fails": "condition",
    "hlep": "Did you mean `/vm-restore help`? To restore a VM of that name write `/vm-restore --vm hlep`",
    "lits database-01": "`/vm-restore list database-01`",
    "statsu": "`/vm-restore status`",
    "Unfrezee": "`/vm-restore unfreeze`",
    "histroy of database-01": "`/vm-restore history of database-01`",
    ":database:": "`:database:` is an emoji, which is no VM name",
    ":database: pre-upgrade-snapshot": "Write the name without colons",
    "\U0001f525 database-01": "is an emoji",
    "production/:database: from pre-upgrade-snapshot": "cannot be a VM name",
    "list :database:": "`:database:` is an emoji",
    "database-01 from :camera:": "did not understand `from :camera:`",
    "handoff bob": "with an @",
    "handoff <@U0BOB> <@U0ALICE>": "one person",
    "cancel my dentist appointment": "For example: `cancel database-01`.",
    "list database-01 pre-upgrade": "For example: `list database-01 in production`.",
    "x" * 4001: "too long",
}
SENTENCE_PROBLEMS = {
    "Restore Database-01 from snapshot pre-upgrade-snapshot": "did you mean `database-01`?",
    "Restore Database-01": "did you mean `database-01`?",
    "Restore data_base from pre-upgrade-snapshot": "cannot be a VM name",
    "Restore <!channel> from pre-upgrade-snapshot": "without a mention",
    "Restore database-01 from <#C0FAKE|general>": "cannot be a snapshot name",
    "Restore :database: from snapshot pre-upgrade-snapshot": "`:database:` is an emoji",
    "Restore VM :database: in production": "`:database:` is an emoji",
    "Restore database-01 and web-01 from pre-upgrade-snapshot": "one VM",
    "Restore database-01, web-01": "one VM",
    "Restore web-01 or web-02 from pre-upgrade-snapshot": "one VM",
    "Restore database-01 & web-01": "one VM",
    "Restore database-01 from a-1. Restore web-01 from b-1.": "one restore at a time",
    "Restore database-01 from a-1.\nRestore database-01 from b-1.": "one restore at a time",
    "Restore database-01 from a-1. Wait.": "also says not to",
    "Don't restore web-01. Restore database-01 from a-1.": "also says not to",
    "Restore database-01 from snapshot a-1 to snapshot b-1": "Two snapshots",
    "Restore database-01 from a-1. " + "blah " * 1000: "too long",
}
ADDRESSED_PROBLEMS = {
    "statsu": "Did you mean `status`?",
    "please lits the snapshots": "Did you mean `list`?",
    "resotre database-01 from pre-upgrade-snapshot": "Did you mean `restore`?",
    "restore :database: pre-upgrade-snapshot": "`:database:` is an emoji",
    "restore all VMs": "one VM",
    "cancel it?": "question",
    "restore database-01 from latest using previous": "Two snapshots",
    "restore snapshot pre-upgrade-snapshot of it": "did not understand",
    "restore database-01 from <!channel> backup": "cannot be a snapshot name",
    "restore database-01. Then start web-01": "more than one thing",
    "restore database-01 from a-1 whatever happens": "did not understand `whatever happens`",
    "hello " * 1000: "too long",
}


@pytest.mark.parametrize("addressed", [False, True], ids=["overheard", "addressed"])
@pytest.mark.parametrize(("text", "wanted"), table(PLAIN))
def test_a_sentence_that_starts_with_the_verb_is_understood(
    text: str, wanted: ParsedRequest, *, addressed: bool
) -> None:
    if wanted.verb is Verb.NONE and addressed:
        wanted = ParsedRequest(Verb.UNKNOWN)
    assert parse_sentence(text, addressed=addressed) == wanted


@pytest.mark.parametrize("text", STARTS_NOTHING, ids=ascii)
def test_doubtful_words_start_nothing(text: str) -> None:
    assert parse_sentence(text, addressed=False) == NONE
    assert parse_sentence(text, addressed=True).verb is Verb.UNKNOWN


@pytest.mark.parametrize("text", OVERHEARD_ONLY, ids=ascii)
def test_words_that_nobody_said_to_the_bot_get_silence(text: str) -> None:
    assert parse_sentence(text, addressed=False) == NONE


@pytest.mark.parametrize(("text", "wanted"), table(ADDRESSED))
def test_words_said_to_the_bot(text: str, wanted: ParsedRequest) -> None:
    assert parse_sentence(text, addressed=True) == wanted


@pytest.mark.parametrize(("text", "wanted"), table(COMMANDS))
def test_the_text_of_the_slash_command(text: str, wanted: ParsedRequest) -> None:
    assert parse_command(text) == wanted


def test_bare_words_may_be_prose() -> None:
    prose = ("frobnicate the database", "frobnicate", "please, fix it", "works again")
    assert [text for text in prose if not names_alone(text)] == []
    plain = ("db -n prod", "prod/db snap", "db from snap", "`db` snap", "restore db", "--vm db")
    assert [text for text in plain if names_alone(text)] == []


@pytest.mark.parametrize(("text", "words"), COMMAND_PROBLEMS.items(), ids=lambda v: ascii(v)[:60])
def test_a_command_that_cannot_be_followed_is_answered_with_the_fix(text: str, words: str) -> None:
    assert words in (parse_command(text).problem or "")


@pytest.mark.parametrize("addressed", [False, True], ids=["overheard", "addressed"])
@pytest.mark.parametrize(("text", "words"), SENTENCE_PROBLEMS.items(), ids=lambda v: ascii(v)[:60])
def test_a_sentence_that_cannot_be_followed_is_answered_with_the_fix(
    text: str, words: str, *, addressed: bool
) -> None:
    assert words in (parse_sentence(text, addressed=addressed).problem or "")


@pytest.mark.parametrize(("text", "words"), ADDRESSED_PROBLEMS.items(), ids=lambda v: ascii(v)[:60])
def test_words_said_to_the_bot_that_cannot_be_followed(text: str, words: str) -> None:
    assert words in (parse_sentence(text, addressed=True).problem or "")


@pytest.mark.parametrize("text", ["should we restore database-01?", "restore database-01?"])
def test_a_question_is_told_that_nothing_was_started(text: str) -> None:
    assert "reads like a question" in (parse_sentence(text, addressed=True).problem or "")


def test_long_talk_that_asks_for_nothing_gets_silence() -> None:
    assert parse_sentence("the restore went well, " * 2000, addressed=False) == NONE


def test_a_problem_shows_at_most_a_line_of_what_was_typed_and_no_backtick_of_it() -> None:
    problem = parse_command("\u201c" + "a`b " * 300 + "\u201d").problem or ""
    assert len(problem) < 400
    assert "a`b" not in problem


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("production", "production"),
        ("`production`", "production"),
        ('"production".', "production"),
        ("in production", "production"),
        ("in namespace production", "production"),
        ("namespace production", "production"),
        ("the production namespace", "production"),
        ("it's production, please", "production"),
        ("namespace: production", "production"),
        ("production?", "production"),
        (" production\u00a0", "production"),
        ("Production", "Production"),
        ("pre\u2014upgrade", "pre\u2014upgrade"),
        ("<http://db.example.com|db.example.com>", "db.example.com"),
        ("the snapshot pre-upgrade-snapshot", "pre-upgrade-snapshot"),
        ("", None),
        ("namespace", None),
        ("what?", None),
        ("yes", None),
        ("I think production", None),
        ("production or staging", None),
        ("production\nstaging", None),
        ("<@U0ALICE>", None),
        ("<!channel>", None),
        (":tada:", None),
        ("production/database-01", None),
        ("$(reboot)", None),
        ("p" * 300, None),
        ("p " * 3000, None),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_reply_of_one_name_is_told_from_conversation(text: str, wanted: str | None) -> None:
    assert single_name(text) == wanted


@pytest.mark.parametrize(
    ("part", "name", "words"),
    [
        (Part.VM, "database-01", None),
        (Part.VM, "db.prod-01", None),
        (Part.VM, "-db", "cannot be a VM name"),
        (Part.VM, "db-", "cannot be a VM name"),
        (Part.VM, "db..a", "cannot be a VM name"),
        (Part.VM, "db\n", "cannot be a VM name"),
        (Part.VM, "\uff44\uff42", "Did you mean `db`?"),
        (Part.SNAPSHOT, "s" * 253, None),
        (Part.SNAPSHOT, "s" * 254, "at most 253"),
        (Part.NAMESPACE, "Production", "did you mean `production`?"),
        (Part.NAMESPACE, "db.prod", "cannot be a namespace name"),
        (Part.CLUSTER, "East_1", None),
        (Part.CLUSTER, "east 1", "cannot be a cluster name"),
    ],
)
def test_names_are_checked_and_never_corrected(part: Part, name: str, words: str | None) -> None:
    problem = name_problem(part, name)
    assert (problem is None) == (words is None)
    assert is_name(part, name) == (words is None)
    assert (words or "") in (problem or "")


# --- properties ------------------------------------------------------------------------------

LABELS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
# The digit keeps a drawn name from being an English word that the parser knows.
NAMES = st.builds("{}-{}".format, LABELS, st.integers(0, 99))
PIECES = (
    "restore roll back database-01 Database-01 from to in on snapshot namespace the latest "
    "if don't should ? . , : - -- --snapshot --vm= -n ` ``` \" ' > < <@U1> <!channel> :x: "
    "<http://a.b|a.b> \n \u00a0 \u2014 \u201c \u200b list handoff cancel @bob and"
)
MESSY = st.lists(st.sampled_from(PIECES.split(" ")), max_size=15).map(" ".join)


@STEADY
@given(text=st.text(max_size=300) | MESSY, addressed=st.booleans())
def test_any_text_is_read_without_an_error_into_valid_names(text: str, *, addressed: bool) -> None:
    for request in (parse_sentence(text, addressed=addressed), parse_command(text)):
        assert request.vm is None or is_name(Part.VM, request.vm)
        assert request.namespace is None or is_name(Part.NAMESPACE, request.namespace)
        assert request.snapshot is None or is_name(Part.SNAPSHOT, request.snapshot)
        assert request.cluster is None or is_name(Part.CLUSTER, request.cluster)
        assert request.snapshot is None or request.described is None
    name = single_name(text)
    assert name is None or not any(char.isspace() for char in name)


@STEADY
@given(text=MESSY)
def test_names_come_from_the_text_and_from_nowhere_else(text: str) -> None:
    request = parse_command(text)
    for name in (request.vm, request.namespace, request.snapshot, request.cluster):
        assert name is None or name in text


@STEADY
@given(text=st.text(string.printable, max_size=300))
def test_overheard_text_without_the_verb_at_a_sentence_start_is_silence(text: str) -> None:
    words = [word.strip(string.punctuation).lower() for word in text.split()]
    if not {"restore", "roll", "rollback", "roll-back", "recover", "revert"} & set(words):
        assert parse_sentence(text, addressed=False) == NONE


@STEADY
@given(vm=NAMES, lead=st.sampled_from(["so", "please", "we could", "Bob,", ":fire:", "(", "<@U1>"]))
def test_overheard_words_count_only_when_the_verb_comes_first(vm: str, lead: str) -> None:
    assert parse_sentence(f"{lead} restore {vm}", addressed=False) == NONE
    assert parse_sentence(f"restore {vm}", addressed=False) == restore(vm)


@STEADY
@given(vm=NAMES, snapshot=NAMES, namespace=LABELS, style=st.integers(0, 5))
def test_a_written_request_is_read_back(vm: str, snapshot: str, namespace: str, style: int) -> None:
    wanted = restore(vm, snapshot, namespace)
    command = (
        f"{vm} from {snapshot} in namespace {namespace}",
        f"`{namespace}/{vm}` {snapshot}",
        f"--vm {vm} --snapshot {snapshot} -n {namespace}",
        f"-n={namespace} --snapshot={snapshot} {vm}",
        f"{vm} {snapshot} --namespace `{namespace}`",
        f"restore {vm} in namespace `{namespace}` from snapshot {snapshot}",
    )[style]
    assert parse_command(command) == wanted
    sentence = f"It broke. Restore VM {vm} from snapshot {snapshot} in `{namespace}`."
    assert parse_sentence(sentence, addressed=False) == wanted


@STEADY
@given(
    vm=NAMES,
    snapshot=NAMES,
    doubt=st.sampled_from(
        ["don't {}", "do not {}", "never {}", "should we {}?", "if it fails {}", "what if we {}?"]
    ),
)
def test_a_doubt_before_any_request_starts_nothing(vm: str, snapshot: str, doubt: str) -> None:
    text = doubt.format(f"restore {vm} from {snapshot}")
    assert parse_sentence(text, addressed=False) == NONE
    assert parse_sentence(text, addressed=True).verb is Verb.UNKNOWN
    assert parse_command(text).problem is not None
