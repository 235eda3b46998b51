"""The part of the CRD schemas that matters here: pruning, defaults, validation, OpenAPI.

Restores, snapshots and contents are described in full. A VM is described down to the fields of its
template's spec; what lies deeper is kept as it comes.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.playground.kubevirt.problems import Cause
from bot.playground.kubevirt.storage import clone

Json = dict[str, Any]
_PYTHON = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}


@dataclass(frozen=True, slots=True)
class Field:
    """One node of a schema. An object without `fields` is open: anything may be in it."""

    type: str = ""
    fields: Mapping[str, "Field"] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    items: "Field | None" = None
    enum: tuple[str, ...] = ()
    default: Any = None
    nullable: bool = False

    def without(self, names: frozenset[str]) -> "Field":
        """The same object schema, some fields older."""
        kept = {name: held for name, held in self.fields.items() if name not in names}
        return Field(self.type, kept, self.required)


ANY = Field()
TEXT = Field("string")
TIME = Field("string", nullable=True)
FLAG = Field("boolean")
OPEN = Field("object")


def _object(required: tuple[str, ...] = (), **fields: Field) -> Field:
    return Field("object", fields, required)


def _list(items: Field) -> Field:
    return Field("array", items=items)


_CONDITIONS = _list(
    _object(
        type=TEXT,
        status=TEXT,
        reason=TEXT,
        message=TEXT,
        lastProbeTime=TIME,
        lastTransitionTime=TIME,
    )
)
_ERROR = _object(message=TEXT, time=TIME)
_REFERENCE = _object(("kind", "name"), apiGroup=TEXT, kind=TEXT, name=TEXT)

_RESTORE_SPEC = _object(
    ("target", "virtualMachineSnapshotName"),
    target=_REFERENCE,
    virtualMachineSnapshotName=TEXT,
    targetReadinessPolicy=Field(
        "string",
        enum=("StopTarget", "WaitGracePeriod", "FailImmediate", "WaitEventually"),
        default="WaitGracePeriod",
    ),
    volumeRestorePolicy=TEXT,
    volumeOwnershipPolicy=TEXT,
    volumeRestoreOverrides=_list(
        _object(volumeName=TEXT, restoreName=TEXT, labels=OPEN, annotations=OPEN)
    ),
    patches=_list(TEXT),
)
_RESTORE_STATUS = _object(
    complete=FLAG,
    restoreTime=TIME,
    restores=_list(
        _object(
            ("persistentVolumeClaim", "volumeName", "volumeSnapshotName"),
            volumeName=TEXT,
            persistentVolumeClaim=TEXT,
            volumeSnapshotName=TEXT,
            dataVolumeName=TEXT,
        )
    ),
    deletedDataVolumes=_list(TEXT),
    conditions=_CONDITIONS,
)
_SNAPSHOT_SPEC = _object(("source",), source=_REFERENCE, deletionPolicy=TEXT, failureDeadline=TEXT)
_SNAPSHOT_STATUS = _object(
    sourceUID=TEXT,
    virtualMachineSnapshotContentName=TEXT,
    creationTime=TIME,
    phase=TEXT,
    readyToUse=FLAG,
    error=_ERROR,
    conditions=_CONDITIONS,
    indications=_list(TEXT),
    sourceIndications=_list(_object(("indication", "message"), indication=TEXT, message=TEXT)),
    snapshotVolumes=_object(includedVolumes=_list(TEXT), excludedVolumes=_list(TEXT)),
)
_CONTENT_SPEC = _object(
    ("source",),
    virtualMachineSnapshotName=TEXT,
    source=_object(virtualMachine=OPEN),
    volumeBackups=_list(
        _object(
            ("persistentVolumeClaim", "volumeName"),
            volumeName=TEXT,
            persistentVolumeClaim=OPEN,
            volumeSnapshotName=TEXT,
        )
    ),
)
_CONTENT_STATUS = _object(
    creationTime=TIME,
    readyToUse=FLAG,
    error=_ERROR,
    volumeSnapshotStatus=_list(
        _object(
            ("volumeSnapshotName",),
            volumeSnapshotName=TEXT,
            creationTime=TIME,
            readyToUse=FLAG,
            error=_ERROR,
        )
    ),
)
_TEMPLATE_SPEC = _object(
    ("domain",),
    domain=OPEN,
    volumes=_list(OPEN),
    networks=_list(OPEN),
    accessCredentials=_list(OPEN),
    affinity=OPEN,
    architecture=TEXT,
    dnsConfig=OPEN,
    dnsPolicy=TEXT,
    evictionStrategy=TEXT,
    hostname=TEXT,
    livenessProbe=OPEN,
    nodeSelector=OPEN,
    priorityClassName=TEXT,
    readinessProbe=OPEN,
    resourceClaims=_list(OPEN),
    schedulerName=TEXT,
    serviceAccountName=TEXT,
    startStrategy=TEXT,
    subdomain=TEXT,
    terminationGracePeriodSeconds=Field("integer"),
    tolerations=_list(OPEN),
    topologySpreadConstraints=_list(OPEN),
    utilityVolumes=_list(OPEN),
)
_VM_SPEC = _object(
    ("template",),
    running=FLAG,
    runStrategy=TEXT,
    template=_object(metadata=OPEN, spec=_TEMPLATE_SPEC),
    dataVolumeTemplates=_list(OPEN),
    instancetype=OPEN,
    preference=OPEN,
    updateVolumesStrategy=TEXT,
)
_VM_STATUS = _object(
    printableStatus=Field("string", default="Stopped"),
    created=FLAG,
    ready=FLAG,
    conditions=_CONDITIONS,
    snapshotInProgress=TEXT,
    restoreInProgress=TEXT,
    stateChangeRequests=_list(_object(("action",), action=TEXT, uid=TEXT, data=OPEN)),
    volumeSnapshotStatuses=_list(_object(name=TEXT, enabled=FLAG, reason=TEXT)),
    memoryDumpRequest=Field("object", nullable=True),
    startFailure=Field("object", nullable=True),
    runStrategy=TEXT,
    observedGeneration=Field("integer"),
    desiredGeneration=Field("integer"),
    changedBlockTracking=OPEN,
    instancetypeRef=OPEN,
    preferenceRef=OPEN,
    volumeRequests=_list(OPEN),
    volumeUpdateState=OPEN,
)


def _top(spec: Field, status: Field) -> Field:
    head = {"apiVersion": TEXT, "kind": TEXT, "metadata": OPEN}
    return Field("object", {**head, "spec": spec, "status": status}, ("spec",))


SCHEMAS: dict[str, Field] = {
    "virtualmachinerestores": _top(_RESTORE_SPEC, _RESTORE_STATUS),
    "virtualmachinesnapshots": _top(_SNAPSHOT_SPEC, _SNAPSHOT_STATUS),
    "virtualmachinesnapshotcontents": _top(_CONTENT_SPEC, _CONTENT_STATUS),
    "virtualmachines": _top(_VM_SPEC, _VM_STATUS),
}


def schema_of(plural: str, absent: frozenset[str] = frozenset()) -> Field | None:
    """The schema of a kind; `absent` names spec fields of restores an older release lacks."""
    schema = SCHEMAS.get(plural)
    if schema is None or plural != "virtualmachinerestores" or not absent:
        return schema
    return _top(_RESTORE_SPEC.without(absent), _RESTORE_STATUS)


def pruned(schema: Field, obj: Any, path: str = "") -> tuple[Any, list[str]]:
    """The object without fields the schema does not know, and the paths of those."""
    if schema.items is not None and isinstance(obj, list):
        pairs = [pruned(schema.items, item, f"{path}[{i}]") for i, item in enumerate(obj)]
        return [kept for kept, _ in pairs], [name for _, names in pairs for name in names]
    if not schema.fields or not isinstance(obj, dict):
        return obj, []
    result: Json = {}
    unknown: list[str] = []
    for name, value in obj.items():
        where = f"{path}.{name}" if path else name
        if name not in schema.fields:
            unknown.append(where)
            continue
        result[name], below = pruned(schema.fields[name], value, where)
        unknown += below
    return result, unknown


def defaulted(schema: Field, obj: Any) -> Any:
    """The object with the schema's defaults, where their parent exists; nulls dropped as there."""
    if not schema.fields or not isinstance(obj, dict):
        return obj
    result = {
        name: defaulted(schema.fields.get(name, ANY), value)
        for name, value in obj.items()
        if value is not None or schema.fields.get(name, ANY).nullable
    }
    for name, below in schema.fields.items():
        if below.default is not None and name not in result:
            result[name] = clone(below.default)
    return result


def violations(schema: Field, value: Any, path: str = "") -> Iterator[Cause]:
    """What the value breaks, in Kubernetes' words."""
    if value is None and schema.nullable:
        return
    if schema.type and not _has_type(schema.type, value):
        shown = json.dumps(_type_name(value))
        yield Cause(path, f"Invalid value: {shown}: {path} in body must be of type {schema.type}: {shown}", "FieldValueTypeInvalid")  # fmt: skip
        return
    if schema.enum and value not in schema.enum:
        allowed = ", ".join(f'"{known}"' for known in schema.enum)
        yield Cause(path, f'Unsupported value: "{value}": supported values: {allowed}', "FieldValueNotSupported")  # fmt: skip
    for name in schema.required:
        if name not in value:
            yield Cause(f"{path}.{name}".lstrip("."), "Required value", "FieldValueRequired")
    if schema.items is not None:
        for place, item in enumerate(value):
            yield from violations(schema.items, item, f"{path}[{place}]")
    for name, below in schema.fields.items():
        if name in value:
            yield from violations(below, value[name], f"{path}.{name}".lstrip("."))


def openapi(schema: Field) -> Json:
    """The schema as an openAPIV3Schema."""
    result: Json = {}
    if schema.type:
        result["type"] = schema.type
    if schema.fields:
        result["properties"] = {name: openapi(below) for name, below in schema.fields.items()}
    elif schema.type in ("", "object"):
        result["x-kubernetes-preserve-unknown-fields"] = True
    if schema.required:
        result["required"] = list(schema.required)
    if schema.items is not None:
        result["items"] = openapi(schema.items)
    if schema.enum:
        result["enum"] = list(schema.enum)
    if schema.default is not None:
        result["default"] = schema.default
    if schema.nullable:
        result["nullable"] = True
    return result


def _has_type(name: str, value: Any) -> bool:
    if name == "integer" and isinstance(value, bool):
        return False
    return isinstance(value, _PYTHON[name])


def _type_name(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", int: "integer", float: "number", dict: "object", list: "array"}
    return names[type(value)]
