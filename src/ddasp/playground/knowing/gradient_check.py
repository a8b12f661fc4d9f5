"""Are the engine's gradients right? Every parameter against a difference of two losses, now.

The derivative is a limit of differences; so for each parameter p

    d = (L(p + h) - L(p - h)) / (2 h)

is computed from losses alone, with a forward pass of its own that shares nothing with the engine,
and compared with what the engine says. A changed weight W[i, j] of a layer moves one column of
that layer's Z only, by h times the input i: all parameters of a layer go through the layers behind
it together, and what lies before them is computed once.

*Conventions*: the loss includes the penalties. h is the cube root of the float64 epsilon, 6e-6,
where rounding (eps L / h) and truncation (h² L''' / 6) balance, divided by the largest input the
weight meets. ReLU has a corner at z = 0 and L1 one at w = 0: where a corner lies between p - h and
p + h the two one-sided differences disagree, and no derivative exists to compare with. Such a
parameter is named, it is no failure.

*References*: W. H. Press et al., "Numerical Recipes", 3rd ed., 2007, section 5.7.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp.nonlinear.engines import engine_of
from ddasp.nonlinear.spec import ModelSpec, Parameters, inputs_of, targets_of
from ddasp.playground.knowing.measures import activate, observation_losses

__all__ = ["TOLERANCE", "gradient_check"]

Floats = NDArray[np.floating]
EPSILON = float(np.finfo(np.float64).eps)
STEP = float(np.cbrt(EPSILON))
TOLERANCE = 1e-5
AT_ONCE = 2**18  # numbers of one stack of changed layers: it stays in the cache


class _Sides(NamedTuple):
    """Loss at p + h and p - h for all parameters of an array, and whether a corner lies between."""

    above: Floats
    below: Floats
    corner: NDArray[np.bool_]


def gradient_check(
    spec: ModelSpec,
    theta: Parameters,
    U: ArrayLike,
    y: ArrayLike,
    *,
    most: int = 64,
    gradients: Parameters | None = None,
) -> dict[str, Any]:
    """Compare the engine's gradients with central differences of the loss.

    Parameters
    ----------
    spec : ModelSpec
    theta : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
    U : array_like of shape (n, n_inputs)
        Inputs: the minibatch of the next update, or the training rows.
    y : array_like of shape (n,) or (n, n_outputs)
        Targets as the engine takes them.
    most : int
        Only the first so many rows are used.
    gradients : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,), optional
        What to check; the engine's by default.

    Returns
    -------
    dict
        ``ok``, ``n`` parameters compared, ``n_rows``, ``tolerance``, ``worst`` (largest relative
        error, None when there is nothing to compare), ``parameter`` of the worst, as {layer, i, j,
        name, engine, difference}, ``corners`` (a list of the same) and ``words``.

    Notes
    -----
    The error of a parameter is |g - d| / max(|g|, |d|, f). The floor f keeps a derivative that is
    zero from being judged by rounding: a thousandth of the largest one, or what rounding of the loss
    alone explains.

    Examples
    --------
    >>> spec = ModelSpec((1, 1), ("tanh",), "squared_error")
    >>> found = gradient_check(spec, (np.ones((1, 1)), np.zeros(1)), [[0.5]], [1.0])
    >>> found["ok"], found["n"]
    (True, 2)
    """
    U = inputs_of(spec, np.asarray(U, dtype=np.float64)[:most])
    y = targets_of(spec, np.asarray(y)[:most], len(U), np.float64)
    theta = tuple(np.asarray(p, dtype=np.float64) for p in theta)
    if not all(np.isfinite(p).all() for p in theta):
        return _none("The parameters are no longer finite: there is no gradient to check.", len(U))
    if gradients is None:
        engine = engine_of("mlp", "compiled")
        gradients = engine.gradients(engine.build(spec, theta), U, y)
    passed = _forward(spec, theta, U)
    loss = _loss(spec, theta, passed[-1], y)
    if not np.isfinite(loss):
        return _none("The loss is no longer finite: there is no gradient to check.", len(U))
    found = [
        (g, step, _sides(spec, theta, passed, y, place, step))
        for place, g in enumerate(gradients)
        for step in [_step(theta, passed, place)]
    ]
    derivatives = [(sides.above - sides.below) / (2 * step) for _, step, sides in found]
    largest = max(float(np.abs(g).max()) for g in gradients)
    worst, worst_at = -1.0, (0, 0)  # place in theta, and in that array
    n, corners = 0, []
    for place, ((g, step, sides), d) in enumerate(zip(found, derivatives, strict=True)):
        noise = 8 * EPSILON * max(abs(loss), 1e-300) / step / TOLERANCE
        floor = np.maximum(1e-3 * largest, noise) + 1e-300
        error = np.abs(g - d) / np.maximum(np.maximum(np.abs(g), np.abs(d)), floor)
        error = np.where(np.isfinite(error), error, np.inf)
        smooth = ~sides.corner
        n += int(smooth.sum())
        for k in np.flatnonzero(sides.corner.ravel())[:8]:
            corners.append(_named(place, int(k), g, d))
        if smooth.any():
            k = int(np.where(smooth, error, -1.0).argmax())
            if error.flat[k] > worst:
                worst, worst_at = float(error.flat[k]), (place, k)
    n_corners = sum(int(sides.corner.sum()) for _, _, sides in found)
    place, k = worst_at
    at = _named(place, k, gradients[place], derivatives[place]) if n else None
    return {
        "ok": worst <= TOLERANCE,
        "n": n,
        "n_rows": len(U),
        "tolerance": TOLERANCE,
        "worst": worst if n else None,
        "parameter": at,
        "corners": corners,
        "n_corners": n_corners,
        "words": _words(worst, n, n_corners, len(U), at),
    }


def _none(words: str, n_rows: int) -> dict[str, Any]:
    return {
        "ok": False,
        "n": 0,
        "n_rows": n_rows,
        "tolerance": TOLERANCE,
        "worst": None,
        "parameter": None,
        "corners": [],
        "n_corners": 0,
        "words": words,
    }


def _words(worst: float, n: int, n_corners: int, n_rows: int, at: dict[str, Any] | None) -> str:
    if at is None:
        words = "Every parameter stands at a corner; there is no derivative to compare."
    elif worst <= TOLERANCE:
        words = (
            f"All {n} derivatives equal central differences of the loss on {n_rows} points; "
            f"largest relative error {worst:.1e} ({at['name']})."
        )
    else:
        words = (
            f"The derivative by {at['name']} differs: engine {at['engine']:.6g}, central difference "
            f"{at['difference']:.6g}, relative error {worst:.1e}."
        )
    if n_corners and at is not None:
        words += (
            f" {n_corners} more stand at a corner of ReLU or of |w|, where the two one-sided "
            "differences disagree."
        )
    return words


def _named(place: int, k: int, g: Floats, d: Floats) -> dict[str, Any]:
    """A parameter of theta[place] by its layer (1, 2, ...) and indices; i is None for a bias."""
    layer = place // 2 + 1
    indices = [int(i) for i in np.unravel_index(k, g.shape)]
    i, j = (None, indices[0]) if place % 2 else (indices[0], indices[1])
    return {
        "layer": layer,
        "i": i,
        "j": j,
        "name": f"b{layer}[{j}]" if i is None else f"W{layer}[{i}, {j}]",
        "engine": float(g.flat[k]),
        "difference": float(d.flat[k]),
    }


def _forward(spec: ModelSpec, theta: Parameters, U: Floats) -> list[Floats]:
    """Input of every layer, and the last layer's Z; the Zs of hidden layers in between are not kept."""
    passed = [U]
    for layer, activation in enumerate(spec.activations[:-1]):
        z = passed[-1] @ theta[2 * layer] + theta[2 * layer + 1]
        passed.append(activate(activation, z))
    return [*passed, passed[-1] @ theta[-2] + theta[-1]]


def _loss(spec: ModelSpec, theta: Parameters, z: Floats, y: NDArray) -> float:
    penalty = sum(
        spec.l1 * float(np.abs(W).sum()) + spec.l2 / 2 * float((W * W).sum()) for W in theta[::2]
    )
    return float(observation_losses(spec, z, y).mean()) + penalty


def _step(theta: Parameters, passed: list[Floats], place: int) -> Floats:
    """The step h of every entry of theta[place], (n_in, n_out) or (n_out,)."""
    if place % 2:
        return np.full(theta[place].shape, STEP)
    reach = np.maximum(np.abs(passed[place // 2]).max(axis=0), 1.0)
    return np.broadcast_to((STEP / reach)[:, np.newaxis], theta[place].shape).copy()


def _sides(
    spec: ModelSpec,
    theta: Parameters,
    passed: list[Floats],
    y: NDArray,
    place: int,
    step: Floats,
) -> _Sides:
    """Losses with each entry of theta[place] changed by +h and by -h."""
    layer = place // 2
    A, W = passed[layer], theta[2 * layer]
    n, n_out = len(A), W.shape[1]
    z = A @ W + theta[2 * layer + 1]
    # by how much an entry's change moves its column of Z, (n_entries, n)
    entries = np.arange(step.size)
    columns = entries % n_out
    moved = step.ravel()[:, np.newaxis] * (1.0 if place % 2 else A.T[entries // n_out])
    above, below = np.empty(step.size), np.empty(step.size)
    corner = np.zeros(step.size, dtype=bool)
    stretch = max(1, AT_ONCE // (2 * n * max(spec.widths)))
    for first in range(0, step.size, stretch):
        part = slice(first, first + stretch)
        losses, bent = _behind(spec, theta, layer, z, columns[part], moved[part], y)
        above[part], below[part] = losses
        corner[part] = bent
    if place % 2 == 0:
        w, h = W.ravel(), step.ravel()
        above += spec.l1 * (np.abs(w + h) - np.abs(w)) + spec.l2 / 2 * ((w + h) ** 2 - w * w)
        below += spec.l1 * (np.abs(w - h) - np.abs(w)) + spec.l2 / 2 * ((w - h) ** 2 - w * w)
        if (
            spec.l1
        ):  # at w = 0 itself the slopes -l1 and l1 cancel, as the engine's sign(0) = 0 says
            corner |= (np.abs(w) < h) & (w != 0)
    return _Sides(above.reshape(step.shape), below.reshape(step.shape), corner.reshape(step.shape))


def _behind(
    spec: ModelSpec,
    theta: Parameters,
    layer: int,
    z: Floats,
    columns: NDArray[np.intp],
    moved: Floats,
    y: NDArray,
) -> tuple[Floats, NDArray[np.bool_]]:
    """Data losses (2, n_entries) with one column of a layer's Z moved up, and down; corners."""
    entries = np.arange(len(columns))
    stack = np.broadcast_to(z, (2, len(columns), *z.shape)).copy()
    stack[0, entries, :, columns] += moved
    stack[1, entries, :, columns] -= moved
    corner = np.zeros(len(columns), dtype=bool)
    for behind in range(layer, len(spec.activations)):
        activation = spec.activations[behind]
        if activation == "relu":
            corner |= ((stack[0] > 0) != (stack[1] > 0)).any(axis=(1, 2))
        if behind < len(spec.activations) - 1:
            stack = activate(activation, stack) @ theta[2 * behind + 2] + theta[2 * behind + 3]
    return observation_losses(spec, stack, y).mean(axis=-1), corner
