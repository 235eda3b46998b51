"""Guards taken out of the code one by one: does a fast test notice?

`make mutants` copies the code to a temporary folder, changes one place of the copy at a time, and runs
the tests that should fail then. It ends with exit code 1 if one of them does not. A guard that is new
or changes gets its lines in `MUTANTS`; tests/test_mutants.py holds that each of them can be tried.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).parent.parent.parent
COPIED = ("bot", "docs", "tests", "pyproject.toml")
FAILED, PASSED = 1, 0
"""Exit codes of pytest. Any other is no answer: the tests were not found, or did not load."""
LIMIT = 300.0
"""Seconds after which the tests of a mutant are ended; one that spins for ever is noticed, too."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of the code that a test must notice."""

    file: str
    old: str
    """Stands exactly once in the file."""
    new: str
    test: str
    """The file of the fast test that notices."""

    def __str__(self) -> str:
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        return f"{self.file}: {old} -> {new or 'nothing'}"

    def applied(self, text: str) -> str:
        """The text of the file with the change in it; ValueError if its place is not clear."""
        if text.count(self.old) != 1:
            raise ValueError(f"stands {text.count(self.old)} times: {self}")
        return text.replace(self.old, self.new)


def of(file: str, test: str, *changes: tuple[str, str]) -> tuple[Mutant, ...]:
    """Several changes of one file that one test file notices."""
    return tuple(Mutant(file, old, new, test) for old, new in changes)


_LEASED = "bodies.restore(effect, simpler), before=before)"
_UNKNOWN = "refusal.code != 400 or _UNKNOWN_READINESS not in refusal.text"
_OWN = "not (each.name == own and each.restore_id == restore.id)"
_REASON = 'return text(condition, "reason") or text(condition, "message")'
_COPY = "made is None or made.to != event.to or sent"
_DUE = "return now if moved else now + timedelta(seconds=_BRISK)"
_OFFERED = "(offer is not None and person.id == offer.to)"
_STANDS = "string.sub(stood, 1, #ts + 1) == ts .. '|'"
_NAMED = (
    "named = restore.phase in (Phase.GATHERING, Phase.TYPING) and single_name(text) is not None"
)

MUTANTS = (
    *of(
        "bot/cluster/create.py",
        "tests/cluster/test_cluster_perform.py",
        (_LEASED, "bodies.restore(effect, simpler))"),
        (_UNKNOWN, "refusal.code != 400"),
        (_UNKNOWN, "_UNKNOWN_READINESS not in refusal.text"),
    ),
    *of(
        "bot/cluster/parse.py",
        "tests/cluster/test_cluster_parse.py",
        (_REASON, 'return text(condition, "reason")'),
    ),
    *of(
        "bot/restore/locks.py",
        "tests/restore/test_checks.py",
        (_OWN, "not (each.name == own)"),
        (_OWN, "not (each.restore_id == restore.id)"),
    ),
    *of(
        "bot/restore/denials.py",
        "tests/restore/test_denials.py",
        ("if name.endswith(_OF_KUBEVIRT):", "if False:"),
        ("lacks = rejection.code == 401", "lacks = False"),
        ('(mark["webhook"] or "").endswith(_OF_KUBEVIRT)', "True"),
        ("_STRATEGY.fullmatch(rejection", "_STRATEGY.search(rejection"),
    ),
    *of(
        "bot/restore/locks.py",
        "tests/restore/test_checks.py",
        (
            "Lock(texts.SNAPSHOT_COMPLETE, marked, passes=True)",
            "Lock(texts.SNAPSHOT_COMPLETE, marked)",
        ),
        ("Lock(texts.RESTORE_ABSENT, marked, absent=True)", "Lock(texts.RESTORE_ABSENT, marked)"),
        ("if other.deleting:", "if False:"),
        ("if is_stuck(other.progressing):", "if False:"),
    ),
    *of(
        "bot/restore/phases/stopping.py",
        "tests/restore/test_stopping_table.py",
        ("not cause.stays and result.code", "result.code"),
    ),
    *of(
        "bot/restore/phases/stopping.py",
        "tests/restore/test_workflow_matrix.py",
        ("isinstance(effect, ClearVmi) and effect.uid != stop.vmi", "False"),
    ),
    *of(
        "bot/cluster/rights.py",
        "tests/cluster/test_cluster_rights.py",
        ("known[1] == refused and ", ""),
        ('not strings(rule, "resourceNames")', "True"),
        ("await self._rules(namespace) if namespace else []", "await self._rules('default')"),
    ),
    *of(
        "bot/restore/handoff.py",
        "tests/restore/test_handover.py",
        (_COPY, "made is None or sent"),
        (_COPY, "made is None or made.to != event.to"),
    ),
    *of(
        "bot/restore/preview.py",
        "tests/restore/test_preview.py",
        ("if v.holds_data and v.claim)", "if v.holds_data)"),
        ("if v.holds_data and v.claim)", "if v.claim)"),
    ),
    *of(
        "bot/restore/policy.py",
        "tests/restore/test_policy.py",
        (_OFFERED, "offer is not None"),
        ("if person.id == restore.owner or (offer", "if (offer"),
    ),
    *of(
        "bot/restore/workflow.py",
        "tests/restore/test_next_due.py",
        (_DUE, "return now"),
        ("restore.job.wait_until and restore.job.wait_until > now", "restore.job.wait_until"),
        ("(restore.deadline, _offered_until(restore))", "(restore.deadline,)"),
    ),
    *of(
        "bot/restore/edits.py",
        "tests/restore/test_workflow.py",
        ('"trouble": None, "trouble_since": None}', '"trouble": None}'),
    ),
    *of(
        "bot/restore/stops.py",
        "tests/restore/test_put_back.py",
        ("return _perhaps_used(restore, observation, vm)", "return ()"),
        ("observation.by_our_clock(vm.down_since)", "vm.down_since"),
        ("restore.question is not None or stop is None", "stop is None"),
    ),
    *of(
        "bot/store/lua/lease.lua",
        "tests/store/test_store_queue.py",
        ("HEXISTS', prefix .. member, 'doc') == 0", "HEXISTS', prefix .. member, 'doc') == 2"),
        ("elseif not redis.call('ZSCORE', due, member) then", "elseif false then"),
    ),
    *of(
        "bot/store/lua/invalidate_card.lua",
        "tests/store/test_store_queue.py",
        (f"if stood and {_STANDS} then", "if stood then"),
        ("  ask_for(due, record, member, now, now, 'LT')\n", ""),
    ),
    *of(
        "bot/slack/inbound/dispatcher.py",
        "tests/slack/test_dispatcher.py",
        ("here if each.restore.owner == caller.user]", "here]"),
        ("exact or asking or live", "asking or live"),
        ("each.owner == caller.user and (begun or moved)", "(begun or moved)"),
        ("begun = thread_ref.channel == caller.channel and thread_ref", "begun = thread_ref"),
        (_NAMED, "named = False"),
    ),
    *of(
        "bot/slack/handlers/apply_event.py",
        "tests/slack/test_apply_event.py",
        ("card is None or card.ts is None", "card is None"),
        ("slack_order(card.ts) < slack_order(ts)", "slack_order(card.ts) <= slack_order(ts)"),
    ),
    *of(
        "bot/store/lua/commit.lua",
        "tests/store/test_store_restores.py",
        ("if enough then return enough end", ""),
    ),
    *of(
        "bot/store/lua/parts.lua",
        "tests/store/test_store_restores.py",
        ("\n      and redis.call('ZSCORE', living, other)", ""),
        ("seen[1] == held and seen[2]", "seen[1] == held"),
    ),
    *of(
        "bot/restore/one_too_many.py",
        "tests/store/test_store_restores.py",
        ("(restore.phase.ended or left_behind)", "restore.phase.ended"),
    ),
    *of(
        "bot/slack/inbound/throttle.py",
        "tests/stories/test_too_many.py",
        ("delivery.attempts > 1 or ", ""),
        (" or _about_a_restore(parsed)", ""),
    ),
)


def code_of(mutant: Mutant, house: Path) -> int:
    """The exit code of the tests with this mutant in the code of a folder, which is as before then."""
    file = house / mutant.file
    text = file.read_text(encoding="utf-8")
    file.write_text(mutant.applied(text), encoding="utf-8")
    # Byte code of a copy could be of another mutant: it is told by second and size.
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-n", "0", mutant.test]
    try:
        return subprocess.run(  # noqa: S603 - the command is fixed but for the names of our tests
            [*command, "-p", "no:randomly", "-p", "no:cacheprovider"],
            cwd=house,
            capture_output=True,
            timeout=LIMIT,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return FAILED
    finally:
        file.write_text(text, encoding="utf-8")


def main() -> int:
    """Try them all, or those of one file; say of each what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", default="", help="only mutants of files with this in their name")
    only = parser.parse_args().file
    words = {FAILED: "noticed", PASSED: "NOT NOTICED"}
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        house = Path(folder)
        for name in COPIED:
            if (HOUSE / name).is_dir():
                leave = shutil.ignore_patterns("__pycache__")
                shutil.copytree(HOUSE / name, house / name, ignore=leave)
            else:
                shutil.copy2(HOUSE / name, house / name)
        for mutant in (each for each in MUTANTS if only in each.file):
            code = code_of(mutant, house)
            bad += code != FAILED
            said = words.get(code, f"NO ANSWER (exit code {code})")
            sys.stdout.write(f"{said:12} {mutant}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{bad} not noticed\n" if bad else "all noticed\n")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
