"""Three exercises on recurrent networks: a layer from its counts, a memory of given length, a latch.

*Conventions*: those of `ddasp.nonlinear.lstm_numpy`: W (n_inputs, 4 n_units), R (n_units, 4 n_units),
b (4 n_units,), columns i, f, g, o. Cells are checked by running them.

*References*: F. A. Gers, J. Schmidhuber and F. Cummins, "Learning to forget", Neural Computation 12, 2000.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet
from ddasp.nonlinear.lstm_numpy import LSTMParameters, forward, n_parameters

__all__ = ["EXERCISES"]

Array = NDArray[Any]

# ------------------------------------------------------------------ 1: a layer from its counts

KERAS, TORCH = 4480, 4592


def _layer(answer: Any) -> list[Finding]:
    return asked(answer, [("the difference", _differs), ("the count", _counts)])


def _sizes(answer: Any) -> tuple[int, int]:
    """F and H as whole numbers."""
    F, H = answers.vector(answer, "[F, H]", length=2).tolist()
    if round(F) != F or round(H) != H or not 1 <= F <= 1e6 or not 1 <= H <= 1e6:
        raise NotYet(f"F = {F:g}, H = {H:g}: inputs and units are counted, from 1")
    return round(F), round(H)


def _differs(answer: Any) -> None:
    _, H = _sizes(answer)
    if 4 * H != TORCH - KERAS:
        raise NotYet(
            f"with {H} units PyTorch has {4 * H} numbers more than Keras; here it has "
            f"{TORCH - KERAS} more. What does it hold twice, and for how many blocks?"
        )


def _counts(answer: Any) -> None:
    F, H = _sizes(answer)
    count = n_parameters(F, H)
    if count != KERAS:
        one = count == KERAS - 4 * H or count == KERAS + 4 * H
        raise NotYet(
            f"F = {F}, H = {H} gives {count} parameters in Keras; expected {KERAS}"
            + (" - does each unit of each block have one bias?" if one else "")
        )


# ------------------------------------------------------------------ 2: a memory of given length

CASES = ((1, 0.5), (1, 0.1), (10, 0.5), (50, 0.9), (200, 0.01))
NEAR = 1e-6


def _memory(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("one frame", _keeps(CASES[:2])),
            ("many frames", _keeps(CASES[2:])),
            ("very long", _long),
            ("sign", _sign),
        ],
    )


def _bias(answer: Any, n_frames: int, share: float) -> float:
    value = called(function(answer, "forget_bias(n_frames, share)"), n_frames, share)
    return float(array(value, f"forget_bias({n_frames}, {share:g})", ()))


def _left(bias: float, n_frames: int) -> float:
    """Share of a cell that n_frames later is left, with nothing written."""
    b = np.array([-800.0, bias, 0.0, 0.0])
    theta = LSTMParameters(np.zeros((1, 4)), np.zeros((1, 4)), b)
    return float(forward(np.zeros((1, n_frames, 1)), theta, [[0.0]], [[1.0]]).c[0, -1, 0])


def _keeps(cases: tuple[tuple[int, float], ...]) -> Any:
    """The check that these shares are left in a cell that runs."""

    def check(answer: Any) -> None:
        for n_frames, share in cases:
            bias = _bias(answer, n_frames, share)
            left = _left(bias, n_frames)
            if abs(left / share - 1.0) > NEAR:
                raise NotYet(
                    f"with your bias for {n_frames} frames, {bias:.4g}, a share of {left:.4g} is left in "
                    f"the cell; expected {share:g}{_cause(bias, n_frames, share)}"
                )

    return check


def _cause(bias: float, n_frames: int, share: float) -> str:
    """What a wrong bias may be."""
    f = share ** (1.0 / n_frames)
    if abs(bias - f) < 1e-6:
        return " - is this the gate itself, and not what its sigmoid is taken of?"
    if abs(bias - np.log(share / (1.0 - share))) < 1e-6:
        return " - the gate acts once in every frame, not once in all"
    if abs(bias + np.log(f / (1.0 - f))) < 1e-6:
        return " - is the sign turned round?"
    return ""


def _long(answer: Any) -> None:
    n_frames, share = 10**9, 0.5
    bias = _bias(answer, n_frames, share)
    with np.errstate(over="ignore"):
        log_f = -float(np.log1p(np.exp(np.clip(-bias, -700.0, 700.0))))  # ln sigmoid(bias)
    if abs(n_frames * log_f / np.log(share) - 1.0) > 1e-9:
        raise NotYet(
            f"for {n_frames:g} frames your bias is {bias:.8g}, and half would be left after "
            f"{np.log(0.5) / log_f if log_f else np.inf:.7g}: were two nearly equal numbers subtracted? "
            "`numpy.expm1` is made for that"
        )


def _sign(answer: Any) -> None:
    short, long = _bias(answer, 1, 0.2), _bias(answer, 20, 0.2)
    if short >= 0 or long <= 0:
        raise NotYet(
            f"a gate below one half needs a bias below 0, one above it one above 0; yours are {short:.3g} "
            f"for a fifth after one frame, {long:.3g} for a fifth after 20"
        )


# ------------------------------------------------------------------ 3: a latch

ON, OFF, N_FRAMES = 0.5, 0.1, 400


def _latch(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("shapes", _cell),
            ("at rest", _rests),
            ("set", _sets),
            ("reset", _resets),
            ("again and again", _follows),
        ],
    )


def _cell(answer: Any) -> LSTMParameters:
    """The parameters; numbers beyond 1000 have no use in a gate."""
    if isinstance(answer, dict):
        answer = [answer.get(name) for name in ("W", "R", "b")]
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        raise NotYet(f"the answer is {answers.shown(answer)}; expected three arrays, (W, R, b)")
    W, R = array(answer[0], "W", (2, 4)), array(answer[1], "R", (1, 4))
    b = array(answer[2], "b", (4,))
    if max(np.abs(p).max() for p in (W, R, b)) > 1000.0:
        raise NotYet(
            "there are weights beyond 1000; expected smaller ones: a sigmoid is full at 40"
        )
    return LSTMParameters(W, R, b)


def _shown(answer: Any, pulses: Array) -> Array:
    """What the cell shows, (n_frames,), for inputs (n_frames, 2)."""
    return np.asarray(forward(pulses[np.newaxis], _cell(answer)).h[0, :, 0])


def _pulses(*events: tuple[int, int]) -> Array:
    """Inputs with a pulse at (frame, input)."""
    x = np.zeros((N_FRAMES, 2))
    for at, which in events:
        x[at, which] = 1.0
    return x


def _is(h: Array, frames: slice, on: bool, when: str) -> None:
    part = h[frames]
    if on and part.min() <= ON:
        at = int(part.argmin())
        raise NotYet(f"{when}: {at} frames later h is {part[at]:.3g}; expected above {ON:g}")
    if not on and np.abs(part).max() >= OFF:
        at = int(np.abs(part).argmax())
        raise NotYet(f"{when}: {at} frames later h is {part[at]:.3g}; expected within ±{OFF:g}")


def _rests(answer: Any) -> None:
    _is(_shown(answer, _pulses()), slice(None), False, "nothing comes in")


def _sets(answer: Any) -> None:
    _is(_shown(answer, _pulses((5, 0))), slice(5, None), True, "one pulse of the first input")
    _is(_shown(answer, _pulses((5, 0))), slice(0, 5), False, "before the first pulse")


def _resets(answer: Any) -> None:
    h = _shown(answer, _pulses((5, 0), (100, 1)))
    _is(h, slice(5, 100), True, "after a set, before the reset")
    _is(h, slice(100, None), False, "a set, and 95 frames later a reset")
    _is(_shown(answer, _pulses((5, 1))), slice(5, None), False, "a reset that nothing came before")


def _follows(answer: Any) -> None:
    rng = np.random.default_rng(3)
    which = rng.choice(3, N_FRAMES, p=[0.1, 0.1, 0.8])
    x = np.stack([which == 0, which == 1], axis=1).astype(float)
    h, on = _shown(answer, x), False
    for t, pulse in enumerate(which):
        on = on if pulse == 2 else bool(pulse == 0)
        _is(
            h,
            slice(t, t + 1),
            on,
            f"random pulses, frame {t}, the last one a {'' if on else 're'}set",
        )
    h = _shown(answer, _pulses(*[(t, 0) for t in range(300)], (300, 1)))
    _is(h, slice(300, None), False, "300 sets in a row, then a reset")


EXERCISES = (
    Exercise(
        "recurrent_networks.1",
        f"""An LSTM layer was saved by two people. In Keras' file it has {KERAS:,} parameters, in
PyTorch's {TORCH:,}; the layer is the same. How many inputs F and units H does it have? By hand;
`[F, H]`.""",
        _layer,
        (
            "Both files hold the same weights. Of what does PyTorch keep two?",
            "The difference tells H alone. Put it into the count and solve for F.",
        ),
    ),
    Exercise(
        "recurrent_networks.2",
        """Write `forget_bias(n_frames, share)`: the bias of a forget gate (its weights are zero) with
which, `n_frames` frames later, a cell into which nothing is written still holds `share` of what it held,
0 < share < 1. First on paper: which bias keeps a half for ten frames? It has to hold for a thousand
million frames, too.""",
        _memory,
        (
            "What is the content multiplied by in one frame, and in n_frames?",
            "The gate is a sigmoid; solve it for what stands inside. For long memories the gate is nearly "
            "1, and 1 minus it has few digits left: write that difference with `numpy.expm1`.",
        ),
    ),
    Exercise(
        "recurrent_networks.3",
        f"""Build a latch: an LSTM of one unit and two inputs, each 0 or 1 and never both 1. A 1 at the
first input sets it, h > {ON:g} from that frame on; a 1 at the second resets it, |h| < {OFF:g} from that
frame on; in between it holds, for {N_FRAMES} frames at least, and it starts reset. Hand in `(W, R, b)` of
shapes (2, 4), (1, 4), (4,), columns i, f, g, o. Say what each gate must do in the three cases before you
choose a number.""",
        _latch,
        (
            "Three cases: set, reset, nothing. Make a table with i, f, g and o for each; most are near 0 "
            "or 1.",
            "A gate that must be open unless something comes has a large bias above 0, and a larger "
            "weight below 0 from that something. After a set the cell must not grow with the next set: "
            "which gate makes room?",
        ),
    ),
)
