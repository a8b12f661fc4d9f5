"""Do intervals, tests and verdicts of ddasp hold what they promise? Simulated, with known truth.

    python benchmarks/interval_coverage.py [--repeats 500] [--write docs/statistics.md]

Groups differ at random (a speaker is easy or hard), sizes are unequal unless said, the target is
the expected score for a new group. Each table counts how often a nominal 95 % interval holds the
truth, or how often a test says yes. With 500 repeats a share of 0.95 is sure to ± 0.02. The worlds
are those of `reliability/worlds.py`.
`--write` replaces what stands between the two marks in the page. One thread, ten to twenty
minutes.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy import stats

from ddasp.procedure.calibration import (
    calibration_by_chance,
    expected_calibration_error,
    fit_temperature,
    probabilities,
    residual_half_width,
)
from ddasp.procedure.comparison import corrected_t
from ddasp.procedure.intervals import interval
from ddasp.procedure.verdict import verdict

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # where `reliability` lies

from reliability.worlds import (
    COST,
    WORLDS,
    calibrated,
    coverage_refitted,
    equally_good,
    held,
    hits,
    sizes,
    truths,
    values,
)

GROUPS = (5, 6, 10, 20, 40)
LEVELS = {"decisions": (0.5, 0.75, 0.9, 0.97), "scores": (0.75, 0.97), "values": (0.5, 0.9)}
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
                covered = dict.fromkeys(names, 0)
                for _ in range(repeats):
                    y, prediction, group = draw(rng, sizes(rng, n_groups, True), level)
                    for name in names:
                        found = interval(name, y, prediction, group, cost=COST)
                        covered[name] += held(found, truth[name])
                for name in names:
                    rows[name, level].append(f"{covered[name] / repeats:.3f}")
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
                    covered = 0
                    for _ in range(repeats):
                        n = sizes(rng, n_groups, unequal)
                        covered += held(interval("accuracy", *hits(rng, n, level, spread)), level)
                    line.append(f"{covered / repeats:.3f}")
                rows.append(line)
    yield table(["spread (logit)", "sizes", "truth", *(f"G = {g}" for g in GROUPS)], rows)


def of_rare_errors(repeats: int, seed: int) -> Iterator[str]:
    """Ten sounds a group and hardly an error, so that all groups are often equal."""
    rows = []
    for level in (0.97, 0.99):
        for n_groups in (5, 10, 20):
            rng = np.random.default_rng([seed, n_groups])
            covered, equal = 0, 0
            for _ in range(repeats):
                n = np.full(n_groups, 10)
                found = interval("accuracy", *hits(rng, n, level, 0.5))
                covered += held(found, level)
                equal += found.method.startswith("exact")
            rows.append(
                [f"{level:g}", str(n_groups), *(f"{k / repeats:.3f}" for k in (equal, covered))]
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
                covered = dict.fromkeys(names, 0)
                for _ in range(repeats // 2):
                    y, prediction, _ = draw(rng, np.ones(n, dtype=int), level)
                    for name in names:
                        covered[name] += held(interval(name, y, prediction, cost=COST), truth[name])
                counts.append({name: f"{covered[name] / (repeats // 2):.3f}" for name in names})
            rows += [
                [name.replace("_", " "), f"{level:g}", *(c[name] for c in counts)] for name in names
            ]
    yield table(["measure", "level", "N = 30", "N = 100", "N = 300"], rows)


def with_refitting(repeats: int, seed: int) -> Iterator[str]:
    """The whole procedure is repeated; the target is its expected score on a new group."""
    rows: dict[str, list[str]] = {}
    for n_groups in GROUPS:
        for name, (below, above) in coverage_refitted(repeats, n_groups, seed=seed).items():
            line = rows.setdefault(name, [name.replace("_", " ")])
            line.append(f"{1 - below - above:.3f}")
    yield table(["measure, refitted", *(f"G = {g}" for g in GROUPS)], list(rows.values()))


def of_comparison(repeats: int, seed: int) -> Iterator[str]:
    """Share of "yes" (nominal 0.025) where all are equally good; the challenger is best of m."""
    rows = []
    for n_groups in (5, 6, 10):
        for m in (1, 5, 20):
            rng = np.random.default_rng([seed, n_groups, m])
            yes = np.zeros(3)
            for d in equally_good(rng, repeats, n_groups, m):
                plain = stats.ttest_1samp(d, 0).pvalue if d.std() > 0 else 1.0
                found = corrected_t(d, n_groups - 1, 1, n_compared=m)
                up = d.mean() > 0
                yes += np.array([plain < 0.05 and up, found.p < 0.05 and up, found.answer == "yes"])
            rows.append([str(n_groups), str(m), *(f"{v / repeats:.3f}" for v in yes)])
    yield table(["folds", "best of", "plain t", "overlap corrected", "and for the best of m"], rows)


def of_verdict(repeats: int, seed: int) -> Iterator[str]:
    """How often the verdict says what, against a goal of 0.80; 50 sounds a group.

    With the truth at the goal eight times the repeats: 0.025 of 4,000 is sure to ± 0.005.
    """
    rows = []
    for level in (0.90, 0.85, 0.80, 0.70):
        n_repeats = 8 * repeats if level == 0.80 else repeats
        for n_groups in (6, 10, 20, 40):
            for spread in (0.5, 1.0):
                rng = np.random.default_rng([seed, n_groups, int(100 * level), int(10 * spread)])
                words = dict.fromkeys(("useful", "not useful", "not decided"), 0)
                for _ in range(n_repeats):
                    n = sizes(rng, n_groups, False)
                    found = interval("accuracy", *hits(rng, n, level, spread))
                    words[verdict(found, "accuracy", 0.80).word] += 1
                rows.append(
                    [f"{level:.2f}", str(n_groups), f"{spread:g}"]
                    + [f"{count / n_repeats:.3f}" for count in words.values()]
                )
    yield table(["truth", "groups", "spread (logit)", "useful", "not useful", "not decided"], rows)


def of_calibration(repeats: int, seed: int) -> Iterator[str]:
    """Scores that are calibrated at T = 2: before, after, and what chance alone would show."""
    rows = []
    for n in (100, 300, 1000, 3000):
        rng = np.random.default_rng([seed, n])
        found = []
        for _ in range(max(20, repeats // 10)):
            s, y = calibrated(rng, 2 * n, 2.0)
            t = fit_temperature(s[:n], y[:n])
            before, after = probabilities(s[n:]), probabilities(s[n:], t)
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
        doc = inspect.cleandoc(section.__doc__ or "")
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
