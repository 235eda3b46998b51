"""The owner of Redis: documents, the due queue with its leases, claims, deliveries, audit."""

from bot.store.connection import Client, connect
from bot.store.durability import Durability
from bot.store.embedded import EmbeddedRedis
from bot.store.records import (
    AlreadyExists,
    ClaimConflict,
    Committed,
    Created,
    Delivery,
    Lease,
    Leased,
    PeriodicTask,
    PostedCard,
    Record,
    Stale,
    TaskResult,
)
from bot.store.store import Store

__all__ = [
    "AlreadyExists",
    "ClaimConflict",
    "Client",
    "Committed",
    "Created",
    "Delivery",
    "Durability",
    "EmbeddedRedis",
    "Lease",
    "Leased",
    "PeriodicTask",
    "PostedCard",
    "Record",
    "Stale",
    "Store",
    "TaskResult",
    "connect",
]
