"""Three exercises on features: a spectrum of given moments, triangles, two sounds that a feature confuses.

*Conventions*: those of `ddasp.audio.descriptors`: a spectrum S >= 0 at frequencies f [Hz], read as a
distribution. Sounds have 8,000 samples at 8 kHz; their features are means over frames of 1,024 samples
through a Hann window, each beginning 512 samples after the one before.

*References*: G. Peeters, "A large set of audio features for sound description", IRCAM, 2004; S. B. Davis
and P. Mermelstein, IEEE Trans. Acoust. Speech Signal Process. 28, 1980 (triangular filters).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.audio.descriptors import centroid, flatness, zero_crossing_rate
from ddasp.audio.stft import frames, frequencies, power_spectra
from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]

# ------------------------------------------------------------------ 1: a spectrum by its moments

BINS = np.array([0.0, 100.0, 200.0, 300.0, 400.0])
CENTROID, SPREAD, SKEWNESS = 150.0, 150.0, 0.5
TYPED = 0.3  # [Hz], of four digits


def _moments(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [("centroid", _has_centroid), ("spread", _has_spread), ("skewness", _leans_upwards)],
    )


def _distribution(answer: Any) -> Array:
    S = np.asarray(answers.vector(answer, "S", length=5))
    if S.min() < 0.0:
        raise NotYet(f"S has the value {S.min():g}; magnitudes are never below 0")
    if S.max() <= 0.0:
        raise NotYet("S is zero everywhere: it has no centroid")
    S = S / S.max()
    return np.asarray(S / S.sum())


def _has_centroid(answer: Any) -> None:
    found = float(BINS @ _distribution(answer))
    if abs(found - CENTROID) > TYPED:
        raise NotYet(f"the centroid is {found:.1f} Hz; expected {CENTROID:g} Hz")


def _has_spread(answer: Any) -> None:
    p = _distribution(answer)
    found = float(np.sqrt((BINS - BINS @ p) ** 2 @ p))
    if abs(found - SPREAD) > TYPED:
        about = float(np.sqrt(BINS**2 @ p))
        raise NotYet(
            f"the spread is {found:.1f} Hz; expected {SPREAD:g} Hz"
            + (
                " - it is taken about the centroid, not about 0 Hz"
                if abs(about - SPREAD) < TYPED
                else ""
            )
        )


def _leans_upwards(answer: Any) -> None:
    p = _distribution(answer)
    c = float(BINS @ p)
    s = float(np.sqrt((BINS - c) ** 2 @ p))
    found = float((BINS - c) ** 3 @ p) / s**3 if s > 0.0 else 0.0
    if found <= SKEWNESS:
        raise NotYet(
            f"the skewness is {found:.2f}; expected above {SKEWNESS:g}: the longer tail must lie above the "
            "centroid"
        )


# ------------------------------------------------------------------ 2: triangles

NEAR = 1e-9
FEET = np.array([0.0, 130.0, 200.0, 460.0, 700.0, 1500.0])
TICKS = np.linspace(0.0, 2000.0, 401)  # 5 Hz apart


def _bank(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("peaks", _peaks_are_one),
            ("outside", _nothing_outside),
            ("sum of neighbours", _adds_to_one),
            ("straight sides", _is_straight),
            ("unit of frequency", _knows_no_unit),
        ],
    )


def _filters(answer: Any, feet: Array, f: Array) -> Array:
    value = called(function(answer, "triangles(feet, f)"), feet, f)
    return array(value, f"triangles(feet, f) for {len(feet)} feet", (len(feet) - 2, len(f)))


def _peaks_are_one(answer: Any) -> None:
    W = _filters(answer, FEET, FEET[1:-1])
    for b, found in enumerate(np.diag(W)):
        if abs(found - 1.0) > NEAR:
            raise NotYet(
                f"filter {b} is {found:.4g} at feet[{b + 1}] = {FEET[b + 1]:g} Hz, where its peak is; "
                "expected 1"
            )


def _nothing_outside(answer: Any) -> None:
    W = _filters(answer, FEET, TICKS)
    for b, row in enumerate(W):
        out = np.where((FEET[b] >= TICKS) | (FEET[b + 2] <= TICKS), row, 0.0)
        k = int(np.abs(out).argmax())
        if abs(out[k]) > NEAR:
            raise NotYet(
                f"filter {b} is {out[k]:.3g} at {TICKS[k]:g} Hz, outside of its feet at {FEET[b]:g} and "
                f"{FEET[b + 2]:g} Hz; expected 0" + (" - cut it there?" if out[k] < 0.0 else "")
            )


def _adds_to_one(answer: Any) -> None:
    """A falling side and the rising side of the next one share their feet."""
    inside = TICKS[(FEET[1] <= TICKS) & (FEET[-2] >= TICKS)]
    total = _filters(answer, FEET, inside).sum(axis=0)
    k = int(np.abs(total - 1.0).argmax())
    if abs(total[k] - 1.0) > NEAR:
        raise NotYet(
            f"at {inside[k]:g} Hz all filters together are {total[k]:.4g}; expected 1 between the "
            "first and the last peak, for each filter falls where the next one rises"
        )


def _is_straight(answer: Any) -> None:
    """Halfway up a side, on the axis of f, stands one half."""
    middle = (FEET[:-2] + FEET[1:-1]) / 2.0
    half = np.diag(_filters(answer, FEET, middle))
    b = int(np.abs(half - 0.5).argmax())
    if abs(half[b] - 0.5) > NEAR:
        raise NotYet(
            f"filter {b} is {half[b]:.4g} at {middle[b]:g} Hz, halfway between foot and peak; expected "
            "0.5: sides are straight over the frequency that is given"
        )


def _knows_no_unit(answer: Any) -> None:
    hertz, kilohertz = _filters(answer, FEET, TICKS), _filters(answer, FEET / 1e3, TICKS / 1e3)
    off = float(np.abs(hertz - kilohertz).max())
    if off > NEAR:
        raise NotYet(
            f"feet and f in kHz instead of Hz change the filters by up to {off:.3g}; expected the same"
        )


# ------------------------------------------------------------------ 3: what a feature confuses

RATE, SAMPLES, FRAME = 8000, 8000, 1024
NOISY, TONAL, CROSSINGS = 0.3, 0.003, 0.1


def _pair(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("level", _same_level),
            ("centroid", _same_centroid),
            ("flatness", _other_flatness),
            ("zero crossings", _other_crossings),
        ],
    )


def _two(answer: Any) -> tuple[Array, Array]:
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise NotYet(f"the answer is {answers.shown(answer)}; expected two sounds, (a, b)")
    a, b = (array(x, f"sound {name}", (SAMPLES,)) for name, x in zip("ab", answer, strict=True))
    for name, x in (("a", a), ("b", b)):
        if not 1e-9 < np.abs(x).max() < 1e9:
            raise NotYet(
                f"sound {name} has a peak of {np.abs(x).max():.3g}: silence, or beyond all scales"
            )
    return a, b


def _spectra(x: Array) -> Array:
    return power_spectra(x, FRAME, FRAME // 2, centre=False)


def _same_level(answer: Any) -> None:
    a, b = (float(np.sqrt(np.mean(x**2))) for x in _two(answer))
    if abs(a / b - 1.0) > 0.01:
        raise NotYet(f"the RMS of a is {a:.4g}, that of b {b:.4g}; expected the same within 1 %")


def _same_centroid(answer: Any) -> None:
    f = frequencies(FRAME, RATE)
    a, b = (float(centroid(np.sqrt(_spectra(x)), f).mean()) for x in _two(answer))
    if abs(a - b) > 0.02 * max(a, b):
        raise NotYet(
            f"the centroid of a (of magnitudes, mean over frames) is {a:.0f} Hz, that of b {b:.0f} Hz; "
            "expected the same within 2 %"
        )


def _other_flatness(answer: Any) -> None:
    a, b = (float(flatness(_spectra(x)).mean()) for x in _two(answer))
    if a < NOISY or b > TONAL:
        raise NotYet(
            f"the flatness of a is {a:.3g}, that of b {b:.3g}; expected {NOISY:g} or more and "
            f"{TONAL:g} or less"
        )


def _other_crossings(answer: Any) -> None:
    a, b = (
        float(zero_crossing_rate(frames(x, FRAME, FRAME // 2, centre=False)).mean())
        for x in _two(answer)
    )
    if abs(a - b) < CROSSINGS:
        raise NotYet(
            f"the zero crossing rates are {a:.3f} and {b:.3f}; expected {CROSSINGS:g} or more between "
            "them: the centroid weighs magnitudes, but who decides the sign of the sum?"
        )


EXERCISES = (
    Exercise(
        "audio_features.1",
        f"""Five magnitudes stand at 0, 100, 200, 300 and 400 Hz. Choose them such that the centroid is
{CENTROID:g} Hz, the spread {SPREAD:g} Hz, and the skewness above {SKEWNESS:g}; none is negative. By hand:
write down which sums the first two conditions fix, and see what is left to choose.""",
        _moments,
        (
            "Divide by the sum, and the magnitudes are a distribution with a mean and a variance. What "
            "is the mean of the squares then?",
            "Three numbers are fixed by three sums (one is the total), so three lines are enough. To "
            "lean upwards, one of them should stand far above the centroid.",
        ),
    ),
    Exercise(
        "audio_features.2",
        """Write `triangles(feet, f)`: triangular filters over the frequencies f (n_bins,), shape
(n_feet − 2, n_bins). Filter b rises from 0 at feet[b] to 1 at feet[b + 1] and falls to 0 at feet[b + 2];
feet increase and are not evenly spaced. What do all filters add up to, and why?""",
        _bank,
        (
            "A rising and a falling line, and the lower of the two. What are they beyond the feet?",
            "Write the rising side as (f − l) / (c − l) and the falling one alike. Broadcasting does the "
            "rest, if feet are columns and f is a row.",
        ),
    ),
    Exercise(
        "audio_features.3",
        f"""Which features confuse which sounds? Make two, {SAMPLES} samples each at {RATE} Hz, with the
same RMS (1 %) and the same centroid (2 %), of which a is noisy (flatness {NOISY:g} or more) and b is tonal
({TONAL:g} or less), and whose zero crossing rates differ by {CROSSINGS:g} or more. Hand in `(a, b)`.
Predict the two zero crossing rates first.""",
        _pair,
        (
            "Where is the centroid of white noise, and how often does it cross zero? One sine there would "
            "have the same of both.",
            "The centroid is a lever: two tones of different strength, one on each side, balance. The sign "
            "of their sum follows the stronger one nearly always.",
        ),
    ),
)
