"""How the points of each data set are drawn.

Each function takes the number of points n, the noise q = noise / 100 and a generator, and gives X (n, d)
and y (n,). Their formulas in words, and who uses which, stand in `datasets`.

*Conventions*: U(a, b) is uniform, N(m, v) normal with *variance* v; angles from the second axis, so
that x1 = r sin t, x2 = r cos t. Codes of two classes: 0 negative, 1 positive.

*References*: TensorFlow Playground (circle, xor, clouds, arms, plane, hills); Fahlman 1988 and Lang and
Witbrock 1988 (two spirals).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Drawn",
    "arms",
    "blobs4",
    "checkerboard",
    "chirp",
    "circle",
    "curve",
    "gauss",
    "hills",
    "moons",
    "plane",
    "rings3",
    "ripples",
    "steps",
    "stripes1d",
    "wave",
    "xor",
]

Array = NDArray[np.float64]
Drawn = tuple[Array, NDArray]  # X and y


# ---- the shapes that several sets are made of ------------------------------------------------


def _parts(n: int, k: int) -> NDArray[np.int64]:
    """Part of each of n points, dealt to k parts as evenly as can be, the first parts first."""
    return np.arange(n, dtype=np.int64) * k // n


def _polar(r: Array, angle: Array) -> Array:
    return np.column_stack([r * np.sin(angle), r * np.cos(angle)])


def _beside(X: Array, reach: float, q: float, rng: np.random.Generator) -> Array:
    """Where the label is read off: beside the point, by U(-reach, reach) q in each coordinate."""
    return np.asarray(X + rng.uniform(-reach, reach, X.shape) * q)


def _cloud(centres: Array, part: NDArray, q: float, rng: np.random.Generator) -> Array:
    variance = 0.5 + 7.0 * q  # 0.5 without noise, 4 at q = 0.5
    return np.asarray(centres[part] + np.sqrt(variance) * rng.standard_normal((len(part), 2)))


def arms(n: int, k: int, q: float, rng: np.random.Generator) -> Drawn:
    """Spiral arms of 1 3/4 turns, each the last one turned by 2 pi / k."""
    y = _parts(n, k)
    i = np.arange(n) - np.searchsorted(y, y)  # place on the arm
    along = i / np.bincount(y, minlength=k)[y]
    X = _polar(5 * along, 1.75 * 2 * np.pi * along + 2 * np.pi * y / k)
    # the first arm is the positive one; the others follow
    return X + rng.uniform(-1, 1, X.shape) * q, (1 - y if k == 2 else y)


# ---- classification --------------------------------------------------------------------------


def circle(n: int, q: float, rng: np.random.Generator) -> Drawn:
    """A disc inside a ring."""
    inner = _parts(n, 2) == 0
    r = np.where(inner, rng.uniform(0, 2.5, n), rng.uniform(3.5, 5, n))
    X = _polar(r, rng.uniform(0, 2 * np.pi, n))
    return X, np.hypot(*_beside(X, 5, q, rng).T) < 2.5


def xor(n: int, q: float, rng: np.random.Generator) -> Drawn:
    """Opposite quarters of the plane."""
    X = rng.uniform(-5, 5, (n, 2))
    X += np.where(X > 0, 0.3, -0.3)
    return X, np.prod(_beside(X, 5, q, rng), axis=1) >= 0


def gauss(n: int, q: float, rng: np.random.Generator) -> Drawn:
    """Two clouds."""
    part = _parts(n, 2)
    return _cloud(np.array([[2.0, 2.0], [-2.0, -2.0]]), part, q, rng), 1 - part


def moons(n: int, q: float, rng: np.random.Generator) -> Drawn:
    """Two half circles, one the other mirrored at the origin."""
    y = 1 - _parts(n, 2)
    t = rng.uniform(0, np.pi, n)
    upper = np.column_stack([3 * np.cos(t) - 1.5, 3 * np.sin(t) - 0.75])
    X = np.where(y[:, np.newaxis] == 1, upper, -upper)
    return X + (0.2 + 1.6 * q) * rng.standard_normal(X.shape), y


def checkerboard(n: int, q: float, rng: np.random.Generator) -> Drawn:
    """Squares of side 3."""
    X = rng.uniform(-6, 6, (n, 2))
    return X, np.floor(_beside(X, 3, q, rng) / 3).sum(axis=1) % 2 == 0


def wave(n: int, q: float, rng: np.random.Generator) -> Drawn:
    """Above and below 2.5 sin x1."""
    X = rng.uniform(-1, 1, (n, 2)) * [6.0, 5.8]
    side = np.sign(X[:, 1] - 2.5 * np.sin(X[:, 0]))
    X[:, 1] += 0.2 * side
    place = _beside(X, 5, q, rng)
    return X, place[:, 1] > 2.5 * np.sin(place[:, 0])


RINGS = np.array([[0.0, 1.2], [2.0, 3.2], [4.0, 5.2]])  # inner and outer radius


def rings3(n: int, q: float, rng: np.random.Generator) -> Drawn:
    """Three rings."""
    low, high = RINGS[_parts(n, 3)].T
    X = _polar(rng.uniform(low, high), rng.uniform(0, 2 * np.pi, n))
    return X, np.asarray(np.searchsorted([1.6, 3.6], np.hypot(*_beside(X, 5, q, rng).T)))


def blobs4(n: int, q: float, rng: np.random.Generator) -> Drawn:
    """Four clouds."""
    y = _parts(n, 4)
    return _cloud(
        2.5 * np.array([[-1.0, 1.0], [1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]), y, q, rng
    ), y


def stripes1d(n: int, q: float, rng: np.random.Generator) -> Drawn:
    """Eight stripes on a line."""
    X = 1.5 * np.floor(rng.uniform(-4, 4, (n, 1))) + rng.uniform(0.15, 1.35, (n, 1))
    return X, np.floor(_beside(X, 3, q, rng)[:, 0] / 1.5) % 2 == 0


# ---- regression ------------------------------------------------------------------------------


def plane(n: int, q: float, rng: np.random.Generator) -> Drawn:
    """A slope."""
    X = rng.uniform(-6, 6, (n, 2))
    return X, _beside(X, 6, q, rng).sum(axis=1) / 10


HILLS = np.array(
    [[-4, 2.5, 1], [0, 2.5, -1], [4, 2.5, 1], [-4, -2.5, -1], [0, -2.5, 1], [4, -2.5, -1]]
)  # x, y, sign


def hills(n: int, q: float, rng: np.random.Generator) -> Drawn:
    """Three hills and three valleys."""
    X = rng.uniform(-6, 6, (n, 2))
    to_centre = _beside(X, 6, q, rng)[:, np.newaxis] - HILLS[:, :2]  # (n, 6, 2)
    height = HILLS[:, 2] * np.clip(1 - np.hypot(*to_centre.transpose(2, 0, 1)) / 2, 0, 1)
    return X, height[np.arange(n), np.argmax(np.abs(height), axis=1)]


def ripples(n: int, q: float, rng: np.random.Generator) -> Drawn:
    """Waves around the origin."""
    X = rng.uniform(-6, 6, (n, 2))
    return X, np.cos(1.5 * np.hypot(*X.T)) + q * rng.standard_normal(n)


def curve(course: Callable[[Array], Array]) -> Callable[..., Drawn]:
    """A curve y = course(x) over the line, with noise on y."""

    def draw(n: int, q: float, rng: np.random.Generator) -> Drawn:
        X = rng.uniform(-6, 6, (n, 1))
        return X, course(X[:, 0]) + q * rng.standard_normal(n)

    return draw


STEPS = np.array([-0.8, 0.4, -0.2, 0.9, 0.1, -0.6])  # on six pieces of length 2


def steps(x: Array) -> Array:
    """Six levels with jumps in between."""
    return np.asarray(STEPS[np.clip(np.floor(x / 2 + 3), 0, 5).astype(np.int64)])


def chirp(x: Array) -> Array:
    """A sine whose frequency grows in proportion to x + 6: three periods."""
    return np.asarray(np.sin(2 * np.pi * np.square(x + 6) / 48))
