"""Make one call to a candidate, whatever it does, and note what happened."""

import inspect
import io
import random
import tracemalloc
import warnings
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from types import FunctionType, MethodType
from typing import Any

from rounds.engine import guard, show
from rounds.engine.arrays import ARRAY, np
from rounds.engine.draws import Draws
from rounds.engine.fields import Fields, fields_of

# Exactly these types need no copy, and have no size.
ATOMS = frozenset((int, float, bool, type(None)))
SIZED = frozenset((str, bytes, list, tuple, dict, set))
LARGEST = 10**6  # entries of a value that is copied to be compared
DICTS = (Counter, OrderedDict, defaultdict)  # Python's own, copied as they are
MOST_PRINTED = 400  # characters kept of what a candidate prints in one call


class WrongCall(TypeError):
    """The candidate cannot be called as the statement says."""


class Page(io.TextIOBase):
    """A text stream that keeps its beginning: a flood of prints costs no memory."""

    kept = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.kept += text[: MOST_PRINTED - len(self.kept)]
        return len(text)


@contextmanager
def quiet() -> Iterator[Page]:
    """Keep what the candidate prints, and its warnings, out of the notebook."""
    page = Page()
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(page))
        stack.enter_context(redirect_stderr(page))
        stack.enter_context(warnings.catch_warnings())
        if np:
            stack.enter_context(np.errstate(all="ignore"))
        warnings.simplefilter("ignore")
        yield page


@contextmanager
def kept_generators() -> Iterator[None]:
    """Put the global generators back as they were: the reader's notebook draws from
    them too."""
    ours, numpys = random.getstate(), np.random.get_state() if np else None
    try:
        yield
    finally:
        random.setstate(ours)
        if np:
            np.random.set_state(numpys)


def seed() -> None:
    """Seed the global generators: a program that draws from them by mistake is to do
    the same each time."""
    random.seed(0)
    if np:
        np.random.seed(0)


class Peak:
    """The most memory held at once within a `with`, in bytes."""

    bytes = 0

    def __enter__(self) -> "Peak":
        self.was_on = tracemalloc.is_tracing()
        tracemalloc.start()
        tracemalloc.reset_peak()
        self.start = tracemalloc.get_traced_memory()[0]
        return self

    def __exit__(self, *error: object) -> None:
        self.bytes = tracemalloc.get_traced_memory()[1] - self.start
        if not self.was_on:
            tracemalloc.stop()


def fits(function: Any, args: tuple, kwargs: Mapping[str, Any]) -> None:
    """Raise WrongCall if `function` cannot be called like that."""
    if _plainly_fits(function, args, kwargs):
        return
    if function is None:
        raise WrongCall("there is nothing of that name")
    if not callable(function):
        raise WrongCall(f"it is {show.kind(function)}, which cannot be called")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions written in C have none
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise WrongCall(f"{error}; yours takes {signature}") from None


def _plainly_fits(function: Any, args: tuple, kwargs: Mapping[str, Any]) -> bool:
    """True for a plain function that takes these. Most are, and to ask `inspect` takes
    longer than most calls."""
    if type(function) is MethodType:
        function, args = function.__func__, (None, *args)
    if type(function) is not FunctionType or function.__dict__:  # decorated, say
        return False
    code = function.__code__
    count, last = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    names = code.co_varnames
    required = {*names[: count - len(function.__defaults__ or ())]}
    required |= {*names[count:last]} - (function.__kwdefaults__ or {}).keys()
    given = {*names[: len(args)], *kwargs}
    return (
        not code.co_posonlyargcount
        and len(args) <= count
        and len(given) == len(args) + len(kwargs)
        and required <= given <= {*names[:last]}
    )


def names(function: Any) -> list[str]:
    """What a function calls its arguments; nothing where it does not say."""
    signature = guarded(inspect.signature, function, otherwise=inspect.Signature())
    return list(signature.parameters)


def snapshot(value: Any, most: int = LARGEST) -> Any:
    """A copy of arrays and plain containers; anything else is the object itself.

    Raises ValueError for a value of more than `most` entries at one depth, and
    RecursionError for one that contains itself.
    """
    kind = type(value)
    if kind in ATOMS:  # most of what is looked at
        return value
    if (len(value) if kind in SIZED else entries(value)) > most:
        raise ValueError(f"more than {most} entries")
    if kind is str or kind is bytes:
        return value
    if kind is list or kind is tuple or kind is set:
        return kind([snapshot(part, most) for part in value])
    if kind is dict:
        return {key: snapshot(part, most) for key, part in value.items()}
    if isinstance(value, ARRAY):
        return np.array(value)
    if kind in DICTS:
        kept = value.copy()
        for key, part in value.items():
            kept[key] = snapshot(part, most)
        return kept
    return bytearray(value) if isinstance(value, bytearray) else value


def sight(value: Any) -> Any:
    """What a candidate returned, kept to be compared, records by their fields of now; a
    monster only by its kind."""
    try:
        return _noted(value)
    except guard.Stopped:
        raise
    except BaseException:
        return guarded(show.kind, value, otherwise=f"a {type(value).__name__}")


def _noted(value: Any) -> Any:
    """A snapshot of `value` with every record in it as its Fields."""
    kind = type(value)
    if kind in ATOMS:
        return value
    if kind in SIZED and len(value) > LARGEST:
        raise ValueError(f"more than {LARGEST} entries")
    if kind is str or kind is bytes:
        return value
    if kind is list or kind is tuple:
        return kind([_noted(part) for part in value])
    if kind is dict:
        return {key: _noted(part) for key, part in value.items()}
    if isinstance(value, Draws):  # they differ, and may be right
        return value
    record = fields_of(value)
    if record is None:
        return snapshot(value)
    held = {name: _noted(part) for name, part in record.values.items()}
    return Fields(record.kind, held)


def entries(value: Any) -> int:
    """How large an argument is, to find the smallest failing call."""
    if isinstance(value, ARRAY):
        return int(value.size)
    if isinstance(value, str | bytes | list | tuple | dict | set):
        return len(value)
    return 1


def error_text(error: BaseException) -> str:
    """ "ValueError: message" on one line, cut; no address of an object in it."""
    try:
        message = show.without_addresses(" ".join(str(error).split()))[:200]
    except BaseException:
        message = ""
    name = "" if isinstance(error, WrongCall) else type(error).__name__
    return ": ".join(part for part in (name, message) if part)


def origin(error: BaseException | None) -> tuple[str, int, str] | None:
    """File, line and function of the innermost code of the candidate's own."""
    own = None
    if error is None:
        return None
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if guard.is_own(file):
            own = (file, trace.tb_lineno, trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    return own


def guarded(function: Callable[..., Any], *args: Any, otherwise: Any) -> Any:
    """`function(*args)`, or `otherwise` if a candidate's value makes it raise.

    For our own code on values that may raise anything in any operation.
    """
    try:
        return function(*args)
    except guard.Stopped:
        raise
    except BaseException:
        return otherwise


def shown(value: Any) -> str:
    """rounds.engine.show.show for a value that may be hostile."""
    return guarded(show.show, value, otherwise=f"a {type(value).__name__}")
