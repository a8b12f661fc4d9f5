"""Answers to the exercises: right ones in several forms, wrong ones with the property they break."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# ------------------------------------------------------------------ svd_four_subspaces

# Orthogonal to (1, 2, 0, -1) and (0, 1, 1, 1): (1, 0, -1, 1) and (2, -1, 1, 0). Orthogonal to
# (2, -1, 1): (1, 2, 0) and (0, 1, 1). A is a sum of columns times rows of these.
BY_HAND = np.outer([1, 2, 0], [1, 0, -1, 1]) + np.outer([0, 1, 1], [2, -1, 1, 0])
ANOTHER = np.outer([1, 3, 1], [3, -1, 0, 1]) - 2 * np.outer([1, 0, -2], [2, -1, 1, 0])


def four_bases(A: Array) -> tuple[Array, ...]:
    U, s, Vh = np.linalg.svd(A)
    r = int(np.sum(s > max(A.shape) * np.finfo(float).eps * s[0]))
    return U[:, :r], U[:, r:], Vh[:r].T, Vh[r:].T


def four_bases_by_qr(A: Array) -> list[Array]:
    """The same spaces with other bases, their signs turned."""
    found = []
    for T in (A, A.T):
        w, V = np.linalg.eigh(T @ T.T)
        r = int(np.sum(w > 1e-12 * max(w[-1], 1e-300)))
        inside = np.linalg.qr(T @ (T.T @ V[:, len(w) - r :]))[0][:, :r] if r else V[:, :0]
        found += [-inside, V[:, : len(w) - r]]
    return found


def best_rank_k(A: Array, k: int) -> Array:
    U, s, Vh = np.linalg.svd(A, full_matrices=False)
    return np.asarray((U[:, :k] * s[:k]) @ Vh[:k])


def best_by_projection(A: Array, k: int) -> Array:
    w, V = np.linalg.eigh(A.conj().T @ A)
    V = V[:, np.argsort(-w)[:k]]
    return np.asarray(A @ V @ V.conj().T)


def of_svd(form: Callable[[Array, Array, Array, int], Any]) -> Callable[[Array, int], Any]:
    """A wrong use of the SVD."""
    return lambda A, k: form(*np.linalg.svd(A, full_matrices=False), k)


def cut_at(tolerance: float) -> Callable[[Array], Any]:
    """Four bases with the rank counted against a fixed number."""

    def bases(A: Array) -> Any:
        U, s, Vh = np.linalg.svd(A)
        r = int(np.sum(s > tolerance))
        return U[:, :r], U[:, r:], Vh[:r].T, Vh[r:].T

    return bases


def changed(i: int, change: Callable[[Array], Any]) -> Callable[[Array], Any]:
    """Four bases, one of them spoiled."""

    def bases(A: Array) -> Any:
        four = list(four_bases(A))
        four[i] = change(four[i])
        return four

    return bases


# ------------------------------------------------------------------ audio_levels


def rms(x: Array) -> float:
    return float(np.sqrt(np.mean(np.square(x)))) + 1e-300


def level_dbfs(x: Array) -> float:
    return float(20.0 * np.log10(max(rms(x), 1e-6)))


def level_from_power(x: Array) -> Array:
    return np.maximum(10.0 * np.log10(np.vdot(x, x) / x.size + 1e-300), -120.0)


def harmonics(phases: Array, amplitudes: Array | float = 1.0, level: float = -20.0) -> Array:
    k = np.arange(1, len(phases) + 1)[:, np.newaxis]
    x = np.cos(2 * np.pi * k * np.arange(1024) / 1024 + phases[:, np.newaxis])
    x = (x * np.broadcast_to(amplitudes, len(phases))[:, np.newaxis]).sum(axis=0)
    return np.asarray(x / np.sqrt(np.mean(x**2)) * 10 ** (level / 20))


SWEEP = -np.pi * np.arange(16.0) * np.arange(1, 17) / 16  # Schroeder 1970


def quantise(x: Array, bits: int, rng: np.random.Generator) -> Array:
    step = 2.0 ** (1 - bits)
    codes = np.floor(x / step + rng.random(x.shape) - rng.random(x.shape) + 0.5)
    return np.asarray(np.clip(codes * step, -1.0, 1.0 - step))


def dithered_by(
    noise: Callable[[np.random.Generator, tuple[int, ...]], Any],
    rounding: Callable[[Array], Array] = np.rint,
    low: float = -1.0,
    high: float = 1.0,
) -> Callable[[Array, int, np.random.Generator], Array]:
    """A quantiser with another noise, rounding, or range."""

    def quantiser(x: Array, bits: int, rng: np.random.Generator) -> Array:
        step = 2.0 ** (1 - bits)
        steps = rounding(x / step + noise(rng, x.shape)) * step
        return np.asarray(np.clip(steps, low, min(high, 1.0 - step) if high == 1.0 else high))

    return quantiser


def triangular(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.asarray(rng.triangular(-1.0, 0.0, 1.0, shape))


# ------------------------------------------------------------------ gradient_descent


def moves(gradients: Array, mu: float, beta: float) -> Array:
    steps, v = [], np.zeros(gradients.shape[1])
    for g in gradients:
        v = beta * v + g
        steps.append(-mu * v)
    return np.array(steps)


def moves_by_matrix(gradients: Array, mu: float, beta: float) -> Array:
    n = len(gradients)
    lag = np.subtract.outer(np.arange(n), np.arange(n))
    powers = np.where(lag >= 0, float(beta) ** np.maximum(lag, 0), 0.0)
    return np.asarray(-mu * powers @ gradients)


def moved_by(update: Callable[[Array, Array, float], tuple[Array, Array]]) -> Callable[..., Array]:
    """Moves with another recursion: (v, g, beta) to the next v and what theta follows."""

    def other(gradients: Array, mu: float, beta: float) -> Array:
        v, steps = np.zeros(gradients.shape[1]), []
        for g in gradients:
            v, followed = update(v, g, beta)
            steps.append(-mu * followed)
        return np.array(steps)

    return other


class Remembering:
    """Moves whose velocity stays from one call to the next."""

    def __init__(self) -> None:
        self.v = np.zeros(1)

    def __call__(self, gradients: Array, mu: float, beta: float) -> Array:
        steps = []
        self.v = np.resize(self.v, gradients.shape[1])
        for g in gradients:
            self.v = beta * self.v + g
            steps.append(-mu * self.v)
        return np.array(steps)


# ------------------------------------------------------------------ what is right, and what is wrong

ALL_RIGHT: list[tuple[str, Any]] = [
    ("svd_four_subspaces.1", BY_HAND.tolist()),
    ("svd_four_subspaces.1", ANOTHER / 7.0),
    ("svd_four_subspaces.1", [[Fraction(int(x), 3) for x in row] for row in ANOTHER]),
    ("svd_four_subspaces.1", [[f"{x}*sqrt(2)" for x in row] for row in BY_HAND]),
    ("svd_four_subspaces.1", np.round(BY_HAND / 7.0, 4)),
    ("svd_four_subspaces.2", four_bases),
    ("svd_four_subspaces.2", four_bases_by_qr),
    ("svd_four_subspaces.3", best_rank_k),
    ("svd_four_subspaces.3", best_by_projection),
    ("audio_levels.1", level_dbfs),
    ("audio_levels.1", level_from_power),
    ("audio_levels.2", harmonics(SWEEP)),
    ("audio_levels.2", -harmonics(SWEEP)[::-1].astype(np.float32)),
    ("audio_levels.3", quantise),
    ("audio_levels.3", dithered_by(triangular)),
    ("gradient_descent.1", Fraction(10, 9)),
    ("gradient_descent.1", "10/9"),
    ("gradient_descent.1", 1.1111),
    ("gradient_descent.2", moves),
    ("gradient_descent.2", moves_by_matrix),
    ("gradient_descent.3", ([3, 2], 0.1)),
    ("gradient_descent.3", {"start": ["-3", -1], "mu": "1/5"}),
    ("gradient_descent.3", (["1 + 2/√5", "1 + 1/√5"], 0.1)),  # one away, not more
    ("gradient_descent.3", (["(11 + √2)/5", "(8 - 2√2)/5"], 0.2)),  # u² = 2 lands on u = 0
]

# Answer, item, and what is said of it.
WRONG: dict[str, list[tuple[Any, str, str]]] = {
    "svd_four_subspaces.1": [
        (np.zeros((3, 4)), "rank", "the rank is 0"),
        (np.outer([1, 2, 0], [1, 0, -1, 1]), "rank", "the rank is 1"),
        (BY_HAND[[1, 0, 2]], "left null space", "yᵀA = 0 fails"),
        (BY_HAND[:, ::-1], "null space", "A x = 0 fails for x = .1, 2, 0, -1"),
        (BY_HAND + np.eye(3, 4), "rank", "the rank is 3"),
        (BY_HAND.T, "rank", "is it transposed"),
    ],
    "svd_four_subspaces.2": [
        (cut_at(0.0), "null space", "6 × 4 matrix of rank 2 has shape"),
        (cut_at(1e-8), "row space", "near 1e-9 has shape"),
        (cut_at(-1.0), "left null space", "has shape"),
        (changed(0, lambda B: 2 * B), "column space", "is not orthonormal"),
        (changed(2, lambda B: B.T), "row space", "has shape"),
        (changed(2, lambda B: np.eye(*B.shape)), "row space", "every row"),
        (changed(3, lambda B: np.eye(*B.shape)), "null space", "A x = 0 fails"),
        (changed(1, lambda B: np.eye(*B.shape)), "left null space", "yᵀA = 0"),
        (lambda A: np.linalg.svd(A), "null space", "expected the four"),
        (lambda A: four_bases(A)[::-1], "column space", "has shape"),
    ],
    "svd_four_subspaces.3": [
        (
            of_svd(lambda U, s, Vh, k: U[:, :k] @ Vh[:k]),
            "nearest by the sum of squares",
            "there are matrices of that rank that are",
        ),
        (
            of_svd(lambda U, s, Vh, k: (U[:, : k + 1] * s[: k + 1]) @ Vh[: k + 1]),
            "rank at most k",
            "has rank 3, that is more than k",
        ),
        (
            of_svd(lambda U, s, Vh, k: (U[:, -k:] * s[-k:]) @ Vh[-k:] if k else 0 * (U * s) @ Vh),
            "nearest by the largest stretch",
            "nearer",
        ),
        (
            of_svd(lambda U, s, Vh, k: (U[:, :k] * s[:k]) @ Vh[:k].conj()),
            "nearest by the sum of squares",
            "complex 3 × 5",
        ),
        (lambda A, k: A * (np.arange(A.shape[1]) < k), "nearest by the sum of squares", "nearer"),
        (lambda A, k: A, "rank at most k", "more than k"),
        (lambda A, k: np.linalg.svd(A)[0][:, :k], "rank at most k", "shape"),
    ],
    "audio_levels.1": [
        (lambda x: max(20 * np.log(rms(x)), -120.0), "decibels", "the natural logarithm[?]"),
        (
            lambda x: max(10 * np.log(rms(x)), -120.0),
            "decibels",
            "natural logarithm, and the factor",
        ),
        (
            lambda x: max(10 * np.log10(rms(x)), -120.0),
            "decibels",
            "the factor of a power, applied to an amplitude",
        ),
        (
            lambda x: max(20 * np.log10(np.mean(x**2) + 1e-300), -120.0),
            "decibels",
            "the factor of an amplitude, applied to a power",
        ),
        (lambda x: level_dbfs(x) + 3.01, "full scale", "square wave of amplitude 1 is 3.01 dBFS"),
        (lambda x: level_dbfs(x - x.mean()), "full scale", "a constant of 1"),
        (lambda x: level_dbfs(np.abs(x).max()), "powers add", "powers p = .* must add"),
        (lambda x: level_dbfs(np.abs(x).mean()), "powers add", "fails for two noises"),
        (lambda x: level_dbfs(np.sqrt(np.sum(x**2) / 100)), "length", "a sum in place of a mean"),
        (
            lambda x: level_dbfs(np.sqrt(np.sum(x**2) / len(x))),
            "channels",
            "two channels have a level 3.01 dB above",
        ),
        (lambda x: level_dbfs(x.T[0] if x.ndim == 2 else x), "channels", "all samples together"),
        (lambda x: 20 * np.log10(rms(x)), "silence", "of zeros is -6000 dBFS; expected the floor"),
        (lambda x: 20 * np.log10(rms(x) + 1e-6), "silence", "added to the signal"),
        (
            lambda x: (
                level_dbfs(x)
                if x.any() and level_dbfs(x) > -120
                else -120.0
                if not x.any()
                else -180.0
            ),
            "silence",
            "beyond the floor",
        ),
        (
            lambda x: 20 * np.log10(np.sqrt(np.mean(x**2, axis=0)) + 1e-7),
            "channels",
            r"shape \(2,\); expected \(\)",
        ),
    ],
    "audio_levels.2": [
        (harmonics(np.zeros(16)), "crest factor", "crest factor is 5.66: the peak at sample 0"),
        (harmonics(SWEEP[:15]), "spectrum", "line 16 has"),
        (np.append(np.zeros(0), harmonics(SWEEP) + 0.05), "spectrum", "line at 0 periods"),
        (harmonics(np.append(SWEEP, 0.0)), "spectrum", "line at 17 periods"),
        (harmonics(SWEEP, 1.0 / np.arange(1, 17)), "spectrum", "not equally strong"),
        (harmonics(SWEEP, level=-10.0), "level", "the RMS level is -10.00 dBFS"),
        (0.1 * harmonics(SWEEP) / harmonics(SWEEP).max(), "level", "the RMS level is -2"),
        (harmonics(SWEEP)[:1000], "level", "has shape .1000,.; expected .1024,"),
        (np.zeros(1024), "spectrum", "zero everywhere"),
        (harmonics(SWEEP) + 0.1j, "crest factor", "the signal is complex; expected real numbers"),
    ],
    "audio_levels.3": [
        (
            dithered_by(lambda rng, n: 0.0),
            "mean of the error",
            "0.25 steps from a value .* mean of -0.25 steps",
        ),
        (dithered_by(lambda rng, n: 0.0), "generator", "nothing was drawn from rng"),
        (
            dithered_by(lambda rng, n: rng.random(n) - 0.5),
            "variance of the error",
            "rises and falls with the signal",
        ),
        (dithered_by(triangular, np.floor), "mean of the error", "mean of -0.497 steps"),
        (
            dithered_by(lambda rng, n: 0.55 * rng.standard_normal(n)),
            "variance of the error",
            "a weaker dither reaches that too",
        ),
        (dithered_by(triangular, high=9.0), "full scale", "beyond what 8 bits can count"),
        (dithered_by(triangular, low=-0.5, high=0.5), "full scale", "reach only from -0.5 to 0.5"),
        (dithered_by(triangular, lambda s: s), "steps", "away from the nearest multiple"),
        (lambda x, bits, rng: quantise(x, 8, rng), "steps", "16 bits|4 bits"),
        (
            lambda x, bits, rng: quantise(x, bits, np.random.default_rng()),
            "generator",
            "chance comes from elsewhere",
        ),
    ],
    "gradient_descent.1": [
        ("2/9", "unstable above it", "a larger step is stable too"),
        ("5/2", "stable below it", "grows without end"),
        ("5/9", "unstable above it", "still converges"),
        ("20/9", "stable below it", "multiplied by less than −1"),
        (1.11, "unstable above it", "at 1.001 of your learning rate"),
        (-1, "stable below it", "above 0"),
        (1e12, "stable below it", "grows without end"),
    ],
    "gradient_descent.2": [
        (
            moved_by(lambda v, g, b: (b * v + (1 - b) * g,) * 2),
            "first step",
            "were the gradients averaged",
        ),
        (moved_by(lambda v, g, b: (b * v - g,) * 2), "first step", "uphill"),
        (moved_by(lambda v, g, b: (b * v + g, v)), "first step", "one step late"),
        (moved_by(lambda v, g, b: (b * v + g, g + b * (b * v + g))), "first step", "1.8 times"),
        (moved_by(lambda v, g, b: (g, b * v + g)), "memory", "step 2 is 0 after"),
        (moved_by(lambda v, g, b: (g, b * v + g)), "steady gradients", "count 1.5 times"),
        (moved_by(lambda v, g, b: (b * v + abs(g),) * 2), "alternating gradients", "change sign"),
        (moved_by(lambda v, g, b: (np.clip(b * v + g, -1, 1),) * 2), "linear", "something clipped"),
        (Remembering(), "linear", "remain from one call"),
        (
            moved_by(lambda v, g, b: (b * v.mean() + g,) * 2),
            "parameters apart",
            "a velocity of its own",
        ),
        (
            lambda g, mu, beta: np.cumsum(moves(g, mu, beta), axis=0),
            "memory",
            "beta times the one before",
        ),
    ],
    "gradient_descent.3": [
        (([1, 1], 0.1), "start", "the start is 0 away from the saddle"),
        (([1.8, 1.4], 0.1), "start", "the start is 0.894 away from the saddle"),
        (([3, 1], 0.1), "the end", "both eigenvalues of the Hessian are positive"),
        (([3, 2], 0.45), "the way", "the descent leaves|approaches no point"),
        (([3, 2], 0.001), "the way", "approaches no point"),
        (([30, 2], 1.0), "the way", "the step is too large|beyond a million"),
        (([3, 2, 1], 0.1), "start", "has 3 entries; expected 2"),
        ([3, 2, 1], "start", "expected two things"),
    ],
}
