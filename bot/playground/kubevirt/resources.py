"""The kinds this API server serves: names, versions, scope and the columns kubectl prints."""

from dataclasses import dataclass

READ = ("get", "list", "watch")
ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Column:
    """A printer column: `path` is a dotted path; `Ready?` stands for the status of that condition."""

    name: str
    path: str
    type: str = "string"


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind. `versions` are all served ones, the stored one first."""

    group: str
    versions: tuple[str, ...]
    kind: str
    plural: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    custom: bool = False
    status: bool = False
    verbs: tuple[str, ...] = ALL_VERBS
    columns: tuple[Column, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """The stored version."""
        return self.versions[0]

    @property
    def singular(self) -> str:
        """The kind in lower case."""
        return self.kind.lower()

    @property
    def qualified(self) -> str:
        """`plural.group`, as error texts name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def group_kind(self) -> str:
        """The kind and its group with a dot between them, as validation errors name it."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    def api_version(self, version: str = "") -> str:
        """The `apiVersion` of an object of this kind."""
        wanted = version or self.version
        return f"{self.group}/{wanted}" if self.group else wanted


AGE = Column("Age", ".metadata.creationTimestamp", "date")


def _printed(*columns: Column) -> tuple[Column, ...]:
    """A built-in kind's columns: its own, then the age."""
    return (*columns, AGE)


NAMESPACES = Resource(
    "", ("v1",), "Namespace", "namespaces", ("ns",), namespaced=False, status=True,
    columns=_printed(Column("Status", ".status.phase")),
)  # fmt: skip
PODS = Resource("", ("v1",), "Pod", "pods", ("po",), verbs=READ, columns=_printed())
PVCS = Resource(
    "", ("v1",), "PersistentVolumeClaim", "persistentvolumeclaims", ("pvc",), status=True,
    columns=_printed(
        Column("Status", ".status.phase"),
        Column("Volume", ".spec.volumeName"),
        Column("Capacity", ".status.capacity.storage"),
        Column("StorageClass", ".spec.storageClassName"),
    ),
)  # fmt: skip
EVENTS = Resource(
    "", ("v1",), "Event", "events", ("ev",),
    columns=(
        Column("Last Seen", ".lastTimestamp", "date"),
        Column("Type", ".type"),
        Column("Reason", ".reason"),
        Column("Object", ".involvedObject.name"),
        Column("Message", ".message"),
    ),
)  # fmt: skip
QUOTAS = Resource(
    "", ("v1",), "ResourceQuota", "resourcequotas", ("quota",), status=True, columns=_printed()
)
LIMIT_RANGES = Resource(
    "", ("v1",), "LimitRange", "limitranges", ("limits",), verbs=READ, columns=_printed()
)
CONTROLLER_REVISIONS = Resource(
    "apps", ("v1",), "ControllerRevision", "controllerrevisions", columns=_printed()
)
STORAGE_CLASSES = Resource(
    "storage.k8s.io", ("v1",), "StorageClass", "storageclasses", ("sc",), namespaced=False,
    columns=_printed(
        Column("Provisioner", ".provisioner"), Column("VolumeBindingMode", ".volumeBindingMode")
    ),
)  # fmt: skip
CRDS = Resource(
    "apiextensions.k8s.io", ("v1",), "CustomResourceDefinition", "customresourcedefinitions",
    ("crd", "crds"), namespaced=False, verbs=READ,
    columns=(Column("Created At", ".metadata.creationTimestamp"),),
)  # fmt: skip
VOLUME_SNAPSHOTS = Resource(
    "snapshot.storage.k8s.io", ("v1",), "VolumeSnapshot", "volumesnapshots", ("vs",),
    custom=True, status=True,
    columns=_printed(
        Column("ReadyToUse", ".status.readyToUse", "boolean"),
        Column("SourcePVC", ".spec.source.persistentVolumeClaimName"),
        Column("RestoreSize", ".status.restoreSize"),
        Column("SnapshotClass", ".spec.volumeSnapshotClassName"),
        Column("CreationTime", ".status.creationTime", "date"),
    ),
)  # fmt: skip
VOLUME_SNAPSHOT_CLASSES = Resource(
    "snapshot.storage.k8s.io", ("v1",), "VolumeSnapshotClass", "volumesnapshotclasses",
    ("vsclass", "vsclasses"), namespaced=False, custom=True,
    columns=_printed(Column("Driver", ".driver"), Column("DeletionPolicy", ".deletionPolicy")),
)  # fmt: skip
DATA_VOLUMES = Resource(
    "cdi.kubevirt.io", ("v1beta1",), "DataVolume", "datavolumes", ("dv", "dvs"),
    custom=True, status=True, categories=("all",),
    columns=_printed(Column("Phase", ".status.phase"), Column("Progress", ".status.progress")),
)  # fmt: skip
KUBEVIRTS = Resource(
    "kubevirt.io", ("v1", "v1alpha3"), "KubeVirt", "kubevirts", ("kv", "kvs"),
    custom=True, status=True, categories=("all",),
    columns=_printed(Column("Phase", ".status.phase")),
)  # fmt: skip
VMS = Resource(
    "kubevirt.io", ("v1", "v1alpha3"), "VirtualMachine", "virtualmachines", ("vm", "vms"),
    custom=True, status=True, categories=("all",),
    columns=(AGE, Column("Status", ".status.printableStatus"), Column("Ready", "Ready?")),
)  # fmt: skip
VMIS = Resource(
    "kubevirt.io", ("v1", "v1alpha3"), "VirtualMachineInstance", "virtualmachineinstances",
    ("vmi", "vmis"), custom=True, categories=("all",),
    columns=(
        AGE,
        Column("Phase", ".status.phase"),
        Column("IP", ".status.interfaces.0.ipAddress"),
        Column("NodeName", ".status.nodeName"),
        Column("Ready", "Ready?"),
    ),
)  # fmt: skip
SNAPSHOTS = Resource(
    "snapshot.kubevirt.io", ("v1beta1", "v1alpha1"), "VirtualMachineSnapshot",
    "virtualmachinesnapshots", ("vmsnapshot", "vmsnapshots"),
    custom=True, status=True, categories=("all",),
    columns=(
        Column("SourceKind", ".spec.source.kind"),
        Column("SourceName", ".spec.source.name"),
        Column("Phase", ".status.phase"),
        Column("ReadyToUse", ".status.readyToUse", "boolean"),
        Column("CreationTime", ".status.creationTime", "date"),
        Column("Error", ".status.error.message"),
    ),
)  # fmt: skip
CONTENTS = Resource(
    "snapshot.kubevirt.io", ("v1beta1", "v1alpha1"), "VirtualMachineSnapshotContent",
    "virtualmachinesnapshotcontents", ("vmsnapshotcontent", "vmsnapshotcontents"),
    custom=True, status=True, categories=("all",),
    columns=(
        Column("ReadyToUse", ".status.readyToUse", "boolean"),
        Column("CreationTime", ".status.creationTime", "date"),
        Column("Error", ".status.error.message"),
    ),
)  # fmt: skip
RESTORES = Resource(
    "snapshot.kubevirt.io", ("v1beta1", "v1alpha1"), "VirtualMachineRestore",
    "virtualmachinerestores", ("vmrestore", "vmrestores"),
    custom=True, status=True, categories=("all",),
    columns=(
        Column("TargetKind", ".spec.target.kind"),
        Column("TargetName", ".spec.target.name"),
        Column("Complete", ".status.complete", "boolean"),
        Column("RestoreTime", ".status.restoreTime", "date"),
    ),
)  # fmt: skip
SELF_ACCESS = Resource(
    "authorization.k8s.io", ("v1",), "SelfSubjectAccessReview", "selfsubjectaccessreviews",
    namespaced=False, verbs=("create",),
)  # fmt: skip
ACCESS = Resource(
    "authorization.k8s.io", ("v1",), "SubjectAccessReview", "subjectaccessreviews",
    namespaced=False, verbs=("create",),
)  # fmt: skip
LOCAL_ACCESS = Resource(
    "authorization.k8s.io", ("v1",), "LocalSubjectAccessReview", "localsubjectaccessreviews",
    verbs=("create",),
)  # fmt: skip
SELF_RULES = Resource(
    "authorization.k8s.io", ("v1",), "SelfSubjectRulesReview", "selfsubjectrulesreviews",
    namespaced=False, verbs=("create",),
)  # fmt: skip
SELF_REVIEW = Resource(
    "authentication.k8s.io", ("v1",), "SelfSubjectReview", "selfsubjectreviews",
    namespaced=False, verbs=("create",),
)  # fmt: skip

REVIEWS = (SELF_ACCESS, ACCESS, LOCAL_ACCESS, SELF_RULES, SELF_REVIEW)
STORED = (
    NAMESPACES, PODS, PVCS, EVENTS, QUOTAS, LIMIT_RANGES, CONTROLLER_REVISIONS, STORAGE_CLASSES,
    CRDS, VOLUME_SNAPSHOTS, VOLUME_SNAPSHOT_CLASSES, DATA_VOLUMES, KUBEVIRTS, VMS, VMIS, SNAPSHOTS,
    CONTENTS, RESTORES,
)  # fmt: skip
SERVED = (*STORED, *REVIEWS)
BY_PLURAL = {resource.plural: resource for resource in STORED}

SUBRESOURCES_GROUP = "subresources.kubevirt.io"
SUBRESOURCES_VERSIONS = ("v1", "v1alpha3")


def served_at(group: str, version: str, plural: str) -> Resource | None:
    """The kind behind a path, or None."""
    for resource in SERVED:
        if (resource.group, resource.plural) == (group, plural) and version in resource.versions:
            return resource
    return None
