"""What a unit makes of a sample: its sum, its output, and what comes back to it.

*Conventions*: those of `numbers`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.playground.knowing.formulas import bracketed, line, subscript, sum_of, text
from ddasp.playground.knowing.unit_passes import Passing, slope_of, targets_as_rows

__all__ = ["unit_lines"]

Floats = NDArray[np.float64]
FUNCTIONS = {
    "linear": "z",
    "tanh": "tanh(z)",
    "sigmoid": "1 / (1 + exp(−z))",
    "relu": "max(z, 0)",
}
SLOPES = {"linear": "1", "tanh": "1 − a²", "sigmoid": "a (1 − a)", "relu": "1 if a > 0, else 0"}


def unit_lines(
    state: Passing, A: list[Floats], Z: list[Floats], D: list[Floats], layer: int, unit: int
) -> list[dict[str, Any]]:
    """Forward sum, output, loss and D of the sample, which is the last row of A, Z and D.

    Parameters
    ----------
    state : Passing
    A, Z, D : list of numpy.ndarray of shape (n_rows, n_units)
        Of `passes`.
    layer, unit : int
    """
    spec, theta = state.spec, state.theta
    activation, is_last = spec.activations[layer - 1], layer == len(spec.widths) - 1
    j = subscript(unit + 1)
    before, w, b = A[layer - 1][-1], theta[2 * layer - 2][:, unit], theta[2 * layer - 1][unit]
    z, a = Z[layer][-1, unit], A[layer][-1, unit]
    lines = [
        line(
            "forward",
            f"z{j} = Σᵢ aᵢ wᵢ{j} + b{j}",
            sum_of(
                [*(f"{text(x)} · {bracketed(y)}" for x, y in zip(before, w, strict=True)), text(b)]
            ),
            z,
            "last sum" if is_last else "sum",
        ),
        _function_line(activation, j, Z[layer][-1], z, a),
    ]
    if is_last:
        lines.append(_loss_line(state, A[-1][-1], Z[-1][-1]))
    d = D[layer][-1, unit]
    if is_last:
        return [*lines, _last_d_line(state, a, d, unit)]
    W, behind = theta[2 * layer][unit], D[layer + 1][-1]
    dA = float(behind @ W)
    slope = float(slope_of(activation, A[layer][-1:])[0, unit])
    return [
        *lines,
        line(
            "backward",
            f"dL/da{j} = Σₖ Dₖ w{j}ₖ",
            sum_of([f"{text(x)} · {bracketed(y)}" for x, y in zip(behind, W, strict=True)]),
            dA,
            "dA",
        ),
        line("backward", f"f′(z{j}) = {SLOPES[activation]}", *_slope_text(activation, a, slope)),
        line("backward", f"D{j} = dL/da{j} · f′(z{j})", f"{text(dA)} · {bracketed(slope)}", d, "D"),
    ]


def _function_line(activation: str, j: str, row: Floats, z: float, a: float) -> dict[str, Any]:
    if activation == "softmax":
        e = " + ".join(f"exp({text(other)})" for other in row)
        return line(
            "forward", f"a{j} = exp(z{j}) / Σₖ exp(zₖ)", f"exp({text(z)}) / ({e})", a, "softmax"
        )
    numeric = {
        "linear": text(z),
        "tanh": f"tanh({text(z)})",
        "sigmoid": f"1 / (1 + exp({text(-z)}))",
        "relu": f"max({text(z)}, 0)",
    }[activation]
    symbolic = f"a{j} = {FUNCTIONS[activation].replace('z', f'z{j}')}"
    return line("forward", symbolic, numeric, a, activation)


def _slope_text(activation: str, a: float, slope: float) -> tuple[str, float, str]:
    numeric = {
        "linear": "1",
        "tanh": f"1 − {bracketed(a)}²",
        "sigmoid": f"{text(a)} · (1 − {bracketed(a)})",
        "relu": f"{text(a)} > 0" if a > 0 else f"{text(a)} is not above 0",
    }[activation]
    return numeric, slope, f"{activation} slope"


def _loss_line(state: Passing, a: Floats, z: Floats) -> dict[str, Any]:
    """The sample's loss, of all outputs together."""
    loss, y = state.spec.loss, state.y[state.sample]
    if loss == "categorical_cross_entropy":
        value = float(np.log(np.exp(z - z.max()).sum()) - (z - z.max())[y])
        return line("loss", "L = −ln a_y", f"−ln {bracketed(a[y])}", value, loss)
    if loss == "binary_cross_entropy":
        t, s = float(y[0]), float(z[0])
        value = max(s, 0.0) - t * s + math.log1p(math.exp(-abs(s)))
        numeric = f"−{text(t)} · ln {text(a[0])} − {text(1 - t)} · ln {text(1 - a[0])}"
        return line("loss", "L = −y ln a − (1 − y) ln(1 − a)", numeric, value, loss)
    value = float(((a - y) ** 2).sum() / 2)
    numeric = " + ".join(f"½ ({_less(p, q)})²" for p, q in zip(a, y, strict=True))
    symbolic = "L = ½ (a − y)²" if len(a) == 1 else "L = ½ Σₖ (aₖ − yₖ)²"
    return line("loss", symbolic, numeric, value, loss)


def _less(p: float, q: float) -> str:
    """A difference of two numbers."""
    return f"{text(p)} − {bracketed(q)}"


def _last_d_line(state: Passing, a: float, d: float, unit: int) -> dict[str, Any]:
    """D of an output: the error, through the slope where the loss does not cancel it, over n."""
    spec, n, j = state.spec, len(state.batch), subscript(unit + 1)
    target = float(targets_as_rows(state, np.array([state.sample]))[0, unit])
    source, activation = f"D {spec.loss}", spec.activations[-1]
    if spec.loss != "squared_error" or activation == "linear":
        symbolic = f"D{j} = (a{j} − y{j}) / n"
        return line("backward", symbolic, f"({_less(a, target)}) / {n}", d, source)
    slope = _slope_text(activation, a, 0.0)[0]
    slope = {"relu": "1" if a > 0 else "0"}.get(activation, slope)
    return line(
        "backward",
        f"D{j} = (a{j} − y{j}) · f′(z{j}) / n,  f′ = {SLOPES[activation]}",
        f"({_less(a, target)}) · ({slope}) / {n}",
        d,
        source,
    )
