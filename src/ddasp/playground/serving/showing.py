"""The playground inside a notebook: one server in the kernel, one frame for each call.

The server runs in a thread of the kernel and ends with it. The notebook's page may show the frame
because the server says so in its Content Security Policy: to pages of this machine, and to no others.

*Conventions*: sizes in CSS pixels.
"""

from __future__ import annotations

import html
import threading
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from ddasp._check import whole
from ddasp._errors import InputError

if TYPE_CHECKING:
    from ddasp.playground.serving.server import Server

__all__ = ["View", "show"]

# Notebooks of this machine, at whatever port; the syntax has no word for [::1].
NOTEBOOKS = "'self' http://localhost:* http://127.0.0.1:* https://localhost:* https://127.0.0.1:*"

_servers: dict[str | None, Server] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class View:
    """A playground in a frame; a notebook shows it when it is the value of a cell.

    Parameters
    ----------
    address : str
        Of the page, with its token.
    height : int
        Of the frame.
    """

    address: str
    height: int

    def __repr__(self) -> str:
        return f"The playground is at {self.address}"

    def _repr_html_(self) -> str:
        address = html.escape(self.address, quote=True)
        return (
            f'<iframe src="{address}" title="ddasp playground" width="100%" height="{self.height}" '
            'style="border: 0" allow="microphone; autoplay; clipboard-write"></iframe>'
            f'<p><a href="{address}" target="_blank" rel="noopener">Open the playground in a tab of its '
            "own</a>. It runs on the machine of this kernel and can be seen on that machine only.</p>"
        )


def show(source: str | PathLike[str] | None = None, height: int = 800) -> View:
    """Show the playground in a notebook.

    Parameters
    ----------
    source : str or path-like, optional
        A run folder or a folder of sounds; generated drums are the sounds when left out.
    height : int
        Of the frame [px], 200 to 5000.

    Returns
    -------
    View
        Shown by JupyterLab, Jupyter Notebook and VS Code as the value of a cell.

    Raises
    ------
    InputError
        When the height makes no sense, or there is no such folder.
    DependencyError
        When the extra ``playground`` is not installed.

    Notes
    -----
    The first call starts a server in a thread of this kernel, further ones for the same sounds use it. It
    answers this machine only: with a kernel on another machine, forward the port to your own.

    Examples
    --------
    >>> show()
    The playground is at http://127.0.0.1:...
    """
    if not 200 <= whole(height, "height") <= 5000:
        raise InputError("E-ARGUMENT", f"height is {height}; expected 200 to 5000 px")
    if source is not None and not Path(source).exists():
        raise InputError(
            "E-PATH-MISSING", f"there is no {source}; expected a run folder or a folder of sounds"
        )
    # the whole path: what is meant by a short one changes with the kernel's folder
    return View(
        _server_for(None if source is None else fspath(Path(source).resolve())).address, height
    )


def _server_for(source: str | None) -> Server:
    """The running server of these sounds, started if there is none."""
    from ddasp.playground.serving.server import Server

    with _lock:
        server = _servers.get(source)
        if server is None or not server.is_alive():
            server = Server(port=0, source=source, ancestors=NOTEBOOKS)
            server.start()
            _servers[source] = server
        return server
