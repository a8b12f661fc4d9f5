"""What the next update makes of a unit's weights: gradient, penalty, the optimizer's memory, the new value.

*Conventions*: those of `numbers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.nonlinear.steps import Adam
from ddasp.playground.knowing.formulas import bracketed, finite, line, subscript, sum_of, text
from ddasp.playground.knowing.unit_passes import Passing

__all__ = ["update_lines"]

Floats = NDArray[np.float64]
SHOWN_TERMS = 3  # of a sum over a minibatch


def update_lines(
    state: Passing, A: list[Floats], D: list[Floats], layer: int, unit: int, names: Sequence[str]
) -> list[dict[str, Any]]:
    """Gradient and next update of all weights of a unit, and of its bias.

    Parameters
    ----------
    state : Passing
    A, D : list of numpy.ndarray of shape (n_rows, n_units)
        Of `passes`, the rows of the minibatch and behind them the sample.
    layer, unit : int
    names : sequence of str
        Of the inputs.
    """
    before, d = A[layer - 1][:-1], D[layer][:-1, unit]  # without the sample behind the minibatch
    place, n_in = 2 * layer - 2, state.spec.widths[layer - 1]
    found = []
    at: int
    index: tuple[int, ...]
    for i in [*range(n_in), None]:
        if i is None:
            name, at, index = f"b{subscript(unit + 1)}", place + 1, (unit,)
            lines, g = _gradient_lines(state, name, np.ones(len(d)), d, None)
        else:
            name, at, index = f"w{subscript(i + 1, unit + 1)}", place, (i, unit)
            lines, g = _gradient_lines(state, name, before[:, i], d, state.theta[at][index])
        update, new = _following(state, name, at, index, g)
        source = "1" if i is None else names[i] if layer == 1 else f"unit {i + 1}"
        found.append(
            {
                "i": i,
                "name": name,
                "from": source,
                "value": finite(state.theta[at][index]),
                "gradient": finite(g),
                "new": finite(new),
                "lines": [*lines, *update],
            }
        )
    return found


def _gradient_lines(
    state: Passing, name: str, a: Floats, d: Floats, w: float | None
) -> tuple[list[dict[str, Any]], float]:
    """dL/dw over the minibatch, and the parts that the penalties add; w None: a bias."""
    spec, g = state.spec, float(a @ d)
    shown = [
        text(y) if w is None else f"{text(x)} · {bracketed(y)}"
        for x, y in zip(a[:SHOWN_TERMS], d[:SHOWN_TERMS], strict=True)
    ]
    rest = len(a) - len(shown)
    numeric = sum_of(shown) + (f" + … ({rest} more)" if rest else "")
    symbolic = f"dL/d{name} = Σₙ Dₙ" if w is None else f"dL/d{name} = Σₙ aₙ Dₙ"
    lines = [line("gradient", symbolic, numeric, g, "db" if w is None else "dW")]
    parts = [text(g)]
    if w is not None and spec.l2:
        lines.append(
            line("gradient", f"λ {name}", f"{text(spec.l2)} · {bracketed(w)}", spec.l2 * w, "l2")
        )
        parts.append(text(spec.l2 * w))
        g += spec.l2 * w
    if w is not None and spec.l1:
        lines.append(
            line(
                "gradient",
                f"λ sign({name})",
                f"{text(spec.l1)} · {bracketed(np.sign(w))}",
                spec.l1 * np.sign(w),
                "l1",
            )
        )
        parts.append(text(spec.l1 * np.sign(w)))
        g += float(spec.l1 * np.sign(w))
    if len(parts) > 1:
        lines.append(line("gradient", "g = dL/dw + penalty", sum_of(parts), g, None))
    return lines, g


def _following(
    state: Passing, name: str, at: int, index: tuple[int, ...], g: float
) -> tuple[list[dict[str, Any]], float]:
    """What the optimizer remembers after the next update, and the new value."""
    p, first = float(state.theta[at][index]), float(state.first[at][index])
    rate = float(np.max(state.optimizer.learning_rate))
    if isinstance(state.optimizer, Adam):
        return _adam_lines(state, state.optimizer, name, p, g, first, at, index)
    beta = state.optimizer.momentum
    v = beta * first - rate * g
    step = f"{text(rate)} · {bracketed(g)}"
    if beta:
        symbolic, numeric = "v ← β v − μ g", f"{text(beta)} · {bracketed(first)} − {step}"
    else:
        symbolic, numeric = "v ← −μ g", f"−{step}"
    lines = [
        line("update", symbolic, numeric, v, "v"),
        line("update", f"{name} ← {name} + v", f"{text(p)} + {bracketed(v)}", p + v, "theta + v"),
    ]
    return lines, p + v


def _adam_lines(
    state: Passing,
    adam: Adam,
    name: str,
    p: float,
    g: float,
    first: float,
    at: int,
    index: tuple[int, ...],
) -> tuple[list[dict[str, Any]], float]:
    b1, b2, t = adam.beta1, adam.beta2, state.t + 1
    rate, second = float(np.max(adam.learning_rate)), float(state.second[at][index])
    m = first + (1 - b1) * (g - first)
    s = second + (1 - b2) * (g * g - second)
    unbiased_m, unbiased_s = m / (1 - b1**t), s / (1 - b2**t)
    new = p - rate * unbiased_m / (np.sqrt(unbiased_s) + adam.epsilon)
    lines = [
        line(
            "update",
            "m ← β₁ m + (1 − β₁) g",
            f"{text(b1)} · {bracketed(first)} + {text(1 - b1)} · {bracketed(g)}",
            m,
            "m",
        ),
        line(
            "update",
            "s ← β₂ s + (1 − β₂) g²",
            f"{text(b2)} · {text(second)} + {text(1 - b2)} · {bracketed(g)}²",
            s,
            "s",
        ),
        line(
            "update",
            f"m′ = m / (1 − β₁ᵗ), t = {t}",
            f"{text(m)} / {text(1 - b1**t)}",
            unbiased_m,
            "adam",
        ),
        line(
            "update",
            f"s′ = s / (1 − β₂ᵗ), t = {t}",
            f"{text(s)} / {text(1 - b2**t)}",
            unbiased_s,
            "adam",
        ),
        line(
            "update",
            f"{name} ← {name} − μ m′ / (√s′ + ε)",
            f"{text(p)} − {text(rate)} · {bracketed(unbiased_m)} / "
            f"(√{text(unbiased_s)} + {text(adam.epsilon)})",
            new,
            "adam",
        ),
    ]
    return lines, float(new)
