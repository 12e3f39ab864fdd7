"""Is what came back what was due, and if not, how does it differ?"""

import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rounds.engine.arrays import ARRAY, BOOL, SCALAR, close, np
from rounds.engine.fields import Fields, fields_of
from rounds.engine.show import (
    DIGITS,
    MOST_ENTRIES,
    ROOM,
    items_shown,
    kind,
    shape,
    show,
)

SHORT = 80  # characters of two items that are shown whole


@dataclass(frozen=True)
class Difference:
    """Why a value is not the one that was due, in words for the report.

    kind: "none", "type", "shape", "finite" or "values", the order of diagnosis.
    """

    kind: str
    returned: str
    expected: str
    note: str = ""


def difference(
    got: Any,
    due: Any,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-5,
    names: tuple[str, ...] = (),
) -> Difference | None:
    """The first difference between `got` and `due`, or None.

    names: what the items of a tuple that is due are called; a list will do for one.
    Arrays agree when they have the same shape, the same kind of dtype (bool,
    integer or floating: float32 agrees with float64) and entries within
    atol + rtol * |due|. Python numbers agree with NumPy's. A dtype that is due
    exactly is to be asked for apart. A record agrees with a dataclass instance that
    is due when it has its fields as attributes, of whatever class it is.
    """
    if got is None and due is not None:
        return Difference("none", "None", show(due), "Is a return missing?")
    if isinstance(due, ARRAY):
        return _array_difference(got, due, rtol, atol)
    if isinstance(due, tuple | list):
        return _sequence_difference(got, due, rtol, atol, names)
    if isinstance(due, Mapping):
        return _mapping_difference(got, due, rtol, atol)
    record = fields_of(due)
    if record is not None:
        return _record_difference(got, record, rtol, atol)
    if not same_type(got, due):
        return Difference("type", _with_kind(got), _with_kind(due))
    if isinstance(due, numbers.Real) and not isinstance(due, BOOL):
        if isinstance(due, numbers.Integral):  # exact, and it may be too large to float
            same = got == due
        else:
            same = close(float(got), float(due), rtol, atol)
        if same:
            return None
    elif got == due:
        return None
    return Difference("values", *told_apart(got, due))


def _array_difference(
    got: Any, due: "np.ndarray", rtol: float, atol: float
) -> Difference | None:
    if isinstance(got, SCALAR) and due.ndim == 0:
        got = np.asarray(got)
    if not isinstance(got, ARRAY):
        return Difference("type", _with_kind(got), f"an ndarray, {shape(due)}")
    got = np.asarray(got)
    if got.dtype.kind == due.dtype.kind == "f":
        # float32 will do where float64 is due: the report is not to hint otherwise.
        due = due.astype(got.dtype) if got.shape != due.shape else due
    if got.shape != due.shape:
        return Difference(
            "shape", f"array of shape {shape(got)}", f"array of shape {shape(due)}"
        )
    if got.dtype.kind.replace("u", "i") != due.dtype.kind.replace("u", "i"):
        families = {"f": "a floating", "b": "a bool", "i": "an integer"}
        family = families.get(due.dtype.kind, f"a {due.dtype}")
        return Difference("type", f"dtype {got.dtype}", f"{family} dtype")
    if due.dtype.kind != "f":
        wrong = got != due
    else:
        wrong = ~np.isclose(got, due, rtol=rtol, atol=atol, equal_nan=True)
    if not wrong.any():
        return None
    not_finite = wrong & ~np.isfinite(got) & np.isfinite(due)
    kind = "finite" if not_finite.any() else "values"
    if due.size <= MOST_ENTRIES:
        with np.errstate(over="ignore"):  # float16 has no number for what is due
            told = due.astype(got.dtype) if due.dtype.kind == "f" else due
        return Difference(kind, *told_apart(got, told if (got != told).any() else due))
    note = _where(got, due, not_finite if not_finite.any() else wrong)
    return Difference(kind, show(due), show(due), note)  # the note says it all


def _where(got: "np.ndarray", due: "np.ndarray", wrong: "np.ndarray") -> str:
    """For an array too large to be written out: the first wrong entry."""
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    returned, expected = told_apart(got[first], due[first])
    return (
        f"{int(wrong.sum())} of {wrong.size} entries differ, the first at "
        f"{list(first)}: {returned} instead of {expected}."
    )


def told_apart(got: Any, due: Any) -> tuple[str, str]:
    """Both as text, as many digits and as much of it as it takes to see that they
    differ."""
    for room in (ROOM, None):
        for digits in (DIGITS, 2 * DIGITS, 4 * DIGITS):
            both = [show(value, digits=digits, room=room) for value in (got, due)]
            if both[0] != both[1]:
                return both[0], both[1]
    return both[0], both[1]


def _sequence_difference(
    got: Any, due: tuple | list, rtol: float, atol: float, names: tuple[str, ...]
) -> Difference | None:
    family = "tuple" if isinstance(due, tuple) else "list"
    if not isinstance(got, tuple | list if family == "tuple" else list):
        return Difference("type", _with_kind(got), f"a {family}: {show(due)}")
    if len(got) != len(due):
        returned, expected = (
            f"{len(it)} item{'s' if len(it) != 1 else ''}: {show(it)}"
            for it in (got, due)
        )
        return Difference("shape", returned, expected, _parting(got, due, rtol, atol))
    for place, (g, d) in enumerate(zip(got, due, strict=True)):
        found = difference(g, d, rtol=rtol, atol=atol)
        if found is not None:
            whole = _short(g, d) if found.kind == "values" else None
            return _at(whole or found, names[place] if names else f"item {place}")
    return None


def _short(got: Any, due: Any) -> Difference | None:
    """Two pairs or the like, whole: shorter than to say where in them they part."""
    if isinstance(due, tuple | list):
        returned, expected = show(got), show(due)
        if returned != expected and len(returned + expected) <= SHORT:
            return Difference("values", returned, expected)
    return None


def _parting(got: Any, due: tuple | list, rtol: float, atol: float) -> str:
    """Where two sequences part that are not wholly shown and differ in length."""
    shown = min(items_shown(got), items_shown(due))
    for place, (g, d) in enumerate(zip(got, due, strict=False)):
        if difference(g, d, rtol=rtol, atol=atol) is not None:
            if place < shown:
                return ""
            return f"They part at item {place}: {show(g)} instead of {show(d)}."
    if min(len(got), len(due)) < shown:
        return ""
    shorter = "What came back" if len(got) < len(due) else "What is due"
    return f"{shorter} is the beginning of the other."


def _mapping_difference(
    got: Any, due: Mapping, rtol: float, atol: float
) -> Difference | None:
    if not isinstance(got, Mapping):
        return Difference("type", _with_kind(got), f"a dict: {show(due)}")
    if got.keys() != due.keys():
        return Difference("values", show(got), show(due), _keys_apart(got, due))
    for key in due:
        found = difference(got[key], due[key], rtol=rtol, atol=atol)
        if found is not None:
            return _at(found, f"key {show(key)}")
    return None


def _record_difference(
    got: Any, due: Fields, rtol: float, atol: float
) -> Difference | None:
    for name, value in due.values.items():
        try:
            field = getattr(got, name)
        except Exception:
            return Difference("type", f"{show(got)}, without .{name}", show(due))
        found = difference(field, value, rtol=rtol, atol=atol)
        if found is not None:
            return _at(found, f".{name}")
    return None


def _keys_apart(got: Mapping, due: Mapping) -> str:
    """Which keys are missing, and which are too many: the first few of each."""
    missing = [show(key) for key in due if key not in got]
    extra = [show(key) for key in got if key not in due]
    parts = []
    for which, keys in (("missing", missing), ("not due", extra)):
        if keys:
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            parts.append(f"{which}: {', '.join(keys[:3])}{more}")
    return f"Keys {'; '.join(parts)}."


def _at(found: Difference, place: str) -> Difference:
    return Difference(
        found.kind,
        f"{place}: {found.returned}",
        f"{place}: {found.expected}",
        found.note,
    )


def same_type(got: Any, due: Any) -> bool:
    """May `got` stand where `due` is expected? NumPy's scalars count as Python's."""
    if isinstance(due, BOOL):
        return isinstance(got, BOOL)
    if isinstance(got, BOOL):
        return False
    if isinstance(due, numbers.Integral):
        return isinstance(got, numbers.Integral)
    if isinstance(due, numbers.Real):
        return isinstance(got, numbers.Real)
    return isinstance(got, type(due))


def _with_kind(value: Any) -> str:
    text = show(value)
    return text if text == kind(value) else f"{kind(value)}: {text}"
