"""Values in words that a person can read: rounded, cut, the same on every machine."""

import inspect
import itertools
import re
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

from rounds.engine.arrays import ARRAY, BOOL, INT, np
from rounds.engine.draws import Draws
from rounds.engine.fields import Fields, fields_of

LONGEST_TEXT = 60  # characters of a string or of bytes
MOST_ITEMS = 8  # of a list, tuple, set or dict
MOST_ENTRIES = 12  # of an array that is written out
DEEPEST = 3  # of nested containers
LONGEST_CALL = 160  # characters; a longer call shows its arrays by shape
DIGITS = 4  # significant ones of a number


def show(value: Any, *, digits: int = DIGITS, depth: int = 0) -> str:
    """`value` on one line, its numbers with so many significant digits.

    The repr of an unknown class is never asked: it may be long, wrong or differ
    from run to run.
    """
    if value is None or isinstance(value, BOOL):
        return str(value)
    if isinstance(value, ARRAY):
        return _array(np.asarray(value), digits)
    if isinstance(value, Real):
        return number(value, digits)
    if isinstance(value, str | bytes):
        return _text(value)
    if isinstance(value, list | tuple | set | frozenset | Mapping):
        return _container(value, digits, depth)
    if isinstance(value, Draws):
        return _draws(value)
    record = fields_of(value)
    return kind(value) if record is None else _record(record, digits, depth)


def kind(value: Any) -> str:
    """What sort of thing `value` is, with its article: "a list", "an ndarray"."""
    if value is None:
        return "None"
    if inspect.isgenerator(value) or inspect.isasyncgen(value):
        return "a generator"
    if inspect.iscoroutine(value):
        return "a coroutine (the function is async)"
    if inspect.isclass(value):
        return f"the class {value.__name__}"
    if inspect.isroutine(value):
        return f"the function {getattr(value, '__name__', 'of no name')}"
    name = type(value).__name__
    vowel = name[0].lower() in "aeiou" or name == "ndarray"
    return f"{'an' if vowel else 'a'} {name}"


def number(value: Real, digits: int = DIGITS) -> str:
    """A number with its significant digits; an integer in full if it is short."""
    if isinstance(value, INT):
        if int(value).bit_length() > 100:
            return f"an int of {int(value).bit_length()} bits"
        return str(int(value))
    try:
        if abs(value) >= 1000:
            digits += 1  # 1000.5 and 1001 are to differ
        return f"{float(value) + 0.0:.{digits}g}"  # + 0.0 turns -0. into 0.
    except (OverflowError, TypeError, ValueError):
        return kind(value)


def without_addresses(text: str) -> str:
    """`text` with memory addresses cut, which differ from run to run."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def shape(array: "np.ndarray") -> str:
    """ "(2, 3) float64", the shape and the dtype."""
    return f"{tuple(array.shape)} {array.dtype}"


def call(name: str, args: tuple, kwargs: Mapping[str, Any], signature: str = "") -> str:
    """The text of a call: "softmax([1, 2], axis=0)".

    Where that would be long its arrays are shown by the names that the signature
    gives them, and their shapes: "attention(q (2, 3, 4), k (2, 5, 4))".
    """
    given = [show(value) for value in args]
    given += [f"{key}={show(value)}" for key, value in kwargs.items()]
    text = f"{name}({', '.join(given)})"
    if len(text) <= LONGEST_CALL and "array of shape" not in text:
        return text
    names = itertools.chain(parameters(signature), itertools.repeat("array"))
    given = [_by_shape(next(names), value) for value in args]
    for key, value in kwargs.items():
        array = isinstance(value, ARRAY)
        given.append(_by_shape(key, value) if array else f"{key}={show(value)}")
    return f"{name}({', '.join(given)})"


def parameters(signature: str) -> list[str]:
    """The names in "attention(q, k, v, mask=None)"."""
    return re.findall(r"(\w+)\s*(?=[,=)])", signature.partition("(")[2])


def _by_shape(name: str, value: Any) -> str:
    if not isinstance(value, ARRAY):
        return show(value)
    if value.dtype == np.bool_ and value.size <= MOST_ENTRIES:  # a mask explains itself
        return f"{name}={show(value)}"
    dtype = "" if value.dtype in (np.float64, np.bool_) else f" {value.dtype}"
    return f"{name} {value.shape}{dtype}"


def _array(array: "np.ndarray", digits: int) -> str:
    if array.size > MOST_ENTRIES or array.size == 0:
        return f"array of shape {shape(array)}"
    entry: dict[str, Callable[[Any], str]] = {
        "float_kind": lambda value: number(value, digits),
        "bool": str,
        "int": str,
    }
    text = np.array2string(
        array, separator=", ", formatter=entry, max_line_width=10**6, threshold=10**6
    )
    text = re.sub(r"\[ +", "[", re.sub(r"\s+", " ", text))
    plain = array.dtype in (np.float64, np.int64, np.bool_)
    return text if plain else f"{text} ({array.dtype})"


def _text(value: str | bytes) -> str:
    if len(value) <= LONGEST_TEXT:
        return repr(value)
    unit = "bytes" if isinstance(value, bytes) else "characters"
    return f"{value[:LONGEST_TEXT]!r}... ({len(value)} {unit})"


def _container(value: Any, digits: int, depth: int) -> str:
    if depth == DEEPEST:
        return "..."
    if isinstance(value, set | frozenset) and not value:
        return "set()"  # {} is a dict

    def inner(part: Any) -> str:
        return show(part, digits=digits, depth=depth + 1)

    if isinstance(value, Mapping):
        opened, closed = "{", "}"
        parts = [f"{inner(k)}: {inner(value[k])}" for k in list(value)[:MOST_ITEMS]]
    else:
        opened, closed = "{}"
        if isinstance(value, list):
            opened, closed = "[]"
        if isinstance(value, tuple):
            opened, closed = "()"
        if isinstance(value, set | frozenset):  # a set has no order of its own
            parts = sorted(inner(part) for part in value)[:MOST_ITEMS]
        else:
            parts = [inner(part) for part in value[:MOST_ITEMS]]
    if len(value) > MOST_ITEMS:
        parts.append(f"... ({len(value)} in all)")
    if isinstance(value, tuple) and len(value) == 1:
        closed = ",)"
    return opened + ", ".join(parts) + closed


def _record(record: Fields, digits: int, depth: int) -> str:
    """ "Chunk(id='a#0', start=0)", its fields in their order."""
    if depth == DEEPEST:
        return f"{record.kind}(...)"
    shown = (
        f"{name}={show(value, digits=digits, depth=depth + 1)}"
        for name, value in list(record.values.items())[:MOST_ITEMS]
    )
    return f"{record.kind}({', '.join(shown)})"


def _draws(draws: Draws) -> str:
    """The first draws, which tell two runs apart."""
    first = ", ".join(map(str, draws.values[:MOST_ITEMS]))
    return f"{first}, ... ({len(draws.values):,} draws)"
