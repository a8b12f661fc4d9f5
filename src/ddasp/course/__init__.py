"""What the lessons call, and how they reach a reader: figures, players, notebooks.

- `showing`: an empty figure in the house style, and the way of a finished one into a notebook or a page.
- `listening`: players, each beside the picture of its sound, all at equal loudness.
- `lessons`: the syllabus; where the lessons lie; a text notebook as cells.
- `references`: the bibliography, as a reader of a notebook needs it.
- `notebooks`: a lesson as ``.ipynb``. `writing`: a folder of them that never loses a reader's work.

*Conventions*: a lesson is one MyST text notebook in ``course/``; what it shows it says in words too
(``alt``); every output brings its own colours, light and dark, and asks for nothing over the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ddasp.course.lessons import needs
    from ddasp.course.listening import Players, listen
    from ddasp.course.showing import Picture, figure, show

__all__ = ["Picture", "Players", "figure", "listen", "needs", "show"]

FROM = {
    "Picture": "showing",
    "Players": "listening",
    "figure": "showing",
    "listen": "listening",
    "needs": "lessons",
    "show": "showing",
}


def __getattr__(name: str) -> Any:
    """A name of `__all__`, loaded when it is asked for: the room itself stays light."""
    from importlib import import_module

    if name in FROM:
        return getattr(import_module(f"ddasp.course.{FROM[name]}"), name)
    raise AttributeError(f"module 'ddasp.course' has no attribute {name!r}")
