"""The packages that the browser's Python loads, and the list it finds them in.

`rounds` and what stands for missing modules are made here, as wheels. A wheel is a zip
file, and to have pip build one would need the network.
"""

import base64
import hashlib
import shutil
import zipfile
from pathlib import Path
from typing import Any

from rounds import __version__

LOCK = "pyodide-lock.json"

# The parts of the package that the checks do not need.
LEFT_OUT = ("site/", "widgets/", "notebooks/", "models/", "data/make_")

ABOUT = {
    "METADATA": "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
    "WHEEL": "Wheel-Version: 1.0\nGenerator: rounds\nRoot-Is-Purelib: true\n"
    "Tag: py3-none-any\n",
}

# A module that is not here. A notebook shows its error as the sentence alone: IPython
# asks the error itself.
STUB = """\
class NotHere(ImportError):
    def _render_traceback_(self):
        return [str(self)]


raise NotHere({sentence!r}, name=__name__)
"""

Entry = dict[str, Any]


def sentence(module: str) -> str:
    """What a reader is told whose exercise needs a module that is not here."""
    name = {"numpy": "NumPy"}.get(module, module)
    return (
        f"This exercise needs {name}, which this site does not bring to the browser: "
        "work it on your own machine, as the course's README says."
    )


def copied(wheel: Path, folder: Path) -> Entry:
    """Put a wheel into `folder`; returns its entry in the list."""
    return _entry(Path(shutil.copyfile(wheel, folder / wheel.name)))


def of_rounds(package: Path, folder: Path, numpy: bool) -> Entry:
    """Make a wheel of the course's package, with what its checks need, data and all.

    numpy: load it too, since the engine looks for it when it is imported.
    """
    files = {}
    for file in sorted(package.rglob("*")):
        place = file.relative_to(package).as_posix()
        if file.is_file() and "__pycache__" not in place:
            if not place.startswith(LEFT_OUT):
                files[f"rounds/{place}"] = file.read_bytes()
    made = _entry(wheel_of(folder, "coding_rounds", files))
    return made | {"depends": ["numpy"] if numpy else []}


def not_here(modules: set[str], folder: Path) -> Entry:
    """Make a wheel of modules that say in a sentence that they are not here."""
    files = {
        f"{name}/__init__.py": STUB.format(sentence=sentence(name)).encode()
        for name in sorted(modules)
    }
    return _entry(wheel_of(folder, "rounds_not_here", files))


def listed(
    theirs: dict[str, Entry], ours: list[Entry], source: str | None
) -> dict[str, Entry]:
    """The list: ours, and before them Pyodide's own where they have a source."""
    far = {
        name: entry | {"file_name": source + entry["file_name"]}
        for name, entry in theirs.items()
        if source
    }
    return far | {entry["name"]: entry for entry in ours}


def wheel_of(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    """Write a wheel of these files, the same bytes each time."""
    about = f"{name}-{__version__}.dist-info"
    files = dict(files)
    for part, text in ABOUT.items():
        text = text.format(name=name, version=__version__)
        files[f"{about}/{part}"] = text.encode()
    lines = [f"{path},sha256={_digest(it)},{len(it)}\n" for path, it in files.items()]
    files[f"{about}/RECORD"] = "".join([*lines, f"{about}/RECORD,,\n"]).encode()
    target = folder / f"{name}-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as wheel:
        for path, data in files.items():
            # Made like this, a ZipInfo has the first date that there is.
            wheel.writestr(zipfile.ZipInfo(path), data, zipfile.ZIP_DEFLATED)
    return target


def _entry(wheel: Path) -> Entry:
    name, version = wheel.name.split("-")[:2]
    with zipfile.ZipFile(wheel) as inside:
        tops = {file.partition("/")[0] for file in inside.namelist()}
    return {
        "name": name.replace("_", "-").lower(),
        "version": version,
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": sorted(top.removesuffix(".py") for top in tops if "-" not in top),
        "depends": [],
    }


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
