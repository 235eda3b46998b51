"""What the API server's "no" means: what is the matter, in its own words, and who can change that."""

from typing import Final

from bot.texts.refusals import RefusalText

RIGHT: Final = RefusalText(
    "The cluster does not let me do it: {text}",
    "RBAC rights for my ServiceAccount in namespace `{namespace}`.",
    "Ask a cluster admin to grant the verb that the message names.",
)
QUOTA: Final = RefusalText(
    "Quota `{name}` of namespace `{namespace}` is used up: {text}",
    "Room in the quota for one more object.",
    "Ask who manages the quotas of namespace `{namespace}` to raise it, or to remove objects that "
    "are not used any more. It is no missing right of mine.",
)
NAMESPACE: Final = RefusalText(
    "Namespace `{namespace}` is being deleted, with every VM and snapshot in it.",
    "A namespace that stays.",
    "Find out who deletes it. What is still needed must be copied out before it is gone.",
)
WEBHOOK: Final = RefusalText(
    "Admission webhook `{name}` denies it: {text}",
    "A request that this policy of the cluster allows.",
    "Ask who owns webhook `{name}`, often the platform or security team. It is no missing right of "
    "mine.",
)
GATEKEEPER: Final = RefusalText(
    "Gatekeeper policy `{name}` denies it: {text}",
    WEBHOOK.expected,
    "Ask who owns Gatekeeper policy `{name}`, often the platform or security team. It is no missing "
    "right of mine.",
)
POLICY: Final = RefusalText(
    "ValidatingAdmissionPolicy `{name}` denies it: {text}",
    WEBHOOK.expected,
    "Ask who owns ValidatingAdmissionPolicy `{name}`, often the platform or security team. It is no "
    "missing right of mine.",
)
GATE: Final = RefusalText(
    "KubeVirt's feature gate `Snapshot` is off: {text}",
    "A KubeVirt that takes and restores snapshots.",
    "Ask a cluster admin to add the feature gate `Snapshot` to the KubeVirt resource.",
)
STRATEGY: Final = RefusalText(
    "This release of KubeVirt restores only VMs with run strategy Halted: {text}",
    "A VM with run strategy Halted, which a stop does not give to this one.",
    "Ask the owner of the VM to set its run strategy to Halted, or a cluster admin to upgrade to "
    "KubeVirt 1.4.1 or later.",
)
KUBEVIRT: Final = RefusalText(
    "KubeVirt refuses it: {text}",
    "A request that KubeVirt accepts.",
    "Correct what the message names, then ask again.",
)
OTHER: Final = RefusalText(
    "The cluster refuses it: {text}",
    "A request that the cluster accepts.",
    "Correct what the message names, or ask a cluster admin about it; then ask again.",
)
NO_WORDS: Final = "it gave no reason ({code})"
NOT_STOPPED: Final = "VM `{vm}` could not be stopped. {found}"
NOT_CLEARED: Final = (
    "The guest of VM `{vm}` has ended, and its VirtualMachineInstance could not be removed. {found}"
)
