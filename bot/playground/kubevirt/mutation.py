"""What the mutating webhook of virt-api fills into a VM that is created."""

import uuid
from typing import Any

from bot.playground.kubevirt.resources import VMS, Resource

Json = dict[str, Any]
_TOPOLOGY = {"kubevirt.io/pci-topology-version": "v3"}


def mutated(resource: Resource, obj: Json) -> Json:
    """The object with the defaults of the webhook; only a VM gets any."""
    if resource is not VMS or not isinstance(obj.get("spec"), dict):
        return obj
    template = obj["spec"].get("template")
    if isinstance(template, dict) and isinstance(template.get("spec"), dict):
        with_machine(template)
        firmware = template["spec"]["domain"].setdefault("firmware", {})
        # Random in life. Drawn from the UID here, so that a run can be repeated.
        own = uuid.UUID(obj["metadata"]["uid"])
        for name in ("serial", "uuid"):
            firmware.setdefault(name, str(uuid.uuid5(own, name)))
    return obj


def with_machine(template: Json) -> None:
    """The machine that a VM gets unless it names one."""
    metadata = template["metadata"] = template.get("metadata") or {}
    metadata["annotations"] = {**_TOPOLOGY, **(metadata.get("annotations") or {})}
    template["spec"].setdefault("architecture", "amd64")
    domain = template["spec"].setdefault("domain", {})
    domain.setdefault("machine", {}).setdefault("type", "q35")
