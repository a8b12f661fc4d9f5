"""Three exercises on honest splits: excerpts that count, scaling inside the fold, a neighbour.

*Conventions*: excerpts of one piece share a part of the variance, ρ; a standardised column has mean 0 and
standard deviation 1 (N in the denominator) on the training side, and a column that never varied becomes 0.

*References*: Kish 1965, "Survey Sampling" (design effect); Flexer 2007, "A closer look on artist filters
for musical genre classification"; Samuelson 1968, "How deviant can you be?".
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

# ------------------------------------------------------------------ 1: how many excerpts these are

PIECES, EXCERPTS, SHARE = 20, 9, 0.75


def _count(answer: Any) -> list[Finding]:
    return asked(answer, [("at most", _is_possible), ("same variance", _has_that_variance)])


def _number(answer: Any) -> float:
    n = answers.number(answer, "the number of excerpts")
    if n <= 0.0:
        raise NotYet(f"the number of excerpts is {n:g}; expected one above 0")
    return n


def _is_possible(answer: Any) -> None:
    n = _number(answer)
    if n > PIECES * EXCERPTS:
        raise NotYet(f"{n:g} is more than all the excerpts; what they share makes them weigh less")
    if n < PIECES:
        raise NotYet(
            f"{n:g} is less than the number of pieces; one excerpt of each would weigh more than all"
        )


def _has_that_variance(answer: Any) -> None:
    n = _number(answer)
    same = np.kron(np.eye(PIECES), np.ones((EXCERPTS, EXCERPTS)))
    C = SHARE * same + (1.0 - SHARE) * np.eye(PIECES * EXCERPTS)  # covariance, σ² = 1
    ratio = n * float(C.mean())  # var of the mean is 1ᵀ C 1 / N²
    if abs(ratio - 1.0) > 5e-3:
        raise NotYet(
            f"the mean over the excerpts has {ratio:.4g} times the variance of a mean over so many "
            f"independent ones{_cause(ratio)}"
        )


def _cause(ratio: float) -> str:
    """Where a wrong count usually comes from."""
    grown = 1.0 + (EXCERPTS - 1) * SHARE
    causes = {
        grown: "nothing shared",
        grown / (1.0 + EXCERPTS * SHARE): "an excerpt shares nothing with itself: J or J − 1",
        PIECES * grown / (PIECES * EXCERPTS): "as if only the pieces counted, ρ = 1",
        grown
        / (
            1.0 + (EXCERPTS - 1) * SHARE**2
        ): "ρ is a share of the variance, not a ratio of deviations",
    }
    near = [words for value, words in causes.items() if abs(ratio / value - 1.0) < 5e-3]
    return f" - {near[0]}?" if near else ""


# ------------------------------------------------------------------ 2: standardise inside the fold

NEAR = 1e-9


def _scaled(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("training side", _centres_training),
            ("same map", _maps_alike),
            ("test rows apart", _knows_no_test),
            ("constant column", _survives_constants),
        ],
    )


def _sides() -> tuple[Array, Array]:
    rng = np.random.default_rng(31)
    scale, shift = np.array([1.0, 20.0, 1e-3]), np.array([-23.0, 4000.0, 0.5])
    return rng.standard_normal((30, 3)) * scale + shift, rng.standard_normal(
        (7, 3)
    ) * scale + shift + 3 * scale


def _both(answer: Any, X: Array, Y: Array) -> tuple[Array, Array]:
    value = called(function(answer, "standardised(X_train, X_test)"), X, Y)
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise NotYet(
            f"standardised(X_train, X_test) is {answers.shown(value)}; expected two arrays, the "
            "training side and the test side"
        )
    train = array(value[0], "the standardised training side", X.shape)
    return train, array(value[1], "the standardised test side", Y.shape)


def _centres_training(answer: Any) -> None:
    X, Y = _sides()
    Z, _ = _both(answer, X, Y)
    mean, s = np.abs(Z.mean(axis=0)).max(), Z.std(axis=0)
    if mean > NEAR:
        raise NotYet(
            f"a column of the training side has the mean {mean:.3g}; expected 0 - whose mean was taken?"
        )
    if np.abs(s - 1.0).max() > 1e-6:
        off = float(s[np.abs(s - 1.0).argmax()])
        unbiased = " - N − 1 in place of N?" if abs(off**2 - 29 / 30) < 1e-6 else ""
        raise NotYet(
            f"a column of the training side has the deviation {off:.4g}; expected 1{unbiased}"
        )


def _maps_alike(answer: Any) -> None:
    """The test side goes through the map z = (x - m) / s of the training side, and no other."""
    X, Y = _sides()
    Z, T = _both(answer, X, Y)
    slope = np.ptp(Z, axis=0) / np.ptp(X, axis=0)
    expected = Z[0] + (Y - X[0]) * slope
    off = np.abs(T - expected).max()
    if off > 1e-6:
        own = np.abs(T.mean(axis=0)).max() < 1e-6
        raise NotYet(
            "a value of the test side is not mapped as the same value of the training side would be, "
            f"by up to {off:.3g}" + (" - was the test side scaled by its own mean?" if own else "")
        )


def _knows_no_test(answer: Any) -> None:
    X, Y = _sides()
    Z, T = _both(answer, X, Y)
    Z_one, T_one = _both(answer, X, Y[:1])
    Z_far, _ = _both(answer, X, Y + 1e3)
    if np.abs(T_one[0] - T[0]).max() > NEAR:
        raise NotYet(
            "a test excerpt is mapped otherwise when it is tested alone: it knows the others"
        )
    if max(np.abs(Z_one - Z).max(), np.abs(Z_far - Z).max()) > NEAR:
        raise NotYet("the training side changes with the test side: something of it was learned")


def _survives_constants(answer: Any) -> None:
    X, Y = _sides()
    X[:, 1], Y[:, 1] = 0.1, 0.1
    Y[0, 1] = 0.7
    Z, T = _both(answer, X, Y)
    if np.abs(Z[:, 1]).max() > 1e-6 or np.abs(T[:, 1]).max() > 1e-6:
        raise NotYet(
            "a column that never varied on the training side is not 0 afterwards, on both sides: it "
            "has taught nothing, and rounding must not become a feature"
        )
    if np.abs(Z[:, [0, 2]].std(axis=0) - 1.0).max() > 1e-6:
        raise NotYet("beside a constant column the others lose their deviation of 1")


# ------------------------------------------------------------------ 3: a neighbour that looks up

N, PER_PIECE = 12, 2


def _looked_up(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("corpus", _is_a_corpus),
            ("by excerpt", _all_right_by_excerpt),
            ("by piece", _none_right_by_piece),
        ],
    )


def _corpus(answer: Any) -> tuple[Array, Array, Array]:
    if isinstance(answer, dict):
        answer = tuple(answer.get(key) for key in ("x", "label", "piece"))
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        raise NotYet(
            f"the answer is {answers.shown(answer)}; expected three lists, (x, label, piece)"
        )
    x, label, piece = (
        np.asarray(answers.vector(side, name, length=N))
        for side, name in zip(answer, ("x", "label", "piece"), strict=True)
    )
    return x, label, piece


def _is_a_corpus(answer: Any) -> None:
    _, label, piece = _corpus(answer)
    sizes = np.unique(piece, return_counts=True)[1]
    if len(sizes) != N // PER_PIECE or (sizes != PER_PIECE).any():
        raise NotYet(f"the pieces have {sizes.tolist()} excerpts; expected six pieces of two")
    for p in np.unique(piece):
        if len(set(label[piece == p])) != 1:
            raise NotYet(f"piece {p:g} has two labels; expected one, the texture of the piece")
    counts = np.unique(label, return_counts=True)[1]
    if counts.tolist() != [N // 2, N // 2]:
        raise NotYet(
            f"the labels occur {counts.tolist()} times; expected two labels, six times each"
        )


def _hits(answer: Any, *, leave: str) -> Array:
    """For each excerpt whether its nearest neighbour among those left has its label."""
    x, label, piece = _corpus(answer)
    _is_a_corpus(answer)
    d = np.abs(x[:, np.newaxis] - x)
    out = np.eye(N, dtype=bool) if leave == "excerpt" else piece[:, np.newaxis] == piece
    d = np.where(out, np.inf, d)
    nearest = np.isclose(d, d.min(axis=1, keepdims=True), rtol=1e-9, atol=0.0)
    agrees = np.array([{bool(v) for v in label[row] == label[i]} for i, row in enumerate(nearest)])
    if any(len(found) > 1 for found in agrees):
        i = next(i for i, found in enumerate(agrees) if len(found) > 1)
        raise NotYet(
            f"excerpt {i} has two nearest neighbours with different labels; move one of them"
        )
    return np.array([found == {True} for found in agrees])


def _all_right_by_excerpt(answer: Any) -> None:
    hits = _hits(answer, leave="excerpt")
    if not hits.all():
        raise NotYet(
            f"leaving out one excerpt at a time, {hits.sum()} of {N} are right; expected all: where "
            "is the other excerpt of the piece?"
        )


def _none_right_by_piece(answer: Any) -> None:
    hits = _hits(answer, leave="piece")
    if hits.any():
        raise NotYet(
            f"leaving out one piece at a time, {hits.sum()} of {N} are right; expected none: the "
            f"nearest other piece of excerpt {int(hits.argmax())} has its label"
        )


EXERCISES = (
    Exercise(
        "music_texture_classification.1",
        f"""{PIECES} pieces, {EXCERPTS} excerpts of each. Of the variance of the loudness, {SHARE:g} belongs
to the piece, the rest to the excerpt. How many independent excerpts would give a mean with the same
variance? By hand; a fraction, or four digits. Would nine times as many excerpts of each piece help?""",
        _count,
        (
            "Split each value into a part that the piece has and a part of its own. Over how many "
            "draws does each of them average out?",
            "An excerpt shares its piece with the eight others; the variance of the mean grows by one "
            "share ρ for each of them.",
        ),
    ),
    Exercise(
        "music_texture_classification.2",
        """Write `standardised(X_train, X_test)`: both arrays, (n_train, F) and (n_test, F), standardised
inside the fold, as a tuple. The training side gets mean 0 and standard deviation 1 in each column (N in
the denominator); a column that never varied there becomes 0 on both sides.""",
        _scaled,
        (
            "Two rows of numbers, m and s, are all that is learned. From which side?",
            "What does the mean of equal numbers 0.1 look like in the computer, and what happens when a "
            "difference of 10⁻¹⁷ is divided by another? Ask whether the column varies.",
        ),
    ),
    Exercise(
        "music_texture_classification.3",
        f"""A nearest neighbour, one feature, {N} excerpts: six pieces of two, two labels of six. Predict
how far apart the two ways of testing can lie. Then hand in `(x, label, piece)`, three lists of {N} numbers,
with which leaving out one *excerpt* at a time gets all of them right, and leaving out one *piece* at a
time gets none.""",
        _looked_up,
        (
            "Where must the second excerpt of a piece lie, so that the first way is always right?",
            "Once the piece itself is gone, the nearest piece must have the other label, for each of "
            "the six. How do labels have to follow each other along a line?",
        ),
    ),
)
