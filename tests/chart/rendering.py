"""The chart as helm renders it, and ways to look at what comes out."""

import copy
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import helm_python as helm
import yaml

CHART = Path(__file__).parent.parent.parent / "helm" / "vm-restore-bot"
IMAGE = {"repository": "registry.example.com/vm-restore-bot"}
WHERE = frozenset({"namespaces", "clusterWide", "rbac"})
"""Values that say where the bot has rights; without any of them a test means all namespaces."""

Document = dict[str, Any]


def values_with(values: Mapping[str, Any]) -> dict[str, Any]:
    """These values, and what each release has to say."""
    everywhere = {} if WHERE & values.keys() else {"clusterWide": True}
    return merged({"image": IMAGE, **everywhere}, values)


def rendered(
    values: Mapping[str, Any], *, release: str = "vm-restore-bot", namespace: str = "ops"
) -> list[Document]:
    """Every object of a release."""
    files = _files(json.dumps(values_with(values)), release, namespace)
    texts = [text for name, text in sorted(files.items()) if not name.endswith("NOTES.txt")]
    return [doc for text in texts for doc in yaml.load_all(text, yaml.CSafeLoader) if doc]


def notes(values: Mapping[str, Any]) -> str:
    """What helm says after an installation."""
    files = _files(json.dumps(values_with(values)), "vm-restore-bot", "ops")
    [text] = [text for name, text in files.items() if name.endswith("NOTES.txt")]
    return text


@cache
def _files(values: str, release: str, namespace: str) -> dict[str, str]:
    with helm.Chart.load(CHART) as chart:
        files: dict[str, str] = chart.render(json.loads(values), name=release, namespace=namespace)
    return files


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Both, the other one's values above the one's."""
    result = copy.deepcopy(dict(one))
    for key, value in other.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both else value
    return result


def of_kind(documents: list[Document], kind: str) -> list[Document]:
    """All objects of this kind."""
    return [document for document in documents if document["kind"] == kind]


def only(documents: list[Document], kind: str) -> Document:
    """The one object of this kind."""
    [found] = of_kind(documents, kind)
    return found


def service(documents: list[Document], component: str) -> Document:
    """The Service for Slack's requests ("slack"), or the one for health and metrics ("metrics")."""
    [found] = [
        each
        for each in of_kind(documents, "Service")
        if each["metadata"]["labels"]["app.kubernetes.io/component"] == component
    ]
    return found


def pod(documents: list[Document]) -> Document:
    """The spec of the bot's pods."""
    spec: Document = only(documents, "Deployment")["spec"]["template"]["spec"]
    return spec


def container(documents: list[Document]) -> Document:
    """The one container of the bot's pods."""
    [one] = pod(documents)["containers"]
    result: Document = one
    return result


def env(documents: list[Document]) -> dict[str, Any]:
    """The environment of the container."""
    return {e["name"]: e.get("value", e.get("valueFrom")) for e in container(documents)["env"]}


def config(documents: list[Document]) -> dict[str, Any]:
    """The bot's file."""
    (found,) = [each for each in of_kind(documents, "ConfigMap") if "config.yaml" in each["data"]]
    tree: dict[str, Any] = yaml.safe_load(found["data"]["config.yaml"])
    return tree
