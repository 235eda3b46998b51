import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.cluster import parse
from bot.cluster.configuration import configuration
from bot.cluster.quantity import in_words, quantity
from bot.restore.effects import REQUESTED_BY, RESTORE_ID
from bot.restore.observation import Quota, Use, Volume

Json = dict[str, Any]


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 2, 18, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("10Gi", 10 * 2**30),
        ("1.5Ti", 1536 * 2**30),
        ("129M", 129_000_000),
        ("128974848", 128_974_848),
        ("1e9", 10**9),
        ("12E", 12 * 10**18),
        ("500m", 1),
        ("0.5Ki", 512),
        ("1k", 1000),
        (" 3Gi ", 3 * 2**30),
        ("0", 0),
        ("", 0),
        ("plenty", 0),
        ("10 GiB", 0),
    ],
)
def test_quantity(words: str, value: int) -> None:
    assert quantity(words) == value


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("8Gi", "8 GiB"),
        ("8192Mi", "8 GiB"),
        ("1536Mi", "1536 MiB"),
        ("1000", "1000 bytes"),
        ("", ""),
        ("odd", "odd"),
    ],
)
def test_amounts_of_memory_read_the_same_however_they_are_written(words: str, shown: str) -> None:
    assert in_words(words) == shown


@pytest.mark.parametrize(
    ("spec", "strategy"),
    [
        ({"running": True}, "Always"),
        ({"running": False}, "Halted"),
        ({"runStrategy": "Manual"}, "Manual"),
        ({"runStrategy": "RerunOnFailure", "running": None}, "RerunOnFailure"),
        ({}, "Halted"),
    ],
)
def test_run_strategy_or_what_running_stands_for(spec: Json, strategy: str) -> None:
    assert parse.vm({"spec": spec}).run_strategy == strategy


def test_an_empty_document_parses_to_nothing_known() -> None:
    vm = parse.vm({})
    assert (vm.uid, vm.status, vm.last_modified, vm.volumes, vm.config) == (
        "",
        "Unknown",
        None,
        (),
        (),
    )
    assert not parse.snapshot({}).usable
    assert parse.content({}).bytes_needed == 0
    assert not parse.restore({}).complete
    assert parse.quotas({}) == ()


@pytest.mark.parametrize("status", [None, [], "text", {"conditions": "text", "restores": [None]}])
def test_fields_of_the_wrong_type_read_as_empty(status: Any) -> None:
    assert parse.restore({"status": status, "metadata": {"labels": 3}}).claims == ()


def test_vm_status_fields() -> None:
    vm = parse.vm(
        {
            "metadata": {
                "namespace": "production",
                "name": "database-01",
                "uid": "u1",
                "generation": 7,
                "deletionTimestamp": "2026-02-18T10:00:00Z",
                "annotations": {"restore.kubevirt.io/lastRestoreUID": "restore-x-uid"},
            },
            "spec": {"runStrategy": "Manual"},
            "status": {
                "printableStatus": "Migrating",
                "runStrategy": "Always",
                "snapshotInProgress": "s",
                "restoreInProgress": "r",
                "stateChangeRequests": [{"action": "Stop", "uid": "x"}, {"action": "Start"}],
            },
        }
    )
    assert (vm.namespace, vm.name, vm.uid, vm.generation) == (
        "production",
        "database-01",
        "u1",
        7,
    )
    assert vm.deleting
    assert vm.migrating
    assert vm.start_queued
    assert (vm.snapshot_in_progress, vm.restore_in_progress) == ("s", "r")
    assert vm.observed_run_strategy == "Always"
    assert vm.last_restore == "restore-x-uid"


def test_a_queued_stop_is_no_queued_start() -> None:
    assert not parse.vm({"status": {"stateChangeRequests": [{"action": "Stop"}]}}).start_queued


def test_last_modified_is_the_newest_write_that_is_no_status() -> None:
    fields = [
        {"time": "2026-02-18T09:00:00Z"},
        {"time": "2026-02-18T11:30:00Z", "subresource": ""},
        {"time": "2026-02-18T12:00:00Z", "subresource": "status"},
        {"time": "not a time"},
        {},
    ]
    assert parse.vm({"metadata": {"managedFields": fields}}).last_modified == at(11, 30)


@pytest.mark.parametrize(
    ("metadata", "owner"),
    [
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, "Argo CD"),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:…"}}, "Argo CD"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}, "Flux"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "shop"}}, "Flux"),
        ({"labels": {"app.kubernetes.io/instance": "shop"}}, None),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "Helm"),
        (
            {
                "labels": {"app.kubernetes.io/managed-by": "Helm"},
                "annotations": {"meta.helm.sh/release-name": "shop"},
            },
            "Helm (release shop)",
        ),
        ({"labels": {"app.kubernetes.io/managed-by": "vm-operator"}}, "vm-operator"),
        (
            {
                "labels": {
                    "app.kubernetes.io/managed-by": "Helm",
                    "argocd.argoproj.io/instance": "shop",
                }
            },
            "Argo CD",
        ),
        (
            {"ownerReferences": [{"kind": "VirtualMachinePool", "name": "web"}]},
            "VirtualMachinePool web",
        ),
        (
            {
                "ownerReferences": [{"kind": "KubevirtMachine", "name": "node-1"}],
                "labels": {"kustomize.toolkit.fluxcd.io/name": "shop"},
            },
            "KubevirtMachine node-1, Flux",
        ),
        ({"annotations": {"meta.helm.sh/release-name": "shop"}}, "Helm (release shop)"),
        ({"ownerReferences": [{"kind": "K", "name": "n" * 300}]}, f"K {'n' * 198}"),
        ({"ownerReferences": [3, {}]}, None),
        ({}, None),
    ],
)
def test_who_else_writes_a_vm(metadata: Json, owner: str | None) -> None:
    assert parse.vm({"metadata": metadata}).gitops == owner


@pytest.mark.parametrize(("status", "paused"), [("True", True), ("False", False)])
def test_a_guest_is_paused_while_its_condition_says_so(status: str, *, paused: bool) -> None:
    condition = {"type": "Paused", "status": status}
    assert parse.vmi({"status": {"conditions": [condition]}}).paused is paused


def template(**spec: Any) -> Json:
    return {"spec": {"template": {"spec": spec}}}


def test_volumes_name_their_claims_and_say_who_shares_them() -> None:
    document = template(
        volumes=[
            {"name": "root", "dataVolume": {"name": "root-dv"}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "data-claim"}},
            {"name": "ci", "cloudInitNoCloud": {"userData": "secret"}},
            {"name": "tmp", "ephemeral": {"persistentVolumeClaim": {"claimName": "image"}}},
        ],
        domain={"devices": {"disks": [{"name": "data", "shareable": True}, {"name": "root"}]}},
    )
    assert parse.volumes(document) == (
        Volume("root", "dataVolume", "root-dv"),
        Volume("data", "persistentVolumeClaim", "data-claim", shareable=True),
        Volume("ci", "cloudInitNoCloud"),
        Volume("tmp", "ephemeral", "image"),
    )


def snapshot_document(**status: Any) -> Json:
    return {
        "metadata": {"name": "s", "uid": "u", "creationTimestamp": "2026-02-18T10:00:00Z"},
        "spec": {"source": {"kind": "VirtualMachine", "name": "database-01"}},
        "status": status,
    }


def test_snapshot_facts() -> None:
    found = parse.snapshot(
        snapshot_document(
            creationTime="2026-02-18T10:04:00Z",
            phase="Succeeded",
            readyToUse=True,
            virtualMachineSnapshotContentName="content",
            indications=["GuestAgent", "Online"],
            sourceIndications=[{"indication": "Online", "message": "…"}, {"indication": "Paused"}],
            snapshotVolumes={"includedVolumes": ["root"], "excludedVolumes": ["ci"]},
        )
    )
    assert (found.requested_at, found.created) == (at(10), at(10, 4))
    assert found.usable
    assert found.source == "database-01"
    assert found.content_name == "content"
    assert found.indications == ("GuestAgent", "Online", "Paused")
    assert found.included == ("root",)
    assert found.error is None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ({"error": {"message": "VolumeSnapshots (a) missing"}}, "VolumeSnapshots (a) missing"),
        (
            {
                "conditions": [
                    {"type": "Failure", "status": "True", "reason": "snapshot deadline exceeded"}
                ]
            },
            "snapshot deadline exceeded",
        ),
        ({"conditions": [{"type": "Failure", "status": "False", "reason": "x"}]}, None),
        ({"conditions": [{"type": "Ready", "status": "False", "reason": "Not ready"}]}, None),
    ],
)
def test_snapshot_errors(status: Json, error: str | None) -> None:
    assert parse.snapshot(snapshot_document(**status)).error == error


def test_a_succeeded_snapshot_that_is_not_ready_is_not_usable() -> None:
    assert not parse.snapshot(snapshot_document(phase="Succeeded", readyToUse=False)).usable


def test_newest_first_goes_by_the_time_of_the_data() -> None:
    late = snapshot_document(creationTime="2026-02-18T12:00:00Z")
    asked = snapshot_document()
    names = [one.created for one in parse.newest_first(map(parse.snapshot, [asked, late]))]
    assert names == [at(12), None]


def test_content_keeps_the_original_vm_and_sums_its_claims() -> None:
    backups = [
        _backup("root", "10Gi", "fast"),
        _backup("data", "5Gi", "fast"),
        _backup("log", "1Gi", None),
    ]
    found = parse.content(
        {
            "metadata": {"name": "content", "uid": "c"},
            "spec": {
                "source": {
                    "virtualMachine": {
                        "metadata": {"uid": "original"},
                        **template(volumes=[{"name": "root", "dataVolume": {"name": "dv"}}]),
                    }
                },
                "volumeBackups": backups,
            },
            "status": {"readyToUse": True},
        }
    )
    assert (found.vm_uid, found.ready) == ("original", True)
    assert found.volumes == (Volume("root", "dataVolume", "dv"),)
    gib = 2**30
    assert found.sizes == (
        ("root", "fast", 10 * gib), ("data", "fast", 5 * gib), ("log", "", gib)
    )  # fmt: skip


def _backup(name: str, size: str, storage_class: str | None) -> Json:
    spec: Json = {"resources": {"requests": {"storage": size}}, "storageClassName": storage_class}
    return {"volumeName": name, "persistentVolumeClaim": {"metadata": {"name": name}, "spec": spec}}


def conditions(*given: tuple[str, str, str]) -> list[Json]:
    return [{"type": kind, "status": status, "reason": reason} for kind, status, reason in given]


def test_restore_texts_are_the_reasons_of_its_conditions() -> None:
    found = parse.restore(
        {
            "metadata": {
                "namespace": "n",
                "name": "r",
                "uid": "u",
                "labels": {RESTORE_ID: "k3.2"},
                "annotations": {REQUESTED_BY: "U1"},
            },
            "spec": {"target": {"name": "database-01"}, "virtualMachineSnapshotName": "s"},
            "status": {
                "complete": False,
                "conditions": conditions(
                    ("Progressing", "True", "Creating new PVCs"),
                    ("Ready", "False", "Waiting for new PVCs"),
                ),
                "restores": [{"persistentVolumeClaim": "a"}, {"volumeName": "no claim yet"}],
            },
        }
    )
    assert (found.target, found.snapshot) == ("database-01", "s")
    assert (found.progressing, found.ready) == ("Creating new PVCs", "Waiting for new PVCs")
    assert (found.complete, found.failure) == (False, None)
    assert found.claims == ("a",)
    assert (found.restore_id, found.made_by) == ("k3.2", "U1")


# a condition's reason and message -> its text
TEXTS: list[tuple[dict[str, str], str]] = [
    ({"reason": "Creating new PVCs", "message": "in detail"}, "Creating new PVCs"),
    ({"reason": "Creating new PVCs"}, "Creating new PVCs"),
    ({"message": "in detail"}, "in detail"),
    ({"reason": "", "message": "in detail"}, "in detail"),
    ({}, ""),
]


@pytest.mark.parametrize(("told", "words"), TEXTS)
def test_the_text_of_a_condition_is_its_reason_or_else_its_message(
    told: dict[str, str], words: str
) -> None:
    failed = {"type": "Failure", "status": "True", **told}
    going = {"type": "Progressing", "status": "True", **told}
    found = parse.restore({"status": {"conditions": [failed, going]}})
    assert (found.failure, found.progressing) == (words, words)


def test_only_a_failure_condition_is_a_failure() -> None:
    retried = conditions(
        ("Progressing", "False", "VMSnapshot n/s does not exist"),
        ("Ready", "False", "VMSnapshot n/s does not exist"),
    )
    powered = "Restore target VMI must be powered off before restore operation"
    failed = [*retried, *conditions(("Failure", "True", powered))]
    assert parse.restore({"status": {"conditions": retried}}).failure is None
    assert parse.restore({"status": {"conditions": failed}}).failure == powered


def test_a_completed_restore_says_when() -> None:
    found = parse.restore({"status": {"complete": True, "restoreTime": "2026-02-18T10:00:00Z"}})
    assert (found.complete, found.restored_at) == (True, at(10))


def test_quotas_that_bear_on_volumes_and_no_others() -> None:
    document = {
        "metadata": {"name": "storage"},
        "spec": {"hard": {"requests.storage": "99Gi"}},
        "status": {
            "hard": {
                "requests.storage": "10Gi",
                "persistentvolumeclaims": "5",
                "fast.storageclass.storage.k8s.io/requests.storage": "4Gi",
                "pods": "10",
                "requests.cpu": "4",
                "requests.storageclasses.example.com": "1",
            },
            "used": {"requests.storage": "7Gi", "persistentvolumeclaims": "3"},
        },
    }
    assert parse.quotas(document) == (
        Quota("storage", "fast.storageclass.storage.k8s.io/requests.storage", 4 * 2**30, 0),
        Quota("storage", "persistentvolumeclaims", 5, 3),
        Quota("storage", "requests.storage", 10 * 2**30, 7 * 2**30),
    )


def test_a_quota_without_status_yet_counts_by_its_spec() -> None:
    document = {"metadata": {"name": "q"}, "spec": {"hard": {"requests.storage": "1Gi"}}}
    assert parse.quotas(document) == (Quota("q", "requests.storage", 2**30, 0),)


def test_configuration_as_people_know_it() -> None:
    document = {
        "spec": {
            "instancetype": {"name": "u1.medium", "kind": "VirtualMachineInstancetype"},
            "preference": {"name": "fedora"},
            "dataVolumeTemplates": [
                {
                    "metadata": {"name": "root-dv"},
                    "spec": {"storage": {"resources": {"requests": {"storage": "30Gi"}}}},
                }
            ],
            "template": {
                "spec": {
                    "nodeSelector": {"zone": "b", "disk": "ssd"},
                    "volumes": [
                        {"name": "root", "dataVolume": {"name": "root-dv"}},
                        {"name": "iso", "containerDisk": {"image": "quay.io/x:1"}},
                        {"name": "cfg", "configMap": {"name": "settings"}},
                        {"name": "ci", "cloudInitNoCloud": {"userData": "password: hunter2"}},
                    ],
                    "networks": [
                        {"name": "default", "pod": {}},
                        {"name": "vlan", "multus": {"networkName": "net/vlan7"}},
                    ],
                    "domain": {
                        "cpu": {"sockets": 1, "cores": 4, "threads": 2, "model": "host-model"},
                        "memory": {"guest": "8192Mi", "hugepages": {"pageSize": "2Mi"}},
                        "machine": {"type": "q35"},
                        "firmware": {"bootloader": {"efi": {"secureBoot": False}}},
                        "devices": {
                            "tpm": {},
                            "gpus": [{"name": "g", "deviceName": "nvidia.com/T4"}],
                            "hostDevices": [{"name": "h", "deviceName": "intel.com/qat"}],
                            "disks": [
                                {"name": "root", "disk": {"bus": "virtio"}, "bootOrder": 1},
                                {"name": "iso", "cdrom": {"bus": "sata"}},
                                {"name": "cfg", "disk": {}},
                            ],
                            "interfaces": [
                                {"name": "default", "masquerade": {}},
                                {
                                    "name": "vlan",
                                    "bridge": {},
                                    "model": "e1000",
                                    "macAddress": "02:00:00:00:00:01",
                                },
                            ],
                        },
                    },
                }
            },
        }
    }
    fields = dict(configuration(document))
    digest = fields.pop("cloud-init ci")
    assert digest.startswith("present, content ")
    assert "hunter2" not in str(configuration(document))
    assert fields == {
        "instance type": "u1.medium (of the namespace)",
        "preference": "fedora",
        "cpu": "4 cores, 2 threads",
        "cpu model": "host-model",
        "memory": "8 GiB",
        "huge pages": "2Mi",
        "machine type": "q35",
        "firmware": "EFI",
        "TPM": "present",
        "disk cfg": "disk, configMap settings",
        "disk iso": "sata cdrom, image quay.io/x:1",
        "disk root": "virtio disk, data volume, 30 GiB, boot order 1",
        "network default": "virtio, masquerade, pod network",
        "network vlan": "e1000, bridge, net/vlan7, MAC 02:00:00:00:00:01",
        "GPU g": "nvidia.com/T4",
        "host device h": "intel.com/qat",
        "node selector": "disk=ssd, zone=b",
    }


@pytest.mark.parametrize(
    ("domain", "field", "words"),
    [
        ({"cpu": {"cores": 1}}, "cpu", "1 core"),
        ({"cpu": {"sockets": 2}}, "cpu", "2 sockets, 1 core"),
        ({"resources": {"requests": {"cpu": "2"}}}, "cpu", "2 requested"),
        ({"resources": {"requests": {"memory": "4Gi"}}}, "memory", "4 GiB"),
        ({"firmware": {"bootloader": {"efi": {}}}}, "firmware", "EFI with secure boot"),
        ({"firmware": {"bootloader": {"bios": {}}}}, "firmware", "BIOS"),
        ({"devices": {"tpm": {"persistent": True}}}, "TPM", "persistent"),
    ],
)
def test_one_field_of_the_configuration(domain: Json, field: str, words: str) -> None:
    assert configuration(template(domain=domain)) == ((field, words),)


def test_cloud_init_shows_that_it_changed_and_nothing_else() -> None:
    def digest(password: str) -> str:
        volume = {"name": "ci", "cloudInitNoCloud": {"userData": f"password: {password}"}}
        return dict(configuration(template(volumes=[volume])))["cloud-init ci"]

    assert digest("one") == digest("one") != digest("two")


def test_claim_names_are_no_configuration_since_every_restore_brings_new_ones() -> None:
    def disk(claim: str) -> tuple[tuple[str, str], ...]:
        return configuration(
            template(
                volumes=[{"name": "root", "persistentVolumeClaim": {"claimName": claim}}],
                domain={"devices": {"disks": [{"name": "root", "disk": {"bus": "virtio"}}]}},
            )
        )

    assert disk("database-01-root") == disk("restore-5b7e-root")


def test_a_claim() -> None:
    found = parse.claim(
        {
            "metadata": {
                "name": "c",
                "labels": {"restore.kubevirt.io/source-vm-name": "database-01"},
            },
            "spec": {"storageClassName": "fast"},
            "status": {"phase": "Bound"},
        }
    )
    assert (found.name, found.phase, found.vm) == (
        "c",
        "Bound",
        "database-01",
    )
    assert (found.deleting, found.owners, found.mark, found.restored_by) == (False, (), None, None)
    assert (found.source, found.created) == (None, None)


def test_what_a_claim_shows_of_its_past_and_its_owner() -> None:
    found = parse.claim(
        {
            "metadata": {
                "name": "c",
                "creationTimestamp": "2026-02-18T16:30:05Z",
                "deletionTimestamp": "2026-02-18T16:31:00Z",
                "annotations": {
                    "restore.kubevirt.io/name": "restore-x",
                    "restore.kubevirt.io/lastRestoreUID": "restore-x-uid",
                },
                "ownerReferences": [{"kind": "DataVolume", "name": "c"}],
            },
            "spec": {"dataSourceRef": {"kind": "VolumeSnapshot", "name": "vmsnapshot-1"}},
        }
    )
    assert (found.mark, found.restored_by) == ("restore-x-uid", "restore-x")
    assert (found.deleting, found.owners) == (True, (("DataVolume", "c"),))
    assert found.source == "vmsnapshot-1"
    assert found.created is not None


def test_what_a_restore_has_made_and_deleted() -> None:
    made = {"volumeName": "root", "persistentVolumeClaim": "c", "volumeSnapshotName": "s"}
    status = {"restores": [made, {"volumeName": "x"}], "deletedDataVolumes": ["extra"]}
    found = parse.restore({"metadata": {"name": "r"}, "status": status})
    assert (found.claims, found.volumes) == (("c",), (("root", "c", "s"),))
    assert found.deleted == ("extra",)


TEMPLATES = {"dataVolumeTemplates": [{"metadata": {"name": "dv"}}]}


def test_the_data_volumes_of_templates_and_what_was_copied() -> None:
    assert parse.vm({"spec": TEMPLATES}).templates == ("dv",)
    copy = {"spec": TEMPLATES}
    spec = {"source": {"virtualMachine": copy}, "volumeBackups": [_backup("root", "1Gi", None)]}
    found = parse.content({"spec": spec})
    assert (found.templates, found.backups) == (("dv",), (("root", "root"),))


USES = [
    pytest.param("VM", {"spec": {"template": {"spec": {"volumes": "V"}}}}, id="a VM"),
    pytest.param("VMI", {"spec": {"volumes": "V"}}, id="a VMI"),
    pytest.param("pod", {"spec": {"volumes": "V"}}, id="a pod"),
]
NAMING: tuple[tuple[Json, list[str]], ...] = (
    ({"name": "v", "persistentVolumeClaim": {"claimName": "c"}}, ["c"]),
    ({"name": "v", "dataVolume": {"name": "c"}}, ["c"]),
    ({"name": "v", "memoryDump": {"claimName": "c"}}, ["c"]),
    ({"name": "v", "ephemeral": {"persistentVolumeClaim": {"claimName": "c"}}}, ["c"]),
    ({"name": "v", "containerDisk": {"image": "c"}}, []),
    ({"name": "v", "configMap": {"name": "c"}}, []),
)


@pytest.mark.parametrize(("kind", "shape"), USES)
@pytest.mark.parametrize(("volume", "claims"), NAMING)
def test_who_names_which_claim(kind: str, shape: Json, volume: Json, claims: list[str]) -> None:
    whole = json.loads(json.dumps(shape).replace('"V"', json.dumps([volume])))
    found = parse.uses(kind, {"metadata": {"name": "n"}, **whole})
    assert found == tuple(Use(claim, kind, "n") for claim in claims)


# --- Going away, and having run: as a live control plane answered --------------------------------

DOWN = {
    "lastProbeTime": "2026-11-30T14:35:50Z",
    "lastTransitionTime": "2026-11-30T14:35:50Z",
    "message": "VMI does not exist",
    "reason": "VMINotExists",
    "status": "False",
    "type": "Ready",
}
RUNS = {
    "lastProbeTime": None,
    "lastTransitionTime": "2026-11-30T14:35:47Z",
    "status": "True",
    "type": "Ready",
}


def test_content_that_waits_for_its_finalizer_says_that_it_is_ready() -> None:
    there: Json = {"metadata": {"name": "c"}, "status": {"readyToUse": True}}
    going = {**there, "metadata": {"name": "c", "deletionTimestamp": "2026-11-30T14:36:09Z"}}
    assert parse.content(there).usable
    assert parse.content(going).ready
    assert parse.content(going).deleting
    assert not parse.content(going).usable


def test_error_of_a_content() -> None:
    status = {"readyToUse": True, "error": {"message": "VolumeSnapshot v error: lost"}}
    found = parse.content({"metadata": {"name": "c"}, "status": status})
    assert found.error == "VolumeSnapshot v error: lost"
    assert not found.usable


@pytest.mark.parametrize(
    ("status", "down_since", "has_instance"),
    [
        ({"conditions": [DOWN]}, datetime(2026, 11, 30, 14, 35, 50, tzinfo=UTC), False),
        ({"conditions": [RUNS], "created": True}, None, True),
        ({"conditions": [{**DOWN, "reason": "PodTerminating"}], "created": True}, None, True),
        ({}, None, False),
    ],
)
def test_since_when_a_vm_is_down(
    status: Json, down_since: datetime | None, *, has_instance: bool
) -> None:
    found = parse.vm({"metadata": {"name": "db"}, "spec": {}, "status": status})
    assert (found.down_since, found.has_instance) == (down_since, has_instance)


def test_digest_of_a_specification_is_blind_to_the_run_strategy_alone() -> None:
    def digest(**spec: Any) -> str:
        return parse.vm({"metadata": {"name": "db"}, "spec": spec}).specification

    template = {"spec": {"domain": {"cpu": {"cores": 2}}}}
    other = {"spec": {"domain": {"cpu": {"cores": 4}}}}
    same = digest(template=template)
    assert digest(template=template, runStrategy="Always") == same
    assert digest(template=template, running=False) == same
    assert digest(template=other, runStrategy="Always") != same
    assert digest(template=template, dataVolumeTemplates=[{}]) != same
