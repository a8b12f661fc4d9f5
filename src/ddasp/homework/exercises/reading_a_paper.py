"""Three exercises on reading a paper: a row of a table, a feature from its description, an interval.

*Conventions*: a window is sampled N times over its length, w(n / N); spectra are magnitudes
(n_frames, n_bins); rates of right answers are between 0 and 1, intervals are 95 %.

*References*: F. J. Harris, Proc. IEEE 66, 1978, table I; R. G. Newcombe, Statistics in Medicine 17,
1998 (intervals of a difference of proportions; method 1 is the one asked for).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]

# ------------------------------------------------------------------ 1: a row of the table

THREE_DIGITS = 2e-3


def _row(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("coherent gain", _figure(0)),
            ("noise bandwidth", _figure(1)),
            ("overlap correlation", _figure(2)),
        ],
    )


def _sine_lobe(n: int) -> Array:
    return np.asarray(np.sin(np.pi * np.arange(n) / n))


def _figure(which: int) -> Callable[[Any], None]:
    """The check of one of the figures: what the window does to a tone, to noise, to two segments."""

    def check(answer: Any) -> None:
        said = float(answers.vector(answer, "[gain, bandwidth, correlation]", length=3)[which])
        w = _sine_lobe(4096)
        shifted, energy = float(w[2048:] @ w[:2048]), float(w @ w)
        right = (w.mean(), len(w) * energy / w.sum() ** 2, shifted / energy)[which]
        if abs(said - right) <= THREE_DIGITS * right:
            return
        causes = (
            {np.mean(w**2): "is it the mean square", w.sum() ** 2 / len(w): "is it in samples"},
            {
                w.sum() ** 2 / (len(w) * energy): "is it upside down",
                right**0.5: "is it an amplitude, not a power",
                np.mean(w**2): "was it divided by the gain squared",
            },
            {
                right**2: "is it that of the powers, squared already",
                shifted / len(w): "was it divided by the energy of the window",
                100 * right: "is it in per cent",
            },
        )[which]
        near = [says for wrong, says in causes.items() if abs(said - wrong) < 2e-3 * abs(wrong)]
        raise NotYet(
            ("a tone in the middle of a bin, through the window,", "white noise through the window",
             "the product of the window and itself, half of it later,")[which]
            + f" doesn't come to {said:.4g}{f' - {near[0]}?' if near else ''}"
        )  # fmt: skip

    return check


# ------------------------------------------------------------------ 2: a feature from its description

NEAR = 1e-9


def _feature(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("level", _knows_no_level),
            ("frame by frame", _scales_each_frame),
            ("only increases", _counts_increases),
            ("mean", _averages),
            ("silence", _survives_silence),
        ],
    )


def _flux(answer: Any, S: Array) -> float:
    return float(array(called(function(answer, "flux(S)"), S), "flux(S)", ()))


def _spectra() -> Array:
    return np.asarray(np.random.default_rng(31).uniform(0.1, 1.0, (6, 5)))


def _knows_no_level(answer: Any) -> None:
    S = _spectra()
    once, louder = _flux(answer, S), _flux(answer, 10 * S)
    if abs(once - louder) > NEAR:
        raise NotYet(
            f"ten times the amplitude changes the flux from {once:.4g} to {louder:.4g}; spectra that are "
            "scaled to the sum 1 know no level"
        )


def _scales_each_frame(answer: Any) -> None:
    fade = np.outer([1.0, 0.5, 0.25, 2.0], [1.0, 2.0, 3.0])
    value = _flux(answer, fade)
    if abs(value) > NEAR:
        raise NotYet(
            f"a sound that changes in nothing but its level, frame by frame, has the flux {value:.4g}; "
            "expected 0 - was the whole table scaled, and not each frame?"
        )


def _counts_increases(answer: Any) -> None:
    S = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    value = _flux(answer, S)
    if abs(value - 0.5) > NEAR:
        causes = {1.0: "did decreases count too", 0.0: "do increases and decreases cancel"}
        causes |= {0.5 / 3: "mean over the bins", 0.25: "squares", 0.5**0.5: "root of squares"}
        near = [says for wrong, says in causes.items() if abs(value - wrong) < NEAR]
        raise NotYet(
            "half of the sum moves from the first bin to the second: the flux is "
            f"{value:.4g}; expected 0.5, the sum of the increases{f' - {near[0]}?' if near else ''}"
        )


def _averages(answer: Any) -> None:
    S = np.array([[1.0, 0.0], [0.0, 1.0]])
    for n in (2, 3, 8):
        value = _flux(answer, np.tile(S, (n, 1))[: n + 1])
        if abs(value - 1.0) > NEAR:
            cause = ""
            if abs(value - n) < NEAR:
                cause = " - a sum, not a mean?"
            if abs(value - n / (n + 1)) < NEAR:
                cause = " - n + 1 frames have n differences"
            raise NotYet(
                f"a sound that jumps from one bin to another in each of {n} steps has the flux "
                f"{value:.4g}; expected 1{cause}"
            )


def _survives_silence(answer: Any) -> None:
    S = np.array([[0.0, 0.0], [1.0, 3.0], [0.0, 0.0]])
    value = _flux(answer, S)
    if abs(value - 0.5) > NEAR:
        raise NotYet(
            f"silence, a sound, silence: the flux is {value:.4g}; expected 0.5, for a silent frame stays "
            "zero, so that the entry of the sound counts 1 and its end 0"
        )


# ------------------------------------------------------------------ 3: how many recordings

CLAIMS = ((0.92, 0.88), (0.90, 0.88))
Z = 1.959964


def _sizes(answer: Any) -> list[Finding]:
    return asked(answer, [("92 % against 88 %", _size(0)), ("90 % against 88 %", _size(1))])


def _low(n: int, which: int) -> float:
    """Lower end of the interval of the difference."""
    p, q = CLAIMS[which]
    return float(p - q - Z * np.sqrt((p * (1 - p) + q * (1 - q)) / n))


def _size(which: int) -> Callable[[Any], None]:
    """The check that the interval excludes zero with n recordings and not with n - 1."""

    def check(answer: Any) -> None:
        said = float(answers.vector(answer, "[n1, n2]", length=2)[which])
        if said < 1 or said != round(said):
            raise NotYet(f"n is {said:g}; expected a whole number of recordings")
        low = _low(int(said), which)
        if low < 0:
            raise NotYet(
                f"with {said:g} recordings for each, the interval of the difference begins at "
                f"{100 * low:.3g} percentage points: it contains 0"
            )
        if said > 1 and _low(int(said) - 1, which) > 0:
            raise NotYet(
                f"with {said:g} recordings the interval begins at {100 * low:.3g} points, so fewer would do"
            )

    return check


EXERCISES = (
    Exercise(
        "reading_a_paper.1",
        """Another row of Harris' table: the window w(x) = sin πx, 0 ≤ x < 1, half a period of a sine.
Compute by hand its coherent gain, its equivalent noise bandwidth in bins, and its overlap correlation at
50 %, 0 to 1; hand in `[gain, bandwidth, correlation]` with four digits. Then look up the row: is it
reproduced?""",
        _row,
        (
            "Three integrals: of w, of w², and of w(x) w(x + ½) over the half where both are there.",
            "sin π(x + ½) is a cosine, and sine times cosine is half a sine of twice the angle. The second "
            "and the third figure are ratios.",
        ),
    ),
    Exercise(
        "reading_a_paper.2",
        """An invented paper describes a feature: *"Each magnitude spectrum is scaled to sum to one; silent
frames stay zero. The flux is the sum over bins of the increases from one frame to the next, decreases not
counted, averaged over the recording."* Write `flux(S)` for S (n_frames, n_bins), two frames or more. List
what you had to guess before you run it.""",
        _feature,
        (
            "Take the sentence apart: how many clauses does it have, and which line of yours is each?",
            "What is averaged, and how many of them are there? And what does a division do in a frame of "
            "zeros?",
        ),
    ),
    Exercise(
        "reading_a_paper.3",
        """A paper reports 92 % for its method and 88 % for the baseline, each measured on n recordings of
its own, all independent. From which n on does the 95 % interval of the difference,
p − q ± 1.96 √(p(1 − p)/n + q(1 − q)/n), no longer contain 0? And for 90 % against 88 %? Guess both
before you compute; hand in `[n1, n2]`, the smallest whole numbers. What changes if both are tested on the
same recordings?""",
        _sizes,
        (
            "Set the lower end to zero and solve for n.",
            "Half the difference needs about four times as many. Round in the direction in which the "
            "interval gets shorter.",
        ),
    ),
)
