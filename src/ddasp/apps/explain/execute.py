"""Running a notebook in a kernel of its own.

*Conventions*: the kernel is the Python that runs this, whatever kernels a user has installed, and
sees none of the user's IPython profile. Notebooks carry no times and no random ids, so that equal
stories give equal files but for what the runtime prints.

*References*: the notebook format 4.5, https://nbformat.readthedocs.io.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ddasp._errors import DependencyError, RunError
from ddasp.apps.explain.story import Cell

try:
    import ipykernel  # noqa: F401 (the kernel that is started)
    import nbformat
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
except ImportError as error:
    raise DependencyError(
        "E-DEPENDENCY", f'{__name__} needs nbclient: pip install "ddasp[notebook]"'
    ) from error

__all__ = ["execute", "notebook"]

HIDDEN = ("picture", "chart", "reasons", "tools")  # their code
TIMEOUT = 600  # s, of one cell


class _Here(KernelSpecManager):
    """Knows one kernel: this Python."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


def notebook(cells: Sequence[Cell]) -> Any:
    """A notebook that has not run.

    Parameters
    ----------
    cells : sequence of Cell
        In their order.

    Returns
    -------
    nbformat.NotebookNode
        Format 4.5; a cell's role is its tag, and pictures hide their code.
    """
    v4 = nbformat.v4
    made = []
    for number, cell in enumerate(cells):
        new = v4.new_markdown_cell if cell.kind == "markdown" else v4.new_code_cell
        node = new(cell.text, id=f"cell-{number}")
        if cell.role:
            node.metadata["tags"] = [cell.role]
        if cell.role in HIDDEN:
            node.metadata["jupyter"] = {"source_hidden": True}
        made.append(node)
    about = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "version": "{}.{}".format(*sys.version_info)},
    }
    return v4.new_notebook(cells=made, metadata=about)


def execute(book: Any, folder: Path, *, timeout: float = TIMEOUT) -> Any:
    """Run all cells in a fresh kernel; the outputs are put into the notebook.

    Parameters
    ----------
    book : nbformat.NotebookNode
        Is changed.
    folder : Path
        Where the cells read their files.
    timeout : float
        Of one cell [s].

    Returns
    -------
    nbformat.NotebookNode
        The same.

    Raises
    ------
    RunError
        ``E-MODEL`` when a cell fails, the proof at its end among them; ``E-RUN`` when the kernel
        does not start, stops or takes too long.
    """
    with tempfile.TemporaryDirectory(prefix="ddasp-kernel-") as home:
        # sockets in a folder of our own: no port that another user could listen to
        manager = AsyncKernelManager(
            kernel_spec_manager=_Here(),
            kernel_name="python3",
            transport="ipc",
            connection_file=os.path.join(home, "kernel.json"),
        )
        client = NotebookClient(
            book,
            km=manager,
            timeout=timeout,
            startup_timeout=180,
            record_timing=False,
            coalesce_streams=True,  # what a cell prints is one text, however often it was flushed
            resources={"metadata": {"path": str(folder)}},
        )
        try:
            client.execute(env=_environment(home), cleanup_kc=True)
        except CellExecutionError as error:
            raise RunError(
                "E-MODEL",
                f"a cell of the notebook failed ({_last_line(error)}); the decision was not derived",
            ) from error
        except (CellTimeoutError, DeadKernelError, RuntimeError, OSError) as error:
            raise RunError("E-RUN", f"the notebook did not run: {_last_line(error)}") from error
    for cell in book.cells:
        cell.metadata.pop("execution", None)
    return book


def _environment(home: str) -> dict[str, str]:
    """Without the user's IPython profile, without ANSI colours, one thread."""
    own = {"IPYTHONDIR": home, "JUPYTER_RUNTIME_DIR": home, "MPLBACKEND": "agg", "NO_COLOR": "1"}
    own["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    return {**os.environ, **own, "OMP_NUM_THREADS": "1"}


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
