"""The sounds of a server: opened once, when the first page asks for them, and shared by all.

*Conventions*: None stands for the demo corpus, drum sounds that are made in memory.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ddasp.playground.points.sounds import SoundSource

__all__ = ["Shelf"]


class Shelf:
    """Where sounds come from.

    Parameters
    ----------
    source : str, optional
        A run folder or a folder of sounds; generated drums when left out.
    """

    def __init__(self, source: str | None = None) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._opened: SoundSource | None = None

    @property
    def title(self) -> str:
        """A name for the page."""
        return "Demo drums" if self._source is None else Path(self._source).name or self._source

    @property
    def is_open(self) -> bool:
        """Whether the sounds have been read."""
        return self._opened is not None

    def open(self) -> SoundSource:
        """The sounds; reading them takes seconds the first time."""
        from ddasp.playground.points.sounds import open_source

        with self._lock:
            if self._opened is None:
                self._opened = open_source(self._source or "demo")
            return self._opened
