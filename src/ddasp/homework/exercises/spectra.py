"""Three exercises on spectra: samples from lines, a density through any window, a window to order.

*Conventions*: those of `ddasp.audio.stft` and `ddasp.audio.spectrum`: X[k] = sum_n x[n]
exp(-2 pi i k n / N), one-sided densities in full scale^2 / Hz. Noises are drawn from fixed seeds.

*References*: P. D. Welch, IEEE Trans. Audio Electroacoust. 15, 1967; F. J. Harris, "On the use of
windows for harmonic analysis", Proc. IEEE 66, 1978 (side lobes, noise bandwidth).
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

# ------------------------------------------------------------------ 1: samples from lines

MEAN, FIRST, LAST = 3.0, 4.0 - 8.0j, -16.0
TYPED = 4e-3  # of sums of eight numbers with four digits


def _samples(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [("mean", _has_mean), ("lines", _has_lines), ("nothing else", _has_no_other)],
    )


def _spectrum(answer: Any) -> Array:
    x = np.asarray(answers.vector(answer, "the signal", length=8))
    if np.abs(x).max() > 1e6:
        raise NotYet("the signal has samples beyond a million; lines of this size need none")
    return np.asarray(np.fft.fft(x))


def _has_mean(answer: Any) -> None:
    mean = _spectrum(answer)[0].real / 8.0
    if abs(mean - MEAN) > TYPED:
        raise NotYet(f"the mean is {mean:.4g}; expected {MEAN:g}, and X[0] is 8 times that")


def _has_lines(answer: Any) -> None:
    X = _spectrum(answer)
    for k, expected in ((1, FIRST), (4, LAST)):
        if abs(X[k] - expected) > 4 * TYPED:
            raise NotYet(
                f"X[{k}] is {_complex(X[k])}; expected {_complex(expected)}{_cause(X[k], expected)}"
            )


def _complex(z: complex) -> str:
    z = complex(round(z.real, 4) + 0.0, round(z.imag, 4) + 0.0)
    return f"{z.real:g}{z.imag:+g}j".replace("+0j", "").replace("-", "−")


def _cause(found: complex, expected: complex) -> str:
    """Where a wrong line usually comes from."""
    causes = {
        2.0: "twice that: a line at half the rate has no mirror image",
        0.5: "half of that: a real tone has two lines, k and N − k",
        8.0: "8 times that: the inverse transform divides by N",
    }
    for ratio, cause in causes.items():
        if abs(found - ratio * expected) < 0.01 * abs(expected):
            return f" - {cause}"
    if abs(expected.imag) > 0 and abs(found - expected.conjugate()) < 0.01 * abs(expected):
        return " - that is the conjugate: which sign has the exponent of the inverse transform?"
    return ""


def _has_no_other(answer: Any) -> None:
    other = np.abs(_spectrum(answer)[2:4])
    if other.max() > 4 * TYPED:
        k = 2 + int(other.argmax())
        raise NotYet(f"|X[{k}]| is {other.max():.3g}; expected 0 there")


# ------------------------------------------------------------------ 2: a density

NEAR = 1e-9


def _density(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("an impulse", _is_flat_for_an_impulse),
            ("both ends", _knows_the_ends),
            ("mean square", _keeps_power),
            ("scale of the window", _forgets_the_scale),
            ("noise through a window", _is_right_for_noise),
        ],
    )


def _of(answer: Any, x: Array, w: Array, rate: float) -> Array:
    value = called(function(answer, "density(x, w, rate)"), x, w, rate)
    name = f"density(x, w, rate) for {len(x)} samples"
    return array(value, name, (len(x) // 2 + 1,))


def _is_flat_for_an_impulse(answer: Any) -> None:
    x, w, rate = np.zeros(16), np.ones(16), 100.0
    x[5] = 1.0
    P = _of(answer, x, w, rate)
    expected = 2.0 / (rate * 16)
    off = P[1:-1] / expected
    if off.max() - off.min() > NEAR:
        raise NotYet(
            f"a single 1 has all frequencies alike, but bins 1 to 7 reach from {P[1:-1].min():.4g} "
            f"to {P[1:-1].max():.4g}"
        )
    if abs(off[0] - 1.0) > NEAR:
        raise NotYet(
            f"a 1 among 16 samples, rate 100 Hz, no window: bin 1 is {P[1]:.4g}, that is {off[0]:.4g} "
            "times what makes the integral over frequency the mean square" + _factor(off[0])
        )


def _factor(ratio: float) -> str:
    near = {
        0.5: "only one half of the spectrum?",
        2.0: "doubled twice?",
        100.0: "per bin, not per hertz?",
        1 / 16: "divided by N once too often?",
        16.0: "not divided by the window's energy?",
    }
    return "".join(f" - {cause}" for r, cause in near.items() if abs(ratio / r - 1.0) < NEAR)


def _knows_the_ends(answer: Any) -> None:
    for n in (16, 15):
        x = np.zeros(n)
        x[5] = 1.0
        P = _of(answer, x, np.ones(n), 100.0)
        ends = P[[0, -1]] / max(P[1], 1e-300)
        expected = (0.5, 0.5 if n % 2 == 0 else 1.0)
        for end, found, ratio in zip(("first", "last"), ends, expected, strict=True):
            if abs(found - ratio) > NEAR:
                raise NotYet(
                    f"{n} samples: the {end} bin of an impulse is {found:.3g} of its neighbour; expected "
                    f"{ratio:g}, for {_why(end, n)}"
                )


def _why(end: str, n: int) -> str:
    if end == "first":
        return "0 Hz is its own mirror image"
    return f"bin {n // 2} of {n} " + ("is its own mirror image" if n % 2 == 0 else "has one")


def _keeps_power(answer: Any) -> None:
    rng = np.random.default_rng(31)
    for n, rate in ((64, 8000.0), (63, 10.0)):
        x = rng.standard_normal(n) + 0.5
        power = float(_of(answer, x, np.ones(n), rate).sum() * rate / n)
        if not np.isclose(power, np.mean(x**2), rtol=NEAR):
            raise NotYet(
                f"{n} samples without a window: the integral over frequency is {power:.5g}, the mean "
                f"square {np.mean(x**2):.5g}; expected the same"
            )


def _forgets_the_scale(answer: Any) -> None:
    x = np.random.default_rng(32).standard_normal(40)
    w = np.hanning(40)
    once, thrice = _of(answer, x, w, 40.0), _of(answer, x, 3.0 * w, 40.0)
    if not np.allclose(once, thrice, rtol=NEAR, atol=0.0):
        ratio = float(np.median(thrice / np.maximum(once, 1e-300)))
        raise NotYet(
            f"a window that is 3 times as high gives {ratio:.3g} times the density; expected the same, "
            "for the sound did not change"
        )


def _is_right_for_noise(answer: Any) -> None:
    """The mean over noises of variance 1, at every bin, is 2 / rate."""
    rng, w, rate = np.random.default_rng(33), np.hanning(34)[1:-1], 50.0
    mean = np.mean([_of(answer, rng.standard_normal(32), w, rate)[2:-2] for _ in range(400)])
    ratio = float(mean * rate / 2.0)
    if abs(ratio - 1.0) > 0.06:
        amplitude = np.sum(w**2) * 32 / np.sum(w) ** 2
        raise NotYet(
            f"400 white noises of variance 1 through a Hann window: their mean density is {ratio:.3g} "
            "times 2 / rate; expected 1"
            + (
                " - that is the scale of a tone's amplitude"
                if abs(ratio / amplitude - 1) < 0.06
                else ""
            )
        )


# ------------------------------------------------------------------ 3: a window to order

LENGTH, BEYOND, FLOOR, BANDWIDTH = 256, 3.2, -62.0, 1.75
FINE = 16  # points for each bin


def _window(answer: Any) -> list[Finding]:
    return asked(answer, [("side lobes", _has_low_skirts), ("noise bandwidth", _is_not_too_wide)])


def _shape(answer: Any) -> Array:
    w = array(answer, "the window", (LENGTH,))
    scale = np.abs(w).max()
    if scale < 1e-100 or abs(w.sum() / scale) < 1e-6:
        raise NotYet("the sum of the window is 0: a tone that it sees has no level")
    return np.asarray(w / scale)


def _has_low_skirts(answer: Any) -> None:
    w = _shape(answer)
    W = np.abs(np.fft.rfft(w, FINE * LENGTH)) / abs(w.sum())
    first = round(BEYOND * FINE)
    k = first + int(W[first:].argmax())
    level = 20.0 * np.log10(max(float(W[k]), 1e-15))
    if level > FLOOR:
        near = " - still its main lobe?" if k < first + 2 else ""
        raise NotYet(
            f"{k / FINE:.1f} bins beside a tone its skirt is {level:.1f} dB high; expected {FLOOR:g} dB or "
            f"less from {BEYOND:g} bins on{near}"
        )


def _is_not_too_wide(answer: Any) -> None:
    w = _shape(answer)
    width = LENGTH * float(np.sum(w**2)) / float(w.sum()) ** 2
    if width > BANDWIDTH:
        raise NotYet(
            f"the noise bandwidth is {width:.3g} bins; expected {BANDWIDTH:g} at most: the window is "
            "narrower in time than it needs to be"
        )


EXERCISES = (
    Exercise(
        "spectra.1",
        f"""Eight real samples have the mean {MEAN:g}; their DFT has X[1] = 4 − 8j and X[4] = −16, and
X[2] = X[3] = 0. What are the samples? By hand; roots may stand as they are, "3 + √2", or four digits.
How do you know the other half of the spectrum?""",
        _samples,
        (
            "Each pair X[k], X[8 − k] makes one tone. How large, and which phase? Two of the lines "
            "have no partner.",
            "Write down the inverse transform and bring the terms k and 8 − k together: twice a real "
            "part. At eight samples a period the cosine only takes 0, ±1 and ±√½.",
        ),
    ),
    Exercise(
        "spectra.2",
        """Write `density(x, w, rate)`: the one-sided power spectral density of x (N,) through the window
w (N,), shape (N // 2 + 1,), for even and odd N. Its integral is the mean square where there is no window,
and white noise of variance σ² lies at 2σ²/rate on average through any window.""",
        _density,
        (
            "Which bins have a mirror image that must be added, and which are alone?",
            "The expected |X[k]|² of white noise through a window is σ² times one number made of the "
            "window. Which? It is not the one that makes a tone's line right.",
        ),
    ),
    Exercise(
        "spectra.3",
        f"""Predict first by how much Hann and Blackman miss this, then try: hand in a window of {LENGTH}
samples whose spectrum, relative to its value at 0, stays below −62 dB from {BEYOND:g} bins on (a bin
is 1/{LENGTH} cycles per sample), and whose noise bandwidth N Σw² / (Σw)² is at most {BANDWIDTH:g}
bins.""",
        _window,
        (
            "Pad the window with zeros before you transform it, or you will look at its zeros only.",
            "Main lobe and skirts are traded against each other: the windows with four cosine terms are "
            "already too wide. Some families have a parameter for this trade.",
        ),
    ),
)
