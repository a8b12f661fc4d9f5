"""Three exercises on levels: decibels of an RMS, crest factor without a change of spectrum, dither.

*Conventions*: those of `ddasp.audio.levels`: full scale = 1, levels in dBFS relative to an amplitude
of 1. A quantiser of B bits has the step D = 2^(1 − B) and the values −1, −1 + D ... 1 − D. Signals
and generators are drawn from fixed seeds.

*References*: AES17 (2020); M. R. Schroeder, IEEE Trans. Inf. Theory 16, 1970 (phases of low crest
factor); S. P. Lipshitz, R. A. Wannamaker and J. Vanderkooy, "Quantization and dither: a theoretical
survey", J. Audio Eng. Soc. 40, 1992.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]

# ------------------------------------------------------------------ 1: a level in decibels

FLOOR = -120.0
NEAR = 1e-6  # [dB], of two ways to compute a level in double precision


def _level(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("decibels", _rises_in_decibels),
            ("full scale", _has_its_reference),
            ("powers add", _adds_powers),
            ("length", _knows_no_length),
            ("channels", _takes_channels_together),
            ("silence", _stops_at_the_floor),
        ],
    )


def _dbfs(answer: Any, x: Array, name: str) -> float:
    value = called(function(answer, "level_dbfs(x)"), x)
    return float(array(value, f"the level of {name}", ()))


def _noises() -> tuple[Array, Array]:
    """Two sounds with different peaks, RMS and mean."""
    rng = np.random.default_rng(48)
    return 0.1 * rng.standard_normal(480), rng.uniform(-0.2, 0.6, 480)


def _rises_in_decibels(answer: Any) -> None:
    x, _ = _noises()
    rise = _dbfs(answer, x, "a noise") - _dbfs(
        answer, 0.1 * x, "a noise at a tenth of its amplitude"
    )
    if abs(rise - 20.0) > NEAR:
        raise NotYet(
            f"ten times the amplitude raises the level by {rise:.4g} dB; expected 20 dB"
            + _guess(rise / 20.0)
        )


def _guess(ratio: float) -> str:
    """What a wrong slope usually comes from."""
    causes = {
        np.log(10.0): "the natural logarithm",
        np.log(10.0) / 2.0: "the natural logarithm, and the factor of a power for an amplitude",
        1.0 / np.log10(2.0): "the logarithm to the base of two",
        0.5: "the factor of a power, applied to an amplitude",
        2.0: "the factor of an amplitude, applied to a power",
        0.1: "bel, not decibel",
        -1.0: "the sign",
    }
    near = [cause for slope, cause in causes.items() if abs(ratio / slope - 1.0) < 1e-3]
    return f" - {near[0]}?" if near else ""


def _has_its_reference(answer: Any) -> None:
    square = np.tile([1.0, -1.0], 50)
    for name, x in (("a square wave of amplitude 1", square), ("a constant of 1", np.ones(100))):
        level = _dbfs(answer, x, name)
        if abs(level) > NEAR:
            raise NotYet(f"the level of {name} is {level:.4g} dBFS; expected 0 dBFS")


def _adds_powers(answer: Any) -> None:
    """|x + y|^2 + |x - y|^2 = 2 |x|^2 + 2 |y|^2 holds for no other mean than that of squares."""
    x, y = _noises()
    L = [_dbfs(answer, z, "a sum of two sounds") for z in (x + y, x - y, x, y)]
    with np.errstate(over="ignore", under="ignore"):
        p = np.power(10.0, np.clip(L, -300.0, 300.0) / 10.0)
    if not np.isclose(p[0] + p[1], 2.0 * (p[2] + p[3]), rtol=1e-6):
        raise NotYet(
            "powers p = 10^(L/10) must add: p(x + y) + p(x − y) = 2 p(x) + 2 p(y) fails for two "
            f"noises, {p[0] + p[1]:.4g} against {2 * (p[2] + p[3]):.4g}"
        )


def _knows_no_length(answer: Any) -> None:
    for x in (*_noises(), np.array([0.25])):
        once, thrice = _dbfs(answer, x, "a sound"), _dbfs(answer, np.tile(x, 3), "a repeated sound")
        if abs(once - thrice) > NEAR:
            raise NotYet(
                f"the same {len(x)} samples three times have a level that is {thrice - once:.4g} dB "
                "higher; expected the same - a sum in place of a mean?"
            )


def _takes_channels_together(answer: Any) -> None:
    both = np.stack(_noises(), axis=1)
    stereo = _dbfs(answer, both, "two channels, shape (480, 2)")
    apart = stereo - _dbfs(answer, both.ravel(), "the same samples in one channel")
    if abs(apart) > NEAR:
        raise NotYet(
            f"two channels have a level {apart:.4g} dB above that of the same samples in one; "
            "expected one level, of all samples together"
        )


def _stops_at_the_floor(answer: Any) -> None:
    level = _dbfs(answer, np.zeros(64), "zeros")
    if abs(level - FLOOR) > NEAR:
        raise NotYet(f"the level of zeros is {level:.4g} dBFS; expected the floor, {FLOOR:g}")
    low, high = (_doubled(answer, amplitude) for amplitude in (2e-6, 0.2))
    if abs(low - high) > NEAR:
        raise NotYet(
            f"doubling a constant of 2e-6, which is above the floor, raises the level by {low:.4g} dB, "
            f"doubling one of 0.2 by {high:.4g} dB; expected the same - was something added to the "
            "signal, or does the floor come too early?"
        )
    level = _dbfs(answer, np.full(64, 1e-9), "a constant of 1e-9")
    if abs(level - FLOOR) > NEAR:
        raise NotYet(f"the level of a constant of 1e-9 is {level:.6g} dBFS, beyond the floor")


def _doubled(answer: Any, amplitude: float) -> float:
    """How much the level of a constant rises when it is doubled [dB]."""
    once, twice = (
        _dbfs(answer, np.full(64, x), f"a constant of {x:g}") for x in (amplitude, 2.0 * amplitude)
    )
    return twice - once


# ------------------------------------------------------------------ 2: same spectrum, lower crest

SAMPLES, HARMONICS, LEVEL, CREST = 1024, 16, -20.0, 1.9


def _flat_wave(answer: Any) -> list[Finding]:
    return asked(
        answer, [("spectrum", _sixteen_lines), ("level", _at_level), ("crest factor", _is_flat)]
    )


def _period(answer: Any) -> Array:
    x = array(answer, "the signal", (SAMPLES,))
    if not np.any(x):
        raise NotYet("the signal is zero everywhere")
    return x


def _sixteen_lines(answer: Any) -> None:
    x = _period(answer)
    lines = np.abs(np.fft.rfft(x / np.abs(x).max()))
    own = lines[1 : HARMONICS + 1]
    other = np.delete(lines, np.arange(1, HARMONICS + 1))
    if own.min() < 0.99 * own.max():
        raise NotYet(
            f"lines 1 to {HARMONICS} are not equally strong: line {1 + own.argmin()} has "
            f"{own.min() / own.max():.3g} of the amplitude of line {1 + own.argmax()}"
        )
    if other.max() > 1e-3 * own.mean():
        at = int(np.flatnonzero(lines == other.max())[0] if other.max() else 0)
        raise NotYet(
            f"there is a line at {at} periods, {other.max() / own.mean():.3g} of the others; "
            f"expected none but 1 to {HARMONICS}"
        )


def _at_level(answer: Any) -> None:
    x = _period(answer)
    scale = np.abs(x).max()  # squares of the smallest and largest numbers would not be finite
    level = 20.0 * (np.log10(scale) + np.log10(np.sqrt(np.mean((x / scale) ** 2))))
    if abs(level - LEVEL) > 0.05:
        raise NotYet(
            f"the RMS level is {level:.2f} dBFS; expected {LEVEL:g} dBFS where an amplitude of 1 is 0"
        )


def _is_flat(answer: Any) -> None:
    x = _period(answer)
    x = x / np.abs(x).max()
    crest = 1.0 / np.sqrt(np.mean(x**2))
    if crest >= CREST:
        raise NotYet(
            f"the crest factor is {crest:.3g}: the peak at sample {np.abs(x).argmax()} stands that "
            f"many times above the RMS; expected less than {CREST:g}"
        )


# ------------------------------------------------------------------ 3: dither

BITS, REPEATS = 8, 40_000
STEP = 2.0 ** (1 - BITS)
OFFSETS = (0.0, 0.25, 0.5, -0.375)  # [steps]


def _dithered(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("steps", _on_the_grid),
            ("mean of the error", _has_no_mean),
            ("variance of the error", _has_one_variance),
            ("full scale", _stays_inside),
            ("generator", _draws_from_rng),
        ],
    )


def _quantised(answer: Any, x: Array, bits: int = BITS, seed: int = 16) -> Array:
    rng = np.random.default_rng(seed)
    value = called(function(answer, "quantise(x, bits, rng)"), x, bits, rng)
    return array(value, "quantise(x, bits, rng)", x.shape)


def _tone() -> Array:
    return np.asarray(0.5 * np.sin(2.0 * np.pi * np.arange(2000) / 97.0))


def _on_the_grid(answer: Any) -> None:
    for bits in (BITS, 4, 16):
        steps = _quantised(answer, _tone(), bits) * 2.0 ** (bits - 1)
        off = np.abs(steps - np.rint(steps)).max()
        if off > 1e-6:
            raise NotYet(
                f"{bits} bits, a sine: there are values {off:.3g} steps away from the nearest "
                "multiple of the step; expected none"
            )


def _errors(answer: Any, offset: float) -> Array:
    """Errors [steps] of a constant input that stands so far from a value of the quantiser."""
    x = np.full(REPEATS, (3.0 + offset) * STEP)
    return np.asarray((_quantised(answer, x) - x) / STEP)


def _has_no_mean(answer: Any) -> None:
    for offset in OFFSETS:
        mean = _errors(answer, offset).mean()
        if abs(mean) > 0.0125:  # five standard deviations of a mean of 40,000
            raise NotYet(
                f"a constant {offset:g} steps from a value of the quantiser: the error has a mean of "
                f"{mean:.3g} steps; expected 0 up to chance, or the error tells the signal"
            )


def _has_one_variance(answer: Any) -> None:
    variances = np.array([_errors(answer, offset).var() for offset in OFFSETS])
    low, high = variances.argmin(), variances.argmax()
    if variances[high] - variances[low] > 0.015:
        raise NotYet(
            f"the variance of the error is {variances[low]:.3g} steps² for a constant "
            f"{OFFSETS[low]:g} steps from a value, and {variances[high]:.3g} for one at "
            f"{OFFSETS[high]:g}: the noise rises and falls with the signal"
        )
    if variances[high] > 0.265:
        raise NotYet(
            f"the variance of the error is {variances[high]:.3g} steps², the same everywhere, but "
            "a weaker dither reaches that too"
        )


def _stays_inside(answer: Any) -> None:
    y = _quantised(answer, np.tile([1.0, -1.0, 1.0 - STEP], 200))
    if y.max() > 1.0 - STEP or y.min() < -1.0:
        raise NotYet(
            f"input at full scale: the values reach from {y.min() / STEP:g} to {y.max() / STEP:g} "
            f"steps, beyond what {BITS} bits can count"
        )
    if y.min() > -0.9 or y.max() < 0.9:
        raise NotYet(f"input at full scale: the values reach only from {y.min():g} to {y.max():g}")


def _draws_from_rng(answer: Any) -> None:
    x = _tone()
    first, again, other = (_quantised(answer, x, seed=seed) for seed in (5, 5, 6))
    if not np.array_equal(first, again):
        raise NotYet("the same generator twice gives two results: chance comes from elsewhere")
    if np.array_equal(first, other):
        raise NotYet("two generators give the same result: nothing was drawn from rng")


EXERCISES = (
    Exercise(
        "audio_levels.1",
        """Write `level_dbfs(x)`: the RMS level of x, shape (n_samples,) or (n_samples, n_channels),
in dBFS, one number for all samples together; a square wave of amplitude 1 has 0 dBFS. Below −120 dBFS
it gives −120. Which level has a sine of amplitude 1, and by how much does it differ under AES17?""",
        _level,
        (
            "A decibel is a tenth of the common logarithm of a ratio of powers. What is the power of "
            "a signal?",
            "Powers add, and a mean does not grow with the length. `numpy.log` is not the logarithm "
            "that decibels are made of; and the floor belongs where the logarithm would meet zero.",
        ),
    ),
    Exercise(
        "audio_levels.2",
        f"""Make one period of a sound, {SAMPLES} samples, that consists of its harmonics 1 to
{HARMONICS} and nothing else, all equally strong, with an RMS level of {LEVEL:g} dBFS and a crest factor
below {CREST:g}. Hand in the array. (With all of them as cosines the crest factor is above 5: the same
spectrum, the same loudness, and three times the peak.)""",
        _flat_wave,
        (
            "The amplitudes are settled, so is the RMS. What is still free?",
            "A peak arises where all harmonics agree. In a sweep each frequency has its own moment; "
            "which phases does a sweep through a period give to its harmonics?",
        ),
    ),
    Exercise(
        "audio_levels.3",
        """Write `quantise(x, bits, rng)`: x rounded to multiples of the step 2^(1 − bits), from −1 to
one step below 1, with dither drawn from the `numpy.random.Generator` rng, such that neither the mean nor
the variance of the error depends on the signal, and no noisier than that needs. Compute the variance
of the error on paper first, in steps².""",
        _dithered,
        (
            "Rounding alone makes an error that the signal determines. What has to be added before, "
            "and how wide must it be?",
            "One uniform number, one step wide, frees the mean of the error but not its variance "
            "(try an input on a value, then between two). Which distribution has two of them?",
        ),
    ),
)
