"""Run a check in a child process, which can be ended whatever the candidate does.

The candidate travels by value (cloudpickle), so that what is defined in a notebook
works; the notebook's own process is never forked. `child` is the other end.
"""

import io
import linecache
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from typing import Any

import rounds.topics
from rounds.engine import guard
from rounds.engine.diagnose import PASSED, WRONG, Verdict
from rounds.engine.run import NO_END
from rounds.engine.step import Failure
from rounds.exercise import Exercise

MARGIN = 1.0  # seconds, so that what the child stops by itself is told by it
PATIENT_SECONDS = 2.0  # after which a word is said of the call that still runs
START_SECONDS = 60.0  # to start Python and import NumPy on a busy machine


def judge(exercise: Exercise, candidate: Any, level: int | None) -> Verdict | None:
    """The verdict from a child process, or None where there can be none.

    That is where the platform has no processes (the browser) and where the
    candidate cannot be sent: it holds an open file, say.
    """
    if not possible():
        return None
    parcel = _parcel(exercise, candidate, level)
    if parcel is None:
        return None
    verdict = _in_child(parcel)
    if verdict and _might_depend_on_earlier_calls(verdict):
        alone = _in_child(
            {**parcel, "only": (verdict.failure.about, verdict.failure.call)}
        )
        if alone and alone.state == PASSED:
            verdict.failure.note, verdict.failure.about = KEPT, ""
    return verdict


KEPT = (
    "Made first, in a fresh Python, this call is right: something is kept from "
    "earlier calls, in a global, a default argument or a cache."
)


def _might_depend_on_earlier_calls(verdict: Verdict) -> bool:
    failure = verdict.failure
    return (
        failure is not None
        and verdict.mistake is None
        and failure.direct
        and failure.kind not in ("signature", "stopped", "none", "mutated")
    )


def _in_child(parcel: dict[str, Any]) -> Verdict | None:
    with _started() as child:
        try:
            return _conversation(child, pickle.dumps(parcel))
        finally:
            _end(child)


def possible() -> bool:
    """True where Python can start a process."""
    return sys.platform not in ("emscripten", "wasi") and bool(sys.executable)


def _parcel(
    exercise: Exercise, candidate: Any, level: int | None
) -> dict[str, Any] | None:
    """What the child needs, or None if the candidate cannot travel."""
    import cloudpickle  # here, since the browser's Python need not have it

    notebook = {
        file: entry[2]
        for file, entry in list(linecache.cache.items())
        if len(entry) == 4 and not os.path.exists(file)
    }
    try:
        program = cloudpickle.dumps(candidate)
    except Exception:
        return None
    return {
        "path": sys.path,
        "topics": list(rounds.topics.__path__),
        "cells": notebook,
        "exercise": exercise.name,
        "level": level,
        "only": None,
        "candidate": program,
    }


def _started() -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "rounds.engine.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # so that its own children can be ended with it
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _conversation(child: subprocess.Popen, parcel: bytes) -> Verdict | None:
    """Hand the parcel over and follow the calls that the child tells of."""
    heard: queue.Queue[tuple[str, Any]] = queue.Queue()
    threading.Thread(target=_hear, args=(child, heard), daemon=True).start()
    try:
        child.stdin.write(parcel)
        child.stdin.close()
    except OSError:
        return None
    called, limit = "", START_SECONDS
    while True:
        try:
            word, content = _next(heard, called, limit)
        except queue.Empty:
            return _ended(called, NO_END)
        if word == "call":
            called, limit = content, guard.SECONDS + MARGIN
        elif word == "verdict":
            return content
        elif not called:  # it could not even unpack the candidate
            return None
        else:
            return _ended(called, "nothing: the Python process that ran it is gone")


def _next(heard: queue.Queue, called: str, limit: float) -> tuple[str, Any]:
    """What the child says next. Raises queue.Empty if it is silent too long."""
    first = min(PATIENT_SECONDS, limit)
    try:
        return heard.get(timeout=first)
    except queue.Empty:
        if called and limit > first:
            print(f"Still running: {called}", file=sys.stderr)
        return heard.get(timeout=limit - first)


def _hear(child: subprocess.Popen, heard: queue.Queue) -> None:
    """Pass on what the child says until it has no more to say."""
    try:
        while True:
            heard.put(pickle.load(child.stdout))
    except (EOFError, OSError, ValueError, pickle.UnpicklingError):
        heard.put(("gone", None))


def _ended(called: str, returned: str) -> Verdict:
    failure = Failure("stopped", called, returned, "an answer")
    return Verdict(WRONG, 1, failure)


def _end(child: subprocess.Popen) -> None:
    """End the child and all that it started."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (AttributeError, OSError):  # no process groups on Windows; or it is gone
        child.kill()
    child.wait()


def portable(verdict: Verdict) -> bytes:
    """The verdict as bytes; without the call's arguments if they cannot travel."""
    buffer = io.BytesIO()
    try:
        pickle.dump(("verdict", verdict), buffer)
    except Exception:
        assert verdict.failure is not None
        verdict.failure.args, verdict.failure.kwargs = (), {}
        buffer = io.BytesIO()
        pickle.dump(("verdict", verdict), buffer)
    return buffer.getvalue()
