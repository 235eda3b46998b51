"""Tasks are ended for good: a cancel that something below swallows is given again.

A cancel asks once. Code that catches too much, or waits for something of its own while it cleans
up, turns the request into an ordinary error, and its callers go on as if nobody had asked. A library
may begin to do so with any release. So a caller that needs an end asks until it has come, within a limit.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)

T = TypeVar("T")
AnyTask = asyncio.Task[Any]

AGAIN = 1.0
"""(Real) seconds until a cancel is given again: time to clean up in."""
LAST_SECONDS = 5.0
"""How long a piece of work that was cut off may take to end."""
CLOSE_SECONDS = 5.0
"""How long one part of the process may take to close."""
CUT_OFF_SECONDS = 1.0
"""The same of what closes at the end of the process, where time is short."""


class Overrun(Exception):
    """Work was cut off. `at` is where it stood, as file, line and function."""

    def __init__(self, at: str, *, ended: bool) -> None:
        super().__init__(at)
        self.at = at
        self.ended = ended
        """False if it goes on all the same: nobody waits for it any more."""


async def cancelled(tasks: Collection[AnyTask], *, within: float) -> set[AnyTask]:
    """Cancel until all have ended; those that have not after so many (real) seconds.

    Who is cancelled itself meanwhile ends them all the same, and then raises.
    """
    now = asyncio.get_running_loop().time
    end, interrupted = now() + within, False
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        try:
            await asyncio.wait(left, timeout=max(0.0, min(AGAIN, end - now())))
        except asyncio.CancelledError:
            interrupted = True
        left = {task for task in left if not task.done()}
        if now() >= end:
            break
    if interrupted:
        raise asyncio.CancelledError
    return left


async def limited(
    work: Coroutine[Any, Any, T], *, seconds: float, name: str, last: float | None = None
) -> T:
    """What the work returns. Raises Overrun if it takes longer than so many (real) seconds.

    Cut off, it gets `last` seconds to end, or LAST_SECONDS.
    """
    within = LAST_SECONDS if last is None else last
    task = asyncio.create_task(work, name=name)
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.add_done_callback(_unheard)
        await cancelled({task}, within=within)
        raise
    if task.done():
        return task.result()
    at = place(task)
    left = await cancelled({task}, within=within)
    if not left and not task.cancelled() and task.exception() is None:
        return task.result()  # it ended just then
    task.add_done_callback(_unheard)
    raise Overrun(at, ended=not left)


async def closed(part: str, closing: Coroutine[Any, Any, object], *, seconds: float) -> bool:
    """Close a part of the process within its time. What hangs is told and left: False then."""
    try:
        await limited(closing, seconds=seconds, name=f"close {part}", last=CUT_OFF_SECONDS)
    except Overrun as cut:
        log.error("did not end in time", part=part, where=cut.at, ended=cut.ended)  # noqa: TRY400 - `where` says it
        return False
    return True


def closes(
    stack: AsyncExitStack, part: str, close: Callable[[], Coroutine[Any, Any, object]]
) -> None:
    """Have it closed with the stack, within its time."""
    stack.push_async_callback(lambda: closed(part, close(), seconds=CLOSE_SECONDS))


async def end_all(tasks: Collection[AnyTask]) -> None:
    """Cancel tasks that run as long as the process. What will not end is told."""
    for task in await cancelled(tasks, within=CLOSE_SECONDS):
        log.error("did not end in time", part=task.get_name(), where=place(task))


def _unheard(task: AnyTask) -> None:
    """Nobody waits for it any more, and asyncio need not tell that nobody heard its error."""
    if not task.cancelled():
        task.exception()


def place(task: AnyTask) -> str:
    """Where a task waits: the last lines of the bot and of the libraries, outermost first."""
    found: list[str] = []
    at: Any = task.get_coro()
    while at is not None:
        frame = getattr(at, "cr_frame", None) or getattr(at, "gi_frame", None)
        if frame is not None:
            code = frame.f_code
            found.append(f"{Path(code.co_filename).name}:{frame.f_lineno} {code.co_name}")
        at = getattr(at, "cr_await", None) or getattr(at, "gi_yieldfrom", None)
    return " > ".join(found[-4:])
