"""Points to learn from: clouds in the plane and curves on a line, drawn from a seed.

Each data set is one `About` in `DATASETS`: what it looks like, its formula, and on which quantity
*noise* acts, since that differs: some sets move the points, others leave them where they are and
draw their labels from a place beside them. Points that noise carries out of the map are kept.

*Conventions*: X (n, d) coordinates, y (n,) codes 0, 1, ... of classes or real targets; of two classes
0 is negative and 1 positive. q = noise / 100. U(a, b) is uniform, N(m, v) normal with *variance* v.
The map spans -6 to 6. Adding a data set touches `shapes` and this file.

*References*: TensorFlow Playground (the first six: circle, xor, gauss, spiral, reg-plane, reg-gauss);
Fahlman 1988 and Lang and Witbrock 1988 (two spirals).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ddasp._check import in_range, one_of, whole
from ddasp._errors import InputError
from ddasp.playground import shapes
from ddasp.playground.shapes import Drawn

__all__ = ["DATASETS", "DOMAIN", "MAX_POINTS", "About", "Kind", "Points", "make"]

Kind = Literal["classification", "regression"]
Array = NDArray[np.float64]

DOMAIN = 6.0
MIN_POINTS, MAX_POINTS = 10, 5000
MAX_NOISE = 50.0
TWO = ("negative", "positive")
LETTERS = ("A", "B", "C", "D")


@dataclass(frozen=True)
class Points:
    """What is learned from.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Coordinates, float64.
    y : ndarray of shape (n,)
        Codes of the classes, int64, or targets, float64.
    kind : {"classification", "regression"}
        Which of the two.
    classes : tuple of str
        Names of the classes in the order of their codes; none in regression.
    axes : tuple of str
        Names of the d columns, with the unit where there is one.
    domain : float or None
        The map spans -domain to domain; None when its ranges come from the data.
    groups : tuple of str or None
        Of each sound, what it shares with others: a speaker, a device, a day.
    ids : tuple of str or None
        Of each sound, a text that tells nothing about its place on the disk.
    title : str
        For a reader.
    suggested : tuple of int
        Columns to begin with, where there are more than can be fed at once. Of sounds they are chosen
        anew with every split, by `points.inputs.fed_columns`.
    """

    X: Array
    y: NDArray
    kind: Kind
    classes: tuple[str, ...]
    axes: tuple[str, ...]
    domain: float | None
    groups: tuple[str, ...] | None
    ids: tuple[str, ...] | None
    title: str
    suggested: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        X, y = self.X, self.y
        if X.ndim != 2 or y.shape != (len(X),) or X.shape[1] != len(self.axes):
            raise InputError(
                "E-ARGUMENT",
                f"X has shape {X.shape}, y {y.shape}, and {len(self.axes)} axes are named; "
                "expected (n, d), (n,) and d names",
            )
        for name, values in (("groups", self.groups), ("ids", self.ids)):
            if values is not None and len(values) != len(X):
                raise InputError(
                    "E-ARGUMENT",
                    f"{name} has {len(values)} entries; expected {len(X)}, one a point",
                )

    @property
    def n(self) -> int:
        """Number of points."""
        return int(self.X.shape[0])

    @property
    def d(self) -> int:
        """Number of columns."""
        return int(self.X.shape[1])


@dataclass(frozen=True)
class About:
    """One data set, in words and as a function.

    Parameters
    ----------
    title, description : str
        Name, and what one sees.
    kind : {"classification", "regression"}
        Which of the two.
    formula : str
        How points and labels come about.
    noise : str
        On which quantity noise acts; q is noise / 100.
    draw : callable
        Given n, q and a generator, X (n, n_dims) and y (n,).
    n_points : int
        How many are drawn unless told otherwise.
    classes : tuple of str
        Names of the classes; none in regression.
    n_dims : int
        1 or 2.
    """

    title: str
    description: str
    kind: Kind
    formula: str
    noise: str
    draw: Callable[[int, float, np.random.Generator], Drawn]
    n_points: int = 500
    classes: tuple[str, ...] = TWO
    n_dims: int = 2


# ---- the registry ----------------------------------------------------------------------------

LABEL = "Noise acts on the label: the point stays, its label is read off at (x₁ + e₁, x₂ + e₂)"
TARGET = "Noise acts on the target: N(0, q²) is added to y."

DATASETS: dict[str, About] = {
    "circle": About(
        "Circle",
        "A disc of one class inside a ring of the other.",
        "classification",
        "Half the points: r ~ U(0, 2.5); the other half: r ~ U(3.5, 5); angle φ ~ U(0, 2π); "
        "x₁ = r sin φ, x₂ = r cos φ. Positive where √(x₁² + x₂²) < 2.5.",
        f"{LABEL} with e ~ U(−5, 5) q.",
        shapes.circle,
    ),
    "xor": About(
        "Exclusive or",
        "Opposite quarters of the plane belong together.",
        "classification",
        "x₁, x₂ ~ U(−5, 5), then 0.3 away from each axis. Positive where x₁x₂ ≥ 0.",
        f"{LABEL} with e ~ U(−5, 5) q.",
        shapes.xor,
    ),
    "gauss": About(
        "Two Gaussians",
        "Two round clouds; a straight line parts them.",
        "classification",
        "Half the points around (2, 2), positive, half around (−2, −2): normal with variance v in "
        "each coordinate.",
        "Noise acts on the position: the variance of both clouds grows, v = 0.5 + 7 q (to 4 at 50 %).",
        shapes.gauss,
    ),
    "spiral": About(
        "Spiral",
        "Two arms that wind around each other.",
        "classification",
        "Point i of the n/2 of an arm: r = 5 i/(n/2), φ = 1.75 · 2π i/(n/2) + δ with δ = 0 for the "
        "positive arm and π for the other; x₁ = r sin φ, x₂ = r cos φ.",
        "Noise acts on the position: U(−1, 1) q is added to each coordinate.",
        lambda n, q, rng: shapes.arms(n, 2, q, rng),
    ),
    "moons": About(
        "Moons",
        "Two half circles that reach into each other.",
        "classification",
        "t ~ U(0, π); positive: (3 cos t − 1.5, 3 sin t − 0.75); the others are that point mirrored "
        "at the origin. N(0, s²) with s = 0.2 is added to each coordinate.",
        "Noise acts on the position: s = 0.2 + 1.6 q.",
        shapes.moons,
    ),
    "checkerboard": About(
        "Checkerboard",
        "Sixteen squares in turn.",
        "classification",
        "x₁, x₂ ~ U(−6, 6). Positive where ⌊x₁/3⌋ + ⌊x₂/3⌋ is even.",
        f"{LABEL} with e ~ U(−3, 3) q.",
        shapes.checkerboard,
    ),
    "wave": About(
        "Above a curve",
        "The boundary is the graph of a function.",
        "classification",
        "x₁ ~ U(−6, 6), x₂ ~ U(−5.8, 5.8), then 0.2 away from the curve in x₂. Positive where "
        "x₂ > 2.5 sin x₁.",
        f"{LABEL} with e ~ U(−5, 5) q.",
        shapes.wave,
    ),
    "rings3": About(
        "Three rings",
        "Three classes, one around the other.",
        "classification",
        "A third of the points each: r ~ U(0, 1.2), U(2, 3.2), U(4, 5.2); φ ~ U(0, 2π). Classes part "
        "at r = 1.6 and r = 3.6.",
        f"{LABEL} with e ~ U(−5, 5) q.",
        shapes.rings3,
        classes=LETTERS[:3],
    ),
    "blobs4": About(
        "Four clouds",
        "Four classes, each a round cloud in a quarter of its own.",
        "classification",
        "A quarter of the points each around (±2.5, ±2.5): normal with variance v in each coordinate.",
        "Noise acts on the position: the variance of all clouds grows, v = 0.5 + 7 q.",
        shapes.blobs4,
        classes=LETTERS,
    ),
    "spiral3": About(
        "Three arms",
        "Three classes that wind around each other.",
        "classification",
        "As the spiral, with three arms of n/3 points and δ = 0, 2π/3, 4π/3.",
        "Noise acts on the position: U(−1, 1) q is added to each coordinate.",
        lambda n, q, rng: shapes.arms(n, 3, q, rng),
        classes=LETTERS[:3],
    ),
    "stripes1d": About(
        "Stripes on a line",
        "One input; the class changes seven times.",
        "classification",
        "Eight stripes of length 1.5 between −6 and 6, points at least 0.15 away from their ends. "
        "Positive where ⌊x/1.5⌋ is even.",
        "Noise acts on the label: the point stays, its label is read off at x + e with e ~ U(−3, 3) q.",
        shapes.stripes1d,
        n_points=300,
        n_dims=1,
    ),
    "reg-plane": About(
        "Plane",
        "A slope that one straight unit can follow.",
        "regression",
        "x₁, x₂ ~ U(−6, 6); y = (x₁ + x₂)/10.",
        "Noise acts on the target: the point stays, y is read off at (x₁ + e₁, x₂ + e₂) with "
        "e ~ U(−6, 6) q.",
        shapes.plane,
        n_points=1200,
        classes=(),
    ),
    "reg-gauss": About(
        "Hills and valleys",
        "Three hills and three valleys in two rows.",
        "regression",
        "x₁, x₂ ~ U(−6, 6). Six centres at x₁ = −4, 0, 4 with signs + − + at x₂ = 2.5 and − + − at "
        "x₂ = −2.5; each gives sign · max(0, 1 − distance/2), the largest in magnitude counts.",
        "Noise acts on the target: the point stays, y is read off at (x₁ + e₁, x₂ + e₂) with "
        "e ~ U(−6, 6) q.",
        shapes.hills,
        n_points=1200,
        classes=(),
    ),
    "reg-ripples": About(
        "Ripples",
        "Rings of a wave around the middle.",
        "regression",
        "x₁, x₂ ~ U(−6, 6); y = cos(1.5 √(x₁² + x₂²)).",
        TARGET,
        shapes.ripples,
        n_points=1200,
        classes=(),
    ),
    "reg-sine1d": About(
        "Sine",
        "Two periods, nearly, over a line.",
        "regression",
        "x ~ U(−6, 6); y = sin x.",
        TARGET,
        shapes.curve(np.sin),
        n_points=300,
        classes=(),
        n_dims=1,
    ),
    "reg-steps1d": About(
        "Steps",
        "Six levels with jumps in between.",
        "regression",
        "x ~ U(−6, 6); y = −0.8, 0.4, −0.2, 0.9, 0.1, −0.6 on six pieces of length 2.",
        TARGET,
        shapes.curve(shapes.steps),
        n_points=300,
        classes=(),
        n_dims=1,
    ),
    "reg-chirp1d": About(
        "Chirp",
        "A tone that rises: slow on the left, fast on the right.",
        "regression",
        "x ~ U(−6, 6); y = sin(2π (x + 6)²/48): three periods, the frequency grows in proportion "
        "to x + 6.",
        TARGET,
        shapes.curve(shapes.chirp),
        n_points=300,
        classes=(),
        n_dims=1,
    ),
}
"""All data sets by the key that stands in the address."""


def make(key: str, *, n: int | None = None, noise: float = 0.0, seed: int = 0) -> Points:
    """Draw the points of a data set.

    Parameters
    ----------
    key : str
        One of `DATASETS`.
    n : int, optional
        Number of points, 10 to 5,000; by default that of the data set.
    noise : float
        In per cent, 0 to 50.
    seed : int
        Equal seeds give equal points.

    Returns
    -------
    Points

    Raises
    ------
    InputError
        ``E-ARGUMENT`` for an unknown key, or n, noise or seed out of range.

    Examples
    --------
    >>> points = make("circle", noise=10, seed=3)
    >>> points.X.shape, points.classes
    ((500, 2), ('negative', 'positive'))
    """
    about = DATASETS[one_of(key, "dataset", tuple(DATASETS))]
    n = about.n_points if n is None else whole(n, "n", MIN_POINTS)
    in_range(n, "n", MIN_POINTS, MAX_POINTS, unit="points")
    q = in_range(noise, "noise", 0, MAX_NOISE, unit="%", hint="given as a share?") / 100
    X, y = about.draw(n, q, np.random.default_rng((whole(seed, "seed", 0),)))
    return Points(
        X=X,
        y=y.astype(np.int64 if about.classes else np.float64),
        kind=about.kind,
        classes=about.classes,
        axes=("x₁", "x₂") if about.n_dims == 2 else ("x",),
        domain=DOMAIN,
        groups=None,
        ids=None,
        title=about.title,
    )
