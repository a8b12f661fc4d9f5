"""Checks of parts 5 and 6: training that reproduces, and a small network below the thresholds.

Nothing is taken on trust: the risk is computed anew from the parameters that come back. A training run
holds when its history starts at the risk of `initial(seed)` and ends at the risk of the parameters that
it returns. It belongs to its seed when the same seed gives the same history once more, and another
one another. It learns when its risk falls on data that nobody has seen before.

*Conventions*: a history has one entry for the start and one for each step. A risk counts as that of
the parameters to 1e-4 of it (single precision is enough); two runs of one program on one machine as
the same to 1e-9: sums over several threads may round differently, and training amplifies that.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ddasp.homework.answers import number, shown, vector
from ddasp.homework.draw import Draw
from ddasp.homework.parts import RIGHT, Call, Finding, NotYet, Outcome, Sheet
from ddasp.homework.tasks.regression_data import data_of, draw_inputs, draw_teacher, left_linear
from ddasp.homework.tasks.regression_network import n_parameters, risk, shapes
from ddasp.homework.tasks.regression_reading import Answer, arrays, each, equal, item, value_of

__all__ = [
    "RUNGS",
    "THRESHOLDS",
    "judge_small",
    "judge_training",
    "small_calls",
    "training_calls",
]

Array = NDArray[np.float64]

THRESHOLDS = {"A": 0.1, "B": 0.01, "C": 0.001}  # of the risk
# threshold, parameters at most, weight; the teacher has 13 parameters
RUNGS = (("A", 33, 3.0), ("B", 21, 3.0), ("C", 17, 3.0), ("C", 13, 1.0))

N_STEPS = 200  # enough for plain gradient descent with a cautious rate to get away from the start
FEW = 20
N_STARTS = 4  # beside those of the runs
N_COUNTS = 3
# Cosine between the weights of two starts: 0.75 for numbers from 0 to 1, and 0 for those of either sign;
# that every pair of six goes beyond the limit by chance is out of the question even for three weights.
ALIKE = 0.95
MOST_STEPS = 50_000
N_HIDDEN = 200
SAME_RISK = 1e-4
NO_RISK = 1e-8  # nothing, beside the thresholds; single precision computes no better
SAME_RUN = 1e-9
LEARNT = 0.95  # of the risk at the start
MOST_LAYERS, MOST_UNITS = 8, 100


def _learnable(draw: Draw) -> tuple[Array, Array]:
    """Data of another teacher; a linear model explains some of it, so a first step is easy."""
    X = draw_inputs(draw, N_HIDDEN)
    while True:
        teacher = draw_teacher(draw)
        y = teacher.target(teacher.units(X))
        if left_linear(X, y) < 0.6:
            return X, y


def training_calls(sheet: Sheet, draw: Draw) -> list[Call]:
    """Starts and short runs with two hidden seeds, on two sets of hidden data.

    Parameters
    ----------
    sheet : Sheet
    draw : Draw
    """
    X, y = _learnable(draw)
    seed = draw.between(1000, 4999)
    other = draw.between(5000, 9999)
    return [
        Call("network"),
        Call("initial", (seed,)),
        Call("initial", (seed,)),
        Call("initial", (other,)),
        Call("train", (X, y, N_STEPS, seed)),
        Call("train", (X, y, FEW, seed)),
        Call("train", (X, y, FEW, other)),
        Call("train", (*_learnable(draw), N_STEPS, seed)),
        *_more_starts(draw),
    ]


def _more_starts(draw: Draw) -> list[Call]:
    return [Call("initial", (draw.between(10_000, 99_999),)) for _ in range(N_STARTS)]


def judge_training(
    sheet: Sheet, calls: Sequence[Call], outcomes: Sequence[Outcome]
) -> list[Finding]:
    """Findings of part 5.

    Parameters
    ----------
    sheet : Sheet
    calls, outcomes : sequence
        Of `training_calls`.
    """
    answers = list(zip(calls, outcomes, strict=True))
    net, first, again, other, long, few, few_other, long_elsewhere, *more = answers
    runs = [long, few, few_other, long_elsewhere]
    starts = [first, first, other, first]
    pairs = list(zip(starts, runs, strict=True))
    return [
        item("parameters at the start", [net, first], partial(_parameters, net, first)),
        item(
            "a seed's own start",
            [net, first, again, other, *more],
            partial(_starts, net, first, again, other, more),
        ),
        item("history: an entry for the start and each step", runs, each(_has_length, runs)),
        item(
            "history starts at the risk of initial(seed)",
            [net, first, other, *runs],
            each(partial(_check_start, net), pairs),
        ),
        item(
            "history ends at the risk of the parameters",
            [net, *runs],
            each(partial(_check_end, net), runs),
        ),
        item("training reproduces from its seed", runs, partial(_reproduces, long, few, few_other)),
        item(
            "training learns from the data it is given",
            [net, first, long, long_elsewhere],
            each(partial(_learns, net, first), (long, long_elsewhere)),
        ),
    ]


def _widths(value: object) -> list[int]:
    """What `network` gave: widths of the tanh layers."""
    if not isinstance(value, list) or len(value) > MOST_LAYERS:
        raise NotYet(
            f"network() gave {shown(value)}; expected the widths of at most {MOST_LAYERS} tanh layers"
        )
    widths = [number(width, f"network(), width {i}") for i, width in enumerate(value, 1)]
    for width in widths:
        if width != round(width) or not 1 <= width <= MOST_UNITS:
            raise NotYet(
                f"network() holds {width:g}; expected whole numbers from 1 to {MOST_UNITS}"
            )
    return [int(width) for width in widths]


def _where(call: Call) -> str:
    """How to speak of a call of `initial` or `train`."""
    if call.function == "initial":
        return "initial with a hidden seed" if call.arguments else "initial()"
    X, _, *rest = call.arguments
    data = "hidden data" if len(X) == N_HIDDEN else "your data"
    steps = f", {rest[0]} steps" if rest else ""
    seed = ", a hidden seed" if len(rest) > 1 else ""
    return f"train on {data}{steps}{seed}"


def _parameters(net: Answer, answer: Answer) -> list[Array]:
    """The parameters that `initial` or `train` gave, in the shapes of `network()`."""
    call, outcome = answer
    wanted = shapes(2, _widths(net[1].value))
    value = value_of(answer, "parameters") if call.function == "train" else outcome.value
    return arrays(value, "parameters", wanted, _where(call))


def _history(answer: Answer) -> Array:
    call = answer[0]
    history = vector(value_of(answer, "history"), f"history of {_where(call)}")
    n_steps = call.arguments[2] if len(call.arguments) > 2 else None
    if not len(history) or (n_steps is not None and len(history) != n_steps + 1):
        expected = "more" if n_steps is None else f"{n_steps + 1}, the start and each step"
        raise NotYet(
            f"the history has {len(history)} entries for {_where(call)}; expected {expected}"
        )
    return history


def _has_length(run: Answer) -> None:
    _history(run)


def _is_risk(entry: float, parameters: list[Array], answer: Answer, law: str) -> None:
    """Raise unless an entry of the history is the risk of the parameters."""
    X, y = answer[0].arguments[:2]
    at = risk(parameters, X, y)
    if not abs(entry - at) <= SAME_RISK * at + NO_RISK:
        factor = entry / at if at else np.inf
        raise NotYet(f"{law} fails for {_where(answer[0])}: it is {factor:.5g} times that risk")


def _check_start(net: Answer, pair: tuple[Answer, Answer]) -> None:
    start, run = pair
    law = "history[0] = risk of the parameters of initial(seed)"
    _is_risk(float(_history(run)[0]), _parameters(net, start), run, law)


def _check_end(net: Answer, run: Answer) -> None:
    law = "history[-1] = risk of the parameters that are returned"
    _is_risk(float(_history(run)[-1]), _parameters(net, run), run, law)


def _starts(
    net: Answer, first: Answer, again: Answer, other: Answer, more: Sequence[Answer]
) -> None:
    """The same seed gives the same parameters, another one others, and not others near them."""
    p, q, r = (
        np.concatenate([a.ravel() for a in _parameters(net, x)]) for x in (first, again, other)
    )
    if not np.array_equal(p, q):
        raise NotYet(
            f"not so: the same seed gives the same parameters: {_where(first[0])}, called twice, gave "
            "two different starts - is every random number drawn from a generator made of the seed?"
        )
    if np.array_equal(p, r):
        raise NotYet(
            f"not so: another seed gives other parameters: {_where(first[0])} and "
            f"{_where(other[0])} gave the same - is the seed used?"
        )
    _lie_apart([_parameters(net, x) for x in (first, other, *more)])


def _lie_apart(starts: Sequence[list[Array]]) -> None:
    """Raise when the weights of all starts point in nearly one direction."""
    W = np.array([np.concatenate([w.ravel() for w in start[::2]]) for start in starts])
    lengths = np.linalg.norm(W, axis=1, keepdims=True)
    if not np.all(lengths > 0):
        raise NotYet("every W is drawn fails: there is a start at which all W are 0")
    alike = float(((W / lengths) @ (W / lengths).T).min())
    if alike > ALIKE:
        raise NotYet(
            f"every W is drawn fails: {len(W)} seeds give starts whose W are nearly the same (the cosine "
            f"between any two is {alike:.3g} or more) - are there numbers in it that don't come from "
            "the generator?"
        )


def _same_run(part: Array, whole: Array, where: str) -> None:
    """Raise unless a short run is the beginning of a longer one."""
    n = min(len(part), len(whole))
    off = np.abs(part[:n] - whole[:n]) > SAME_RUN * np.abs(whole[:n])
    if off.any():
        raise NotYet(
            f"the same seed gives the same history fails {where}: a run of {len(part) - 1} steps and a "
            f"longer one part at step {int(np.argmax(off))} - are there random numbers without the "
            "seed, or a step that depends on how many are still to come?"
        )


def _reproduces(long: Answer, few: Answer, other: Answer) -> None:
    _same_run(_history(few), _history(long), f"for {_where(few[0])}")
    if np.array_equal(_history(few), _history(other)):
        raise NotYet(
            f"another seed gives another history fails: {_where(few[0])} and {_where(other[0])} are "
            "the same - is the seed used?"
        )


def _learns(net: Answer, first: Answer, run: Answer) -> None:
    X, y = run[0].arguments[:2]
    before, after = (risk(_parameters(net, answer), X, y) for answer in (first, run))
    if not after <= LEARNT * before:
        raise NotYet(
            f"the risk does not fall in {_where(run[0])}: afterwards it is "
            f"{after / max(before, 1e-300):.3g} times that at the start - is the step along the "
            "negative gradient of these data, and of a size that changes something?"
        )


def small_calls(sheet: Sheet, draw: Draw) -> list[Call]:
    """Counts for hidden widths; the submission's own training on its data, whole and its beginning.

    Parameters
    ----------
    sheet : Sheet
    draw : Draw
    """
    X, y = data_of(sheet)
    widths = [[draw.between(2, 9) for _ in range(n)] for n in range(1, N_COUNTS + 1)]
    return [
        *(Call("n_parameters", (w,)) for w in widths),
        Call("network"),
        Call("initial"),
        Call("train", (X, y), seconds=25.0),
        Call("train", (X, y, draw.between(5, 15))),
        *_more_starts(draw),
    ]


def judge_small(sheet: Sheet, calls: Sequence[Call], outcomes: Sequence[Outcome]) -> list[Finding]:
    """Findings of part 6.

    Parameters
    ----------
    sheet : Sheet
    calls, outcomes : sequence
        Of `small_calls`.
    """
    answers = list(zip(calls, outcomes, strict=True))
    counts, training = answers[:N_COUNTS], answers[N_COUNTS:]
    entry = item("your network, trained from its seed", training, partial(_entry, *training), 3.0)
    return [
        item("number of parameters", counts, each(_count, counts)),
        entry,
        *(
            item(
                f"risk below {THRESHOLDS[name]:g} with at most {most} parameters",
                training,
                partial(_rung, entry, THRESHOLDS[name], most),
                weight,
            )
            for name, most, weight in RUNGS
        ),
    ]


def _count(answer: Answer) -> None:
    (widths,) = answer[0].arguments
    where = f"2 features, tanh layers of {widths} units and one output"
    found = number(answer[1].value, f"n_parameters({widths})")
    expected = np.array([n_parameters(2, widths)])
    equal(np.array([found]), expected, "n_parameters = entries of all W and b", where)


def _entry(
    net: Answer, start: Answer, whole: Answer, few: Answer, *more: Answer
) -> dict[str, float]:
    """What stands on the board, once the run is one that reproduces."""
    for run in (whole, few):
        _check_start(net, (start, run))
        _check_end(net, run)
    history = _history(whole)
    if len(history) > MOST_STEPS + 1:
        raise NotYet(
            f"at most {MOST_STEPS:,} steps fails: the history has {len(history):,} entries"
        )
    if history[0] < max(THRESHOLDS.values()):
        raise NotYet(
            f"training does not begin at a random start: the risk of initial() is {history[0]:.2g} "
            "before the first step - parameters are to be found by the training"
        )
    _lie_apart([_parameters(net, x) for x in (start, *more)])
    _same_run(_history(few), history, "on your data")
    widths = _widths(net[1].value)
    return {
        "parameters": float(n_parameters(2, widths)),
        "risk": risk(_parameters(net, whole), *whole[0].arguments),
    }


def _rung(entry: Finding, threshold: float, most: int) -> None:
    if entry.status != RIGHT:
        raise NotYet(f"the training doesn't hold yet: {entry.says}")
    found, count = entry.numbers["risk"], entry.numbers["parameters"]
    if found >= threshold:
        raise NotYet(f"risk below {threshold:g} fails on your data: it is {found:.3g}")
    if count > most:
        raise NotYet(f"at most {most} parameters fails: the network has {count:g}")
