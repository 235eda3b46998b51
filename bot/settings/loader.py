"""The only reader of the environment and of the YAML file.

Secrets and addresses come from the environment, everything else from the file that
`VM_RESTORE_CONFIG` names. `load` returns one frozen tree, or raises one `Misconfigured` with a line
for every wrong key.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from bot.errors import Misconfigured
from bot.restore.access import ANY
from bot.settings.messages import VARIABLES, Problem, nearest, problem
from bot.settings.schema import AppSettings, ClusterSettings, Settings
from bot.telemetry import redact
from bot.texts.names import AppNames

ONLY: Final = "default"
"""The name of the cluster when the file names none."""


def load(env: Mapping[str, str] = os.environ) -> Settings:
    """The settings from this environment and the file it names, or one `Misconfigured`."""
    path = env.get("VM_RESTORE_CONFIG", "").strip()
    try:
        tree = _read(Path(path)) if path else {}
    except ValueError as error:
        return build(env, {}, [Problem("VM_RESTORE_CONFIG", str(error))])
    return build(env, tree)


def app_names(env: Mapping[str, str] = os.environ) -> AppNames:
    """The app's names alone, which are wanted before there is an app with tokens."""
    path = env.get("VM_RESTORE_CONFIG", "").strip()
    try:
        given = (_read(Path(path)) if path else {}).get("app")
        return AppSettings.model_validate({} if given is None else given).names
    except ValidationError as error:
        wrong = error.errors(include_url=False)
        found = [problem({**each, "loc": ("app", *each["loc"])}, env) for each in wrong]
    except ValueError as error:
        found = [Problem("VM_RESTORE_CONFIG", str(error))]
    raise _misconfigured(found)


def build(
    env: Mapping[str, str], tree: Mapping[str, Any], problems: Sequence[Problem] = ()
) -> Settings:
    """The settings from an environment and the content of the file."""
    given = {name: value for name in VARIABLES if (value := _given(env, name))}
    sections = {key: value for key, value in tree.items() if value is not None}
    found = [*problems, *_unreachable(given), *_misplaced(sections)]
    try:
        settings = Settings.model_validate({**sections, "environment": given})
    except ValidationError as error:
        found += [problem(details, env) for details in error.errors(include_url=False)]
        raise _misconfigured(found) from None
    settings = _with_clusters(settings)
    if found := [*found, *_conflicts(settings)]:
        raise _misconfigured(found)
    return settings


def _given(env: Mapping[str, str], name: str) -> str:
    """A variable, stripped. Those of proxies are usual in small letters, too."""
    small = env.get(name.lower(), "") if name.endswith("_PROXY") else ""
    return env.get(name, "").strip() or small.strip()


def _misconfigured(problems: Iterable[Problem]) -> Misconfigured:
    lines = dict.fromkeys(redact(f"{key}: {text}") for key, text in problems)
    return Misconfigured("\n".join(lines))


# --- The file -----------------------------------------------------------------------------------


def _read(path: Path) -> dict[str, Any]:
    """The content of the file; a ValueError says why it cannot be used at all."""
    try:
        tree = parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {path} ({error.strerror}); write the right path") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8; save it as such") from error
    except ValueError as error:
        raise ValueError(f"{path} is no YAML; fix {error}") from error
    match tree:
        case None:
            return {}
        case dict():
            return {str(key): value for key, value in tree.items()}
        case _:
            raise ValueError(f"{path} must hold a mapping; see config/example.yaml")


def parse(text: str) -> Any:
    """What a YAML text holds. A ValueError names the line; it quotes nothing but a doubled key."""
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        _no_twins(node)
        return loader.construct_document(node) if node else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "it"
        raise ValueError(f"{where}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ValueError("it: a character that YAML does not allow") from error


def _no_twins(node: yaml.Node | None) -> None:
    """Refuse a key that stands twice: of two access lists, which one would hold?"""
    match node:
        case yaml.MappingNode():
            seen = set()
            for key, value in node.value:
                name = key.value if isinstance(key, yaml.ScalarNode) else id(key)
                if name in seen:
                    raise ValueError(f"line {key.start_mark.line + 1}: `{name}` stands twice")
                seen.add(name)
                _no_twins(value)
        case yaml.SequenceNode():
            for item in node.value:
                _no_twins(item)


# --- What is wrong ------------------------------------------------------------------------------


def _unreachable(given: Mapping[str, str]) -> Iterator[Problem]:
    if not {"SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"} & set(given):
        yield Problem(
            "SLACK_APP_TOKEN",
            "is missing; set it (xapp-…) for Socket Mode, "
            "or set SLACK_SIGNING_SECRET where Slack sends to the bot over HTTP",
        )


def _misplaced(tree: Mapping[str, Any]) -> Iterator[Problem]:
    if "environment" in tree:
        yield Problem("environment", "is no setting; set environment variables instead")


def _conflicts(settings: Settings) -> Iterator[Problem]:
    """Settings that are fine alone and cannot be meant together."""
    if not settings.default_cluster:
        known = ", ".join(settings.clusters)
        yield Problem("default_cluster", f"is missing; write one of the clusters: {known}")
    elif settings.default_cluster not in settings.clusters:
        near = nearest(settings.default_cluster, settings.clusters)
        yield Problem("default_cluster", f'"{settings.default_cluster}" is no cluster; {near}')
    if settings.store.replicas_to_wait_for and settings.environment.redis_url is None:
        yield Problem(
            "store.replicas_to_wait_for",
            "needs replicas; set REDIS_URL to a Redis that has some, or write 0",
        )
    for number, grant in enumerate(settings.access.grants):
        for cluster in grant.clusters:
            if cluster != ANY and cluster not in settings.clusters:
                key = f"access.grants[{number}].clusters"
                near = nearest(cluster, settings.clusters)
                yield Problem(key, f'"{cluster}" is no cluster; {near}')


def _with_clusters(settings: Settings) -> Settings:
    """Every cluster with its kubeconfig, and the default one named where it is plain."""
    clusters = {
        name: one.model_copy(update={"kubeconfig": settings.environment.kubeconfig})
        if one.kubeconfig is None
        else one
        for name, one in (settings.clusters or {ONLY: ClusterSettings()}).items()
    }
    plain = next(iter(clusters)) if len(clusters) == 1 else ONLY if ONLY in clusters else ""
    default = settings.default_cluster or plain
    return settings.model_copy(update={"clusters": clusters, "default_cluster": default})
