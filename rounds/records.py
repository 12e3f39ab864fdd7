"""The benchmark records: what `make bench` measured, read by the pages.

A page times nothing itself, so that it comes out the same on every machine; it reads
a record and says where and when it was made. Standard library only.
"""

import json
from typing import Any

from rounds.root import course_root


class NoRecord(LookupError):
    """There is no readable record of that name; the sentence says what to do."""


def load(topic: str) -> dict[str, Any]:
    """The record benchmarks/results/{topic}.json as it was written.

    Raises NoRecord if there is none or it holds no record, and NoCourse outside a
    checkout.
    """
    folder = course_root() / "benchmarks" / "results"
    place = f"benchmarks/results/{topic}.json"
    try:
        record = json.loads((folder / f"{topic}.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        names = sorted(path.stem for path in folder.glob("*.json"))
        raise NoRecord(
            f"There is no benchmark record {place} (there is: "
            f"{', '.join(names) or 'none'}): run make bench, or git restore it."
        ) from None
    except (ValueError, OSError) as error:
        raise NoRecord(f"{place} cannot be read: {error}.") from None
    if not isinstance(record, dict) or not {"machine", "date", "rows"} <= set(record):
        raise NoRecord(f"{place} is not a benchmark record: run make bench again.")
    return record


def source(record: dict[str, Any]) -> str:
    """One line that says where the figures of a record come from."""
    machine = record["machine"]
    return (
        f"measured on {record['date']}: {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['system']}"
    )


def column(record: dict[str, Any], key: str, **chosen: Any) -> list[Any]:
    """The values under `key` of the rows that hold all of `chosen`, in order.

    Raises NoRecord where no row does: an empty curve would hide the slip.
    """
    rows = [row for row in record["rows"] if chosen.items() <= row.items()]
    if not rows or key not in rows[0]:
        raise NoRecord(f"The record has no {key!r} for {chosen}.")
    return [row[key] for row in rows]
