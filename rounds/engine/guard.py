"""Stop a pure-Python loop of a candidate in this very process, on any platform.

The usual run is in a child process, which can be ended whatever it does
(rounds.engine.isolate). This guard is for where there is none: in the browser, and for
candidates that cannot be sent to a child. It cannot stop a call into C, nor, on
Python 3.11, a loop that catches every exception.
"""

import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from rounds.engine.arrays import np

SECONDS = 10.0  # for one case; the course's own cases take milliseconds


LIBRARIES = (
    str(Path(__file__).parent.parent) + os.sep,  # this package
    str(Path(os.__file__).parent) + os.sep,
    *([str(Path(np.__file__).parent.parent) + os.sep] if np else []),
    "<frozen",
    "<__array_function__",
)


class Stopped(BaseException):
    """The candidate ran too long. Not an Exception, so that no `except` eats it."""


def is_own(file: str) -> bool:
    """True for code of the candidate: not Python's, a library's or this package's."""
    # Frames of compiled code name their source as it was where it was compiled.
    return not file.startswith(LIBRARIES) and not file.endswith((".pyx", ".pxd"))


@contextmanager
def limited() -> Iterator[Callable[[], None]]:
    """Raise Stopped inside the block if it runs for more than SECONDS.

    Gives a function that starts the time anew (see heartbeat).
    """
    deadline = time.monotonic() + SECONDS
    thread = threading.get_ident()

    def look(code: CodeType, *event: Any) -> None:
        if time.monotonic() < deadline or threading.get_ident() != thread:
            return
        # Never in the code that is to end this block, nor in an event loop's.
        if is_own(code.co_filename):
            raise Stopped

    def renew() -> None:
        nonlocal deadline
        deadline = time.monotonic() + SECONDS

    # sys.monitoring goes on after a bare `except:` has eaten the first Stopped, and
    # costs less than tracing; but it came with Python 3.12.
    watch = _by_monitoring if hasattr(sys, "monitoring") else _by_tracing
    with watch(look):
        yield renew


async def heartbeat(renew: Callable[[], None]) -> None:
    """Start a limit's time anew as long as the event loop turns.

    A candidate that holds the loop is stopped by `limited`, one that only waits by
    `bounded`.
    """
    import asyncio  # a tenth of the package's import, and few candidates wait

    while True:
        renew()
        await asyncio.sleep(SECONDS / 4)


async def bounded(awaitable: Awaitable[Any]) -> Any:
    """Await, but raise Stopped after SECONDS: for what never becomes ready."""
    import asyncio  # a tenth of the package's import, and few candidates wait

    task = asyncio.ensure_future(awaitable)
    await asyncio.wait({task}, timeout=SECONDS)
    if not task.done():
        task.cancel()
        raise Stopped
    return task.result()


@contextmanager
def _by_monitoring(look: Any) -> Iterator[None]:
    monitoring = sys.monitoring
    events = monitoring.events
    watched = events.JUMP | events.PY_START | events.PY_RESUME
    tool = next((t for t in (4, 3, 5) if monitoring.get_tool(t) is None), None)
    if tool is None:  # debuggers and profilers hold them all
        yield
        return
    monitoring.use_tool_id(tool, "rounds")
    try:
        for event in (events.JUMP, events.PY_START, events.PY_RESUME):
            monitoring.register_callback(tool, event, look)
        monitoring.set_events(tool, watched)
        yield
    finally:
        monitoring.set_events(tool, 0)
        for event in (events.JUMP, events.PY_START, events.PY_RESUME):
            monitoring.register_callback(tool, event, None)
        monitoring.free_tool_id(tool)


@contextmanager
def _by_tracing(look: Any) -> Iterator[None]:
    before = sys.gettrace()
    if before is not None:  # a debugger or a coverage tool is at work: leave it
        yield
        return

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        frame.f_trace_opcodes = True  # `while True: pass` has no event by line
        look(frame.f_code)
        return trace

    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
