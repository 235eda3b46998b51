"""Events of the control plane: written once, counted up when they repeat."""

from typing import Any

from bot.playground.kubevirt.metadata import event_suffix, new_uid
from bot.playground.kubevirt.plane import Plane
from bot.playground.kubevirt.resources import EVENTS

Json = dict[str, Any]


class Recorder:
    """Writes the events of one component."""

    def __init__(self, plane: Plane, component: str) -> None:
        self._plane = plane
        self._component = component

    def normal(self, about: Json, reason: str, message: str) -> None:
        """A Normal event."""
        self._record(about, "Normal", reason, message)

    def warning(self, about: Json, reason: str, message: str) -> None:
        """A Warning event."""
        self._record(about, "Warning", reason, message)

    def _record(self, about: Json, kind: str, reason: str, message: str) -> None:
        wanted = {"type": kind, "reason": reason, "message": message}
        namespace, uid = about["metadata"].get("namespace", ""), about["metadata"]["uid"]
        for event in self._plane.storage.view(EVENTS.plural, namespace):
            same = all(event[name] == value for name, value in wanted.items())
            if same and event["involvedObject"]["uid"] == uid:
                times = {"count": event["count"] + 1, "lastTimestamp": self._plane.stamp()}
                self._plane.storage.put(EVENTS.plural, {**event, **times})
                return
        self._plane.storage.put(EVENTS.plural, self._fresh(about, wanted))

    def _fresh(self, about: Json, wanted: Json) -> Json:
        metadata, now = about["metadata"], self._plane.stamp()
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{metadata['name']}.{event_suffix(self._plane.randomness)}",
                "namespace": metadata.get("namespace", "default"),
                "uid": new_uid(self._plane.randomness),
                "creationTimestamp": now,
            },
            "involvedObject": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "name": metadata["name"],
                "namespace": metadata.get("namespace", ""),
                "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
            },
            **wanted,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "eventTime": None,
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "reportingInstance": "",
        }
