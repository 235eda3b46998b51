"""A VM's configuration as people know it: a flat list of (field, words).

The VM and the copy of it in a snapshot content go through the same function, so that a difference
is found field by field. What is left out on purpose:
- the run strategy: KubeVirt keeps it through a restore;
- the names of the claims behind data disks: a restore always brings the data in claims of its own,
  so that after one restore every disk would read as changed;
- the content of cloud-init: it holds passwords. Only a short digest tells that it changed.
"""

import hashlib
import json

from bot.cluster.document import Json, flag, items, mapping, number, present, text
from bot.cluster.quantity import in_words

Fields = list[tuple[str, str]]

_DEVICES = ("disk", "lun", "cdrom")
_CLOUD_INIT = ("cloudInitNoCloud", "cloudInitConfigDrive")
_BINDINGS = ("masquerade", "bridge", "sriov", "passt", "slirp", "macvtap")
_REFERENCES = ("configMap", "secret", "sysprep", "serviceAccount", "downwardAPI")


def configuration(document: Json) -> tuple[tuple[str, str], ...]:
    """The fields of a VirtualMachine that have a value, in a fixed order."""
    spec = mapping(document, "spec", "template", "spec")
    domain = mapping(spec, "domain")
    fields = [
        ("instance type", _named(document, "instancetype", "VirtualMachineInstancetype")),
        ("preference", _named(document, "preference", "VirtualMachinePreference")),
        ("cpu", _cpu(domain)),
        ("cpu model", text(domain, "cpu", "model")),
        ("memory", _memory(domain)),
        ("huge pages", text(domain, "memory", "hugepages", "pageSize")),
        ("architecture", text(spec, "architecture")),
        ("machine type", text(domain, "machine", "type")),
        ("firmware", _firmware(domain)),
        ("TPM", _tpm(domain)),
        *_disks(document, spec),
        *_interfaces(spec),
        *_cloud_init(spec),
        *_passed_through(domain),
        ("node selector", _pairs(mapping(spec, "nodeSelector"))),
    ]
    return tuple((field, words) for field, words in fields if words)


def _named(document: Json, field: str, usual: str) -> str:
    """The referenced object, with a note when it is the namespace's own and not the cluster's."""
    found = mapping(document, "spec", field)
    own = text(found, "kind").lower() == usual.lower()
    return f"{text(found, 'name')} (of the namespace)" if own else text(found, "name")


def _cpu(domain: Json) -> str:
    cpu = mapping(domain, "cpu")
    counts = [(number(cpu, f"{unit}s"), unit) for unit in ("socket", "core", "thread")]
    if not any(count for count, _ in counts):
        asked = mapping(domain, "resources", "requests").get("cpu")
        return f"{asked} requested" if asked else ""
    words = [_count(count, unit) for count, unit in counts if count > 1 or unit == "core"]
    return ", ".join(words)


def _count(count: int, unit: str) -> str:
    count = count or 1
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _memory(domain: Json) -> str:
    guest = text(domain, "memory", "guest")
    asked = text(domain, "resources", "requests", "memory")
    return in_words(guest or asked)


def _firmware(domain: Json) -> str:
    loader = mapping(domain, "firmware", "bootloader")
    if present(loader, "efi"):
        # Secure boot is on unless it is switched off.
        plain = mapping(loader, "efi").get("secureBoot") is False
        return "EFI" if plain else "EFI with secure boot"
    return "BIOS" if present(loader, "bios") else ""


def _tpm(domain: Json) -> str:
    if not present(domain, "devices", "tpm"):
        return ""
    return "persistent" if flag(domain, "devices", "tpm", "persistent") else "present"


def _disks(document: Json, spec: Json) -> Fields:
    sources = {text(volume, "name"): volume for volume in items(spec, "volumes")}
    sizes = {
        text(template, "metadata", "name"): _template_size(template)
        for template in items(document, "spec", "dataVolumeTemplates")
    }
    disks = [
        (f"disk {text(disk, 'name')}", _disk(disk, sources.get(text(disk, "name"), {}), sizes))
        for disk in items(spec, "domain", "devices", "disks")
    ]
    shares = [
        (f"file system {text(share, 'name')}", "shared with virtiofs")
        for share in items(spec, "domain", "devices", "filesystems")
    ]
    return sorted(disks) + sorted(shares)


def _disk(disk: Json, volume: Json, sizes: dict[str, str]) -> str:
    kind = next((kind for kind in _DEVICES if present(disk, kind)), "disk")
    bus = text(disk, kind, "bus")
    boot = number(disk, "bootOrder")
    words = [
        f"{bus} {kind}".strip(),
        _source(volume),
        sizes.get(text(volume, "dataVolume", "name"), ""),
        "shareable" if flag(disk, "shareable") else "",
        f"boot order {boot}" if boot else "",
    ]
    return ", ".join(word for word in words if word)


def _source(volume: Json) -> str:
    if present(volume, "persistentVolumeClaim") or present(volume, "dataVolume"):
        return "data volume"
    if present(volume, "containerDisk"):
        return f"image {text(volume, 'containerDisk', 'image')}"
    for kind in _REFERENCES:
        if present(volume, kind):
            found = mapping(volume, kind)
            name = text(found, "name") or text(found, "secretName")
            name = name or text(found, "configMap", "name") or text(found, "secret", "name")
            return f"{kind} {name}".strip()
    return next((kind for kind in volume if kind != "name"), "")


def _template_size(template: Json) -> str:
    spec = mapping(template, "spec")
    asked = text(spec, "storage", "resources", "requests", "storage") or text(
        spec, "pvc", "resources", "requests", "storage"
    )
    return in_words(asked)


def _interfaces(spec: Json) -> Fields:
    networks = {text(network, "name"): network for network in items(spec, "networks")}
    found = [
        (
            f"network {text(interface, 'name')}",
            _interface(interface, networks.get(text(interface, "name"), {})),
        )
        for interface in items(spec, "domain", "devices", "interfaces")
    ]
    return sorted(found)


def _interface(interface: Json, network: Json) -> str:
    multus = text(network, "multus", "networkName")
    binding = next((kind for kind in _BINDINGS if present(interface, kind)), "")
    mac = text(interface, "macAddress")
    state = text(interface, "state")
    words = [
        text(interface, "model") or "virtio",
        binding or text(interface, "binding", "name"),
        multus or ("pod network" if present(network, "pod") else ""),
        f"MAC {mac}" if mac else "",
        f"link {state}" if state else "",
    ]
    return ", ".join(word for word in words if word)


def _cloud_init(spec: Json) -> Fields:
    found = [
        (f"cloud-init {text(volume, 'name')}", _digest(volume[kind]))
        for volume in items(spec, "volumes")
        for kind in _CLOUD_INIT
        if present(volume, kind)
    ]
    return sorted(found)


def _digest(content: object) -> str:
    raw = json.dumps(content, sort_keys=True).encode()
    return f"present, content {hashlib.sha256(raw).hexdigest()[:8]}"


def _passed_through(domain: Json) -> Fields:
    gpus = [
        (f"GPU {text(gpu, 'name')}", text(gpu, "deviceName"))
        for gpu in items(domain, "devices", "gpus")
    ]
    hosts = [
        (f"host device {text(device, 'name')}", text(device, "deviceName"))
        for device in items(domain, "devices", "hostDevices")
    ]
    return sorted(gpus) + sorted(hosts)


def _pairs(pairs: Json) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(pairs.items()))
