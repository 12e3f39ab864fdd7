"""`rounds doctor`: each thing that may be missing is told, with what to do."""

import importlib.metadata
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import rounds
from rounds import catalog, doctor
from rounds.models import files
from rounds.root import NoCourse
from rounds.site.browser_files import COPIES


def lines(*found) -> list[str]:
    return [str(each) for each in found]


@pytest.fixture
def requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    installed = {"numpy": "2.4.6", "rich": "14.0.0"}

    def version(name: str) -> str:
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    return tmp_path / "requirements.txt"


def test_a_python_that_is_too_old_fails():
    assert str(doctor.python((3, 11, 0))) == "[OK] Python 3.11.0"
    assert str(doctor.python((3, 10, 9))).startswith(
        "[FAIL] Python 3.10.9: the course needs 3.11 or later"
    )


def test_each_package_is_compared_with_its_pin(requirements):
    requirements.write_text(
        "# What a reader installs\n-c constraints.txt\n-e .\n\n"
        "numpy==2.4.6               # arrays\n"
        "rich==15.0.0\n"
        "typer==0.29.2 ; python_version > '3'\n"
        "colorama==0.4 ; python_version < '3'\n"
    )
    assert lines(*doctor.packages(requirements)) == [
        "[OK] numpy 2.4.6",
        "[FAIL] rich 14.0.0, but the course has 15.0.0: "
        "python -m pip install -r requirements.txt",
        "[FAIL] typer is not installed: python -m pip install -r requirements.txt",
    ]


def test_requirements_that_are_missing_or_broken_fail(requirements):
    (missing,) = doctor.packages(requirements)
    requirements.write_text("numpy = = 2\n")
    (broken,) = doctor.packages(requirements)
    assert not missing.good and "cannot be read" in missing.text
    assert not broken.good and "'numpy = = 2'" in broken.text


@pytest.mark.parametrize(
    ("program", "good"),
    [
        ("python3", True),
        (sys.executable, True),
        (os.path.abspath(os.sep + "no-such-python"), False),
    ],
)
def test_a_kernel_of_another_python_fails(monkeypatch, program, good):
    from jupyter_client.kernelspec import KernelSpecManager

    spec = SimpleNamespace(argv=[program, "-m", "ipykernel_launcher"])
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda *_: spec)
    found = doctor.kernel()
    assert found.good is good
    assert good or "ipykernel install --sys-prefix" in found.text


def test_a_missing_kernel_fails(monkeypatch):
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    def missing(*_):
        raise NoSuchKernel("python3")

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", missing)
    assert str(doctor.kernel()).startswith("[FAIL] Jupyter has no kernel python3")


def test_missing_browser_files_fail(tmp_path):
    for name in COPIES:
        found = str(doctor.browser_files(tmp_path))
        assert found.startswith(f"[FAIL] node_modules/{name} is missing")
        (tmp_path / "node_modules" / name).mkdir(parents=True)
    assert doctor.browser_files(tmp_path).good


def test_work_that_cannot_be_written_fails_and_nothing_is_left(tmp_path, monkeypatch):
    assert doctor.work(tmp_path).good
    (tmp_path / "work").mkdir()
    assert doctor.work(tmp_path).good
    assert [path.name for path in tmp_path.rglob("*")] == ["work"]

    def refused(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refused)
    found = doctor.work(tmp_path)
    assert not found.good and "Permission denied" in found.text


def test_the_real_models_are_optional_but_not_damaged(monkeypatch, tmp_path):
    def distribution(name):
        raise files.PackageNotFoundError(name)

    monkeypatch.setattr(files, "distribution", distribution)
    assert str(doctor.real_models()) == "[OK] no real models (optional: make models)"
    folder = SimpleNamespace(locate_file=tmp_path.joinpath)
    monkeypatch.setattr(files, "distribution", lambda name: folder)
    found = str(doctor.real_models())
    assert found.startswith("[FAIL] SmolLM2-135M-Instruct is damaged")
    assert "make models" in found
    monkeypatch.setattr(files, "whole", lambda file: tmp_path)
    both = "[OK] real models: SmolLM2-135M-Instruct, all-MiniLM-L6-v2"
    assert str(doctor.real_models()) == both
    monkeypatch.setattr(files, "installed", lambda file: file is files.MINILM)
    assert str(doctor.real_models()) == "[OK] real models: all-MiniLM-L6-v2"
    monkeypatch.delitem(sys.modules, "rounds.models.files")
    monkeypatch.delattr(rounds.models, "files")
    monkeypatch.setitem(sys.modules, "rounds.models", None)
    assert str(doctor.real_models()).startswith("[FAIL] rounds.models cannot be used")


def test_the_check_that_is_tried_is_not_recorded(tmp_path, monkeypatch):
    (tmp_path / "_toc.yml").touch()
    for room in ("solutions", "work"):
        (tmp_path / room).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("ROUNDS_RECORD", "mine")
    found = doctor.a_check()
    first = catalog.topics()[0].exercises()[0].name
    assert str(found) == f"[OK] check of {first}"
    assert list((tmp_path / "work").iterdir()) == []
    assert os.environ["ROUNDS_RECORD"] == "mine"


def test_a_check_that_refuses_or_breaks_fails(monkeypatch):
    monkeypatch.delenv("ROUNDS_RECORD", raising=False)
    monkeypatch.setattr(rounds, "check", lambda *_: SimpleNamespace(passed=False))
    assert "refuses the course's own program" in str(doctor.a_check())
    monkeypatch.setattr(rounds, "check", lambda *_: 1 / 0)
    assert "[FAIL] a check fails with ZeroDivisionError" in str(doctor.a_check())
    assert "ROUNDS_RECORD" not in os.environ


def test_the_exit_status_tells_whether_anything_failed(monkeypatch, capsys):
    good, bad = doctor.Finding(True, "a"), doctor.Finding(False, "b: do this")
    monkeypatch.setattr(doctor, "findings", lambda: iter([good]))
    assert doctor.main() == 0
    monkeypatch.setattr(doctor, "findings", lambda: iter([good, bad]))
    assert doctor.main() == 1
    assert capsys.readouterr().out.endswith(
        "[OK] a\n[FAIL] b: do this\n1 thing to repair.\n"
    )


def test_outside_a_course_the_rest_is_not_tried(monkeypatch):
    def nowhere():
        raise NoCourse("not inside a Coding Rounds checkout: change folder")

    monkeypatch.setattr(doctor, "course_root", nowhere)
    found = lines(*doctor.findings())
    assert len(found) == 2 and found[1].startswith("[FAIL] not inside")
