"""Which detected event belongs to which true one.

Each detected event is a point, its beginning; each true one an interval, widened by a collar. A
point and an interval that holds it may be paired, each is used once, and as many pairs are made as
can be.

*Conventions*: times in s; both ends of an interval belong to it, up to what rounding may take.

*References*: Glover 1967, "Maximum matching in a convex bipartite graph".
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["inside", "pairs"]

NEAR = 1e-9  # s: what rounding may take

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def pairs(onsets: ArrayLike, start: ArrayLike, stop: ArrayLike, *, collar: float) -> IntArray:
    """Which true event each detected one of the same label belongs to.

    Parameters
    ----------
    onsets : array_like of shape (n_detected,)
        Where the detected events begin [s].
    start, stop : array_like of shape (n_true,)
        Of the true events [s]; they may overlap.
    collar : float
        How far before its start and after its stop an event may be detected to begin [s].

    Returns
    -------
    ndarray of shape (n_detected,)
        Index of the true event; -1 for a false alarm. As many pairs as can be.

    Notes
    -----
    Points and intervals make a convex bipartite graph: going through the points in order and taking,
    of the intervals that hold the point and are still free, the one that ends first gives a maximum
    matching (Glover 1967).

    Examples
    --------
    >>> pairs([1.1, 1.6, 5.0], [1.0, 4.9], [2.0, 5.5], collar=0.2)
    array([ 0, -1,  1])
    """
    t = np.asarray(onsets, dtype=np.float64)
    low = np.asarray(start, dtype=np.float64) - collar - NEAR
    high = np.asarray(stop, dtype=np.float64) + collar + NEAR
    found = np.full(len(t), -1, dtype=np.int64)
    asked = np.flatnonzero(inside(t, low, high))
    asked = asked[np.argsort(t[asked], kind="stable")]
    order = np.argsort(low, kind="stable")
    place = np.searchsorted(low[order], t[asked], "right") - 1
    alone = _alone(low[order], high[order])
    lonely = alone[place]  # points whose interval meets no other: it takes the first of them
    taken, first = np.unique(place[lonely], return_index=True)
    found[asked[lonely][first]] = order[taken]
    rest = asked[~lonely]
    found[rest] = _earliest_end(t[rest], low, high, order[~alone])
    return found


def _alone(low: FloatArray, high: FloatArray) -> NDArray[np.bool_]:
    """Whether each interval, sorted by its low end, meets no other."""
    ends = np.concatenate([[-np.inf], np.maximum.accumulate(high)[:-1]])[: len(low)]
    begins = np.concatenate([low[1:], [np.inf]])[: len(low)]
    return np.asarray((low > ends) & (high < begins))


def _earliest_end(t: FloatArray, low: FloatArray, high: FloatArray, order: IntArray) -> IntArray:
    """Glover's rule for points in order that each lie in some interval; ``order`` sorts by low."""
    begins, ends, queue = low.tolist(), high.tolist(), order.tolist()
    found = np.full(len(t), -1, dtype=np.int64)
    free: list[tuple[float, int]] = []
    upcoming = 0
    for j, at in enumerate(t.tolist()):
        while upcoming < len(queue) and begins[queue[upcoming]] <= at:
            heapq.heappush(free, (ends[queue[upcoming]], queue[upcoming]))
            upcoming += 1
        while free and free[0][0] < at:
            heapq.heappop(free)
        if free:
            found[j] = heapq.heappop(free)[1]
    return found


def inside(t: FloatArray, low: FloatArray, high: FloatArray) -> NDArray[np.bool_]:
    """Whether each point lies in any of the intervals, which may overlap.

    Parameters
    ----------
    t : ndarray of shape (n_points,)
        The points.
    low, high : ndarray of shape (n_intervals,)
        Ends of the intervals, which belong to them.

    Returns
    -------
    ndarray of shape (n_points,)

    Examples
    --------
    >>> inside(np.array([0.5, 1.0, 2.5]), np.array([1.0, 2.0]), np.array([1.5, 3.0]))
    array([False,  True,  True])
    """
    opened = np.searchsorted(np.sort(low), t, "right")
    return np.asarray(opened > np.searchsorted(np.sort(high), t, "left"))
