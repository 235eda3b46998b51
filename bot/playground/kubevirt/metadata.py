"""What every object carries: identity, times, owners, conditions and who wrote last."""

import random
import string
import uuid
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
_NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def rfc3339(moment: datetime) -> str:
    """Whole seconds, UTC, with a Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """The time an object names."""
    return datetime.fromisoformat(text)


def new_uid(randomness: random.Random) -> str:
    """A version 4 UUID from the simulator's own randomness."""
    return str(uuid.UUID(int=randomness.getrandbits(128), version=4))


def generated_name(prefix: str, randomness: random.Random) -> str:
    """`generateName`, filled as the API server fills it."""
    return prefix + "".join(randomness.choices(_NAME_LETTERS, k=5))


def event_suffix(randomness: random.Random) -> str:
    """What follows the dot in an event's name."""
    return "".join(randomness.choices(string.hexdigits[:16], k=16))


def dig(obj: Any, *path: str, default: Any = None) -> Any:
    """The value at a path of names, or the default where the path ends early."""
    for name in path:
        if not isinstance(obj, dict) or obj.get(name) is None:
            return default
        obj = obj[name]
    return obj


def is_deleting(obj: Json) -> bool:
    """Marked for deletion, and held by a finalizer."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def owner_reference(owner: Json, *, controller: bool = True) -> Json:
    """A reference that makes `owner` the controller of something."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": controller,
        "blockOwnerDeletion": True,
    }


def owner_uids(obj: Json) -> set[str]:
    """The UIDs an object says it belongs to."""
    return {reference["uid"] for reference in obj["metadata"].get("ownerReferences", [])}


def add_finalizer(obj: Json, finalizer: str) -> bool:
    """True if it was not there yet."""
    finalizers = obj["metadata"].setdefault("finalizers", [])
    if finalizer in finalizers:
        return False
    finalizers.append(finalizer)
    return True


def drop_finalizer(obj: Json, finalizer: str) -> bool:
    """True if it was there."""
    finalizers = obj["metadata"].get("finalizers", [])
    if finalizer not in finalizers:
        return False
    finalizers.remove(finalizer)
    if not finalizers:
        del obj["metadata"]["finalizers"]
    return True


def condition(obj: Json, kind: str) -> Json | None:
    """The condition of that type, or None."""
    for held in dig(obj, "status", "conditions", default=[]):
        if held["type"] == kind:
            found: Json = held
            return found
    return None


def condition_is(obj: Json, kind: str, status: str = "True") -> bool:
    """Whether a condition stands, and stands so."""
    held = condition(obj, kind)
    return held is not None and held["status"] == status


def set_condition(status: Json, wanted: Json, now: datetime) -> None:
    """Put a condition; its transition time moves only when status or reason does."""
    conditions = status.setdefault("conditions", [])
    fresh = {"lastProbeTime": None, "lastTransitionTime": rfc3339(now), **wanted}
    for place, held in enumerate(conditions):
        if held["type"] != wanted["type"]:
            continue
        if (held["status"], held.get("reason")) == (wanted["status"], wanted.get("reason")):
            fresh["lastTransitionTime"] = held["lastTransitionTime"]
        conditions[place] = fresh
        return
    conditions.append(fresh)


def drop_condition(status: Json, kind: str) -> None:
    """Take a condition away."""
    status["conditions"] = [held for held in status.get("conditions", []) if held["type"] != kind]


def note_writer(
    obj: Json, before: Json | None, manager: str, subresource: str, now: datetime
) -> None:
    """Keep `managedFields`: one entry a writer and subresource, with the time of its last change."""
    before = before or {}
    changed = sorted(
        name
        for name in {*obj, *before} - {"metadata", "apiVersion", "kind"}
        if obj.get(name) != before.get(name)
    )
    entry: Json = {
        "manager": manager,
        "operation": "Update",
        "apiVersion": obj["apiVersion"],
        "time": rfc3339(now),
        "fieldsType": "FieldsV1",
        "fieldsV1": {f"f:{name}": {} for name in changed or ["metadata"]},
    }
    if subresource:
        entry["subresource"] = subresource
    kept = [
        held
        for held in obj["metadata"].get("managedFields", [])
        if (held["manager"], held.get("subresource", "")) != (manager, subresource)
    ]
    obj["metadata"]["managedFields"] = [*kept, entry]
