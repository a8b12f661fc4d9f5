"""Do intervals, tests and verdicts of ddasp hold what they promise? Simulated, with known truth.

    python benchmarks/interval_coverage.py [--repeats 500] [--write docs/statistics.md]

Groups differ at random (a speaker is easy or hard), sizes are unequal unless said, the target is
the expected score for a new group. Each table counts how often a nominal 95 % interval holds the
truth, or how often a test says yes. With 500 repeats a share of 0.95 is sure to ± 0.02.
`--write` replaces what stands between the two marks in the page. One thread, five to ten minutes.
"""

from __future__ import annotations

import argparse
import functools
import re
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from ddasp.procedure.calibration import (
    calibration_by_chance,
    expected_calibration_error,
    fit_temperature,
    probabilities,
    residual_half_width,
)
from ddasp.procedure.comparison import corrected_t
from ddasp.procedure.intervals import Estimate, interval
from ddasp.procedure.measures import Prediction, get
from ddasp.procedure.verdict import verdict

GROUPS = (5, 6, 10, 20, 40)
LEVELS = {"decisions": (0.5, 0.75, 0.9, 0.97), "scores": (0.75, 0.97), "values": (0.5, 0.9)}
COST = np.array([[0.0, 1.0], [5.0, 0.0]])
Data = tuple[NDArray, Prediction, NDArray]


# --- worlds: each draws labels and predictions for groups that differ at random -------------------


def sizes(rng: np.random.Generator, n_groups: int, unequal: bool) -> NDArray:
    """Observations per group: 50, or 10 to 120."""
    return rng.integers(10, 121, n_groups) if unequal else np.full(n_groups, 50)


@functools.cache
def shifted(target: float, spread: float) -> float:
    """The m with E expit(m + spread z) = target, z standard normal."""
    z = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    low, high = -20.0, 20.0
    for _ in range(60):
        m = (low + high) / 2
        low, high = (m, high) if special.expit(m + spread * z).mean() < target else (low, m)
    return m


def decisions(rng: np.random.Generator, n: NDArray, level: float, spread: float = 0.5) -> Data:
    """Three classes (50, 30, 20 %), mean recall `level`; groups differ on the logit scale."""
    group = np.repeat(np.arange(len(n)), n)
    y = rng.choice(3, size=len(group), p=(0.5, 0.3, 0.2))
    own = rng.standard_normal((len(n), 1)) + rng.standard_normal((len(n), 3))
    recall = special.expit(shifted(level, spread) + spread * np.sqrt(0.5) * own)
    wrong = (y + rng.integers(1, 3, len(y))) % 3
    decided = np.where(rng.random(len(y)) < recall[group, y], y, wrong)
    return y, Prediction(decided=decided), group


def scores(rng: np.random.Generator, n: NDArray, level: float) -> Data:
    """Two classes (70, 30 %), area `level` under the ROC curve, calibrated on average."""
    group = np.repeat(np.arange(len(n)), n)
    y = (rng.random(len(group)) < 0.3).astype(int)
    gap, offset = 0.4, 0.3  # groups differ in how well classes part, and in where the score lies
    variance = 1 + offset**2 + gap**2 / 2
    delta = stats.norm.ppf(level) * np.sqrt(2 * variance)
    own = delta + gap * rng.standard_normal(len(n))
    s = own[group] * y + (offset * rng.standard_normal(len(n)))[group] + rng.standard_normal(len(y))
    p = special.expit((delta * s - delta**2 / 2) / variance + np.log(0.3 / 0.7))
    return y, Prediction(decided=(p > 0.3).astype(int), probabilities=np.c_[1 - p, p]), group


def values(rng: np.random.Generator, n: NDArray, level: float) -> Data:
    """A regression whose R² is about `level`; groups differ in offset and size of the error."""
    group = np.repeat(np.arange(len(n)), n)
    z = rng.standard_normal((3, len(n)))
    y = (0.5 * z[0])[group] + rng.standard_normal(len(group))
    sigma = np.sqrt((1 - level) * 1.25 / 1.3)
    error = sigma * (np.exp(0.3 * z[1])[group] * rng.standard_normal(len(y)) + (0.3 * z[2])[group])
    return y, Prediction(values=y + error), group


WORLDS: dict[str, tuple[Callable[..., Data], tuple[str, ...]]] = {
    "decisions": (decisions, ("accuracy", "balanced_accuracy", "macro_f1")),
    "scores": (
        scores,
        ("roc_auc", "average_precision", "log_loss", "brier", "cost", "sensitivity", "specificity"),
    ),
    "values": (values, ("mae", "rmse", "median_absolute_error", "r2")),
}


def truths(world: str, level: float) -> dict[str, float]:
    """Each measure on 40,000 groups of 25: the expected score for a new group."""
    draw, names = WORLDS[world]
    y, prediction, _ = draw(np.random.default_rng(7), np.full(40_000, 25), level)
    return {name: get(name).compute(y, prediction, cost=COST) for name in names}


def held(found: Estimate, truth: float) -> bool:
    return found.low <= truth <= found.high


# --- the tables -----------------------------------------------------------------------------------


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def by_measure(repeats: int, seed: int) -> Iterator[str]:
    """Coverage with 10 to 120 observations a group; level: mean recall, area under ROC, R²."""
    for world, (draw, names) in WORLDS.items():
        levels = LEVELS[world]
        rows = {
            (name, level): [name.replace("_", " "), f"{level:g}"]
            for name in names
            for level in levels
        }
        for level in levels:
            truth = truths(world, level)
            for n_groups in GROUPS:
                rng = np.random.default_rng([seed, n_groups, int(1000 * level)])
                hits = dict.fromkeys(names, 0)
                for _ in range(repeats):
                    y, prediction, group = draw(rng, sizes(rng, n_groups, True), level)
                    for name in names:
                        found = interval(name, y, prediction, group, cost=COST)
                        hits[name] += held(found, truth[name])
                for name in names:
                    rows[name, level].append(f"{hits[name] / repeats:.3f}")
        yield table(["measure", "level", *(f"G = {g}" for g in GROUPS)], list(rows.values()))


def of_accuracy(repeats: int, seed: int) -> Iterator[str]:
    """Accuracy by how much groups differ, and whether their sizes do."""
    rows = []
    for spread in (0.0, 0.5, 1.0):
        for unequal in (False, True):
            for level in (0.75, 0.9, 0.97):
                line = [f"{spread:g}", "10 to 120" if unequal else "50 each", f"{level:g}"]
                for n_groups in GROUPS:
                    rng = np.random.default_rng([seed, n_groups, int(1000 * level), unequal])
                    m = shifted(level, spread)
                    hits = 0
                    for _ in range(repeats):
                        n = sizes(rng, n_groups, unequal)
                        right = rng.random(n.sum()) < np.repeat(
                            special.expit(m + spread * rng.standard_normal(n_groups)), n
                        )
                        found = interval(
                            "accuracy",
                            np.ones(len(right), dtype=int),
                            Prediction(decided=right.astype(int)),
                            np.repeat(np.arange(n_groups), n),
                        )
                        hits += held(found, level)
                    line.append(f"{hits / repeats:.3f}")
                rows.append(line)
    yield table(["spread (logit)", "sizes", "truth", *(f"G = {g}" for g in GROUPS)], rows)


def of_rare_errors(repeats: int, seed: int) -> Iterator[str]:
    """Ten sounds a group and hardly an error, so that all groups are often equal."""
    rows = []
    for level in (0.97, 0.99):
        for n_groups in (5, 10, 20):
            rng = np.random.default_rng([seed, n_groups])
            m, hits, equal = shifted(level, 0.5), 0, 0
            for _ in range(repeats):
                p = special.expit(m + 0.5 * rng.standard_normal(n_groups))
                right = rng.random((n_groups, 10)) < p[:, None]
                found = interval(
                    "accuracy",
                    np.ones(right.size, dtype=int),
                    Prediction(decided=right.ravel().astype(int)),
                    np.repeat(np.arange(n_groups), 10),
                )
                hits += held(found, level)
                equal += found.method.startswith("exact")
            rows.append(
                [f"{level:g}", str(n_groups), *(f"{k / repeats:.3f}" for k in (equal, hits))]
            )
    yield table(["truth", "groups", "share with all groups equal", "coverage"], rows)


def without_groups(repeats: int, seed: int) -> Iterator[str]:
    """No groups: every observation stands alone."""
    rows = []
    for world, (draw, names) in WORLDS.items():
        for level in (0.75, 0.97):
            truth = truths(world, level)
            counts = []
            for n in (30, 100, 300):
                rng = np.random.default_rng([seed, n])
                hits = dict.fromkeys(names, 0)
                for _ in range(repeats // 2):
                    y, prediction, _ = draw(rng, np.ones(n, dtype=int), level)
                    for name in names:
                        hits[name] += held(interval(name, y, prediction, cost=COST), truth[name])
                counts.append({name: f"{hits[name] / (repeats // 2):.3f}" for name in names})
            rows += [
                [name.replace("_", " "), f"{level:g}", *(c[name] for c in counts)] for name in names
            ]
    yield table(["measure", "level", "N = 30", "N = 100", "N = 300"], rows)


# --- with refitting: nearest class mean, leave one group out --------------------------------------


def recordings(
    rng: np.random.Generator, n_repeats: int, n_groups: int, n: int, n_features: int, part: float
) -> NDArray:
    """Two classes at ± part, groups shifted: (n_repeats, 2, n_groups, n, n_features)."""
    shape = (n_repeats, 2, n_groups, n, n_features)
    shift = 0.7 * rng.standard_normal((n_repeats, 2, n_groups, 1, n_features))
    sign = np.array([-part, part]).reshape(1, 2, 1, 1, 1)
    return sign + shift + rng.standard_normal(shape)


def leave_one_out(x: NDArray) -> NDArray:
    """Scores for class 1 of each observation by the class means of the other groups."""
    n_groups = x.shape[2]
    mean = x.mean(axis=3)
    other = (mean.sum(axis=2, keepdims=True) - mean) / (n_groups - 1)  # (R, 2, G, F)
    w = other[:, 1] - other[:, 0]
    middle = (other[:, 1] + other[:, 0]) / 2
    score: NDArray = np.einsum("rcgnf,rgf->rcgn", x - middle[:, None, :, None, :], w)
    return score


def with_refitting(repeats: int, seed: int) -> Iterator[str]:
    """The whole procedure is repeated; the target is its expected score on a new group."""
    names = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "brier")
    rows: dict[str, list[str]] = {name: [name.replace("_", " ")] for name in names}
    for n_groups in GROUPS:
        rng = np.random.default_rng([seed, n_groups])
        n = 20
        y = np.repeat([0, 1], n_groups * n)
        group = np.tile(np.repeat(np.arange(n_groups), n), 2)
        s = np.concatenate(
            [
                leave_one_out(recordings(rng, 100, n_groups, n, 4, 0.5)).reshape(100, -1)
                for _ in range(max(1, repeats // 100))
            ]
        )
        found: dict[str, list[Estimate]] = {name: [] for name in names}
        for row in s:
            p = special.expit(row)
            prediction = Prediction(decided=(row > 0).astype(int), probabilities=np.c_[1 - p, p])
            for name in names:
                found[name].append(interval(name, y, prediction, group))
        for name in names:  # unbiased for means: the average over all repeats is the target
            target = np.mean([f.value for f in found[name]])
            rows[name].append(f"{np.mean([held(f, float(target)) for f in found[name]]):.3f}")
    yield table(["measure, refitted", *(f"G = {g}" for g in GROUPS)], list(rows.values()))


def of_comparison(repeats: int, seed: int) -> Iterator[str]:
    """Share of "yes" (nominal 0.025) where all are equally good; the challenger is best of m."""
    rows = []
    for n_groups in (5, 6, 10):
        for m in (1, 5, 20):
            rng = np.random.default_rng([seed, n_groups, m])
            yes = np.zeros(3)
            for _ in range(repeats // 50):
                accuracy = []  # of m + 1 candidates: (50, m + 1, G)
                for _ in range(m + 1):
                    s = leave_one_out(recordings(rng, 50, n_groups, 20, 2, 0.5))
                    right = np.stack([s[:, 0] <= 0, s[:, 1] > 0])
                    accuracy.append(right.mean(axis=(0, 3)))
                a = np.stack(accuracy, axis=1)
                for one in a:
                    d = one[1 + one[1:].mean(axis=1).argmax()] - one[0]
                    plain = stats.ttest_1samp(d, 0).pvalue if d.std() > 0 else 1.0
                    found = corrected_t(d, n_groups - 1, 1, n_compared=m)
                    up = d.mean() > 0
                    yes += np.array(
                        [plain < 0.05 and up, found.p < 0.05 and up, found.answer == "yes"]
                    )
            share = yes / (repeats // 50 * 50)
            rows.append([str(n_groups), str(m), *(f"{v:.3f}" for v in share)])
    yield table(["folds", "best of", "plain t", "overlap corrected", "and for the best of m"], rows)


def of_verdict(repeats: int, seed: int) -> Iterator[str]:
    """How often the verdict says what, against a goal of 0.80; 50 sounds a group."""
    rows = []
    for level in (0.90, 0.85, 0.80, 0.70):
        for n_groups in (6, 10, 20, 40):
            for spread in (0.5, 1.0):
                rng = np.random.default_rng([seed, n_groups, int(100 * level), int(10 * spread)])
                m = shifted(level, spread)
                words = dict.fromkeys(("useful", "not useful", "not decided"), 0)
                for _ in range(repeats):
                    p = special.expit(m + spread * rng.standard_normal(n_groups))
                    right = rng.random((n_groups, 50)) < p[:, None]
                    found = interval(
                        "accuracy",
                        np.ones(right.size, dtype=int),
                        Prediction(decided=right.ravel().astype(int)),
                        np.repeat(np.arange(n_groups), 50),
                    )
                    words[verdict(found, "accuracy", 0.80).word] += 1
                rows.append(
                    [f"{level:.2f}", str(n_groups), f"{spread:g}"]
                    + [f"{count / repeats:.3f}" for count in words.values()]
                )
    yield table(["truth", "groups", "spread (logit)", "useful", "not useful", "not decided"], rows)


def of_calibration(repeats: int, seed: int) -> Iterator[str]:
    """Scores that are calibrated at T = 2: before, after, and what chance alone would show."""
    rows = []
    for n in (100, 300, 1000, 3000):
        rng = np.random.default_rng([seed, n])
        found = []
        for _ in range(max(20, repeats // 10)):
            s = 2 * rng.standard_normal((2 * n, 5))
            true = probabilities(s, 1.0)
            y = (rng.random((2 * n, 1)) > true.cumsum(axis=1)).sum(axis=1).clip(max=4)
            t = fit_temperature(2 * s[:n], y[:n])
            before, after = probabilities(2 * s[n:]), probabilities(2 * s[n:], t)
            found.append(
                (
                    t,
                    expected_calibration_error(before, y[n:]),
                    expected_calibration_error(after, y[n:]),
                    calibration_by_chance(after),
                )
            )
        rows.append([str(n), *(f"{v:.3f}" for v in np.mean(found, axis=0))])
    yield table(["N", "temperature (truth 2)", "ECE before", "ECE after", "ECE by chance"], rows)


def of_residuals(repeats: int, seed: int) -> Iterator[str]:
    """Share of a new group's observations inside prediction ± half-width, nominal 90 %."""
    rows = []
    for n_groups in (5, 6, 10, 20, 40):
        rng = np.random.default_rng([seed, n_groups])
        inside, guaranteed = [], False
        for _ in range(repeats):
            y, prediction, group = values(rng, sizes(rng, n_groups, True), 0.75)
            width = residual_half_width(y - np.asarray(prediction.values), group)
            y, prediction, _ = values(rng, np.full(20, 20), 0.75)
            inside.append(np.mean(np.abs(y - np.asarray(prediction.values)) <= width.half_width))
            guaranteed = width.guaranteed
        rows.append([str(n_groups), f"{np.mean(inside):.3f}", "yes" if guaranteed else "no"])
    yield table(["groups", "coverage", "guaranteed"], rows)


SECTIONS: dict[str, Callable[[int, int], Iterator[str]]] = {
    "Every measure, unequal groups": by_measure,
    "Accuracy: how much groups differ": of_accuracy,
    "Hardly an error": of_rare_errors,
    "Without groups": without_groups,
    "With refitting": with_refitting,
    "Paired test": of_comparison,
    "Verdict": of_verdict,
    "Calibration": of_calibration,
    "Prediction intervals": of_residuals,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage, level and power by simulation.")
    parser.add_argument("--repeats", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="a part of a section's title")
    parser.add_argument("--write", type=Path, help="page whose marked part is replaced")
    arguments = parser.parse_args()
    warnings.simplefilter("error")
    parts = []
    for title, section in SECTIONS.items():
        if arguments.only.lower() not in title.lower():
            continue
        start = time.perf_counter()
        doc = (section.__doc__ or "").strip()
        text = f"### {title}\n\n{doc}\n\n" + "\n".join(section(arguments.repeats, arguments.seed))
        parts.append(text)
        print(text + f"\n({time.perf_counter() - start:.0f} s)\n", flush=True)
    if arguments.write is not None:
        page = arguments.write.read_text("utf-8")
        head = f"`python benchmarks/interval_coverage.py --repeats {arguments.repeats}`\n\n"
        marked = "<!-- coverage -->\n" + head + "\n".join(parts) + "<!-- /coverage -->"
        pattern = r"<!-- coverage -->.*<!-- /coverage -->"
        arguments.write.write_text(re.sub(pattern, lambda _: marked, page, flags=re.S), "utf-8")


if __name__ == "__main__":
    main()
