"""How parameters follow their gradients: SGD, momentum and Adam as array updates, in NumPy.

With the gradient g and the learning rate mu of a step,

    SGD, momentum    v <- beta v - mu g,                theta <- theta + v,
    Adam             m <- beta1 m + (1 - beta1) g,      the mean of the gradients,
                     s <- beta2 s + (1 - beta2) g^2,    the mean of their squares,
                     theta <- theta - mu m' / (sqrt(s') + epsilon),

with m' = m / (1 - beta1^t) and s' = s / (1 - beta2^t) at step t = 1, 2, ...: both means start at
zero, and the division takes that bias out. Weight decay takes the share mu * weight_decay of
each matrix away before the update, intercepts excepted (AdamW).

*Conventions*: parameters (W1, b1, ...) and the memory are changed in place.

*References*: B. T. Polyak, USSR Comput. Math. 4, 1964 (momentum); D. P. Kingma and J. Ba, ICLR
2015, algorithm 1; I. Loshchilov and F. Hutter, ICLR 2019, algorithm 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ddasp.nonlinear.spec import (
    Parameters,
)
from ddasp.nonlinear.steps import (
    SGD,
    Adam,
)

__all__ = ["Memory", "start", "update"]


@dataclass
class Memory:
    """What an optimizer knows of earlier steps.

    Parameters
    ----------
    step : int
        Number of updates so far.
    first : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
        Velocity v, or mean m of the gradients, shaped like the parameters.
    second : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
        Mean s of the squared gradients; empty for SGD.
    """

    step: int
    first: Parameters
    second: Parameters


def start(optimizer: SGD | Adam, theta: Parameters, before: Memory | None = None) -> Memory:
    """The memory before the next step: a copy of an earlier one, or zeros.

    Parameters
    ----------
    optimizer : SGD or Adam
    theta : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
    before : Memory, optional
        What an earlier training left; one of another kind of optimizer is forgotten.
    """
    n_second = len(theta) if isinstance(optimizer, Adam) else 0
    if before is not None and len(before.second) == n_second:
        first, second = (
            tuple(m.astype(p.dtype) for m, p in zip(kept, theta, strict=False))
            for kept in (before.first, before.second)
        )
        return Memory(before.step, first, second)
    return Memory(
        0,
        tuple(np.zeros_like(p) for p in theta),
        tuple(np.zeros_like(p) for p in theta[:n_second]),
    )


def update(
    optimizer: SGD | Adam, theta: Parameters, gradient: Parameters, memory: Memory, rate: float
) -> None:
    """One step of all parameters, in place.

    Parameters
    ----------
    optimizer : SGD or Adam
    theta, gradient : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
    memory : Memory
        As `start` gives it.
    rate : float
        Learning rate of this step.

    Examples
    --------
    >>> theta = (np.array([1.0]),)
    >>> memory = start(SGD(momentum=0.5), theta)
    >>> for _ in range(2):  # v = -0.1, then 0.5 * -0.1 - 0.1
    ...     update(SGD(momentum=0.5), theta, (np.array([1.0]),), memory, 0.1)
    >>> theta
    (array([0.75]),)
    """
    memory.step += 1
    if isinstance(optimizer, SGD):
        for p, g, v in zip(theta, gradient, memory.first, strict=True):
            v *= optimizer.momentum
            v -= rate * g
            p += v
        return
    b1, b2, t = optimizer.beta1, optimizer.beta2, memory.step
    unbias1, unbias2 = 1 - b1**t, 1 - b2**t
    for p, g, m, s in zip(theta, gradient, memory.first, memory.second, strict=True):
        m += (1 - b1) * (g - m)
        s += (1 - b2) * (g * g - s)
        if p.ndim > 1 and optimizer.weight_decay:
            p *= 1 - rate * optimizer.weight_decay
        p -= rate / unbias1 * m / (np.sqrt(s / unbias2) + optimizer.epsilon)
