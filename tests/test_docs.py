"""What the documentation tells people to type exists, and its links lead somewhere."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from bot import cli
from bot.settings import build

HOUSE = Path(__file__).parent.parent
PAGES = sorted([HOUSE / "README.md", HOUSE / "CONTRIBUTING.md", *HOUSE.glob("docs/**/*.md")])
FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
TYPED = re.compile(r"\bvm-restore-bot(?::[\d.]+)? ((?:[a-z]+ ?)+(?:[^|>#`\n]*))")
LINK = re.compile(r"\]\((?!https?:)([^)\s]*)\)")
VALUES: dict[str, Any] = yaml.safe_load((HOUSE / "helm/vm-restore-bot/values.yaml").read_text())
TOKENS = {"SLACK_BOT_TOKEN": "xoxb-1-1-x", "SLACK_APP_TOKEN": "xapp-1-A1-1-x"}


def blocks(language: str) -> list[tuple[str, str]]:
    """The page and the text of each fenced block of a language."""
    return [
        (page.name, text)
        for page in PAGES
        for _, named, text in FENCED.findall(page.read_text("utf-8"))
        if named == language
    ]


def commands() -> list[tuple[str, str]]:
    """The page and each call of the program in a block or in a line of text."""
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        inside = [block for _, named, block in FENCED.findall(text) if named == "sh"]
        inside += re.findall(r"`(vm-restore-bot [^`]+)`", FENCED.sub("", text))
        for block in inside:
            lines = block.replace("\\\n", " ").splitlines()
            found += [(page.name, call) for line in lines for call in TYPED.findall(line)]
    return found


def wrong(call: str) -> str:
    """Why the program would not take this call; "" if it would."""
    command: Any = typer.main.get_command(cli.app)
    words = shlex.split(call, comments=True)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        found = command.commands.get(words[0])
        if found is None:
            return f"no command {words[0]}"
        command, words = found, words[1:]
    options = {name for each in command.params for name in each.opts}
    unknown = [
        word for word in words if word.startswith("--") and word.split("=")[0] not in options
    ]
    return f"no option {unknown}" if unknown else ""


def test_each_command_in_the_documentation_exists() -> None:
    found = [
        each
        for each in commands()
        # Releases are called like the program: `helm install vm-restore-bot helm/…`.
        if not each[1].startswith("helm")
    ]
    assert len(found) > 20
    assert [(page, call, why) for page, call in found if (why := wrong(call))] == []


@pytest.mark.parametrize("call", ["chek", "restores list --endd", "audit exprt"])
def test_what_does_not_exist_is_found(call: str) -> None:
    assert wrong(call)


def test_each_value_of_the_chart_in_the_documentation_exists() -> None:
    set_ = re.compile(r"--set '?([\w.]+)=")
    for page, text in blocks("sh"):
        for path in set_.findall(text):
            held: Any = VALUES
            for part in path.split("."):
                assert part in held, f"{page}: --set {path}"
                held = held[part]


def test_each_example_of_values_is_one_that_the_bot_takes(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("{}")
    looked_at = 0
    for page, text in blocks("yaml"):
        tree = yaml.safe_load(text.replace("/etc/clusters/west", str(kubeconfig)))
        if not isinstance(tree, dict) or not tree.keys() & {"config", "extraEnv", "image"}:
            continue
        assert tree.keys() <= VALUES.keys(), page
        build(TOKENS, tree.get("config", {}))
        looked_at += 1
    assert looked_at >= 3


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def test_each_link_leads_somewhere() -> None:
    missing = []
    for page in PAGES:
        for link in LINK.findall(FENCED.sub("", page.read_text("utf-8"))):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                missing.append((page.name, link))
    assert missing == []
