"""Lines of the formula panel: symbols, the same with numbers, the value, and the source line.

*Conventions*: six significant digits in the text, a true minus sign, brackets around what is
negative inside a product. A source is found at run time by a text that stands in the module
exactly once, so that a line number can't go stale unnoticed.
"""

from __future__ import annotations

import functools
import inspect
import math
from types import ModuleType
from typing import Any

from ddasp._errors import InputError
from ddasp.nonlinear import mlp_numpy, optimizers_numpy

__all__ = ["MARKERS", "bracketed", "finite", "line", "source_of", "subscript", "sum_of", "text"]

MODULES: dict[str, ModuleType] = {"mlp_numpy": mlp_numpy, "optimizers_numpy": optimizers_numpy}
# what a line computes: file, and a text that stands in it exactly once
MARKERS: dict[str, tuple[str, str]] = {
    "sum": ("mlp_numpy", "a = _activate(activation, inputs[-1] @ theta[2 * layer]"),
    "last sum": ("mlp_numpy", "return [*inputs, inputs[-1] @ theta[-2] + theta[-1]]"),
    "linear": ("mlp_numpy", "    return z\n"),
    "tanh": ("mlp_numpy", "return np.tanh(z)"),
    "sigmoid": ("mlp_numpy", "np.where(z >= 0, 1, e) / (1 + e)"),
    "relu": ("mlp_numpy", "return np.maximum(z, 0)"),
    "softmax": ("mlp_numpy", "return np.asarray(e / e.sum(axis=1, keepdims=True))"),
    "linear slope": ("mlp_numpy", "    return 1\n"),
    "tanh slope": ("mlp_numpy", "return 1 - a * a"),
    "sigmoid slope": ("mlp_numpy", "return a * (1 - a)"),
    "relu slope": ("mlp_numpy", "return (a > 0).astype(a.dtype)"),
    "squared_error": ("mlp_numpy", "each = ((a - y) ** 2).sum(axis=1) / 2"),
    "binary_cross_entropy": ("mlp_numpy", "each = (np.maximum(z, 0) - y * z"),
    "categorical_cross_entropy": ("mlp_numpy", "each = np.log(total) - shifted[rows, y]"),
    "D squared_error": ("mlp_numpy", "D = (a - y) * _slope(spec.activations[-1], a)"),
    "D binary_cross_entropy": ("mlp_numpy", "D = _sigmoid(z) - y"),
    "D categorical_cross_entropy": ("mlp_numpy", "D[rows, y] -= 1"),
    "dA": ("mlp_numpy", "dA = D @ W.T"),
    "D": ("mlp_numpy", "D = dA * _slope(spec.activations[layer - 1], A)"),
    "dW": ("mlp_numpy", "dW = A.T @ D\n"),
    "db": ("mlp_numpy", "gradient[:0] = [dW, D.sum(axis=0)]"),
    "l2": ("mlp_numpy", "dW += spec.l2 * W"),
    "l1": ("mlp_numpy", "dW += spec.l1 * np.sign(W)"),
    "v": ("optimizers_numpy", "v -= rate * g"),
    "theta + v": ("optimizers_numpy", "p += v"),
    "m": ("optimizers_numpy", "m += (1 - b1) * (g - m)"),
    "s": ("optimizers_numpy", "s += (1 - b2) * (g * g - s)"),
    "adam": ("optimizers_numpy", "p -= rate / unbias1 * m"),
}


@functools.cache
def source_of(key: str) -> dict[str, Any]:
    """Where the library computes something.

    Parameters
    ----------
    key : str
        One of `MARKERS`.

    Returns
    -------
    dict
        ``file`` (module name), ``line`` (from 1) and ``text`` of that line.

    Raises
    ------
    InputError
        When the text no longer stands in the module exactly once.

    Examples
    --------
    >>> source_of("tanh")["text"]
    'return np.tanh(z)'
    """
    file, marker = MARKERS[key]
    text = inspect.getsource(MODULES[file])
    if text.count(marker) != 1:
        raise InputError(
            "E-ARGUMENT",
            f"{marker!r} stands {text.count(marker)} times in {file}.py; expected once - "
            "was the module changed?",
        )
    line = text[: text.index(marker)].count("\n") + 1
    return {"file": file, "line": line, "text": text.splitlines()[line - 1].strip()}


def line(
    section: str, symbolic: str, numeric: str, value: float, source: str | None
) -> dict[str, Any]:
    """One line of the panel.

    Parameters
    ----------
    section : str
        "forward", "loss", "backward", "gradient" or "update".
    symbolic, numeric : str
    value : float
    source : str or None
        Key of `MARKERS`.
    """
    return {
        "section": section,
        "symbolic": symbolic,
        "numeric": numeric,
        "value": finite(value),
        "source": source_of(source) if source else None,
    }


def finite(value: float) -> float | None:
    """The float itself, or None: JSON has no word for what is not finite.

    Examples
    --------
    >>> finite(0.5), finite(float("nan"))
    (0.5, None)
    """
    return float(value) if math.isfinite(value) else None


def text(value: float) -> str:
    """Six significant digits.

    Examples
    --------
    >>> text(-1 / 3), text(2.0), text(1e-12)
    ('−0.333333', '2', '1e−12')
    """
    return f"{float(value):.6g}".replace("-", "−").replace("inf", "∞")


def bracketed(value: float) -> str:
    """The same, in brackets when it is negative.

    Examples
    --------
    >>> bracketed(-2.0)
    '(−2)'
    """
    return f"({text(value)})" if value < 0 else text(value)


def sum_of(terms: list[str]) -> str:
    """Terms with plus and minus between them.

    Examples
    --------
    >>> sum_of(["1 · 2", "−3 · 4", "−5"])
    '1 · 2 − 3 · 4 − 5'
    """
    joined = " + ".join(terms)
    return joined.replace("+ −", "− ")


def subscript(*indices: int) -> str:
    """Indices below the line, with a thin space between them where one has two digits.

    Examples
    --------
    >>> subscript(1, 2), subscript(12, 3)
    ('₁₂', '₁₂\u2009₃')
    """
    digits = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
    between = "\u2009" if any(index > 9 for index in indices) else ""
    return between.join(str(index).translate(digits) for index in indices)
