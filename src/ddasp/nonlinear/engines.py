"""Which file trains: an engine's name becomes its module, when it is needed.

*Conventions*: the siblings of the multilayer perceptron are ``mlp_...``, those of the convolutional
network ``cnn_...``; all have the same verbs. Only Numba has a stand-in: without it the NumPy engine
gives the same numbers, more slowly.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any, Literal

from ddasp._check import one_of
from ddasp._errors import CODES

__all__ = ["ENGINES", "engine_of"]

ENGINES = {
    "mlp": ("compiled", "numpy", "torch", "tensorflow"),
    "cnn": ("torch", "numpy", "tensorflow"),
}


def engine_of(family: Literal["mlp", "cnn"], name: str) -> Any:
    """The module with the verbs build, predict, loss, gradients, fit, parameters.

    Parameters
    ----------
    family : str
        "mlp" or "cnn".
    name : str
        "compiled" (mlp only), "numpy", "torch" or "tensorflow".

    Raises
    ------
    InputError
        When there is no such engine.
    DependencyError
        When its framework is missing; the message holds the command that installs it.

    Examples
    --------
    >>> engine_of("mlp", "numpy").__name__
    'ddasp.nonlinear.mlp_numpy'
    """
    one_of(name, "engine", ENGINES[family])
    try:
        return import_module(f"ddasp.nonlinear.{family}_{name}")
    except ImportError as error:
        if name != "compiled":
            raise
        code = "W-ENGINE"
        # told of this line, Python says it once in a process
        warnings.warn(f"{code}: {error}. {' '.join(CODES[code])}", stacklevel=1)
        return import_module("ddasp.nonlinear.mlp_numpy")
