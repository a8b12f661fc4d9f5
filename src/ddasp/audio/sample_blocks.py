"""Samples on their way: blocks that come one after the other, and what was found in them so far.

A file that is read block by block and a stream that never ends look the same from here: the rate and
the number of channels are known before the first block, each block is checked as it passes, and
findings (``W-...``) are collected on the way. Memory does not grow with the length.

*Conventions*: a block is float32 of shape (n_samples, n_channels), full scale = 1, and never empty.
Clipping is counted by the rule of `ddasp.audio.levels.clipped_fraction`, wherever the blocks are
cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import AudioError, InputError
from ddasp.audio.levels import FULL_SCALE

__all__ = ["ClippingCounter", "SampleBlocks"]

LARGEST = 2.0**100  # of full scale: sums of many such numbers are still finite in float32

Block = NDArray[np.float32]
Finding = tuple[str, str]  # a code, and one sentence with numbers


class ClippingCounter:
    """Share of clipped samples in a signal that comes in blocks.

    Attributes
    ----------
    peak : float
        Largest magnitude so far.

    Notes
    -----
    With f[n] = (|x[n]| at full scale), a sample belongs to a run of three or more exactly when
    c[n-2], c[n-1] or c[n] holds, where c[n] = f[n] f[n+1] f[n+2] begins three in a row. So all but
    the newest two samples are decided, and their decision needs two of the past.

    Examples
    --------
    >>> counter = ClippingCounter()
    >>> for part in ([0.5, 1.0], [1.0, 1.0, 0.5, -1.0], [0.5, 0.0]):
    ...     counter.add(np.array(part)[:, np.newaxis])
    >>> counter.fraction, counter.peak
    (0.375, 1.0)
    """

    def __init__(self) -> None:
        self.peak = 0.0
        self._n_values = 0
        self._n_clipped = 0
        self._recent: NDArray[np.floating] | None = None  # two decided frames, two undecided

    def add(self, block: NDArray[np.floating]) -> None:
        """Count the next block.

        Parameters
        ----------
        block : ndarray of shape (n_samples, n_channels)
            Full scale = 1.
        """
        if not block.size:
            return
        magnitude = np.abs(block)
        if self._recent is None:
            self._recent = np.zeros_like(magnitude, shape=(4, block.shape[1]))
        largest = float(magnitude.max())
        self.peak = max(self.peak, largest)
        self._n_values += block.size
        if largest >= FULL_SCALE or self._recent.max() >= FULL_SCALE:
            known = np.concatenate([self._recent, magnitude])
            self._n_clipped += int(_clipped(known)[2:-2].sum())
            self._recent = known[-4:]

    @property
    def fraction(self) -> float:
        """Share of the samples so far that are clipped, 0 to 1."""
        if self._recent is None or not (self._n_clipped or self._recent.max() >= FULL_SCALE):
            return 0.0
        undecided = _clipped(np.pad(self._recent, ((0, 2), (0, 0))))[2:4]
        return (self._n_clipped + int(undecided.sum())) / self._n_values


def _clipped(magnitude: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which samples stand in a run of three at full scale, or beyond it."""
    f = magnitude >= FULL_SCALE
    counts = np.asarray(magnitude > 1.0)
    c = f[:-2] & f[1:-1] & f[2:]
    counts[:-2] |= c
    counts[1:-1] |= c
    counts[2:] |= c
    return counts


class SampleBlocks(Iterator[Block]):
    """Blocks of samples of a file or a stream, one after the other.

    An iterator; whoever makes one is `ddasp.audio.blocks.read_blocks` or
    `ddasp.audio.pcm_stream.open_pcm`.

    Parameters
    ----------
    blocks : iterator of ndarray of shape (n_samples, n_channels)
        float32, full scale = 1.
    rate : int
        Sampling rate [Hz].
    n_channels : int
        Number of channels.
    declared : int
        Frames that the header claims, -1 where it doesn't say.
    findings : iterable of (str, str)
        What is odd already: codes and sentences.
    at_end : callable
        Given the number of frames that came, what is odd about it.

    Attributes
    ----------
    rate, n_channels, declared : int
        As above.
    n_frames : int
        Frames that have passed so far.

    Raises
    ------
    AudioError
        While iterating: ``E-AUDIO-NONFINITE`` in a block with NaN or infinity, ``E-AUDIO-EMPTY``
        when the end comes before the first sample, and what the decoder finds.

    Examples
    --------
    >>> parts = iter([np.zeros((3, 2), np.float32), np.ones((4, 2), np.float32)])
    >>> blocks = SampleBlocks(parts, 8000, 2)
    >>> [len(block) for block in blocks], blocks.n_frames, blocks.flags
    ([3, 4], 7, ('W-CLIP',))
    """

    def __init__(
        self,
        blocks: Iterator[Block],
        rate: int,
        n_channels: int,
        *,
        declared: int = -1,
        findings: Iterable[Finding] = (),
        at_end: Callable[[int], Iterable[Finding]] | None = None,
    ) -> None:
        self.rate = rate
        self.n_channels = n_channels
        self.declared = declared
        self.n_frames = 0
        self._blocks = blocks
        self._findings = list(findings)
        self._at_end = at_end
        self._clipping = ClippingCounter()

    def __next__(self) -> Block:
        block = next(self._blocks, None)
        if block is None:
            self._end()
            raise StopIteration
        self._check(block)
        self._clipping.add(block)
        self.n_frames += len(block)
        return block

    def _check(self, block: Block) -> None:
        usable = np.abs(block) <= LARGEST  # NaN is not
        if not usable.all():
            raise AudioError(
                "E-AUDIO-NONFINITE",
                f"{int((~usable).sum())} samples after {self.n_frames / self.rate:.3f} s are NaN, "
                f"infinite or beyond {LARGEST:.3g} of full scale; expected finite samples",
            )

    def _end(self) -> None:
        if not self.n_frames:
            claim = f"declares {self.declared} frames" if self.declared > 0 else "is there"
            raise AudioError("E-AUDIO-EMPTY", f"the header {claim}, but no samples follow")
        if self._at_end is not None:
            self._findings[:0] = self._at_end(self.n_frames)
            self._at_end = None

    @property
    def flags(self) -> tuple[str, ...]:
        """Codes of what is odd in the blocks so far; a truncation is known only at the end."""
        return tuple(code for code, _ in self._all_findings())

    @property
    def details(self) -> tuple[str, ...]:
        """One sentence for each flag, with numbers."""
        return tuple(sentence for _, sentence in self._all_findings())

    @property
    def clipped(self) -> float:
        """Share of the samples so far that are clipped, 0 to 1."""
        return self._clipping.fraction

    def _all_findings(self) -> list[Finding]:
        fraction = self.clipped
        if not fraction > 0:
            return self._findings
        sentence = (
            f"{fraction:.3%} of the samples stand at full scale in runs of 3 or more, or beyond it "
            f"(peak {self._clipping.peak:.4g})"
        )
        return [*self._findings, ("W-CLIP", sentence)]

    def close(self) -> None:
        """Give up the source; no block comes any more."""
        self._blocks = _closed()


def _closed() -> Iterator[Block]:
    raise InputError(
        "E-ARGUMENT", "the blocks' file is closed - is the loop outside the with statement?"
    )
    yield
