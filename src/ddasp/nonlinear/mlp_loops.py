"""The compiled loops of `mlp_compiled`: layers, loss, gradients, updates, on 16 observations at a time.

The formulas are those of `mlp_numpy`, function by function. Here a whole training runs without
returning to Python and without allocating; a layer's product goes through `_lanes` while it is
narrow, and to BLAS where it is wide, blocked there for the caches.

*Conventions*: all activations stand in one array ``a``, all dL/dZ in ``d``, units in rows and
observations in columns: entry (unit, k) of a layer whose first row starts at ``A`` is
``a[A + unit * n + k]``. n is the size of the minibatch rounded up to whole lanes; the observations
that fill it up have zeros as inputs and weight zero. Parameters ``theta``, gradients ``g`` and the
optimizer's memory are flat, in the order W1, b1, W2, b2, ...; a layer's W starts at ``W``, its mask
at ``M``. Indices are unsigned; nothing is checked here, `mlp_compiled` has done that.

*References*: those of `mlp_numpy` and `lanes`; S. K. Lam, A. Pitrou and S. Seibert, "Numba", 2015.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.linalg.cython_blas  # noqa: F401 - Numba's BLAS; here, so that thread limits find it

from ddasp._lanes import LANES, compiled, load, small, source_number, spread, store
from ddasp.nonlinear import lanes
from ddasp.nonlinear import spec as specification
from ddasp.nonlinear.lanes import exp, log1p, magnitude, sigmoid, tanh, total, where_less
from ddasp.nonlinear.spec import (
    ACTIVATIONS,
    LOSSES,
)

__all__ = ["forward_all", "train_steps"]

LINEAR, TANH, SIGMOID, RELU, SOFTMAX = map(
    ACTIVATIONS.index, ("linear", "tanh", "sigmoid", "relu", "softmax")
)
BINARY, CATEGORICAL = map(list(LOSSES).index, ("binary_cross_entropy", "categorical_cross_entropy"))
U = np.uintp
ZERO, ONE, WIDTH = U(0), U(1), U(LANES)
# Products of one layer with at least this many multiplications are BLAS's: see docs/benchmarks.
WIDE = U(2**14)


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
    # a row's inputs go to n_in places far apart; with many of them, 16 rows together fill a line of
    # the cache before it is left
    together = ONE if n_in < WIDTH else WIDTH
    for k in range(ZERO, n_real, together):
        for i in range(n_in):
            for row in range(k, min(k + together, n_real)):
                a[i * n + row] = X[U(order[start + row]), i]
    for k in range(n_real):
        for unit in range(n_targets):
            values[unit * n + k] = y[U(order[start + k]), unit]
    if weights.size:
        for k in range(n_real):
            c[k] = weights[U(order[start + k])] / n_real
    if codes_of.size:
        for k in range(n_real):
            codes[k] = codes_of[U(order[start + k])]
    if noises.size:
        for k in range(n_in * n):
            a[k] += noises[at + k]


def _loops(version: int) -> tuple[Any, Any]:
    """The two loops that Python calls: a training, and a model's logits and outputs.

    Numba keeps what it compiled on disk until this file changes. It does not see a change of
    `_lanes`, `lanes` or `spec`; the digest of these files, as a part of the closures, belongs to
    its key.
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

    return compiled(train), compiled(forward)


train_steps, forward_all = _loops(source_number(lanes, specification))
