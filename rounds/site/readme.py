"""Keeps the table of topics in README.md equal to the course's own.

    python -m rounds.site.readme [--check]

The table stands between two comment lines; the rest of the file is left alone.
"""

import sys
from pathlib import Path

from rounds.root import NoCourse, course_root
from rounds.site import SiteError, contents

BEGIN = "<!-- topics: written by `make notebooks` -->\n"
END = "<!-- end of topics -->\n"


def with_table(text: str, table: str) -> str:
    """`text` with `table` between its two comment lines. Raises SiteError."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SiteError(
            f"README.md has no place for the table of topics: it needs the lines "
            f"{BEGIN.strip()!r} and {END.strip()!r}."
        )
    return f"{before}{begin}\n{table}\n{end}{after}"


def update(root: Path, check: bool) -> bool:
    """Write README.md if its table is not the course's; True if it was.

    With `check` nothing is written. Raises SiteError.
    """
    readme = root / "README.md"
    present = readme.read_text(encoding="utf-8")
    due = with_table(present, contents.topic_table(root))
    if due != present and not check:
        readme.write_text(due, encoding="utf-8", newline="\n")
    return due == present


def main(arguments: list[str]) -> int:
    """Bring README.md up to date, or with --check only say whether it is."""
    check = "--check" in arguments
    try:
        same = update(course_root(), check)
    except (SiteError, NoCourse) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    if check and not same:
        print("README.md has an old table: run `make notebooks`.", file=sys.stderr)
    return int(check and not same)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
