"""Two colour maps: one for magnitudes, one for signed quantities; each in light and in dark.

`magnitude` is Matplotlib's viridis (magma on dark), perceptually uniform. `signed` runs from the
token ``negative`` over ``neutral`` to ``positive``, linear in sRGB, with the neutral at its middle: use
limits that are symmetric about zero. A picture drawn with one of them is found again by its colours
when it becomes SVG, and gets its dark twin there.

*Conventions*: 256 colours, each once in its map.

*References*: Crameri, Shephard and Heron 2020, "The misuse of colour in science communication".
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap, to_rgb
from numpy.typing import NDArray

from ddasp.plot.tokens import TOKENS

__all__ = ["MAPS", "colours", "magnitude", "signed"]

MAPS = ("magnitude", "signed")
N_COLOURS = 256


@cache
def colours(name: str, theme: str) -> NDArray[np.uint8]:
    """The colours of a map.

    Parameters
    ----------
    name : {"magnitude", "signed"}
    theme : {"light", "dark"}

    Returns
    -------
    ndarray of shape (256, 3)
        Red, green, blue, 0 to 255.

    Examples
    --------
    >>> colours("signed", "light")[[0, 255]]
    array([[ 33, 102, 172],
           [224, 130,  20]], dtype=uint8)
    """
    if name == "magnitude":
        return np.asarray(colormaps[TOKENS["maps"][theme]](np.arange(N_COLOURS), bytes=True)[:, :3])
    tokens = TOKENS["colours"][theme]
    ends = np.array([to_rgb(tokens[end]) for end in ("negative", "neutral", "positive")])
    place = np.linspace(-1.0, 1.0, N_COLOURS)
    rgb = np.column_stack([np.interp(place, [-1.0, 0.0, 1.0], channel) for channel in ends.T])
    return np.asarray(np.round(rgb * 255).astype(np.uint8))


def magnitude() -> Any:
    """The map of a magnitude: spectrograms, counts.

    Returns
    -------
    matplotlib.colors.ListedColormap
        For ``cmap`` of ``imshow`` and ``pcolormesh(..., rasterized=True)``.
    """
    return _listed("magnitude")


def signed() -> Any:
    """The map of a signed quantity: weights, decision functions, residuals.

    Returns
    -------
    matplotlib.colors.ListedColormap
        As `magnitude`; set ``vmin=-v, vmax=v``.
    """
    return _listed("signed")


def _listed(name: str) -> Any:
    """Matplotlib makes bytes of the floats again; the third keeps them from falling one short."""
    return ListedColormap(np.minimum((colours(name, "light") + 1 / 3) / 255, 1.0))
