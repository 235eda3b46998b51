"""What a "no" of the API server means: by its message, whatever its code is."""

from dataclasses import dataclass

import pytest

from bot.restore.denials import MAX_QUOTE, denial, wants_halted
from bot.restore.locks import is_stuck
from bot.restore.observation import ApiRejection
from bot.restore.reasons import Reason

FORBIDDEN = 'virtualmachinerestores.snapshot.kubevirt.io "r" is forbidden: '
KUBEVIRT = (
    'admission webhook "virtualmachinerestore-validator.snapshot.kubevirt.io" denied the request: '
)


@dataclass(frozen=True, slots=True)
class Case:
    """An answer, what it means, what is quoted of it, and who is named."""

    id: str
    code: int
    message: str
    reason: Reason
    quoted: str
    who: str


CASES = (
    Case(
        "a right is missing, as recorded",
        403,
        'virtualmachinerestores.snapshot.kubevirt.io is forbidden: User "system:serviceaccount:ops:bot"'
        ' cannot create resource "virtualmachinerestores" in API group "snapshot.kubevirt.io" in the'
        ' namespace "production"',
        Reason.RBAC_FORBIDDEN,
        'cannot create resource "virtualmachinerestores"',
        "a cluster admin to grant the verb",
    ),
    Case(
        "virt-api says in plain text that a right is missing",
        401,
        "Unauthorized",
        Reason.RBAC_FORBIDDEN,
        "Unauthorized",
        "a cluster admin",
    ),
    Case(
        "an object-count quota is used up, as recorded",
        403,
        f"{FORBIDDEN}exceeded quota: objects, requested: count/virtualmachinerestores.snapshot."
        "kubevirt.io=1, used: count/virtualmachinerestores.snapshot.kubevirt.io=1, limited: "
        "count/virtualmachinerestores.snapshot.kubevirt.io=1",
        Reason.OBJECT_QUOTA_EXCEEDED,
        "Quota `objects` of namespace `production` is used up: requested: count/virtualmachinerestores",
        "who manages the quotas of namespace `production`",
    ),
    Case(
        "the namespace is being removed, as recorded",
        403,
        f"{FORBIDDEN}unable to create new content in namespace production because it is being "
        "terminated",
        Reason.NAMESPACE_BEING_DELETED,
        "Namespace `production` is being deleted",
        "Find out who deletes it",
    ),
    Case(
        "a webhook of the platform denies it with 403",
        403,
        'admission webhook "freeze.platform.example" denied the request: change freeze until Monday',
        Reason.POLICY_DENIED,
        "Admission webhook `freeze.platform.example` denies it: change freeze until Monday",
        "who owns webhook `freeze.platform.example`",
    ),
    Case(
        "a webhook denies the write behind a stop, which virt-api passes on as a 500",
        500,
        'Internal error occurred: admission webhook "freeze.platform.example" denied the request: '
        "change freeze until Monday",
        Reason.POLICY_DENIED,
        "change freeze until Monday",
        "who owns webhook `freeze.platform.example`",
    ),
    Case(
        "a webhook gives no reason",
        400,
        'admission webhook "freeze.platform.example" denied the request without explanation',
        Reason.POLICY_DENIED,
        "denied the request without explanation",
        "who owns webhook `freeze.platform.example`",
    ),
    Case(
        "Gatekeeper names its policy",
        403,
        'admission webhook "validation.gatekeeper.sh" denied the request: [no-restores-on-friday] '
        "ask change management",
        Reason.POLICY_DENIED,
        "Gatekeeper policy `no-restores-on-friday` denies it: ask change management",
        "who owns Gatekeeper policy `no-restores-on-friday`",
    ),
    Case(
        "a ValidatingAdmissionPolicy denies it with 422",
        422,
        f"{FORBIDDEN}ValidatingAdmissionPolicy 'freeze' with binding 'freeze-prod' denied request: "
        "change freeze until Monday",
        Reason.POLICY_DENIED,
        "ValidatingAdmissionPolicy `freeze` denies it: change freeze until Monday",
        "who owns ValidatingAdmissionPolicy `freeze`",
    ),
    Case(
        "a policy whose words read like a missing right is still a policy",
        403,
        'admission webhook "freeze.platform.example" denied the request: bots cannot create restores, '
        "exceeded quota: patience, because it is being terminated",
        Reason.POLICY_DENIED,
        "bots cannot create restores",
        "who owns webhook `freeze.platform.example`",
    ),
    Case(
        "a quota that is called like a policy is still a quota",
        403,
        f"{FORBIDDEN}exceeded quota: denied, requested: count/x=1, used: count/x=1, limited: count/x=1",
        Reason.OBJECT_QUOTA_EXCEEDED,
        "Quota `denied`",
        "who manages the quotas",
    ),
    Case(
        "KubeVirt's feature gate is off",
        400,
        f"{KUBEVIRT}Snapshot/Restore feature gate not enabled",
        Reason.SNAPSHOT_GATE_OFF,
        "Snapshot/Restore feature gate not enabled",
        "a cluster admin to add the feature gate `Snapshot`",
    ),
    Case(
        "KubeVirt's own webhook is no policy of the cluster",
        422,
        f'{KUBEVIRT}VirtualMachineRestore "r-live" in progress',
        Reason.ADMISSION_REFUSED,
        'KubeVirt refuses it: VirtualMachineRestore "r-live" in progress',
        "Correct what the message names",
    ),
    Case(
        "an older KubeVirt wants the run strategy Halted",
        422,
        f'{KUBEVIRT}VirtualMachine "db" run strategy has to be Halted',
        Reason.ADMISSION_REFUSED,
        'VirtualMachine "db" run strategy has to be Halted',
        "the owner of the VM to set its run strategy to Halted",
    ),
    Case(
        "an object is not valid, as recorded",
        422,
        'VirtualMachineRestore.snapshot.kubevirt.io "r-pol" is invalid: spec.targetReadinessPolicy: '
        'Unsupported value: "Whenever"',
        Reason.ADMISSION_REFUSED,
        "is invalid: spec.targetReadinessPolicy",
        "a cluster admin",
    ),
    Case(
        "a 403 that names nothing is not called a missing right",
        403,
        "no",
        Reason.ADMISSION_REFUSED,
        "The cluster refuses it: no",
        "a cluster admin about it",
    ),
    Case(
        "no words at all",
        403,
        "",
        Reason.ADMISSION_REFUSED,
        "it gave no reason (403)",
        "a cluster admin",
    ),
)


@pytest.mark.parametrize("case", [pytest.param(each, id=each.id) for each in CASES])
def test_the_message_says_what_is_the_matter_and_who_can_change_it(case: Case) -> None:
    cause = denial(ApiRejection(case.code, "Whatever", case.message), "production")
    assert cause.reason is case.reason
    assert case.quoted in cause.found
    assert case.who in cause.next
    assert cause.stays is (case.reason is not Reason.ADMISSION_REFUSED)


def test_what_others_write_is_cut_and_holds_no_links_and_no_code() -> None:
    text = f'admission webhook "w`x" denied the request: `rm` <!channel>\n<@U1> {"x" * 5000}'
    cause = denial(ApiRejection(403, "Forbidden", text), "production")
    assert "Admission webhook `w'x` denies it: 'rm' " in cause.found
    assert "!channel" in cause.found
    assert "<" not in cause.found
    assert len(cause.found) < MAX_QUOTE + 100
    assert len(cause.next) < 300


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'{KUBEVIRT}VirtualMachine "db" is not stopped', True),
        (f'{KUBEVIRT}VirtualMachine "db" run strategy has to be Halted', True),
        (f'{KUBEVIRT}VirtualMachine "db" is not stopped, invalid kind', False),
        (f'{KUBEVIRT}VirtualMachineRestore "r" in progress', False),
        (
            'admission webhook "freeze.example" denied the request: VirtualMachine "db" is not stopped',
            False,
        ),
    ],
)
def test_only_kubevirt_itself_wants_the_vm_stopped(text: str, *, expected: bool) -> None:
    assert wants_halted(ApiRejection(422, "Invalid", text)) is expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", False),
        ("Initializing VirtualMachineRestore", False),
        ("Creating new PVCs", False),
        ("Waiting for new PVCs", False),
        ("Updating target spec", False),
        ("Operation complete", False),
        ("VM restore is deleting", False),
        ("Automatically stopping restore target for restore operation", False),
        ('persistentvolumeclaims "x" is forbidden: exceeded quota: storage', True),
        ('admission webhook "freeze.example" denied the request: until Monday', True),
        ("VMSnapshot production/nope does not exist", True),
        ("missing volumeSnapshot vs-1", True),
    ],
)
def test_what_kubevirt_says_of_a_restore_is_progress_or_an_error(
    said: str, *, expected: bool
) -> None:
    assert is_stuck(said) is expected
