"""A drum machine whose every sound is known: the demo corpus.

Six voices (kick, snare, closed hat, open hat, tom, clap) are synthesised from randomised physical
parameters: a `DrumKit` fixes what one machine in one room with one microphone has in common, and
each hit varies a little around it. Kits differ so much that a tom of one may lie lower than the kick
of another; whoever wants to know how well a *new* kit is understood must test on kits that were not
learned.

*Conventions*: mono signals of shape (n_samples,), float64, full scale = 1; rates and frequencies
in Hz, times in s, levels in dB. ``decay_time`` is T60, the time in which the amplitude of the dry
voice falls by 60 dB. All randomness comes from the generator that is passed in.

*References*: Reid 2002, "Synth Secrets" 35-40 (the circuits of the voices); Smith 2010, "Physical
Audio Signal Processing".
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import butter, fftconvolve, sosfilt

from ddasp._check import in_range, one_of
from ddasp.audio.noises import noise

__all__ = [
    "VOICES",
    "DrumHit",
    "DrumItem",
    "DrumKit",
    "drum_corpus",
    "drum_hit",
    "drum_kit",
    "drum_stroke",
]

VOICES = ("kick", "snare", "closed_hat", "open_hat", "tom", "clap")

Array = NDArray[np.float64]
_Kind = Literal["lowpass", "highpass", "bandpass"]


@dataclass(frozen=True)
class DrumKit:
    """What all hits of one drum machine, in one room, at one microphone have in common.

    Frequencies in Hz, times in s, levels in dB. `drum_kit` draws one.

    Attributes
    ----------
    name : str
        Name; the group of an honest split.
    kick_pitch, tom_pitch, snare_pitch : float
        Final pitch of the tuned voices.
    kick_drop, tom_drop : float
        Ratio of the first pitch to the final one.
    drop_time : float
        Time constant of the pitch's fall.
    click : float
        Level of the beater's noise relative to the tone.
    snare_wires : float
        Share of noise in the snare, 0 to 1.
    noise_colour : float
        Slope of the noise of snare and clap [dB per octave].
    noise_band : float
        Centre of the clap's noise.
    hat_pitch : float
        Lowest of the six square waves in the hats.
    hat_metal : float
        Share of the square waves in the hats; the rest is noise.
    hat_cutoff : float
        High-pass of the hats.
    clap_spacing : float
        Time between the hands.
    decay : tuple of float
        T60 of each of `VOICES`.
    drive : float
        Gain into the saturation.
    brightness : float
        Cutoff of the microphone's low-pass.
    tilt : float
        Slope of the microphone [dB per octave].
    room_time, room_level : float
        T60 of the room, level of its tail relative to the direct sound.
    hiss_slope : float
        Slope of the background's spectrum [dB per octave].
    hiss_level : float
        Its level relative to the hit.
    """

    name: str
    kick_pitch: float
    kick_drop: float
    tom_pitch: float
    tom_drop: float
    snare_pitch: float
    drop_time: float
    click: float
    snare_wires: float
    noise_colour: float
    noise_band: float
    hat_pitch: float
    hat_metal: float
    hat_cutoff: float
    clap_spacing: float
    decay: tuple[float, ...]
    drive: float
    brightness: float
    tilt: float
    room_time: float
    room_level: float
    hiss_slope: float
    hiss_level: float


class DrumHit(NamedTuple):
    """One sound of shape (n_samples,) and the T60 of its dry voice [s]."""

    signal: Array
    decay_time: float


@dataclass(frozen=True)
class DrumItem:
    """One item of the corpus: index counts the hits of one voice in one kit from 1."""

    voice: str
    kit: str
    index: int
    signal: Array
    rate: int
    decay_time: float


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def drum_kit(rng: np.random.Generator, *, name: str = "kit") -> DrumKit:
    """Draw a kit at random; ranges of different voices overlap on purpose.

    Examples
    --------
    >>> kit = drum_kit(np.random.default_rng(0), name="kitA")
    >>> kit.name, 40 < kit.kick_pitch < 120
    ('kitA', True)
    """
    closed = _log_uniform(rng, 0.04, 0.16)
    return DrumKit(
        name=name,
        kick_pitch=_log_uniform(rng, 40, 85),
        kick_drop=_log_uniform(rng, 2.0, 6.0),
        tom_pitch=_log_uniform(rng, 90, 260),
        tom_drop=_log_uniform(rng, 1.05, 1.7),
        snare_pitch=_log_uniform(rng, 130, 330),
        drop_time=_log_uniform(rng, 0.012, 0.08),
        click=_log_uniform(rng, 0.05, 0.8),
        snare_wires=float(rng.uniform(0.25, 0.95)),
        noise_colour=float(rng.uniform(-6, 1)),
        noise_band=_log_uniform(rng, 700, 2800),
        hat_pitch=_log_uniform(rng, 180, 540),
        hat_metal=float(rng.uniform(0.0, 0.9)),
        hat_cutoff=_log_uniform(rng, 1800, 6500),
        clap_spacing=_log_uniform(rng, 0.004, 0.016),
        decay=(
            _log_uniform(rng, 0.15, 0.9),
            _log_uniform(rng, 0.1, 0.6),
            closed,
            closed * _log_uniform(rng, 3.0, 7.0),
            _log_uniform(rng, 0.2, 1.0),
            _log_uniform(rng, 0.1, 0.6),
        ),
        drive=_log_uniform(rng, 0.3, 5.0),
        brightness=_log_uniform(rng, 1800, 9500),
        tilt=float(rng.uniform(-4, 2)),
        room_time=_log_uniform(rng, 0.12, 0.6),
        room_level=float(rng.uniform(-28, -8)),
        hiss_slope=float(rng.uniform(-6, 0)),
        hiss_level=float(rng.uniform(-52, -30)),
    )


def _decay(n: int, t60: float, rate: float) -> Array:
    """Amplitude envelope: exp(-ln(1000) t / T60)."""
    return np.asarray(np.exp(-np.log(1000) / (t60 * rate) * np.arange(n)))


def _glide(n: int, pitch: float, drop: float, time: float, rate: float) -> Array:
    """Sine whose pitch falls exponentially from drop * pitch to pitch."""
    t = np.arange(n) / rate
    cycles = pitch * (t + (drop - 1) * time * -np.expm1(-t / time))
    return np.asarray(np.sin(2 * np.pi * cycles))


def _filter(x: Array, kind: _Kind, cutoff: float | tuple[float, float], rate: float) -> Array:
    """Second-order Butterworth filter, kept below half the rate."""
    edges = np.minimum(cutoff, 0.45 * rate)
    return np.asarray(sosfilt(butter(2, edges, kind, fs=rate, output="sos"), x))


def _drum(
    n: int, kit: DrumKit, t60: float, rng: np.random.Generator, rate: float, *, voice: str
) -> Array:
    """A membrane: a gliding tone and the noise of the beater (kick and tom)."""
    pitch, drop = (
        (kit.kick_pitch, kit.kick_drop) if voice == "kick" else (kit.tom_pitch, kit.tom_drop)
    )
    pitch *= rng.normal(1, 0.04)
    drop = 1 + (drop - 1) * rng.uniform(0.7, 1.3)
    tone = _glide(n, pitch, drop, kit.drop_time * rng.uniform(0.8, 1.25), rate)
    click = noise(n, rng, slope=kit.noise_colour) * _decay(n, 0.04 * rng.uniform(0.6, 1.6), rate)
    return tone * _decay(n, t60, rate) + kit.click * rng.uniform(0.5, 1.5) * click


def _snare(n: int, kit: DrumKit, t60: float, rng: np.random.Generator, rate: float) -> Array:
    """Two modes of the membrane and the noise of the wires."""
    pitch = kit.snare_pitch * rng.normal(1, 0.04)
    tone = _glide(n, pitch, kit.tom_drop, 0.02, rate)
    tone += 0.6 * _glide(n, 1.59 * pitch, 1.1, 0.02, rate)
    wires = noise(n, rng, slope=kit.noise_colour)
    share = float(np.clip(kit.snare_wires * rng.uniform(0.85, 1.15), 0, 1))
    return np.asarray((1 - share) * tone + share * wires) * _decay(n, t60, rate)


def _hat(n: int, kit: DrumKit, t60: float, rng: np.random.Generator, rate: float) -> Array:
    """Six square waves out of tune with each other, and noise, through a high-pass."""
    ratios = np.array([1.0, 1.304, 1.466, 1.787, 1.932, 2.536]) * rng.normal(1, 0.01, 6)
    t = np.arange(n) / rate
    phases = rng.uniform(0, 1, 6)
    metal = sum(
        np.sign(np.sin(2 * np.pi * (kit.hat_pitch * r * t + p)))
        for r, p in zip(ratios, phases, strict=True)
    ) / np.sqrt(6)
    x = kit.hat_metal * metal + (1 - kit.hat_metal) * noise(n, rng)
    return _filter(x, "highpass", kit.hat_cutoff * rng.uniform(0.9, 1.1), rate) * _decay(
        n, t60, rate
    )


def _clap(n: int, kit: DrumKit, t60: float, rng: np.random.Generator, rate: float) -> Array:
    """Several hands one after the other, and the tail of the last."""
    centre = kit.noise_band * rng.uniform(0.85, 1.15)
    x = _filter(noise(n, rng), "bandpass", (centre / 1.6, 1.6 * centre), rate)
    envelope = np.zeros(n)
    n_hands = int(rng.integers(2, 5))
    for hand in range(n_hands):
        at = min(n - 1, round(hand * kit.clap_spacing * rng.uniform(0.8, 1.2) * rate))
        time = t60 if hand == n_hands - 1 else 5 * kit.clap_spacing
        envelope[at:] += _decay(n - at, time, rate)
    return x * envelope


def _microphone(x: Array, kit: DrumKit, rng: np.random.Generator, rate: float) -> Array:
    """Saturation, room, spectral slope and band limit of the kit."""
    x = np.tanh(kit.drive * x / np.max(np.abs(x))) / np.tanh(kit.drive)
    n_room = max(2, round(kit.room_time * rate))
    tail = noise(n_room, rng) * _decay(n_room, kit.room_time, rate)
    tail *= 10 ** (kit.room_level / 20) / np.sqrt(np.sum(tail**2))
    x = x + fftconvolve(x, tail)[: x.size]
    x = _filter(x, "lowpass", kit.brightness, rate)
    n_fft = next_fast_len(x.size, real=True)
    f = np.maximum(np.fft.rfftfreq(n_fft, 1 / rate), 40.0)
    return np.asarray(irfft(rfft(x, n_fft) * (f / 1000) ** (kit.tilt / 6.02), n_fft)[: x.size])


def _struck(
    voice: str, n: int, kit: DrumKit, t60: float, rng: np.random.Generator, rate: float
) -> Array:
    """One voice through the microphone, beginning at the first of n samples."""
    if voice in ("kick", "tom"):
        dry = _drum(n, kit, t60, rng, rate, voice=voice)
    else:
        make = {"snare": _snare, "closed_hat": _hat, "open_hat": _hat, "clap": _clap}[voice]
        dry = make(n, kit, t60, rng, rate)
    return _microphone(dry, kit, rng, rate)


def drum_stroke(
    voice: str, kit: DrumKit, rng: np.random.Generator, rate: int = 22_050, *, duration: float = 0.5
) -> Array:
    """Strike one voice of a kit for music: at once, at full level, without background noise.

    Parameters
    ----------
    voice : str
        One of `VOICES`.
    kit : DrumKit
        The machine, its room and its microphone.
    rng : numpy.random.Generator
        Source of what differs from stroke to stroke.
    rate : int, optional
        Sampling rate [Hz], 8000 or more.
    duration : float, optional
        Where the sound is faded out [s], 0.01 or more.

    Returns
    -------
    ndarray of shape (n_samples,)
        The stroke, with a peak of 1.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` for an unknown voice.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = drum_stroke("kick", drum_kit(rng), rng, 8000, duration=0.25)
    >>> x.shape, float(np.abs(x).max())
    ((2000,), 1.0)
    """
    one_of(voice, "voice", VOICES)
    in_range(rate, "rate", 8000, 768_000, unit="Hz")
    in_range(duration, "duration", 0.01, 100.0, unit="s", hint="given in milliseconds?")
    x = _struck(voice, round(duration * rate), kit, kit.decay[VOICES.index(voice)], rng, rate)
    n_fade = max(1, x.size // 10)
    x[-n_fade:] *= np.linspace(1, 0, n_fade)
    return np.asarray(x / np.abs(x).max())


def drum_hit(voice: str, kit: DrumKit, rng: np.random.Generator, rate: int = 22_050) -> DrumHit:
    """Strike one voice of a kit once.

    Level, length, the silence before the hit and the noise behind it are drawn independently of
    the voice: none of them tells the class.

    Parameters
    ----------
    voice : str
        One of `VOICES`.
    kit : DrumKit
        The machine, its room and its microphone.
    rng : numpy.random.Generator
        Source of what differs from hit to hit.
    rate : int, optional
        Sampling rate [Hz], 8000 or more.

    Returns
    -------
    DrumHit
        Signal of shape (n_samples,) within [-1, 1], and the T60 of the dry voice [s].

    Raises
    ------
    InputError
        ``E-ARGUMENT`` for an unknown voice.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> hit = drum_hit("kick", drum_kit(rng), rng)
    >>> hit.signal.ndim, 0.05 < hit.decay_time < 1.5
    (1, True)
    """
    one_of(voice, "voice", VOICES)
    in_range(rate, "rate", 8000, 768_000, unit="Hz")
    n = round(rng.uniform(0.6, 1.3) * rate)
    before = round(rng.uniform(0.0, 0.08) * rate)
    level = rng.uniform(-24, -3)
    t60 = kit.decay[VOICES.index(voice)] * float(np.exp(rng.normal(0, 0.12)))
    x = np.zeros(n)
    x[before:] = _struck(voice, n - before, kit, t60, rng, rate)
    hiss = noise(n, rng, slope=kit.hiss_slope) * 10 ** ((kit.hiss_level + rng.normal(0, 3)) / 20)
    x = x / np.max(np.abs(x)) + hiss
    return DrumHit(x * 10 ** (level / 20) / np.max(np.abs(x)), t60)


def _kit_name(i: int) -> str:
    """The names kitA .. kitZ, kitAA, kitAB ..: letters, so that a number can follow."""
    letters = string.ascii_uppercase
    name = ""
    i += 1
    while i:
        i, digit = divmod(i - 1, 26)
        name = letters[digit] + name
    return f"kit{name}"


def drum_corpus(
    rng: np.random.Generator, *, n_kits: int = 12, n_hits: int = 5, rate: int = 22_050
) -> Iterator[DrumItem]:
    """Strike every voice of several kits several times, one sound after the other.

    Each kit has a generator of its own: a kit sounds the same however many follow it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n_kits : int, optional
        Number of kits (groups).
    n_hits : int, optional
        Hits of each voice in each kit.
    rate : int, optional
        Sampling rate [Hz].

    Yields
    ------
    DrumItem
        Voice, kit, index, signal, rate and decay time.

    Examples
    --------
    >>> items = list(drum_corpus(np.random.default_rng(0), n_kits=2, n_hits=1))
    >>> len(items), items[0].voice, items[-1].kit
    (12, 'kick', 'kitB')
    """
    in_range(n_kits, "n_kits", 1, 100_000)
    in_range(n_hits, "n_hits", 1, 100_000)
    for i, child in enumerate(rng.spawn(n_kits)):
        kit = drum_kit(child, name=_kit_name(i))
        for index in range(1, n_hits + 1):
            for voice in VOICES:
                hit = drum_hit(voice, kit, child, rate)
                yield DrumItem(voice, kit.name, index, hit.signal, rate, hit.decay_time)
