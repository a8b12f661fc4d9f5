r"""Players for lessons: a sound beside its picture, a cursor in it, neighbours at equal loudness.

    listen(x, 16000)
    listen({"clean": x, "noisy": y}, 16000, picture="spectrogram")

Sounds that are compared differ in what is meant only when they are equally loud: the louder one
sounds better. Each is brought to `LOUDNESS` by a gain, and all of a row are lowered by the same amount
when a peak would pass `PEAK`:

    gain_i = L - L_i,   L = min(LOUDNESS, min_i (L_i + PEAK - peak_i))        all in dB

*Conventions*: a signal is (n_samples,) or (n_samples, 2), full scale 1; sounds are embedded as FLAC with
16 bits, nothing is loaded from elsewhere, nothing starts by itself, and one plays at a time.

*References*: ITU-R BS.1770-5 (loudness).
"""

from __future__ import annotations

import base64
import hashlib
import html
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp import plot
from ddasp._check import in_range, one_of, signal_2d
from ddasp._errors import InputError
from ddasp.audio.files import encode
from ddasp.audio.loudness import integrated_loudness
from ddasp.audio.resampling import to_mono
from ddasp.audio.stft import frequencies, power_spectra
from ddasp.course.showing import scoped

__all__ = ["Players", "Sound", "listen"]

LOUDNESS, PEAK = -20.0, -1.0  # LUFS, dBFS
SHORTEST = 0.4  # seconds, the block of BS.1770
LONGEST = 30.0  # seconds of one sound; a page holds dozens
FLOOR = -80.0  # of spectrograms [dB]

# The cursor follows the sound; starting one stops the others.
SCRIPT = """(()=>{const all=document.querySelectorAll("#ID audio");for(const a of all){
const s=a.closest("figure").querySelector("svg");let c=null;
const move=()=>{if(!c)return;const l=+s.dataset.left,r=+s.dataset.right;
const x=l+(r-l)*Math.min(1,a.currentTime/+s.dataset.end);c.setAttribute("x1",x);c.setAttribute("x2",x);
if(!a.paused)requestAnimationFrame(move)};
a.addEventListener("play",()=>{for(const o of document.querySelectorAll("audio"))if(o!==a)o.pause();
if(!c){c=document.createElementNS("http://www.w3.org/2000/svg","line");
c.setAttribute("y1",s.dataset.top);c.setAttribute("y2",s.dataset.bottom);
c.setAttribute("class","cursor");s.append(c)}move()});
a.addEventListener("seeked",move);
a.addEventListener("ended",()=>{if(c){c.remove();c=null}})}})()"""


@dataclass(frozen=True)
class Sound:
    """One sound of a row of players.

    Parameters
    ----------
    name : str
        What it is.
    gain : float
        Gain of the player [dB].
    flac : bytes
        What is played.
    svg : str
        Its picture.
    """

    name: str
    gain: float
    flac: bytes
    svg: str


@dataclass(frozen=True)
class Players:
    """A row of players; as the last value of a cell it is displayed.

    Parameters
    ----------
    sounds : tuple of Sound
        In the order in which they were given.
    level : str
        Said once below them: how loud they are.
    """

    sounds: tuple[Sound, ...]
    level: str

    def _repr_html_(self) -> str:
        name = "p" + hashlib.sha256(b"".join(s.flac for s in self.sounds)).hexdigest()[:8]
        row = "".join(map(_player, self.sounds))
        return scoped(
            "<style>.ddasp-players{display:flex;flex-wrap:wrap;gap:16px}"
            ".ddasp-players figure{flex:1 1 280px;max-width:420px;min-width:0}"
            ".ddasp-players audio{width:100%;height:36px}"
            ".ddasp-players .cursor{stroke:var(--bad);stroke-width:1.5}"
            "@media print{.ddasp-players audio{display:none}}</style>"
            f'<div class="ddasp-players" id="{name}">{row}</div>'
            f"<figcaption>{html.escape(self.level)}</figcaption>"
            f"<script>{SCRIPT.replace('ID', name)}</script>"
        )


def listen(
    sounds: ArrayLike | Mapping[str, ArrayLike],
    sampling_rate: float,
    *,
    picture: str = "waveform",
    equal_loudness: bool = True,
) -> Players:
    """Players for one sound, or for several that are compared.

    Parameters
    ----------
    sounds : array_like of shape (n_samples,) or (n_samples, 2), or mapping of names to such
        Full scale 1.
    sampling_rate : float
        Sampling rate [Hz].
    picture : {"waveform", "spectrogram"}
        What stands beside the player: the waveform alone, or above the spectrogram.
    equal_loudness : bool
        Play all at one loudness. Without it all are played as they are, where a level is the point.

    Returns
    -------
    Players

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when a sound is empty, not finite, longer than 30 s, or has more than two channels;
        without equal loudness also when it passes full scale.

    Examples
    --------
    >>> t = np.arange(8000) / 8000
    >>> tones = {"low": 0.1 * np.sin(2 * np.pi * 200 * t), "high": 0.5 * np.sin(2 * np.pi * 1000 * t)}
    >>> [round(sound.gain, 1) for sound in listen(tones, 8000).sounds]
    [3.8, -11.0]
    """
    one_of(picture, "picture", ("waveform", "spectrogram"))
    in_range(sampling_rate, "sampling_rate", 1000.0, 655350.0, unit="Hz")
    named = dict(sounds) if isinstance(sounds, Mapping) else {"": sounds}
    signals = {name: _checked(name, x, sampling_rate) for name, x in named.items()}
    if equal_loudness:
        gains, level = _equal_gains(list(signals.values()), sampling_rate)
    else:
        gains, level = [_as_it_is(name, x) for name, x in signals.items()], "Played as they are."
    return Players(
        tuple(
            Sound(
                str(name),
                gain,
                _flac(x, gain, sampling_rate),
                _picture(name, x, sampling_rate, picture),
            )
            for (name, x), gain in zip(signals.items(), gains, strict=True)
        ),
        level,
    )


def _checked(name: str, sound: ArrayLike, sampling_rate: float) -> NDArray[np.float64]:
    x = np.asarray(signal_2d(sound), dtype=np.float64)
    n_samples, n_channels = x.shape
    if n_channels > 2:
        raise InputError(
            "E-ARGUMENT",
            f"{name or 'the sound'} has {n_channels} channels; expected one or two - is it transposed?",
        )
    if not 0 < n_samples <= LONGEST * sampling_rate:
        raise InputError(
            "E-ARGUMENT",
            f"{name or 'the sound'} lasts {n_samples / sampling_rate:g} s; expected more than 0 and at "
            f"most {LONGEST:g} s, for a page holds many sounds - cut an excerpt?",
        )
    return x


def _equal_gains(
    signals: list[NDArray[np.float64]], sampling_rate: float
) -> tuple[list[float], str]:
    """Gain of each [dB], and what the listener is told."""
    levels = [_loudness(x, sampling_rate) for x in signals]
    peaks = [20 * math.log10(max(float(np.abs(x).max()), 1e-10)) for x in signals]
    heard = [(L, peak) for L, peak in zip(levels, peaks, strict=True) if math.isfinite(L)]
    target = min([LOUDNESS, *(L + PEAK - peak for L, peak in heard)])
    gains = [target - L if math.isfinite(L) else 0.0 for L in levels]
    what = f"At {target:.1f} LUFS" if len(signals) == 1 else f"All at {target:.1f} LUFS"
    return gains, f"{what.replace('-', '−')} (ITU-R BS.1770)."


def _loudness(x: NDArray[np.float64], sampling_rate: float) -> float:
    """Loudness [LUFS]; what is shorter than one block is followed by silence."""
    missing = max(0, math.ceil(SHORTEST * sampling_rate) + 1 - len(x))
    return float(integrated_loudness(np.pad(x, ((0, missing), (0, 0))), sampling_rate))


def _as_it_is(name: str, x: NDArray[np.float64]) -> float:
    peak = float(np.abs(x).max())
    if peak > 1.0:
        raise InputError(
            "E-ARGUMENT",
            f"{name or 'the sound'} has a peak of {peak:.3g}; expected 1 at most, for a player clips "
            "what is above - scale it, or play it at equal loudness?",
        )
    return 0.0


def _flac(x: NDArray[np.float64], gain: float, sampling_rate: float) -> bytes:
    return encode(np.clip(x * 10 ** (gain / 20), -1, 1), round(sampling_rate), container="FLAC")


def _picture(name: str, x: NDArray[np.float64], sampling_rate: float, kind: str) -> str:
    mono = np.asarray(to_mono(x), dtype=np.float64).ravel()
    alt = f"{kind.capitalize()} of {name or 'the sound'}, {len(mono) / sampling_rate:.2g} s."
    if kind == "waveform":
        return plot.to_svg(plot.waveform(mono, sampling_rate), alt=alt)
    length = 2 ** round(math.log2(max(0.03 * sampling_rate, 8)))
    spectra = power_spectra(mono, length, length // 4, n_fft=2 * length)
    levels = 10 * np.log10(np.maximum(spectra.T / max(float(spectra.max()), 1e-30), 1e-20))
    bands = frequencies(2 * length, sampling_rate)
    return plot.to_svg(
        plot.sound(mono, sampling_rate, levels, bands, floor=FLOOR, width=420), alt=alt
    )


def _player(sound: Sound) -> str:
    data = base64.b64encode(sound.flac).decode()
    name = html.escape(sound.name)
    label = f"<figcaption><b>{name}</b></figcaption>" if name else ""
    return (
        f'<figure>{label}{sound.svg}<audio controls preload="metadata" aria-label="{name or "sound"}" '
        f'src="data:audio/flac;base64,{data}"></audio></figure>'
    )
