"""How well a state does: losses by set, the length of the gradient, and what is too much.

*Conventions*: losses are means over the points of a set, without penalties, squared errors halved
as in `mlp_numpy`; a set without points has NaN. Nothing here changes a state.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ddasp.nonlinear.engines import engine_of
from ddasp.nonlinear.spec import ModelSpec, Parameters
from ddasp.playground.knowing.measures import observation_losses
from ddasp.playground.training.material import Material

__all__ = ["Losses", "ceiling_for", "data_losses", "gradient_norm"]

Losses = tuple[float, float, float]
TOO_MUCH = 1e6
NONE = float("nan")


def each_loss(spec: ModelSpec, theta: Parameters, material: Material) -> NDArray[np.float64]:
    """Loss of every point, (n,).

    Parameters
    ----------
    spec : ModelSpec
    theta : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
    material : Material
    """
    engine = engine_of("mlp", "compiled")
    with np.errstate(all="ignore"):  # a network that diverged has no finite loss
        z = engine.logits(engine.Model(spec, theta), material.U)
        return observation_losses(spec, z, material.targets)


def data_losses(spec: ModelSpec, theta: Parameters, material: Material) -> Losses:
    """Loss of the training, validation and test points.

    Parameters
    ----------
    spec : ModelSpec
    theta : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
    material : Material
    """
    if not material.points.n:
        return NONE, NONE, NONE
    each = each_loss(spec, theta, material)
    with np.errstate(all="ignore"):
        total = np.bincount(material.sets, weights=each, minlength=3)
        train, validation, test = (total / np.bincount(material.sets, minlength=3)).tolist()
    return train, validation, test


def gradient_norm(spec: ModelSpec, theta: Parameters, material: Material) -> float:
    """Euclidean length of the gradient over all training points, penalties included.

    Parameters
    ----------
    spec : ModelSpec
    theta : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
    material : Material
    """
    if not material.n_train:
        return NONE
    engine = engine_of("mlp", "compiled")
    model = engine.Model(spec, theta)
    with np.errstate(all="ignore"):
        gradients = engine.gradients(model, material.U_train, material.t_train)
        return float(np.sqrt(sum(float(np.vdot(g, g)) for g in gradients)))


def ceiling_for(spec: ModelSpec, theta: Parameters, material: Material) -> float:
    """A loss, penalties included, that no sensible training reaches from here.

    A million times what it is now, or what answering zero would cost, or 1: whichever is most.

    Parameters
    ----------
    spec : ModelSpec
    theta : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
    material : Material
    """
    targets, now = material.t_train, data_losses(spec, theta, material)[0]
    zero = 1.0
    if targets.size and targets.dtype.kind == "f":
        zero = max(zero, float(np.mean(np.square(targets))) / 2)
    with np.errstate(all="ignore"):
        now += spec.l1 * sum(float(np.abs(W).sum()) for W in theta[::2])
        now += spec.l2 / 2 * sum(float(np.vdot(W, W)) for W in theta[::2])
    return TOO_MUCH * (max(zero, now) if np.isfinite(now) else zero)
