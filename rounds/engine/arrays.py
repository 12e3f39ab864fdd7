"""NumPy where there is one, and what its values are told by.

In the browser's Python there may be none: then no value is an array, and an exercise
that needs none is checked all the same.
"""

from typing import Any

try:
    import numpy as np
except ImportError:
    np: Any = None

# For isinstance: an empty tuple is the type of nothing.
ARRAY = (np.ndarray,) if np else ()
SCALAR = (np.generic,) if np else ()
BOOL = (bool, np.bool_) if np else (bool,)
INT = (int, np.integer) if np else (int,)
FLOAT = (float, np.floating) if np else (float,)


def close(got: float, due: float, rtol: float, atol: float) -> bool:
    """The two are the same up to rounding, as np.isclose says it of an array."""
    if got == due or (got != got and due != due):  # infinities, and not a number
        return True
    return abs(got - due) <= atol + rtol * abs(due) < float("inf")
