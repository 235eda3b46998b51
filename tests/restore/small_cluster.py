"""A tiny cluster that remembers what was created in it: the counterpart of the state machine.

It keeps the rules that make a restore dangerous: an unfinished restore blocks the next, a VMI makes a
restore fail, deleting the VM takes its restores along, and a create is accepted whatever runs.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from bot.restore.effects import RESTORE_ID
from bot.restore.events import (
    ClearVmi,
    CreateRestore,
    CreateSnapshot,
    DeleteRestore,
    Done,
    Effect,
    Result,
    StartVm,
    StopVm,
)
from bot.restore.observation import ApiRejection, RestoreObject, Snapshot
from tests.restore.ground import (
    NOW,
    READY,
    VM,
    VMI,
    WELL,
    Ground,
    foreign_restore,
    restore_object,
)
from tests.restore.ground import safety_object as snapshot_object

TAKEN = ApiRejection(409, "AlreadyExists", "already exists")


@dataclass(slots=True)
class Made:
    """One VirtualMachineRestore that was created by an effect."""

    effect: CreateRestore
    uid: str
    deleted_by_others: bool = False

    @property
    def restore_id(self) -> str:
        """Whose it is."""
        return dict(self.effect.labels)[RESTORE_ID]


@dataclass(slots=True)
class SmallCluster:
    """One namespace with one VM."""

    ground: Ground = WELL
    made: list[Made] = field(default_factory=list)
    stubborn: bool = False
    """The guest does not listen to a graceful stop."""
    manual: bool = False
    """Run strategy Manual: starting and stopping leave no trace in the spec."""
    count: int = 1
    ran: int = 0
    """How often somebody has started the VM."""

    def fresh(self, kind: str) -> str:
        """A new UID."""
        self.count += 1
        return f"{kind}-{self.count}"

    # Acts of the bot

    def perform(self, effect: Effect) -> Result:
        """What the API server answers; it has happened by then."""
        match effect:
            case StopVm(force=force):
                return self._stop(force=force)
            case ClearVmi(uid=uid):
                if self.ground.vmi is not None and self.ground.vmi.uid == uid:
                    self.ground = self.ground.but(vmi=None)
                return Done()
            case StartVm():
                self.start()
                return Done()
            case CreateSnapshot():
                return self._create_snapshot(effect)
            case CreateRestore():
                return self._create_restore(effect)
            case DeleteRestore(uid=uid):
                self._remove(uid)
                return Done()

    def _stop(self, *, force: bool) -> Result:
        vm, vmi = self.ground.vm, self.ground.vmi
        if vm is None:
            return ApiRejection(404, "NotFound", "not found")
        self._vm(run_strategy="Manual" if self.manual else "Halted")
        if vmi is not None:
            down = force or not self.stubborn
            self.ground = self.ground.but(vmi=replace(vmi, deleting=True) if down else vmi)
        return Done()

    def _create_snapshot(self, effect: CreateSnapshot) -> Result:
        there = self.ground.snapshot(effect.name)
        if there is not None:
            own = there.restore_id == dict(effect.labels)[RESTORE_ID]
            return Done(there.uid) if own else TAKEN
        made = snapshot_object(effect, uid=self.fresh("safety"))
        self.ground = self.ground.but(snapshots=(*self.ground.snapshots, made))
        self._vm(snapshot_in_progress=effect.name)
        return Done(made.uid)

    def _create_restore(self, effect: CreateRestore) -> Result:
        mine = dict(effect.labels)[RESTORE_ID]
        for each in self.ground.restores:
            if each.name == effect.name and each.restore_id == mine:
                return Done(each.uid)
            if each.name == effect.name or not each.complete:
                return ApiRejection(
                    422, "Invalid", f'VirtualMachineRestore "{each.name}" in progress'
                )
        made = restore_object(effect, uid=self.fresh("restore"))
        self.made.append(Made(effect, made.uid))
        self.ground = self.ground.but(restores=(*self.ground.restores, made))
        return Done(made.uid)

    # Time

    def advance(self) -> None:
        """Every controller gets one step further."""
        vm, vmi = self.ground.vm, self.ground.vmi
        if vm is not None and vmi is None and vm.has_instance:
            self._down()
        if vmi is not None and vmi.deleting:
            # The VM's own status notices it a step later.
            self.ground = self.ground.but(vmi=None)
            self._vm(status="Stopped")
        # In two steps each: a step may change the VM as well.
        snapshots = tuple(self._snapshot_step(each) for each in self.ground.snapshots)
        restores = tuple(self._restore_step(each) for each in self.ground.restores)
        self.ground = self.ground.but(snapshots=snapshots, restores=restores)

    def _snapshot_step(self, snapshot: Snapshot) -> Snapshot:
        if snapshot.phase == "InProgress":
            return replace(snapshot, **READY)
        vm = self.ground.vm
        if vm is not None and vm.snapshot_in_progress == snapshot.name:
            self._vm(snapshot_in_progress=None)
        return snapshot

    def _restore_step(self, restore: RestoreObject) -> RestoreObject:
        vm = self.ground.vm
        if vm is None or restore.complete or restore.failure is not None:
            return restore
        if self.ground.vmi is not None:
            return replace(restore, failure="must be powered off")
        if vm.restore_in_progress is None:
            self._vm(restore_in_progress=restore.name)
            return replace(restore, progressing="Creating new PVCs")
        if vm.restore_in_progress != restore.name:
            return restore
        self._vm(restore_in_progress=None, last_restore=f"{restore.name}-{restore.uid}")
        return replace(restore, complete=True)

    # Others

    def start(self) -> None:
        """The VM runs."""
        if self.ground.vm is not None and self.ground.vmi is None:
            self.ran += 1
            self._vm(run_strategy="Manual" if self.manual else "Always", status="Running")
            self._vm(has_instance=True, down_since=None)
            self.ground = self.ground.but(vmi=replace(VMI, uid=self.fresh("vmi")))

    def power_off(self) -> None:
        """The VM is down."""
        self._vm(run_strategy="Manual" if self.manual else "Halted", status="Stopped")
        if self.ground.vmi is not None:
            self._down()
        self.ground = self.ground.but(vmi=None)

    def delete_vm(self) -> None:
        """The VM goes, and its restores with it."""
        for each in self.ground.restores:
            self.delete_restore(each)
        self.ground = self.ground.but(vm=None, vmi=None)

    def create_vm(self) -> None:
        """A VM of that name comes; it is another one."""
        self.delete_vm()
        self.ground = self.ground.but(vm=replace(VM, uid=self.fresh("vm")))

    def change_snapshot(self, **facts: Any) -> None:
        """The snapshot that is restored from changes."""
        first, *rest = self.ground.snapshots
        self.ground = self.ground.but(snapshots=(replace(first, **facts), *rest))

    def delete_restore(self, restore: RestoreObject) -> None:
        """Somebody deletes a restore object."""
        for made in self.made:
            if made.uid == restore.uid:
                made.deleted_by_others = True
        self._remove(restore.uid)

    def delete_newest_restore(self) -> None:
        """Somebody deletes the newest one."""
        if self.ground.restores:
            self.delete_restore(self.ground.restores[-1])

    def break_guest(self) -> None:
        """The guest does not listen any more."""
        self.stubborn = True

    def restore_elsewhere(self) -> None:
        """Somebody restores the same VM with other tools."""
        if all(each.complete for each in self.ground.restores):
            other = foreign_restore(self.fresh("foreign"))
            self.ground = self.ground.but(restores=(*self.ground.restores, other))

    def fail_snapshots(self) -> None:
        """What is being taken fails for good."""
        taking = [each for each in self.ground.snapshots if each.phase == "InProgress"]
        self.ground = self.ground.but(
            snapshots=tuple(
                replace(each, phase="Failed") if each in taking else each
                for each in self.ground.snapshots
            )
        )
        self._vm(snapshot_in_progress=None)

    def fail_snapshots_and_start(self) -> None:
        """The worst moment to be sent back to the checks."""
        self.fail_snapshots()
        self.start()

    def fail_restores(self) -> None:
        """What is under way fails for good."""
        self.ground = self.ground.but(
            restores=tuple(
                each if each.complete else replace(each, failure="no space left")
                for each in self.ground.restores
            )
        )

    def _remove(self, uid: str) -> None:
        gone = [each for each in self.ground.restores if each.uid == uid]
        rest = tuple(each for each in self.ground.restores if each.uid != uid)
        self.ground = self.ground.but(restores=rest)
        vm = self.ground.vm
        if vm is not None and any(vm.restore_in_progress == each.name for each in gone):
            self._vm(restore_in_progress=None)

    def _down(self) -> None:
        """KubeVirt notes anew since when there is no VMI."""
        self.fresh("moment")
        self._vm(has_instance=False, down_since=NOW + timedelta(seconds=self.count))

    def _vm(self, **facts: Any) -> None:
        vm = self.ground.vm
        if vm is not None:
            written = facts.get("run_strategy", vm.run_strategy) != vm.run_strategy
            changed = replace(vm, generation=vm.generation + written, **facts)
            self.ground = self.ground.but(vm=changed)
