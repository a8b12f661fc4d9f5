"""The model as one ONNX graph, written node by node, and the proof that it decides the same.

`builder` makes nodes from expressions, `waveform` writes the features, `families` the models,
`compose` puts them together, `proof` runs and compares.
"""

from ddasp.procedure.graph.compose import (
    OBSERVATIONS,
    Decision,
    build_decision,
    build_graph,
    check_whole,
    decision_part,
)
from ddasp.procedure.graph.proof import TOLERANCE, Proof, corner_sounds, prove, run_rows, session
from ddasp.procedure.model_files import load_model

__all__ = [
    "OBSERVATIONS",
    "TOLERANCE",
    "Decision",
    "Proof",
    "build_decision",
    "build_graph",
    "check_whole",
    "corner_sounds",
    "decision_part",
    "load_model",
    "prove",
    "run_rows",
    "session",
]
