"""Run a candidate through the cases of an exercise and note what it did."""

import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from rounds.engine import guard, perform
from rounds.engine.step import Failure
from rounds.engine.trial import Announce, Trial
from rounds.exercise import COST, Case, Exercise


@dataclass(frozen=True)
class Outcome:
    """What a candidate did in one case: what was seen, call by call, and failed.

    `size` counts the entries of all arguments: how large the case is.
    """

    seen: list[tuple[str, Any]]
    failures: list[Failure]
    size: int
    calls: int
    stopped: bool = False
    remarks: tuple[str, ...] = ()


async def attempt(
    exercise: Exercise,
    case: Case,
    candidate: Any,
    *,
    announce: Announce | None = None,
    guarded: bool = False,
    silent: bool = False,
    only_call: int | None = None,
) -> Outcome:
    """Put the candidate in one case. Raises nothing for what it does there.

    The global generators are seeded, and not put back: see perform.kept_generators.

    guarded: stop it after guard.SECONDS; for where no other process watches.
    announce, silent, only_call: see Trial.
    """
    trial = Trial(exercise, case, candidate, announce, silent, only_call)
    stopped = False
    try:
        perform.seed()
        with guard.limited() if guarded else nullcontext() as renew:
            pending = case.script(trial)
            if inspect.isawaitable(pending):
                await _kept_alive(pending, renew)
            trial.recheck()
    except guard.Stopped:
        stopped = True
        trial.fail(trial.steps[-1], "stopped", NO_END, "an answer")
    except BaseException as error:
        # The script stumbled over a value that came back. If nothing has failed
        # yet, that value is the failure.
        if not trial.steps:
            raise
        if not trial.failures:
            text = perform.error_text(error)
            trial.fail(trial.steps[-1], "type", text, "a usable value")
    return Outcome(
        trial.seen(),
        trial.failures,
        trial.size(),
        len(trial.steps),
        stopped,
        tuple(trial.remarks),
    )


async def attempts(
    exercise: Exercise,
    cases: list[Case],
    candidate: Any,
    *,
    announce: Announce | None = None,
    guarded: bool = False,
) -> list[Outcome]:
    """One outcome a case, in their order.

    A case that had to be stopped is the last: to wait for more would be too long.
    Cases of cost follow only when nothing has failed.
    """
    done: list[Outcome] = []
    for case in cases:
        if case.stage == COST and any(outcome.failures for outcome in done):
            break
        done.append(
            await attempt(exercise, case, candidate, announce=announce, guarded=guarded)
        )
        if done[-1].stopped:
            break
    return done


NO_END = f"nothing: it was stopped after {guard.SECONDS:.0f} seconds"


async def _kept_alive(
    pending: Awaitable[None], renew: Callable[[], None] | None
) -> None:
    import asyncio  # here, since few candidates wait: see rounds.engine.guard

    beat = asyncio.ensure_future(guard.heartbeat(renew)) if renew else None
    try:
        await pending
    finally:
        if beat:
            beat.cancel()


def is_async(exercise: Exercise) -> bool:
    """True if a case has to be awaited."""
    return any(inspect.iscoroutinefunction(case.script) for case in exercise.cases)


def finish(work: Coroutine[Any, Any, Any], needs_loop: bool) -> Any:
    """Run a coroutine to its end from ordinary code, in a notebook too.

    A notebook has an event loop that runs already, so another thread is used.
    """
    if not needs_loop:
        try:
            work.send(None)
        except StopIteration as end:
            return end.value
        raise RuntimeError("a case that waits must be async def")
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    box: list[Any] = []
    thread = threading.Thread(target=lambda: box.append(asyncio.run(work)))
    try:
        thread.start()
    except RuntimeError as error:
        work.close()
        raise RuntimeError(
            f"This Python has no threads ({error}), so that this check has to be "
            "awaited: await check_async(...) instead of check(...)."
        ) from None
    thread.join()
    return box[0]
