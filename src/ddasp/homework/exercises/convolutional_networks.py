"""Three exercises on convolutional networks: a receptive field, holes in a window, a detector by hand.

*Conventions*: those of `ddasp.nonlinear.cnn_spec`: windows are (frames, bands), a layer computes
y[n] = sum_k w[k] x[n + k] + b at the places where its window fits. What a network sees is found by
walking back from one output.

*References*: F. Yu and V. Koltun, "Multi-scale context aggregation by dilated convolutions", ICLR 2016.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]

# ------------------------------------------------------------------ 1: parameters and receptive field

# size along frames and bands, stride along frames, maps behind it (0: a pooling)
LAYERS = ((3, 3, 1, 6), (2, 2, 2, 0), (3, 3, 1, 12), (2, 2, 2, 0), (3, 1, 1, 12))
WINDOW, HOP = 25.0, 10.0  # ms


def _field(answer: Any) -> list[Finding]:
    return asked(
        answer, [("parameters", _parameters), ("frames", _frames), ("milliseconds", _milliseconds)]
    )


def _three(answer: Any) -> list[float]:
    if isinstance(answer, dict):
        answer = [answer.get(name) for name in ("parameters", "frames", "milliseconds")]
    found: list[float] = answers.vector(
        answer, "[parameters, frames, milliseconds]", length=3
    ).tolist()
    return found


def _count(bias: bool = True, maps: bool = True) -> int:
    """Parameters of the convolutions, and what they are without biases, or with one input map."""
    n_in, total = 1, 0
    for size, bands, _, n_out in LAYERS:
        if n_out:
            total += n_out * ((n_in if maps else 1) * size * bands + bias)
            n_in = n_out
    return total


def _parameters(answer: Any) -> None:
    count, *_ = _three(answer)
    if count == _count():
        return
    causes = {
        _count(bias=False): " - does each map have a bias?",
        _count(maps=False): " - a window reaches over all maps of the layer before",
    }
    raise NotYet(
        f"{count:g} is not the number of all windows' weights and all biases{causes.get(int(count), '')}"
    )


def _seen() -> int:
    """Frames that one output depends on."""
    places = {0}
    for size, _, stride, _ in reversed(LAYERS):
        places = {n * stride + k for n in places for k in range(size)}
    return len(places)


def _frames(answer: Any) -> None:
    _, r, _ = _three(answer)
    if r == _seen():
        return
    sizes = [size for size, *_ in LAYERS]
    causes = {
        sum(size - 1 for size in sizes)
        + 1: " - behind a pooling neighbours stand two frames apart",
        sum(sizes): " - two windows of 3, one on the other, see 5 places",
        sum(size - 1 for size, *_, n_out in LAYERS if n_out)
        + 1: " - a pooling sees two places, too",
    }
    raise NotYet(
        f"walking back from one output, layer by layer, it does not depend on {r:g} frames"
        + causes.get(int(r), "")
    )


def _milliseconds(answer: Any) -> None:
    *_, ms = _three(answer)
    if abs(ms - ((_seen() - 1) * HOP + WINDOW)) < 1e-9:
        return
    causes = {
        _seen() * HOP: " - the last frame is longer than a hop",
        _seen() * WINDOW: " - frames overlap",
    }
    raise NotYet(
        f"from the first sample of the first frame to the last of the last it is not {ms:g} ms"
        + causes.get(ms, "")
    )


# ------------------------------------------------------------------ 2: a window with holes

NEAR = 1e-9


def _dilated(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("length", _has_length),
            ("without holes", _is_plain),
            ("taps", _has_taps),
            ("equivariant", _moves_along),
            ("linear", _is_linear),
        ],
    )


def _y(answer: Any, x: Array, w: Array, d: int) -> Array:
    n = len(x) - (len(w) - 1) * d
    value = called(function(answer, "dilated(x, w, d)"), x, w, d)
    return array(value, f"dilated(x, w, {d}) of {len(x)} samples and {len(w)} taps", (n,))


def _drawn(n: int, k: int, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal(n), rng.standard_normal(k)


def _has_length(answer: Any) -> None:
    for n, k, d in ((20, 3, 1), (20, 3, 4), (9, 5, 2), (7, 1, 3)):
        _y(answer, *_drawn(n, k), d)


def _is_plain(answer: Any) -> None:
    x, w = _drawn(30, 4, 1)
    y = _y(answer, x, w, 1)
    if np.abs(y - np.correlate(x, w, "valid")).max() > NEAR:
        turned = np.abs(y - np.convolve(x, w, "valid")).max() < NEAR
        raise NotYet(
            "with d = 1 it differs from the sum of w[k] x[n + k]"
            + (" - are the taps turned round, as in a convolution?" if turned else "")
        )


def _has_taps(answer: Any) -> None:
    for k, d in ((3, 2), (4, 3), (2, 5)):
        w, reach = _drawn(1, k, 2)[1], (k - 1) * d
        x = np.zeros(2 * reach + 1)
        x[reach] = 1.0
        response = _y(answer, x, w, d)[::-1]  # tap by tap
        expected = np.flatnonzero(np.arange(reach + 1) % d == 0)
        found = np.flatnonzero(np.abs(response) > NEAR)
        if not np.array_equal(found, expected):
            raise NotYet(
                f"a single 1 meets taps {found.tolist()} places from the first; with {k} taps and d = {d} "
                f"expected {expected.tolist()}"
            )
        if np.abs(response[expected] - w).max() > NEAR:
            raise NotYet(
                f"a single 1 meets {response[expected].round(3)}; the taps are {w.round(3)}"
            )


def _moves_along(answer: Any) -> None:
    x, w = _drawn(40, 3, 3)
    whole, later = _y(answer, x, w, 4), _y(answer, x[5:], w, 4)
    if np.abs(whole[5:] - later).max() > NEAR:
        raise NotYet(
            "what begins five samples later does not give the same values five places earlier: does a "
            "place know its number?"
        )


def _is_linear(answer: Any) -> None:
    (a, w), (b, _) = _drawn(25, 3, 4), _drawn(25, 3, 5)
    off = _y(answer, a - 2.0 * b, w, 3) - _y(answer, a, w, 3) + 2.0 * _y(answer, b, w, 3)
    if np.abs(off).max() > NEAR:
        raise NotYet(
            f"the values for a − 2 b are not those of a − 2 those of b, by {np.abs(off).max():.2g}"
        )


# ------------------------------------------------------------------ 3: a detector of rising tones

SIDE, K, AS_STRONG = 12, 5, 2.0


def _detector(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("level", _ignores_level),
            ("rising", _answers),
            ("falling", _prefers("a falling tone", np.fliplr(np.eye(SIDE)))),
            ("steady", _prefers("a steady tone", _line(bands=True))),
            ("click", _prefers("a click", _line(bands=False))),
        ],
    )


def _line(bands: bool) -> Array:
    """A map (frames, bands) with one band or one frame of ones."""
    x = np.zeros((SIDE, SIDE))
    x[:, 6 if bands else slice(None)] = 1.0
    return x if bands else np.asarray((x * 0.0) + (np.arange(SIDE) == 6)[:, np.newaxis])


def _window(answer: Any) -> Array:
    w = array(answer, "the window", (K, K))
    largest = np.abs(w).max()
    if largest == 0.0:
        raise NotYet("all weights are zero: it answers to nothing")
    return np.asarray(w / largest)


def _answer_to(w: Array, x: Array) -> float:
    """The largest value behind convolution and ReLU."""
    views = np.lib.stride_tricks.sliding_window_view(x, (K, K))
    return float(max(0.0, np.einsum("abij,ij->ab", views, w).max()))


def _ignores_level(answer: Any) -> None:
    total = float(_window(answer).sum())
    if abs(total) > 1e-6:
        raise NotYet(
            f"a map that is raised by 1 everywhere changes the answer by {total:.3g} (with the largest "
            "weight scaled to 1); expected 0: louder is not more rising"
        )


def _answers(answer: Any) -> None:
    if _answer_to(_window(answer), np.eye(SIDE)) <= 0.0:
        raise NotYet("behind the ReLU the answer to a rising tone is 0 everywhere")


def _prefers(name: str, x: Array) -> Callable[[Any], None]:
    """The check that a rising tone is answered more strongly than this."""

    def check(answer: Any) -> None:
        w = _window(answer)
        rising, other = _answer_to(w, np.eye(SIDE)), _answer_to(w, x)
        if rising < AS_STRONG * other or rising == 0.0:
            raise NotYet(
                f"the strongest answer to a rising tone is {rising:.3g}, to {name} {other:.3g} (largest "
                f"weight scaled to 1); expected {AS_STRONG:g} times as much, or more"
            )

    return check


EXERCISES = (
    Exercise(
        "convolutional_networks.1",
        f"""Frames of {WINDOW:g} ms every {HOP:g} ms, one map. Convolution to 6 maps, 3 × 3; maximum
2 × 2; convolution to 12 maps, 3 × 3; maximum 2 × 2; convolution to 12 maps, 3 frames × 1 band. All
convolutions have biases, no normalisation, and a stride of 1. How many parameters have they, how many
frames does one value at the end see, and how many milliseconds of sound are that? By hand; hand in
`[parameters, frames, milliseconds]`.""",
        _field,
        (
            "Make the lesson's table: k, s, r, j for each line, the poolings included.",
            "A window reaches over all maps before it. Behind two poolings neighbours stand four frames "
            "apart. And of the last frame all samples count, not only one hop.",
        ),
    ),
    Exercise(
        "convolutional_networks.2",
        """Write `dilated(x, w, d)`: a convolutional layer's sum for one map, without bias and ReLU,
whose taps stand d samples apart, at all places where the whole window fits, n = 0, 1, 2 ... With windows
of 3 and d = 1, 2, 4 ... 2^(L − 1), one layer on the other: how far do L layers see, and how many would it
take with d = 1? Say both before you write the function.""",
        _dilated,
        (
            "Tap k looks d k samples ahead of place n. How far ahead does the last one look?",
            "What stands at d k, d k + 1 ... as far as there are places, times w[k], summed over k: each "
            "term is a slice of x.",
        ),
    ),
    Exercise(
        "convolutional_networks.3",
        f"""Choose the {K} × {K} weights of a window, w[frame, band], that detects tones which rise by
one band in each frame. Behind convolution and ReLU, the largest value anywhere on a map of {SIDE} frames
and bands must be at least {AS_STRONG:g} times as large for a rising line of ones as for a falling one,
for a steady tone (one band), and for a click (one frame); and raising the whole map must not change it.
Predict the four values, then hand in the array.""",
        _detector,
        (
            "A window answers most strongly to what looks like it. What makes it blind to a constant?",
            "Lay a steady tone over your window: it covers one weight that you want and some that you "
            "can choose so that they cancel it.",
        ),
    ),
)
