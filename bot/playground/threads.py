"""Threads that do not run beside a world whose time stands still."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class NoThreads(ThreadPoolExecutor):
    """Does at once what somebody gives to a thread, as aiohttp does before each request.

    What is under way in a thread nobody can see, so nobody could tell whether the world is at rest.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """The work, done."""
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it belongs to the caller who asks for the result
            done.set_exception(error)
        return done
