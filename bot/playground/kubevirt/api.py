"""The API server behind HTTP: one call is one request, done whole before anything else runs.

HTTP handlers and controllers write through here alike, so both meet the schema, the webhooks, quota
and revisions. The order of a write: schema and defaults, webhooks, quota, existence or revision.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from bot.playground.kubevirt import quota
from bot.playground.kubevirt.admission import Review, admit
from bot.playground.kubevirt.metadata import (
    add_finalizer,
    dig,
    generated_name,
    is_deleting,
    new_uid,
    note_writer,
)
from bot.playground.kubevirt.mutation import mutated
from bot.playground.kubevirt.patch import merged, patched
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.problems import (
    Cause,
    already_exists,
    bad_request,
    conflict,
    invalid,
    modified,
    namespace_is_going,
    not_found,
    precondition_failed,
)
from bot.playground.kubevirt.resources import NAMESPACES, PVCS, STORAGE_CLASSES, Resource
from bot.playground.kubevirt.schema import defaulted, pruned, schema_of, violations
from bot.playground.kubevirt.storage import clone
from bot.playground.kubevirt.validation import (
    changed_claim_causes,
    claim_causes,
    metadata_causes,
)

Json = dict[str, Any]
PVC_PROTECTION = "kubernetes.io/pvc-protection"
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
# What a client cannot change in an object that exists.
_FIXED = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation",
          "namespace", "name", "managedFields", "selfLink")  # fmt: skip


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How a write was asked for. Warnings of the API are collected in `warnings`."""

    dry_run: bool = False
    strictness: str = "Warn"
    manager: str = "unknown"
    subresource: str = ""
    version: str = ""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How a delete was asked for."""

    dry_run: bool = False
    propagation: str = "Background"
    uid: str = ""
    revision: str = ""


class Api:
    """Reads and writes with the API server's rules."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._storage = plane.storage

    def find(self, resource: Resource, namespace: str, name: str) -> Json | None:
        """The object, or None."""
        return self._storage.find(resource.plural, namespace, name)

    def get(self, resource: Resource, namespace: str, name: str) -> Json:
        """The object, or 404."""
        found = self.find(resource, namespace, name)
        if found is None:
            raise not_found(resource, name)
        return found

    def create(self, resource: Resource, namespace: str, sent: Json, how: WriteOptions) -> Json:
        """POST."""
        obj = self._decoded(resource, sent, how)
        if resource.status:
            obj.pop("status", None)
        self._identify(resource, namespace, obj)
        obj = mutated(resource, self._defaulted(resource, obj))
        self._validate(resource, obj)
        self._refuse_without_namespace(resource, obj)
        admit(self._plane, Review(resource, obj, None, dry_run=how.dry_run))
        quota.refuse_excess(self._storage, resource, obj)
        if self._storage.find(resource.plural, namespace, obj["metadata"]["name"]):
            raise already_exists(resource, obj["metadata"]["name"])
        note_writer(obj, None, how.manager, "", self._plane.now())
        return obj if how.dry_run else self._storage.put(resource.plural, obj)

    def update(self, resource: Resource, namespace: str, sent: Json, how: WriteOptions) -> Json:
        """PUT of the whole object, or of its status."""
        old = self.get(resource, namespace, sent["metadata"]["name"])
        if resource.custom and not sent["metadata"].get("resourceVersion"):
            cause = Cause("metadata.resourceVersion", "Invalid value: 0x0: must be specified for an update")  # fmt: skip
            raise invalid(resource, sent["metadata"]["name"], [cause])
        return self._replace(resource, old, sent, how)

    def patch(
        self, resource: Resource, key: tuple[str, str], change: tuple[str, bytes], how: WriteOptions
    ) -> Json:
        """PATCH with a body of some content type."""
        old = self.get(resource, *key)
        before = {**old, "apiVersion": resource.api_version(how.version)}
        return self._replace(resource, old, patched(resource, before, *change), how)

    def merge_patch(
        self, resource: Resource, key: tuple[str, str], change: Json, how: WriteOptions
    ) -> Json:
        """PATCH with a merge patch."""
        old = self.get(resource, *key)
        return self._replace(resource, old, merged(old, change), how)

    def delete(
        self, resource: Resource, namespace: str, name: str, how: DeleteOptions | None = None
    ) -> tuple[Json, bool]:
        """DELETE: the object as it is then, and whether it is gone at once."""
        how = how or DeleteOptions()
        obj = self.get(resource, namespace, name)
        _check_preconditions(resource, obj, how)
        finalizer = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}.get(how.propagation)
        if finalizer:
            add_finalizer(obj, finalizer)
        if resource is NAMESPACES:
            obj["status"] = {**obj.get("status", {}), "phase": "Terminating"}
        elif not obj["metadata"].get("finalizers"):
            return self._gone(resource, obj, how), True
        if not is_deleting(obj):
            self._mark_deleted(resource, obj)
            if not how.dry_run:
                obj = self._storage.put(resource.plural, obj)
        return obj, False

    def _gone(self, resource: Resource, obj: Json, how: DeleteOptions) -> Json:
        if how.dry_run:
            return obj
        metadata = obj["metadata"]
        return self._storage.remove(
            resource.plural, metadata.get("namespace", ""), metadata["name"]
        )

    def _mark_deleted(self, resource: Resource, obj: Json) -> None:
        obj["metadata"]["deletionTimestamp"] = self._plane.stamp()
        obj["metadata"]["deletionGracePeriodSeconds"] = 0
        if resource.custom:
            obj["metadata"]["generation"] = obj["metadata"].get("generation", 1) + 1

    def _decoded(self, resource: Resource, sent: Json, how: WriteOptions) -> Json:
        """The body after pruning; unknown fields are an error, a warning or nothing."""
        obj: Json = clone(sent)
        _check_type(resource, obj, how.version)
        _check_maps(resource, obj)
        obj["apiVersion"], obj["kind"] = resource.api_version(), resource.kind
        schema = schema_of(resource.plural, frozenset(self._plane.knobs.absent_restore_fields))
        if schema is None:
            return obj
        obj, unknown = pruned(schema, obj)
        texts = [f'unknown field "{path}"' for path in unknown]
        if texts and how.strictness == "Strict":
            version = how.version or resource.version
            raise bad_request(
                f'{resource.kind} in version "{version}" cannot be handled as a {resource.kind}: '
                f"strict decoding error: {', '.join(texts)}"
            )
        if how.strictness == "Warn":
            how.warnings.extend(texts)
        if resource.plural == "virtualmachines" and "running" in (obj.get("spec") or {}):
            how.warnings.append("spec.running is deprecated, please use spec.runStrategy instead.")
        return obj

    def _identify(self, resource: Resource, namespace: str, obj: Json) -> None:
        metadata = obj.setdefault("metadata", {})
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = generated_name(metadata["generateName"], self._plane.randomness)
        if metadata.get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        if metadata.get("namespace", namespace) != namespace:
            text = "the namespace of the provided object does not match the namespace sent on the request"
            raise bad_request(text)
        for name in _FIXED:
            if name not in ("name", "namespace"):
                metadata.pop(name, None)
        metadata["uid"] = new_uid(self._plane.randomness)
        metadata["creationTimestamp"] = self._plane.stamp()
        if namespace:
            metadata["namespace"] = namespace
        if resource.custom:
            metadata["generation"] = 1

    def _defaulted(self, resource: Resource, obj: Json) -> Json:
        schema = schema_of(resource.plural, frozenset(self._plane.knobs.absent_restore_fields))
        if schema is not None:
            obj = defaulted(schema, obj)
        if resource is PVCS:
            add_finalizer(obj, PVC_PROTECTION)
            self._default_class(obj)
        if resource is NAMESPACES:
            obj["status"] = {"phase": "Active"}
        return obj

    def _default_class(self, pvc: Json) -> None:
        if dig(pvc, "spec", "storageClassName") is not None:
            return
        for held in self._storage.objects(STORAGE_CLASSES.plural):
            if dig(held, "metadata", "annotations", default={}).get(_DEFAULT_CLASS) == "true":
                pvc.setdefault("spec", {})["storageClassName"] = held["metadata"]["name"]

    def _validate(self, resource: Resource, obj: Json) -> None:
        causes = list(metadata_causes(resource, obj))
        schema = schema_of(resource.plural, frozenset(self._plane.knobs.absent_restore_fields))
        if schema is not None:
            causes += violations(schema, obj)
        if resource is PVCS:
            causes += claim_causes(obj)
        if causes:
            raise invalid(resource, obj["metadata"].get("name", ""), causes)

    def _refuse_without_namespace(self, resource: Resource, obj: Json) -> None:
        if not resource.namespaced:
            return
        namespace = obj["metadata"]["namespace"]
        held = self._storage.find(NAMESPACES.plural, "", namespace)
        if held is None:
            raise not_found(NAMESPACES, namespace)
        if is_deleting(held):
            raise namespace_is_going(resource, obj["metadata"]["name"], namespace)

    def _replace(self, resource: Resource, old: Json, sent: Json, how: WriteOptions) -> Json:
        name = old["metadata"]["name"]
        sent = {**sent, "metadata": sent.get("metadata") or {}}
        if sent["metadata"].get("resourceVersion") not in (
            None,
            "",
            old["metadata"]["resourceVersion"],
        ):
            raise modified(resource, name)
        if sent["metadata"].get("uid") not in (None, "", old["metadata"]["uid"]):
            raise conflict(resource, name, _other_uid(resource, old, sent))
        new = self._combined(resource, old, self._decoded(resource, sent, how), how.subresource)
        new = self._defaulted(resource, new) if resource is not PVCS else new
        self._validate(resource, new)
        _refuse_new_finalizers(resource, old, new)
        causes = changed_claim_causes(old, new) if resource is PVCS else []
        if causes:
            raise invalid(resource, name, causes)
        admit(self._plane, Review(resource, new, old, how.subresource, how.dry_run))
        if new == old:
            return old
        self._bump(resource, old, new)
        note_writer(new, old, how.manager, how.subresource, self._plane.now())
        if how.dry_run:
            return new
        stored = self._storage.put(resource.plural, new)
        return self._finish_deletion(resource, stored)

    def _combined(self, resource: Resource, old: Json, new: Json, subresource: str) -> Json:
        """What a write may change: all but status, or status alone."""
        if subresource:
            status = {"status": new["status"]} if "status" in new else {}
            return {**{k: v for k, v in old.items() if k != "status"}, **status}
        if resource.status:
            new.pop("status", None)
            if "status" in old:
                new["status"] = old["status"]
        for name in (*_FIXED, "resourceVersion"):
            new["metadata"].pop(name, None)
            if name in old["metadata"]:
                new["metadata"][name] = old["metadata"][name]
        for name in ("finalizers", "ownerReferences", "labels", "annotations"):
            if name in new["metadata"] and not new["metadata"][name]:
                del new["metadata"][name]
        return new

    def _bump(self, resource: Resource, old: Json, new: Json) -> None:
        ignored = {"metadata", "status"} if resource.status else {"metadata"}
        changed = any(old.get(k) != new.get(k) for k in {*old, *new} - ignored)
        if resource.custom and changed:
            new["metadata"]["generation"] = old["metadata"].get("generation", 1) + 1

    def _finish_deletion(self, resource: Resource, obj: Json) -> Json:
        metadata = obj["metadata"]
        if is_deleting(obj) and not metadata.get("finalizers") and resource is not NAMESPACES:
            self._storage.remove(resource.plural, metadata.get("namespace", ""), metadata["name"])
        return obj


def controller(name: str = "virt-controller", subresource: str = "") -> WriteOptions:
    """How a controller writes."""
    return WriteOptions(manager=name, subresource=subresource, strictness="Ignore")


def for_status(how: WriteOptions) -> WriteOptions:
    """The same write, to the status subresource."""
    return replace(how, subresource="status")


def _check_type(resource: Resource, obj: Json, version: str) -> None:
    expected = resource.api_version(version)
    if obj.get("apiVersion", expected) != expected:
        text = f"the API version in the data ({obj['apiVersion']}) does not match the expected API version ({expected})"
        raise bad_request(text)
    if obj.get("kind", resource.kind) != resource.kind:
        raise bad_request(
            f'{obj["kind"]} in version "{resource.version}" cannot be handled as a {resource.kind}: '
            f"no kind match"
        )


def _check_maps(resource: Resource, obj: Json) -> None:
    """Labels and annotations are maps of strings, or the body cannot be decoded."""
    metadata = obj.setdefault("metadata", {})
    maps = [metadata]
    if isinstance(metadata, dict):
        maps = [metadata.get(name, {}) for name in ("labels", "annotations")]
    for held in maps:
        strings = held is None or (
            isinstance(held, dict) and all(isinstance(text, str) for text in held.values())
        )
        if not strings:
            raise bad_request(
                f'{resource.kind} in version "{resource.version}" cannot be handled as a '
                f"{resource.kind}: json: cannot unmarshal metadata into Go struct field of type string"
            )


def _check_preconditions(resource: Resource, obj: Json, how: DeleteOptions) -> None:
    metadata = obj["metadata"]
    if how.uid and how.uid != metadata["uid"]:
        why = (
            f"the UID in the precondition ({how.uid}) does not match the UID in record "
            f"({metadata['uid']}). The object might have been deleted and then recreated"
        )
        raise precondition_failed(resource, metadata["name"], why)
    if how.revision and how.revision != metadata["resourceVersion"]:
        why = (
            f"the ResourceVersion in the precondition ({how.revision}) does not match the "
            f"ResourceVersion in record ({metadata['resourceVersion']}). The object might have been modified"
        )
        raise precondition_failed(resource, metadata["name"], why)


def _other_uid(resource: Resource, old: Json, sent: Json) -> str:
    key = f"/registry/{resource.group}/{resource.plural}/{old['metadata'].get('namespace', '')}/{old['metadata']['name']}"
    return (
        f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: "
        f"Precondition failed: UID in precondition: {sent['metadata']['uid']}, "
        f"UID in object meta: {old['metadata']['uid']}"
    )


def _refuse_new_finalizers(resource: Resource, old: Json, new: Json) -> None:
    added = set(new["metadata"].get("finalizers", [])) - set(old["metadata"].get("finalizers", []))
    if is_deleting(old) and added:
        listed = ", ".join(f'"{name}"' for name in sorted(added))
        text = (
            "Forbidden: no new finalizers can be added if the object is being deleted, found new "
            f"finalizers []string{{{listed}}}"
        )
        cause = Cause("metadata.finalizers", text, "FieldValueForbidden")
        raise invalid(resource, old["metadata"]["name"], [cause])
