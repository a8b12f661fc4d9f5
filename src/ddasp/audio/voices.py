"""Vowels of speakers who don't exist: pulses of the glottis through the resonances of a vocal tract.

The glottis opens and closes once a period and lets a pulse of air through; what radiates is its
derivative. The tract above it is a tube closed at the glottis, with resonances, the formants, which
tongue and lips move: the first two or three tell the vowel. A shorter tract moves all of them up by the
same ratio, so that the vowel of a child has formants that are another vowel's of a man. Small
irregularities of period (jitter) and amplitude (shimmer), and the noise of the air, tell a voice
from a buzzer.

*Conventions*: mono signals of shape (n_samples,), float64, full scale = 1; rates, frequencies and
bandwidths in Hz, times in s, lengths in m, levels in dB. All randomness comes from the generator that
is passed in. Everything is computed at 64 kHz or more and resampled, so that nothing is folded back
from above half the rate.

*References*: Peterson & Barney 1952, "Control methods used in a study of the vowels" (formants of
men); Rosenberg 1971, "Effect of glottal pulse shape on the quality of natural vowels"; Klatt 1980,
"Software for a cascade/parallel formant synthesizer"; Fant 1960, "Acoustic Theory of Speech
Production".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import sosfilt

from ddasp._check import in_range, one_of, whole
from ddasp._errors import InputError
from ddasp.audio.resampling import resample

__all__ = [
    "FORMANTS",
    "VOWELS",
    "Speaker",
    "VoiceItem",
    "formants",
    "phonate",
    "speaker",
    "voice_corpus",
    "vowel",
]

Array = NDArray[np.float64]

FORMANTS: dict[str, tuple[float, float, float]] = {
    "a": (730.0, 1090.0, 2440.0),
    "e": (530.0, 1840.0, 2480.0),
    "i": (270.0, 2290.0, 3010.0),
    "o": (570.0, 840.0, 2410.0),
    "u": (300.0, 870.0, 2240.0),
}
"""The first three formants of each vowel in a tract of 17.5 cm [Hz]: those of men, table II."""

VOWELS = tuple(FORMANTS)

TRACT = 0.175  # m, of the speakers of FORMANTS
TUBE = 490.0  # Hz, first resonance of a tube of this length: c / (4 l), c = 343 m/s
HIGHEST = 10_000.0  # Hz; above it no formants are modelled
INNER_RATE = 64_000
PEAK = 0.5
FADE = 0.02  # s
OPENING = 0.67  # share of the open phase in which the glottis opens


@dataclass(frozen=True)
class Speaker:
    """What all vowels of one speaker have in common; `speaker` draws one.

    Parameters
    ----------
    name : str
        Name; the group of an honest split.
    pitch : float
        Mean fundamental frequency [Hz].
    tract_length : float
        From glottis to lips [m].
    jitter, shimmer : float
        Standard deviations of period and amplitude from one pulse to the next, relative.
    breathiness : float
        Level of the noise of the air below 8 kHz, relative to the pulses at the glottis [dB].
    open_quotient : float
        Share of the period in which the glottis is open; small is a pressed voice, large a soft one.
    """

    name: str
    pitch: float
    tract_length: float
    jitter: float = 0.005
    shimmer: float = 0.02
    breathiness: float = -40.0
    open_quotient: float = 0.6


@dataclass(frozen=True)
class VoiceItem:
    """One item of the corpus: index counts the takes of one vowel by one speaker from 1.

    Parameters
    ----------
    vowel, speaker : str
        What is said and by whom.
    index : int
        Number of the take.
    signal : ndarray of shape (n_samples,)
        The sound.
    rate : int
        Sampling rate [Hz].
    pitch : float
        Mean fundamental frequency [Hz].
    formants : tuple of float
        F1 to F3 of this take [Hz].
    """

    vowel: str
    speaker: str
    index: int
    signal: Array
    rate: int
    pitch: float
    formants: tuple[float, ...]


def speaker(rng: np.random.Generator, *, name: str = "speaker") -> Speaker:
    """Draw a speaker: tracts of 13 to 18.5 cm, voices of 67 to 382 Hz, short ones high on average.

    Examples
    --------
    >>> who = speaker(np.random.default_rng(0), name="speakerA")
    >>> who.name, 0.13 <= who.tract_length <= 0.185, 80 < who.pitch < 350
    ('speakerA', True, True)
    """
    length = float(rng.uniform(0.13, 0.185))
    # men 17 cm and 120 Hz, women 14.5 cm and 200 Hz
    pitch = 120 * (0.17 / length) ** 3.2 * float(np.exp(np.clip(rng.normal(0, 0.12), -0.3, 0.3)))
    return Speaker(
        name=name,
        pitch=pitch,
        tract_length=length,
        jitter=float(rng.uniform(0.002, 0.01)),
        shimmer=float(rng.uniform(0.01, 0.05)),
        breathiness=float(rng.uniform(-50, -25)),
        open_quotient=float(rng.uniform(0.45, 0.75)),
    )


def formants(vowel: str, who: Speaker) -> Array:
    """The first three formants of a vowel by a speaker.

    Parameters
    ----------
    vowel : {"a", "e", "i", "o", "u"}
        As in Spanish or Italian.
    who : Speaker
        Only the length of the tract counts.

    Returns
    -------
    ndarray of shape (3,)
        Those of `FORMANTS` times 17.5 cm over the length of the tract [Hz].

    Examples
    --------
    >>> formants("a", Speaker("", 200.0, 0.14))
    array([ 912.5, 1362.5, 3050. ])
    """
    one_of(vowel, "vowel", VOWELS)
    return np.array(FORMANTS[vowel]) * (TRACT / who.tract_length)


def phonate(
    peaks: ArrayLike,
    who: Speaker,
    rng: np.random.Generator,
    rate: int = 16_000,
    *,
    duration: float = 0.5,
    pitch: ArrayLike | None = None,
) -> Array:
    """Voice a sound with given formants.

    Parameters
    ----------
    peaks : array_like of shape (n_formants,)
        The first formants [Hz], increasing; higher ones follow as in a tube of the tract's length.
    who : Speaker
        Whose glottis it is.
    rng : numpy.random.Generator
        Source of jitter, shimmer and noise.
    rate : int, optional
        Sampling rate [Hz], 8000 or more.
    duration : float, optional
        Duration [s].
    pitch : array_like of shape () or (n_points,), optional
        Fundamental frequency [Hz], or its course at points evenly spread from beginning to end,
        20 to 2000; the speaker's own if not given.

    Returns
    -------
    ndarray of shape (n_samples,)
        The sound, with a peak of 0.5, faded in and out over 20 ms.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when pitch or formants are no such frequencies.

    Notes
    -----
    Flow in one period, p = 0 to 1, with opening phase a and closing phase b:
    ``(1 - cos(pi p / a)) / 2``, then ``cos(pi (p - a) / (2 b))``, then 0 (Rosenberg's pulse C). Its
    derivative passes resonators ``1 - 2 r cos(w) + r^2 over 1 - 2 r cos(w) z^-1 + r^2 z^-2``,
    ``w = 2 pi F / rate``, ``r = exp(-pi B / rate)``, B = 50 Hz + 0.04 F, one after the other.

    References
    ----------
    Rosenberg 1971; Klatt 1980, eq. (1) to (3)

    Examples
    --------
    >>> who = Speaker("somebody", 100.0, 0.175)
    >>> x = phonate([500, 1500, 2500], who, np.random.default_rng(0), 8000, duration=0.25)
    >>> x.shape, float(np.abs(x).max())
    ((2000,), 0.5)
    """
    in_range(rate, "rate", 8000, 768_000, unit="Hz")
    in_range(duration, "duration", 0.01, 600.0, unit="s", hint="given in milliseconds?")
    inner = int(np.ceil(INNER_RATE / rate)) * rate
    n_samples = round(duration * rate)
    course = _course(who.pitch if pitch is None else pitch, n_samples * (inner // rate))
    x = _glottis(course, who, rng, inner)
    sos = [_resonator(F, inner) for F in _all_formants(peaks, who)]
    y = resample(np.asarray(sosfilt(sos, x)), inner, rate)
    n_fade = min(round(FADE * rate), n_samples // 2)
    ramp = np.sin(np.pi / 2 * (np.arange(n_fade) + 0.5) / max(1, n_fade)) ** 2
    y[:n_fade] *= ramp
    y[n_samples - n_fade :] *= ramp[::-1]
    return np.asarray(y * (PEAK / np.abs(y).max()))


def _course(pitch: ArrayLike, n: int) -> Array:
    f = np.atleast_1d(np.asarray(pitch, dtype=np.float64))
    if f.ndim != 1 or not f.size or not ((f >= 20) & (f <= 2000)).all():
        raise InputError("E-ARGUMENT", f"pitch is {pitch!r}; expected one or more of 20 to 2000 Hz")
    return np.interp(np.linspace(0, 1, n), np.linspace(0, 1, f.size), f)


def _glottis(course: Array, who: Speaker, rng: np.random.Generator, rate: float) -> Array:
    """Derivative of the flow, and the noise that the flow carries."""
    starts, periods = [0.0], []
    while starts[-1] < course.size:
        period = rate / course[int(starts[-1])] * (1 + who.jitter * np.clip(rng.normal(), -3, 3))
        periods.append(period)
        starts.append(starts[-1] + period)
    n = np.arange(course.size)
    k = np.searchsorted(starts, n, side="right") - 1
    p = (n - np.take(starts, k)) / np.take(periods, k)
    strength = 1 + who.shimmer * np.clip(rng.standard_normal(len(periods)), -3, 3)
    flow, slope = _pulse(p, who.open_quotient)
    pulses = slope * strength[k]
    noise = rng.standard_normal(n.size) * flow
    level = 10 ** (who.breathiness / 20) * np.sqrt(rate / 16_000)
    # 0.5 is about the RMS of the flow while the glottis is open half of the time
    return np.asarray(pulses + noise * (level * np.sqrt(np.mean(pulses**2)) / 0.5))


def _pulse(p: Array, open_quotient: float) -> tuple[Array, Array]:
    """Flow and its derivative at phases p of the period."""
    a, b = OPENING * open_quotient, (1 - OPENING) * open_quotient
    opening, closing = p < a, (p >= a) & (p < a + b)
    u, v = np.pi * p / a, np.pi * (p - a) / (2 * b)
    flow = np.where(opening, (1 - np.cos(u)) / 2, np.where(closing, np.cos(v), 0.0))
    slope = np.where(
        opening, np.pi / (2 * a) * np.sin(u), np.where(closing, -np.pi / (2 * b) * np.sin(v), 0.0)
    )
    return flow, slope


def _all_formants(peaks: ArrayLike, who: Speaker) -> Array:
    F = np.asarray(peaks, dtype=np.float64)
    if F.ndim != 1 or not F.size or not ((F > 0) & (F < HIGHEST)).all() or (np.diff(F) <= 0).any():
        raise InputError(
            "E-ARGUMENT", f"peaks is {peaks!r}; expected increasing formants up to {HIGHEST:g} Hz"
        )
    tube = TUBE * (TRACT / who.tract_length) * (2 * np.arange(F.size, 100) + 1)
    return np.concatenate([F, tube[(tube > F[-1]) & (tube < HIGHEST)]])


def _resonator(F: float, rate: float) -> Array:
    """One formant as a second-order section with a gain of 1 at 0 Hz."""
    r, w = np.exp(-np.pi * (50 + 0.04 * F) / rate), 2 * np.pi * F / rate
    a1, a2 = -2 * r * np.cos(w), r**2
    return np.array([1 + a1 + a2, 0.0, 0.0, 1.0, a1, a2])


def vowel(
    name: str,
    who: Speaker,
    rng: np.random.Generator,
    rate: int = 16_000,
    *,
    duration: float = 0.5,
    pitch: ArrayLike | None = None,
) -> Array:
    """Let a speaker say a vowel.

    Parameters
    ----------
    name : {"a", "e", "i", "o", "u"}
        The vowel.
    who : Speaker
        The speaker.
    rng : numpy.random.Generator
        Source of jitter, shimmer and noise.
    rate : int, optional
        Sampling rate [Hz], 8000 or more.
    duration : float, optional
        Duration [s].
    pitch : array_like of shape () or (n_points,), optional
        As of `phonate`.

    Returns
    -------
    ndarray of shape (n_samples,)
        The sound, with a peak of 0.5.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` for an unknown vowel.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> vowel("a", speaker(rng), rng).shape
    (8000,)
    """
    return phonate(formants(name, who), who, rng, rate, duration=duration, pitch=pitch)


def voice_corpus(
    rng: np.random.Generator, *, n_speakers: int = 8, n_takes: int = 4, rate: int = 16_000
) -> Iterator[VoiceItem]:
    """Let several speakers say every vowel several times, one sound after the other.

    Formants vary by 3 % from take to take, pitch by 8 % and within the take; duration and level are
    drawn independently of the vowel. Each speaker has a generator of their own: one sounds the same
    however many follow.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n_speakers : int, optional
        Number of speakers (groups).
    n_takes : int, optional
        Takes of each vowel by each speaker.
    rate : int, optional
        Sampling rate [Hz], 8000 or more.

    Yields
    ------
    VoiceItem
        Vowel, speaker, index, signal, rate, pitch and formants.

    Examples
    --------
    >>> items = list(voice_corpus(np.random.default_rng(0), n_speakers=2, n_takes=1))
    >>> len(items), items[0].vowel, items[-1].speaker
    (10, 'a', 'speaker2')
    """
    whole(n_speakers, "n_speakers")
    whole(n_takes, "n_takes")
    for i, child in enumerate(rng.spawn(n_speakers), start=1):
        who = speaker(child, name=f"speaker{i}")
        for index in range(1, n_takes + 1):
            for name in VOWELS:
                yield _take(name, who, index, child, rate)


def _take(name: str, who: Speaker, index: int, rng: np.random.Generator, rate: int) -> VoiceItem:
    F = np.sort(formants(name, who) * np.exp(rng.normal(0, 0.03, 3)))
    pitch = who.pitch * float(np.exp(rng.normal(0, 0.08)))
    course = pitch * np.exp(rng.normal(0, 0.04, 4))
    duration, level = rng.uniform(0.3, 0.7), 10 ** (rng.uniform(-18, 3) / 20)
    x = phonate(F, who, rng, rate, duration=duration, pitch=course) * level
    return VoiceItem(
        name, who.name, index, x, rate, float(course.mean()), tuple(float(f) for f in F)
    )
