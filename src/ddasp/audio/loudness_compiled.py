# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
"""The compiled loops of the loudness meter: energies of segments, and peaks between samples.

What they compute is what `loudness_energies.segment_energies` and `true_peak.largest_between` do in
NumPy and SciPy; those are the texts that explain them and the oracles that check them.

**Energies.** A recursive filter waits for its own output, sample after sample. Sixteen segments of
the same length L, one in each lane (`_lanes`), do not wait for each other, once it is known in
which state the filter enters each. With s' = A s + B x for the filter's four numbers s, L samples
later

    s_end = A^L s_begin + q,    q = sum_n A^(L-1-n) B x[n],

and q is four sums of products without any waiting. So a first pass finds q of all sixteen, a short
chain of products with A^L puts the right state at the beginning of each, and a second pass filters
and squares. This is exact up to rounding: nothing is cut off. Segments of other lengths, and those
left over, go through the filter one sample at a time.

**Peaks.** Between two samples the interpolator can't give more than (largest sample near by) times
(largest sum of its taps' magnitudes), which is 2.2. Where that is not above the largest value so
far, nothing is computed. The rest is a product of each tap with sixteen samples at once.

*Conventions*: a signal is flat, sample n of channel c at ``n * C + c``; states are flat with the
same order of channels, number k of channel c at ``k * C + c``. Indices are unsigned; nothing is
checked here, the callers have done that.

*References*: those of `loudness_energies`, `true_peak` and `lanes`; C. W. Barnes and S. Shinnaka,
"Block-shift invariance and block implementation of discrete-time filters", 1980.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from ddasp._lanes import LANES, Lanes, call, compiled, load, small, source_number, store
from ddasp.audio import lanes, true_peak
from ddasp.audio.lanes import transpose

__all__ = ["block_tables", "energies", "largest_between"]

U = np.uintp
ZERO, ONE, WIDTH = U(0), U(1), U(LANES)
FLUSH = 1e-100  # a filter that rings out in silence: before its numbers get denormal, and slow
N_TAPS = U(true_peak.N_TAPS)
TOGETHER = U(4 * LANES)  # at least so many are skipped or computed together


def block_tables(
    A: NDArray[np.float64], B: NDArray[np.float64], length: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What `energies` needs for segments of one length: A^(L-1-n) B for all n, and A^L.

    Parameters
    ----------
    A, B : ndarray of shape (4, 4), of shape (4,)
        The filter's state after a sample x is A s + B x.
    length : int
        L, samples.

    Returns
    -------
    gains : ndarray of shape (length * 4,)
        Rows A^(L-1-n) B, n = 0 ... L-1, one after the other.
    jump : ndarray of shape (16,)
        A^L, row after row.
    """
    gains, column = np.empty((length, 4)), B
    for n in reversed(range(length)):
        gains[n] = column
        column = A @ column
    return gains.ravel(), np.linalg.matrix_power(A, length).ravel()


@intrinsic
def _wide(typing: Any, x: Any) -> Any:
    """The same numbers as float64."""
    double = Lanes(types.float64)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        vector = context.get_value_type(double)
        return values[0] if x.dtype == types.float64 else builder.fpext(values[0], vector)

    return double(x), code


@intrinsic
def _larger(typing: Any, x: Any, y: Any) -> Any:
    """In each lane x or |y|, whichever is larger; float32."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        magnitude = call(builder, "fabs", values[1].type, values[1:])
        more = builder.fcmp_ordered(">", values[0], magnitude)
        return builder.select(more, values[0], magnitude)

    return x(x, y), code


@intrinsic
def _largest(typing: Any, x: Any) -> Any:
    """The largest of all lanes; float32."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        element = values[0].type.element
        return call(builder, "vector.reduce.fmax", element, values, fastmath=("nnan",))

    return x.dtype(x), code


@njit(error_model="numpy", fastmath={"contract"}, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def _one_segment(x, start, stop, c, C, f, state):
    """Energy of channel c from frame `start` to `stop`, one sample after the other."""
    b0, b1, b2, a1, a2, c1, c2 = f
    p1, p2, p3, p4 = state[c], state[C + c], state[C + C + c], state[C + C + C + c]
    e = 0.0
    for n in range(start * C + c, stop * C + c, C):
        v = np.float64(x[n])
        u = b0 * v + p1  # transposed direct form II, the shelf
        p1 = (b1 * v + p2) - a1 * u
        p2 = b2 * v - a2 * u
        y = u + p3  # and the high-pass
        p3 = (p4 - 2.0 * u) - c1 * y
        p4 = u - c2 * y
        e += y * y
    if abs(p1) + abs(p2) + abs(p3) + abs(p4) < FLUSH:
        p1 = p2 = p3 = p4 = 0.0
    state[c], state[C + c], state[C + C + c], state[C + C + C + c] = p1, p2, p3, p4
    return e


@small
def _begin(rows, L, c, C, gains, jump, state, s):
    """The states in which the filter enters sixteen segments, to `s`; after them, to `state`."""
    q1 = _wide(load(rows, ZERO)) * 0.0
    q2, q3, q4 = q1, q1, q1
    for n in range(L):
        v = _wide(load(rows, (n * C + c) * WIDTH))
        g = n * U(4)
        q1 = q1 + v * gains[g]
        q2 = q2 + v * gains[g + ONE]
        q3 = q3 + v * gains[g + U(2)]
        q4 = q4 + v * gains[g + U(3)]
    store(s, ZERO, q1)
    store(s, WIDTH, q2)
    store(s, U(2) * WIDTH, q3)
    store(s, U(3) * WIDTH, q4)
    p1, p2, p3, p4 = state[c], state[C + c], state[C + C + c], state[C + C + C + c]
    for lane in range(WIDTH):
        i, j, k, m = lane, lane + WIDTH, lane + U(2) * WIDTH, lane + U(3) * WIDTH
        r1 = s[i] + jump[0] * p1 + jump[1] * p2 + jump[2] * p3 + jump[3] * p4
        r2 = s[j] + jump[4] * p1 + jump[5] * p2 + jump[6] * p3 + jump[7] * p4
        r3 = s[k] + jump[8] * p1 + jump[9] * p2 + jump[10] * p3 + jump[11] * p4
        r4 = s[m] + jump[12] * p1 + jump[13] * p2 + jump[14] * p3 + jump[15] * p4
        s[i], s[j], s[k], s[m] = p1, p2, p3, p4
        p1, p2, p3, p4 = r1, r2, r3, r4
        if abs(p1) + abs(p2) + abs(p3) + abs(p4) < FLUSH:
            p1 = p2 = p3 = p4 = 0.0
    state[c], state[C + c], state[C + C + c], state[C + C + C + c] = p1, p2, p3, p4


@small
def _sixteen_segments(rows, L, c, C, f, s):
    """Energies of channel c in sixteen segments; the text is that of `_one_segment`."""
    b0, b1, b2, a1, a2, c1, c2 = f
    p1, p2 = load(s, ZERO), load(s, WIDTH)
    p3, p4 = load(s, U(2) * WIDTH), load(s, U(3) * WIDTH)
    e = p1 * 0.0
    for n in range(L):
        v = _wide(load(rows, (n * C + c) * WIDTH))
        u = v * b0 + p1
        p1 = (v * b1 + p2) - u * a1
        p2 = v * b2 - u * a2
        y = u + p3
        p3 = (p4 - u * 2.0) - y * c1
        p4 = u - y * c2
        e = e + y * y
    return e


@small
def _side_by_side(x, start, L, C, rows, ones):
    """Row i of `rows`: number i of sixteen segments, the first of which begins at `start`."""
    size = L * C
    for i in range(ZERO, size, WIDTH):
        j = min(i, size - WIDTH)  # the last ones overlap
        transpose(x, start + j, size, load(ones, ZERO), rows, j * WIDTH, WIDTH)


@small
def _magnitudes(x, start, n):
    """The largest of each sixteenth of n samples; n is 16 or more."""
    m = load(x, start) * np.float32(0.0)
    for i in range(start, start + n - WIDTH, WIDTH):
        m = _larger(m, load(x, i))
    return _larger(m, load(x, start + n - WIDTH))


@small
def _between(x, i, C, taps, m):
    """Of m and the three places between sample i and the next one the largest, for sixteen i."""
    y1 = m * np.float32(0.0)
    y2, y3 = y1, y1
    for k in range(N_TAPS):
        v = load(x, i + k * C)
        y1 = y1 + v * taps[k]
        y2 = y2 + v * taps[N_TAPS + k]
        y3 = y3 + v * taps[N_TAPS + N_TAPS + k]
    return _larger(_larger(_larger(m, y1), y2), y3)


@small
def _same(cuts, k, L):
    """Whether sixteen segments from number k on have the length L."""
    n = 0
    for i in range(k, min(k + LANES, cuts.size - 1)):
        n += cuts[i + 1] - cuts[i] == L
    return n == LANES


def _loops(version: int) -> tuple[Any, Any]:
    """The two loops that Python calls; the texts of `_lanes` and `lanes` belong to its key."""

    def energies(x, n_channels, f, weights, gains, jump, state, cuts, out):
        """Weighted energy between neighbouring cuts [frames], to `out`; `state` goes on."""
        C, L = U(n_channels), U(gains.size // 4 + version * 0)
        rows = np.empty(L * C * WIDTH, x.dtype)
        ones, s = np.ones(LANES, x.dtype), np.empty(4 * LANES)
        k, n = 0, cuts.size - 1
        while k < n:
            if L * C >= WIDTH and _same(cuts, k, L):
                _side_by_side(x, U(cuts[k]) * C, L, C, rows, ones)
                out[k : k + LANES] = 0.0
                for c in range(C):
                    _begin(rows, L, c, C, gains, jump, state, s)
                    store(
                        out,
                        U(k),
                        load(out, U(k)) + _sixteen_segments(rows, L, c, C, f, s) * weights[c],
                    )
                k += LANES
            else:
                e = 0.0
                for c in range(C):
                    e += weights[c] * _one_segment(x, U(cuts[k]), U(cuts[k + 1]), c, C, f, state)
                out[k] = e
                k += 1

    def largest_between(x, n_channels, taps, gain, largest):
        """The largest sample, and the larger of `largest` and what lies between; float32.

        taps are those of the three places between two samples; gain is the largest sum of
        magnitudes of one place. x holds 84 samples or more of each channel.
        """
        C = U(n_channels + version * 0)
        reach = (N_TAPS - ONE) * C
        size = max(TOGETHER, (reach + WIDTH - ONE) // WIDTH * WIDTH)
        n, sample = U(x.size) - reach, largest * np.float32(0.0)
        far = _magnitudes(x, ZERO, size)
        for start in range(ZERO, n, size):
            at: Any = min(start, n - size)  # the last ones overlap
            near = far if at == start else _magnitudes(x, at, size)
            far = _magnitudes(x, at + size, min(size, U(x.size) - at - size))
            m = _larger(near, far)  # all samples that the taps reach from here
            sample = max(sample, _largest(m))
            if _largest(m) * gain <= largest:
                continue
            for i in range(at, at + size, WIDTH):
                m = _between(x, i, C, taps, m)
            largest = max(largest, _largest(m))
        return sample, largest

    return compiled(energies), compiled(largest_between)


energies, largest_between = _loops(source_number(lanes))
