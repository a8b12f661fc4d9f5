"""Three exercises on principal components: by hand, the function, data made for what units do.

*Conventions*: those of `ddasp.linear.pca`: X (n_observations, n_features), components are rows of
length 1 in descending order of variance, variances are divided by n - 1; the sign of a component is free.

*References*: I. T. Jolliffe, "Principal Component Analysis", 2nd ed. 2002; G. Strang, "Linear Algebra
and Learning from Data", 2019, I.9.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]
TYPED = 1e-3

# ------------------------------------------------------------------ 1: by hand

POINTS = ((6, 4), (2, 0), (5, 0), (3, 4), (4, 2))


def _by_hand(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("direction", _is_eigenvector),
            ("most, not least", _is_first),
            ("variance", _has_variance),
            ("share", _has_share),
        ],
    )


def _covariance() -> Array:
    return np.asarray(np.cov(np.array(POINTS).T))


def _parts(answer: Any) -> tuple[Array, float, float]:
    """Direction of length 1, variance, share."""
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        raise NotYet(
            f"the answer is {answers.shown(answer)}; expected three things, ([v1, v2], variance, share)"
        )
    v = np.asarray(answers.vector(answer[0], "the direction", length=2))
    if not np.abs(v).max() > 1e-9:
        raise NotYet("the direction is zero; a direction has a length")
    v = v / np.abs(v).max()
    return (
        v / np.linalg.norm(v),
        answers.number(answer[1], "variance"),
        answers.number(answer[2], "share"),
    )


def _is_eigenvector(answer: Any) -> None:
    v, _, _ = _parts(answer)
    C = _covariance()
    across = np.array([-v[1], v[0]])
    off = float(across @ C @ v)
    if abs(off) > 2 * TYPED * np.abs(C).max():
        raise NotYet(
            f"the scores along v and across it have the covariance {off:.4g}; of principal components "
            "it is 0 - were the means taken off?"
        )


def _is_first(answer: Any) -> None:
    v, _, _ = _parts(answer)
    C = _covariance()
    along, across = float(v @ C @ v), float(np.trace(C) - v @ C @ v)
    if along < across:
        raise NotYet(
            f"the points vary more across your direction than along it, {across:.4g} to {along:.4g}"
        )


def _has_variance(answer: Any) -> None:
    v, variance, _ = _parts(answer)
    C, n = _covariance(), len(POINTS)
    right = float(v @ C @ v)
    if abs(variance - right) > TYPED * right:
        causes = {
            right * (n - 1) / n: "was it divided by n",
            right * (n - 1): "is it the sum of squares",
            right**0.5: "is it the standard deviation",
        }
        near = [says for wrong, says in causes.items() if abs(variance - wrong) < TYPED * wrong]
        raise NotYet(
            f"the scores along your direction don't have the variance {variance:.4g}, taken with n − 1"
            f"{f' - {near[0]}?' if near else ''}"
        )


def _has_share(answer: Any) -> None:
    v, _, share = _parts(answer)
    C = _covariance()
    right = float(v @ C @ v / np.trace(C))
    if abs(share - right) > TYPED:
        cause = " - is it in per cent?" if abs(share - 100 * right) < 0.1 else ""
        raise NotYet(
            f"the variance along your direction over the sum of both variances is not {share:.4g}{cause}"
        )


# ------------------------------------------------------------------ 2: the function

COMPUTED = 1e-8


def _function(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("directions of length 1", _orthonormal),
            ("scores are coordinates", _projects),
            ("uncorrelated", _uncorrelated),
            ("nearest plane", _nearest),
            ("shifted data", _ignores_shift),
        ],
    )


def _tables() -> list[tuple[str, Array, int]]:
    rng = np.random.default_rng(77)
    return [
        (
            "30 observations, 4 features, k = 2",
            rng.normal(size=(30, 4)) @ rng.normal(size=(4, 4)) + 5,
            2,
        ),
        ("5 observations, 8 features, k = 3", rng.normal(size=(5, 8)) - 2, 3),
        ("12 observations, 3 features, k = 3", rng.normal(size=(12, 3)) * [100.0, 1.0, 0.01], 3),
    ]


def _both(answer: Any, X: Array, k: int, name: str) -> tuple[Array, Array]:
    """Scores (n, k) and components (k, n_features)."""
    value = called(function(answer, "pca_of(X, k)"), X, k)
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise NotYet(f"pca_of(X, k) gives {answers.shown(value)}; expected (scores, components)")
    return (
        array(value[0], f"{name}: scores", (len(X), k)),
        array(value[1], f"{name}: components", (k, X.shape[1])),
    )


def _orthonormal(answer: Any) -> None:
    for name, X, k in _tables():
        _, V = _both(answer, X, k, name)
        off = np.abs(V @ V.T - np.eye(k)).max()
        if off > COMPUTED:
            raise NotYet(
                f"{name}: the rows of the components are not orthonormal, by up to {off:.3g}"
            )


def _projects(answer: Any) -> None:
    for name, X, k in _tables():
        scores, V = _both(answer, X, k, name)
        off = scores - (X - X.mean(axis=0)) @ V.T
        if np.abs(off).max() > COMPUTED * np.abs(X).max():
            drift = np.allclose(off, off[0], atol=COMPUTED * np.abs(X).max())
            cause = "all by the same - was the mean left in?" if drift else "were they scaled?"
            raise NotYet(
                f"{name}: the scores are not the coordinates of the centred observations along the "
                f"components; {cause}"
            )


def _uncorrelated(answer: Any) -> None:
    for name, X, k in _tables():
        scores, _ = _both(answer, X, k, name)
        C = np.atleast_2d(np.cov(scores.T))
        off = np.abs(C - np.diag(np.diag(C))).max()
        if off > COMPUTED * np.abs(X).max() ** 2:
            raise NotYet(
                f"{name}: two columns of the scores have the covariance {off:.3g}; expected 0"
            )
        if np.any(np.diff(np.diag(C)) > COMPUTED * np.abs(X).max() ** 2):
            raise NotYet(
                f"{name}: the variances of the scores rise from left to right; largest first"
            )


def _nearest(answer: Any) -> None:
    for name, X, k in _tables():
        _, V = _both(answer, X, k, name)
        centred = X - X.mean(axis=0)
        left = float(np.sum((centred - centred @ V.T @ V) ** 2))
        least = float(np.sum(np.linalg.svd(centred, compute_uv=False)[k:] ** 2))
        if left - least > COMPUTED * float(np.sum(centred**2)):
            raise NotYet(
                f"{name}: the plane of your components leaves {left:.4g} of the squared distances, "
                f"another leaves {least:.4g}"
            )


def _ignores_shift(answer: Any) -> None:
    for name, X, k in _tables():
        scores, _ = _both(answer, X, k, name)
        moved, _ = _both(answer, X + 50.0, k, name)
        off = np.abs(np.abs(moved) - np.abs(scores)).max()
        if off > 1e-6 * (50 + np.abs(X).max()):
            raise NotYet(f"{name}: 50 added to every number changes the scores, by up to {off:.3g}")


# ------------------------------------------------------------------ 3: made for what units do

MOST_ROWS, STEEP, HIGH = 50, 5.0, 0.9


def _made(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("as it comes: along the second feature", _raw_is_upright),
            ("standardised: one against the other", _turns_against),
            ("standardised: share", _holds_most),
        ],
    )


def _table(answer: Any) -> Array:
    X = np.asarray(answers.matrix(answer, "the table", columns=2))
    if not 3 <= len(X) <= MOST_ROWS:
        raise NotYet(f"the table has {len(X)} rows; expected 3 to {MOST_ROWS}")
    X = X - X.mean(axis=0)
    deviation = X.std(axis=0)
    if not deviation.min() > 1e-6 * max(deviation.max(), 1e-300):
        raise NotYet("a column does not vary, so that it can't be standardised")
    return np.asarray(X / deviation.max())


def _raw_is_upright(answer: Any) -> None:
    X = _table(answer)
    _, _, Vt = np.linalg.svd(X, full_matrices=False)
    angle = float(np.degrees(np.arccos(min(abs(Vt[0, 1]), 1.0))))
    if angle > STEEP:
        raise NotYet(
            f"the first component of the table is {angle:.3g}° away from the second feature; expected "
            f"{STEEP:g}° at most"
        )


def _correlation(X: Array) -> float:
    return float(np.corrcoef(X.T)[0, 1])


def _turns_against(answer: Any) -> None:
    rho = _correlation(_table(answer))
    if rho >= -1e-6:
        raise NotYet(
            f"standardised, the first component is (1, 1)/√2, for the features have the correlation "
            f"{rho:.3g}; expected (1, −1)/√2"
        )


def _holds_most(answer: Any) -> None:
    share = (1 + abs(_correlation(_table(answer)))) / 2
    if share < HIGH:
        raise NotYet(
            f"standardised, the first component holds {100 * share:.3g} % of the variance; expected "
            f"{100 * HIGH:g} % or more"
        )
    if share > 1 - 1e-6:
        raise NotYet("the points lie on one line; expected a second component that holds something")


EXERCISES = (
    Exercise(
        "pca.1",
        f"""Five observations of two features: {", ".join(str(p) for p in POINTS)}. Find their first
principal component by hand: hand in `([v1, v2], variance, share)`, a direction of any length and sign,
the variance of the scores along it (with n − 1), and the share of the total variance, 0 to 1. Are your
two components where a look at the points would have put them?""",
        _by_hand,
        (
            "The covariance matrix first, and for it the means. Which feature varies more?",
            "Trace and determinant give both eigenvalues. For the direction put the larger one into "
            "(C − λI)v = 0 and read one row.",
        ),
    ),
    Exercise(
        "pca.2",
        """Write `pca_of(X, k)` with NumPy alone: `(scores, components)` of shape (n, k) and (k, F), for
X (n, F) tall or wide. Before you run it: does either change when every number of the table is raised
by 50?""",
        _function,
        (
            "One decomposition of the right matrix holds both; which of its factors is given by rows?",
            "Scores are what the centred observations have along the components: check yours with that "
            "product. An SVD gives its values in order, an eigenvalue routine in another.",
        ),
    ),
    Exercise(
        "pca.3",
        f"""Make a table of two features, 3 to {MOST_ROWS} rows, of which two people will say opposite
things. As it comes, its first component lies within {STEEP:g}° of the second feature alone. Standardised,
the first component sets one feature against the other, (1, −1)/√2, and holds {100 * HIGH:g} % or more
of the variance, but not all. Predict what you need, then try; hand in the list of rows.""",
        _made,
        (
            "Which number of the table decides the standardised picture, and which numbers the other?",
            "First make points that fall from left to right and nearly lie on a line. Then choose the unit "
            "of one of the features.",
        ),
    ),
)
