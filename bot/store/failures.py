"""Which failures of Redis mean "not now". All others are bugs and pass as they are."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import exceptions as failed

from bot.errors import StoreUnavailable

# The first that fits speaks; the more exact ones stand before their parents.
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (failed.AuthenticationError, "Redis refused the user name or the password"),
    (failed.AuthorizationError, "Redis refused the user name or the password"),
    (failed.BusyLoadingError, "Redis is still loading its data"),
    (failed.MaxConnectionsError, "all connections to Redis are in use"),
    (failed.ConnectionError, "Redis cannot be reached"),
    (failed.TimeoutError, "Redis did not answer in time"),
    (failed.ReadOnlyError, "this Redis is a replica and takes no writes just now"),
    (failed.OutOfMemoryError, "Redis has no memory left"),
    (failed.ClusterDownError, "the Redis cluster is not complete just now"),
    (failed.ClusterError, "the Redis cluster does not answer"),
    (failed.SlotNotCoveredError, "the Redis cluster is not complete just now"),
    (failed.AskError, "the Redis cluster is moving data"),
    (failed.TryAgainError, "the Redis cluster is moving data"),
)

# Errors that redis-py leaves as plain ResponseErrors, told apart by their first word.
_CODES = {
    "MISCONF": "Redis cannot write to its disk",
    "NOREPLICAS": "Redis has too few replicas to take writes",
    "BUSY": "Redis is busy with a long script",
    "UNBLOCKED": "this Redis has just become a replica",
}


@contextmanager
def translated() -> Iterator[None]:
    """Turn failures that may pass into StoreUnavailable, keeping the cause."""
    try:
        yield
    except (failed.RedisError, failed.RedisClusterException) as error:
        words = _in_plain_words(error)
        if words is None:
            raise
        raise StoreUnavailable(words) from error


def _in_plain_words(error: Exception) -> str | None:
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    if isinstance(error, failed.ResponseError):
        return _CODES.get(str(error).partition(" ")[0])
    if isinstance(error.__cause__, failed.ConnectionError | failed.TimeoutError):
        # How the cluster client says that no node of the list could be reached.
        return "no node of the Redis cluster can be reached"
    return None
