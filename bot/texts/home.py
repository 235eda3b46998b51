"""The texts of the Home tab."""

from typing import Final

HEADING: Final = "Restore VMs from snapshots"
INTRO: Final = (
    "I restore KubeVirt VMs from snapshots, step by step, in a thread. Nothing is restored before "
    "you have typed the snapshot's name and pressed *Restore VM now*."
)
RESTORE_A_VM: Final = "Restore a VM"
REFUSED: Final = "❌ *You may not restore VMs*: {text}"

MINE_HEADING: Final = "Your restores under way"
NOTHING_MINE: Final = "You have no restore under way."
NOTHING_MINE_READ: Final = "Of the restores under way I can read, none is yours."
OFFERED: Final = "{owner} offers you this restore: accept or decline it there."
CANCEL_TITLE: Final = "Cancel this restore?"
CANCEL_TEXT: Final = (
    "VM {vm} in {namespace} is not restored then. If I have stopped it, it stays stopped "
    "until somebody starts it."
)
CANCEL_IT: Final = "Cancel the restore"

RUNNING_HEADING: Final = "Other restores under way"
NOTHING_RUNS: Final = "Nobody else has a restore under way that you may see."
ENDED_HEADING: Final = "Earlier restores"
NOTHING_ENDED: Final = "No restore has ended in the last 30 days that you may see."
AND_MORE: Final = "and {count} more: `{slash} status` shows them."
AND_MORE_ENDED: Final = "and {count} more: `{slash} history` shows them."
AND_MORE_OFFERED: Final = "and {count} more that you are offered."

RIGHTS_HEADING: Final = "What you may do"
MAY_ALL: Final = "• Restore VMs in every namespace of cluster {cluster}"
MAY: Final = "• Restore VMs of cluster {cluster} in {namespaces}"
MAY_ALL_FROM: Final = "• Restore VMs in every namespace of cluster {cluster}, asked in {channel}"
MAY_FROM: Final = "• Restore VMs of cluster {cluster} in {namespaces}, asked in {channel}"
MAY_NOT: Final = "• Nothing in cluster {cluster}: {text}"
MAY_TAKE_OVER: Final = "• Take over a restore whose owner is gone, since you are on call"
MAY_NOT_TAKE_OVER: Final = "• Take over restores of others: no. {text}"
MORE_RIGHTS: Final = "• and {count} more"

HEALTH: Final = "vm-restore-bot {version}. {parts}. As of {when}."
STORE: Final = "Store"
CLUSTER: Final = "cluster {name}"
ANSWERS: Final = "{part}: reachable"
AWAY: Final = "⚠️ {part}: *cannot be reached*"
