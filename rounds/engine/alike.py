"""Did two programs return the same? For naming a mistake."""

from collections.abc import Mapping
from itertools import repeat
from typing import Any

from rounds.engine.arrays import ARRAY, BOOL, FLOAT, INT, close, np
from rounds.engine.compare import same_type
from rounds.engine.fields import Fields

# What is compared to the letter.
EXACT = (str, bytes, bool, int, type(None))


def alike(one: Any, other: Any, exactly: bool = False) -> bool:
    """Are two values the same, up to rounding or to the last bit?"""
    kind = type(one)
    if kind is type(other):  # most of what is compared
        if kind in EXACT:
            return bool(one == other)
        if kind is list or kind is tuple:
            return len(one) == len(other) and all(
                map(alike, one, other, repeat(exactly))
            )
        if kind is dict:
            return one.keys() == other.keys() and all(
                alike(part, other[key], exactly) for key, part in one.items()
            )
    if isinstance(one, ARRAY) and isinstance(other, ARRAY):
        if one.shape != other.shape or one.dtype.kind != other.dtype.kind:
            return False
        if one.dtype.kind != "f":
            return bool(np.array_equal(one, other))
        rtol, atol = (0, 0) if exactly else _rounding(one, other)
        return bool(np.allclose(one, other, rtol=rtol, atol=atol, equal_nan=True))
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        same_kind = isinstance(one, tuple) == isinstance(other, tuple)
        return (
            same_kind
            and len(one) == len(other)
            and all(alike(a, b, exactly) for a, b in zip(one, other, strict=True))
        )
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(
            alike(one[k], other[k], exactly) for k in one
        )
    if isinstance(one, FLOAT) and isinstance(other, FLOAT):
        rtol, atol = (0, 0) if exactly else (1e-6, 1e-9)
        return close(float(one), float(other), rtol, atol)
    if isinstance(one, Fields) and isinstance(other, Fields):
        return one.kind == other.kind and alike(one.values, other.values, exactly)
    plain = (*EXACT, *BOOL, *INT, set, frozenset)
    if isinstance(one, plain) and isinstance(other, plain):
        return same_type(one, other) and bool(one == other)
    return type(one).__name__ == type(other).__name__


def _rounding(one: "np.ndarray", other: "np.ndarray") -> tuple[float, float]:
    """(rtol, atol) of the coarser of two floating dtypes."""
    size = min(one.dtype.itemsize, other.dtype.itemsize)
    return {2: (2e-2, 2e-3), 4: (1e-4, 1e-6)}.get(size, (1e-6, 1e-9))
