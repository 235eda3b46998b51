"""The owner of Redis: documents, the due queue with its leases, claims, deliveries, audit."""

from bot.store.connection import connect
from bot.store.durability import Durability
from bot.store.embedded import EmbeddedRedis
from bot.store.store import Keeping, Store
from bot.store.survey import LIVE

__all__ = [
    "LIVE",
    "Durability",
    "EmbeddedRedis",
    "Keeping",
    "Store",
    "connect",
]
