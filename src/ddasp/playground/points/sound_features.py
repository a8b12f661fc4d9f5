"""Features of sounds as columns with names and units, and the two to begin with.

The feature sets are those of a run (`ddasp.procedure.features`) whose columns have names that mean
something: levels, spectral descriptors, cepstral coefficients. Maps and trajectories are left out.

*Conventions*: tables by the name of their set, (n, d) each, float64, in the units of the columns.

*References*: Fisher 1936 (between- to within-class variance).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["ALL", "SETS", "column_names", "columns_of", "extracted", "suggested"]

Array = NDArray[np.float64]

SETS = ("levels", "descriptors", "mfcc")
ALL = "all"  # the three together
CORRELATED = 0.7  # columns that are more alike than this show the same thing twice


def _sets_of(key: str) -> tuple[str, ...]:
    from ddasp._check import one_of

    one_of(key, "featureSet", (ALL, *SETS))
    return SETS if key == ALL else (key,)


def _kept(key: str, name: str) -> NDArray[np.intp]:
    """Which columns of a set stand in a choice: of the MFCC, their means alone among all."""
    from ddasp.procedure.features import FEATURE_SETS

    names = FEATURE_SETS[name].names
    among_all = key == ALL and name == "mfcc"
    kept = [
        j for j, n in enumerate(names) if not among_all or (n[0] == "c" and n.endswith(", mean"))
    ]
    return np.array(kept, np.intp)


def column_names(key: str) -> tuple[str, ...]:
    """Names of the columns of a feature set, with units.

    Examples
    --------
    >>> column_names("levels")[:3]
    ('RMS / dBFS', 'peak / dBFS', 'crest factor / dB')
    """
    from ddasp.procedure.features import FEATURE_SETS

    found = []
    for name in _sets_of(key):
        about = FEATURE_SETS[name]
        for j in _kept(key, name):
            unit = about.units[j]
            unit = f"({unit})" if "/" in unit else unit
            found.append(about.names[j] if unit == "1" else f"{about.names[j]} / {unit}")
    return tuple(found)


def columns_of(tables: dict[str, Array], key: str) -> Array:
    """The columns of a feature set, (n, d), from the tables of `SETS`."""
    return np.hstack([tables[name][:, _kept(key, name)] for name in _sets_of(key)])


def extracted(signals: Sequence[Array], rate: int) -> dict[str, Array]:
    """Features of sounds by the names of `SETS`, (n, d) each, in float64."""
    from threadpoolctl import threadpool_limits

    from ddasp.procedure.features import extract

    with threadpool_limits(limits=1):  # matrices are so small that threads wait more than they work
        rows = [extract(signal, rate, SETS, variants=False) for signal in signals]
    return {name: np.stack([row[name][0] for row in rows]).astype(np.float64) for name in SETS}


def suggested(X: Array, y: NDArray, kind: str) -> tuple[int, ...]:
    """Two columns to begin with: the one that parts the classes best, and another that says more.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Of the training sounds alone.
    y : ndarray of shape (n,)
        Their codes or targets.
    kind : {"classification", "regression"}
        With targets, columns are ranked by the variance of y that they explain.

    Returns
    -------
    tuple of int
        Ascending.

    Notes
    -----
    Columns are ranked by the ratio of the variance between the classes' means to the mean variance
    within the classes. The second is the best of those whose correlation with the first is below
    0.7 in magnitude.

    Examples
    --------
    >>> y = np.array([0, 0, 1, 1])
    >>> first = y + np.array([0.0, 0.1, 0.0, 0.1])
    >>> X = np.column_stack([[0.0, 1.0, 1.0, 2.0], first, 2 * first])
    >>> suggested(X, y, "classification")
    (0, 1)
    """
    Z = X - X.mean(axis=0)
    scale = Z.std(axis=0)
    varies = scale > 1e-9 * np.maximum(np.abs(X).max(axis=0, initial=0.0), 1e-300)
    Z = np.divide(Z, scale, out=np.zeros_like(Z), where=varies)
    if kind == "regression":
        t = y - y.mean()
        within = 1 - np.square(Z.T @ t / max(len(t) * float(t.std()), 1e-300))
    else:
        means = np.stack([Z[y == k].mean(axis=0) for k in np.unique(y)])
        within = np.square(Z - means[np.searchsorted(np.unique(y), y)]).mean(axis=0)
    # the variance is 1: what lies between is what is not within
    ratio = np.where(varies, (1 - within) / np.maximum(within, 1e-12), -1.0)
    first = int(np.argmax(ratio))
    alike = np.abs(Z.T @ Z[:, first]) / len(Z)
    alike[first] = 2.0
    others = np.where((alike < CORRELATED) & varies, ratio, -2.0)
    second = int(np.argmax(others)) if (others > -2.0).any() else int(np.argmin(alike))
    return tuple(sorted((first, second)))
