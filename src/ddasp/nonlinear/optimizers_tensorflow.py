"""How parameters follow their gradients: SGD, momentum and Adam as assignments, in TensorFlow.

The formulas stand in `optimizers_numpy`. `keras.optimizers` holds the same updates as classes, but
keeps learning rate and constants in float32; here they are written out, so that every engine takes
the same step to the last digits.

*Conventions*: parameters and the memory are `tf.Variable` and are changed in place; a number of
Python takes the dtype of the tensor beside it, so nothing of float64 is rounded on the way. What
differs from step to step, the learning rate and the count t, is a tensor: inside a `tf.function`
a number of Python would be frozen when the function is traced.

*References*: those of `optimizers_numpy`; M. Abadi et al., "TensorFlow", OSDI 2016.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TypeAlias

from ddasp._errors import DependencyError
from ddasp.nonlinear.steps import (
    SGD,
    Adam,
)

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors, but no notes about the processor
try:
    import tensorflow as tf
except ImportError as error:
    raise DependencyError(
        "E-DEPENDENCY", f'{__name__} needs TensorFlow: pip install "ddasp[tensorflow]"'
    ) from error

__all__ = ["Memory", "start", "update"]

Tensors: TypeAlias = tuple[tf.Tensor, ...]
Variables: TypeAlias = tuple[tf.Variable, ...]


@dataclass
class Memory:
    """What an optimizer knows of earlier steps.

    Parameters
    ----------
    step : tf.Variable of shape ()
        Number of updates so far, in float64: it becomes an exponent.
    first : tuple of tf.Variable of shape (n_in, n_out) or (n_out,)
        Velocity v, or mean m of the gradients, shaped like the parameters.
    second : tuple of tf.Variable of shape (n_in, n_out) or (n_out,)
        Mean s of the squared gradients; empty for SGD.
    """

    step: tf.Variable
    first: Variables
    second: Variables


def start(optimizer: SGD | Adam, theta: Variables, before: Memory | None = None) -> Memory:
    """The memory before the next step: a copy of an earlier one, or zeros.

    Parameters
    ----------
    optimizer : SGD or Adam
    theta : tuple of tf.Variable of shape (n_in, n_out) or (n_out,)
    before : Memory, optional
        What an earlier training left; one of another kind of optimizer is forgotten.
    """
    n_second = len(theta) if isinstance(optimizer, Adam) else 0
    if before is not None and len(before.second) == n_second:
        first, second = (
            tuple(tf.Variable(tf.cast(m, p.dtype)) for m, p in zip(kept, theta, strict=False))
            for kept in (before.first, before.second)
        )
        return Memory(tf.Variable(before.step), first, second)
    return Memory(
        tf.Variable(0, dtype=tf.float64),
        tuple(tf.Variable(tf.zeros_like(p)) for p in theta),
        tuple(tf.Variable(tf.zeros_like(p)) for p in theta[:n_second]),
    )


def update(
    optimizer: SGD | Adam,
    theta: Variables,
    gradient: Tensors,
    memory: Memory,
    rate: float | tf.Tensor,
) -> None:
    """One step of all parameters, in place.

    Parameters
    ----------
    optimizer : SGD or Adam
    theta : tuple of tf.Variable of shape (n_in, n_out) or (n_out,)
    gradient : tuple of tf.Tensor of shape (n_in, n_out) or (n_out,)
    memory : Memory
        As `start` gives it.
    rate : float, or tf.Tensor of shape () and dtype float64
        Learning rate of this step; a tensor inside a `tf.function`.

    Examples
    --------
    >>> theta = (tf.Variable([1.0]),)
    >>> memory = start(SGD(momentum=0.5), theta)
    >>> for _ in range(2):  # v = -0.1, then 0.5 * -0.1 - 0.1
    ...     update(SGD(momentum=0.5), theta, (tf.constant([1.0]),), memory, 0.1)
    >>> theta[0].numpy()
    array([0.75], dtype=float32)
    """
    # not tf.cast(rate, tf.float64): a float of Python would pass through float32 on its way
    rate = tf.convert_to_tensor(rate, tf.float64)
    dtype = theta[0].dtype
    memory.step.assign_add(1)
    if isinstance(optimizer, SGD):
        mu = tf.cast(rate, dtype)
        for p, g, v in zip(theta, gradient, memory.first, strict=True):
            v.assign(optimizer.momentum * v - mu * g)
            p.assign_add(v)
        return
    b1, b2, t = optimizer.beta1, optimizer.beta2, memory.step
    unbias1, unbias2 = 1 - b1**t, tf.cast(1 - b2**t, dtype)
    mu, kept = tf.cast(rate / unbias1, dtype), tf.cast(1 - rate * optimizer.weight_decay, dtype)
    for p, g, m, s in zip(theta, gradient, memory.first, memory.second, strict=True):
        m.assign_add((1 - b1) * (g - m))
        s.assign_add((1 - b2) * (g * g - s))
        if p.shape.rank > 1 and optimizer.weight_decay:
            p.assign(kept * p)
        p.assign_sub(mu * m / (tf.sqrt(s / unbias2) + optimizer.epsilon))
