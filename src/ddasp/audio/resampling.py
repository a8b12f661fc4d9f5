"""Another sampling rate, of a whole sound or of one that never ends, and one channel of many.

*Conventions*: samples are floats of shape (n_samples,) or (n_samples, n_channels), rates in Hz. A
sound of n samples has n_new = n new_rate / rate samples afterwards, rounded (half to even), and at
least one. The samples of a stream do not depend on where it was cut into blocks.

*References*: soxr, quality "HQ": 20 bits, linear phase, pass band to 0.91 of the lower Nyquist
frequency; it computes in float32, whatever the type of the samples.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, signal_2d
from ddasp._errors import InputError

__all__ = ["MonoResampler", "new_length", "resample", "to_mono"]


def to_mono(signal: ArrayLike) -> NDArray[np.floating]:
    """Mean of the channels, shape (n_samples,); what is in antiphase cancels.

    Examples
    --------
    >>> to_mono([[1.0, 0.5], [-1.0, 1.0]])
    array([0.75, 0.  ])
    """
    x = signal_2d(signal)
    return np.array(x[:, 0]) if x.shape[1] == 1 else np.asarray(x.mean(axis=1))


def new_length(n: int, rate: float, new_rate: float) -> int:
    """How many samples n samples are at another rate.

    Examples
    --------
    >>> new_length(441, 44_100, 16_000), new_length(1, 48_000, 8_000), new_length(0, 48_000, 8_000)
    (160, 1, 0)
    """
    return max(1, round(n * new_rate / rate)) if n else 0


def resample(signal: ArrayLike, rate: float, new_rate: float) -> NDArray[np.floating]:
    """Another sampling rate, by soxr at quality "HQ"; a copy when the rates are equal.

    Parameters
    ----------
    signal : array_like of shape (n_samples,) or (n_samples, n_channels)
        float32 or float64, which is kept.
    rate, new_rate : float
        Sampling rates [Hz].

    Returns
    -------
    ndarray of shape (n_new,) or (n_new, n_channels)
        n_new = n_samples new_rate / rate, rounded, and at least 1.

    Examples
    --------
    >>> resample(np.zeros(480), 48000, 8000).shape
    (80,)
    """
    x = signal_2d(signal)
    in_range(rate, "rate", 1.0, 1e7, unit="Hz")
    in_range(new_rate, "new_rate", 1.0, 1e7, unit="Hz")
    if rate == new_rate or not len(x):
        return np.array(signal, dtype=x.dtype)
    n_new = new_length(len(x), rate, new_rate)
    y = soxr.resample(x, rate, new_rate, quality="HQ")[:n_new]
    if len(y) < n_new:  # the end is rounded differently by one sample
        y = np.concatenate([y, np.zeros((n_new - len(y), x.shape[1]), x.dtype)])
    return np.asarray(y[:, 0] if np.ndim(signal) == 1 else y)


class MonoResampler:
    """Blocks of any channels at one rate in, one channel at another rate out.

    All that was pushed, and then `finish`, give together what ``resample(to_mono(x), rate,
    new_rate)`` gives of the whole, however it was cut.

    Parameters
    ----------
    rate, new_rate : float
        Sampling rates [Hz]. When they are equal, nothing is held back.

    Attributes
    ----------
    n_in, n_out : int
        Samples that went in and that came out.

    Notes
    -----
    Sample m of the output is the sound at m / new_rate: there is no delay in it, but it comes late,
    because the filter must have seen what follows, and works in blocks of its own. `pending` says
    by how much: 585 to 1400 samples of the lower rate; 37 ms from 48 to 16 kHz, 40 ms from 44.1 to
    16 kHz, 21 ms from 44.1 to 48 kHz, 175 ms from 8 to 48 kHz.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((5000, 2))
    >>> stream = MonoResampler(44_100, 16_000)
    >>> parts = [stream.push(block) for block in np.split(x, [7, 8, 3000])]
    >>> y = np.concatenate([*parts, stream.finish()])
    >>> bool(np.allclose(y, resample(to_mono(x), 44_100, 16_000), atol=1e-6))
    True
    """

    def __init__(self, rate: float, new_rate: float) -> None:
        self._rate = in_range(rate, "rate", 1.0, 1e7, unit="Hz")
        self._new_rate = in_range(new_rate, "new_rate", 1.0, 1e7, unit="Hz")
        self.n_in = 0
        self.n_out = 0
        self._finished = False
        self._soxr = None
        if rate != new_rate:
            self._soxr = soxr.ResampleStream(rate, new_rate, 1, dtype="float64", quality="HQ")

    @property
    def pending(self) -> float:
        """How much of what went in has not come out yet [s]."""
        return self.n_in / self._rate - self.n_out / self._new_rate

    def push(self, block: ArrayLike) -> NDArray[np.float64]:
        """Give the next samples.

        Parameters
        ----------
        block : array_like of shape (n_samples,) or (n_samples, n_channels)
            Any number of samples, none as well.

        Returns
        -------
        ndarray of shape (n_new,)
            The samples that are ready; there may be none.

        Raises
        ------
        InputError
            ``E-ARGUMENT`` after `finish`.
        """
        if self._finished:
            raise InputError("E-ARGUMENT", "the stream is finished; expected a new MonoResampler")
        x = to_mono(signal_2d(block).astype(np.float64, copy=False))
        self.n_in += x.size
        y = x if self._soxr is None else self._soxr.resample_chunk(x)
        self.n_out += y.size
        return np.asarray(y)

    def finish(self) -> NDArray[np.float64]:
        """End the stream.

        Returns
        -------
        ndarray of shape (n_new,)
            The samples that were held back; together with all others as many as `resample` gives.
        """
        n_left = new_length(self.n_in, self._rate, self._new_rate) - self.n_out
        y = np.zeros(max(n_left, 0))
        if self._soxr is not None and not self._finished:
            last = self._soxr.resample_chunk(np.zeros(0), last=True)[: y.size]
            y[: last.size] = last
        self._finished = True
        self.n_out += y.size
        return y
