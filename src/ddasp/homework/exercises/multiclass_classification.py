"""Three exercises on softmax: its gradient by hand, its loss for any scores, other shares of the classes.

*Conventions*: observations are rows; y are codes 0 ... K - 1; the loss is the mean cross-entropy over
the observations, in natural logarithms. Gradients are checked against differences of the loss.

*References*: K. P. Murphy, "Probabilistic Machine Learning: An Introduction", 2022, ch. 10;
M. Saerens, P. Latinne and C. Decaestecker, Neural Computation 14, 2002 (other shares).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]
TYPED = 2e-3
NEAR = 1e-8


def _loss(scores: Array, y: Array) -> float:
    """Mean of log sum exp s - s_y."""
    return float(np.mean(logsumexp(scores, axis=1) - scores[np.arange(len(y)), y]))


# ------------------------------------------------------------------ 1: a gradient by hand

X = np.array([[1.0, 2.0], [1.0, 0.0], [1.0, -1.0], [1.0, 3.0]])
Y = np.array([0, 2, 1, 0])


def _by_hand(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("rows sum to zero", _balances),
            ("slopes of the loss", _has_slopes),
            ("downhill", _descends),
        ],
    )


def _matrix(answer: Any) -> Array:
    return np.asarray(answers.matrix(answer, "dL/dW", rows=2, columns=3))


def _balances(answer: Any) -> None:
    off = np.abs(_matrix(answer).sum(axis=1))
    if not off.max() <= 2 * TYPED:
        raise NotYet(
            f"a row of your gradient sums to {off.max():.4g}; expected 0, since a constant added to all "
            "scores of an observation changes nothing"
        )


def _slopes() -> Array:
    """dL/dW at W = 0 by central differences."""
    g, h = np.zeros((2, 3)), 1e-5
    for j, k in np.ndindex(2, 3):
        step = np.zeros((2, 3))
        step[j, k] = h
        g[j, k] = (_loss(X @ step, Y) - _loss(-X @ step, Y)) / (2 * h)
    return g


def _has_slopes(answer: Any) -> None:
    G, g = _matrix(answer), _slopes()
    if np.abs(G - g).max() <= TYPED:
        return
    cause = ""
    if np.abs(G - 4 * g).max() <= 4 * TYPED:
        cause = " - it is 4 times that: a sum in place of the mean?"
    elif np.abs(G + g).max() <= TYPED:
        cause = " - it has the other sign: truth minus belief?"
    j, k = np.unravel_index(int(np.abs(G - g).argmax()), (2, 3))
    raise NotYet(
        f"your entry in row {j + 1}, column {k + 1} is {G[j, k]:.4g}, but the loss does not change at that "
        f"rate when this weight moves{cause}"
    )


def _descends(answer: Any) -> None:
    G = _matrix(answer)
    after, before = _loss(X @ (-0.05 * G), Y), np.log(3.0)
    if not after < before:
        raise NotYet(
            f"a step of −0.05 times your gradient takes the loss from {before:.4g} to {after:.4g}; "
            "expected less"
        )


# ------------------------------------------------------------------ 2: the loss for any scores


def _any_scores(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("loss", _is_cross_entropy),
            ("gradient", _is_gradient),
            ("mean over observations", _is_mean),
            ("large scores", _stands),
        ],
    )


FORM = "loss_and_gradient(scores, y)"


def _both(answer: Any, scores: Array, y: Array) -> tuple[float, Array]:
    value = called(function(answer, FORM), scores, y)
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise NotYet(f"{FORM} gives {answers.shown(value)}; expected two things, (loss, gradient)")
    loss = float(array(value[0], f"the loss of {FORM}", ()))
    return loss, array(value[1], f"the gradient of {FORM}", scores.shape)


def _drawn(n: int, n_classes: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(n)
    return 2.0 * rng.standard_normal((n, n_classes)), rng.integers(0, n_classes, n)


def _is_cross_entropy(answer: Any) -> None:
    for n_classes in (2, 3, 7):
        loss, _ = _both(answer, np.zeros((1, n_classes)), np.array([1]))
        if abs(loss - np.log(n_classes)) > NEAR:
            cause = " - in bits?" if abs(loss - np.log2(n_classes)) < NEAR else ""
            raise NotYet(
                f"equal scores for {n_classes} classes: the loss is {loss:.4g}; expected that of an even "
                f"guess, ln {n_classes}{cause}"
            )
    scores, y = _drawn(1, 4)
    loss, _ = _both(answer, scores, y)
    belief = np.exp(scores[0, y[0]]) / np.exp(scores[0]).sum()
    if abs(loss + np.log(belief)) > NEAR:
        raise NotYet(
            f"a belief of {belief:.3g} in the truth costs {loss:.4g}; expected minus its logarithm"
        )


def _is_gradient(answer: Any) -> None:
    for n, n_classes in ((1, 3), (5, 4)):
        scores, y = _drawn(n, n_classes)
        _, gradient = _both(answer, scores, y)
        for i, k in np.ndindex(*scores.shape):
            step = np.zeros(scores.shape)
            step[i, k] = 1e-5
            slope = (_loss(scores + step, y) - _loss(scores - step, y)) / 2e-5
            if abs(gradient[i, k] - slope) > 1e-6:
                n_times = abs(gradient[i, k] - n * slope) < 1e-5 and n > 1
                raise NotYet(
                    f"N = {n}: the gradient in row {i}, column {k} is {gradient[i, k]:.4g}, but the mean "
                    f"loss changes at the rate {slope:.4g} there{' - N times too much' if n_times else ''}"
                )


def _is_mean(answer: Any) -> None:
    scores, y = _drawn(6, 3)
    loss, _ = _both(answer, scores, y)
    twice, _ = _both(answer, np.vstack([scores, scores]), np.append(y, y))
    if abs(loss - twice) > NEAR:
        raise NotYet(
            f"each observation twice: the loss goes from {loss:.4g} to {twice:.4g}; a mean would stay"
        )


def _stands(answer: Any) -> None:
    scores, y = _drawn(5, 3)
    loss, gradient = _both(answer, scores, y)
    for shift in (1000.0, -1000.0):
        moved, gradient_moved = _both(answer, scores + shift, y)
        if abs(moved - loss) > 1e-6 or np.abs(gradient_moved - gradient).max() > 1e-6:
            raise NotYet(
                f"{shift:g} added to all scores changes the loss from {loss:.4g} to {moved:.4g}; it must "
                "change nothing"
            )
    far, _ = _both(answer, np.array([[0.0, 900.0, -900.0]]), np.array([2]))
    if abs(far - 1800.0) > 1e-6:
        raise NotYet(
            f"scores (0, 900, −900), the truth is the last: the loss is {far:.4g}; expected 1800 - is a "
            "probability of 0 formed before the logarithm is taken?"
        )


# ------------------------------------------------------------------ 3: other shares of the classes


def _shares(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("beliefs", _are_beliefs),
            ("same shares", _stay),
            ("Bayes' rule", _obey_bayes),
            ("there and back", _return),
        ],
    )


OLD, NEW = np.array([0.5, 0.3, 0.2]), np.array([0.05, 0.15, 0.8])


def _moved(answer: Any, p: Array, old: Array, new: Array) -> Array:
    return array(
        called(function(answer, "with_shares(p, old, new)"), p, old, new), "the result", p.shape
    )


def _beliefs(shares: Array, n: int = 30) -> Array:
    """Of three bells with known densities: p(k | x) = share_k density_k(x) / sum, exactly."""
    x = np.linspace(-3.0, 3.0, n)[:, np.newaxis]
    joint = shares * np.exp(-((x - np.array([-1.0, 0.0, 1.5])) ** 2) / 2)
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))


def _are_beliefs(answer: Any) -> None:
    found = _moved(answer, _beliefs(OLD), OLD, NEW)
    off = np.abs(found.sum(axis=1) - 1.0).max()
    if not (off <= NEAR and found.min() >= 0.0):
        raise NotYet(
            f"the results of a row sum to up to {off:.3g} off 1, the smallest is {found.min():.3g}; "
            "expected beliefs, none negative and one in sum"
        )


def _stay(answer: Any) -> None:
    p = _beliefs(OLD)
    for shares in (OLD, np.full(3, 1 / 3)):
        off = np.abs(_moved(answer, p, shares, shares) - p).max()
        if off > NEAR:
            raise NotYet(f"new shares equal to the old ones change the beliefs by {off:.3g}")


def _obey_bayes(answer: Any) -> None:
    for old, new in ((np.full(3, 1 / 3), NEW), (OLD, NEW), (NEW, np.full(3, 1 / 3))):
        found, wanted = _moved(answer, _beliefs(old), old, new), _beliefs(new)
        off = np.abs(found - wanted).max()
        if off > NEAR:
            cause = ""
            if np.abs(found - _beliefs(old * old / new / (old * old / new).sum())).max() < NEAR:
                cause = " - old and new exchanged?"
            raise NotYet(
                f"three bells with known densities, shares {_told(old)} and then {_told(new)}: the beliefs "
                f"differ from those of Bayes' rule by up to {off:.3g}{cause}"
            )


def _told(shares: Array) -> str:
    return "(" + ", ".join(f"{share:.2g}" for share in shares) + ")"


def _return(answer: Any) -> None:
    p = _beliefs(OLD)
    off = np.abs(_moved(answer, _moved(answer, p, OLD, NEW), NEW, OLD) - p).max()
    if off > 1e-6:
        raise NotYet(f"from old shares to new ones and back changes the beliefs by {off:.3g}")


EXERCISES = (
    Exercise(
        "multiclass_classification.1",
        """Four observations with an intercept and one feature, X = [[1, 2], [1, 0], [1, −1], [1,
3]], of classes y = (0, 2, 1, 0), K = 3. All weights are 0, W (2, 3). By hand: the gradient dL/dW of
the mean cross-entropy, as a list of two rows; fractions, or four digits.""",
        _by_hand,
        (
            "What are all beliefs when all scores are 0? Write P − T, four rows of three.",
            "Xᵀ(P − T), and what the mean asks for. The first row of the result counts observations; "
            "compare it with the shares of the classes.",
        ),
    ),
    Exercise(
        "multiclass_classification.2",
        """Write `loss_and_gradient(scores, y)`: for scores (N, K) and codes y (N,) the mean
cross-entropy of the softmax, a number, and its gradient by the scores, shape (N, K). Scores may be
as large as ±1000.""",
        _any_scores,
        (
            "Which constant can you add to the scores of an observation without changing anything?",
            "The loss is the logarithm of a sum minus one score: no probability needs to be formed for "
            "it, and so none can be rounded to 0. For a mean of N, each score has an N-th part in it.",
        ),
    ),
    Exercise(
        "multiclass_classification.3",
        """A model gives beliefs p (N, K). In its training data the classes had the shares `old`
(K,), where it is used they have the shares `new`; sounds of one class are alike in both. Predict:
by which constants would you change the biases of a softmax? Then write `with_shares(p, old, new)`,
the beliefs (N, K) that are right for the new shares.""",
        _shares,
        (
            "Bayes: p(k | x) is proportional to p(x | k) times the share of k. Which factor is the same "
            "in both places?",
            "Divide out what belonged to the training, multiply by what belongs to the use, and make the "
            "sum one again.",
        ),
    ),
)
