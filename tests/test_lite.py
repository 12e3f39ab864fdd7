"""What the exercises in the browser are made of, and that they need nothing else.

The browser itself is in test_lite_browser.py.
"""

import asyncio
import json
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest
from site_helpers import ROOT

from rounds import catalog, check
from rounds.engine.arrays import close
from rounds.site import (
    SiteError,
    bar,
    build,
    lite,
    lite_files,
    lite_notebooks,
    lite_packages,
)

TOPICS = lite_notebooks.topics(ROOT)
ALONE = [topic for topic in TOPICS if not lite_notebooks.missing(ROOT, topic)]

# A Python as in the browser: of packages only what is in the folder that it is given,
# no thread, no process, and without the modules that its system has not.
BROWSER = """
import subprocess, sys, threading
folder, script = sys.argv[1:]
sys.path.insert(0, folder)
sys.platform = "emscripten"
for name in ("_multiprocessing", "_posixsubprocess", "fcntl", "grp", "multiprocessing",
             "pwd", "resource", "syslog", "termios"):
    sys.modules[name] = None

def none(*args, **kwargs):
    raise RuntimeError("can't start new thread")

threading.Thread.start = subprocess.Popen.__init__ = none
exec(script)
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the served `rounds` and what stands for NumPy, unpacked."""
    folder = tmp_path_factory.mktemp("packages")
    lite_packages.of_rounds(ROOT / "rounds", folder, numpy=False)
    lite_packages.not_here({"numpy"}, folder)
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as inside:
            inside.extractall(folder)
    return folder


def in_browser(packages: Path, script: str) -> str:
    """What `script` prints in a Python as in the browser."""
    command = [sys.executable, "-I", "-S", "-c", BROWSER, str(packages), script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=packages)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_agent_needs_nothing_that_a_browser_has_not():
    assert "agent" in ALONE
    assert "numpy" in lite_notebooks.missing(ROOT, "attention")


@pytest.mark.parametrize("topic", ALONE)
def test_exercise_that_needs_no_package_is_checked_without_any(packages, topic: str):
    for exercise in catalog.topic(topic).exercises():
        script = f"""
from rounds import bank, catalog, check
exercise = catalog.find({exercise.name!r})
right = bank.reference(exercise)
print(check({exercise.name!r}, lambda *a, **k: right(*a, **k)).state)
slug, wrong = next((p.slug, w) for p, w in bank.wrong(exercise).values() if p.says)
print(check({exercise.name!r}, wrong).mistake == slug)
"""
        assert in_browser(packages, script).split() == ["passed", "True"]


def test_endless_loop_is_stopped_where_there_is_no_process(packages):
    script = """
from rounds import check
from rounds.engine import guard
guard.SECONDS = 0.3

def safe_eval(expression):
    while True:
        pass

print(check("agent.safe_eval"))
"""
    assert "nothing: it was stopped" in in_browser(packages, script)


def test_thread_of_a_learner_is_told_as_what_it_raised(packages):
    script = """
import threading
from rounds import check

def safe_eval(expression):
    threading.Thread(target=print).start()

print(check("agent.safe_eval"))
"""
    assert "raised    RuntimeError: can't start new thread" in in_browser(
        packages, script
    )


def test_missing_package_is_one_sentence_where_a_traceback_would_be(packages):
    script = """
try:
    import numpy
except ImportError as error:
    print(*error._render_traceback_(), sep="\\n")
"""
    assert in_browser(packages, script) == lite_packages.sentence("numpy") + "\n"


def test_async_check_without_threads_says_what_to_write(small_topics, monkeypatch):
    def none(thread):
        raise RuntimeError("can't start new thread")

    async def inside():
        monkeypatch.setattr(threading.Thread, "start", none)
        monkeypatch.setattr("rounds.engine.isolate.possible", lambda: False)
        return check("gather.gather_limited", lambda *args: None)

    with pytest.raises(RuntimeError, match="await check_async"):
        asyncio.run(inside())


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1.0, 1.0 + 1e-7, True),
        (1.0, 1.001, False),
        (float("nan"), float("nan"), True),
        (float("inf"), float("inf"), True),
        (float("inf"), float("-inf"), False),
        (1.0, float("inf"), False),
        (float("nan"), 1.0, False),
        (0.0, 1e-7, True),
    ],
)
def test_two_numbers_are_compared_as_numpy_does(one: float, other: float, same: bool):
    assert close(one, other, 1e-5, 1e-6) is same
    assert bool(np.isclose(one, other, 1e-5, 1e-6, equal_nan=True)) is same


# The packages


def test_wheel_of_rounds_is_the_same_each_time_and_has_the_data(tmp_path):
    wheels = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        entry = lite_packages.of_rounds(ROOT / "rounds", tmp_path / name, numpy=True)
        wheels.append((tmp_path / name / entry["file_name"]).read_bytes())
    assert wheels[0] == wheels[1]
    assert (entry["name"], entry["imports"]) == ("coding-rounds", ["rounds"])
    assert entry["depends"] == ["numpy"]
    with zipfile.ZipFile(tmp_path / "two" / entry["file_name"]) as inside:
        names = inside.namelist()
        assert {one.date_time[0] for one in inside.infolist()} == {1980}
    assert "rounds/data/gpt2_extract.json" in names
    assert not any("__pycache__" in name or "/site/" in name for name in names)


THEIRS = {
    "numpy": {"name": "numpy", "file_name": "numpy-2.whl"},
    "six": {"name": "six", "file_name": "six-0.whl"},
}
OURS = [{"name": "six", "file_name": "six-1.whl"}]


def test_without_a_source_only_what_is_served_is_listed():
    assert lite_packages.listed(THEIRS, OURS, None) == {"six": OURS[0]}


def test_with_a_source_what_is_not_served_comes_from_there():
    found = lite_packages.listed(THEIRS, OURS, "https://example.org/p/")
    assert found["numpy"]["file_name"] == "https://example.org/p/numpy-2.whl"
    assert found["six"]["file_name"] == "six-1.whl"


# The notebooks


def test_copy_for_the_browser_says_where_it_is_and_has_not_been_run(tmp_path):
    names = lite_notebooks.write(ROOT, tmp_path / "files", None)
    assert names == [f"{topic}.ipynb" for topic in TOPICS]
    for topic in TOPICS:
        text = (tmp_path / "files" / f"{topic}.ipynb").read_text("utf-8")
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
        absent = lite_notebooks.missing(ROOT, topic)
        note = notebook.cells[1].source
        assert ("this site does not bring" in note) == bool(absent)
        assert notebook.metadata.kernelspec.name == "python"
        assert not any(cell.get("outputs") for cell in notebook.cells)
        assert "](../" not in text and "rounds start" not in text


def test_exercise_that_loads_from_another_host_says_from_which():
    note = lite_notebooks.note_on({"numpy"}, "https://example.org/p/")
    assert "comes from example.org:" in note
    assert "comes from" not in lite_notebooks.note_on(set(), "https://example.org/p/")


# The settings


@pytest.mark.parametrize(("value", "due"), [("", False), ("0", False), ("1", True)])
def test_site_has_it_only_if_asked(value: str, due: bool):
    assert lite.wanted({"LITE": value}) is due
    assert bool(lite.runs(ROOT, "agent", {"LITE": value})) is due


def test_by_default_nothing_is_asked_of_another_host():
    kept = json.loads(lite.settings(["ipython"]))["jupyter-config-data"]
    kernel = kept["litePluginSettings"][lite.KERNEL]
    assert kernel["disablePyPIFallback"] is True
    assert kernel["loadPyodideOptions"]["packages"] == ["ipython"]
    assert lite.source({}, ROOT) is None
    assert lite.source({"LITE_PACKAGES": "off"}, ROOT) is None


def test_address_of_the_packages_is_a_folder():
    found = lite.source({"LITE_PACKAGES": "https://example.org/pyodide"}, ROOT)
    assert found == "https://example.org/pyodide/"


def test_public_packages_are_those_of_the_pinned_version(tmp_path):
    folder = lite_files.pyodide(tmp_path)
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"version": "9.8.7"}')
    found = lite.source({"LITE_PACKAGES": "public"}, tmp_path)
    assert found == "https://cdn.jsdelivr.net/pyodide/v9.8.7/full/"


@pytest.mark.parametrize("setting", ["numpy", "http://[::1/packages"])
def test_address_that_is_none_is_refused_in_a_sentence(setting: str):
    with pytest.raises(SiteError, match="write off, public, or the whole address"):
        lite.source({"LITE_PACKAGES": setting}, ROOT)


def test_exercise_runs_on_the_page_only_where_the_site_brings_what_it_needs():
    here, far = {"LITE": "1"}, {"LITE": "1", "LITE_PACKAGES": "https://example.org/p"}
    assert lite.runs(ROOT, "attention", here) is None
    assert "path=attention.ipynb" in (lite.runs(ROOT, "attention", far) or "")


def test_bar_has_the_link_on_all_pages_of_a_topic_that_has_an_exercise():
    pages = ["chapters/a", "exercises/a", "chapters/b"]
    found = [bar.bar(page, pages, {}, lambda name: f"to {name}") for page in pages]
    assert [one.run for one in found if one] == ["to a", "to a", None]


@pytest.mark.parametrize("packages", ["off", "public"])
def test_site_without_the_install_says_what_to_run_before_it_is_built(
    tmp_path, monkeypatch, packages
):
    monkeypatch.setenv("LITE", "1")
    monkeypatch.setenv("LITE_PACKAGES", packages)
    with pytest.raises(SiteError, match=lite_files.HOW):
        build.build(tmp_path)
    assert not (tmp_path / "_build").exists()


def test_build_that_wrote_no_exercise_is_a_failure(tmp_path):
    with pytest.raises(SiteError, match=r"files/agent\.ipynb"):
        lite.require(tmp_path, ["agent.ipynb"])
