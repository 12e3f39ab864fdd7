"""What the exercises in the browser are built from: installed once, with the network.

    python -m rounds.site.lite_files

makes .venv-lite with JupyterLite in it and fetches Pyodide and the wheels that it
serves into lite/. With --lock it writes lite/package-lock.json anew.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

from rounds.root import NoCourse, course_root
from rounds.site import SiteError, browser_files

HOW = "python -m rounds.site.lite_files"
ROOM = "lite"
ENVIRONMENT = ".venv-lite"

# The kernel's own wheels, as its package brings them.
KERNEL = "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension/static/pypi"


def python(root: Path) -> Path:
    """The Python that JupyterLite is installed in."""
    inside = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    return root / ENVIRONMENT / inside


def pyodide(root: Path) -> Path:
    """The folder of Pyodide's files."""
    return root / ROOM / "node_modules" / "pyodide"


def wheels(root: Path) -> list[Path]:
    """The wheels that are served beside Pyodide. Raises SiteError without any."""
    # Two of its kind are for widgets, of which no exercise has any.
    kernel = (root / ENVIRONMENT / KERNEL).glob("[ip]*.whl")
    fetched = (root / ROOM / "wheels").glob("*.whl")
    found = [sorted(kernel), sorted(fetched)]
    if not all(found) or not pyodide(root).is_dir():
        raise SiteError(
            "What the exercises in the browser are built from is not installed: run "
            f"`{HOW}`, or leave out LITE."
        )
    return found[0] + found[1]


def install(root: Path) -> None:
    """Install all of it for the course at `root`. Raises SiteError."""
    print("Installing what runs in the browser: 30 MB to download, once.", flush=True)
    venv.create(root / ENVIRONMENT, with_pip=True)
    folder = root / ROOM
    _pip(root, "install", "-r", str(folder / "requirements.txt"))
    for stale in (folder / "wheels").glob("*.whl"):
        stale.unlink()
    # For the browser's Python, which is not this one.
    wanted = ["--no-deps", "--require-hashes", "--only-binary=:all:"]
    wanted += ["--python-version=3.14", "-r", str(folder / "wheels.txt")]
    _pip(root, "download", *wanted, "-d", str(folder / "wheels"))
    browser_files.install(root, ROOM, HOW)


def _pip(root: Path, *arguments: str) -> None:
    command = [str(python(root)), "-m", "pip", "--disable-pip-version-check"]
    if subprocess.run([*command, *arguments]).returncode:
        raise SiteError(
            "pip could not fetch what runs in the browser (it says why above): check "
            f"the network, then run `{HOW}` again."
        )


def main() -> int:
    """Install it for this course, or with --lock write lite/package-lock.json."""
    lock = browser_files.locks("Install what runs the exercises in the browser.")
    try:
        if lock:
            browser_files.lock(course_root(), ROOM)
        else:
            install(course_root())
    except (SiteError, NoCourse) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
