"""How a VM stood when it was looked at: what the look just before the act is compared with.

The generation alone is not enough. Our own stop raises it, and a VM with run strategy Manual is
started and stopped without any change of it. So the rest of the specification has a digest of its
own, and KubeVirt writes into the VM's Ready condition since when there is no instance of it.
"""

from pydantic import AwareDatetime

from bot.restore.observation import Vm, Vmi
from bot.restore.thread import Stored

MAX_FIELDS = 40
MAX_WORDS = 120


class VmState(Stored):
    """One look at one VM."""

    generation: int
    specification: str
    """Digest of the spec without the run strategy, which a stop changes."""
    config: tuple[tuple[str, str], ...] = ()
    """The fields that people know, to say what was edited."""
    last_restore: str | None = None
    down_since: AwareDatetime | None = None
    vmi: str | None = None
    """UID of its VMI, which is another one each time the VM is started."""


def state_of(vm: Vm, vmi: Vmi | None = None) -> VmState:
    """What is kept of a look."""
    return VmState(
        generation=vm.generation,
        specification=vm.specification,
        config=tuple((name, words[:MAX_WORDS]) for name, words in vm.config[:MAX_FIELDS]),
        last_restore=vm.last_restore,
        down_since=vm.down_since,
        vmi=vmi.uid if vmi is not None else None,
    )


def edited(before: VmState, now: VmState) -> list[tuple[str, str | None, str | None]]:
    """Field, before and now of all that differs and that people have a name for."""
    then, here = dict(before.config), dict(now.config)
    return [
        (name, then.get(name), here.get(name))
        for name in dict.fromkeys((*then, *here))
        if then.get(name) != here.get(name)
    ]
