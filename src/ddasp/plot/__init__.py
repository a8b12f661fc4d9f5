"""The visual language: figures from plain arrays, and the tokens they share with every page.

This is the only room that draws with Matplotlib, and it draws without pyplot: each function
takes arrays and returns a `matplotlib.figure.Figure` that belongs to the caller alone.
`to_svg` turns it into inline SVG whose colours are CSS variables, so that one picture serves a
light page, a dark page and paper.

- `tokens`: colours, sizes and spacing from ``ddasp/tokens.json``, the one source, as CSS too.
- `maps`: colours of magnitudes and of signed quantities.
- `canvas`: the style and the bare figure, in CSS pixels.
- `scores`: estimates with intervals, bars, matrices.
- `curves`: a measure over a condition; calibration, search, residuals, distributions.
- `trade_off`: misses against false alarms. `points`: risk over parameters; one dot for each of a class.
- `signals`: waveform and spectrogram on one time axis, and the map of observations.
- `svg`: the way out.

*Conventions*: one figure unit is one CSS pixel; every axis carries ``quantity / unit``; an
estimate is drawn with its interval; category k has colour and shape k of the tokens.

*References*: Okabe and Ito 2008, "Color universal design"; Cleveland 1985, "The elements of
graphing data"; WCAG 2.2, success criteria 1.4.3 and 1.4.11 (contrast).

Examples
--------
>>> figure = forest(["rule", "linear"], [0.55, 0.81], [0.48, 0.76], [0.62, 0.86], quantity="accuracy")
>>> svg = to_svg(figure, alt="The linear model scores 0.81, the rule 0.55.")
>>> svg[:4], "var(--ink)" in svg
('<svg', True)
"""

from matplotlib.figure import Figure

from ddasp.plot.curves import (
    agreement,
    curve,
    histogram,
    learning_curve,
    path,
    reliability,
    residuals,
    robustness,
)
from ddasp.plot.maps import magnitude, signed
from ddasp.plot.scores import bars, confusion, forest, line_of_use, matrix
from ddasp.plot.signals import scatter, sound, spectrogram, waveform
from ddasp.plot.svg import to_svg
from ddasp.plot.tokens import TOKENS, colour, css

__all__ = [
    "TOKENS",
    "Figure",
    "agreement",
    "bars",
    "colour",
    "confusion",
    "css",
    "curve",
    "forest",
    "histogram",
    "learning_curve",
    "line_of_use",
    "magnitude",
    "matrix",
    "path",
    "reliability",
    "residuals",
    "robustness",
    "scatter",
    "signed",
    "sound",
    "spectrogram",
    "to_svg",
    "waveform",
]
