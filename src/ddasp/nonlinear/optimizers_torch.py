"""How parameters follow their gradients: SGD, momentum and Adam as updates of tensors, in PyTorch.

The formulas stand in `optimizers_numpy`. `torch.optim` holds the same updates as classes; here they
are written out, so that every engine takes the same step to the last digits.

*Conventions*: parameters and the memory are changed in place, by methods whose names end in ``_``,
and outside of what autograd records; everything stays in its own dtype and on its own device.

*References*: those of `optimizers_numpy`; A. Paszke et al., "PyTorch", NeurIPS 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ddasp._errors import DependencyError
from ddasp.nonlinear.steps import (
    SGD,
    Adam,
)

try:
    import torch
except ImportError as error:
    raise DependencyError(
        "E-DEPENDENCY", f'{__name__} needs PyTorch: pip install "ddasp[torch]"'
    ) from error

__all__ = ["Memory", "start", "update"]

Tensors: TypeAlias = tuple[torch.Tensor, ...]


@dataclass
class Memory:
    """What an optimizer knows of earlier steps.

    Parameters
    ----------
    step : int
        Number of updates so far.
    first : tuple of torch.Tensor of shape (n_in, n_out) or (n_out,)
        Velocity v, or mean m of the gradients, shaped like the parameters.
    second : tuple of torch.Tensor of shape (n_in, n_out) or (n_out,)
        Mean s of the squared gradients; empty for SGD.
    """

    step: int
    first: Tensors
    second: Tensors


def start(optimizer: SGD | Adam, theta: Tensors, before: Memory | None = None) -> Memory:
    """The memory before the next step: a copy of an earlier one, or zeros.

    Parameters
    ----------
    optimizer : SGD or Adam
    theta : tuple of torch.Tensor of shape (n_in, n_out) or (n_out,)
    before : Memory, optional
        What an earlier training left; one of another kind of optimizer is forgotten.
    """
    n_second = len(theta) if isinstance(optimizer, Adam) else 0
    if before is not None and len(before.second) == n_second:
        first, second = (
            tuple(m.to(p, copy=True) for m, p in zip(kept, theta, strict=False))
            for kept in (before.first, before.second)
        )
        return Memory(before.step, first, second)
    # detached: what is remembered of a parameter is no part of what autograd follows
    return Memory(
        0,
        tuple(torch.zeros_like(p, requires_grad=False) for p in theta),
        tuple(torch.zeros_like(p, requires_grad=False) for p in theta[:n_second]),
    )


def update(
    optimizer: SGD | Adam, theta: Tensors, gradient: Tensors, memory: Memory, rate: float
) -> None:
    """One step of all parameters, in place.

    Parameters
    ----------
    optimizer : SGD or Adam
    theta, gradient : tuple of torch.Tensor of shape (n_in, n_out) or (n_out,)
    memory : Memory
        As `start` gives it.
    rate : float
        Learning rate of this step.

    Examples
    --------
    >>> theta = (torch.tensor([1.0]),)
    >>> memory = start(SGD(momentum=0.5), theta)
    >>> for _ in range(2):  # v = -0.1, then 0.5 * -0.1 - 0.1
    ...     update(SGD(momentum=0.5), theta, (torch.tensor([1.0]),), memory, 0.1)
    >>> theta
    (tensor([0.7500]),)
    """
    memory.step += 1
    with torch.no_grad():
        if isinstance(optimizer, SGD):
            for p, g, v in zip(theta, gradient, memory.first, strict=True):
                v.mul_(optimizer.momentum).sub_(rate * g)
                p.add_(v)
            return
        b1, b2, t = optimizer.beta1, optimizer.beta2, memory.step
        unbias1, unbias2 = 1 - b1**t, 1 - b2**t
        for p, g, m, s in zip(theta, gradient, memory.first, memory.second, strict=True):
            m.add_((1 - b1) * (g - m))
            s.add_((1 - b2) * (g * g - s))
            if p.ndim > 1 and optimizer.weight_decay:
                p.mul_(1 - rate * optimizer.weight_decay)
            p.sub_(rate / unbias1 * m / ((s / unbias2).sqrt() + optimizer.epsilon))
