"""The compiled loop behind `log_mel_spectrogram`: window, FFT, power, mel bands, logarithm in one.

Sixteen frames go through it together, a frame in each lane (`_lanes`), and stay in the nearest
cache from their samples to their levels. What it computes is `mel.log_mel` of
`stft.power_spectra`, which is the text that explains it and the oracle that checks it.

A real transform of N samples is a complex one of half the length, of z[n] = x[2n] + i x[2n+1]:
with Z its spectrum, * the conjugate and k = 0 ... N/2,

    2 X[k] = Z[k] + Z*[N/2 - k] - i exp(-2 pi i k / N) (Z[k] - Z*[N/2 - k]).

That one is made in place by decimation in frequency: a transform of length s becomes four of
length q = s/4, of y_r[j] = exp(-2 pi i j r / s) sum_m (-i)^(m r) z[j + m q], r = 0 ... 3, which
give the bins k = r, r + 4, r + 8, ... Bins end in the order of their reversed digits; nobody puts
them back, `places` knows where they are. A filter of the bank is multiplied only where it is not
zero.

*Conventions*: row i of the buffers ``z`` and ``P`` are the 16 numbers from 16 i on. Bin k of z
has its real part in row 2 k, its imaginary part in row 2 k + 1. Indices are unsigned; nothing is
checked here, `mel_spectrogram` has done that.

*References*: Cooley and Tukey 1965; Gentleman and Sande 1966 (decimation in frequency); Oppenheim
and Schafer 2010, *Discrete-Time Signal Processing*, ch. 9.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp._lanes import LANES, compiled, load, small, source_number, store
from ddasp.audio import lanes
from ddasp.audio.lanes import log2, not_below, transpose

__all__ = ["places", "run", "triangles", "turns", "twiddles"]

U = np.uintp
ZERO, ONE, TWO, FOUR, WIDTH, PAIR = map(U, (0, 1, 2, 4, LANES, 2 * LANES))
NEAR = 2**15  # bytes of the nearest cache that a transform of 16 frames may take
DB_PER_OCTAVE = 10.0 * math.log10(2.0)  # 10 log10 p = that times log2 p


def twiddles(n: int) -> NDArray[np.float64]:
    """Factors of the complex transform of length n in the order in which it needs them.

    Returns
    -------
    ndarray of shape (n_factors,)
        Real and imaginary part of exp(-2 pi i j r / s), r = 1, 2, 3, for each j and each length s.
    """
    found, span = [np.zeros(0)], n
    while span >= 4:
        angle = -2.0 * np.pi / span * np.outer(np.arange(span // 4), [1, 2, 3])
        found.append(np.stack([np.cos(angle), np.sin(angle)], axis=-1).ravel())
        span //= 4
    return np.concatenate(found)


def places(n: int) -> NDArray[np.uintp]:
    """Where bin k of the complex transform of length n is found, k = 0 ... n - 1.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> places(8)
    array([0, 2, 4, 6, 1, 3, 5, 7], dtype=uint64)
    """
    radix, k = (4 if n >= 4 else max(n, 1)), np.arange(n)
    inner = places(n // radix) if n >= 4 else np.zeros(1, U)
    found = k % radix * (n // radix) + inner[k // radix]
    return np.asarray(found, dtype=U)


def turns(n: int) -> NDArray[np.float64]:
    """Real and imaginary parts of exp(-pi i k / n), k = 0 ... n - 1, shape (2 n,)."""
    angle = -np.pi / n * np.arange(n)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1).ravel()


def triangles(W: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.uintp]]:
    """A filter bank without its zeros.

    Parameters
    ----------
    W : ndarray of shape (n_mels, n_bins)
        From `mel.filter_bank`.

    Returns
    -------
    weights : ndarray of shape (n_weights,)
        From the first to the last weight of each band that is not zero, one band after another.
    borders : ndarray of shape (2 n_mels,)
        The first bin of each band, and the one behind its last.

    Examples
    --------
    >>> triangles(np.array([[0.0, 1.0, 0.5], [0.0, 0.0, 2.0]]))
    (array([1. , 0.5, 2. ]), array([1, 3, 2, 3], dtype=uint64))
    """
    weights, borders = [np.zeros(0)], []
    for row in W:
        inside = np.flatnonzero(row)
        first, behind = (inside[0], inside[-1] + 1) if len(inside) else (0, 0)
        weights.append(row[first:behind])
        borders += [first, behind]
    return np.concatenate(weights), np.array(borders, dtype=U)


@small
def _butterfly(z, i0, step, factors, t):
    """Four bins in the distance `step` become one of each of the four shorter transforms."""
    i1, i2, i3 = i0 + step, i0 + step + step, i0 + step + step + step
    r0, s0, r1, s1 = load(z, i0), load(z, i0 + WIDTH), load(z, i1), load(z, i1 + WIDTH)
    r2, s2, r3, s3 = load(z, i2), load(z, i2 + WIDTH), load(z, i3), load(z, i3 + WIDTH)
    ar, ai, br, bi = r0 + r2, s0 + s2, r0 - r2, s0 - s2
    cr, ci, dr, di = r1 + r3, s1 + s3, r1 - r3, s1 - s3
    store(z, i0, ar + cr)
    store(z, i0 + WIDTH, ai + ci)
    _turn(z, i1, br + di, bi - dr, factors, t)  # b - i d
    _turn(z, i2, ar - cr, ai - ci, factors, t + TWO)
    _turn(z, i3, br - di, bi + dr, factors, t + FOUR)  # b + i d


@small
def _turn(z, i, r, s, factors, t):
    """Write the complex number r + i s times a factor."""
    c, d = factors[t], factors[t + ONE]
    store(z, i, r * c - s * d)
    store(z, i + WIDTH, r * d + s * c)


@small
def _stage(z, first, n, span, factors, t):
    """The transforms of length `span` in bins first ... first + n - 1 become four shorter ones each."""
    quarter = span // FOUR
    for j in range(quarter):
        for start in range(first + j, first + n, span):
            _butterfly(z, start * PAIR, quarter * PAIR, factors, t)
        t += FOUR + TWO
    return t


@small
def _transform(z, n, factors):
    """The complex transform of length n, in place, bins in the order of `places`.

    Once a transform fits into the nearest cache, it is finished before the next one is begun.
    """
    span, t = n, ZERO
    while span * PAIR * U(z.itemsize) > U(NEAR):
        t = _stage(z, ZERO, n, span, factors, t)
        span //= FOUR
    for first in range(ZERO, n, span):
        inner, t_inner = span, t
        while inner >= FOUR:
            t_inner = _stage(z, first, span, inner, factors, t_inner)
            inner //= FOUR
        if inner == TWO:
            _pairs(z, first * PAIR, (first + span) * PAIR)


@small
def _pairs(z, start, stop):
    """The last transforms, of length 2, where n is no power of 4."""
    for i in range(start, stop, PAIR + PAIR):
        r0, s0 = load(z, i), load(z, i + WIDTH)
        r1, s1 = load(z, i + PAIR), load(z, i + PAIR + WIDTH)
        store(z, i, r0 + r1)
        store(z, i + WIDTH, s0 + s1)
        store(z, i + PAIR, r0 - r1)
        store(z, i + PAIR + WIDTH, s0 - s1)


@small
def _powers(z, n, place, turn, P):
    """|X[k]|^2 and |X[n - k]|^2 from Z[k] and Z[n - k], n = N/2."""
    r, s = load(z, ZERO), load(z, WIDTH)
    store(P, ZERO, (r + s) * (r + s))
    store(P, n * WIDTH, (r - s) * (r - s))
    for k in range(ONE, n // TWO + ONE):
        i, j = place[k] * PAIR, place[n - k] * PAIR
        ar, ai, br, bi = load(z, i), load(z, i + WIDTH), load(z, j), load(z, j + WIDTH)
        er, ei, dr, di = ar + br, ai - bi, ar - br, ai + bi
        c, s_ = turn[TWO * k], turn[TWO * k + ONE]
        pr, pi = dr * s_ + di * c, di * s_ - dr * c  # -i exp(-2 pi i k / N) d
        xr, xi, yr, yi = er + pr, ei + pi, er - pr, ei - pi
        store(P, k * WIDTH, (xr * xr + xi * xi) * 0.25)
        store(P, (n - k) * WIDTH, (yr * yr + yi * yi) * 0.25)


@small
def _levels(P, weights, borders, floor, levels):
    """Binary logarithms of the powers in the bands; a band's level is one row."""
    w = ZERO
    for band in range(U(borders.size) // TWO):
        total = load(P, ZERO) * 0.0
        for k in range(borders[TWO * band], borders[TWO * band + ONE]):
            total = total + load(P, k * WIDTH) * weights[w]
            w += ONE
        store(levels, band * WIDTH, log2(not_below(total, floor)))


def _loop(version: int) -> Any:
    def run(x, hop, window, n, tables, floor, out):
        """Levels of frames 0 ... of x; `out` has a multiple of 16 rows, `window` of 16 samples.

        x has 16 rows' worth of whole windows behind each start; tables are factors, place, turn,
        weights, borders.
        """
        factors, place, turn, weights, borders = tables
        length, n_mels = U(window.size), U(out.shape[1])
        z = np.zeros((n * PAIR + U(version * 0),), x.dtype)
        P = np.empty(n * WIDTH + WIDTH, x.dtype)
        levels = np.zeros((n_mels + WIDTH) * WIDTH, x.dtype)
        scale = np.full(LANES, x.dtype.type(DB_PER_OCTAVE))
        flat, whole = out.reshape(-1), n_mels // WIDTH * WIDTH
        for frame in range(ZERO, U(out.shape[0]), WIDTH):
            for i in range(ZERO, length, WIDTH):
                transpose(x, frame * hop + i, hop, load(window, i), z, i * WIDTH, WIDTH)
            for i in range(length * WIDTH, n * PAIR, WIDTH):
                store(z, i, load(scale, ZERO) * 0.0)
            _transform(z, n, factors)
            _powers(z, n, place, turn, P)
            _levels(P, weights, borders, floor, levels)
            for band in range(ZERO, whole, WIDTH):
                start = frame * n_mels + band
                transpose(levels, band * WIDTH, WIDTH, load(scale, ZERO), flat, start, n_mels)
            for band in range(whole, n_mels):
                for k in range(WIDTH):
                    out[frame + k, band] = levels[band * WIDTH + k] * scale[k]

    return compiled(run)


run = _loop(source_number(lanes))
