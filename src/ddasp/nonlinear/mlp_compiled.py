"""The multilayer perceptron compiled by Numba: the arithmetic of `mlp_numpy` in one fused loop.

For small layers NumPy spends its time between the operations: about a microsecond for each of some
sixty calls per step, whatever the arrays' size. Here a whole training runs without returning to
Python, without allocating, and 16 observations at a time (`lanes`). Where a layer is wide, its
three products are BLAS's, as in NumPy: blocked for the caches, they overtake the plain loop.

*Conventions*: those of `mlp_numpy`, which explains every line. Inside, all activations stand in one
array ``a``, all dL/dZ in ``d``, units in rows and observations in columns: entry (unit, k) of a
layer whose first row starts at ``A`` is ``a[A + unit * n + k]``. n is the size of the minibatch
rounded up to whole lanes; the observations that fill it up have zeros as inputs and weight zero.
Parameters, gradients and the optimizer's memory are flat arrays in the order W1, b1, W2, b2, ...
float32 and float64; tanh, sigmoid and exp have a relative error of at most 2 eps.

*References*: those of `mlp_numpy` and `lanes`; S. K. Lam, A. Pitrou and S. Seibert, "Numba", 2015.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg.cython_blas  # noqa: F401 - Numba's BLAS; here, so that thread limits find it
from numba import njit
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range
from ddasp._errors import InputError
from ddasp.nonlinear import lanes
from ddasp.nonlinear import spec as specification
from ddasp.nonlinear.lanes import (
    LANES,
    exp,
    load,
    log1p,
    magnitude,
    sigmoid,
    spread,
    store,
    tanh,
    total,
    where_less,
)
from ddasp.nonlinear.spec import (
    ACTIVATIONS,
    LOSSES,
    SGD,
    Adam,
    Minibatches,
    ModelSpec,
    Parameters,
    Report,
    Step,
    disturbances,
    inputs_of,
    learning_rates,
    shapes_of,
    targets_of,
    weights_of,
)

__all__ = [
    "Model",
    "build",
    "fit",
    "gradients",
    "logits",
    "loss",
    "loss_and_gradients",
    "parameters",
    "predict",
]

Array = NDArray[np.floating]
LINEAR, TANH, SIGMOID, RELU, SOFTMAX = map(
    ACTIVATIONS.index, ("linear", "tanh", "sigmoid", "relu", "softmax")
)
BINARY, CATEGORICAL = map(list(LOSSES).index, ("binary_cross_entropy", "categorical_cross_entropy"))
# Multiplications between two looks at the keyboard (about 0.1 s), and random numbers of noise and
# dropout that are drawn at once.
WORK_AT_ONCE, DRAWN_AT_ONCE = 2**28, 2**20

U = np.uintp
# Products of one layer with at least this many multiplications are BLAS's: see docs/benchmarks.
WIDE = U(2**14)
ZERO, ONE, WIDTH = U(0), U(1), U(LANES)
small = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)


@dataclass(frozen=True)
class Memory:
    """What an optimizer knows of earlier steps; see `optimizers_numpy`.

    Parameters
    ----------
    step : int
        Number of updates so far.
    first : numpy.ndarray of shape (n_parameters,)
        Velocity, or mean of the gradients.
    second : numpy.ndarray of shape (n_parameters,)
        Mean of the squared gradients; empty for SGD.
    """

    step: int
    first: Array
    second: Array


@dataclass(frozen=True)
class Model:
    """A spec, its parameters, and what the optimizer remembers of their training."""

    spec: ModelSpec
    theta: Parameters
    memory: Memory | None = None


def build(spec: ModelSpec, theta: Parameters) -> Model:
    """Put a spec and its parameters together; see `mlp_numpy.build`."""
    shapes = [np.shape(p) for p in theta]
    if shapes != shapes_of(spec):
        raise InputError("E-ARGUMENT", f"theta has shapes {shapes}; expected {shapes_of(spec)}")
    return Model(spec, tuple(np.array(p) for p in theta))


def parameters(model: Model) -> Parameters:
    """Copies of (W1, b1, W2, b2, ...)."""
    return tuple(p.copy() for p in model.theta)


# --- compiled: one layer, 16 observations at a time


@small
def _activate(kind, z):
    if kind == TANH:
        return tanh(z)
    if kind == SIGMOID:
        return sigmoid(z)
    if kind == RELU:
        return where_less(z, 0.0, 0.0, z)
    return z


@small
def _slope(kind, y):
    if kind == TANH:
        return 1.0 - y * y
    if kind == SIGMOID:
        return y * (1.0 - y)
    if kind == RELU:
        return where_less(y * -1.0, 0.0, 1.0, 0.0)  # 1 where y > 0
    return where_less(y, 0.0, 1.0, 1.0)


@small
def _matrix(flat, start, n_rows, n_columns):
    first, last = np.intp(start), np.intp(start + n_rows * n_columns)
    return flat[first:last].reshape((np.intp(n_rows), np.intp(n_columns)))


@small
def _narrow_forward(kind, theta, W, n_in, n_out, a, A, n):
    """A' = f(A W + b), with A' behind A in `a`."""
    for unit in range(n_out):
        for k in range(ZERO, n, WIDTH):
            z = spread(theta[W + n_in * n_out + unit])
            for i in range(n_in):
                z = z + load(a, A + i * n + k) * theta[W + i * n_out + unit]
            store(a, A + (n_in + unit) * n + k, _activate(kind, z))


@small
def _wide_forward(kind, theta, W, n_in, n_out, a, A, n):
    """The same; the product is BLAS's."""
    weights, after = _matrix(theta, W, n_in, n_out), A + n_in * n
    np.dot(weights.T, _matrix(a, A, n_in, n), _matrix(a, after, n_out, n))
    for unit in range(n_out):
        b = theta[W + n_in * n_out + unit]
        for k in range(ZERO, n, WIDTH):
            place = after + unit * n + k
            store(a, place, _activate(kind, load(a, place) + b))


@small
def _through_activation(kind, keep, masks, m, y, dA):
    """D = dL/dA * f'(Z) for one vector, and the dropout mask that lies between."""
    if masks.size:
        y = y * keep  # the mask is 0 or 1 / keep; where it is 0, D becomes 0 anyway
        dA = dA * load(masks, m)
    return dA * _slope(kind, y)


@small
def _narrow_backward(kind, keep, masks, M, theta, g, W, n_in, n_out, a, d, A, n):
    """dL/dW = A^T D and dL/db from the layer's D in `d`; then D of the layer before, if any."""
    nothing = theta.dtype.type(0)
    after = A + n_in * n
    for unit in range(n_out):
        s = spread(nothing)
        for k in range(after + unit * n, after + unit * n + n, WIDTH):
            s = s + load(d, k)
        g[W + n_in * n_out + unit] = total(s)
        for i in range(n_in):
            s = spread(nothing)
            for k in range(ZERO, n, WIDTH):
                s = s + load(a, A + i * n + k) * load(d, after + unit * n + k)
            g[W + i * n_out + unit] = total(s)
    if A == 0:
        return
    for i in range(n_in):
        for k in range(ZERO, n, WIDTH):
            s = spread(nothing)
            for unit in range(n_out):
                s = s + load(d, after + unit * n + k) * theta[W + i * n_out + unit]
            place = i * n + k
            D = _through_activation(kind, keep, masks, M + place, load(a, A + place), s)
            store(d, A + place, D)


@small
def _wide_backward(kind, keep, masks, M, theta, g, W, n_in, n_out, a, d, A, n):
    """The same; the products are BLAS's."""
    after = A + n_in * n
    behind = _matrix(d, after, n_out, n)
    np.dot(_matrix(a, A, n_in, n), behind.T, _matrix(g, W, n_in, n_out))
    for unit in range(n_out):
        s = spread(theta.dtype.type(0))
        for k in range(after + unit * n, after + unit * n + n, WIDTH):
            s = s + load(d, k)
        g[W + n_in * n_out + unit] = total(s)
    if A == 0:
        return
    np.dot(_matrix(theta, W, n_in, n_out), behind, _matrix(d, A, n_in, n))
    for k in range(ZERO, n_in * n, WIDTH):
        D = _through_activation(kind, keep, masks, M + k, load(a, A + k), load(d, A + k))
        store(d, A + k, D)


@small
def _softmax(a, d, sums, A, n_out, n):
    """Logits at A less the largest one; exp of that goes to `d`, its sum over the units to `sums`."""
    for k in range(ZERO, n, WIDTH):
        top = load(a, A + k)
        for unit in range(ONE, n_out):
            z = load(a, A + unit * n + k)
            top = where_less(top, z, z, top)
        s = top * 0.0
        for unit in range(n_out):
            z = load(a, A + unit * n + k) - top
            e = exp(z)
            s = s + e
            store(a, A + unit * n + k, z)
            store(d, A + unit * n + k, e)
        store(sums, k, s)


@small
def _categorical(a, d, A, n_out, n, codes, sums, c, n_real):
    """Cross-entropy of softmax: its value; the rest as in `_loss`."""
    _softmax(a, d, sums, A, n_out, n)
    value = c.dtype.type(0)
    for k in range(n_real):
        value += c[k] * (math.log(sums[k]) - a[A + U(codes[k]) * n + k])
    for unit in range(n_out):
        for k in range(ZERO, n, WIDTH):
            place = A + unit * n + k
            output = load(d, place) / load(sums, k)
            store(a, place, output)
            store(d, place, output)
    for k in range(n_real):
        d[A + U(codes[k]) * n + k] -= 1
    for unit in range(n_out):
        for k in range(ZERO, n, WIDTH):
            place = A + unit * n + k
            store(d, place, load(d, place) * load(c, k))
    return value


@small
def _loss(kind, last, a, d, A, n_out, n, codes, values, c, n_real):
    """Loss of the logits at A; D goes to `d`, the layer's output takes the logits' place.

    c holds each observation's weight / n_real, and zero for those that fill up the lanes.
    """
    if kind == CATEGORICAL:
        return _categorical(a, d, A, n_out, n, codes, values, c, n_real)
    value = spread(c.dtype.type(0))
    for unit in range(n_out):
        for k in range(ZERO, n, WIDTH):
            place = A + unit * n + k
            z, y, weight = load(a, place), load(values, unit * n + k), load(c, k)
            if kind == BINARY:
                each = where_less(z, 0.0, 0.0, z) - y * z + log1p(exp(magnitude(z) * -1.0))
                output = sigmoid(z)
                D = output - y
            else:
                output = _activate(last, z)
                each = (output - y) * (output - y) * 0.5
                D = (output - y) * _slope(last, output)
            value = value + each * weight
            store(a, place, output)
            store(d, place, D * weight)
    return total(value)


@small
def _penalise(l1, l2, theta, g, widths):
    """Add l1 sign(W) + l2 W to the gradients; the penalties themselves are returned."""
    value = theta.dtype.type(0)
    W = ZERO
    for layer in range(widths.size - 1):
        b = W + widths[layer] * widths[layer + 1]
        for p in range(W, b):
            w = theta[p]
            value += l1 * abs(w) + l2 / 2 * w * w
            g[p] += l1 * np.sign(w) + l2 * w
        W = b + widths[layer + 1]
    return value


@small
def _forward(kinds, widths, theta, masks, M, a, n):
    """All layers; the last one's activation is left to the loss. Where its logits start."""
    A = W = ZERO
    for layer in range(kinds.size):
        n_in, n_out = widths[layer], widths[layer + 1]
        last = layer == kinds.size - 1
        kind = LINEAR if last else kinds[layer]
        if n_in * n_out * n < WIDE:
            _narrow_forward(kind, theta, W, n_in, n_out, a, A, n)
        else:
            _wide_forward(kind, theta, W, n_in, n_out, a, A, n)
        A += n_in * n
        W += n_in * n_out + n_out
        if masks.size and not last:
            for k in range(ZERO, n_out * n, WIDTH):
                store(a, A + k, load(a, A + k) * load(masks, M + k))
            M += n_out * n
    return A


@small
def _backward(kinds, widths, theta, g, masks, M, keep, a, d, A, n):
    """All layers backwards, from D of the logits at A; the last of the masks ends at M."""
    W = U(theta.size)
    for back in range(kinds.size):
        layer = kinds.size - 1 - back
        n_in, n_out = widths[layer], widths[layer + 1]
        W -= n_in * n_out + n_out
        A -= n_in * n
        kind = kinds[layer - 1] if layer else LINEAR  # of the layer before
        if masks.size and layer:
            M -= n_in * n
        if n_in * n_out * n < WIDE:
            _narrow_backward(kind, keep, masks, M, theta, g, W, n_in, n_out, a, d, A, n)
        else:
            _wide_backward(kind, keep, masks, M, theta, g, W, n_in, n_out, a, d, A, n)


@small
def _sgd(momentum, rate, theta, g, v):
    for p in range(U(theta.size)):
        v[p] = momentum * v[p] - rate * g[p]
        theta[p] += v[p]


@small
def _adam(constants, t, rate, theta, g, m, s, widths):
    b1, b2, epsilon, decay = constants
    one = theta.dtype.type
    gain1, gain2 = one(1 - b1), one(1 - b2)
    unbias1, unbias2 = one(rate / (1 - b1**t)), one(1 - b2**t)
    small_number = one(epsilon)
    if decay:
        kept = one(1 - rate * decay)
        W = ZERO
        for layer in range(widths.size - 1):
            b = W + widths[layer] * widths[layer + 1]
            for p in range(W, b):
                theta[p] *= kept
            W = b + widths[layer + 1]
    for p in range(U(theta.size)):
        m[p] += gain1 * (g[p] - m[p])
        s[p] += gain2 * (g[p] * g[p] - s[p])
        theta[p] -= unbias1 * m[p] / (math.sqrt(s[p] / unbias2) + small_number)


@small
def _fill_up(n_in, n_targets, n_real, n, a, c, values):
    """Equal weights, and zeros for the observations that fill up the last lanes."""
    for k in range(n):
        c[k] = c.dtype.type(1 / n_real) if k < n_real else 0
    for k in range(n_real, n):
        for i in range(n_in):
            a[i * n + k] = 0
        for unit in range(n_targets):
            values[unit * n + k] = 0


@small
def _gather(X, y, codes_of, weights, order, start, stop, a, c, values, codes, noises, at, n):
    """The minibatch: inputs to the first rows of `a`, targets and weights beside them."""
    n_real, n_in, n_targets = stop - start, U(X.shape[1]), U(y.shape[1])
    for k in range(n_real):
        row = U(order[start + k])
        for i in range(n_in):
            a[i * n + k] = X[row, i]
        for unit in range(n_targets):
            values[unit * n + k] = y[row, unit]
    if weights.size:
        for k in range(n_real):
            c[k] = weights[U(order[start + k])] / n_real
    if codes_of.size:
        for k in range(n_real):
            codes[k] = codes_of[U(order[start + k])]
    if noises.size:
        for k in range(n_in * n):
            a[k] += noises[at + k]


def _compiled(loop: Callable[..., None]) -> Any:
    """The loop, to be compiled when it is first called, and then kept on disk if that can be."""
    try:
        return njit(error_model="numpy", nogil=True, cache=True)(loop)
    except RuntimeError:  # no folder that may be written to: compiled again in every process
        return njit(error_model="numpy", nogil=True)(loop)


def _loops(version: int) -> tuple[Any, Any]:
    """The two loops that Python calls: a training, and a model's logits and outputs.

    Numba keeps what it compiled on disk until this file changes. It does not see a change of
    `lanes` or `spec`; the digest of these files, as a part of the closures, belongs to its key.
    """

    def train(
        kinds, widths, loss_kind, penalties, adam, constants,
        X, y, codes_of, weights, order, ends, rates,
        theta, first, second, t, noises, masks, buffers, codes, losses,
    ):  # fmt: skip
        """One step for each of `ends`; without rates only loss and gradients."""
        a, d, g, c, values = buffers
        real = theta.dtype.type
        l1, l2, keep = real(penalties[0]), real(penalties[1]), real(penalties[2])
        last, n_out = kinds[kinds.size - 1], widths[kinds.size]
        n_hidden = ZERO
        for layer in range(1, kinds.size):
            n_hidden += widths[layer]
        start = filled = U(version * 0)
        for step in range(losses.size):
            stop = U(ends[step])
            n = (stop - start + WIDTH - ONE) // WIDTH * WIDTH
            if stop - start != filled:
                filled = stop - start
                _fill_up(widths[0], U(y.shape[1]), filled, n, a, c, values)
            at = U(step * (noises.size // losses.size))
            _gather(X, y, codes_of, weights, order, start, stop, a, c, values, codes, noises, at, n)
            at = U(step * (masks.size // losses.size))
            A = _forward(kinds, widths, theta, masks, at, a, n)
            value = _loss(loss_kind, last, a, d, A, n_out, n, codes, values, c, stop - start)
            _backward(kinds, widths, theta, g, masks, at + n_hidden * n, keep, a, d, A, n)
            start = stop
            if l1 > 0 or l2 > 0:
                value += _penalise(l1, l2, theta, g, widths)
            losses[step] = value
            if rates.size:
                t += 1
                if adam:
                    _adam(constants, t, rates[step], theta, g, first, second, widths)
                else:
                    _sgd(real(constants[0]), real(rates[step]), theta, g, first)

    def forward(kinds, widths, X, theta, buffers, z, outputs):
        """Logits z and outputs, a block of rows at a time."""
        a, d, g, c, values = buffers
        last, n_out = kinds[kinds.size - 1], widths[kinds.size]
        nothing, no_codes, no_targets = g[:0], np.zeros(0, np.intp), X[:, :0]
        rows = np.arange(X.shape[0])
        size = U(c.size + version * 0)
        for start in range(ZERO, U(X.shape[0]), size):
            stop = min(start + size, U(X.shape[0]))
            n = (stop - start + WIDTH - ONE) // WIDTH * WIDTH
            _fill_up(widths[0], ZERO, stop - start, n, a, c, values)
            _gather(
                X, no_targets, no_codes, nothing, rows, start, stop, a, c, values, no_codes,
                nothing, ZERO, n,
            )  # fmt: skip
            A = _forward(kinds, widths, theta, nothing, ZERO, a, n)
            for k in range(stop - start):
                for unit in range(n_out):
                    z[start + k, unit] = a[A + unit * n + k]
            if last == SOFTMAX:
                _softmax(a, d, values, A, n_out, n)
            for unit in range(n_out):
                for k in range(ZERO, n, WIDTH):
                    place = A + unit * n + k
                    if last == SOFTMAX:
                        store(a, place, load(d, place) / load(values, k))
                    else:
                        store(a, place, _activate(last, load(a, place)))
            for k in range(stop - start):
                for unit in range(n_out):
                    outputs[start + k, unit] = a[A + unit * n + k]

    return _compiled(train), _compiled(forward)


_SOURCE = b"".join(Path(str(module.__file__)).read_bytes() for module in (lanes, specification))
_train, _outputs = _loops(int(sha256(_SOURCE).hexdigest()[:8], 16))


# --- from Python's side


def _flat(arrays: Sequence[NDArray], dtype: np.dtype) -> Array:
    return np.concatenate([np.ravel(p) for p in arrays]).astype(dtype)


def _shaped(spec: ModelSpec, flat: Array) -> Parameters:
    shapes = shapes_of(spec)
    borders = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
    parts = np.split(flat, borders)
    return tuple(part.reshape(shape).copy() for part, shape in zip(parts, shapes, strict=True))


def _layers(spec: ModelSpec) -> tuple[NDArray, NDArray]:
    """The activations' numbers, and the widths as unsigned indices."""
    kinds = np.array([ACTIVATIONS.index(name) for name in spec.activations])
    return kinds, np.array(spec.widths, dtype=np.uintp)


def _buffers(spec: ModelSpec, n: int, dtype: np.dtype) -> tuple[Array, ...]:
    """a, d, g, c, values for minibatches of up to n observations."""
    n = -(-n // LANES) * LANES
    units, outputs = sum(spec.widths) * n, spec.widths[-1] * n
    sizes = (units, units, sum(math.prod(shape) for shape in shapes_of(spec)), n, outputs)
    return tuple(np.zeros(size, dtype) for size in sizes)


class _Loop:
    """One training's arrays, and the compiled loop over some of its steps."""

    def __init__(
        self, model: Model, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> None:
        self.spec, self.X = (
            model.spec,
            np.require(inputs_of(model.spec, X), requirements=["C", "W"]),
        )
        n, self.dtype = len(self.X), self.X.dtype
        targets = targets_of(self.spec, y, n, self.dtype)
        is_code = self.spec.loss == "categorical_cross_entropy"
        self.codes_of = targets.astype(np.intp) if is_code else np.zeros(0, np.intp)
        self.targets = (
            np.zeros((n, 0), self.dtype)
            if is_code
            else np.require(targets, requirements=["C", "W"])
        )
        weights = weights_of(sample_weight, n, self.dtype)
        self.weights = np.zeros(0, self.dtype) if weights is None else weights
        self.theta = _flat(model.theta, self.dtype)

    def prepare(self, batches: Sequence[NDArray[np.intp]]) -> None:
        """Lay the minibatches end to end, and make room for the largest."""
        together = Minibatches.of(batches, len(self.X))
        self.order, self.ends = together.order, together.ends
        longest = int(np.diff(self.ends, prepend=0).max(initial=1))
        self.buffers = _buffers(self.spec, longest, self.dtype)
        self.codes = np.zeros(longest, np.intp)

    def start(self, optimizer: SGD | Adam | None, before: Memory | None) -> None:
        """Continue with an optimizer's memory, or begin with zeros."""
        self.is_adam = isinstance(optimizer, Adam)
        self.constants: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
        if isinstance(optimizer, SGD):
            self.constants = (float(optimizer.momentum), 0.0, 0.0, 0.0)
        elif optimizer is not None:
            self.constants = (
                float(optimizer.beta1),
                float(optimizer.beta2),
                float(optimizer.epsilon),
                float(optimizer.weight_decay),
            )
        n_second = self.theta.size if self.is_adam else 0
        if before is not None and before.second.size == n_second:
            self.t = before.step
            self.first, self.second = (m.astype(self.dtype) for m in (before.first, before.second))
        else:
            self.t = 0
            self.first = np.zeros_like(self.theta)
            self.second = np.zeros(n_second, self.dtype)

    def steps_at_once(self) -> int:
        """How many steps may be taken without returning to Python."""
        n_max, spec = self.buffers[3].size, self.spec
        steps = WORK_AT_ONCE // (n_max * self.theta.size)
        if spec.noise or spec.dropout:
            steps = min(steps, DRAWN_AT_ONCE // (n_max * sum(spec.widths[:-1])))
        return max(steps, 1)

    def draw(self, steps: range, rng: np.random.Generator | None) -> tuple[Array, Array]:
        """Noise and dropout masks of some steps, each as long as the largest; units in rows."""
        spec = self.spec
        if not (spec.noise or spec.dropout):
            nothing = np.zeros(0, self.dtype)
            return nothing, nothing
        n_max = self.buffers[3].size
        noises = np.zeros((len(steps), n_max * spec.widths[0] * bool(spec.noise)), self.dtype)
        masks = np.zeros(
            (len(steps), n_max * sum(spec.widths[1:-1]) * bool(spec.dropout)), self.dtype
        )
        for row, step in enumerate(steps):
            n_real = int(self.ends[step] - (self.ends[step - 1] if step else 0))
            n = -(-n_real // LANES) * LANES
            noise, layers = disturbances(spec, n_real, rng, self.dtype)
            if noise is not None:
                noises[row, : n * spec.widths[0]].reshape(-1, n)[:, :n_real] = noise.T
            if layers:
                mask = np.concatenate(layers, axis=1).T
                masks[row, : n * len(mask)].reshape(-1, n)[:, :n_real] = mask
        return noises.ravel(), masks.ravel()

    def run(
        self, steps: range, rates: NDArray[np.float64], drawn: tuple[Array, Array]
    ) -> NDArray[np.float64]:
        """Take some steps; their losses."""
        losses = np.empty(len(steps))
        kinds, widths = _layers(self.spec)
        begin = int(self.ends[steps[0] - 1]) if steps[0] else 0
        penalties = (float(self.spec.l1), float(self.spec.l2), 1 - float(self.spec.dropout))
        _train(
            kinds, widths, tuple(LOSSES).index(self.spec.loss), penalties,
            self.is_adam, self.constants,
            self.X, self.targets, self.codes_of, self.weights,
            self.order[begin:], self.ends[steps.start : steps.stop] - begin, rates,
            self.theta, self.first, self.second, self.t,
            *drawn, self.buffers, self.codes, losses,
        )  # fmt: skip
        self.t += len(rates)
        return losses

    def report(self, index: int, loss: float) -> Step:
        """What the last step saw and did."""
        n_real = int(self.ends[index] - (self.ends[index - 1] if index else 0))
        n = -(-n_real // LANES) * LANES
        borders = np.cumsum(self.spec.widths) * n
        activations = tuple(
            self.buffers[0][first:last].reshape(-1, n)[:, :n_real].T.copy()
            for first, last in pairwise(borders)
        )
        norm = float(np.sqrt(np.vdot(self.buffers[2], self.buffers[2])))
        return Step(index, loss, norm, activations, _shaped(self.spec, self.theta))


def _forward_all(model: Model, X: ArrayLike) -> tuple[Array, Array]:
    X = np.require(inputs_of(model.spec, X), requirements=["C", "W"])
    z = np.empty((len(X), model.spec.widths[-1]), X.dtype)
    outputs = np.empty_like(z)
    buffers = _buffers(model.spec, min(max(len(X), 1), 256), X.dtype)
    _outputs(*_layers(model.spec), X, _flat(model.theta, X.dtype), buffers, z, outputs)
    return z, outputs


def logits(model: Model, X: ArrayLike) -> Array:
    """Z of the last layer, (n_observations, n_outputs)."""
    return _forward_all(model, X)[0]


def predict(model: Model, X: ArrayLike) -> Array:
    """Output of the last layer, (n_observations, n_outputs): numbers or probabilities.

    Parameters
    ----------
    model : Model
    X : array_like of shape (n_observations, n_inputs)

    Examples
    --------
    >>> spec = ModelSpec((1, 1, 1), ("relu", "sigmoid"), "binary_cross_entropy")
    >>> one = (np.ones((1, 1)), np.zeros(1))
    >>> predict(build(spec, (*one, *one)), [[-3.0], [0.0], [800.0]]).ravel()
    array([0.5, 0.5, 1. ])
    """
    return _forward_all(model, X)[1]


def loss_and_gradients(
    model: Model, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> tuple[float, Parameters]:
    """Loss and its gradients; see `mlp_numpy.loss_and_gradients`.

    Parameters
    ----------
    model : Model
    X : array_like of shape (n_observations, n_inputs)
    y : array_like of shape (n_observations,) or (n_observations, n_outputs)
    sample_weight : array_like of shape (n_observations,), optional

    Returns
    -------
    loss : float
    gradients : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)

    Examples
    --------
    >>> spec = ModelSpec((1, 1), ("linear",), "squared_error")
    >>> model = build(spec, (np.array([[2.0]]), np.array([1.0])))
    >>> loss_and_gradients(model, [[3.0]], [5.0])
    (2.0, (array([[6.]]), array([2.])))
    """
    loop = _Loop(model, X, y, sample_weight)
    loop.prepare([np.arange(len(loop.X))])
    loop.start(None, None)
    nothing = np.zeros(0, loop.dtype)
    value = loop.run(range(1), np.zeros(0), (nothing, nothing))[0]
    return float(value), _shaped(model.spec, loop.buffers[2])


def loss(model: Model, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Loss alone; see `loss_and_gradients`."""
    return loss_and_gradients(model, X, y, sample_weight)[0]


def gradients(
    model: Model, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> Parameters:
    """Gradients alone; see `loss_and_gradients`."""
    return loss_and_gradients(model, X, y, sample_weight)[1]


def fit(
    model: Model,
    X: ArrayLike,
    y: ArrayLike,
    *,
    optimizer: SGD | Adam,
    batches: Sequence[NDArray[np.intp]],
    sample_weight: ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    report: Report | None = None,
    report_every: int = 1,
) -> tuple[Model, NDArray[np.float64]]:
    """Train: one update of all parameters for each minibatch; see `mlp_numpy.fit`.

    Parameters
    ----------
    model : Model
    X : array_like of shape (n_observations, n_inputs)
    y : array_like of shape (n_observations,) or (n_observations, n_outputs)
    optimizer : SGD or Adam
    batches : sequence of numpy.ndarray of shape (n_batch,)
    sample_weight : array_like of shape (n_observations,), optional
    rng : numpy.random.Generator, optional
    report : callable, optional
        Ends one compiled stretch, so it costs some microseconds.
    report_every : int

    Returns
    -------
    model : Model
    losses : numpy.ndarray of shape (n_steps,)

    Raises
    ------
    InputError
        When shapes do not fit, a row is not one of X, or noise is asked for without rng.

    Examples
    --------
    >>> spec = ModelSpec((1, 1), ("linear",), "squared_error")
    >>> model = build(spec, (np.zeros((1, 1)), np.zeros(1)))
    >>> step = [np.array([0, 1])]
    >>> _, losses = fit(model, [[-1.0], [1.0]], [-2.0, 2.0], optimizer=SGD(0.5), batches=3 * step)
    >>> losses
    array([2. , 0.5 , 0.125])
    """
    loop = _Loop(model, X, y, sample_weight)
    loop.prepare(batches)
    loop.start(optimizer, model.memory)
    in_range(report_every, "report_every", 1, np.inf)
    rates = learning_rates(optimizer, len(batches))
    at_once = loop.steps_at_once()
    losses = np.empty(len(batches))
    i, ended = 0, False
    while i < len(batches) and not ended:
        to_report = report_every - i % report_every if report else at_once
        steps = range(i, min(i + at_once, i + to_report, len(batches)))
        losses[i : steps.stop] = loop.run(steps, rates[i : steps.stop], loop.draw(steps, rng))
        i = steps.stop
        if report and i % report_every == 0:
            ended = bool(report(loop.report(i - 1, float(losses[i - 1]))))
    memory = Memory(loop.t, loop.first, loop.second)
    return Model(model.spec, _shaped(model.spec, loop.theta), memory), losses[:i]
