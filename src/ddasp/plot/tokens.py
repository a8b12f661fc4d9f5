"""The tokens of the visual language, read from the one file that holds them.

*Conventions*: colours are lower-case ``#rrggbb``; light and dark are two sets of the same names;
sizes and spacing are CSS pixels. Names that share a light colour share the dark one, so that a
colour found in a picture has one meaning.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from ddasp._check import one_of

__all__ = ["MARKERS", "TOKENS", "category", "colour", "css", "variables"]

TOKENS: dict[str, Any] = json.loads(
    resources.files("ddasp").joinpath("tokens.json").read_text("utf-8")
)

# Category k has shape k as well: nothing is told by colour alone.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")


def colour(name: str, *, theme: str = "light") -> str:
    """The colour of a name.

    Examples
    --------
    >>> colour("category-1")
    '#0072b2'
    """
    one_of(theme, "theme", ("light", "dark"))
    colours = TOKENS["colours"][theme]
    return str(colours[one_of(name, "name", tuple(colours))])


def category(k: int) -> tuple[str, str]:
    """Colour and marker of category k; after eight the colours come again with other shapes.

    Examples
    --------
    >>> category(0), category(8)
    (('#0072b2', 'o'), ('#0072b2', 's'))
    """
    return colour(f"category-{k % 8 + 1}"), MARKERS[(k + k // 8) % 8]


def variables() -> dict[str, str]:
    """Light colour to the CSS variable that holds it on a page (the first name of equals)."""
    found: dict[str, str] = {}
    for name, value in TOKENS["colours"]["light"].items():
        found.setdefault(value, f"var(--{name})")
    return found


def css() -> str:
    """The tokens as CSS variables: light, dark by preference or by ``data-theme``, light on paper.

    Examples
    --------
    >>> print(css()[:25])
    :root{color-scheme:light;
    """
    light, dark = (
        f"color-scheme:{theme};"
        + "".join(f"--{name}:{value};" for name, value in TOKENS["colours"][theme].items())
        for theme in ("light", "dark")
    )
    plain = "".join(
        [f"--size-{name}:{value}px;" for name, value in TOKENS["sizes"].items()]
        + [f"--space-{name}:{value}px;" for name, value in TOKENS["spacing"].items()]
        + [f"--font-{name}:{value};" for name, value in TOKENS["fonts"].items()]
    )
    return (
        f":root{{{light}{plain}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\n"
        f"@media screen{{:root[data-theme=dark]{{{dark}}}}}\n"
    )
