"""How many lines of a candidate's own code one call runs: work without a clock.

The count is the same on every machine, though not quite on every version of Python,
and knows nothing of the work inside one call into C: limits are to leave room.
"""

import sys
from types import CodeType, FrameType
from typing import Any

from rounds.engine import guard


class Lines:
    """The lines of the candidate's own code that run within a `with`."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> "Lines":
        if hasattr(sys, "monitoring"):
            self._watch_by_monitoring()
        else:
            self.before = sys.gettrace()
            # The limit on time, which looks on by the same means, is still to hold.
            ours = getattr(self.before, "__module__", None) == guard.__name__
            self.limit = self.before if ours else None
            sys.settrace(self._trace)
        return self

    def __exit__(self, *error: object) -> None:
        if not hasattr(sys, "monitoring"):
            sys.settrace(self.before)
        elif self.tool is not None:
            sys.monitoring.set_events(self.tool, 0)
            for event in self._events():
                sys.monitoring.register_callback(self.tool, event, None)
            sys.monitoring.free_tool_id(self.tool)

    def _watch_by_monitoring(self) -> None:
        monitoring = sys.monitoring
        # Not the guard's, which may be at work; nor a debugger's, a profiler's.
        self.tool = next((t for t in (3, 4, 5) if monitoring.get_tool(t) is None), None)
        if self.tool is not None:
            monitoring.use_tool_id(self.tool, "rounds.lines")
            for event in self._events():
                monitoring.register_callback(self.tool, event, self._seen)
            monitoring.restart_events()  # what an earlier count has switched off
            monitoring.set_events(self.tool, sum(self._events()))

    def _events(self) -> tuple[int, ...]:
        """Calls too: the one line of a lambda is no LINE event."""
        events = sys.monitoring.events
        return events.LINE, events.PY_START, events.PY_RESUME

    def _seen(self, code: CodeType, where: int) -> Any:
        if not guard.is_own(code.co_filename):
            return sys.monitoring.DISABLE
        self.count += 1
        return None

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not guard.is_own(frame.f_code.co_filename):
            return None
        if self.limit:
            self.limit(frame, event, argument)
        if event == "line":
            self.count += 1
        return self._trace
