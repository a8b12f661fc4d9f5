"""Rooms as boxes: the impulse response by the image-source method, and how long a room rings.

A wall reflects like a mirror, so that each reflection seems to come straight from an image of the
source behind it. In a box the images stand on a regular grid; each is as far away as its path is
long, and weaker by every wall on the way.

*Conventions*: lengths in m, times in s, rates in Hz; coordinates (x, y, z) from a corner. The
absorption of a wall is the share of the energy that it keeps, 0 to 1; its reflection coefficient
for pressure is ``sqrt(1 - absorption)``. Sound travels at 343 m/s (20 degrees Celsius).

*Limits*: walls absorb alike at all frequencies and scatter nothing, so that a box rings longer
than the diffuse field of Eyring's formula: T20 above 100 Hz was 1.05 to 1.12 times Eyring's time
in cubes, 1.3 to 1.8 times in rooms four times as long as high, more in flatter ones. Below the
lowest modes the response holds a constant pressure that no loudspeaker makes.

*References*: Allen & Berkley 1979, "Image method for efficiently simulating small-room acoustics";
Peterson 1986 (fractional delays); Eyring 1930, "Reverberation time in dead rooms"; Sabine 1922;
Schroeder 1965; Lehmann & Johansson 2008 (energy decay of image-source responses); ISO 3382-2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import fftconvolve, upfirdn

from ddasp._check import in_range, signal_1d
from ddasp._errors import InputError

__all__ = [
    "SPEED_OF_SOUND",
    "decay_curve",
    "decay_time",
    "eyring_absorption",
    "eyring_time",
    "in_room",
    "room_response",
    "sabine_time",
]

SPEED_OF_SOUND = 343.0
"""Speed of sound in air at 20 degrees Celsius [m/s]."""

TAPS = 40  # samples on either side of an arrival over which it is spread
PHASES = 64  # steps of a sample in which arrivals are collected; between them linear
MAX_DURATION = 10.0  # s; the number of images grows with its cube
MAX_IMAGES = 50_000_000

Array = NDArray[np.float64]


def room_response(
    size: ArrayLike,
    source: ArrayLike,
    microphone: ArrayLike,
    rate: float,
    *,
    absorption: ArrayLike = 0.3,
    duration: float | None = None,
) -> Array:
    """Impulse response from a source to a microphone in a box.

    Parameters
    ----------
    size : array_like of shape (3,)
        Length, width and height [m].
    source, microphone : array_like of shape (3,)
        Places inside the box [m].
    rate : float
        Sampling rate [Hz].
    absorption : array_like of shape () or (3, 2)
        Of all walls, or of each: rows x, y, z, columns the wall at 0 and the one opposite.
        Above 0, at most 1.
    duration : float, optional
        Length of the response [s]; if not given, Eyring's reverberation time, and long enough for
        the direct sound.

    Returns
    -------
    ndarray of shape (n_samples,)
        Pressure for a source of strength 1: the direct sound is an impulse of area
        ``1 / (4 pi r)`` at r / 343 s.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when a place lies outside the box, both are the same, or the images are too
        many.

    Notes
    -----
    ``h(t) = sum_images  b delta(t - r / c) / (4 pi r)``, b the product of all reflection
    coefficients on the way. Image (u, m) of one axis stands at ``(1 - 2 u) x + 2 m L`` and has met
    the wall at 0 |m - u| times, the one at L |m| times. Each impulse is a windowed sinc of 81
    samples. What would begin before time 0 is cut off, so that source and microphone should stand
    40 samples of sound apart or more (0.9 m at 16 kHz).

    References
    ----------
    Allen & Berkley 1979, eq. (9) and (10); Peterson 1986

    Examples
    --------
    >>> h = room_response([6, 5, 3], [1, 2, 1.5], [4, 3, 1.2], 16_000, absorption=1.0)
    >>> distance = np.sqrt(3**2 + 1**2 + 0.3**2)
    >>> int(np.argmax(h)) == round(distance / 343 * 16_000)
    True
    >>> float(h.sum() * 4 * np.pi * distance)
    1.000
    """
    L, x, y = _place(size, "size"), _place(source, "source"), _place(microphone, "microphone")
    for name, place in (("source", x), ("microphone", y)):
        if not ((place > 0) & (place < L)).all():
            raise InputError(
                "E-ARGUMENT", f"{name} is at {place} m; expected inside a box of {L} m"
            )
    if np.allclose(x, y):
        raise InputError("E-ARGUMENT", "source and microphone are at one place; expected two")
    in_range(rate, "rate", 1000.0, 768_000.0, unit="Hz")
    alpha = _walls(absorption)
    direct = float(np.linalg.norm(x - y)) / SPEED_OF_SOUND
    if duration is None:
        duration = max(eyring_time(L, alpha), direct + 2 * TAPS / rate)
    in_range(duration, "duration", 1e-3, MAX_DURATION, unit="s", hint="given in milliseconds?")
    axes = [_images(L[i], x[i], y[i], alpha[i], SPEED_OF_SOUND * duration) for i in range(3)]
    n_samples = round(duration * rate)
    return _spread(_arrivals(axes, rate, n_samples), n_samples)


def _place(values: ArrayLike, name: str) -> Array:
    place = np.asarray(values, dtype=np.float64)
    if place.shape != (3,) or not np.isfinite(place).all() or (place <= 0).any():
        raise InputError("E-ARGUMENT", f"{name} is {values!r}; expected three lengths above 0 m")
    return place


def _walls(absorption: ArrayLike) -> Array:
    alpha = np.asarray(absorption, dtype=np.float64)
    if alpha.shape not in ((), (3, 2)):
        raise InputError(
            "E-ARGUMENT", f"absorption has shape {alpha.shape}; expected one number or (3, 2)"
        )
    if not ((alpha > 0) & (alpha <= 1)).all():
        raise InputError("E-ARGUMENT", f"absorption is {absorption!r}; expected above 0, at most 1")
    return np.broadcast_to(alpha, (3, 2))


def _images(L: float, x: float, y: float, alpha: Array, reach: float) -> tuple[Array, Array]:
    """Distances along one axis from the images to the microphone, and what the walls left."""
    beta = np.sqrt(1 - alpha)
    m_max = int(np.ceil(reach / (2 * L))) + 1
    m = np.arange(-m_max, m_max + 1)
    distance = [(1 - 2 * u) * x + 2 * m * L - y for u in (0, 1)]
    left = [beta[0] ** np.abs(m - u) * beta[1] ** np.abs(m) for u in (0, 1)]
    d, b = np.concatenate(distance), np.concatenate(left)
    near = (np.abs(d) <= reach) & (b > 0)
    return d[near], b[near]


def _arrivals(axes: list[tuple[Array, Array]], rate: float, n_samples: int) -> Array:
    """All images as impulses on a grid of 1 / PHASES of a sample, shape (n_samples * PHASES,)."""
    (x, bx), (y, by), (z, bz) = axes
    if x.size * y.size * z.size > MAX_IMAGES:
        raise InputError(
            "E-ARGUMENT",
            f"the response needs {x.size * y.size * z.size:.1e} images; expected at most "
            f"{MAX_IMAGES:.0e} - a shorter duration, or more absorption?",
        )
    grid = np.zeros((n_samples + 1) * PHASES + 2)
    plane, b_plane = y[:, np.newaxis] ** 2 + z**2, by[:, np.newaxis] * bz
    for distance, b in zip(x, bx, strict=True):
        r = np.sqrt(distance**2 + plane).ravel()
        t = r * (rate * PHASES / SPEED_OF_SOUND)
        heard = t < (n_samples + 1) * PHASES
        weight = (b * b_plane.ravel() / (4 * np.pi * r))[heard]
        before = t[heard].astype(np.int64)
        share = t[heard] - before
        grid += np.bincount(before, weight * (1 - share), grid.size)
        grid += np.bincount(before + 1, weight * share, grid.size)
    return grid


def _spread(grid: Array, n_samples: int) -> Array:
    """Each impulse becomes a windowed sinc at its place between the samples."""
    t = np.arange(-TAPS * PHASES, TAPS * PHASES + 1) / PHASES
    kernel = np.sinc(t) * np.cos(np.pi * t / (2 * TAPS)) ** 2
    h = upfirdn(kernel, grid, up=1, down=PHASES)
    return np.asarray(h[TAPS : TAPS + n_samples])


def _surfaces(size: ArrayLike) -> tuple[float, Array]:
    """Volume, and the area of each wall, shape (3, 1): the two of a pair are alike."""
    L = _place(size, "size")
    volume = float(np.prod(L))
    return volume, (volume / L)[:, np.newaxis]


def sabine_time(size: ArrayLike, absorption: ArrayLike) -> float:
    """Reverberation time of a box by Sabine's formula, for little absorption.

    Parameters
    ----------
    size : array_like of shape (3,)
        Length, width and height [m].
    absorption : array_like of shape () or (3, 2)
        As of `room_response`.

    Returns
    -------
    float
        ``24 ln(10) V / (c A)`` with the absorption area ``A = sum alpha S`` [s].

    Examples
    --------
    >>> sabine_time([10, 8, 4], 0.1)
    1.69
    """
    volume, areas = _surfaces(size)
    return float(24 * np.log(10) * volume / (SPEED_OF_SOUND * np.sum(areas * _walls(absorption))))


def eyring_time(size: ArrayLike, absorption: ArrayLike) -> float:
    """Reverberation time of a box by Eyring's formula, for any absorption.

    Parameters
    ----------
    size : array_like of shape (3,)
        Length, width and height [m].
    absorption : array_like of shape () or (3, 2)
        As of `room_response`.

    Returns
    -------
    float
        ``24 ln(10) V / (-c S ln(1 - a))`` with the mean absorption a, weighted by area [s]; 0
        where nothing is reflected.

    Examples
    --------
    >>> eyring_time([10, 8, 4], 0.1)
    1.61
    """
    volume, areas = _surfaces(size)
    total = 2 * float(areas.sum())
    mean = float(np.sum(areas * _walls(absorption))) / total
    if mean >= 1 - 1e-12:
        return 0.0
    return float(-24 * np.log(10) * volume / (SPEED_OF_SOUND * total * np.log1p(-mean)))


def eyring_absorption(size: ArrayLike, time: float) -> float:
    """The absorption of all walls that gives a box a reverberation time, by Eyring's formula.

    Parameters
    ----------
    size : array_like of shape (3,)
        Length, width and height [m].
    time : float
        Reverberation time T60 [s].

    Returns
    -------
    float
        Above 0, below 1.

    Examples
    --------
    >>> eyring_time([5, 4, 3], eyring_absorption([5, 4, 3], 0.5))
    0.5
    """
    in_range(time, "time", 1e-3, 100.0, unit="s", hint="given in milliseconds?")
    volume, areas = _surfaces(size)
    exponent = 24 * np.log(10) * volume / (SPEED_OF_SOUND * 2 * float(areas.sum()) * time)
    return float(-np.expm1(-exponent))


def decay_curve(response: ArrayLike) -> Array:
    """Schroeder's backward integration: the energy that is still to come.

    Parameters
    ----------
    response : array_like of shape (n_samples,)
        Impulse response.

    Returns
    -------
    ndarray of shape (n_samples,)
        Level relative to the whole energy [dB], 0 at first and never rising; -inf after the end.

    Examples
    --------
    >>> decay_curve([3.0, 1.0, 0.0])
    array([  0., -10., -inf])
    """
    h = signal_1d(response, "response").astype(np.float64, copy=False)
    energy = np.cumsum(h[::-1] ** 2)[::-1]
    if not energy.size or energy[0] == 0:
        raise InputError("E-ARGUMENT", "response is silent; expected an impulse response")
    with np.errstate(divide="ignore"):
        return np.asarray(10 * np.log10(energy / energy[0]))


def decay_time(response: ArrayLike, rate: float, *, span: tuple[float, float] = (-5, -25)) -> float:
    """Reverberation time T60 measured on an impulse response.

    Parameters
    ----------
    response : array_like of shape (n_samples,)
        Impulse response.
    rate : float
        Sampling rate [Hz].
    span : tuple of float
        Levels of the decay curve between which a straight line is fitted [dB]: (-5, -25) gives
        T20, (-5, -35) gives T30.

    Returns
    -------
    float
        The time in which that line falls by 60 dB [s].

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the response doesn't decay that far.

    References
    ----------
    Schroeder 1965; ISO 3382-2

    Examples
    --------
    >>> t = np.arange(16_000) / 16_000
    >>> decay_time(10 ** (-3 * t / 0.4), 16_000)
    0.400
    """
    level = decay_curve(response)
    in_range(rate, "rate", 1.0, 1e7, unit="Hz")
    high, low = span
    inside = np.flatnonzero((level <= high) & (level >= low))
    if inside.size < 2 or not level[-1] < low:
        raise InputError(
            "E-ARGUMENT", f"the response decays to {level[-1]:.1f} dB; expected beyond {low:g} dB"
        )
    slope = np.polyfit(inside / rate, level[inside], 1)[0]
    return float(-60 / slope)


def in_room(signal: ArrayLike, response: ArrayLike) -> NDArray[np.floating]:
    """A sound as it is heard through an impulse response.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Sound.
    response : array_like of shape (n_response,)
        Impulse response, as of `room_response`.

    Returns
    -------
    ndarray of shape (n_samples,)
        The sound without the delay of the response's first arrival, cut to its length and scaled
        to its RMS, in its dtype.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the response is silent.

    Examples
    --------
    >>> in_room([1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.4, 0.3])
    array([0.8, 0.6, 0. , 0. ])
    """
    x = signal_1d(signal)
    h = signal_1d(response, "response").astype(np.float64, copy=False)
    if not h.any():
        raise InputError("E-ARGUMENT", "response is silent; expected an impulse response")
    if not x.any():
        return x.copy()
    size = np.abs(h)
    first = int(np.argmax(size >= 0.5 * size.max()))  # the crest of the first strong arrival
    while first + 1 < h.size and size[first + 1] > size[first]:
        first += 1
    y = fftconvolve(x, h)[first : first + x.size]
    y = np.pad(y, (0, x.size - y.size))
    level = np.sqrt(np.mean(y**2))
    if level == 0:
        return np.zeros_like(x)
    return np.asarray(y * (np.sqrt(np.mean(np.square(x, dtype=np.float64))) / level)).astype(
        x.dtype
    )
