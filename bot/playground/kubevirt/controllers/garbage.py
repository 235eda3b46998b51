"""The garbage collector: dependents follow their owners, namespaces take all with them."""

from typing import Any

from bot.playground.kubevirt.api import Api, DeleteOptions, controller
from bot.playground.kubevirt.controllers.loop import Loop
from bot.playground.kubevirt.metadata import drop_finalizer, is_deleting, owner_uids
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.resources import BY_PLURAL, NAMESPACES, Resource
from bot.playground.kubevirt.storage import Change, Key

Json = dict[str, Any]


class GarbageController:
    """Keys are (UID or "namespace", plural/namespace/name) of what may need collecting."""

    def __init__(self, plane: Plane, api: Api) -> None:
        self._plane = plane
        self._api = api
        self.loop = Loop("garbage-collector", plane.clock, self.reconcile)

    def on_change(self, change: Change) -> None:
        """An owner went, or something with owners came, or is held for its dependents."""
        metadata = change.object["metadata"]
        held = {"foregroundDeletion", "orphan"} & set(metadata.get("finalizers", []))
        if change.type == "DELETED":
            self.loop.add(("gone", metadata["uid"]))
            self.loop.add(("namespace", change.key[0]))
        elif change.resource == NAMESPACES.plural:
            self.loop.add(("namespace", change.key[1]))
        elif held or (change.type == "ADDED" and metadata.get("ownerReferences")):
            self.loop.add((change.resource, "/".join(change.key)))

    def look_at_all(self) -> None:
        """A pass for everything."""
        for plural in self._plane.storage.resources():
            for key in self._plane.storage.keys(plural):
                self.loop.add((plural, "/".join(key)))
        for _, name in self._plane.storage.keys(NAMESPACES.plural):
            self.loop.add(("namespace", name))

    def reconcile(self, key: Key) -> None:
        """One pass."""
        what, name = key
        if what == "gone":
            self._collect_dependents(name)
        elif what == "namespace":
            self._empty_namespace(name)
        else:
            namespace, _, own = name.partition("/")
            self._look_at(BY_PLURAL[what], namespace, own)

    def _look_at(self, resource: Resource, namespace: str, name: str) -> None:
        obj = self._api.find(resource, namespace, name)
        if obj is None:
            return
        finalizers = obj["metadata"].get("finalizers", [])
        if is_deleting(obj) and "orphan" in finalizers:
            self._orphan_dependents(obj)
            self._let_go(resource, obj, "orphan")
        elif is_deleting(obj) and "foregroundDeletion" in finalizers:
            self._delete_before(resource, obj)
        elif obj["metadata"].get("ownerReferences") and not self._has_owner(obj):
            self._delete(resource, obj)

    def _has_owner(self, obj: Json) -> bool:
        return any(self._plane.storage.holds(uid) for uid in owner_uids(obj))

    def _collect_dependents(self, uid: str) -> None:
        for resource, obj in self._dependents(uid):
            if not self._has_owner(obj):
                self._delete(resource, obj)
        for resource, obj in self._everything():
            if "foregroundDeletion" in obj["metadata"].get("finalizers", []):
                self._delete_before(resource, obj)

    def _delete_before(self, resource: Resource, obj: Json) -> None:
        blocking = self._dependents(obj["metadata"]["uid"])
        for kind, dependent in blocking:
            self._delete(kind, dependent)
        if not self._dependents(obj["metadata"]["uid"]):
            self._let_go(resource, obj, "foregroundDeletion")

    def _orphan_dependents(self, owner: Json) -> None:
        uid = owner["metadata"]["uid"]
        for resource, obj in self._dependents(uid):
            kept = [ref for ref in obj["metadata"]["ownerReferences"] if ref["uid"] != uid]
            fresh = {**obj, "metadata": {**obj["metadata"], "ownerReferences": kept}}
            how = controller("kube-controller-manager")
            self._api.update(resource, obj["metadata"].get("namespace", ""), fresh, how)

    def _let_go(self, resource: Resource, obj: Json, finalizer: str) -> None:
        namespace, name = obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
        fresh = self._api.find(resource, namespace, name)
        if fresh is not None and drop_finalizer(fresh, finalizer):
            how = controller("kube-controller-manager")
            self._api.update(resource, namespace, fresh, how)

    def _delete(self, resource: Resource, obj: Json) -> None:
        namespace, name = obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
        fresh = self._api.find(resource, namespace, name)
        if fresh is not None and not is_deleting(fresh):
            how = DeleteOptions(uid=obj["metadata"]["uid"])
            self._api.delete(resource, namespace, name, how)

    def _empty_namespace(self, name: str) -> None:
        namespace = self._api.find(NAMESPACES, "", name)
        if namespace is None or not is_deleting(namespace):
            return
        inside = [
            (resource, obj)
            for resource, obj in self._everything()
            if obj["metadata"].get("namespace") == name
        ]
        for resource, obj in inside:
            self._delete(resource, obj)
        left = [obj for _, obj in self._everything() if obj["metadata"].get("namespace") == name]
        if not left:
            self._plane.storage.remove(NAMESPACES.plural, "", name)

    def _dependents(self, uid: str) -> list[tuple[Resource, Json]]:
        return [(kind, obj) for kind, obj in self._everything() if uid in owner_uids(obj)]

    def _everything(self) -> list[tuple[Resource, Json]]:
        return [
            (BY_PLURAL[plural], obj)
            for plural in self._plane.storage.resources()
            for obj in self._plane.storage.view(plural)
        ]
