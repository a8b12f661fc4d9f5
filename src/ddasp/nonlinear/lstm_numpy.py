r"""The LSTM layer in NumPy: one step, a sequence, and the way back through time.

A cell holds c, and h is what it shows of it. At each frame x three gates between 0 and 1 and a
candidate between -1 and 1 are computed from x and from what was shown before,

    z = x W + h R + b,    i, f, g, o = s(z_i), s(z_f), tanh(z_g), s(z_o),
    c' = f c + i g,       h' = o tanh(c'),

where s is the sigmoid and z holds the four parts side by side. Backwards, with Dh = dL/dh' (from
this frame's output and from the next frame) and Dc = dL/dc' from the next frame,

    Dc <- Dc + Dh o (1 - tanh^2 c'),
    D_i = Dc g i (1 - i),   D_f = Dc c f (1 - f),   D_g = Dc i (1 - g^2),   D_o = Dh tanh(c') o (1 - o),
    dL/dW = sum x^T D,   dL/dR = sum h^T D,   dL/db = sum D,   dL/dx = D W^T,   dL/dh = D R^T,
    dL/dc = Dc f:

along the cell the derivative is multiplied by f alone.

*Conventions*: X (n_observations, n_frames, n_inputs); parameters (W, R, b) of shapes (n_inputs, 4
n_units), (n_units, 4 n_units), (4 n_units,), the columns in the order i, f, g, o, which is that of
PyTorch and of Keras (where g is called c). PyTorch holds W and R transposed and has two biases, of
which only the sum acts; Keras holds all three as they stand here. dtype in = dtype out.

*References*: S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997;
F. A. Gers, J. Schmidhuber and F. Cummins, "Learning to forget", Neural Computation 12, 2000 (f);
R. Jozefowicz, W. Zaremba and I. Sutskever, "An empirical exploration of recurrent network
architectures", ICML 2015 (a bias of 1 for f).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ddasp._check import whole
from ddasp._errors import InputError

__all__ = [
    "Gates",
    "LSTMParameters",
    "Sequence",
    "forward",
    "gates",
    "gradients",
    "initial_parameters",
    "n_parameters",
    "step",
]

Array = NDArray[np.floating]


class LSTMParameters(NamedTuple):
    """W, R and b; the columns are those of i, f, g and o, one block after the other.

    Parameters
    ----------
    W : numpy.ndarray of shape (n_inputs, 4 * n_units)
        From the frame.
    R : numpy.ndarray of shape (n_units, 4 * n_units)
        From what was shown before.
    b : numpy.ndarray of shape (4 * n_units,)
        Biases.
    """

    W: Array
    R: Array
    b: Array


class Gates(NamedTuple):
    """What is computed in a step, each of shape (..., n_units).

    Parameters
    ----------
    i, f, o : numpy.ndarray of shape (..., n_units)
        Input, forget and output gate, 0 to 1.
    g : numpy.ndarray of shape (..., n_units)
        Candidate, -1 to 1.
    """

    i: Array
    f: Array
    g: Array
    o: Array


class Sequence(NamedTuple):
    """What a layer did with sequences.

    Parameters
    ----------
    h, c : numpy.ndarray of shape (n_observations, n_frames, n_units)
        Output and cell behind each frame.
    gates : Gates
        Of each frame, each of shape (n_observations, n_frames, n_units).
    """

    h: Array
    c: Array
    gates: Gates


def n_parameters(n_inputs: int, n_units: int) -> int:
    """Number of entries of W, R and b: 4 H (F + H + 1).

    Examples
    --------
    >>> n_parameters(20, 32)
    6784
    """
    n_inputs, n_units = whole(n_inputs, "n_inputs"), whole(n_units, "n_units")
    return 4 * n_units * (n_inputs + n_units + 1)


def initial_parameters(
    n_inputs: int,
    n_units: int,
    rng: np.random.Generator,
    *,
    forget_bias: float = 1.0,
    dtype: DTypeLike = np.float64,
) -> LSTMParameters:
    """Uniform W, orthogonal R, and b = 0 but for the forget gate.

    Parameters
    ----------
    n_inputs, n_units : int
    rng : numpy.random.Generator
    forget_bias : float
        Bias of f: at 1 a cell keeps 73 % from frame to frame before anything is learned.
    dtype : numpy dtype
        float32 or float64; the same numbers are drawn for both.

    Returns
    -------
    LSTMParameters

    Examples
    --------
    >>> initial_parameters(3, 2, np.random.default_rng(0)).b
    array([0., 0., 1., 1., 0., 0., 0., 0.])
    """
    n_inputs, n_units = whole(n_inputs, "n_inputs"), whole(n_units, "n_units")
    limit = np.sqrt(6 / (n_inputs + 4 * n_units))  # Glorot, as in Keras
    W = rng.uniform(-limit, limit, size=(n_inputs, 4 * n_units))
    R = np.linalg.qr(rng.standard_normal((4 * n_units, n_units)))[0].T
    b = np.zeros(4 * n_units)
    b[n_units : 2 * n_units] = forget_bias
    return LSTMParameters(W.astype(dtype), R.astype(dtype), b.astype(dtype))


def _checked(theta: LSTMParameters, dtype: DTypeLike) -> LSTMParameters:
    W, R, b = (np.asarray(p, dtype=dtype) for p in theta)
    n_inputs, n_units = len(W), len(R)
    expected = [(n_inputs, 4 * n_units), (n_units, 4 * n_units), (4 * n_units,)]
    if [W.shape, R.shape, b.shape] != expected:
        raise InputError(
            "E-ARGUMENT",
            f"theta has shapes {[W.shape, R.shape, b.shape]}; expected (n_inputs, 4 n_units), "
            "(n_units, 4 n_units), (4 n_units,) - are these PyTorch's? W and R are transposed there",
        )
    return LSTMParameters(W, R, b)


def _inputs(X: ArrayLike, n_inputs: int, shape: str, n_sides: int) -> Array:
    A = np.asarray(X)
    if A.dtype not in (np.float32, np.float64):
        A = A.astype(np.float64)
    if A.ndim != n_sides or A.shape[-1] != n_inputs:
        raise InputError(
            "E-ARGUMENT",
            f"the input has shape {A.shape}; expected ({shape}) with n_inputs = {n_inputs}"
            + (" - a single sequence? Use X[np.newaxis]" if A.ndim == n_sides - 1 else ""),
        )
    if not np.isfinite(A).all():
        raise InputError("E-ARGUMENT", "the input contains NaN or infinity; expected finite values")
    return A


def _sigmoid(z: Array) -> Array:
    e = np.exp(-np.abs(z))  # never above 1, so |z| = 800 can't overflow
    return np.asarray(np.where(z >= 0, 1, e) / (1 + e))


def _gates(x: Array, h: Array, theta: LSTMParameters) -> Gates:
    z = x @ theta.W + h @ theta.R + theta.b
    z_i, z_f, z_g, z_o = np.split(z, 4, axis=-1)
    return Gates(_sigmoid(z_i), _sigmoid(z_f), np.tanh(z_g), _sigmoid(z_o))


def gates(x: ArrayLike, h: ArrayLike, theta: LSTMParameters) -> Gates:
    """Gates and candidate of one step.

    Parameters
    ----------
    x : array_like of shape (n_observations, n_inputs)
        One frame of each.
    h : array_like of shape (n_observations, n_units)
        What was shown before.
    theta : LSTMParameters

    Returns
    -------
    Gates
        Each of shape (n_observations, n_units).

    Raises
    ------
    InputError
        When a shape does not fit the parameters.

    Examples
    --------
    >>> zero = LSTMParameters(np.zeros((1, 4)), np.zeros((1, 4)), np.log([3.0, 1.0, 2.0, 9.0]))
    >>> [float(a[0, 0]) for a in gates([[0.0]], [[0.0]], zero)]
    [0.75, 0.5, 0.6, 0.9]
    """
    x = _inputs(x, len(theta[0]), "n_observations, n_inputs", 2)
    theta = _checked(theta, x.dtype)
    return _gates(x, _state(h, "h", len(x), len(theta.R), x.dtype), theta)


def _state(values: ArrayLike | None, name: str, n: int, n_units: int, dtype: np.dtype) -> Array:
    state = np.zeros((n, n_units), dtype) if values is None else np.asarray(values, dtype)
    if state.shape != (n, n_units):
        raise InputError("E-ARGUMENT", f"{name} has shape {state.shape}; expected {(n, n_units)}")
    return state


def step(x: ArrayLike, h: ArrayLike, c: ArrayLike, theta: LSTMParameters) -> tuple[Array, Array]:
    """One frame: the next h and c.

    Parameters
    ----------
    x : array_like of shape (n_observations, n_inputs)
    h, c : array_like of shape (n_observations, n_units)
        What was shown and what was held before.
    theta : LSTMParameters

    Returns
    -------
    h, c : numpy.ndarray of shape (n_observations, n_units)
        Behind this frame.

    Raises
    ------
    InputError
        When a shape does not fit the parameters.

    Examples
    --------
    A cell that forgets nothing and takes nothing in:

    >>> keep = LSTMParameters(np.zeros((1, 4)), np.zeros((1, 4)), np.array([-99.0, 99.0, 0.0, 99.0]))
    >>> [float(a[0, 0]) for a in step([[1.0]], [[0.0]], [[0.5]], keep)]  # tanh 0.5, 0.5
    [0.46, 0.5]
    """
    x = _inputs(x, len(theta[0]), "n_observations, n_inputs", 2)
    i, f, g, o = gates(x, h, theta)
    now = f * _state(c, "c", len(x), i.shape[1], x.dtype) + i * g
    return o * np.tanh(now), now


def forward(
    X: ArrayLike, theta: LSTMParameters, h: ArrayLike | None = None, c: ArrayLike | None = None
) -> Sequence:
    """A sequence, frame by frame.

    Parameters
    ----------
    X : array_like of shape (n_observations, n_frames, n_inputs)
    theta : LSTMParameters
    h, c : array_like of shape (n_observations, n_units), optional
        State before the first frame; zeros if not given.

    Returns
    -------
    Sequence
        h, c and the gates of all frames; dtype in = dtype out.

    Raises
    ------
    InputError
        When a shape does not fit the parameters.

    Examples
    --------
    A cell with f = 1/2 and i g = 0.3 is a recursive filter with its pole at 1/2:

    >>> half = LSTMParameters(np.zeros((1, 4)), np.zeros((1, 4)), np.log([1.0, 1.0, 2.0, 1.0]))
    >>> forward(np.zeros((1, 4, 1)), half).c[0, :, 0]
    array([0.3 , 0.45 , 0.525 , 0.5625])
    """
    X = _inputs(X, len(theta[0]), "n_observations, n_frames, n_inputs", 3)
    theta = _checked(theta, X.dtype)
    n, n_frames, n_units = *X.shape[:2], len(theta.R)
    now_h, now_c = (_state(a, name, n, n_units, X.dtype) for a, name in ((h, "h"), (c, "c")))
    shown, held = np.empty((2, n, n_frames, n_units), X.dtype)
    found = Gates(*np.empty((4, n, n_frames, n_units), X.dtype))
    for t in range(n_frames):
        i, f, g, o = _gates(X[:, t], now_h, theta)
        now_c = f * now_c + i * g
        now_h = o * np.tanh(now_c)
        shown[:, t], held[:, t] = now_h, now_c
        for kept, value in zip(found, (i, f, g, o), strict=True):
            kept[:, t] = value
    return Sequence(shown, held, found)


def gradients(X: ArrayLike, theta: LSTMParameters, D: ArrayLike) -> tuple[LSTMParameters, Array]:
    """The way back through time, from states that began at zero.

    Parameters
    ----------
    X : array_like of shape (n_observations, n_frames, n_inputs)
    theta : LSTMParameters
    D : array_like of shape (n_observations, n_frames, n_units)
        dL/dh of every frame; zero but for the last one where only that one is used.

    Returns
    -------
    gradients : LSTMParameters
        dL/dW, dL/dR, dL/db.
    dX : numpy.ndarray of shape (n_observations, n_frames, n_inputs)
        dL/dX.

    Raises
    ------
    InputError
        When a shape does not fit the parameters.

    Examples
    --------
    With o = 1/2, f = 1/2 and the cell near zero, h = c / 2 and each step back counts half:

    >>> W = np.array([[0.0, 0.0, 1.0, 0.0]])
    >>> half = LSTMParameters(W, np.zeros((1, 4)), np.zeros(4))
    >>> gradients(np.zeros((1, 3, 1)), half, [[[0.0], [0.0], [1.0]]])[1].ravel()
    array([0.0625, 0.125 , 0.25 ])
    """
    X = _inputs(X, len(theta[0]), "n_observations, n_frames, n_inputs", 3)
    theta = _checked(theta, X.dtype)
    h, c, (i, f, g, o) = forward(X, theta)
    D = np.asarray(D, X.dtype)
    if D.shape != h.shape:
        raise InputError("E-ARGUMENT", f"D has shape {D.shape}; expected {h.shape}, as h")
    dW, dR, db = (np.zeros_like(p) for p in theta)
    dX = np.empty_like(X)
    from_h, from_c = np.zeros((2, len(X), len(theta.R)), X.dtype)
    for t in reversed(range(X.shape[1])):
        h_before, c_before = (h[:, t - 1], c[:, t - 1]) if t else np.zeros_like([h[:, 0]] * 2)
        squashed = np.tanh(c[:, t])
        Dh = D[:, t] + from_h
        Dc = from_c + Dh * o[:, t] * (1 - squashed**2)
        D_i = Dc * g[:, t] * i[:, t] * (1 - i[:, t])
        D_f = Dc * c_before * f[:, t] * (1 - f[:, t])
        D_g = Dc * i[:, t] * (1 - g[:, t] ** 2)
        D_o = Dh * squashed * o[:, t] * (1 - o[:, t])
        Dz = np.concatenate([D_i, D_f, D_g, D_o], axis=1)
        dW += X[:, t].T @ Dz
        dR += h_before.T @ Dz
        db += Dz.sum(axis=0)
        dX[:, t] = Dz @ theta.W.T
        from_h, from_c = Dz @ theta.R.T, Dc * f[:, t]
    return LSTMParameters(dW, dR, db), dX
