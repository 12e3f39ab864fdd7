"""Values in words that a person can read: rounded, cut, the same on every machine."""

import ast
import inspect
import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from rounds.engine.arrays import ARRAY, BOOL, INT, np
from rounds.engine.draws import Draws
from rounds.engine.fields import Fields, fields_of

MOST_ENTRIES = 12  # of an array that is written out
DEEPEST = 3  # of nested containers
LONGEST_CALL = 160  # characters; a longer call shows its arrays by shape
DIGITS = 4  # significant ones of a number
ROOM = 140  # characters of a value: two lines of a report
ARGUMENT = 80  # characters of one of a long call's arguments


@dataclass(frozen=True)
class Detail:
    """How much of a value is shown.

    items: of a list, tuple, set or dict. text: characters of a string or of bytes.
    whole: a record inside of something shows all its fields, not the first alone.
    """

    items: int
    text: int
    whole: bool


FULL = Detail(8, 60, whole=True)
DETAILS = (FULL, Detail(8, 60, False), Detail(8, 30, False), Detail(4, 20, False))


def show(value: Any, *, digits: int = DIGITS, room: int | None = ROOM) -> str:
    """`value` on one line, its numbers with so many significant digits.

    Of one that does not fit into `room` characters less is shown; None: all of it
    that ever is. The repr of an unknown class is never asked: it may be long, wrong
    or differ from run to run.
    """
    text, _ = _fitted(value, digits, room)
    return text


def items_shown(value: Any) -> int:
    """How many items of a list `show` shows at most."""
    _, detail = _fitted(value, DIGITS, ROOM)
    return detail.items


def _fitted(value: Any, digits: int, room: int | None) -> tuple[str, Detail]:
    for detail in DETAILS:
        text = _show(value, digits, detail)
        if room is None or len(text) <= room:
            break
    return text, detail


def _show(value: Any, digits: int, detail: Detail, depth: int = 0) -> str:
    if value is None or isinstance(value, BOOL):
        return str(value)
    if isinstance(value, ARRAY):
        return _array(np.asarray(value), digits)
    if isinstance(value, Real):
        return number(value, digits)
    if isinstance(value, str | bytes):
        return _text(value, detail)
    if isinstance(value, list | tuple | set | frozenset | Mapping):
        return _container(value, digits, detail, depth)
    if isinstance(value, Draws):
        return _draws(value)
    record = fields_of(value)
    return kind(value) if record is None else _record(record, digits, detail, depth)


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
    gives them, and their shapes: "attention(q (2, 3, 4), k (2, 5, 4))"; of its other
    arguments less is shown.
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
        text = show(value, room=ARGUMENT)
        given.append(_by_shape(key, value) if array else f"{key}={text}")
    return f"{name}({', '.join(given)})"


def parameters(signature: str) -> list[str]:
    """The names in "attention(q, k, v, mask=None)" of what is given by position."""
    if not signature:
        return []
    function = ast.parse(f"def {signature}: ...").body[0]
    assert isinstance(function, ast.FunctionDef)
    return [one.arg for one in (*function.args.posonlyargs, *function.args.args)]


def _by_shape(name: str, value: Any) -> str:
    if not isinstance(value, ARRAY):
        return show(value, room=ARGUMENT)
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


def _text(value: str | bytes, detail: Detail) -> str:
    if len(value) <= detail.text:
        return repr(value)
    unit = "bytes" if isinstance(value, bytes) else "characters"
    size = f" ({len(value)} {unit})" if detail.text == FULL.text else ""
    return f"{value[: detail.text]!r}...{size}"


def _container(value: Any, digits: int, detail: Detail, depth: int) -> str:
    if depth == DEEPEST:
        return "..."
    if isinstance(value, set | frozenset) and not value:
        return "set()"  # {} is a dict

    def inner(part: Any) -> str:
        return _show(part, digits, detail, depth + 1)

    if isinstance(value, Mapping):
        opened, closed = "{", "}"
        parts = [f"{inner(k)}: {inner(value[k])}" for k in list(value)[: detail.items]]
    else:
        opened, closed = "{}"
        if isinstance(value, list):
            opened, closed = "[]"
        if isinstance(value, tuple):
            opened, closed = "()"
        if isinstance(value, set | frozenset):  # a set has no order of its own
            parts = sorted(inner(part) for part in value)[: detail.items]
        else:
            parts = [inner(part) for part in value[: detail.items]]
    if len(value) > detail.items:
        parts.append(f"... ({len(value)} in all)")
    if isinstance(value, tuple) and len(value) == 1:
        closed = ",)"
    return opened + ", ".join(parts) + closed


def _record(record: Fields, digits: int, detail: Detail, depth: int) -> str:
    """ "Chunk(id='a#0', start=0)", its fields in their order; "Chunk('a#0', ...)"."""
    if depth == DEEPEST:
        return f"{record.kind}(...)"
    fields = list(record.values.items())[: FULL.items]
    shown = [(name, _show(it, digits, detail, depth + 1)) for name, it in fields]
    if len(shown) < 2 or detail.whole or depth == 0:
        return f"{record.kind}({', '.join(f'{name}={text}' for name, text in shown)})"
    return f"{record.kind}({shown[0][1]}, ...)"


def _draws(draws: Draws) -> str:
    """The first draws, which tell two runs apart."""
    first = ", ".join(map(str, draws.values[: FULL.items]))
    return f"{first}, ... ({len(draws.values):,} draws)"
