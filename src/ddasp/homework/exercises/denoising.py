"""Three exercises on denoising: an SI-SDR on paper, the best real mask, and what the measure doesn't hear.

*Conventions*: those of `ddasp.audio.separation`: SI-SDR in dB, masks are real and from 0 to 1, spectra
(n_frames, n_bins). A mask is judged by the error that it leaves, beside that of its neighbours.

*References*: J. Le Roux et al., "SDR - half-baked or well done?", ICASSP 2019; H. Erdogan et al.,
"Phase-sensitive and recognition-boosted speech separation using deep recurrent neural networks",
ICASSP 2015.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.audio.separation import si_sdr
from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]

# ------------------------------------------------------------------ 1: SI-SDR on paper

S, X = np.array([2.0, -1.0, 2.0]), np.array([5.0, -1.0, 3.0])


def _on_paper(answer: Any) -> list[Finding]:
    return asked(answer, [("the gain", _gain), ("decibels", _decibels)])


def _two(answer: Any) -> list[float]:
    if isinstance(answer, dict):
        answer = [answer.get("a"), answer.get("si_sdr")]
    found: list[float] = answers.vector(answer, "[a, SI-SDR]", length=2).tolist()
    return found


def _gain(answer: Any) -> None:
    a, _ = _two(answer)
    rest = float((X - a * S) @ S)
    if abs(rest) > 0.05:  # three digits
        other = abs(float((S - a * X) @ X)) < 0.05
        raise NotYet(
            f"with a = {a:.4g} the rest is not orthogonal to s: their product is {rest:.3g}"
            + (" - is this the projection of s on the estimate?" if other else "")
        )


def _decibels(answer: Any) -> None:
    *_, level = _two(answer)
    ratio = 10.0 ** (si_sdr(S, X) / 10.0)
    if abs(level - 10.0 * np.log10(ratio)) < 0.05:  # three digits
        return
    plain = float(S @ S) / float((X - S) @ (X - S))
    a = float(X @ S) / float(S @ S)
    causes = {
        20.0 * np.log10(ratio): "the factor of an amplitude, applied to energies",
        10.0 * np.log(ratio): "the natural logarithm",
        10.0 * np.log10(plain): "the error of the estimate as it is, with its gain",
        10.0 * np.log10(ratio / a**2): "s itself above the line; expected its projection, a s",
        10.0
        * np.log10(ratio + 1.0): "the whole estimate above the line; expected its part along s",
        -10.0 * np.log10(ratio): "the fraction turned over",
        ratio: "the ratio, not yet in dB",
    }
    near = [cause for value, cause in causes.items() if abs(level - value) < 0.05]
    raise NotYet(
        f"{level:.4g} dB is not ten times the common logarithm of |a s|² over |r|²"
        + (f" - {near[0]}?" if near else "")
    )


# ------------------------------------------------------------------ 2: the best real mask

NEAR = 1e-9


def _best(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("range", _stays_in_range),
            ("nearest", _is_nearest),
            ("turned too far", _is_silent),
            ("silence", _knows_silence),
            ("loudness", _knows_no_loudness),
        ],
    )


def _spectra(seed: int = 0, shape: tuple[int, int] = (12, 7)) -> tuple[Array, Array]:
    """A target and its mixture, in which some bins are mostly noise."""
    rng = np.random.default_rng(seed)
    target, added = rng.standard_normal((2, 2, *shape)) * rng.uniform(0.1, 3.0, (2, 1, *shape))
    s = target[0] + 1j * target[1]
    return s, s + added[0] + 1j * added[1]


def _mask(answer: Any, s: Array, x: Array) -> Array:
    with np.errstate(all="ignore"):
        value = called(function(answer, "best_mask(S, X)"), s, x)
    return array(value, "best_mask(S, X)", s.shape)


def _stays_in_range(answer: Any) -> None:
    for seed in (0, 1):
        M = _mask(answer, *_spectra(seed))
        if M.min() < 0.0 or M.max() > 1.0:
            raise NotYet(
                f"the mask reaches from {M.min():.3g} to {M.max():.3g}; expected 0 to 1, a mask only "
                "turns down"
            )


def _error(M: Array | float, s: Array, x: Array) -> Array:
    return np.asarray(np.abs(s - M * x) ** 2)


def _is_nearest(answer: Any) -> None:
    s, x = _spectra(2)
    M = _mask(answer, s, x)
    own = _error(M, s, x)
    grid = np.linspace(0.0, 1.0, 401)
    least = np.min([_error(m, s, x) for m in grid], axis=0)
    worse = own - least
    if worse.max() > NEAR:
        at = np.unravel_index(int(worse.argmax()), s.shape)
        raise NotYet(
            f"S = {s[at]:.2f}, X = {x[at]:.2f}: your {M[at]:.3f} leaves an error of {own[at]:.4g}, "
            f"and there is a mask that leaves {least[at]:.4g}{_which(M, s, x)}"
        )


def _which(M: Array, s: Array, x: Array) -> str:
    """What a mask that is not the nearest may be."""
    ratio = np.abs(s) / np.abs(x)
    share = np.abs(s) ** 2 / (np.abs(s) ** 2 + np.abs(x - s) ** 2)
    if np.allclose(M, np.clip(ratio, 0, 1)):
        return " - right in magnitude; how far does it point beside S?"
    if np.allclose(M, np.sqrt(share)) or np.allclose(M, share):
        return " - that holds on average over noise; here S and X are known, bin by bin"
    return ""


def _is_silent(answer: Any) -> None:
    s, x = np.array([[1.0 + 0j, 1j, 1.0 + 1j]]), np.array([[-2.0 + 0j, 3.0 + 0j, -1.0 - 0.5j]])
    M = _mask(answer, s, x)
    if np.abs(M).max() > NEAR:
        raise NotYet(
            f"where X points 90° or more away from S, your mask is {M.round(3).tolist()[0]}; every bit of "
            "X there adds to the error"
        )


def _knows_silence(answer: Any) -> None:
    s, x = np.zeros((2, 3), complex), np.zeros((2, 3), complex)
    x[1] = 1.0 + 1j
    if np.abs(_mask(answer, s, x)).max() > NEAR:
        raise NotYet("where S is 0 the mask is not 0, in bins with and without noise")


def _knows_no_loudness(answer: Any) -> None:
    s, x = _spectra(3)
    for gain in (1e-6, 1e6):
        if np.abs(_mask(answer, gain * s, gain * x) - _mask(answer, s, x)).max() > 1e-6:
            raise NotYet(
                f"S and X times {gain:g} have another mask: was something added to a denominator, or is a "
                "magnitude compared with a fixed number?"
            )


# ------------------------------------------------------------------ 3: what the measure doesn't hear

FARTHEST, TOLERANCE = -20.0, 0.5  # dB


def _disguise(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [("spectrum", _sounds_alike), ("SI-SDR", _is_far), ("any length", _takes_any_length)],
    )


def _sounds() -> list[Array]:
    """Tones and a noise, a whole number of periods each."""
    n = np.arange(1000)
    tones = sum(np.sin(2 * np.pi * k * n / 1000 + 0.7 * k) / k for k in (30, 41, 60, 97))
    return [np.asarray(tones), np.random.default_rng(8).standard_normal(1000)]


def _disguised(answer: Any, s: Array) -> Array:
    x = array(called(function(answer, "disguise(s)"), s), "disguise(s)", s.shape)
    if np.abs(x).max() > 1e6:
        raise NotYet(f"disguise(s) reaches {np.abs(x).max():.3g}; expected about as much as s")
    return x


def _sounds_alike(answer: Any) -> None:
    for s in _sounds():
        spectrum, own = (np.abs(np.fft.rfft(x))[1:-1] for x in (_disguised(answer, s), s))
        strong = own > 1e-3 * own.max()
        off = np.abs(20 * np.log10(np.maximum(spectrum[strong], 1e-15) / own[strong])).max()
        if off > TOLERANCE:
            raise NotYet(
                f"a line of the magnitude spectrum differs by {off:.3g} dB; expected {TOLERANCE:g} at "
                "most (the two lines at 0 and at half the rate are free)"
            )
        if spectrum[~strong].max(initial=0.0) > 2e-3 * own.max():
            raise NotYet("there are lines where the signal has none")


def _is_far(answer: Any) -> None:
    for s in _sounds():
        level = si_sdr(s, _disguised(answer, s))
        if level > FARTHEST:
            flat = " - a gain, or a change of sign, is what it doesn't hear" if level > 60.0 else ""
            raise NotYet(f"the SI-SDR is {level:.3g} dB; expected {FARTHEST:g} dB or less{flat}")


def _takes_any_length(answer: Any) -> None:
    for n in (999, 64):
        s = np.random.default_rng(n).standard_normal(n)
        s -= s.mean()
        if si_sdr(s, _disguised(answer, s)) > -10.0:
            raise NotYet(
                f"for a noise of {n} samples the SI-SDR is above −10 dB: does it count on a length?"
            )


EXERCISES = (
    Exercise(
        "denoising.1",
        """The reference is s = (2, −1, 2), the estimate (5, −1, 3). Which gain a brings s nearest to
the estimate, and what is the SI-SDR? By hand, three digits of the result with a calculator; hand in
`[a, SI-SDR in dB]`. Which of the two changes when the estimate is doubled?""",
        _on_paper,
        (
            "a is a projection: which product belongs into its denominator, so that the rest is "
            "orthogonal to s?",
            "With the squares of three lengths nothing else is needed: of the estimate, of a s, and of the "
            "rest, which Pythagoras gives you.",
        ),
    ),
    Exercise(
        "denoising.2",
        """The ratio mask has the right magnitude and the wrong phase; the Wiener gain is best on
average. Here both spectra are known: write `best_mask(S, X)`, complex arrays (n_frames, n_bins), which
gives in each bin the real number M from 0 to 1 for which |S − M X| is least. Derive it for one bin
first. Where S is 0 it is 0. What does it do where X points away from S?""",
        _best,
        (
            "Write |S − M X|² out as a parabola in M. Where is its lowest point, and what if that is "
            "outside of 0 to 1?",
            "It is a projection again, as in the SI-SDR, in the plane: of S on the direction of X. The "
            "inner product of two arrows is the real part of one times the conjugate of the other.",
        ),
    ),
    Exercise(
        "denoising.3",
        f"""The SI-SDR does not hear a gain; what does it hear that you don't? Write `disguise(s)`: for any
real signal (n_samples,) without mean, one of the same length whose magnitude spectrum (DFT of all samples)
is the same within {TOLERANCE:g} dB, and whose SI-SDR against s is −{-FARTHEST:g} dB or less. Predict first:
what does the SI-SDR say, and what will a listener? Then listen to a voice and to its disguise.""",
        _disguise,
        (
            "The magnitudes are settled. Which phases make two signals orthogonal that have the same "
            "spectrum?",
            "For one sine, think of the cosine of the same frequency. Give every line that turn at once.",
        ),
    ),
)
