"""The owner of Redis: documents, the due queue with its leases, claims, deliveries, audit."""

from bot.store.connection import Client, connect
from bot.store.durability import Durability
from bot.store.embedded import EmbeddedRedis
from bot.store.records import (
    Chore,
    Committed,
    Created,
    Delivery,
    Done,
    Held,
    Known,
    Lease,
    Leased,
    Record,
    Shown,
    Stale,
)
from bot.store.store import Store

__all__ = [
    "Chore",
    "Client",
    "Committed",
    "Created",
    "Delivery",
    "Done",
    "Durability",
    "EmbeddedRedis",
    "Held",
    "Known",
    "Lease",
    "Leased",
    "Record",
    "Shown",
    "Stale",
    "Store",
    "connect",
]
