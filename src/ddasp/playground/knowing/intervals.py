"""How sure a number is: the interval of a share, and the band of a mean loss.

Points of one group, recordings of one speaker, resemble each other; it is the number of groups that says
how much is known. So shares in groups count as fewer observations, and a bootstrap draws whole groups.

*Conventions*: intervals are 95 % unless said otherwise. `ddasp.procedure.intervals` has the full set; here
stand the two that are quick enough to be drawn while a network trains.

*References*: E. B. Wilson, J. Am. Stat. Assoc. 22, 1927; E. L. Korn and B. I. Graubard, Survey
Methodology 24, 1998 (effective number of observations); C. A. Field and A. H. Welsh, J. R. Stat.
Soc. B 69, 2007 (resampling whole groups).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["band", "effective_number", "group_codes", "wilson"]

Floats = NDArray[np.float64]
Z95 = 1.959963984540054
INTRACLASS = 0.1  # correlation in a group that is assumed when all or none are right


def group_codes(groups: Sequence[str] | ArrayLike) -> NDArray[np.intp]:
    """Names of groups as integers 0 ... G-1, (n,): once for each data set, `measure` is then quick.

    Parameters
    ----------
    groups : sequence of str, or array_like of shape (n,)

    Examples
    --------
    >>> group_codes(["piano", "bell", "piano"])
    array([1, 0, 1])
    """
    return np.asarray(np.unique(np.asarray(groups), return_inverse=True)[1], np.intp)


def wilson(share: float, n: float) -> tuple[float, float]:
    """95 % interval of a share of n observations; n may be an effective number.

    Parameters
    ----------
    share : float
    n : float

    Notes
    -----
    The shares p with (share - p)² <= z² p (1 - p) / n, z = 1.96; unlike share +- z se it never
    leaves 0 to 1, and all right out of ten does not pass for certainty.

    Examples
    --------
    >>> [round(bound, 3) for bound in wilson(1.0, 10)]
    [0.722, 1.0]
    """
    if n <= 0:
        return 0.0, 1.0
    q = Z95 * Z95 / n
    middle = (share + q / 2) / (1 + q)
    half = Z95 / (1 + q) * math.sqrt(max(share * (1 - share), 0.0) / n + q / (4 * n))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def effective_number(right: ArrayLike, groups: ArrayLike) -> float:
    """Number of independent observations that a share in groups is worth.

    Parameters
    ----------
    right : array_like of shape (n,)
        1 for right, 0 for wrong.
    groups : array_like of shape (n,)
        Integers of `group_codes`.

    Notes
    -----
    p (1 - p) / the variance of p over groups. When all or none are right the groups show no spread;
    a correlation of 0.1 within them is assumed then.

    Examples
    --------
    >>> round(effective_number([1, 1, 0, 0], [0, 0, 1, 1]), 6)  # two groups, each of one mind
    1.0
    """
    right, groups = np.asarray(right, dtype=np.float64), np.asarray(groups)
    n, p = len(right), right.mean()
    n_groups = np.count_nonzero(np.bincount(groups))
    if p in (0.0, 1.0) or n_groups < 2:
        return float(n / (1 + INTRACLASS * (n / n_groups - 1)))
    sums = np.bincount(groups, right - p)
    variance = n_groups / (n_groups - 1) * float(sums @ sums) / n**2
    return float(min(max(p * (1 - p) / variance, 1.0), n)) if variance > 0 else float(n)


@functools.lru_cache(maxsize=8)
def _draws(n: int, n_boot: int, seed: int) -> Floats:
    """How often each of n units stands in each of n_boot resamples, (n_boot, n); kept."""
    rng = np.random.default_rng((seed, 11, n))
    counts = rng.multinomial(n, np.full(n, 1 / n), size=n_boot).astype(np.float64)
    counts.setflags(write=False)
    return counts


def band(
    losses: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    n_boot: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """Bootstrap interval of a mean loss: what other observations might have said of this model.

    Parameters
    ----------
    losses : array_like of shape (n,)
        Loss of each observation of a set.
    groups : array_like of shape (n,), optional
        Whole groups are drawn then: the recordings of one source stand or fall together.
    n_boot : int
        Resamples.
    seed : int
        The same resamples every time, so that the band moves with the model and not by chance.
    level : float
        Coverage.

    Returns
    -------
    low, high : float
        Percentiles; NaN without observations or with a loss that is not finite.

    Examples
    --------
    >>> low, high = band([0.0, 1.0] * 50)
    >>> low < 0.5 < high
    True
    """
    losses = np.asarray(losses, dtype=np.float64)
    if not len(losses) or not np.isfinite(losses).all():
        return math.nan, math.nan
    if groups is None:
        means = _draws(len(losses), n_boot, seed) @ losses / len(losses)
    else:
        codes = np.unique(np.asarray(groups), return_inverse=True)[1]
        sums, sizes = np.bincount(codes, losses), np.bincount(codes).astype(np.float64)
        counts = _draws(len(sums), n_boot, seed)
        means = (counts @ sums) / (counts @ sizes)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return low, high
