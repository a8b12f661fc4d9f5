"""Whether intervals, tests, probabilities and verdicts hold what they promise: rows with known truth.

Each judgement allows for the simulation's own error, two standard errors of a binomial share, so
that it can fail, but not by chance alone. Seeds are fixed: the same code gives the same figures.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ddasp.procedure.calibration import (
    calibration_by_chance,
    expected_calibration_error,
    fit_temperature,
    probabilities,
)
from ddasp.procedure.comparison import corrected_t
from ddasp.procedure.intervals import interval
from ddasp.procedure.verdict import verdict
from reliability.harness import Found, Place, Row
from reliability.worlds import calibrated, coverage_refitted, equally_good, hits, sizes

PART = "Statistics are true"
GROUPS = (5, 10, 40)
LOWEST, HIGHEST = 0.93, 0.97  # of the coverage of a 95 % interval
GOAL, NOMINAL = 0.80, 0.025

ONE_CLASS = (
    "each fold's threshold moves away from the group that is left out, so that the folds' errors in "
    "one class balance each other, and the interval is wider than it need be"
)
REVIEWED = {"sensitivity": ONE_CLASS, "specificity": ONE_CLASS, "cost": ONE_CLASS}
"""Measures known to cover more than 97 % (never less than 93 %), and why."""


def error(share: float, n: int) -> float:
    """Two standard errors of a share of n."""
    return 2 * float(np.sqrt(share * (1 - share) / n))


def coverage(place: Place) -> Found:
    """Refit everything on each of many corpora and count how often the target is missed."""
    repeats = dict(
        zip(
            GROUPS,
            (
                place.number(quick=100, usual=1500, full=5000),
                place.number(quick=60, usual=1000, full=3000),
                place.number(quick=20, usual=500, full=1500),
            ),
            strict=True,
        )
    )
    models = place.number(quick=8, usual=60, full=100)
    faults, figures, tried = [], {}, 0
    for n_groups, n in repeats.items():
        missed = coverage_refitted(n, n_groups, seed=place.seed, n_models=models)
        covered = {name: 1 - below - above for name, (below, above) in missed.items()}
        faults += [f"G = {n_groups}, {text}" for text in outside(covered, n)]
        plain = [share for name, share in covered.items() if name not in REVIEWED]
        figures[f"G = {n_groups}"] = f"{min(plain):.3f} to {max(plain):.3f}"
        known = [covered[name] for name in REVIEWED]
        figures[f"G = {n_groups}, one class and cost"] = f"{min(known):.3f} to {max(known):.3f}"
        tried += n * len(covered)
    return Found(tried, figures, tuple(faults))


def outside(covered: dict[str, float], n: int) -> Iterator[str]:
    """What lies outside 93 to 97 % and is not known to."""
    for name, share in covered.items():
        if share < LOWEST - error(LOWEST, n):
            yield f"{name}: 95 % intervals cover {share:.3f} of {n}"
        if share > HIGHEST + error(HIGHEST, n) and name not in REVIEWED:
            yield f"{name}: 95 % intervals cover {share:.3f} of {n}, wider than need be"


def said_useful(truth: float, n_groups: int, spread: float, repeats: int, seed: int) -> float:
    """How often the verdict is "useful" against a goal of 0.80."""
    rng = np.random.default_rng([seed, n_groups, int(100 * truth), int(10 * spread)])
    n = sizes(rng, n_groups, False)
    said = 0
    for _ in range(repeats):
        found = interval("accuracy", *hits(rng, n, truth, spread))
        said += verdict(found, "accuracy", GOAL).word == "useful"
    return said / repeats


def of_verdict(place: Place) -> Found:
    """Level with the truth at the goal, power with a truth of 0.90 and 20 groups."""
    n_power = place.number(quick=400, usual=2500, full=20_000)
    faults, figures, tried = [], {}, 0
    for spread in (0.5, 1.0):
        for n_groups in (6, 10, 20, 40):
            n = place.number(quick=300, usual=6000 if n_groups == 20 else 1500, full=20_000)
            share = said_useful(GOAL, n_groups, spread, n, place.seed)
            figures[f"useful at the goal, spread {spread:g}, {n_groups} groups"] = round(share, 4)
            if share > NOMINAL + error(NOMINAL, n):
                faults.append(
                    f"truth at the goal, {n_groups} groups, spread {spread:g}: useful in {share:.4f}"
                )
            tried += n
        share = said_useful(0.90, 20, spread, n_power, place.seed)
        figures[f"useful at 0.90, spread {spread:g}, 20 groups"] = round(share, 4)
        if share < 0.80 - error(0.80, n_power):
            faults.append(f"truth 0.90, 20 groups, spread {spread:g}: useful in {share:.4f} only")
        tried += n_power
    return Found(tried, figures, tuple(faults))


def of_paired_test(place: Place) -> Found:
    """Equally good models, the challenger the best of m: how often it says "yes"."""
    faults, figures, tried = [], {}, 0
    for m, n in (
        (1, place.number(quick=400, usual=4000, full=20_000)),
        (5, place.number(quick=200, usual=2000, full=10_000)),
        (20, place.number(quick=100, usual=1000, full=4000)),
    ):
        for n_folds in (5, 10):
            rng = np.random.default_rng([place.seed, n_folds, m])
            yes = sum(
                corrected_t(d, n_folds - 1, 1, n_compared=m).answer == "yes"
                for d in equally_good(rng, n, n_folds, m)
            )
            figures[f"yes, best of {m}, {n_folds} folds"] = round(yes / n, 4)
            tried += n
            if yes / n > NOMINAL + error(NOMINAL, n):
                faults.append(f"best of {m}, {n_folds} folds: yes in {yes / n:.4f}")
    return Found(tried, figures, tuple(faults))


def of_calibration(place: Place) -> Found:
    """Calibrated scores, and scores calibrated by a temperature: what chance shows and no more."""
    faults, figures, tried = [], {}, 0
    for n in (100, 300, 1000, 10_000):
        repeats = place.number(quick=20 if n < 10_000 else 5, usual=400 if n < 10_000 else 60)
        rng = np.random.default_rng([place.seed, n])
        found = np.empty((repeats, 4))
        for k in range(repeats):
            s, y = calibrated(rng, 2 * n, 2.0)
            true, fitted = (probabilities(s[n:], t) for t in (2.0, fit_temperature(s[:n], y[:n])))
            found[k] = [
                figure
                for p in (true, fitted)
                for figure in (expected_calibration_error(p, y[n:]), calibration_by_chance(p))
            ]
        tried += repeats
        ece, chance, ece_fitted, chance_fitted = found.mean(axis=0)
        figures[f"error with {n}"] = f"{ece:.4f} (by chance {chance:.4f})"
        noise = found.std(axis=0, ddof=1) / np.sqrt(repeats)
        if abs(ece - chance) > 0.05 * chance + 3 * noise[0]:
            faults.append(f"{n} calibrated: error {ece:.4f} where chance shows {chance:.4f}")
        if ece_fitted - chance_fitted > 0.1 * chance_fitted + 3 * noise[2]:
            faults.append(
                f"{n}, a temperature fitted on as many: error {ece_fitted:.4f} where chance shows "
                f"{chance_fitted:.4f}"
            )
        if n == 10_000 and ece > 0.02:
            faults.append(f"{n} calibrated: error {ece:.4f}, not near zero")
    return Found(tried, figures, tuple(faults))


ROWS = (
    Row(
        PART,
        "95 % intervals through refitting, 5, 10 and 40 groups, 14 measures",
        "cover the expected score for a new group, of a model learned from one group fewer, in 93 to "
        "97 % (one class alone and cost: 93 % or more)",
        60,
        coverage,
    ),
    Row(
        PART,
        "verdict against a goal of 0.80",
        '"useful" in at most 2.5 of 100 with the truth at the goal, in at least 80 of 100 at 0.90 with '
        "20 groups",
        40,
        of_verdict,
    ),
    Row(
        PART,
        "paired test of equally good models, best of 1, 5 and 20",
        '"yes" in at most 2.5 of 100',
        15,
        of_paired_test,
    ),
    Row(
        PART,
        "calibration error of calibrated scores",
        "what chance alone shows, and near zero with many",
        12,
        of_calibration,
    ),
)
