"""Everything that can go wrong, by name. Each kind is one function: it does it, and says what it did.

What lasts for a while ends by itself (`ground.later`), and at the latest when the faults stop. The
moment comes from the plan; what exactly is hit is drawn here, from the trouble's own chance.
"""

import random
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from redis.exceptions import RedisError

from bot.playground.kubevirt.faults import (
    Answer,
    ApplyLate,
    DropAfter,
    DropBefore,
    Effect,
    Rule,
    SlowAnswer,
    WebhookDown,
)
from bot.playground.kubevirt.problems import ApiError
from bot.store import connect
from tests.tools.chaos import (
    forgetting,  # noqa: F401 - its kinds come first in the draw
    slack_trouble,  # noqa: F401 - so do these
)
from tests.tools.chaos.crew import Replica
from tests.tools.chaos.ground import Ground
from tests.tools.chaos.kinds import KINDS, OFTEN, RARE, kind
from tests.tools.chaos.plan import NAMESPACE, SNAPSHOT, VM, Trouble
from tests.tools.wires import Fault, FaultKind, Side

VERBS = (
    *(("create", "virtualmachinerestores", None),) * 4,
    ("create", "virtualmachinesnapshots", None),
    ("update", "virtualmachines", "stop"),
    ("update", "virtualmachines", "start"),
    ("delete", "virtualmachinerestores", None),
    ("get", "virtualmachines", None),
    ("get", "virtualmachineinstances", None),
    ("list", "virtualmachinerestores", None),
    ("", "", None),
)


async def happens(ground: Ground, trouble: Trouble) -> None:
    """Let it happen."""
    rng = ground.plan.chance("trouble", trouble.number, trouble.kind)
    said = await KINDS[trouble.kind](ground, rng)
    if said is not None:
        ground.faults[trouble.kind] += 1
        ground.note(f"{trouble.kind}: {said}")


# The cluster


def _cluster(name: str, effect: Callable[[random.Random], Effect]) -> None:
    """A kind that hits one of the next requests of a sort."""

    @kind(name)
    async def does(ground: Ground, rng: random.Random) -> str | None:
        verb, resource, subresource = rng.choice(VERBS)
        skip, times = rng.choice((0, 0, 0, 1, 3)), rng.choice((1, 1, 2, 6))
        ground.world.kube.faults.add(
            Rule(
                effect(rng),
                verb=verb,
                resource=resource,
                subresource=subresource,
                dry_run=None if verb != "create" else rng.choice((False, False, None)),
                times=times,
                skip=skip,
            )
        )
        return f"{times} times, to {verb} {resource}/{subresource}, after {skip} that go well"


_cluster(
    "the cluster answers 409",
    lambda _: Answer(409, "Conflict", "the object has been modified; please apply your changes"),
)
_cluster(
    "the cluster answers 429",
    lambda rng: Answer(429, "TooManyRequests", "slow down", rng.choice((None, 1, 5))),
)
_cluster("the cluster answers 500", lambda _: Answer(500, "InternalError", "etcdserver: timeout"))
_cluster("the cluster answers 503", lambda _: Answer(503, "ServiceUnavailable", "leader changed"))
_cluster("the cluster does it, the answer is lost", lambda _: DropAfter())
_cluster("the cluster breaks the connection", lambda _: DropBefore())
_cluster("the cluster answers late", lambda rng: SlowAnswer(rng.choice((3.0, 9.0, 20.0, 30.0))))
_cluster(
    "the cluster does it late, without an answer",
    lambda rng: ApplyLate(rng.choice((5.0, 20.0, 45.0, 59.0))),
)


LOOKS = 60
"""So many seconds somebody waits for a create to be held."""


@kind("a create is done late, the VM is started meanwhile")
async def _late_create(ground: Ground, rng: random.Random) -> str:
    """Nobody knows whether it is there, and it is not wanted any more."""
    seconds, started = rng.choice((20.0, 45.0, 59.0)), rng.choice((1, 5, 15))
    ground.world.kube.faults.add(
        Rule(ApplyLate(seconds), verb="create", resource="virtualmachinerestores", dry_run=False)
    )
    ground.later(1.0, partial(_starts_meanwhile, ground, started, LOOKS))
    return f"by {seconds:.0f} s, started after {started} s"


def _starts_meanwhile(ground: Ground, after: int, looks: int) -> None:
    held = bool(ground.world.kube.faults.late)
    if held and after <= 0:
        with suppress(ApiError):
            ground.world.kube.people.start(NAMESPACE, VM)
    elif looks > 0:
        again = partial(_starts_meanwhile, ground, after - held, looks - 1)
        ground.later(1.0, again)


@kind("watches end")
async def _watches(ground: Ground, rng: random.Random) -> str:
    how = rng.choice(("close", "cut", "expire"))
    getattr(ground.world.kube.watches, how)()
    if again := rng.random() < 0.5:
        effect = rng.choice((Answer(410, "Expired", "too old"), Answer(500, "InternalError", "no")))
        ground.world.kube.faults.add(Rule(effect, verb="watch", times=rng.choice((1, 3))))
    return f"{how}{', and the next ones fail' if again else ''}"


@kind("the webhook is down")
async def _webhook(ground: Ground, rng: random.Random) -> str:
    faults, seconds = ground.world.kube.faults, rng.choice((2.0, 10.0, 40.0))
    resource = rng.choice(("virtualmachinerestores", "virtualmachinesnapshots"))
    rule = faults.add(Rule(WebhookDown(), resource=resource, times=None))
    ground.later(seconds, partial(faults.remove, rule))
    return f"of {resource} for {seconds:.0f} s"


@kind("virt-api is down")
async def _virt_api(ground: Ground, rng: random.Random) -> str:
    knobs, seconds = ground.world.kube.knobs, rng.choice((3.0, 15.0))
    knobs.virt_api_down = True
    ground.later(seconds, partial(setattr, knobs, "virt_api_down", False))
    return f"for {seconds:.0f} s"


# Redis


@kind("Redis restarts")
async def _restarts(ground: Ground, rng: random.Random) -> str | None:
    if ground.redis_down:
        return None
    seconds = rng.choice((0.0, 1.0, 4.0, 15.0))
    ground.redis_down = True
    await ground.redis.stop()
    ground.later(seconds, partial(_starts, ground))
    return f"away for {seconds:.0f} s"


async def _starts(ground: Ground) -> None:
    await ground.redis.start(ground.world.directory / "redis")
    ground.redis_down = False


@kind("Redis is read-only")
async def _read_only(ground: Ground, rng: random.Random) -> str:
    seconds = rng.choice((1.0, 5.0, 20.0))
    await _redis(ground, "REPLICAOF", "127.0.0.1", "1")
    ground.later(seconds, partial(_redis, ground, "REPLICAOF", "NO", "ONE"))
    return f"for {seconds:.0f} s"


async def _redis(ground: Ground, *command: str) -> None:
    async with connect(ground.world.redis_url) as client:
        with suppress(RedisError):  # it may be down just now
            await client.execute_command(*command)


@kind("Redis breaks a connection")
async def _redis_breaks(ground: Ground, rng: random.Random) -> str:
    return _broken(ground, rng, Side.STORE, applied=False)


@kind("Redis does it, the answer is lost")
async def _redis_unheard(ground: Ground, rng: random.Random) -> str:
    return _broken(ground, rng, Side.STORE, applied=True)


def _broken(ground: Ground, rng: random.Random, side: Side, *, applied: bool) -> str:
    replica, crossing = rng.choice(ground.crew.replicas), rng.randrange(12)
    replica.wires.arrange(Fault(crossing, applied, FaultKind.BREAK, side))
    return f"for {replica.name}, at its crossing {crossing} to {side} from now"


# The replicas and their clock


@kind("a side cannot be reached")
async def _away(ground: Ground, rng: random.Random) -> str:
    replica, side = rng.choice(ground.crew.replicas), rng.choice(list(Side))
    seconds = rng.choice((2.0, 10.0, 40.0))
    replica.wires.lose(side)
    ground.later(seconds, partial(replica.wires.away.discard, side))
    return f"{replica.name} does not reach {side} for {seconds:.0f} s"


@kind("the bot is killed")
async def _killed(ground: Ground, rng: random.Random) -> str | None:
    replica = _somebody(ground, rng)
    if replica is None:
        return None
    ground.crew.kill(replica, back_in=rng.choice((0.5, 3.0, 10.0, 30.0)))
    return replica.name


@kind("the bot is killed at a crossing")
async def _killed_there(ground: Ground, rng: random.Random) -> str:
    replica, crossing = rng.choice(ground.crew.replicas), rng.randrange(60)
    applied, side = rng.random() < 0.5, rng.choice((None, None, Side.SLACK, Side.CLUSTER))
    number = crossing if side is None else crossing % 8
    replica.wires.arrange(Fault(number, applied, side=side))
    how = "after it was dealt with" if applied else "before it gets through"
    return f"{replica.name}, {how}, at its crossing {number} to {side or 'anything'} from now"


@kind("a replica stops for longer than its lease")
async def _zombie(ground: Ground, rng: random.Random) -> str | None:
    replica = _somebody(ground, rng)
    if replica is None:
        return None
    seconds = rng.choice((8.0, 27.0, 40.0))
    replica.wires.hold()
    ground.later(seconds, replica.wires.thaw)
    return f"{replica.name} for {seconds:.0f} s"


@kind("the clock jumps")
async def _jump(ground: Ground, rng: random.Random) -> str:
    seconds = rng.choice((5, 30, 120, 700))
    ground.clock.jump(seconds)
    return f"by {seconds} s"


@kind("a machine has another time")
async def _wrong_clock(ground: Ground, rng: random.Random) -> str:
    """The bot comes up again on a machine whose clock is wrong, and stays there."""
    replica = rng.choice(ground.crew.replicas)
    replica.ahead = rng.choice((-3600.0, -30.0, -6.0, 6.0, 30.0, 700.0, 3600.0))
    if replica.app is not None and not replica.wires.held:
        ground.crew.kill(replica, back_in=rng.choice((0.5, 3.0)))
    return f"{replica.name} is {replica.ahead:+.0f} s ahead from its next start on"


LOGIN_HANGS = "a login hangs"


@kind(LOGIN_HANGS)
async def _login_hangs(ground: Ground, rng: random.Random) -> str | None:
    """The plugin of a kubeconfig does not answer, and the login has just become too old."""
    replica = rng.choice(ground.crew.replicas)
    if replica.login is None:
        return None
    seconds = rng.choice((1.0, 5.0, 15.0, 40.0))
    replica.login.hang(replica.app)
    ground.later(seconds, partial(_login_comes, replica))
    return f"of {replica.name} for {seconds:.0f} s"


async def _login_comes(replica: Replica) -> None:
    if replica.login is not None:
        await replica.login.go_on(replica.app)


def _somebody(ground: Ground, rng: random.Random) -> Replica | None:
    there = ground.crew.running()
    return rng.choice(there) if there else None


# Other people


def _outsider(name: str, act: Callable[[Ground, random.Random], object]) -> None:
    """A kind in which somebody else changes the cluster."""
    RARE.add(name)

    @kind(name)
    async def does(ground: Ground, rng: random.Random) -> str | None:
        try:
            act(ground, rng)
        except (ApiError, LookupError):
            return None
        return "by hand"


def _delete_newest_restore(ground: Ground, _: random.Random) -> None:
    made = ground.world.kube.storage.objects("virtualmachinerestores", NAMESPACE)
    if not made:
        raise LookupError("there is none")
    ground.world.kube.people.delete_restore(NAMESPACE, made[-1]["metadata"]["name"])


_outsider("somebody starts the VM", lambda g, _: g.world.kube.people.start(NAMESPACE, VM))
_outsider("somebody stops the VM", lambda g, _: g.world.kube.people.stop(NAMESPACE, VM))
_outsider("the guest powers off", lambda g, _: g.world.kube.people.power_off(NAMESPACE, VM))
_outsider("somebody deletes the VM", lambda g, _: g.world.kube.people.delete_vm(NAMESPACE, VM))
_outsider("somebody re-creates the VM", lambda g, _: g.world.kube.people.recreate_vm(NAMESPACE, VM))
_outsider("somebody deletes the restore", _delete_newest_restore)
_outsider(
    "somebody takes a snapshot",
    lambda g, rng: g.world.kube.people.create_snapshot(NAMESPACE, f"by-hand-{rng.random()}", VM),
)
_outsider(
    "somebody restores by hand",
    lambda g, rng: g.world.kube.people.create_restore(
        NAMESPACE, f"by-hand-{rng.randrange(10**6)}", VM, SNAPSHOT
    ),
)
_outsider(
    "the snapshot is not ready any more",
    lambda g, _: g.world.kube.people.make_not_ready(NAMESPACE, SNAPSHOT, "the array is offline"),
)
_outsider(
    "somebody deletes the snapshot",
    lambda g, _: g.world.kube.people.delete_snapshot(NAMESPACE, SNAPSHOT),
)

DRAWN = tuple(name for name in KINDS for _ in range(1 if name in RARE else OFTEN))
"""What a plan draws from."""
