"""The learner's notebook as a program: reading it, running it without a screen."""

import json
import logging
import os
import re
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rounds.learner.progress import Entry, history
from rounds.learner.trouble import Trouble
from rounds.practice import RECORD_VARIABLE, append, record_path

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode

REPORT_CLASS = "rounds-report"


@dataclass
class Attempt:
    """What a run showed: texts in the order of the cells, and the checks' results.

    `stopped` says why the cells after some cell were not run, if they were not, and
    `unrecorded` why the checks are not in the record, if they are not.
    """

    texts: list[str] = field(default_factory=list)
    results: list[Entry] = field(default_factory=list)
    stopped: str | None = None
    unrecorded: str | None = None


def read_notebook(path: Path, name: str) -> "NotebookNode":
    """The notebook at `path`, which sentences call `name`; Trouble if it is none."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        content: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise Trouble(
            f"{name} is not a notebook: line {error.lineno} is not JSON "
            f"({error.msg.lower()})."
        ) from None
    except (ValueError, RecursionError):
        raise Trouble(f"{name} is not a notebook: it is not JSON text.") from None
    version = content.get("nbformat") if isinstance(content, dict) else None
    if not isinstance(version, int):
        raise Trouble(
            f"{name} is not a notebook: it is JSON, but does not say which nbformat."
        )
    if version != 4:
        raise Trouble(
            f"{name} is in notebook format {version}, and the course reads format 4: "
            "open it in JupyterLab and save it there."
        )
    import nbformat  # a second, which a file that is none need not cost

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cells without an id do no harm here
        try:
            nbformat.validate(nbformat.from_dict(content))
            return nbformat.v4.reads(text)
        except KeyError as error:
            raise Trouble(
                f"{name} is not a valid notebook: it has no {error}."
            ) from None
        except Exception as error:
            why = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
            raise Trouble(f"{name} is not a valid notebook: {why}.") from None


def run(
    notebook: "NotebookNode",
    root: Path,
    timeout: int,
    on_cell: Callable[[int, int], None] = lambda done, of: None,
) -> Attempt:
    """Run the notebook in work/ and in memory; record its checks, once each.

    `timeout` is in seconds and for a cell. `on_cell` hears how many code cells are
    done, and of how many. Raises Trouble if no kernel starts.
    """
    attempt = Attempt()
    with tempfile.TemporaryDirectory(
        prefix="rounds-", ignore_cleanup_errors=True
    ) as folder:
        # The kernel writes to a record of its own: what this run did is then known
        # even while the learner runs checks of the same topic in JupyterLab.
        own = Path(folder) / "progress.jsonl"
        try:
            _execute(notebook, root / "work", own, timeout, on_cell, attempt)
        finally:
            attempt.results, _ = history(own)
            try:
                if own.exists():
                    append(record_path(root), own.read_text("utf-8").splitlines())
            except OSError as error:
                attempt.unrecorded = error.strerror or type(error).__name__
    return attempt


def _execute(
    notebook: "NotebookNode",
    folder: Path,
    record: Path,
    timeout: int,
    on_cell: Callable[[int, int], None],
    attempt: Attempt,
) -> None:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        allow_errors=True,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        log=_quiet_log(),
    )
    cells = [
        index
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and cell.source.strip()
    ]
    on_cell(0, len(cells))
    # Cell by cell rather than client.execute, which takes an interrupt for itself.
    with _kernel(client, record):
        for done, index in enumerate(cells):
            cell = notebook.cells[index]
            cell.outputs = []
            try:
                client.execute_cell(cell, index)
            except CellTimeoutError:
                attempt.stopped = (
                    f"Cell [{done + 1}] ran longer than {timeout} s and was "
                    "stopped; the cells after it were not run."
                )
            except DeadKernelError:
                attempt.stopped = (
                    f"Cell [{done + 1}] ended the Python process; "
                    "the cells after it were not run."
                )
            attempt.texts += _texts(cell, done + 1)
            if attempt.stopped:
                return
            on_cell(done + 1, len(cells))


def _quiet_log() -> logging.Logger:
    """A log that nobody reads: what went wrong is said in our own words."""
    log = logging.getLogger("rounds.learner.attempt")
    log.addHandler(logging.NullHandler())
    log.propagate = False
    return log


@contextmanager
def _kernel(client: "NotebookClient", record: Path) -> Iterator[None]:
    """Start the client's kernel, which records its checks in `record`; end it."""
    from jupyter_client.kernelspec import NoSuchKernel

    try:
        client.km = client.create_kernel_manager()
        client.start_new_kernel(
            env={**os.environ, RECORD_VARIABLE: str(record)},
            # What the kernel says of itself is not for the learner.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        client.start_new_kernel_client()
    except (NoSuchKernel, OSError, RuntimeError) as error:
        raise Trouble(
            f"No Python kernel started ({error}): rounds doctor says what is missing."
        ) from None
    with client.setup_kernel(cleanup_kc=True):
        yield


def _texts(cell: "NotebookNode", number: int) -> list[str]:
    """What a cell has to tell: its reports, and its exception."""
    texts: list[str] = []
    for output in cell.outputs:
        data = output.get("data", {})
        if REPORT_CLASS in data.get("text/html", ""):
            texts.append(data.get("text/plain", "").rstrip())
        elif output.output_type == "error":
            lines = f"{output.ename}: {output.evalue}".rstrip().splitlines()
            # A cell's file name is a number that tells nobody anything.
            last = re.sub(r"\(\S+\.py, (line \d+)\)", r"(\1)", lines[-1])
            texts.append(f"Cell [{number}] raised {last}")
    return texts
