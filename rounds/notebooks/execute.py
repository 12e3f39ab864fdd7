"""Run a notebook by this Python, with nothing of the user's own in the outputs."""

import os
import subprocess
import tempfile
from pathlib import Path

from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from rounds.notebooks.form import Refused, blank, label

CELL_TIMEOUT = 120
# Settings of the reader's own that would show in the outputs.
_PERSONAL = {
    *("MPLBACKEND", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONHASHSEED"),
    *("PYTHONOPTIMIZE", "ROUNDS_RECORD", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"),
}


def execute(nb: NotebookNode, folder: Path, where: str) -> NotebookNode:
    """A copy of `nb` executed by this Python in `folder`.

    Raises Refused, with the cell and the error, for a cell that raises (unless it
    is tagged `raises-exception`), stops the kernel or runs too long.
    """
    nb = blank(nb)
    at = 0

    def started(cell: NotebookNode, cell_index: int) -> None:
        nonlocal at
        at = cell_index

    try:
        with tempfile.TemporaryDirectory() as scratch:
            client = NotebookClient(
                nb,
                km=_kernel(Path(scratch)),
                timeout=CELL_TIMEOUT,
                record_timing=False,
                on_cell_start=started,
                resources={"metadata": {"path": str(folder)}},
            )
            return client.execute(
                env=_environment(Path(scratch)),
                # A manager of our own is not shut down by the client unless told so.
                cleanup_kc=True,
                # The kernel's own log, not what cells write.
                stderr=subprocess.DEVNULL,
            )
    except CellExecutionError as error:
        trouble = f"raised {error.ename}: {error.evalue}".splitlines()[0].rstrip(": ")
    except CellTimeoutError:
        trouble = f"ran longer than {CELL_TIMEOUT} s"
    except DeadKernelError:
        trouble = "stopped the kernel"
    except RuntimeError as error:
        raise Refused(f"{where}: no kernel started: {error}") from error
    raise Refused(f"{where}: {label(nb.cells[at], at)}: {trouble}")


class _ThisPython(KernelSpecManager):
    """Only the kernel of the running Python, whatever the machine calls python3."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())


def _kernel(scratch: Path) -> AsyncKernelManager:
    return AsyncKernelManager(
        kernel_spec_manager=_ThisPython(),
        connection_file=str(scratch / "kernel.json"),
        # Sockets in a folder of their own: two kernels that start at once can take
        # the same free port. Windows has only ports.
        transport="tcp" if os.name == "nt" else "ipc",
    )


def _environment(scratch: Path) -> dict[str, str]:
    """The kernel's environment: nothing of the user's that would show in outputs."""
    settings = scratch / "matplotlibrc"
    settings.touch()
    environment = {k: v for k, v in os.environ.items() if k not in _PERSONAL}
    return environment | {
        "IPYTHONDIR": str(scratch),
        "MATPLOTLIBRC": str(settings),
        # Small arrays: a second thread costs more than it brings, and the order of
        # a sum must not depend on the number of cores.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        # A remark of the debugger on the terminal that no one can act on.
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
