"""How much curvature an optimizer bears.

*Conventions*: μ is the learning rate, β the momentum, h an eigenvalue of the Hessian; a direction of
curvature h shrinks with every full step as long as h is below the limit.

*References*: B. T. Polyak, USSR Comput. Math. 4, 1964; J. Cohen et al., "Adaptive gradient methods at the
edge of stability", 2022.
"""

from __future__ import annotations

import math

import numpy as np

from ddasp.nonlinear.steps import SGD, Adam

__all__ = ["FORMULAS", "bearable", "kind_of", "limit_of"]

FORMULAS = {
    "sgd": "2 / μ",
    "momentum": "2 (1 + β) / μ",
    "adam": "(2 + 2 β₁) / ((1 - β₁) μ)",
}


def kind_of(optimizer: SGD | Adam) -> str:
    """Key of `FORMULAS`.

    Parameters
    ----------
    optimizer : SGD or Adam
    """
    if isinstance(optimizer, Adam):
        return "adam"
    return "momentum" if optimizer.momentum else "sgd"


def bearable(optimizer: SGD | Adam) -> float:
    """Learning rate times curvature that the optimizer bears; 2 for plain descent.

    Parameters
    ----------
    optimizer : SGD or Adam

    Examples
    --------
    >>> bearable(SGD(0.1, momentum=0.5))
    3.0
    """
    if isinstance(optimizer, SGD):
        return 2 * (1 + optimizer.momentum)
    return (2 + 2 * optimizer.beta1) / (1 - optimizer.beta1)


def limit_of(optimizer: SGD | Adam) -> float:
    """Largest curvature that the optimizer bears, by theory on a quadratic bowl.

    Parameters
    ----------
    optimizer : SGD or Adam

    Examples
    --------
    >>> limit_of(SGD(0.1)), limit_of(SGD(0.1, momentum=0.9)), limit_of(Adam(0.1))
    (20.0, 38.0, 380.0)
    """
    rate = float(np.max(optimizer.learning_rate))
    if rate == 0:
        return math.inf
    return bearable(optimizer) / rate
