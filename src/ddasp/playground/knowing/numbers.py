"""The numbers of one unit: its sum, its gradient and its next update, with all values filled in.

Every line has the formula in the notation of the lessons, the same with the current numbers, the
value, and the line of `mlp_numpy` or `optimizers_numpy` that computes it for all units at once. The
numbers are derived here once more, unit by unit and without matrices, so that a reader with a
pocket calculator gets the same; that they equal the engine's is tested for all combinations.

*Conventions*: A layer computes Z = A W + b, A' = f(Z); D = dL/dZ. In formulas units count from 1, as
a reader does; in arguments and keys from 0. Layer 0 are the inputs. Values that are not finite
are None, since JSON has no word for them. Six digits in the text, the exact float in ``value``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ddasp._errors import InputError
from ddasp.nonlinear.spec import ModelSpec, Parameters, inputs_of, targets_of
from ddasp.nonlinear.steps import SGD, Adam
from ddasp.playground.knowing.formulas import finite, line, text
from ddasp.playground.knowing.unit_lines import unit_lines
from ddasp.playground.knowing.unit_passes import Passing, passes, remembered
from ddasp.playground.knowing.update_lines import update_lines

__all__ = ["numbers"]


def numbers(
    spec: ModelSpec,
    theta: Parameters,
    memory: Any,
    optimizer: SGD | Adam,
    U: ArrayLike,
    y: ArrayLike,
    batch: ArrayLike,
    *,
    layer: int,
    unit: int,
    sample: int,
    input_names: Sequence[str] = (),
) -> dict[str, Any]:
    """All formulas of a unit for a sample and the minibatch of the next update.

    Parameters
    ----------
    spec : ModelSpec
        Without noise and dropout.
    theta : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
    memory : Memory or None
        What the optimizer remembers, of either engine.
    optimizer : SGD or Adam
    U : array_like of shape (n, n_inputs)
        Inputs of all points.
    y : array_like of shape (n,) or (n, n_outputs)
        Targets as the engine takes them.
    batch : array_like of shape (n_batch,)
        Rows of the next update.
    layer, unit : int
        Layer 0 are the inputs.
    sample : int
        Row whose way through the unit is shown; it need not stand in the minibatch.
    input_names : sequence of str
        One for each column of U.

    Returns
    -------
    dict
        ``title``, ``layer``, ``unit``, ``sample``, ``in_batch``, ``batch_size``, ``update`` (number
        of the next one), ``terms`` of the sum [{i, name, a, w, product}], ``lines`` and
        ``parameters`` [{i (None: the bias), name, from, value, gradient, new, lines}]. A line has
        ``section`` ("forward", "loss", "backward", "gradient", "update"), ``symbolic``,
        ``numeric``, ``value`` and ``source`` {file, line, text} or None.

    Raises
    ------
    InputError
        When there is no such unit or row.

    Examples
    --------
    >>> spec = ModelSpec((1, 1), ("linear",), "squared_error")
    >>> found = numbers(
    ...     spec, (np.array([[2.0]]), np.array([1.0])), None, SGD(0.1), [[3.0]], [5.0], [0],
    ...     layer=1, unit=0, sample=0, input_names=["x"],
    ... )
    >>> found["lines"][0]["numeric"], found["lines"][0]["value"]
    ('3 · 2 + 1', 7.0)
    >>> [(p["name"], p["gradient"], round(p["new"], 6)) for p in found["parameters"]]
    [('w₁₁', 6.0, 1.4), ('b₁', 2.0, 0.8)]
    """
    U = inputs_of(spec, np.asarray(U, dtype=np.float64))
    y = targets_of(spec, y, len(U), np.float64)
    batch = np.asarray(batch, dtype=np.intp)
    _inside(layer, "layer", len(spec.widths))
    _inside(unit, f"unit of layer {layer}", spec.widths[layer])
    _inside(sample, "sample", len(U))
    if not len(batch):
        raise InputError("E-ARGUMENT", "batch is empty; expected the rows of the next update")
    names = [
        input_names[i] if i < len(input_names) else f"input {i + 1}" for i in range(U.shape[1])
    ]
    common = {
        "layer": layer,
        "unit": unit,
        "sample": sample,
        "in_batch": bool((batch == sample).any()),
        "batch_size": len(batch),
    }
    if layer == 0:
        return {
            **common,
            "title": f"Input {names[unit]}",
            "update": (0 if memory is None else int(memory.step)) + 1,
            "terms": [],
            "lines": [line("forward", "a", text(U[sample, unit]), U[sample, unit], None)],
            "parameters": [],
        }
    theta = tuple(np.asarray(p, dtype=np.float64) for p in theta)
    t, first, second = remembered(spec, optimizer, memory, theta)
    state = Passing(
        spec, theta, t, first, second, optimizer, U.astype(np.float64), y, batch, sample
    )
    with np.errstate(all="ignore"):  # a state that diverged is shown too
        A, Z, D = passes(state, np.append(batch, sample))
        own = unit_lines(state, A, Z, D, layer, unit)
        parameters = update_lines(state, A, D, layer, unit, names)
    sources = names if layer == 1 else [f"unit {i + 1}" for i in range(spec.widths[layer - 1])]
    a, w = A[layer - 1][-1], theta[2 * layer - 2][:, unit]
    terms = [
        {
            "i": i,
            "name": sources[i],
            "a": finite(a[i]),
            "w": finite(w[i]),
            "product": finite(a[i] * w[i]),
        }
        for i in range(len(w))
    ]
    place = "Output" if layer == len(spec.widths) - 1 else f"Layer {layer},"
    title = f"{place} unit {unit + 1}: {spec.activations[layer - 1]}"
    return {
        **common,
        "title": title,
        "update": t + 1,
        "terms": terms,
        "lines": own,
        "parameters": parameters,
    }


def _inside(value: int, name: str, n: int) -> None:
    if not isinstance(value, int | np.integer) or not 0 <= value < n:
        raise InputError("E-ARGUMENT", f"{name} is {value!r}; expected 0 to {n - 1}")
