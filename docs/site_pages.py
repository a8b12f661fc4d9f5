"""Pages of the site that are made from the source: the siblings in tabs, and the functions room by room.

The siblings page shows what `make_siblings` shows side by side, one engine at a time; the tabs of the page
turn together. The reference has one page for each room, its modules in the order of their names.
"""

from __future__ import annotations

import html
import importlib
import pkgutil
import re

import make_siblings

ROOMS = {
    "audio": "Signals (n_samples, n_channels): made, read, measured, taken apart, degraded.",
    "linear": "Models y = Xθ: subspaces, inverses, regression, PCA, descent.",
    "nonlinear": "Layered models y = f3(f2(f1(X))), each in NumPy, PyTorch and TensorFlow.",
    "plot": "Figures from plain arrays, in the house style.",
    "course": "What the lessons call.",
    "playground.training": "The experiment of the playground: states, the step between them, scripts.",
    "playground.knowing": "What there is to know about its state: measures, numbers, stability, missions.",
}
MEMBERS = (
    "   :members:\n   :exclude-members: set_fit_request, set_partial_fit_request, set_score_request"
)


def siblings() -> str:
    """The page of siblings in Markdown."""
    text = [
        "# Siblings",
        "",
        "One model, written out in NumPy, PyTorch and TensorFlow; after 300 steps their parameters agree "
        "to the last digits. Choose an engine in one place and the whole page follows. The same "
        "{download}`side by side <siblings.html>`, with the lines marked in which they differ.",
    ]
    for part in make_siblings.SECTIONS:
        text += ["", f"## {part.title}", "", as_markdown(part.look), "", "::::{tab-set}"]
        for engine, title in make_siblings.ENGINES.items():
            blocks = [make_siblings.source(engine, place) for place in part.places(engine)]
            code = "\n\n\n".join(blocks)
            text += [
                f":::{{tab-item}} {title}",
                f":sync: {engine}",
                "",
                f"```python\n{code}\n```",
                ":::",
            ]
        text.append("::::")
    return "\n".join(text) + "\n"


def as_markdown(text: str) -> str:
    """The little HTML of a section's words."""
    text = re.sub(r"<code>(.*?)</code>", r"`\1`", text)
    text = re.sub(r"<(em|i)>(.*?)</\1>", r"*\2*", text)
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def reference() -> dict[str, str]:
    """File name to text: a page for each room, and one that leads to them."""
    pages = {}
    for room, what in ROOMS.items():
        package = importlib.import_module(f"ddasp.{room}")
        names = sorted(
            module.name
            for module in pkgutil.iter_modules(package.__path__)
            if not module.name.startswith("_")
        )
        text = [f"# ddasp.{room}", "", what]
        for name in names:
            path = f"ddasp.{room}.{name}"
            text += [
                "",
                f"## {name}",
                "",
                "```{eval-rst}",
                f".. automodule:: {path}",
                MEMBERS,
                "```",
            ]
        pages[f"{room}.md"] = "\n".join(text) + "\n"
    entries = "\n".join(ROOMS)
    listed = "\n".join(f"- [ddasp.{room}]({room}.md): {what}" for room, what in ROOMS.items())
    pages["index.md"] = f"# Reference\n\n{listed}\n\n```{{toctree}}\n:hidden:\n\n{entries}\n```\n"
    return pages
