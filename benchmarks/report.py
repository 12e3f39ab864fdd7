"""benchmarks/RESULTS.md, made from the records and from nothing else.

python benchmarks/report.py           writes it
python benchmarks/report.py --check   fails if it is not what the records give
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import MIB, RESULTS, Record, to_dict

REPORT = RESULTS.parent / "RESULTS.md"
HEAD = """\
# Benchmark results

What `make bench` measured, on the machine and the day that each table names. This
page is made from the records in `results/` by `python benchmarks/report.py`; the
pages of the course read the same records. No test asserts a time.
"""
# How a value, kept in seconds and bytes, is shown.
KINDS: dict[str, Callable[[Any], str]] = {
    "text": str,
    "count": lambda value: f"{value:,}",
    "ms": lambda value: f"{value * 1e3:.1f} ms",
    "s": lambda value: f"{value:.2f} s",
    "KB": lambda value: f"{value / 1e3:,.0f} KB",
    "number": lambda value: f"{value:.3f}",
    "MiB": lambda value: f"{value / MIB:.1f} MiB",
    "times": lambda value: f"{value:.2f}x",
}


def write(record: Record, results: Path = RESULTS) -> Path:
    """Write the record as results/{name}.json and say so."""
    results.mkdir(exist_ok=True)
    path = results / f"{record.name}.json"
    partial = path.with_suffix(".tmp")
    partial.write_text(json.dumps(to_dict(record), indent=1) + "\n", encoding="utf-8")
    partial.replace(path)
    print(f"wrote benchmarks/results/{path.name}")
    return path


def render(results: Path = RESULTS) -> str:
    """The text of RESULTS.md for the records in a folder, by name."""
    paths = sorted(results.glob("*.json"))
    records = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return "\n".join([HEAD, *map(section, records)])


def section(record: dict[str, Any]) -> str:
    """One record as Markdown: what, where, the promises, the figures."""
    columns = record["columns"]
    figures = [[cell(row, column) for column in columns] for row in record["rows"]]
    return "\n".join(
        [
            f"## {record['title']}",
            "",
            record["about"],
            "",
            measured_on(record),
            "",
            *table(["promise", "limit", "measured", "kept"], promises(record)),
            "",
            *table([column["header"] for column in columns], figures),
            "",
        ]
    )


def measured_on(record: dict[str, Any]) -> str:
    """The sentence that says when, where and with which versions."""
    machine = record["machine"]
    versions = [f"{name} {number}" for name, number in record["versions"].items()]
    return (
        f"Measured on {record['date']}: {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['architecture']}, {machine['system']}; {', '.join(versions)}."
    )


def promises(record: dict[str, Any]) -> list[list[str]]:
    """The rows of the table of targets."""
    rows = []
    for target in record["targets"]:
        show = KINDS[target["kind"]]
        if target["at_most"] is not None:
            limit = f"at most {show(target['at_most'])}"
        else:
            limit = f"at least {show(target['at_least'])}"
        kept = "yes" if target["met"] else "no"
        rows.append([target["what"], limit, show(target["measured"]), kept])
    return rows


def cell(row: dict[str, Any], column: dict[str, str]) -> str:
    """A value as its column shows it; a dash where nothing was measured."""
    value = row[column["key"]]
    return "-" if value is None else KINDS[column["kind"]](value)


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    """The lines of a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def main(arguments: list[str]) -> int:
    """Write the page, or with --check say whether it is up to date."""
    text = render()
    if arguments == ["--check"]:
        if not REPORT.exists() or REPORT.read_text(encoding="utf-8") != text:
            print(
                "benchmarks/RESULTS.md is not what the records give: "
                "run python benchmarks/report.py",
                file=sys.stderr,
            )
            return 1
        return 0
    REPORT.write_text(text, encoding="utf-8")
    print("wrote benchmarks/RESULTS.md")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
