"""How often the held-out sounds of a corpus have been looked at, counted outside every run folder.

Each new choice of settings that is judged on the same held-out sounds is one more chance to be lucky.
The count stands by the corpus' digest in the user's state folder, so that a new run folder does not
forget it; the same settings judged again tell nothing new and are not counted twice.

*Conventions*: ``$XDG_STATE_HOME/ddasp/opened.json``, by default ``~/.local/state``.

*References*: Dwork et al. 2015, "The reusable holdout".
"""

from __future__ import annotations

import os
from pathlib import Path

from ddasp._errors import RunError
from ddasp._files import lock, read_json, write_json

__all__ = ["note_opening"]


def note_opening(corpus: str, settings: str) -> int | None:
    """Note that a corpus was judged under some settings; returns under how many it has been.

    Parameters
    ----------
    corpus, settings : str
        Digests.

    Returns
    -------
    int or None
        Number of different settings so far, this one included; at least 1. None where the state
        folder can't be written: a count that is not kept is not guessed.
    """
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    path = Path(base) / "ddasp" / "opened.json"
    try:
        with lock(path.with_suffix(".lock"), "the count of opened test sets", wait=True):
            known = read_json(path) if path.exists() else {}
            known[corpus] = sorted({*known.get(corpus, []), settings})
            write_json(path, known)
            return len(known[corpus])
    except (OSError, RunError):
        return None
