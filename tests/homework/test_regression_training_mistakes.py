"""Mistakes that people make in training, and shortcuts, each planted into a right hand-in."""

from __future__ import annotations

import re

import numpy as np
import pytest

from ddasp.homework.parts import NOT_YET, RIGHT, NotYet
from ddasp.homework.tasks.regression_data import data_of
from ddasp.homework.tasks.regression_training import _lie_apart

from .regression_solution import STUDENT, findings, program_text, sheet_of, with_mistake

KEYS = ["5", "6"]
Changes = tuple[tuple[str, str], ...]


def changed(*pairs: str) -> Changes:
    return tuple(zip(pairs[::2], pairs[1::2], strict=True))


ENTRIES = "history: an entry for the start and each step"
START = "history starts at the risk of initial(seed)"
END = "history ends at the risk of the parameters"
SEEDS, REPRODUCES = "a seed's own start", "training reproduces from its seed"
LEARNS = "training learns from the data it is given"
FIRST = "[np.mean(r**2)], 0.01"
BOTH = "np.random.default_rng(seed)"

TRAINING = [
    (
        "no entry for the start",
        changed(FIRST, "[], 0.01", "history[-1] >", "np.mean(r**2) >"),
        ENTRIES,
        r"the history has 200 entries for train on hidden data, 200 steps, a hidden seed; expected 201",
    ),
    (
        "one step too few",
        changed("in range(steps):\n", "in range(steps - 1):\n"),
        ENTRIES,
        r"has 200 entries",
    ),
    (
        "steps ignored",
        changed("in range(steps):\n", "in range(STEPS):\n"),
        ENTRIES,
        r"has 3001 entries",
    ),
    (
        "nan at the end",
        changed("    cuts =", "    history[-1] = np.nan\n    cuts ="),
        ENTRIES,
        r"history .* finite",
    ),
    (
        "half the risk at the start",
        changed(FIRST, "[np.mean(r**2) / 2], 0.01"),
        START,
        r"history\[0\] = risk of the parameters of initial\(seed\) fails .* 0\.5 times",
    ),
    (
        "the start drawn twice",
        changed("    parameters = drawn(rng)", "    drawn(rng)\n    parameters = drawn(rng)"),
        START,
        r"history\[0\] = risk of the parameters of initial",
    ),
    (
        "begins after the first step",
        changed("    cuts =", "    history = history[1:] + history[-1:]\n    cuts ="),
        START,
        r"history\[0\] = risk",
    ),
    (
        "an entry before its step",
        changed(
            "        history.append(np.mean(r**2))\n",
            "",
            "    for step in range(steps):\n",
            "    for step in range(steps):\n        history.append(np.mean(r**2))\n",
        ),
        END,
        r"history\[-1\] = risk of the parameters that are returned fails for train on hidden data",
    ),
    (
        "history of a half",
        changed("history.append(np.mean(r**2))", "history.append(np.mean(r[::2]**2))"),
        END,
        r"history\[-1\] = risk",
    ),
    (
        "one risk for all steps",
        changed(
            '"history": history}', '"history": [sorted(history)[len(history) // 2]] * len(history)}'
        ),
        START,
        r"history\[0\] = risk",
    ),
    (
        "parameters of the start",
        changed('{"parameters": found', '{"parameters": parameters'),
        END,
        r"history\[-1\] = risk",
    ),
    (
        "data of one's own",
        changed(
            "    rng = np.random.default_rng(seed)\n",
            "    rng = np.random.default_rng(seed)\n"
            "    X, y = np.cos(np.arange(2000.0)).reshape(1000, 2), np.sin(np.arange(1000.0))\n",
        ),
        START,
        r"history\[0\] = risk .* fails for train on hidden data",
    ),
    (
        "rows left out",
        changed(
            "    rng = np.random.default_rng(seed)\n",
            "    rng = np.random.default_rng(seed)\n    X, y = X[:100], y[:100]\n",
        ),
        START,
        r"history\[0\] = risk",
    ),
    (
        "targets sorted",
        changed(
            "    rng = np.random.default_rng(seed)\n",
            "    rng = np.random.default_rng(seed)\n    y = np.sort(y)\n",
        ),
        START,
        r"history\[0\] = risk",
    ),
    (
        "seed ignored",
        changed(BOTH, "np.random.default_rng(SEED)"),
        SEEDS,
        r"not so: another seed gives other parameters",
    ),
    (
        "seed ignored in training",
        changed(BOTH, "np.random.default_rng(SEED)"),
        REPRODUCES,
        r"another seed gives another history fails",
    ),
    (
        "no seed",
        changed(BOTH, "np.random.default_rng()"),
        SEEDS,
        r"not so: the same seed gives the same parameters: initial with a hidden seed, called twice",
    ),
    (
        "no seed in training",
        changed(BOTH, "np.random.default_rng()"),
        REPRODUCES,
        r"the same seed gives the same history fails",
    ),
    (
        "noise without the seed",
        changed(
            "    for step in range(steps):\n",
            "    for step in range(steps):\n        damping *= 1 + np.random.default_rng().random()\n",
        ),
        REPRODUCES,
        r"the same seed gives the same history fails .* part at step \d",
    ),
    (
        "a step that knows the end",
        changed(FIRST, "[np.mean(r**2)], steps / 100"),
        REPRODUCES,
        r"depends on how many are still to come",
    ),
    (
        "a start that training spoils",
        changed(
            "def initial(seed=SEED):\n",
            "KEPT = {}\n\n\ndef initial(seed=SEED):\n",
            "    return drawn(np.random.default_rng(seed))",
            "    return KEPT.setdefault(seed, drawn(np.random.default_rng(seed)))",
            "    parameters = drawn(rng)  # = initial(seed)",
            "    parameters = initial(seed)\n    parameters[0] += 0.1",
        ),
        REPRODUCES,
        r"part at step 0",
    ),
    (
        "parameters typed in",
        changed(
            "    cuts =",
            "    theta = np.linspace(-1, 1, 13)\n"
            "    history[-1] = np.mean(residuals_and_slopes(theta, X, y)[0] ** 2)\n    cuts =",
        ),
        LEARNS,
        r"the risk does not fall in train on hidden data, 200 steps",
    ),
    (
        "uphill",
        changed("theta - np.linalg", "theta + np.linalg"),
        LEARNS,
        r"the risk does not fall in .* 1\.0\d times",
    ),
    (
        "a rate of nothing",
        changed("theta - np.linalg", "theta - 1e-9 * np.linalg"),
        LEARNS,
        r"of a size that changes something",
    ),
    (
        "widths of another network",
        changed("return [3]", "return [4]", "[2, *network(), 1]", "[2, 3, 1]"),
        "parameters at the start",
        r"parameters\[0\] for initial with a hidden seed has shape \(2, 3\)",
    ),
    (
        "a row for b",
        changed("rng.normal(size=n_out)]", "rng.normal(size=(1, n_out))]"),
        "parameters at the start",
        r"parameters\[1\] for initial",
    ),
    (
        "a width of a half",
        changed("return [3]", "return [2.5]", "[2, *network(), 1]", "[2, 3, 1]"),
        "parameters at the start",
        r"network\(\) holds 2\.5; expected whole numbers",
    ),
]

OWN_NETWORK = "your network, trained from its seed"
RUNG = "risk below {} with at most {} parameters".format

SMALL = [
    (
        "weights only counted",
        changed("(n_in + 1) * n_out", "n_in * n_out"),
        "number of parameters",
        r"n_parameters = entries of all W and b fails for 2 features, tanh layers of \[\d\]",
    ),
    (
        "output left out",
        changed("sizes = [2, *widths, 1]\n", "sizes = [2, *widths]\n"),
        "number of parameters",
        r"n_parameters = entries",
    ),
    (
        "one layer only counted",
        changed("sizes = [2, *widths, 1]\n", "sizes = [2, widths[0], 1]\n"),
        "number of parameters",
        r"layers of \[\d, \d\] units",
    ),
    (
        "too many units",
        changed("return [3]", "return [9]", "STEPS = 3000", "STEPS = 50"),
        RUNG(0.1, 33),
        r"at most 33 parameters fails: the network has 37",
    ),
    (
        "one unit",
        changed("return [3]", "return [1]", "STEPS = 3000", "STEPS = 50"),
        RUNG(0.1, 33),
        r"risk below 0\.1 fails on your data",
    ),
    (
        "stopped early",
        changed("STEPS = 3000", "STEPS = 2"),
        RUNG(0.001, 13),
        r"risk below 0\.001 fails on your data",
    ),
    (
        "history of the best",
        changed('"history": history}', '"history": history[:-1] + [min(history) / 2]}'),
        OWN_NETWORK,
        r"history\[-1\] = risk .* fails for train on your data",
    ),
    (
        "entry not there",
        changed('"history": history}', '"history": history[:-1] + [min(history) / 2]}'),
        RUNG(0.1, 33),
        r"the training doesn't hold yet: history\[-1\]",
    ),
    (
        "no history",
        changed('"history": history}', '"history": []}'),
        OWN_NETWORK,
        r"the history has 0 entries",
    ),
    (
        "another default seed",
        changed("steps=STEPS, seed=SEED", "steps=STEPS, seed=5"),
        OWN_NETWORK,
        r"history\[0\] = risk",
    ),
]

MISTAKES = [
    pytest.param(key, *mistake[1:], id=f"{key}: {mistake[0]}")
    for key, mistakes in {"5": TRAINING, "6": SMALL}.items()
    for mistake in mistakes
]


@pytest.mark.parametrize(("key", "changes", "item", "says"), MISTAKES)
def test_a_mistake_is_caught_by_the_property_that_it_breaks(
    key: str, changes: Changes, item: str, says: str
) -> None:
    finding = findings(with_mistake(*changes), key)[item]
    assert finding.status == NOT_YET
    assert re.search(says, finding.says), finding.says


@pytest.mark.parametrize("key", KEYS)
def test_without_a_mistake_all_items_are_right(key: str) -> None:
    assert {f.status for f in findings(program_text(), key).values()} == {RIGHT}


@pytest.mark.parametrize("share", [1.0, 0.85])
def test_parameters_found_beforehand_are_no_start(share: float) -> None:
    # An output of 0.85 y leaves 0.15² = 0.0225 of the variance: below the first threshold only.
    names: dict[str, object] = {}
    exec(program_text(), names)
    X, y = data_of(sheet_of(STUDENT))
    W, b, v, c = names["train"](X, y)["parameters"]  # type: ignore[operator]
    found = [p.tolist() for p in (W, b, share * v, share * c)]
    program = with_mistake(
        (
            "    return drawn(np.random.default_rng(seed))",
            f"    return [np.array(p) for p in {found}]",
        ),
        ("    parameters = drawn(rng)  # = initial(seed)", "    parameters = initial(seed)"),
    )
    says = findings(program, "6")[OWN_NETWORK].says
    assert re.search(r"training does not begin at a random start", says)


def test_a_short_run_that_is_not_the_beginning_of_the_whole_one() -> None:
    program = with_mistake(
        (
            "    cuts =",
            "    if steps < STEPS:\n"
            "        history = history[:1] + [h * 0.99 for h in history[1:-1]] + history[-1:]\n"
            "    cuts =",
        )
    )
    says = findings(program, "6")[OWN_NETWORK].says
    assert re.search(r"the same seed gives the same history fails on your data", says)


@pytest.mark.parametrize(
    "spoilt",
    [
        "found[3] = found[3] + rng.choice([-1, 1]) * rng.uniform(0.5, 1)",
        "found = [p + 0.1 * rng.normal(size=p.shape) for p in found]; found[3] += 1",
        "found = [0 * p + rng.normal(size=p.shape) * (p.ndim == 1) for p in found]",
    ],
    ids=["last bias", "noise", "only biases"],
)
def test_parameters_found_beforehand_and_spoilt_are_no_start_either(spoilt: str) -> None:
    names: dict[str, object] = {}
    exec(program_text(), names)
    known = names["train"](*data_of(sheet_of(STUDENT)))["parameters"]  # type: ignore[operator]
    program = with_mistake(
        (
            "    return drawn(np.random.default_rng(seed))",
            f"    found = [np.array(p) for p in {[p.tolist() for p in known]}]\n"
            f"    rng = np.random.default_rng(seed)\n    {spoilt}\n    return found",
        ),
        ("    parameters = drawn(rng)  # = initial(seed)", "    parameters = initial(seed)"),
    )
    for key, item in (("5", SEEDS), ("6", OWN_NETWORK)):
        assert "every W is drawn fails" in findings(program, key)[item].says


@pytest.mark.parametrize("low", [-1.0, 0.0, 0.5])
def test_starts_of_a_single_unit_with_weights_of_one_sign_lie_apart(low: float) -> None:
    for seed in range(50):
        rng = np.random.default_rng(seed)
        starts = [[rng.uniform(low, 1.0, (2, 1)), np.zeros(1)] * 2 for _ in range(6)]
        if low < 0.5:
            _lie_apart(starts)
    with pytest.raises(NotYet, match="the cosine between any two is 1 or more"):
        _lie_apart([[np.ones((2, 3))]] * 2)


def test_more_steps_than_are_allowed_are_refused() -> None:
    program = with_mistake(
        ("STEPS = 3000", "STEPS = 50_001"),
        ("for step in range(steps)", "for step in range(min(steps, 500))"),
        ("    cuts =", "    history += history[-1:] * (steps - len(history) + 1)\n    cuts ="),
    )
    says = findings(program, "6")[OWN_NETWORK].says
    assert says == "at most 50,000 steps fails: the history has 50,002 entries"
