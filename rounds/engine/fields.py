"""Records: what a dataclass instance holds, read field by field.

A topic hands out or asks for records (a chunk, a hit, an answer). A learner's own may
be of a class of the same fields, so they are compared by fields, never by `==`, and
shown by fields, since the repr of an unknown class is never asked.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fields:
    """The fields of a record by name, and the name of its class."""

    kind: str
    values: dict[str, Any]


def fields_of(value: Any) -> Fields | None:
    """The fields of a dataclass instance as they are now; None for anything else.

    A field that the instance lacks, or that raises when it is read, is left out.
    """
    if isinstance(value, Fields):
        return value
    if isinstance(value, type) or not dataclasses.is_dataclass(value):
        return None
    held: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        try:
            held[field.name] = getattr(value, field.name)
        except Exception:
            continue
    return Fields(type(value).__name__, held)
