"""What the outputs are worth: accuracy, confusion, R², calibration, and how sure the test loss is.

*Conventions*: outputs (n, n_outputs) as the last layer gives them; y (n,) class codes 0 ... K-1, or
targets in regression; sets (n,) with 0 train, 1 validation, 2 test. Binary outputs of tanh lie in
-1 to 1 and are read as a probability of class 1 by p = (1 + ŷ) / 2. Confusion matrices are indexed
[true, decided]. Every number leaves as a Python float, what is not defined as None, so that the
result is JSON.

*References*: M. H. DeGroot and S. E. Fienberg, The Statistician 32, 1983 (reliability).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._errors import InputError
from ddasp.nonlinear.spec import ModelSpec
from ddasp.playground.knowing.intervals import band, effective_number, group_codes, wilson

__all__ = [
    "SETS",
    "activate",
    "band",
    "decided",
    "group_codes",
    "measure",
    "misclassified",
    "observation_losses",
    "probabilities",
    "wilson",
]

Floats = NDArray[np.float64]
SETS = ("train", "validation", "test")
BINS = 10
WORDS = {
    "tanh": "probability of class 1, (1 + ŷ) / 2 of the tanh output ŷ, against the share of class 1",
    "sigmoid": "probability of class 1, the sigmoid output, against the share of class 1",
    "softmax": "probability of the decided class against the share of right decisions",
}


def probabilities(outputs: ArrayLike, activation: str) -> Floats:
    """Probabilities of all classes, (n, K), from the outputs of the last layer.

    Parameters
    ----------
    outputs : array_like of shape (n, n_outputs)
    activation : str
        Of the last layer: "tanh" (p = (1 + ŷ) / 2), "sigmoid" or "softmax".

    Raises
    ------
    InputError
        When the last layer is none of these.

    Examples
    --------
    >>> probabilities([[0.5], [-1.0]], "tanh")
    array([[0.25, 0.75], [1. , 0. ]])
    """
    outputs = np.asarray(outputs, dtype=np.float64)
    if activation == "softmax":
        return outputs
    if activation not in WORDS:
        raise InputError(
            "E-ARGUMENT",
            f"activation is {activation!r}; expected tanh, sigmoid or softmax - is this regression?",
        )
    p = (1 + outputs[:, 0]) / 2 if activation == "tanh" else outputs[:, 0]
    both = np.empty((len(p), 2))
    np.subtract(1, p, out=both[:, 0])
    both[:, 1] = p
    return both


def decided(outputs: ArrayLike, activation: str) -> NDArray[np.intp]:
    """Class codes (n,) that the outputs decide for; at exactly one half class 1.

    Parameters
    ----------
    outputs : array_like of shape (n, n_outputs)
    activation : str

    Examples
    --------
    >>> decided([[-0.2], [0.0], [0.9]], "tanh")
    array([0, 1, 1])
    """
    outputs = np.asarray(outputs)
    if activation == "softmax":
        return np.asarray(outputs.argmax(axis=1), np.intp)
    return (outputs[:, 0] >= (0.0 if activation == "tanh" else 0.5)).astype(np.intp)


def measure(
    outputs: ArrayLike,
    y: ArrayLike,
    sets: ArrayLike,
    *,
    activation: str,
    n_classes: int,
    groups: ArrayLike | None = None,
) -> dict[str, Any]:
    """All measures of the three sets.

    Parameters
    ----------
    outputs : array_like of shape (n, n_outputs)
    y : array_like of shape (n,)
        Codes, or targets in regression.
    sets : array_like of shape (n,)
    activation : str
        Of the last layer.
    n_classes : int
        0 in regression.
    groups : array_like of shape (n,), optional
        Integers from `group_codes`: the interval of the accuracy then rests on as many independent
        observations as the spread between groups leaves.

    Returns
    -------
    dict
        ``accuracy`` {set: {value, low, high, n, right}}, ``confusion`` {set: rows true, columns
        decided}, ``calibration`` {set: {error, bins: [{low, high, n, probability, share,
        interval}]}} with the interval of the share, ``calibration_words``, ``r2`` {set: float},
        ``wrong_count`` {set: int}. An empty set has None, and so has what an empty bin lacks.

    Raises
    ------
    InputError
        When lengths differ.

    Notes
    -----
    The calibration error is sum over bins of n_b / n |share - probability|, ten equal bins. R² is
    1 - sum (y - ŷ)² / sum (y - mean of y in the set)².

    Examples
    --------
    >>> found = measure(
    ...     [[0.9], [-0.8], [0.1]], [1, 0, 0], [0, 0, 2], activation="tanh", n_classes=2
    ... )
    >>> found["accuracy"]["train"]["value"], found["confusion"]["test"]
    (1.0, [[0, 1], [0, 0]])
    """
    outputs = np.asarray(outputs, dtype=np.float64)
    y, sets = np.asarray(y), np.asarray(sets).astype(np.intp)
    if not len(outputs) == len(y) == len(sets):
        raise InputError(
            "E-ARGUMENT",
            f"outputs has {len(outputs)} rows, y {len(y)} and sets {len(sets)}; expected as many",
        )
    if not n_classes:
        return {"r2": _r2(outputs[:, 0], y, sets)}
    K = n_classes
    choice = decided(outputs, activation)
    together = (sets * K + y.astype(np.intp)) * K + choice
    confusion = np.bincount(together, minlength=3 * K * K).reshape(3, K, K)
    counts, rights = confusion.sum(axis=(1, 2)).tolist(), confusion.trace(axis1=1, axis2=2).tolist()
    accuracy: dict[str, Any] = {}
    for code, name in enumerate(SETS):
        n, right = counts[code], rights[code]
        if not n:
            accuracy[name] = None
            continue
        n_effective = float(n)
        if groups is not None:
            of_set = sets == code
            n_effective = effective_number(
                (choice == y)[of_set].astype(np.float64), np.asarray(groups)[of_set]
            )
        low, high = wilson(right / n, n_effective)
        accuracy[name] = {"value": right / n, "low": low, "high": high, "n": n, "right": right}
    return {
        "accuracy": accuracy,
        "confusion": {
            name: confusion[code].tolist() if counts[code] else None
            for code, name in enumerate(SETS)
        },
        "calibration": _calibration(probabilities(outputs, activation), y, sets, choice),
        "calibration_words": WORDS[activation],
        "wrong_count": {
            name: int(n - right) for name, n, right in zip(SETS, counts, rights, strict=True)
        },
    }


def _r2(predicted: Floats, y: NDArray, sets: NDArray[np.intp]) -> dict[str, float | None]:
    n = np.bincount(sets, minlength=3)
    mean = np.bincount(sets, y, 3) / np.maximum(n, 1)
    total = np.bincount(sets, (y - mean[sets]) ** 2, 3).tolist()
    left = np.bincount(sets, (y - predicted) ** 2, 3).tolist()
    return {
        name: 1 - left[code] / total[code]
        if total[code] > 0 and math.isfinite(left[code])
        else None
        for code, name in enumerate(SETS)
    }


def _calibration(
    p: Floats, y: NDArray, sets: NDArray[np.intp], choice: NDArray[np.intp]
) -> dict[str, Any]:
    if p.shape[1] == 2:
        said, came = p[:, 1], (y == 1).astype(np.float64)
    else:
        said, came = p[np.arange(len(p)), choice], (choice == y).astype(np.float64)
    place = sets * BINS + np.clip(said * BINS, 0, BINS - 1).astype(np.intp)
    n = np.bincount(place, minlength=3 * BINS).tolist()
    total_said = np.bincount(place, said, 3 * BINS).tolist()
    total_came = np.bincount(place, came, 3 * BINS).tolist()
    found: dict[str, Any] = {}
    for code, name in enumerate(SETS):
        all_of = sum(n[code * BINS : (code + 1) * BINS])
        if not all_of:
            found[name] = None
            continue
        bins, error = [], 0.0
        for k in range(BINS):
            at = code * BINS + k
            one: dict[str, Any] = {"low": k / BINS, "high": (k + 1) / BINS, "n": n[at]}
            one |= dict.fromkeys(("probability", "share", "interval"))
            if n[at]:
                error += abs(total_came[at] - total_said[at]) / all_of
                one["probability"] = total_said[at] / n[at]
                one["share"] = total_came[at] / n[at]
                one["interval"] = wilson(one["share"], n[at])
            bins.append(one)
        found[name] = {"error": error, "bins": bins}
    return found


def misclassified(
    outputs: ArrayLike,
    y: ArrayLike,
    sets: ArrayLike,
    *,
    activation: str,
    which: int | None = None,
    most: int = 500,
) -> list[dict[str, Any]]:
    """Wrong decisions, the surest first: these are the ones to listen to.

    Parameters
    ----------
    outputs : array_like of shape (n, n_outputs)
    y : array_like of shape (n,)
    sets : array_like of shape (n,)
    activation : str
    which : int, optional
        One set alone.
    most : int
        Length of the list.

    Returns
    -------
    list of dict
        ``index`` of the point, ``label`` and ``decided`` as codes, ``probability`` of the decided
        class, ``set``.

    Examples
    --------
    >>> misclassified([[0.2], [0.8]], [0, 0], [2, 2], activation="tanh")[0]["index"]
    1
    """
    p = probabilities(outputs, activation)
    y, sets, choice = np.asarray(y), np.asarray(sets), decided(outputs, activation)
    wrong = choice != y
    if which is not None:
        wrong &= sets == which
    rows = np.flatnonzero(wrong)
    sure = p[rows, choice[rows]]
    order = np.argsort(-sure, kind="stable")[:most]
    return [
        {
            "index": int(row),
            "label": int(y[row]),
            "decided": int(choice[row]),
            "probability": float(of),
            "set": int(sets[row]),
        }
        for row, of in zip(rows[order], sure[order], strict=True)
    ]


def observation_losses(spec: ModelSpec, z: ArrayLike, y: ArrayLike) -> Floats:
    """Loss of every observation without penalties, from the last layer's Z.

    Parameters
    ----------
    spec : ModelSpec
    z : array_like of shape (..., n, n_outputs)
        The logits.
    y : array_like of shape (n,) or (n, n_outputs)
        Codes for categorical cross-entropy, otherwise targets.

    Returns
    -------
    numpy.ndarray of shape (..., n)

    Examples
    --------
    >>> spec = ModelSpec((1, 1), ("linear",), "squared_error")
    >>> observation_losses(spec, [[3.0], [1.0]], [1.0, 1.0])
    array([2., 0.])
    """
    z = np.asarray(z, dtype=np.float64)
    y = np.asarray(y)
    if spec.loss == "categorical_cross_entropy":
        shifted = z - z.max(axis=-1, keepdims=True)
        total = np.log(np.exp(shifted).sum(axis=-1))
        return np.asarray(total - shifted[..., np.arange(len(y)), y])
    y = y.reshape(z.shape[-2:]).astype(np.float64)
    if spec.loss == "binary_cross_entropy":
        each = np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))
        return np.asarray(each.sum(axis=-1))
    return np.asarray(((activate(spec.activations[-1], z) - y) ** 2).sum(axis=-1) / 2)


def activate(name: str, z: ArrayLike) -> Floats:
    """Output f(z) of a layer.

    Parameters
    ----------
    name : str
        Of the activation.
    z : array_like of shape (..., n_units)

    Returns
    -------
    numpy.ndarray of shape (..., n_units)
    """
    z = np.asarray(z, dtype=np.float64)
    match name:
        case "softmax":
            e = np.exp(z - z.max(axis=-1, keepdims=True))
            return np.asarray(e / e.sum(axis=-1, keepdims=True))
        case "tanh":
            return np.asarray(np.tanh(z))
        case "sigmoid":
            return np.asarray(0.5 * (1 + np.tanh(0.5 * z)))
        case "relu":
            return np.asarray(np.maximum(z, 0))
    return z
