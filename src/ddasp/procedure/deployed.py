"""A model that step 6 wrote, in use: from a waveform to the answer that a person gets.

*Conventions*: waveforms are mono at the model's rate. An answer is a dict: for classes ``decided`` (a
label, or "don't know"), ``probability`` of that label, ``known``, ``flags`` and ``p:LABEL`` for each; for a
value ``predicted``, ``low``, ``high``.

*References*: Elkan 2001, "The foundations of cost-sensitive learning" (the cheapest decision).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from ddasp._errors import DdaspError, InputError, RunError
from ddasp._files import digest_file, read_json
from ddasp.procedure import graph, recordings
from ddasp.procedure.calibration import decide
from ddasp.procedure.features import VERSION, extract
from ddasp.procedure.model_about import check_about
from ddasp.procedure.model_files import MAX_BYTES

__all__ = ["AUDIBLE", "Deployed", "apply", "is_silent", "load"]

AUDIBLE = 1e-3  # of full scale, -60 dBFS
LONG = 2**20  # samples, a minute at 16 kHz, above which the graph is not given a sound as a whole
MOST_TOLD = 4 * 2**20  # bytes of model.json
ENDLESS = 1e8  # s, what a file may last where windows are decided on
Waveform = NDArray[np.floating]


@dataclass(frozen=True)
class Deployed:
    """A model and what is known about it.

    Parameters
    ----------
    about : dict
        ``model.json``.
    content : bytes
        ``model.onnx``, checked.
    """

    about: dict[str, Any]
    content: bytes

    @property
    def labels(self) -> list[str]:
        """Names of the classes by code; empty in a regression."""
        return list(self.about["labels"])

    @property
    def rate(self) -> int:
        """Sampling rate of the waveforms [Hz]."""
        return int(self.about["rate"])

    @property
    def window(self) -> tuple[float, float] | None:
        """Length and hop of the analysis window [s]; None when whole sounds are decided on."""
        window = self.about["window"]
        return None if window is None else (window["length"], window["hop"] or window["length"])

    @property
    def longest(self) -> float:
        """Duration that is accepted [s]: windows cost no memory, a whole sound does."""
        return float(self.about["max_duration"]) if self.window is None else ENDLESS

    @cached_property
    def session(self) -> onnxruntime.InferenceSession:
        """The whole graph, waveform in."""
        return graph.session(self.content)

    @cached_property
    def part(self) -> onnxruntime.InferenceSession:
        """The part behind the features, for streams, which compute these as the samples come."""
        return graph.session(graph.decision_part(onnx.load_model_from_string(self.content)))

    def output(self, waveform: Waveform) -> NDArray[np.float64]:
        """What the graph gives for one sound: probabilities (n_classes,), or the value (1,).

        The graph holds all frames of a sound at once; of a very long one the features are computed
        block by block, and the part behind them decides, with the same numbers.
        """
        if len(waveform) > LONG:
            name = self.about["features"]["name"]
            return self.output_of_features(
                extract(waveform, self.rate, (name,), variants=False)[name][0]
            )
        return self._run("session", {"waveform": np.asarray(waveform, np.float32)})

    def output_of_features(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The same from the features of one sound, (n_features,)."""
        return self._run("part", {graph.OBSERVATIONS: features[np.newaxis]})

    def _run(
        self, which: Literal["session", "part"], given: dict[str, NDArray[np.float32]]
    ) -> NDArray[np.float64]:
        """The first output, flat, after it was looked at."""
        try:  # the session is made when it is used first, and the runtime looks at the graph then
            session: onnxruntime.InferenceSession = getattr(self, which)
            output = np.asarray(session.run(None, given)[0], np.float64).ravel()
        except Exception as error:  # the runtime has exceptions of its own
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise RunError("E-MODEL", f"the graph could not be run: {reason}") from error
        n, is_value = max(len(self.labels), 1), not self.labels
        fits = output.shape == (n,) and np.isfinite(output).all()
        if not fits or not (is_value or (output.min() >= 0 and abs(output.sum() - 1) < 1e-3)):
            raise RunError(
                "E-MODEL", f"the graph gave {output[:8]}; expected {n} probabilities or one value"
            )
        return output

    def answer(self, output: NDArray[np.float64], *, silent: bool) -> dict[str, Any]:
        """What a person gets for an output; a decision on silence is no knowledge."""
        if self.about["kind"] == "regression":
            value, half = float(output[0]), self.about["half_width"]
            return {"predicted": value, "low": value - half, "high": value + half}
        cost = None if self.about["cost"] is None else np.asarray(self.about["cost"])
        decided = int(decide(output[np.newaxis], cost)[0])
        known = bool(output.max() >= self.about["dont_know_below"]) and not silent
        row = {
            "decided": self.labels[decided] if known else "don't know",
            "probability": float(output[decided]),
            "known": known,
            "flags": "W-SILENT" if silent else "",
        }
        shares = zip(self.labels, output, strict=True)
        return row | {f"p:{label}": float(value) for label, value in shares}


def is_silent(waveform: Waveform) -> bool:
    """Whether no sample reaches -60 dBFS."""
    return not np.any(np.abs(waveform) > AUDIBLE)


def load(run: Path) -> Deployed:
    """Read a model after its digest was compared.

    Parameters
    ----------
    run : Path
        A run folder, or its ``6_application``.

    Raises
    ------
    RunError
        ``E-MODEL`` when the model is missing, damaged or not what its JSON says.
    """
    folder = run / "6_application" if (run / "6_application").is_dir() else run
    described, path = folder / "model.json", folder / "model.onnx"
    if not described.exists():
        raise InputError(
            "E-MODEL", f"{folder} holds no model.json; expected a run folder of `ddasp run`"
        )
    for file, most in ((described, MOST_TOLD), (path, MAX_BYTES)):
        if not file.is_file() or file.stat().st_size > most:
            raise RunError("E-MODEL", f"{file} is missing, no regular file, or far too large")
    try:
        about = read_json(described)
    except RunError as error:
        raise RunError("E-MODEL", f"{described} is no JSON of a run: {error.message}") from error
    check_about(about, str(described))
    if digest_file(path) != about["digests"]["model.onnx"]:
        raise RunError(
            "E-MODEL", f"{path} is not the file that model.json describes; was it edited or cut?"
        )
    if about["features"]["version"] != VERSION:
        raise RunError(
            "E-MODEL",
            f"the model was made with feature definitions {about['features']['version']}, this is "
            f"{VERSION}; make it again with `ddasp run`",
        )
    content = graph.load_model(path)
    graph.check_whole(content, about, str(path))
    return Deployed(about, content)


def apply(run: Path, inputs: list[Path]) -> Iterator[dict[str, Any]]:
    """Decide on files and folders with a run's model.

    Parameters
    ----------
    run : Path
        A run folder, or its ``6_application``.
    inputs : list of Path
        Sound files, or folders of them.

    Yields
    ------
    dict
        For each window (or file): path, start, stop [s], and the answer. For a file that can't be
        used: path, error, detail.

    Raises
    ------
    RunError
        ``E-MODEL`` when the model is missing, damaged or not what its JSON says.
    InputError
        When an input does not exist.
    """
    model = load(run)
    found = recordings.inputs(inputs)
    for path, shown in found:
        try:
            pieces = recordings.pieces(
                path,
                rate=model.rate,
                window=model.window,
                max_duration=model.longest,
            )
            for start, stop, signal in pieces:
                row = {"path": shown, "start": start, "stop": stop}
                yield row | model.answer(model.output(signal), silent=is_silent(signal))
        except DdaspError as error:
            yield {"path": shown, "error": error.code, "detail": error.message}
