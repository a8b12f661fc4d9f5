"""Three exercises on convolution: undo one by hand, write a layer, detect in coloured noise.

*Conventions*: a convolution is sum_m h[m] x[n - m], of full length; a layer is a correlation, X (n_in, N),
W (n_out, n_in, L). Noise has mean zero and the covariance matrix R. Answers are checked by what they do.

*References*: A. V. Oppenheim and R. W. Schafer, "Discrete-Time Signal Processing", ch. 2; G. L. Turin,
IRE Trans. Inf. Theory 6, 1960 (matched filters, also in coloured noise).
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import toeplitz

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]
TYPED = 2e-3
NEAR = 1e-9

# ------------------------------------------------------------------ 1: what went in, and how many weights

RESPONSE, OUTPUT = (1, 2, -1), (3, 5, -4, 3, -1)
N_IN, N_OUT, SIZE = 3, 8, (5, 3)


def _undone(answer: Any) -> list[Finding]:
    return asked(answer, [("input", _gives_output), ("parameters", _are_counted)])


def _two(answer: Any) -> tuple[Any, Any]:
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise NotYet(
            f"the answer is {answers.shown(answer)}; expected two things, (x, n_parameters)"
        )
    return answer[0], answer[1]


def _gives_output(answer: Any) -> None:
    n = len(OUTPUT) - len(RESPONSE) + 1
    x = answers.vector(_two(answer)[0], "x")
    if len(x) != n:
        raise NotYet(
            f"x has {len(x)} samples; with a response of {len(RESPONSE)} the output would have "
            f"{len(x) + len(RESPONSE) - 1}, and it has {len(OUTPUT)}"
        )
    y = np.convolve(x, RESPONSE)
    off = np.abs(y - OUTPUT)
    if not off.max() <= TYPED * (1.0 + np.abs(x).max()):
        i = int(np.flatnonzero(off > TYPED)[0])
        turned = np.abs(np.convolve(x, RESPONSE[::-1]) - OUTPUT).max() <= TYPED
        raise NotYet(
            f"your x convolved with h has {y[i]:.4g} as its sample {i}; expected {OUTPUT[i]}"
            + (" - was h turned round?" if turned else "")
        )


def _are_counted(answer: Any) -> None:
    n = answers.number(_two(answer)[1], "the number of parameters")
    weights = N_OUT * N_IN * prod(SIZE)
    if n == weights:
        raise NotYet(f"{n:g} are the weights alone; each output map has another parameter")
    if n == N_OUT * prod(SIZE) + N_OUT:
        raise NotYet(
            f"{n:g} would be one window for each output map; every input map has its own there"
        )
    if n != weights + N_OUT:
        raise NotYet(f"{n:g} is not the number of entries of W and b; which shapes have they?")


# ------------------------------------------------------------------ 2: a layer

FORM = "layer(X, W, stride, dilation)"


def _layer(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("shape", _has_shape),
            ("correlation", _is_correlation),
            ("input maps", _sums_maps),
            ("output maps", _keeps_maps_apart),
            ("stride", _strides),
            ("dilation", _dilates),
        ],
    )


def _maps(answer: Any, X: Array, W: Array, stride: int, dilation: int = 1) -> Array:
    places = (X.shape[1] - dilation * (W.shape[2] - 1) - 1) // stride + 1
    value = called(function(answer, FORM), X, W, stride, dilation)
    told = f"{FORM} of X {X.shape}, W {W.shape}, stride {stride}, dilation {dilation}"
    return array(value, told, (len(W), places))


def _drawn(n_in: int, n: int, n_out: int, size: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(n + size)
    return rng.standard_normal((n_in, n)), rng.standard_normal((n_out, n_in, size))


def _has_shape(answer: Any) -> None:
    for n, size, stride in ((10, 3, 1), (10, 3, 2), (11, 3, 4), (5, 5, 1), (9, 1, 3)):
        _maps(answer, *_drawn(2, n, 3, size), stride)


def _is_correlation(answer: Any) -> None:
    X, W = np.zeros((1, 9)), np.array([[[1.0, 2.0, 4.0]]])
    X[0, 4] = 1.0
    Y = _maps(answer, X, W, 1)[0]
    # the window that begins at n meets the impulse with its weight 4 - n
    wanted = np.array([W[0, 0, 4 - n] if 0 <= 4 - n < 3 else 0.0 for n in range(7)])
    if np.abs(Y - wanted).max() > NEAR:
        turned = np.abs(Y[2:5] - W[0, 0]).max() <= NEAR
        raise NotYet(
            f"an impulse at sample 4 through the weights (1, 2, 4) gives {Y[2:5]} at 2 to 4"
            + (": W is turned round, that is a convolution" if turned else "; lay W over X there")
        )


def _sums_maps(answer: Any) -> None:
    X, W = _drawn(3, 12, 2, 4)
    off = np.abs(_maps(answer, X, W, 1) - _sum_over(answer, X, W)).max()
    if off > NEAR:
        raise NotYet(
            f"three input maps together give another output than the sum of each alone, by {off:.3g}"
        )


def _sum_over(answer: Any, X: Array, W: Array) -> Array:
    return np.asarray(sum(_maps(answer, X[i : i + 1], W[:, i : i + 1], 1) for i in range(len(X))))


def _keeps_maps_apart(answer: Any) -> None:
    X, W = _drawn(2, 12, 3, 4)
    Y = _maps(answer, X, W, 1)
    for o in range(3):
        off = np.abs(Y[o] - _maps(answer, X, W[o : o + 1], 1)[0]).max()
        if off > NEAR:
            raise NotYet(f"output map {o} changes with the weights of the others, by {off:.3g}")
    n, o = 5, 1
    by_definition = float(np.sum(W[o] * X[:, n : n + 4]))
    if abs(Y[o, n] - by_definition) > NEAR:
        raise NotYet(
            f"output map {o} at place {n} is {Y[o, n]:.4g}; its window, weighted and summed, has "
            f"{by_definition:.4g}"
        )


def _strides(answer: Any) -> None:
    X, W = _drawn(2, 20, 2, 5)
    all_places = _maps(answer, X, W, 1)
    for stride in (2, 3, 7):
        off = np.abs(_maps(answer, X, W, stride) - all_places[:, ::stride]).max()
        if off > NEAR:
            raise NotYet(
                f"stride {stride} gives other values than every {stride}th of stride 1, by {off:.3g}"
            )


def _dilates(answer: Any) -> None:
    for stride, dilation in ((1, 2), (1, 4), (2, 3), (3, 2)):
        X, W = _drawn(2, 23, 2, 4)
        wide = np.zeros((2, 2, 3 * dilation + 1))  # the same weights with zeros between them
        wide[..., ::dilation] = W
        off = np.abs(_maps(answer, X, W, stride, dilation) - _maps(answer, X, wide, stride)).max()
        if off > NEAR:
            raise NotYet(
                f"stride {stride}, dilation {dilation}: other values, by {off:.3g}, than those of a window "
                f"with {dilation - 1} zeros between its weights"
            )


# ------------------------------------------------------------------ 3: coloured noise


def _detector(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("passes the sound", _passes),
            ("white noise", _white),
            ("least noise", _least),
        ],
    )


def _sound(n: int) -> Array:
    t = np.arange(n)
    return np.asarray(np.hanning(n + 2)[1:-1] * np.sin(0.4 * t + 0.03 * t**2))


def _noises(n: int) -> list[tuple[str, Array]]:
    """Covariances: low noise, high noise, of uneven strength, with a hum."""
    t = np.arange(n)
    return [
        ("noise that is strong at low frequencies", toeplitz(0.9**t)),
        ("noise that is strong at high frequencies", toeplitz((-0.7) ** t)),
        ("noise that becomes stronger in time", np.diag(1.0 + t / 4.0)),
        ("white noise with a hum", 0.1 * np.eye(n) + 3.0 * toeplitz(np.cos(0.7 * t))),
    ]


def _filter(answer: Any, s: Array, R: Array) -> Array:
    form = "whitened_filter(s, R)"
    return array(called(function(answer, form), s, R), form, s.shape)


def _passes(answer: Any) -> None:
    s = _sound(24)
    for name, R in _noises(24):
        passed = float(_filter(answer, s, R) @ s)
        if abs(passed - 1.0) > 1e-6:
            raise NotYet(
                f"{name}: w·s is {passed:.4g}; expected 1, so that a peak is the sound's size"
            )


def _white(answer: Any) -> None:
    s = _sound(24)
    w = _filter(answer, s, 2.0 * np.eye(24))
    if np.abs(w - s / (s @ s)).max() > 1e-9:
        raise NotYet(
            "white noise: w is no multiple of s, which the derivation of the lesson asks for"
        )


def _least(answer: Any) -> None:
    s = _sound(24)
    for name, R in _noises(24):
        w = _filter(answer, s, R)
        noise, least = float(w @ R @ w), 1.0 / float(s @ np.linalg.solve(R, s))
        if noise * (float(s @ w) ** -2 if s @ w else np.inf) > least * (1.0 + 1e-6):
            raise NotYet(
                f"{name}: the power of the noise behind the filter is {noise / least:.3g} times what "
                "another w with w·s = 1 leaves"
            )


def _told(values: tuple[int, ...]) -> str:
    return str(values).replace("-", "−")


EXERCISES = (
    Exercise(
        "convolution.1",
        f"""By hand: a filter with the response h = {_told(RESPONSE)} has given the output
y = {_told(OUTPUT)}, of full length. What was its input x? And how many parameters, biases
included, has a 2-D layer from {N_IN} maps to {N_OUT} with windows of {SIZE[0]} by {SIZE[1]}? Hand in
`(x, n_parameters)`.""",
        _undone,
        (
            "The first sample of y knows only the first of x. And the second, once that is known?",
            "It is a division of polynomials, and the last samples of y are its check. For the layer, "
            "write down the shapes of W and of b.",
        ),
    ),
    Exercise(
        "convolution.2",
        """Write `layer(X, W, stride, dilation)`, the 1-D convolution layer of the networks, without
bias and padding: X (n_in, N), W (n_out, n_in, L), stride and dilation 1 or more. The L weights of a
window meet samples that lie `dilation` apart; the window moves on by `stride` samples, from the
first place on, as long as it lies inside X. The output has the shape (n_out, places).""",
        _layer,
        (
            "From its first sample to its last, how many samples does a window span? And how many "
            "windows of that span fit into N, when they begin at 0, stride, 2 stride ...?",
            "`numpy.lib.stride_tricks.sliding_window_view` gives every window of the full span; take each "
            "stride-th, and of its samples each dilation-th. The rest is one sum over input maps and "
            "taps. Nothing is turned round.",
        ),
    ),
    Exercise(
        "convolution.3",
        """A sound s (L,) is to be detected in noise of covariance R (L, L), positive definite,
which need not be white. Write `whitened_filter(s, R)`: the weights w (L,) with w·s = 1 that let the
least power of noise through, wᵀRw. Predict first: noise is strong at low frequencies, and the sound
has low and high ones. Which of them will w listen to?""",
        _detector,
        (
            "Minimise wᵀRw under the condition w·s = 1: a Lagrange multiplier, or a change of variables "
            "that makes the noise white.",
            "At the minimum the gradient of wᵀRw is parallel to that of w·s. Which linear system is that? "
            "Its solution still has to be scaled.",
        ),
    ),
)
