"""What lies beside the notebook: the sound, and the model as named arrays.

*Conventions*: ``sound.npz`` holds "waveform", float32 (n_samples,), full scale = 1, mono at the
model's rate, and "rate" [Hz]. ``model.npz`` holds the parameters and what of ``model.json`` the cells
need: "labels", "outputs" (names of the model's outputs), "features.names", "features.units", "cost",
"dont_know_below", "half_width". Names are cleaned of what no page can show.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.apps.explain.parameters import Arrays, parameters_of
from ddasp.plot.canvas import short
from ddasp.procedure.features import FEATURE_SETS

__all__ = ["model_arrays"]


def model_arrays(about: Mapping[str, Any], content: bytes) -> Arrays:
    """The arrays of ``model.npz``.

    Parameters
    ----------
    about : mapping
        ``model.json``.
    content : bytes
        ``model.onnx``, checked.

    Returns
    -------
    dict of ndarray
        Of any shape, by name.
    """
    arrays = parameters_of(content)
    labels = _texts(about["labels"])
    outputs = labels if len(labels) else _texts(["value"])
    if "classes.seen" in arrays:
        outputs = labels[arrays["classes.seen"].argmax(axis=1)]
    definition = FEATURE_SETS[about["features"]["name"]]
    arrays |= {
        "labels": labels,
        "outputs": outputs,
        "features.names": _texts(definition.names),
        "features.units": _texts(definition.units),
        "dont_know_below": np.array(about.get("dont_know_below") or 0.0),
    }
    if about["kind"] == "regression":
        arrays["half_width"] = np.array(about.get("half_width") or 0.0)
    if about.get("cost") is not None:
        arrays["cost"] = np.asarray(about["cost"], np.float64)
    return arrays


def _texts(texts: Any) -> NDArray[np.str_]:
    return np.array([short(text, 80) for text in texts], dtype=np.str_)
