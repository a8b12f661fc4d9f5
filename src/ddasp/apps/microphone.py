"""Blocks of sound from the microphone, through PortAudio.

The driver calls back from a thread of its own, which does no more than put the samples into a queue.
What it could not deliver in time is lost and counted.

*Conventions*: blocks are float32 of shape (n_samples, 1), full scale = 1, at the device's own rate;
the model's resampler brings them to the model's, as it does for files.

*References*: PortAudio v19 through python-sounddevice, `InputStream`.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp._check import in_range
from ddasp._errors import DependencyError, InputError, RunError

try:
    import sounddevice as sd
except (ImportError, OSError) as error:  # OSError: the package without the library
    raise DependencyError(
        "E-DEPENDENCY",
        f'the microphone needs sounddevice and PortAudio ({error}): pip install "ddasp[live]", and on '
        "Linux the package libportaudio2 of the system",
    ) from error

__all__ = ["Microphone", "opened"]

BLOCK = 0.01  # s
PATIENCE = 5.0  # s without a block, after which the device is given up


class Microphone(Iterator[NDArray[np.float32]]):
    """An open input device; iterating gives its blocks until it is stopped.

    Attributes
    ----------
    name : str
        Of the device.
    rate : int
        Sampling rate [Hz].
    n_lost : int
        How often the driver reported lost samples.
    """

    def __init__(self, name: str, rate: int, seconds: float | None) -> None:
        self.name, self.rate, self.n_lost = name, rate, 0
        self._left = None if seconds is None else round(seconds * rate)
        self._blocks: queue.SimpleQueue[NDArray[np.float32]] = queue.SimpleQueue()
        self._stopped = threading.Event()

    def take(self, block: Any, _n: int, _time: Any, status: Any) -> None:
        """What the driver calls with each block."""
        self.n_lost += bool(status.input_overflow)
        self._blocks.put(np.array(block, np.float32))

    def stop(self, *_: Any) -> None:
        """End the iteration; what has come is still given."""
        self._stopped.set()

    def __next__(self) -> NDArray[np.float32]:
        if self._left == 0:
            raise StopIteration
        waited = 0.0
        while True:
            try:
                block = self._blocks.get(timeout=0 if self._stopped.is_set() else 0.1)
                break
            except queue.Empty:
                if self._stopped.is_set():
                    raise StopIteration from None
                waited += 0.1
                if waited > PATIENCE:
                    raise RunError(
                        "E-DEVICE",
                        f"no sound from {self.name} for {PATIENCE:g} s; is it muted or gone?",
                    ) from None
        if not np.isfinite(block).all():
            raise RunError("E-DEVICE", f"{self.name} gives samples that are NaN or infinite")
        if self._left is not None:
            block = block[: self._left]
            self._left -= len(block)
        return block


@contextlib.contextmanager
def opened(device: str | None, *, seconds: float | None = None) -> Iterator[Microphone]:
    """Open an input device; Ctrl-C ends its blocks, and what follows is still written.

    Parameters
    ----------
    device : str, optional
        Number, or part of the name; the system's default if left out.
    seconds : float, optional
        Length after which it ends [s].

    Yields
    ------
    Microphone

    Raises
    ------
    InputError
        ``E-DEVICE`` when there is no such device.
    """
    if seconds is not None:
        in_range(seconds, "seconds", 1e-3, 1e9, unit="s")
    wanted: Any = int(device) if device is not None and device.isdecimal() else device
    try:
        about = sd.query_devices(wanted, "input")
        heard = Microphone(str(about["name"]), int(about["default_samplerate"]), seconds)
        stream = sd.InputStream(
            device=wanted,
            channels=1,
            samplerate=heard.rate,
            blocksize=round(BLOCK * heard.rate),
            dtype="float32",
            callback=heard.take,
        )
        if not 1000 <= heard.rate <= 768_000:
            raise ValueError(f"its rate is {heard.rate} Hz; expected 1,000 to 768,000")
    except (ValueError, sd.PortAudioError) as error:
        raise InputError("E-DEVICE", f"no input device {device or 'at all'}: {error}") from error
    before = signal.signal(signal.SIGINT, heard.stop)
    try:
        with stream:
            yield heard
    finally:
        signal.signal(signal.SIGINT, before)
