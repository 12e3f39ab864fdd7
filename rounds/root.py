"""Where the course lies on this disk."""

from pathlib import Path


class NoCourse(LookupError):
    """No checkout of the course is near: the sentence says what to do."""


def is_course(folder: Path) -> bool:
    """True if `folder` holds the book's table of contents and the solutions."""
    return (folder / "_toc.yml").is_file() and (folder / "solutions").is_dir()


def course_root() -> Path:
    """The checkout: beside the package, or the nearest folder above this one.

    Raises NoCourse where neither is one.
    """
    here = Path.cwd()
    beside_package = Path(__file__).resolve().parent.parent
    for folder in (beside_package, here, *here.parents):
        if is_course(folder):
            return folder
    raise NoCourse(
        f"{here} is not inside a Coding Rounds checkout: change to its folder first."
    )
