"""Run folders whose model is small and can be worked out: shares of energy in octave bands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ddasp._files import digest_file, write_json
from ddasp.procedure.features import VERSION

RATE = 16000
FRAME = 512
EDGES = {2: (2, 40, 257), 3: (2, 20, 100, 257)}  # bins of the bands


def graph(n_classes: int, *, gain: float = 1.0) -> onnx.ModelProto:
    """Waveform in; p = softmax(gain log E) of the energies E in bands, or log E of the only one."""
    edges = EDGES.get(n_classes) or np.geomspace(2, 257, n_classes + 1).astype(int)
    bands = np.zeros((FRAME // 2 + 1, n_classes))
    for k in range(n_classes):
        bands[edges[k] : edges[k + 1], k] = 1
    constants = {
        "zero": np.array([0]), "two": np.array([2]), "flat": np.array([-1]),
        "frame": np.array([FRAME]), "rest": np.array([FRAME - 1]), "framed": np.array([-1, FRAME, 1]),
        "bands": bands, "floor": np.array(1e-9), "gain": np.array(gain),
    }  # fmt: skip
    nodes = [
        _node("Cast", "waveform", to=TensorProto.DOUBLE, out="x"),
        _node("Shape", "waveform", out="n"),
        _node("Add", "n", "rest", out="above"),
        _node("Div", "above", "frame", out="n_frames"),
        _node("Mul", "n_frames", "frame", out="full"),
        _node("Sub", "full", "n", out="missing"),
        _node("Concat", "zero", "missing", axis=0, out="pads"),
        _node("Pad", "x", "pads", out="padded"),
        _node("Reshape", "padded", "framed", out="frames"),
        _node("DFT", "frames", axis=1, onesided=1, out="X"),
        _node("Mul", "X", "X", out="squares"),
        _node("ReduceSum", "squares", "two", keepdims=0, out="power"),
        _node("ReduceMean", "power", axes=[0], keepdims=1, out="mean"),
        _node("MatMul", "mean", "bands", out="energy"),
        _node("Add", "energy", "floor", out="above_floor"),
        _node("Log", "above_floor", out="level"),
        _node("Mul", "level", "gain", out="scores"),
        _node("Cast", "scores", to=TensorProto.FLOAT, out="rounded"),
        _node("Reshape", "rounded", "flat", out="features"),
    ]
    infos = {"features": (TensorProto.FLOAT, [n_classes])}
    if n_classes == 1:
        nodes.append(_node("Squeeze", "features", "zero", out="value"))
        infos = {"value": (TensorProto.FLOAT, []), **infos}
    else:
        nodes += [
            _node("Softmax", "scores", axis=1, out="p"),
            _node("Cast", "p", to=TensorProto.FLOAT, out="p_rounded"),
            _node("Reshape", "p_rounded", "flat", out="probabilities"),
            _node("ArgMax", "scores", axis=1, keepdims=0, out="d"),
            _node("Squeeze", "d", "zero", out="decided"),
        ]
        infos = {
            "probabilities": (TensorProto.FLOAT, [n_classes]),
            "decided": (TensorProto.INT64, []),
            **infos,
        }
    outputs = [helper.make_tensor_value_info(name, *info) for name, info in infos.items()]
    waveform = helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["n"])
    stored = [numpy_helper.from_array(values, name) for name, values in constants.items()]
    return helper.make_model(
        helper.make_graph(nodes, "example", [waveform], outputs, stored),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)],
        ir_version=8,
    )


def _node(op: str, *inputs: str, out: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, list(inputs), [out], **attributes)


def make_run(
    folder: Path, labels: Sequence[str] = ("low", "mid", "high"), *, gain: float = 1.0, **about: Any
) -> Path:
    """A folder as `ddasp run` leaves it, as far as the model goes; no labels make a regression."""
    inside = folder / "6_application"
    inside.mkdir(parents=True)
    content = graph(len(labels) or 1, gain=gain).SerializeToString(deterministic=True)
    (inside / "model.onnx").write_bytes(content)
    card = {
        "question": "Where is the energy?",
        "purpose": "tests",
        "verdict": "Useful: accuracy 0.91 (0.85 to 0.95) lies above 0.80.",
        "measure": "accuracy",
        "estimate": {"value": 0.91, "low": 0.85, "high": 0.95, "n_observations": 60},
        "limits": "tones only",
    }
    plain = {
        "kind": "multi-class" if labels else "regression",
        "labels": list(labels),
        "rate": RATE,
        "window": None,
        "max_duration": 60.0,
        "features": {
            "name": "bands", "title": "energies in bands", "formula": "log E", "version": VERSION,
        },
        "family": "linear",
        "params": {"C": 1.0},
        "dont_know_below": 0.5,
        "cost": None,
        "half_width": None if labels else 0.5,
        "card": card,
        "digests": {"model.onnx": digest_file(inside / "model.onnx")},
    }  # fmt: skip
    write_json(inside / "model.json", plain | about)
    return folder
