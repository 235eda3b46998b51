"""What two answers to the same request are compared by, and where they differ.

Compared is what a client can act on: status, content type, reason, message and details of a refusal;
identity, conditions and the whole status of what KubeVirt's controllers write; and everything that
the bot itself reads, by its own parsers. Uids are compared: the recorded ones are known by then.
Times, versions and counts of repeats are not.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.cluster import parse
from tests.cluster.replay import UID, Answer, Exchange, body_of, recorded_body

Json = dict[str, Any]
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|\\+00:00)")
_VERSIONS = re.compile(r"(?<=current: )[0-9]+|(?<=version: 1 \()[0-9]+")
_AGE = re.compile(r"[0-9]+[smhd]([0-9]+[smh])?")
_METADATA = (
    "name", "namespace", "uid", "generation", "finalizers", "ownerReferences", "labels",
    "deletionTimestamp", "deletionGracePeriodSeconds",
)  # fmt: skip
# No launcher pods are made here (see "left out" in the coverage list).
_POD = "virtual machine pod"
# The node, its agent and the storage driver were played by a script, and are played here: what only
# they say is not compared.
_OF_THE_NODE = ("LiveMigratable", "AgentConnected")
_PLAYED = {"fake.csi": "fast.csi.playground.example.com"}
_PARSERS = {
    "VirtualMachine": parse.vm,
    "VirtualMachineInstance": parse.vmi,
    "VirtualMachineSnapshot": parse.snapshot,
    "VirtualMachineSnapshotContent": parse.content,
    "VirtualMachineRestore": parse.restore,
    "PersistentVolumeClaim": parse.claim,
}


def differences(exchange: Exchange, answer: Answer, known: Mapping[str, str]) -> list[str]:
    """Where the simulated answer is another than the recorded one; empty if nowhere."""
    recorded = exchange.response
    wanted = {
        "status": recorded["status"],
        "content type": recorded["content_type"],
        "retry after": recorded.get("retry_after"),
    }
    found = {
        "status": answer.status,
        "content type": answer.content_type.replace(
            "application/json; charset=utf-8", "application/json"
        ),
        "retry after": answer.retry_after,
    }
    if "events" in recorded:
        wanted["events"] = [_seen(event) for _, event in recorded["events"]]
        lines = [json.loads(line) for line in answer.text.splitlines()]
        # The recorder of the restore stopped reading while it was still under way.
        found["events"] = [_seen(line) for line in lines[: len(recorded["events"])]]
    else:
        wanted["body"] = _seen(recorded_body(recorded))
        found["body"] = _seen(body_of(answer))
    return list(_apart("", _in_order(_translated(wanted, known)), _in_order(_masked(found))))


def _in_order(seen: Json) -> Json:
    """Events are listed by names that hold random letters; they are compared by what they say."""
    body = seen.get("body")
    if isinstance(body, dict) and body.get("kind") == "EventList":
        body["items"].sort(key=json.dumps)
    return seen


def _seen(body: Any, kind: str = "") -> Any:
    """The part of a body that counts."""
    if not isinstance(body, dict):
        return body
    if set(body) == {"type", "object"}:
        return {"type": body["type"], "object": _seen(body["object"])}
    kind = body.get("kind", kind)
    if kind == "Status":
        return body
    if kind == "Table":
        return _table(body)
    if isinstance(body.get("items"), list):
        return _list(body, kind)
    return _object(body, kind)


def _list(body: Json, kind: str) -> Json:
    items = [_seen(item, kind.removesuffix("List")) for item in body["items"]]
    if kind == "EventList":
        items = [item for item in items if _POD not in item["message"]]
    more = {name: bool(body["metadata"].get(name)) for name in ("continue",)}
    left = body["metadata"].get("remainingItemCount")
    return {"kind": kind, "apiVersion": body["apiVersion"], "items": items, **more, "left": left}


def _table(body: Json) -> Json:
    columns = [
        {name: column[name] for name in ("name", "type", "format", "priority")}
        for column in body["columnDefinitions"]
    ]
    rows = [{"cells": row["cells"], "object": _seen(row["object"])} for row in body["rows"]]
    return {"kind": "Table", "columns": columns, "rows": rows}


def _object(body: Json, kind: str) -> Json:
    if kind == "Event":
        return {name: body[name] for name in ("type", "reason", "message")}
    if kind in ("APIResourceList", "APIGroup"):
        return body
    metadata = body.get("metadata", {})
    annotations = metadata.get("annotations", {})
    seen: Json = {
        "kind": kind,
        "metadata": {name: metadata[name] for name in _METADATA if name in metadata},
        "restored": {k: v for k, v in annotations.items() if k.startswith("restore.kubevirt.io")},
    }
    if "apiVersion" in body:
        seen["apiVersion"] = body["apiVersion"]
    if kind == "VirtualMachineInstance":
        seen["metadata"].pop("generation", None)
        seen["metadata"]["labels"] = sorted(seen["metadata"].get("labels", {}))
    elif "status" in body:
        seen["status"] = _status(body["status"])
    if kind in ("VirtualMachineSnapshot", "VirtualMachineRestore"):
        seen["spec"] = body["spec"]
    if kind == "PersistentVolumeClaim":
        seen["spec"] = {k: v for k, v in body["spec"].items() if k != "volumeName"}
    if kind in _PARSERS:
        seen["read by the bot"] = _facts(_PARSERS[kind](body))
    return seen


def _status(status: Json) -> Json:
    held = [one for one in status.get("conditions", []) if one["type"] not in _OF_THE_NODE]
    return {**status, "conditions": held}


def _facts(parsed: Any) -> Any:
    """All but the digest of a specification, which covers a new serial number, and the version."""
    other = ("specification", "version")
    fields = {name: getattr(parsed, name) for name in parsed.__slots__ if name not in other}
    return {name: repr(value) for name, value in fields.items() if "datetime" not in repr(value)}


def _translated(recorded: Any, known: Mapping[str, str]) -> Any:
    text = UID.sub(lambda one: known.get(one[0], one[0]), json.dumps(recorded))
    for theirs, played in _PLAYED.items():
        text = text.replace(theirs, played)
    return _masked(json.loads(text))


def _masked(found: Any) -> Any:
    """Times, versions and ages as one word each."""
    if isinstance(found, dict):
        return {name: _masked(value) for name, value in found.items()}
    if isinstance(found, list):
        return [_masked(value) for value in found]
    if isinstance(found, str):
        found = _VERSIONS.sub("<version>", _TIME.sub("<time>", found))
        return "<age>" if _AGE.fullmatch(found) else found
    return found


def _apart(where: str, wanted: Any, found: Any) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name in sorted(wanted.keys() | found.keys()):
            yield from _apart(f"{where}/{name}", wanted.get(name), found.get(name))
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for thread_ref, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _apart(f"{where}/{thread_ref}", one, other)
    elif wanted != found:
        yield f"{where}: recorded {wanted!r}, simulated {found!r}"
