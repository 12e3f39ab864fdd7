"""`rounds doctor`: what the course needs of this machine, and what to do if it lacks.

Also `python -m rounds.doctor`, which runs where typer and rich are what is missing.
"""

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rounds.practice import RECORD_VARIABLE
from rounds.root import NoCourse, course_root

OLDEST_PYTHON = (3, 11)
INSTALL = "python -m pip install -r requirements.txt"


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `text` of a bad one says what to do."""

    good: bool
    text: str

    def __str__(self) -> str:
        return f"[{'OK' if self.good else 'FAIL'}] {self.text}"


def findings() -> Iterator[Finding]:
    """Look at everything, quick things first."""
    yield python(sys.version_info[:3])
    try:
        root = course_root()
    except NoCourse as error:
        yield Finding(False, str(error))
        return
    yield Finding(True, f"course in {root}")
    yield from packages(root / "requirements.txt")
    yield kernel()
    yield browser_files(root)
    yield work(root)
    yield real_models()
    yield a_check()


def python(version: tuple[int, ...]) -> Finding:
    """Is this Python new enough?"""
    text = f"Python {'.'.join(map(str, version))}"
    if version >= OLDEST_PYTHON:
        return Finding(True, text)
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Finding(
        False,
        f"{text}: the course needs {oldest} or later; install one and make the "
        "environment .venv anew with it.",
    )


def packages(requirements: Path) -> Iterator[Finding]:
    """Is each package that the file pins installed in that version?"""
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        yield Finding(False, f"packaging is not installed: {INSTALL}")
        return
    try:
        lines = requirements.read_text("utf-8").splitlines()
    except OSError as error:
        yield Finding(
            False,
            f"requirements.txt cannot be read ({error.strerror}): "
            "restore it with git checkout requirements.txt",
        )
        return
    for line in lines:
        text = line.partition(" #")[0].strip()
        if not text or text.startswith(("#", "-")):
            continue
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            yield Finding(
                False,
                f"requirements.txt says {text!r}, which is no requirement: "
                "restore it with git checkout requirements.txt",
            )
            continue
        if wanted.marker is None or wanted.marker.evaluate():
            yield _package(wanted.name, wanted.specifier)


def _package(name: str, specifier: object) -> Finding:
    pinned = str(specifier).removeprefix("==")
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Finding(False, f"{name} is not installed: {INSTALL}")
    if version in specifier:
        return Finding(True, f"{name} {version}")
    return Finding(False, f"{name} {version}, but the course has {pinned}: {INSTALL}")


def kernel() -> Finding:
    """Does Jupyter know a Python kernel, and does it run this Python?"""
    again = "python -m ipykernel install --sys-prefix"
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        return Finding(False, f"jupyter_client is not installed: {INSTALL}")
    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return Finding(False, f"Jupyter has no kernel python3: {again}")
    # Jupyter takes a bare name of this Python to mean the one that it runs in.
    if program not in ("python", "python3", f"python3.{sys.version_info.minor}"):
        found = shutil.which(program)
        if found is None or not os.path.samefile(found, sys.executable):
            return Finding(
                False,
                f"Jupyter's kernel python3 starts {program}, not this environment's "
                f"Python: {again}",
            )
    return Finding(True, "Jupyter kernel python3")


def browser_files(root: Path) -> Finding:
    """Are the scripts there that the site serves?"""
    from rounds.site.browser_files import COPIES, HOW

    for name in COPIES:
        if not (root / "node_modules" / name).exists():
            return Finding(
                False,
                f"node_modules/{name} is missing, and the site cannot be built without "
                f"it (the exercises can be worked): {HOW}",
            )
    return Finding(True, "scripts of the pages in node_modules/")


def work(root: Path) -> Finding:
    """Can copies and the record be written?"""
    folder = root / "work"
    place = folder if folder.exists() else root
    try:
        with tempfile.TemporaryFile(dir=place):
            return Finding(True, "work/ can be written")
    except OSError as error:
        return Finding(
            False,
            f"work/ cannot be written ({error.strerror}): give yourself the right to "
            f"write in {place}",
        )


def real_models() -> Finding:
    """Are the real models whole, those that are installed? Nothing needs them."""
    try:
        from rounds.models import files
    except ImportError as error:
        return Finding(False, f"rounds.models cannot be used ({error}): {INSTALL}")
    found = [file for file in files.MODELS if files.installed(file)]
    if not found:
        return Finding(True, "no real models (optional: make models)")
    try:
        for file in found:
            files.whole(file)
    except files.ModelFileError as error:
        return Finding(False, str(error))
    return Finding(True, f"real models: {', '.join(file.what for file in found)}")


def a_check() -> Finding:
    """Does a check accept the course's own program?"""
    before = os.environ.get(RECORD_VARIABLE)
    os.environ[RECORD_VARIABLE] = os.devnull  # this is no attempt of the learner
    try:
        from rounds import bank, catalog, check

        exercise = catalog.topics()[0].exercises()[0]
        report = check(exercise.name, bank.reference(exercise))
    except Exception as error:
        return Finding(
            False,
            f"a check fails with {type(error).__name__}: {error}. Repair the "
            f"installation: {INSTALL}",
        )
    finally:
        if before is None:
            del os.environ[RECORD_VARIABLE]
        else:
            os.environ[RECORD_VARIABLE] = before
    if report.passed:
        return Finding(True, f"check of {exercise.name}")
    return Finding(
        False,
        f"the check of {exercise.name} refuses the course's own program: restore "
        "rounds/ with git checkout rounds",
    )


def main() -> int:
    """Print the findings as they come; 1 if any is bad."""
    bad = 0
    print(f"{platform.system()} {platform.machine()}", flush=True)
    for finding in findings():
        bad += not finding.good
        print(finding, flush=True)
    if bad:
        print(f"{bad} {'thing' if bad == 1 else 'things'} to repair.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
