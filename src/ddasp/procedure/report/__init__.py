"""The report: one HTML file that says whether the result is of use, how sure that is, and why.

It is made from the run folder and the sounds alone, so it can be made again at any time without
computing anything anew.

- `folder`: what the six steps wrote, read back.
- `tables`: numbers as text, and tables of them.
- `figures`: the pictures, each with its title and its finding in words.
- `players`: sounds, compressed, at equal loudness, within a budget.
- `page`: the parts in their order, and the page around them.

*Conventions*: one file, no request leaves it (a content security policy holds that), all text is
escaped, at most 20 MB, readable without colour, on a phone, on paper and without scripts.
"""

from __future__ import annotations

from pathlib import Path

from ddasp._files import write_text
from ddasp.procedure.report.page import build

__all__ = ["build", "write"]


def write(run: Path, sounds: Path, *, with_sounds: bool = True, players: int = 400) -> Path:
    """`build` the report and write it to ``report.html`` in the run folder.

    Parameters
    ----------
    run : Path
        The run folder.
    sounds : Path
        The folder of sounds.
    with_sounds : bool
        Whether sounds may travel with the report.
    players : int
        Sounds it holds at most.

    Returns
    -------
    Path
        The file.
    """
    path = Path(run) / "report.html"
    write_text(path, build(run, sounds, with_sounds=with_sounds, players=players))
    return path
