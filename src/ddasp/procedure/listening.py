"""A model on a sound that comes block by block: a decision for each window, as soon as it is there.

Blocks of any channels at any rate are mixed down and resampled as they come, features are computed
incrementally, and the part of the graph behind them decides. The decisions are those that
`deployed.apply` makes on the same sound as a file.

*Conventions*: times in s from the beginning of the stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._errors import AudioError, InputError
from ddasp.audio.resampling import MonoResampler
from ddasp.procedure.deployed import Deployed, is_silent
from ddasp.procedure.incremental import FeatureStream
from ddasp.procedure.windows import Piece

__all__ = ["Decided", "decisions", "refuse_without_window", "rows"]


class Decided(NamedTuple):
    """One window: start and stop [s], the output of shape (n_classes,), whether it is silent."""

    start: float
    stop: float
    output: NDArray[np.float64]
    silent: bool


def decisions(model: Deployed, blocks: Iterable[ArrayLike], rate: float) -> Iterator[Decided]:
    """Decide on each window of a stream.

    Parameters
    ----------
    model : Deployed
        The model.
    blocks : iterable of array_like of shape (n_samples,) or (n_samples, n_channels)
        Samples, full scale = 1; any number in a block, none as well.
    rate : float
        Their sampling rate [Hz].

    Yields
    ------
    Decided
        As soon as its last sample is there. Without a window in the problem the whole stream is
        one decision, at its end.
    """
    resampler = MonoResampler(rate, model.rate)
    stream = FeatureStream(model.rate, model.window, model.about["features"]["name"])

    def decided(found: Iterable[tuple[Piece, NDArray[np.float32]]]) -> Iterator[Decided]:
        for (start, stop, x), features in found:
            yield Decided(start, stop, model.output_of_features(features), is_silent(x))

    for block in blocks:
        samples = resampler.push(block)
        if resampler.n_in / rate > model.longest:
            raise AudioError(
                "E-AUDIO-TOOLONG",
                f"the stream goes on after {model.longest:g} s, and the model decides on whole sounds; "
                "expected an end, or a model with [sounds.window]",
            )
        yield from decided(stream.push(samples, resampler.n_in / rate))
    duration = resampler.n_in / rate
    if duration:
        yield from decided(stream.push(resampler.finish(), duration))
        yield from decided(stream.finish(duration))


def rows(
    model: Deployed, blocks: Iterable[ArrayLike], rate: float, *, name: str = "-"
) -> Iterator[dict[str, Any]]:
    """The same as rows of `deployed.apply`, with a name in place of the path."""
    for start, stop, output, silent in decisions(model, blocks, rate):
        row = {"path": name, "start": start, "stop": stop}
        yield row | model.answer(output, silent=silent)


def refuse_without_window(model: Deployed, what: str) -> tuple[float, float]:
    """The window of a model that shall decide on something without an end.

    Raises
    ------
    InputError
        ``E-MODEL`` when the model decides on whole sounds.
    """
    if model.window is None:
        raise InputError(
            "E-MODEL",
            f"the model decides on whole sounds, and {what} has no end; add to problem.toml a table "
            "[sounds.window] with length and hop, and run it again",
        )
    return model.window
