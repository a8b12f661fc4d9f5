"""Why a training blew up, in words, and what to change.

Four reasons are looked for, in the order in which they are the whole story: the penalty alone
(L2 adds λ to the curvature along every weight, and multiplies it by 1 - μ λ in each update), inputs so
large that their mean square is more than the learning rate bears, the curvature of the loss itself, and
large targets.

*Conventions*: a cause names its numbers, and the settings that would mend it.

*References*: those of `limits`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp.nonlinear.spec import ModelSpec
from ddasp.nonlinear.steps import SGD, Adam
from ddasp.playground.knowing.limits import FORMULAS, bearable, kind_of, limit_of

__all__ = ["explain"]

Floats = NDArray[np.float64]
UNSCALED = 10.0  # mean square of an input from which it is called large; standardised ones have 1


def explain(
    *,
    optimizer: SGD | Adam,
    spec: ModelSpec,
    U: ArrayLike,
    y: ArrayLike,
    input_names: Sequence[str] = (),
    value: float | None = None,
    start_value: float | None = None,
    scaled: bool = False,
    epoch: float | None = None,
    loss: float | None = None,
) -> dict[str, Any]:
    """The reason of a divergence in words, the most likely first, each with what to change.

    Parameters
    ----------
    optimizer : SGD or Adam
        That was used when it happened.
    spec : ModelSpec
    U : array_like of shape (n, n_inputs)
        Inputs of the training rows.
    y : array_like of shape (n,) or (n, n_outputs)
        Their targets.
    input_names : sequence of str
        One for each column of U.
    value : float, optional
        Sharpness at the last finite state, or at the marks before it.
    start_value : float, optional
        Sharpness where the training began, or when the learning rate was set: in a run that has
        saturated or overflowed the last state says little.
    scaled : bool
        Whether the inputs are standardised.
    epoch : float, optional
        When it happened.
    loss : float, optional
        At which training was ended; NaN when it was for a weight that was not finite.

    Returns
    -------
    dict
        ``title``, ``message`` (sentences) and ``causes``: [{key, title, text, numbers, set}], where
        ``set`` are settings that would mend it, may be empty.

    Examples
    --------
    >>> spec = ModelSpec((1, 1), ("linear",), "squared_error", l2=10.0)
    >>> found = explain(optimizer=SGD(0.3), spec=spec, U=[[1.0], [-1.0]], y=[0.0, 1.0])
    >>> found["causes"][0]["title"]
    'Learning rate times L2 is above 2'
    """
    U = np.asarray(U, dtype=np.float64)
    rate = float(np.max(optimizer.learning_rate))
    limit = limit_of(optimizer)
    causes = [
        *_penalty_cause(optimizer, spec, rate),
        *_input_causes(optimizer, spec, U, input_names, scaled, rate),
        *_curvature_cause(optimizer, rate, limit, value, start_value),
        *_target_cause(spec, y),
    ]
    if not causes:
        causes = [_no_clear_cause(rate)]
    when = "" if epoch is None else f" in epoch {math.floor(epoch) + 1}"
    first = causes[0]
    what = "A weight or the loss is no longer a finite number."
    if loss is not None and math.isfinite(loss):
        what = f"The loss of a minibatch has grown to {loss:.3g}."
    return {
        "title": f"The training diverged{when}",
        "message": f"{what} {first['text']}",
        "causes": causes,
    }


def _menu_below(bound: float) -> float:
    """The largest learning rate of 1, 3, 10, ... below half of a bound: room for what changes."""
    bound = max(bound / 2, 1e-6)
    decade = 10.0 ** math.floor(math.log10(bound))
    return float(f"{(3 if bound >= 3 * decade else 1) * decade:.1g}")


def _penalty_cause(optimizer: SGD | Adam, spec: ModelSpec, rate: float) -> list[dict[str, Any]]:
    if isinstance(optimizer, Adam) or rate * spec.l2 <= (most := bearable(optimizer)):
        return []
    momentum = f" (2 (1 + β) with momentum {optimizer.momentum:g})" if optimizer.momentum else ""
    return [
        {
            "key": "l2",
            "title": f"Learning rate times L2 is above {most:g}",
            "text": (
                f"L2 multiplies every weight by 1 - μ λ = 1 - {rate:g} · {spec.l2:g} = "
                f"{1 - rate * spec.l2:g} in each update, whatever the data say. That grows when "
                f"μ λ = {rate * spec.l2:g} is above {most:g}{momentum}."
            ),
            "numbers": {"rate": rate, "l2": spec.l2, "product": rate * spec.l2, "limit": most},
            "set": {"regularizationRate": _menu_below(most / rate)},
        }
    ]


def _input_causes(
    optimizer: SGD | Adam,
    spec: ModelSpec,
    U: Floats,
    names: Sequence[str],
    scaled: bool,
    rate: float,
) -> list[dict[str, Any]]:
    """Inputs of large mean square, which stands in the Hessian of the first layer."""
    squares = (U * U).mean(axis=0)
    column = int(squares.argmax())
    size, most = float(squares[column]), bearable(optimizer)
    if scaled or isinstance(optimizer, Adam) or size < UNSCALED:
        return []
    if spec.activations[-1] != "linear" and rate * size <= most:
        return []
    name = names[column] if column < len(names) else f"input {column + 1}"
    fourth = ""
    if any(mark in name for mark in ("²", "^2", "Squared")):
        fourth = ", which for a squared coordinate is the mean of its fourth power, E[x⁴]"
    above = f"here it is {rate:g}" if rate * size > most else f"{rate:g} leaves little room"
    return [
        {
            "key": "inputs",
            "title": "The inputs are large and unscaled",
            "text": (
                f"{name} has a mean square of {size:.4g}{fourth}. It stands in the curvature of the "
                f"weights behind it: a linear unit there needs a learning rate below {most:g} / "
                f"{size:.4g} = {most / size:.2g}, and {above}. Standardised inputs have a mean "
                "square of 1."
            ),
            "numbers": {"mean_square": size, "rate": rate, "bound": most / size},
            "set": {"scale": "standard"},
        }
    ]


def _curvature_cause(
    optimizer: SGD | Adam,
    rate: float,
    limit: float,
    value: float | None,
    start_value: float | None,
) -> list[dict[str, Any]]:
    known = [v for v in (value, start_value) if v is not None and math.isfinite(v)]
    if not known or rate == 0:
        return []
    steepest = max(known)
    formula = FORMULAS[kind_of(optimizer)]
    if steepest > limit:
        best = _menu_below(bearable(optimizer) / steepest)
        return [
            {
                "key": "rate",
                "title": "The learning rate is above its limit",
                "text": (
                    f"The steepest curvature of the loss was {steepest:.4g}; with a learning rate "
                    f"of {rate:g} steps are stable up to {formula} = {limit:.4g}. Each step "
                    f"overshoots by more than the last. Below "
                    f"{bearable(optimizer) / steepest:.2g} the steps shrink again."
                ),
                "numbers": {"sharpness": steepest, "limit": limit, "rate": rate},
                "set": {"learningRate": best},
            }
        ]
    if steepest > limit / 4:
        return [
            {
                "key": "noise",
                "title": "The learning rate is close to its limit",
                "text": (
                    f"The steepest curvature of all training points together was {steepest:.4g}, "
                    f"below {formula} = {limit:.4g}. A minibatch sees a few points, whose curvature "
                    "can be several times larger; an unlucky one was enough. A larger batch or a "
                    "smaller learning rate gives room."
                ),
                "numbers": {"sharpness": steepest, "limit": limit, "rate": rate},
                "set": {"learningRate": _menu_below(bearable(optimizer) / steepest / 2)},
            }
        ]
    return []


def _target_cause(spec: ModelSpec, y: ArrayLike) -> list[dict[str, Any]]:
    if spec.activations[-1] != "linear":
        return []
    size = float(np.sqrt(np.mean(np.square(np.asarray(y, dtype=np.float64)))))
    if size <= UNSCALED:
        return []
    return [
        {
            "key": "targets",
            "title": "The targets are large",
            "text": (
                f"The targets have a root mean square of {size:.4g}, and the gradient grows with "
                "them: the first steps are as long as the targets are large. Divide the targets, "
                "or lower the learning rate."
            ),
            "numbers": {"root_mean_square": size},
            "set": {},
        }
    ]


def _no_clear_cause(rate: float) -> dict[str, Any]:
    return {
        "key": "unknown",
        "title": "No single cause stands out",
        "text": (
            f"Steps of a learning rate of {rate:g} left the region where the loss is a bowl. "
            "A smaller learning rate, or going back to the last finite state, is the way on."
        ),
        "numbers": {"rate": rate},
        "set": {"learningRate": _menu_below(rate)} if rate > 0 else {},
    }
