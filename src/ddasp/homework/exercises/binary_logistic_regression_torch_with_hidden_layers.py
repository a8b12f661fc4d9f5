"""Three exercises on networks as data: widths that cost the same, names and copies, twin networks.

*Conventions*: parameters (W1, b1, W2, b2, ...) with W (n_in, n_out); a layer of PyTorch keeps its matrix as
(n_out, n_in) and computes x W^T + b. Counts are checked by counting, functions by computing with them.

*References*: A. Paszke et al., "PyTorch", NeurIPS 2019; I. Goodfellow et al., "Deep Learning", 2016,
section 8.2.2 (weight space symmetry).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.answers import shown
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]

# ------------------------------------------------------------------ 1: widths that cost the same

AT_LEAST = 1000


def _same_cost(answer: Any) -> list[Finding]:
    return asked(
        answer, [("equal", _cost_the_same), ("enough", _enough), ("smallest", _is_smallest)]
    )


def _count(*widths: int) -> int:
    return sum((m + 1) * n for m, n in pairwise(widths))


def _widths(answer: Any) -> tuple[int, int]:
    g, h = answers.vector(answer, "the widths", length=2)
    if g != round(g) or h != round(h) or min(g, h) < 1 or max(g, h) > 1e6:
        raise NotYet(f"{g:g} and {h:g} are no widths; expected two whole numbers above 0")
    return int(g), int(h)


def _cost_the_same(answer: Any) -> None:
    g, h = _widths(answer)
    flat, deep = _count(2, g, 1), _count(2, h, h, 1)
    if flat != deep:
        without = 3 * g == 2 * h + h * h + h
        raise NotYet(
            f"2-{g}-1 has {flat} parameters, 2-{h}-{h}-1 has {deep}; expected as many"
            + (" - were the biases left out?" if without else "")
        )


def _enough(answer: Any) -> None:
    g, h = _widths(answer)
    if min(_count(2, g, 1), _count(2, h, h, 1)) < AT_LEAST:
        raise NotYet(f"one of them has fewer than {AT_LEAST} parameters")


def _is_smallest(answer: Any) -> None:
    _cost_the_same(answer)
    _enough(answer)
    _, h = _widths(answer)
    flat = {_count(2, g, 1) for g in range(1, 3000)}
    if any(_count(2, k, k, 1) in flat and _count(2, k, k, 1) >= AT_LEAST for k in range(1, h)):
        raise NotYet(
            f"there are smaller networks of the two kinds with {AT_LEAST} parameters or more"
        )


# ------------------------------------------------------------------ 2: names and copies

CASES = ((2, 3, 1), (2, 4, 3, 2, 1), (5, 1))


def _names(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("names", _has_the_names),
            ("shapes", _has_the_shapes),
            ("same function", _computes_the_same),
            ("copies", _shares_nothing),
        ],
    )


def _theta(widths: tuple[int, ...], dtype: Any = np.float64) -> tuple[Array, ...]:
    rng, theta = np.random.default_rng(len(widths)), []
    for m, n in pairwise(widths):
        theta += [rng.standard_normal((m, n)).astype(dtype), rng.standard_normal(n).astype(dtype)]
    return tuple(theta)


def _given(answer: Any, theta: tuple[Array, ...]) -> dict[Any, Any]:
    found = called(function(answer, "state_dict(theta)"), theta)
    if not isinstance(found, dict):
        raise NotYet(f"state_dict(theta) gives {shown(found)}; expected a dict of names to arrays")
    return found


def _expected_names(theta: tuple[Array, ...]) -> list[str]:
    """Every second place of a Sequential is an activation."""
    return [f"{2 * (k // 2)}.{('weight', 'bias')[k % 2]}" for k in range(len(theta))]


def _has_the_names(answer: Any) -> None:
    for widths in CASES:
        theta = _theta(widths)
        found = [str(key)[:30] for key in _given(answer, theta)][:20]
        missing = [name for name in _expected_names(theta) if name not in found]
        if missing or len(found) != len(theta):
            raise NotYet(
                f"network {'-'.join(map(str, widths))}: the names are {found}; in Linear, Tanh, Linear, "
                "... each module counts, also one without parameters"
            )


def _arrays(answer: Any, theta: tuple[Array, ...]) -> list[Array]:
    found = _given(answer, theta)
    out = []
    for name, p in zip(_expected_names(theta), theta, strict=True):
        value = found.get(name)
        if not isinstance(value, np.ndarray):
            raise NotYet(f"{name!r} is {shown(value)}; expected a NumPy array")
        if value.shape != p.T.shape:
            raise NotYet(
                f"{name!r} has shape {value.shape}; a Linear layer keeps (outputs, inputs)"
            )
        if value.dtype != p.dtype:
            raise NotYet(f"{name!r} is {value.dtype}, what came was {p.dtype}; keep the precision")
        out.append(array(value, name, p.T.shape).astype(p.dtype))
    return out


def _has_the_shapes(answer: Any) -> None:
    for widths in CASES:
        _arrays(answer, _theta(widths))
    _arrays(answer, _theta(CASES[0], np.float32))


def _computes_the_same(answer: Any) -> None:
    for widths in (*CASES, (3, 3, 3, 3)):
        theta = _theta(widths)
        found = _arrays(answer, theta)
        X = np.random.default_rng(9).standard_normal((6, widths[0]))
        a = b = X
        for k in range(0, len(theta), 2):
            bend = np.tanh if k < len(theta) - 2 else np.asarray
            a, b = bend(a @ theta[k] + theta[k + 1]), bend(b @ found[k].T + found[k + 1])
        off = float(np.abs(a - b).max())
        if off > 1e-9:
            raise NotYet(
                f"network {'-'.join(map(str, widths))}: x Wᵀ + b with yours differs from x W + b with what "
                f"came, by up to {off:.3g} - reshaped in place of transposed, or not turned at all?"
            )


def _shares_nothing(answer: Any) -> None:
    theta = _theta(CASES[0])
    own = function(answer, "state_dict(theta)")
    inner: list[tuple[Array, ...]] = []

    def kept(values: tuple[Array, ...]) -> Any:
        inner.append(values)
        return own(values)

    copies = tuple(p.copy() for p in theta)
    found = called(kept, copies)
    if not isinstance(found, dict):
        raise NotYet(f"state_dict(theta) gives {shown(found)}; expected a dict")
    values = [v for v in found.values() if isinstance(v, np.ndarray)]
    if not values:
        raise NotYet("there is no array in it")
    if any(np.shares_memory(v, p) for v in values for p in copies):
        raise NotYet(
            "some of your arrays are views of theta: a training that works in place, on what "
            "torch.from_numpy makes of them, would change theta as well"
        )


# ------------------------------------------------------------------ 3: the same function twice

FIRST: tuple[Array, ...] = (
    np.array([[1.0, -2.0, 0.5], [3.0, 1.0, -1.0]]), np.array([0.5, -1.0, 2.0]),
    np.array([[2.0], [-1.0], [4.0]]), np.array([1.0]),
)  # fmt: skip


def _twins(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [("same function", _is_the_same), ("places", _no_unit_stays), ("signs", _no_sign_stays)],
    )


def _network(answer: Any) -> tuple[Array, Array, Array, Array]:
    if not isinstance(answer, list | tuple) or len(answer) != 4:
        raise NotYet(f"the answer is {shown(answer)}; expected four things, [W1, b1, W2, b2]")
    return (
        answers.matrix(answer[0], "W1", rows=2, columns=3), answers.vector(answer[1], "b1", length=3),
        answers.vector(answer[2], "W2", length=3)[:, np.newaxis],
        answers.vector(answer[3], "b2", length=1),
    )  # fmt: skip


def _is_the_same(answer: Any) -> None:
    X = np.random.default_rng(4).uniform(-3.0, 3.0, (200, 2))
    z = [np.tanh(X @ W1 + b1) @ W2 + b2 for W1, b1, W2, b2 in (FIRST, _network(answer))]
    off = np.abs(z[0] - z[1])[:, 0]
    if off.max() > 1e-3:
        at = X[int(off.argmax())]
        raise NotYet(
            f"at x = ({at[0]:.2f}, {at[1]:.2f}) the scores differ by {off.max():.3g}; what belongs to a "
            "unit, a column of W1, an entry of b1, a row of W2, must move together"
        )


def _no_unit_stays(answer: Any) -> None:
    W1 = _network(answer)[0]
    for j in range(3):
        if np.abs(np.abs(W1[:, j]) - np.abs(FIRST[0][:, j])).max() < 1e-3:
            raise NotYet(f"unit {j + 1} stands where it stood; expected each in another place")


def _no_sign_stays(answer: Any) -> None:
    W1 = _network(answer)[0]
    for j in range(3):
        if np.abs(FIRST[0] - W1[:, j : j + 1]).max(axis=0).min() < 1e-3:
            raise NotYet(
                f"unit {j + 1} of yours has weights of a unit of the first network, signs and all; "
                "expected each with the other sign. What does tanh do with −z?"
            )


EXERCISES = (
    Exercise(
        "binary_logistic_regression_torch_with_hidden_layers.1",
        f"""One wide hidden layer or two narrow ones: find the smallest widths g and h for which 2-g-1 and
2-h-h-1 have the same number of parameters, biases included, and at least {AT_LEAST:,} of them. By hand;
hand in `[g, h]`.""",
        _same_cost,
        (
            "Write both counts as polynomials, (inputs + 1) times outputs for every layer.",
            "One of the counts leaves the same remainder whenever it is divided by 4. For which h does the "
            "other leave it too?",
        ),
    ),
    Exercise(
        "binary_logistic_regression_torch_with_hidden_layers.2",
        """Write `state_dict(theta)`: for parameters (W1, b1, W2, b2, ...) with W (inputs, outputs) a dict
of NumPy arrays under the names that `torch.nn.Sequential(Linear, Tanh, Linear, Tanh, ..., Linear)` gives
them ("0.weight", "0.bias", and so on), so that `torch.from_numpy` of each could be loaded there. In the
precision that came, and without sharing memory with theta.""",
        _names,
        (
            "The number before the point is the place of the module in the sequence. Which places have "
            "parameters?",
            "`.T` gives the right shape, but what does it own? `torch.from_numpy` copies nothing either.",
        ),
    ),
    Exercise(
        "binary_logistic_regression_torch_with_hidden_layers.3",
        """A network 2-3-1 with tanh, z = tanh(xW₁ + b₁) · w₂ + b₂, has W₁ = [[1, −2, 0.5], [3, 1, −1]],
b₁ = (0.5, −1, 2), w₂ = (2, −1, 4), b₂ = 1. Find another one with the same function in which no unit
stands in its place and no unit has its old signs; hand in `[W1, b1, W2, b2]`, W2 with three numbers, b2
as `[number]`. How many such networks are there for n units, all told?""",
        _twins,
        (
            "Does the sum over units care for their order?",
            "tanh is an odd function. If a unit's weights and bias change their sign, what must follow?",
        ),
    ),
)
