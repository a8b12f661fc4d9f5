"""Three exercises on judging a procedure: an interval over speakers, honest folds, what decides a verdict.

*Conventions*: the score of a group of speakers is the mean of theirs; its 95 % interval is that of
Student's t over the speakers, formed on the logit scale, logit v ± t se / (v (1 − v)), without the
corrections for few groups that `ddasp.procedure.intervals` adds.

*References*: Korn and Graubard 1998, "Confidence intervals for proportions with small expected number of
positive counts estimated from survey data"; Kapoor and Narayanan 2023, "Leakage and the reproducibility
crisis in machine-learning-based science".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from ddasp.homework import answers
from ddasp.homework.asking import asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]

# ------------------------------------------------------------------ 1: an interval by hand

SHARES = (0.95, 0.85, 0.75, 0.95, 1.0)
NEAR = 2e-3  # three digits on paper


def _interval(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [("scale", _is_on_the_logit_scale), ("width", _has_the_width), ("ends", _ends_are_those)],
    )


def _ends(answer: Any) -> tuple[float, float]:
    low, high = answers.vector(answer, "the interval", length=2)
    if not 0.0 < low < high < 1.0:
        raise NotYet(f"the interval is [{low:g}, {high:g}]; expected 0 < low < high < 1")
    return float(low), float(high)


def _half_width(shares: Array) -> float:
    """Half the interval on the logit scale."""
    v, se = shares.mean(), shares.std(ddof=1) / np.sqrt(len(shares))
    return float(stats.t.ppf(0.975, len(shares) - 1) * se / (v * (1.0 - v)))


def _is_on_the_logit_scale(answer: Any) -> None:
    low, high = _ends(answer)
    v = float(np.mean(SHARES))
    middle = float(special.expit((special.logit(low) + special.logit(high)) / 2.0))
    if abs(middle - v) > NEAR:
        plain = (
            " - it lies symmetrically about it on the plain scale" if _plain(low, high, v) else ""
        )
        raise NotYet(
            f"on the logit scale the middle of your interval is that of {middle:.3f}; expected the "
            f"mean of the speakers{plain}"
        )


def _plain(low: float, high: float, v: float) -> bool:
    return abs((low + high) / 2.0 - v) < NEAR


def _has_the_width(answer: Any) -> None:
    low, high = _ends(answer)
    shares = np.array(SHARES)
    ratio = (special.logit(high) - special.logit(low)) / 2.0 / _half_width(shares)
    if abs(ratio - 1.0) > 0.02:
        raise NotYet(f"the interval is {ratio:.3g} times as wide on the logit scale{_why(ratio)}")


def _why(ratio: float) -> str:
    """Where a wrong width usually comes from, five groups."""
    t4 = float(stats.t.ppf(0.975, 4))
    causes = {
        1.96 / t4: "the quantile of the normal distribution, as if the spread were known",
        float(stats.t.ppf(0.975, 5)) / t4: "one degree of freedom too many",
        float(stats.t.ppf(0.95, 4)) / t4: "a quantile that leaves 5 % on each side",
        float(np.sqrt(5.0)): "the standard deviation of the speakers, not that of their mean",
        float(np.sqrt(0.8)): "N in place of N − 1 under the root",
    }
    near = [words for value, words in causes.items() if abs(ratio / value - 1.0) < 0.02]
    return f" as it should be - {near[0]}?" if near else " as it should be"


def _ends_are_those(answer: Any) -> None:
    low, high = _ends(answer)
    v, half = float(np.mean(SHARES)), _half_width(np.array(SHARES))
    right = special.expit(special.logit(v) + np.array([-half, half]))
    if np.abs(right - (low, high)).max() > NEAR:
        raise NotYet(
            "an end lies elsewhere by more than 0.002: middle, or half-width, or the way back from "
            "the logit, 1 / (1 + exp(−x))"
        )


# ------------------------------------------------------------------ 2: folds that nothing passes through


def _folds(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("one speaker each", _tests_each_once),
            ("speakers apart", _keeps_speakers_apart),
            ("copies apart", _keeps_copies_apart),
            ("nothing wasted", _wastes_nothing),
        ],
    )


def _corpora() -> list[tuple[Array, Array]]:
    """Speaker and digest of each recording; the second and third hold copies across speakers."""
    rng = np.random.default_rng(21)
    mixed = rng.permutation(np.repeat(["ana", "ben", "eva", "tom"], 4))
    copied = np.arange(16)
    copied[[1, 9]], copied[[4, 12]] = 100, 200
    chain = np.array([0, 1, 1, 2, 2, 3])  # a copy in each neighbour: no two speakers are joined
    return [
        (mixed, np.arange(16)),
        (np.repeat(["ana", "ben", "eva", "tom"], 4), copied),
        (np.array(["a", "a", "b", "b", "c", "c"]), chain),
    ]


def _parts(answer: Any, speaker: Array, digest: Array) -> list[tuple[Array, Array]]:
    value = called(function(answer, "folds(speaker, digest)"), speaker, digest)
    if not isinstance(value, list | tuple) or not value:
        raise NotYet(f"folds(speaker, digest) is {answers.shown(value)}; expected a list of pairs")
    found = []
    for pair in value:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise NotYet(f"a fold is {answers.shown(pair)}; expected two things, (train, test)")
        train, test = (_rows(side, len(speaker)) for side in pair)
        if len(test) == 0:
            raise NotYet("a test side is empty; expected all recordings of one speaker")
        found.append((train, test))
    return found


def _rows(side: Any, n: int) -> Array:
    if isinstance(side, np.ndarray) and side.dtype == bool:
        side = np.flatnonzero(side)
    rows = answers.vector(side, "a side of a fold")
    if len(rows) and (np.any(rows != np.rint(rows)) or rows.min() < 0 or rows.max() >= n):
        raise NotYet(f"a side of a fold holds {rows.max():g}; expected row numbers 0 to {n - 1}")
    if len(set(rows)) < len(rows):
        raise NotYet("a side of a fold names a recording twice")
    return rows.astype(int)


def _tests_each_once(answer: Any) -> None:
    for speaker, digest in _corpora():
        tests = [test for _, test in _parts(answer, speaker, digest)]
        together = np.sort(np.concatenate(tests))
        if not np.array_equal(together, np.arange(len(speaker))):
            raise NotYet("a recording is never tested, or more than once; expected once each")
        for test in tests:
            if len(set(speaker[test])) != 1:
                raise NotYet(
                    f"a test side holds recordings of {len(set(speaker[test]))} speakers; expected "
                    "one - in what order do the recordings stand?"
                )


def _keeps_speakers_apart(answer: Any) -> None:
    for speaker, digest in _corpora():
        for train, test in _parts(answer, speaker, digest):
            both = set(speaker[train]) & set(speaker[test])
            if both:
                raise NotYet(f"{min(both)} stands on both sides of a fold")


def _keeps_copies_apart(answer: Any) -> None:
    for speaker, digest in _corpora():
        for train, test in _parts(answer, speaker, digest):
            if set(digest[train]) & set(digest[test]):
                raise NotYet(
                    f"while {speaker[test[0]]} is tested, the model has learned from a copy of one of "
                    "the tested sounds, filed under another speaker"
                )


def _wastes_nothing(answer: Any) -> None:
    for speaker, digest in _corpora():
        for train, test in _parts(answer, speaker, digest):
            could = ~np.isin(digest, digest[test]) & ~np.isin(speaker, speaker[test])
            missing = int(could.sum() - len(train))
            if missing > 0:
                raise NotYet(
                    f"while {speaker[test[0]]} is tested, {missing} recordings are left out of the "
                    "training side that are neither theirs nor copies of theirs"
                )


# ------------------------------------------------------------------ 3: what decides a verdict

USEFUL, SPEAKERS, STEPS = 0.8, 6, 20


def _verdicts(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("same mean", _has_one_mean),
            ("better speakers", _has_better_speakers),
            ("A is useful", _is_useful),
            ("B is not decided", _is_open),
        ],
    )


def _both(answer: Any) -> tuple[Array, Array]:
    if isinstance(answer, dict):
        answer = (answer.get("A"), answer.get("B"))
    if not isinstance(answer, tuple | list | np.ndarray) or len(answer) != 2:
        raise NotYet(f"the answer is {answers.shown(answer)}; expected two lists, (A, B)")
    A, B = (_shares(side, name) for side, name in zip(answer, "AB", strict=True))
    return A, B


def _shares(side: Any, name: str) -> Array:
    shares = np.asarray(answers.vector(side, name, length=SPEAKERS))
    if shares.min() < 0.0 or shares.max() > 1.0:
        raise NotYet(f"{name} holds {shares.max():g}; expected accuracies from 0 to 1")
    if np.abs(shares * STEPS - np.rint(shares * STEPS)).max() > 1e-6:
        raise NotYet(
            f"{name} holds a share that {STEPS} recordings can't have; expected multiples of 0.05"
        )
    return shares


def _has_one_mean(answer: Any) -> None:
    A, B = _both(answer)
    if abs(A.mean() - B.mean()) > 1e-9:
        raise NotYet(f"A has the mean {A.mean():.4f}, B {B.mean():.4f}; expected the same")


def _has_better_speakers(answer: Any) -> None:
    A, B = _both(answer)
    n = int((A.max() + 1e-9 < B).sum())
    if n < SPEAKERS - 1:
        raise NotYet(f"{n} speakers of B score more than the best of A; expected five of the six")


def _estimate(shares: Array, name: str) -> tuple[float, float]:
    if np.ptp(shares) < 1e-9:
        raise NotYet(f"all speakers of {name} score the same: no spread is no certainty; vary them")
    v, half = float(shares.mean()), _half_width(shares)
    low, high = special.expit(special.logit(v) + np.array([-half, half]))
    return float(low), float(high)


def _is_useful(answer: Any) -> None:
    A, _ = _both(answer)
    low, high = _estimate(A, "A")
    if low <= USEFUL:
        raise NotYet(f"the interval of A is [{low:.3f}, {high:.3f}]; {USEFUL:g} is not below it")


def _is_open(answer: Any) -> None:
    _, B = _both(answer)
    low, high = _estimate(B, "B")
    if not low < USEFUL < high:
        raise NotYet(
            f"the interval of B is [{low:.3f}, {high:.3f}]; {USEFUL:g} does not lie inside"
        )


EXERCISES = (
    Exercise(
        "established_procedure_spoken_digits.1",
        f"""Twenty recordings of each of five speakers; of them {", ".join(f"{20 * s:.0f}" for s in SHARES)}
are understood. Compute the 95 % interval of the accuracy for the next speaker, on the logit scale and
without the two corrections, as `[low, high]` with three digits. The quantile is t(0.975; 4) = 2.776. How
wide would it be if you took the recordings for a hundred witnesses?""",
        _interval,
        (
            "Five numbers, their mean and the standard error of their mean; the recordings within a "
            "speaker play no further part.",
            "The derivative of logit v is 1 / (v (1 − v)): by it the half-width grows on the logit "
            "scale. Add and subtract there, and only then go back.",
        ),
    ),
    Exercise(
        "established_procedure_spoken_digits.2",
        """Write `folds(speaker, digest)`: for the speaker and the digest of each recording, arrays of
shape (n,), a list of pairs `(train, test)` of row numbers. Each speaker is tested once; nothing that is
tested was learned, neither the person nor a copy of the sound (equal digests), even when a copy is filed
under another name. Nothing else is left out of training.""",
        _folds,
        (
            "Start with one pair for each different speaker. What else must leave the training side?",
            "A copy leaves the training side only while its twin is tested; in the other folds it may "
            "be learned from. `numpy.isin` compares two lists.",
        ),
    ),
    Exercise(
        "established_procedure_spoken_digits.3",
        f"""Two procedures, A and B, were each tested on six speakers with {STEPS} recordings apiece.
Predict first: if five of the six score higher under B than any under A, and the means are equal, whose
verdict is better? Then hand in `(A, B)`, two lists of six accuracies, such that A is useful from
{USEFUL:g} (its 95 % interval, as in the first exercise, lies above) and B is not decided.""",
        _verdicts,
        (
            "The interval knows the mean and the spread of the speakers, and nothing else.",
            "With the mean given, what must the sixth speaker of B be like when the five are better "
            "than all of A? Keep those of A close together, but not equal.",
        ),
    ),
)
