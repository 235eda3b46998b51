"""Cards of restores that the cluster knows and the bot did not: lost records, late objects."""

from typing import Final

FOUND_AGAIN_HEADING: Final = "⚠️ My Record of This Restore Is Gone"
FOUND_AGAIN_TEXT: Final = "⚠️ The record of the restore of VM {vm} is gone; the cluster has it."
FOUND_AGAIN: Final = (
    "What I had stored of the restore of VM {vm} in {namespace} is lost. The cluster has the "
    "restore, so it was handed over before that; nothing is restored a second time."
)
FOUND_AGAIN_FOLLOWED: Final = "{owner}, it is followed to its end from here, and told below."
FOUND_AGAIN_BUTTONS: Final = (
    "Buttons above do nothing any more. What was shown and confirmed is there."
)

APPEARED_HEADING: Final = "⚠️ The Restore Has Appeared in the Cluster"
APPEARED_TEXT: Final = "⚠️ The restore of VM {vm}, which had ended, is in the cluster now."
APPEARED: Final = (
    "The restore of VM {vm} in {namespace} had ended here, since the cluster had no restore object "
    "then. By now it has one: the API server has carried out late what it had not answered."
)
APPEARED_ANOTHER: Final = (
    "The restore of VM {vm} in {namespace} had ended here. Now the cluster has another restore object of "
    "it: a request that was carried out late, or somebody has made the object again."
)
APPEARED_FOLLOWED: Final = (
    "{owner}, it is followed to its end from here, and told below. *Do not start the VM meanwhile.* If "
    "it takes long, you can delete the restore object; that rolls nothing back."
)
