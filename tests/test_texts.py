"""The words: all in one place, none missing, none left over, every gap filled."""

import ast
import importlib
import pkgutil
import re
import string
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from bot import texts as bot_texts
from bot.request import Part, Verb
from bot.restore.diagnosis.model import Cause
from bot.restore.events import Button, Reply
from bot.restore.model import Consistency, Phase
from bot.restore.reasons import Reason
from bot.restore.rules import StopWhen, VolumePolicy
from bot.texts import (
    answers,
    cards,
    diagnosis,
    form,
    general,
    lists,
    refusals,
    requests,
    results,
    stopping,
)
from bot.texts.diagnosis import CauseText
from bot.texts.refusals import RefusalText

BOT = Path(__file__).parent.parent / "bot"
SPEAKING = sorted(
    [
        *(BOT / "request").rglob("*.py"),
        *(BOT / "restore").rglob("*.py"),
        *(BOT / "slack").rglob("*.py"),
        BOT / "reconciler.py",
        BOT / "look.py",
    ]
)
"""The rooms whose results people read in Slack."""
NOT_FOR_PEOPLE = {
    "restore/access.py": "settings and their errors are for operators",
    "restore/diagnosis/objects.py": "words of the cluster that are recognised, not said",
    "restore/diagnosis/said.py": "as above",
    "restore/audit.py": "the audit stream is for operators",
    "request/vocabulary.py": "words that are understood, not said",
    "slack/inbound/http_receiver.py": "what the server tells Slack, not people",
    "slack/api/error_codes.py": "what the bot does about a code: for the log",
    "slack/inbound/socket_receiver.py": "why nothing comes in: for the log and /readyz",
    "slack/api/answers.py": "what an answer is that is not Slack's: for the log and /readyz",
    "slack/api/client.py": "why nothing goes out: for the log and /readyz",
    "slack/deliveries.py": "what is stored, and why it does not load: for the log",
    "slack/periodic_tasks.py": "what is stored, and why it does not load: for the log",
    "slack/manifest.py": "why the bot asks for each scope: for those who install it",
}
UNSAID = {
    "log": "log lines are for operators",
    "told": "a log line of one of several levels",
    "Permanent": "errors are for the log",
    "Temporary": "errors are for the log",
    "Uncertain": "errors are for the log",
    "Field": "settings are for operators",
    "compile": "a pattern is no sentence",
    "words": "words that are understood, not said",
}
"""Calls whose texts nobody reads in Slack."""


def texts() -> dict[str, object]:
    """Every constant of every module of words, by "module.NAME"."""
    found: dict[str, object] = {}
    for each in pkgutil.iter_modules(bot_texts.__path__):
        module = importlib.import_module(f"bot.texts.{each.name}")
        found |= {f"{each.name}.{k}": v for k, v in vars(module).items() if k.isupper()}
    return found


def said(value: object) -> Iterator[str]:
    """The single texts of a constant."""
    match value:
        case str():
            yield value
        case RefusalText(found=found, expected=expected, next=onward):
            yield from (found, expected, onward)
        case CauseText(likely=likely, next=onward, who=who, command=command):
            yield from (likely, onward, who, command)
        case Mapping():
            yield from (text for each in value.values() for text in said(each))
        case tuple():
            yield from (text for each in value for text in said(each))


def gaps(value: object) -> set[str]:
    """The names in braces, those aside that `bot/texts/names.py` knows."""
    return {
        name
        for text in said(value)
        for _, name, _, _ in string.Formatter().parse(text)
        if name and name != "slash"
    }


def test_the_bot_says_i() -> None:
    """One of "I" and "the bot", wherever it speaks; the default contact is a setting."""
    third = re.compile(r"\b(?:the|this) bot\b|\bbot's\b", re.IGNORECASE)
    found = {name for name, value in texts().items() if any(map(third.search, said(value)))}
    assert found == {"refusals.CONTACT"}


# --- in one place -----------------------------------------------------------------------------


def sentences(path: Path) -> Iterator[str]:
    """What looks like a sentence in a module, docstrings and what is not for people aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    ignored = {id(inner) for node in ast.walk(tree) if unsaid(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) not in ignored and (text := literal(node)) and reads_like_a_sentence(text):
            yield f"line {getattr(node, 'lineno', '?')}: {text}"


def unsaid(node: ast.AST) -> bool:
    """A docstring, an annotation's string, a failed assertion, or a call that only tells a log."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Raise() | ast.Assert():
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name))) if name in UNSAID:
            return True
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return name in UNSAID
        case _:
            return False


def literal(node: ast.AST) -> str:
    """The text of a string or an f-string; its gaps are empty braces."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=values):
            return "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in values)
        case _:
            return ""


def reads_like_a_sentence(text: str) -> bool:
    """Two words or more, or one with a gap beside it. `<!…>` is Slack's own markup."""
    text = re.sub(r"<!.*?>", "", re.sub(r"\{\w*\}", "{}", text))
    spoken = [part for part in text.split() if re.search(r"[A-Za-z]{2,}", part)]
    return len(spoken) > 1 or ("{" in text and bool(spoken) and " " in text.strip())


def test_what_people_read_stands_in_the_words() -> None:
    for path in SPEAKING:
        if str(path.relative_to(BOT)) not in NOT_FOR_PEOPLE:
            assert list(sentences(path)) == [], path


def test_what_the_app_is_called_stands_in_one_place() -> None:
    """Elsewhere a text has the gap {slash}, or is given the name."""
    called = re.compile(r"[/@]vm-restore\b(?!-)")
    for path in [*SPEAKING, *(BOT / "texts").glob("*.py"), *(BOT / "check").glob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        ignored = {id(each) for node in ast.walk(tree) if unsaid(node) for each in ast.walk(node)}
        found = [
            text
            for node in ast.walk(tree)
            if id(node) not in ignored and called.search(text := literal(node))
        ]
        assert found == (["/vm-restore"] if path == BOT / "texts" / "names.py" else []), path


# --- none left over, every gap filled -----------------------------------------------------------


def modules() -> Iterator[ast.Module]:
    """Every module that may use the words."""
    for path in sorted(BOT.rglob("*.py")):
        if "playground" not in path.parts:
            yield ast.parse(path.read_text(encoding="utf-8"))


def test_no_text_is_left_over() -> None:
    used: set[str] = set()
    for tree in modules():
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(attr=name) | ast.alias(name=name):
                    used.add(name)
                case ast.Name(id=name, ctx=ast.Load()):
                    used.add(name)
    assert {name for name in texts() if name.partition(".")[2] not in used} == set()


def spoken(tree: ast.Module) -> dict[str, str]:
    """How a module calls the modules of words: alias -> name."""
    return {
        name.asname or name.name: name.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "bot.texts"
        for name in node.names
    }


def filled(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    """Texts that are filled on the spot, and with what: `X.format(...)`, `fill(X, ...)`."""
    known = spoken(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or any(word.arg is None for word in node.keywords):
            continue
        given = {word.arg for word in node.keywords if word.arg}
        match node.func:
            case ast.Attribute(value=target, attr="format"):
                yield from ((name, given) for name in named(target, known))
            case ast.Name(id="fill"):
                yield from ((name, given) for name in named(node.args[0], known))
            case ast.Name(id="worded"):
                yield from ((name, given) for name in named(node.args[0], known))
            case ast.Attribute(attr="telling"):
                yield from ((name, given) for name in named(node.args[1], known))


def named(node: ast.AST, known: dict[str, str]) -> Iterable[str]:
    """The texts that an expression may be."""
    match node:
        case ast.Attribute(value=ast.Name(id=module), attr=text) if module in known:
            yield f"{known[module]}.{text}"
        case ast.Attribute(value=ast.Attribute() as inner) | ast.Subscript(value=inner):
            yield from named(inner, known)
        case ast.IfExp(body=one, orelse=other):
            yield from (*named(one, known), *named(other, known))


def test_every_gap_is_filled() -> None:
    known, checked = texts(), 0
    for tree in modules():
        for name, given in filled(tree):
            checked += 1
            part = gaps(known[name])
            assert part <= given, f"{name} wants {part - given}"
    assert checked > 200


# --- none missing -----------------------------------------------------------------------------

COMPLETE: dict[str, tuple[Mapping[str, object], type[StrEnum]]] = {
    "a label for every button": ({**general.LABELS, "use-proposal": general.USE}, Button),
    "a state for every phase": (general.STATES, Phase),
    "a heading for every reason": (results.HEADINGS, Reason),
    "an answer for every reply": (answers.REPLIES, Reply),
    "a text for every cause": (diagnosis.CAUSES, Cause),
    "a meaning for every consistency": (cards.CONSISTENCIES, Consistency),
    "an option for every consistency": (form.CONSISTENCIES, Consistency),
    "a timing for every stop": (stopping.STOP_TIMING, StopWhen),
    "a rule for every name": (requests.RULES, Part),
}


@pytest.mark.parametrize("wanted", COMPLETE)
def test_there_is(wanted: str) -> None:
    mapping, kind = COMPLETE[wanted]
    assert set(mapping) == {member.value for member in kind}


def test_every_volume_policy_is_explained_and_none_as_well() -> None:
    assert set(cards.OLD_VOLUMES) == {None, *(member.value for member in VolumePolicy)}


def test_every_phase_before_the_end_has_a_line_in_status() -> None:
    assert set(lists.STATUS_PHASES) == {each.value for each in Phase if not each.ended}


def test_keys_that_name_a_verb_name_one() -> None:
    assert {*requests.EXAMPLES, *answers.OTHER_WISHES} <= {verb.value for verb in Verb}


def test_the_card_reads_readiness_out_of_what_the_core_says() -> None:
    error = refusals.SNAPSHOT_ERROR.format(error="no space")
    found = refusals.SNAPSHOT_NOT_READY.found.format(status="Failed", ready="false", error=error)
    read = re.fullmatch(refusals.READINESS, found)
    assert read
    assert read.groupdict() == {"status": "Failed", "ready": "false", "error": "no space"}


# --- well said --------------------------------------------------------------------------------


def test_a_text_is_well_formed() -> None:
    """Its gaps have names, nothing is doubled, and markup comes in pairs."""
    for name, text in ((name, text) for name, value in texts().items() for text in said(value)):
        unnamed = [gap for _, gap, _, _ in string.Formatter().parse(text) if gap in ("", "0")]
        assert not unnamed, name
        assert "  " not in text, name
        assert text.count("`") % 2 == 0, name
