"""The exercises in the browser: a JupyterLite beside the book, in lite/ of the site.

    make site LITE=1
    make site LITE=1 LITE_PACKAGES=public

LITE_PACKAGES says where compiled packages, NumPy above all, come from: from nowhere
(off, which is the default), from Pyodide's public distribution (public), or from a
copy of it at an address. All else is served by the site itself.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from rounds.site import SiteError, lite_files, lite_packages, public

# Of Pyodide's npm package; the rest is for Node or for those who read its source.
RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
PUBLIC = "https://cdn.jsdelivr.net/pyodide/v{version}/full/"
LOOK = {"@jupyterlab/apputils-extension:themes": {"adaptive-theme": True}}
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"


def wanted(environment: Mapping[str, str]) -> bool:
    """True if the site is to have the exercises in the browser."""
    return environment.get("LITE", "").strip() not in ("", "0")


def source(environment: Mapping[str, str], root: Path) -> str | None:
    """The address of Pyodide's packages, or None for none. Raises SiteError."""
    setting = environment.get("LITE_PACKAGES", "").strip() or "off"
    if setting == "off":
        return None
    if setting == "public":
        about = (lite_files.pyodide(root) / "package.json").read_text("utf-8")
        return PUBLIC.format(version=json.loads(about)["version"])
    if not public.is_whole(setting):
        raise SiteError(
            f"LITE_PACKAGES is {setting!r}: write off, public, or the whole address of "
            "a folder with Pyodide's packages, https://example.org/pyodide/ for one."
        )
    return setting.rstrip("/") + "/"


def require_install(root: Path, environment: Mapping[str, str]) -> None:
    """Raise SiteError unless it can be built as the settings say."""
    lite_files.wheels(root)
    source(environment, root)


def runs(root: Path, topic: str, environment: Mapping[str, str]) -> str | None:
    """Where a topic's exercise opens, from the root of the site; None for nowhere."""
    if not wanted(environment):
        return None
    # Here, since to read notebooks takes seconds to import.
    from rounds.site import lite_notebooks

    if source(environment, root) is None and lite_notebooks.missing(root, topic):
        return None
    return f"lite/notebooks/index.html?path={topic}.ipynb"


def build(root: Path, html: Path, environment: Mapping[str, str]) -> None:
    """Build it into lite/ below `html`, the site's pages. Raises SiteError."""
    from rounds.site import lite_notebooks

    wheels = lite_files.wheels(root)
    work = root / "_build" / "lite"
    shutil.rmtree(work, ignore_errors=True)
    far = source(environment, root)
    names = lite_notebooks.write(root, work / "files", far)
    packages = work / "static" / "pyodide"
    packages.mkdir(parents=True)
    for name in RUNTIME:
        shutil.copyfile(lite_files.pyodide(root) / name, packages / name)
    lock = json.loads(
        (lite_files.pyodide(root) / lite_packages.LOCK).read_text(encoding="utf-8")
    )
    ours = [lite_packages.copied(wheel, packages) for wheel in wheels]
    served = [entry["name"] for entry in ours]
    ours.append(lite_packages.of_rounds(root / "rounds", packages, bool(far)))
    if far is None and (absent := lite_notebooks.all_missing(root)):
        ours.append(lite_packages.not_here(absent, packages))
    lock["packages"] = lite_packages.listed(lock["packages"], ours, far)
    (packages / lite_packages.LOCK).write_text(json.dumps(lock), encoding="utf-8")
    (work / "jupyter-lite.json").write_text(settings(served), encoding="utf-8")
    (work / "overrides.json").write_text(json.dumps(LOOK), encoding="utf-8")
    _run(root, work, html / "lite")
    require(html / "lite", names)


def settings(served: list[str]) -> str:
    """What JupyterLite is told: to load `served` at the start, and ask nobody else."""
    kernel = {
        "disablePyPIFallback": True,
        "loadPyodideOptions": {"packages": served},
    }
    data = {
        "appName": "Coding Rounds",
        "litePluginSettings": {KERNEL: kernel},
    }
    return json.dumps(
        {"jupyter-lite-schema-version": 0, "jupyter-config-data": data}, indent=2
    )


def _run(root: Path, work: Path, target: Path) -> None:
    print("building the exercises for the browser", flush=True)
    command = [str(lite_files.python(root)), "-m", "jupyterlite_core", "build"]
    command += ["--lite-dir", str(work), "--output-dir", str(target)]
    command += ["--contents", str(work / "files"), "--apps", "notebooks"]
    command += ["--no-sourcemaps", "--no-unused-shared-packages", "--force"]
    done = subprocess.run(
        command, cwd=work, capture_output=True, encoding="utf-8", errors="replace"
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-2000:]
        raise SiteError(f"JupyterLite was not built; it said:\n{said}")


def require(target: Path, names: list[str]) -> None:
    """Raise SiteError unless the exercises and what runs them are in `target`."""
    due = ["notebooks/index.html", "static/pyodide/pyodide-lock.json"]
    due += [f"static/pyodide/{name}" for name in RUNTIME]
    due += [f"files/{name}" for name in names]
    missing = [name for name in due if not (target / name).is_file()]
    if missing:
        raise SiteError(
            f"JupyterLite ended well but wrote no {', '.join(missing)}: install it "
            f"again by `{lite_files.HOW}`."
        )
