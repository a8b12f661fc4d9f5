"""Three exercises on the SVD of tracks: mid and side of unequal channels, loudest gains, a delay.

*Conventions*: tracks are columns, A (n_samples, n_tracks); gains g (n_tracks,) have the length 1, a
mixdown is A g, its energy the sum of its squares.

*References*: G. Strang, "Linear Algebra and Learning from Data", 2019, part I (the largest |A g| is the
first singular value).
"""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]

# ------------------------------------------------------------------ 1: mid and side, unequal

LEFT, RIGHT = (3, 5, 3, 5), (4, 0, 4, 0)
TYPED = 2e-3  # of the energies; gains have four digits
STEP = np.radians(2.0)


def _mid_side(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("length of the gains", _have_length_1),
            ("loudest", _is_loudest),
            ("softest", _is_softest),
        ],
    )


def _gains(answer: Any) -> Array:
    return np.asarray(answers.matrix(answer, "the gains", rows=2, columns=2))


def _have_length_1(answer: Any) -> None:
    for name, g in zip(("loudest", "softest"), _gains(answer), strict=True):
        length = float(np.hypot(*g))
        if abs(length - 1.0) > 1e-3:
            raise NotYet(
                f"the gains of the {name} mixdown have the length {length:.4g}; expected 1, or any "
                "mixdown could be made louder"
            )


def _energy(g: Array) -> float:
    x = np.column_stack([LEFT, RIGHT]).astype(float) @ (g / max(float(np.hypot(*g)), 1e-300))
    return float(x @ x)


def _turned(g: Array, angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([c * g[0] - s * g[1], s * g[0] + c * g[1]])


def _best(g: Array, sign: float, name: str) -> None:
    """No gains beside these do better, and none at a right angle to them."""
    if np.abs(g).max() > 1e6 or not g.any():
        raise NotYet(
            f"the gains of the {name} mixdown are {g[0]:g} and {g[1]:g}; expected a length of 1"
        )
    here = _energy(g)
    for angle in (STEP, -STEP, np.pi / 2):
        there = _energy(_turned(g, angle))
        if sign * (there - here) > TYPED:
            raise NotYet(
                f"the {name} mixdown has the energy {here:.4g}; with its gains turned by "
                f"{np.degrees(angle):.0f}° it has {there:.4g}"
            )


def _is_loudest(answer: Any) -> None:
    _best(_gains(answer)[0], 1.0, "loudest")


def _is_softest(answer: Any) -> None:
    _best(_gains(answer)[1], -1.0, "softest")


# ------------------------------------------------------------------ 2: the loudest gains, at length

NEAR = 1e-9
SHORT, LONG = 1500, 400_000


def _loudest(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("length 1", _has_length_1),
            ("loudest", _none_is_louder),
            ("polarity", _keeps_polarity),
            ("long recordings", _takes_long_ones),
        ],
    )


def _recordings() -> list[tuple[str, Array]]:
    rng = np.random.default_rng(50)
    shared = rng.standard_normal((600, 1))
    return [
        ("three independent tracks", rng.standard_normal((600, 3)) * (1.0, 3.0, 2.0)),
        ("two tracks that share a sound", shared + 0.2 * rng.standard_normal((600, 2))),
        ("two tracks, one with reversed polarity", shared * (1.0, -0.9) + 0.2),
        ("five tracks near 1e-6", 1e-6 * (shared + 0.5 * rng.standard_normal((600, 5)))),
        ("tracks with an offset", rng.standard_normal((600, 2)) * (1.0, 0.5) + (0.0, 4.0)),
        ("one track", rng.standard_normal((600, 1))),
    ]


def _found(answer: Any, A: Array, name: str) -> Array:
    value = called(function(answer, "loudest_gains(A)"), A)
    return array(value, f"the gains for {name}", (A.shape[1],))


def _has_length_1(answer: Any) -> None:
    for name, A in _recordings():
        length = float(np.linalg.norm(_found(answer, A, name)))
        if abs(length - 1.0) > NEAR:
            raise NotYet(f"{name}: the gains have the length {length:.4g}; expected 1")


def _none_is_louder(answer: Any) -> None:
    for name, A in _recordings():
        g = _found(answer, A, name)
        most = float(np.linalg.eigvalsh(A.T @ A)[-1])
        mixed = A @ (g / max(float(np.linalg.norm(g)), 1e-300))
        if mixed @ mixed < most * (1.0 - NEAR):
            louder = 10.0 * np.log10(most / max(float(mixed @ mixed), 1e-300))
            raise NotYet(
                f"{name}: there are gains of length 1 whose mixdown is {min(louder, 999.0):.2g} dB louder"
                + _cause(A, g)
            )


def _cause(A: Array, g: Array) -> str:
    B = A - A.mean(axis=0)
    unit = g / max(float(np.linalg.norm(g)), 1e-300)
    _, V = np.linalg.eigh(B.T @ B)
    return " - was the mean taken away first?" if abs(V[:, -1] @ unit) > 1.0 - 1e-6 else ""


def _keeps_polarity(answer: Any) -> None:
    for name, A in _recordings():
        total = float(_found(answer, A, name).sum())
        if total < 0.0:
            raise NotYet(
                f"{name}: the gains add up to {total:.3g}; of the two signs the one is asked for "
                "with which their sum is not negative"
            )


def _takes_long_ones(answer: Any) -> None:
    """A square matrix shows in a short recording; only who makes none gets the long one."""
    used = _memory(answer, np.outer(np.linspace(-1.0, 1.0, SHORT), [2.0, 1.0]))
    if used > 2 * SHORT**2:
        raise NotYet(
            f"a recording of {SHORT:,} samples takes {used / 1e6:.0f} MB, as a matrix with as many columns "
            f"as samples does; for {LONG:,} samples that would be {8 * LONG**2 / 1e12:.1f} TB"
        )
    x = np.linspace(-1.0, 1.0, LONG)
    g = _found(answer, np.column_stack([2.0 * x, x]), f"{LONG:,} samples")
    if np.abs(g - np.array([2.0, 1.0]) / np.sqrt(5.0)).max() > 1e-6:
        raise NotYet(
            f"{LONG:,} samples, the second track half of the first: the gains are {g[0]:.3g} and "
            f"{g[1]:.3g}; expected those of length 1 in the ratio 2 : 1"
        )


def _memory(answer: Any, A: Array) -> int:
    """Most bytes in use while the gains are found."""
    traced = tracemalloc.is_tracing()
    if not traced:
        tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        _found(answer, A, f"{len(A):,} samples")
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not traced:
            tracemalloc.stop()


# ------------------------------------------------------------------ 3: two microphones, one tone

RATE, TONE, LONGEST = 48000, 750, 100
PERIOD = RATE // TONE


def _delays(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("two delays", _pair),
            ("no mixdown is louder", _are_equal),
            ("silent sum", _cancels),
        ],
    )


def _pair(answer: Any) -> tuple[int, int]:
    both = answers.vector(answer, "the delays", length=2)
    for name, d in zip("ab", both, strict=True):
        if d != round(float(d)) or not 1 <= d <= LONGEST:
            raise NotYet(f"delay {name} is {d:g}; expected whole samples from 1 to {LONGEST}")
    return int(both[0]), int(both[1])


def _tracks(delay: int) -> Array:
    n = np.arange(10 * PERIOD)
    phase = 2.0 * np.pi * TONE / RATE
    return np.column_stack([np.sin(phase * n), np.sin(phase * (n - delay))])


def _are_equal(answer: Any) -> None:
    a, _ = _pair(answer)
    s = np.linalg.svd(_tracks(a), compute_uv=False)
    if s[1] < 0.999 * s[0]:
        louder = 20.0 * np.log10(s[0] / max(float(s[1]), 1e-9))
        raise NotYet(
            f"with a delay of {a} samples the loudest mixdown has {louder:.1f} dB more than the "
            "softest; expected the same energy for all gains of length 1"
        )


def _cancels(answer: Any) -> None:
    _, b = _pair(answer)
    A = _tracks(b)
    total = float(np.sum(A.sum(axis=1) ** 2) / np.sum(A**2))
    if total > 1e-9:
        raise NotYet(
            f"with a delay of {b} samples the sum of the tracks has {total:.2g} times the energy of both "
            "together; expected silence"
        )


EXERCISES = (
    Exercise(
        "svd_multitrack_audio.1",
        f"""Two tracks of four samples: left = {LEFT}, right = {RIGHT}. With which gains (g_left, g_right),
g_left² + g_right² = 1, is the mixdown loudest, and with which softest? By hand; hand in both pairs,
`[[g_left, g_right], [g_left, g_right]]`, loudest first; roots may stand as they are. What are the two
energies, and what is their sum?""",
        _mid_side,
        (
            "The energy of a mixdown is gᵀ(AᵀA)g. Write down the matrix of two rows in the middle.",
            "Its eigenvalues follow from trace and determinant, both of which are round numbers. The two "
            "pairs of gains are at a right angle: who has the one has the other.",
        ),
    ),
    Exercise(
        "svd_multitrack_audio.2",
        f"""Write `loudest_gains(A)`: for tracks A (n_samples, n_tracks) the gains of length 1 whose mixdown
A g has the largest energy, with the sign for which they do not add up to less than 0. It must work for
{LONG:,} samples. Predict what it gives for two tracks of the same sound, one with reversed polarity.""",
        _loudest,
        (
            "Which of the three factors of the SVD holds gains, and is it given by rows or by columns?",
            "A square U of a long recording does not fit into memory; ask for less of it, or for the "
            "eigenvectors of a matrix as small as the number of tracks.",
        ),
    ),
    Exercise(
        "svd_multitrack_audio.3",
        f"""Two microphones hear the same tone of {TONE} Hz at the same level, the second one later by whole
samples at {RATE} Hz. Predict, then try: a delay a at which all mixdowns with gains of length 1 are equally
loud (both singular values agree), and a delay b at which the plain sum of both tracks is silent. Hand in
`(a, b)`, each from 1 to {LONGEST}.""",
        _delays,
        (
            "What is the product of the two tracks, summed over whole periods, as a function of the "
            "delay? It is the entry of AᵀA beside its diagonal.",
            "How many samples has one period? A quarter of it and a half of it are special.",
        ),
    ),
)
