"""Refusals of the API server, in Kubernetes' own words: `ApiError` carries a `Status` body.

Every text that a client can read is made here or in the file of the webhook that says it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.playground.kubevirt.resources import Resource

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason of a 422: which field, and what is wrong with it."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"

    def json(self) -> Json:
        """As it stands in `details.causes`."""
        return {"reason": self.reason, "message": self.message, "field": self.field}


class ApiError(Exception):
    """The API server's no. `plain` is for the few answers that are text instead of a Status."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: Json | None = None,
        *,
        plain: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}
        self.plain = plain

    def status(self) -> Json:
        """The `Status` object a client receives."""
        body: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details:
            body["details"] = self.details
        return {**body, "code": self.code}


def _details(resource: Resource, name: str) -> Json:
    named = {"name": name} if name else {}
    group = {"group": resource.group} if resource.group else {}
    return {**named, **group, "kind": resource.plural}


def not_found(resource: Resource, name: str) -> ApiError:
    """404 of a known kind's missing object."""
    text = f'{resource.qualified} "{name}" not found'
    return ApiError(404, "NotFound", text, _details(resource, name))


def page_not_found() -> ApiError:
    """404 of a path that leads nowhere: plain text, as an unknown group or version gets."""
    return ApiError(404, "NotFound", "404 page not found\n", plain=True)


def already_exists(resource: Resource, name: str) -> ApiError:
    """409 of a create."""
    text = f'{resource.qualified} "{name}" already exists'
    return ApiError(409, "AlreadyExists", text, _details(resource, name))


def conflict(resource: Resource, name: str, why: str) -> ApiError:
    """409 of an update or of a precondition."""
    text = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return ApiError(409, "Conflict", text, _details(resource, name))


def precondition_failed(resource: Resource, name: str, why: str) -> ApiError:
    """409 of a delete; it names the kind where other conflicts name the plural."""
    text = f'Operation cannot be fulfilled on {resource.group_kind} "{name}": {why}'
    details = {**_details(resource, name), "kind": resource.kind}
    return ApiError(409, "Conflict", text, details)


def modified(resource: Resource, name: str) -> ApiError:
    """409 of a write decided on an old revision."""
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(resource, name, why)


def forbidden(resource: Resource, name: str, why: str) -> ApiError:
    """403, from authorization, quota or the namespace's end."""
    subject = f'{resource.qualified} "{name}"' if name else resource.qualified
    return ApiError(403, "Forbidden", f"{subject} is forbidden: {why}", _details(resource, name))


def namespace_is_going(resource: Resource, name: str, namespace: str) -> ApiError:
    """403 of a create."""
    why = f"unable to create new content in namespace {namespace} because it is being terminated"
    refused = forbidden(resource, name, why)
    told = f"namespace {namespace} is being terminated"
    cause = Cause("metadata.namespace", told, "NamespaceTerminating")
    refused.details["causes"] = [cause.json()]
    return refused


def revision_from_the_future(asked: str, current: int) -> ApiError:
    """504 of a list at a version that does not exist yet."""
    text = f"Timeout: Too large resource version: {asked}, current: {current}"
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return ApiError(504, "Timeout", text, {"causes": [cause], "retryAfterSeconds": 1})


def invalid(resource: Resource, name: str, causes: Sequence[Cause]) -> ApiError:
    """422 of the schema or of metadata validation."""
    lines = [f"{cause.field}: {cause.message}" for cause in causes]
    listed = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    group = {"group": resource.group} if resource.group else {}
    details = {
        "name": name,
        **group,
        "kind": resource.kind,
        "causes": [cause.json() for cause in causes],
    }
    return ApiError(422, "Invalid", f'{resource.group_kind} "{name}" is invalid: {listed}', details)


def bad_request(message: str) -> ApiError:
    """400."""
    return ApiError(400, "BadRequest", message)


def internal(message: str) -> ApiError:
    """500, as the API server wraps the errors of others."""
    details = {"causes": [{"message": message}]}
    return ApiError(500, "InternalError", f"Internal error occurred: {message}", details)


def denied(webhook: str, message: str, causes: Sequence[Cause] = ()) -> ApiError:
    """A webhook's no: 422 with its causes, or 400 without a reason when it gave none."""
    text = f'admission webhook "{webhook}" denied the request: {message}'
    if not causes:
        return ApiError(400, "", text)
    return ApiError(422, "Invalid", text, {"causes": [cause.json() for cause in causes]})


def expired(message: str) -> ApiError:
    """410: the asked revision or continue token is gone."""
    return ApiError(410, "Expired", message)


def unsupported_media(accepted: Sequence[str]) -> ApiError:
    """415."""
    text = (
        "the body of the request was in an unknown format - accepted media types include: "
        f"{', '.join(accepted)}"
    )
    return ApiError(415, "UnsupportedMediaType", text)


def not_acceptable(produced: Sequence[str]) -> ApiError:
    """406."""
    text = f"only the following media types are accepted: {', '.join(produced)}"
    return ApiError(406, "NotAcceptable", text)


def method_not_allowed() -> ApiError:
    """405."""
    text = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", text)


def not_simulated(what: str) -> ApiError:
    """501: the real API has it, this one does not; louder than a wrong answer."""
    return ApiError(501, "NotImplemented", f"the simulated API server does not implement {what}")
