"""The patch types: JSON merge patch, JSON patch, and strategic merge for built-in kinds."""

import json
from typing import Any

import jsonpatch

from bot.playground.kubevirt.problems import ApiError, bad_request, not_simulated, unsupported_media
from bot.playground.kubevirt.resources import Resource
from bot.playground.kubevirt.storage import clone

Json = dict[str, Any]
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


def patched(resource: Resource, obj: Json, content_type: str, body: bytes) -> Json:
    """The object after the patch."""
    match content_type:
        case "application/json-patch+json":
            return _json_patched(obj, _decoded(body))
        case "application/merge-patch+json":
            return _merged_whole(obj, _decoded(body))
        case "application/strategic-merge-patch+json" if not resource.custom:
            return _strategically_merged(obj, _decoded(body))
        case "application/apply-patch+yaml" | "application/apply-patch+cbor":
            raise not_simulated("server-side apply")
    builtin = () if resource.custom else (STRATEGIC_PATCH,)
    raise unsupported_media((JSON_PATCH, MERGE_PATCH, APPLY_PATCH, *builtin))


def json_patched(obj: Json, operations: list[Json]) -> Json:
    """The object after a JSON patch; 422 when a test or a path in it fails."""
    return _json_patched(obj, operations)


def merged(target: Any, change: Any) -> Any:
    """RFC 7386."""
    if not isinstance(change, dict):
        return clone(change)
    result = clone(target) if isinstance(target, dict) else {}
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as broken:
        raise bad_request(f"error decoding patch: {broken}") from broken


def _merged_whole(obj: Json, change: Any) -> Json:
    if not isinstance(change, dict):
        raise bad_request("error decoding patch: a merge patch must be a JSON object")
    whole: Json = merged(obj, change)
    return whole


def _strategically_merged(obj: Json, change: Any) -> Json:
    if "$" in json.dumps(change) or _has_objects_in_lists(change):
        raise not_simulated("strategic merge of lists and directives")
    return _merged_whole(obj, change)


def _has_objects_in_lists(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_objects_in_lists(item) for item in value.values())
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _json_patched(obj: Json, operations: Any) -> Json:
    if not isinstance(operations, list):
        raise bad_request("error decoding patch: a JSON patch must be a list of operations")
    try:
        result: Json = jsonpatch.apply_patch(clone(obj), operations)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as failed:
        cause = {"reason": "UnexpectedServerResponse", "message": str(failed)}
        text = "the server rejected our request due to an error in our request"
        raise ApiError(422, "Invalid", text, {"causes": [cause]}) from failed
    return result
