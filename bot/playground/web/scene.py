"""The scene of the playground: five people, three channels, and a cluster that is worth a look."""

from dataclasses import dataclass
from datetime import timedelta

from bot.playground.kubevirt.seed import Disk
from bot.playground.slack import Person
from bot.playground.slack.workspace import Channel
from bot.playground.world import World

REQUESTER, ON_CALL, APPROVER = "requester", "on call", "approver-to-be"
GUEST, STRANGER = "guest", "stranger from a shared channel"
LONG_GRACE = 1800
"""Seconds that a database gets to shut down: more than the bot waits before it asks."""
OFFLINE, ONLINE, QUIESCED = (), ("Online", "NoGuestAgent"), ("Online", "GuestAgent")
SNAPSHOTS: tuple[tuple[str, str, str, float, tuple[str, ...]], ...] = (
    ("production", "pre-upgrade-snapshot", "database-01", 6.5, QUIESCED),
    ("production", "nightly-database-01", "database-01", 15, ONLINE),
    ("production", "before-schema-change", "database-01", 9 * 24, OFFLINE),
    ("production", "before-release", "web-01", 3, OFFLINE),
    ("production", "last-month-web-01", "web-01", 31 * 24, OFFLINE),
    ("production", "before-release-web-02", "web-02", 3.1, ONLINE),
    ("production", "nightly-queue-01", "queue-01", 15, QUIESCED),
    ("staging", "golden-image", "database-01", 12 * 24, OFFLINE),
    ("billing", "end-of-quarter", "billing-01", 40 * 24, QUIESCED),
)
"""Namespace, name, VM, age in hours, and what KubeVirt says of how it was taken."""


TOPICS = {
    "incidents": "What is broken in production. @vm-restore listens.",
    "database-team": "Private: alice and bob.",
    "vendor-help": "Shared with another company: nothing is restored here.",
}


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody whom a player can be."""

    person: Person
    role: str


@dataclass(frozen=True, slots=True)
class Scene:
    """Who is there, and where they talk."""

    world: World
    personas: dict[str, Persona]
    channels: dict[str, Channel]


def set_scene(world: World) -> Scene:
    """Fill an empty world, and tell its bot who may do what."""
    personas = _people(world)
    _cluster(world)
    alice, bob = personas["alice"].person, personas["bob"].person
    grant = {"users": [alice.id, bob.id], "namespaces": ["production", "staging"]}
    oncall = world.slack.user_group("db-oncall", bob)
    world.config = {
        "access": {
            "contact": "the platform team",
            "grants": [grant],
            "on_call": {"groups": [oncall.id]},
        },
        **world.config,
    }
    return Scene(world, personas, _channels(world, personas))


def _people(world: World) -> dict[str, Persona]:
    slack = world.slack
    cast = (
        Persona(slack.person("alice"), REQUESTER),
        Persona(slack.person("bob", tz="America/New_York"), ON_CALL),
        Persona(slack.person("carol", tz="Asia/Tokyo"), APPROVER),
        Persona(slack.person("dave", guest=True), GUEST),
        Persona(slack.person("mallory", foreign=True, tz="UTC"), STRANGER),
    )
    return {each.person.name: each for each in cast}


def _channels(world: World, personas: dict[str, Persona]) -> dict[str, Channel]:
    alice, bob, carol, dave, mallory = (each.person for each in personas.values())
    slack = world.slack
    made = (
        slack.channel("incidents", alice, bob, carol, dave),
        slack.channel("database-team", alice, bob, private=True),
        slack.channel("vendor-help", alice, bob, carol, mallory, ext_shared=True),
    )
    for person in (alice, bob, carol, dave):
        slack.dm(person)
    return {each.name: each for each in made}


def _cluster(world: World) -> None:
    seed, now = world.kube.seed, world.clock.now()
    two = (Disk("root", "20Gi"), Disk("data", "100Gi"))
    seed.vm(
        "production",
        "database-01",
        running=True,
        run_strategy="Always",
        disks=two,
        grace_period=LONG_GRACE,
    )
    seed.vm("production", "web-01", running=False, run_strategy="Halted")
    seed.vm("production", "web-02", running=True, run_strategy="Always")
    seed.vm("production", "queue-01", running=True, run_strategy="RerunOnFailure", disks=two)
    seed.vm("staging", "database-01", running=False, run_strategy="Halted", disks=two)
    seed.vm("billing", "billing-01", running=True, run_strategy="Always")
    for namespace, name, vm, hours, indications in SNAPSHOTS:
        created = now - timedelta(hours=hours)
        seed.snapshot(namespace, name, vm, created=created, indications=indications)
