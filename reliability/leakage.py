"""Whether anything leaks from what is tested into what is learned: canaries, groups, copies.

A canary is a feature that is constant everywhere except on the rows to be tested. Whatever was
learned from the training rows alone can't know of it: with and without the canary every choice,
every fitted number and every output on untouched sounds must be the same to the last bit.

*References*: Kapoor and Narayanan 2023, "Leakage and the reproducibility crisis in
machine-learning-based science".
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile as sf
from numpy.typing import NDArray

from ddasp._errors import InputError
from ddasp._files import Ledger, digest_json, to_json
from ddasp._progress import Silent
from ddasp.procedure import preparation, splits
from ddasp.procedure.candidates import FAMILIES
from ddasp.procedure.event_scores import measured, total
from ddasp.procedure.fits import Candidate, Data, Fits, Goal, data_of, fit, load_data, outputs
from ddasp.procedure.heard import Scores, Stream, events_of
from ddasp.procedure.labels import Segment
from ddasp.procedure.outer import OuterTask, inner_folds, outer_fold
from ddasp.procedure.prepared import Prepared, save
from ddasp.procedure.problem import parse
from ddasp.procedure.selection import half_width_of, select
from ddasp.procedure.spot_check import Search, spot_check
from ddasp.procedure.tuning import Tuning, tune
from ddasp.procedure.workers import Workers
from reliability.harness import Found, Place, Row

PART = "Leakage can't happen"
RATE = 8000
SETS = ("levels", "logmel")
HEAVY = ("forest", "mlp", "cnn")
CONSTANT, CANARY = 1.0, 1e4
INSPECT = (sys.executable, "-m", "ddasp", "inspect", "--json", "--quiet", "--workers", "1")


def corpus(folder: Path, *, n_groups: int, n_each: int, kind: str, seed: int) -> Prepared:
    """Prepare a corpus of short tones under noise: two classes, or a number; the level tells both."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    lines = ["file,target,group"]
    t = np.arange(RATE // 5) / RATE
    for group in range(n_groups):
        for number, label in enumerate("ab" * n_each):
            level = rng.uniform(0.05, 0.2) * (1.6 if label == "b" else 1.0)
            x = level * np.sin(2 * np.pi * 440 * t) + 0.02 * rng.normal(size=len(t))
            name = f"{label}_{group:02d}_{number}.wav"
            sf.write(folder / name, x, RATE)
            lines.append(f"{name},{10 * level},{group:02d}")
    (folder / "targets.csv").write_text("\n".join(lines))
    source = (
        'table = "targets.csv"'
        if kind == "regression"
        else r"pattern = '(?P<label>\w)_(?P<group>\d+)_\d+'"
    )
    problem = (
        f'[problem]\nkind = "{kind}"\n[preparation]\nfeatures = {list(SETS)}\n[sounds]\n{source}'
    )
    return preparation.prepare(parse(problem, base=folder), seed=seed)


# --- canaries -------------------------------------------------------------------------------------


def worlds(prepared: Prepared, test: NDArray, rng: np.random.Generator) -> dict[str, Prepared]:
    """The same corpus thrice: as it is, with a canary on the test rows, with all of them exchanged."""
    plain = {name: replace(t, X=t.X.copy()) for name, t in prepared.features.items()}
    for table in plain.values():
        table.X[:, :, 0] = CONSTANT
    marked = {name: replace(t, X=t.X.copy()) for name, t in plain.items()}
    noise = {name: replace(t, X=t.X.copy()) for name, t in plain.items()}
    for name in plain:
        marked[name].X[:, test, 0] = CANARY
        noise[name].X[:, test] = rng.normal(5, 3, noise[name].X[:, test].shape)
    turned = prepared.observations.copy()
    turned.loc[test, "label"] = turned.loc[test, "label"].map({"a": "b", "b": "a", "": ""})
    turned.loc[test, "target"] = -turned.loc[test, "target"]
    return {
        "plain": replace(prepared, features=plain),
        "canary": replace(prepared, features=marked),
        "exchanged": replace(prepared, features=noise, observations=turned),
    }


def families(kind: str, *, light: bool) -> tuple[str, ...]:
    """All that can be learned here; the light ones where time is short."""
    torch = importlib.util.find_spec("torch") is not None
    return tuple(
        name
        for name, family in FAMILIES.items()
        if kind in family.kinds and (torch or not family.needs) and not (light and name in HEAVY)
    )


def learned_alike(task: dict[str, Data], train: NDArray, names: tuple[str, ...]) -> Iterator[str]:
    """Fit every family (its standardisation with it) and compare outputs on the training rows."""
    kind = task["plain"].kind
    for name in names:
        sets = [s for s in (*SETS, "duration") if FAMILIES[name].accepts(s)]
        for features in sets[:1] if name in HEAVY else sets:
            for enlarged in {False, task["plain"].tables[features].n_variants > 1}:
                candidate = Candidate(name, features, enlarged=enlarged)
                said = {
                    world: outputs(
                        data, candidate, fit(data, candidate, train, seed=1), train
                    ).tobytes()
                    for world, data in task.items()
                }
                for world in ("canary", "exchanged"):
                    if said[world] != said["plain"]:
                        yield f"{kind}, {world}: the fit of {candidate.label} changed"


def search_of(
    folder: Path, data: Data, kind: str, names: tuple[str, ...], folds: Any, seed: int
) -> Search:
    """A small search of steps 3 and 4; log-loss, so that temperatures take part."""
    return Search(
        folder=folder,
        data_digest=digest_json(folder.as_posix()),  # each world remembers its own fits
        families=names,
        features=("levels",),
        folds=folds,
        goal=Goal("mae" if kind == "regression" else "log_loss"),
        cap=24,
        survivors=2,
        trials=2,
        finalists=2,
        seed=seed,
    )


def of_outer_fold(
    prepared: Prepared, root: Path, kind: str, names: tuple[str, ...], place: Place
) -> Iterator[str]:
    """A whole outer fold, spot check and selection inside: what it chose and fitted."""
    train, test = prepared.split.folds[0]
    found = {}
    for world, changed in worlds(prepared, test, np.random.default_rng(place.seed)).items():
        folder = root / world
        save(changed, folder)
        load_data.cache_clear()
        rows = changed.observations
        task = OuterTask(
            number=0,
            train=train,
            test=test,
            search=search_of(folder, data_of(changed), kind, names, (), place.seed),
            chosen=None,
            sounds=tuple(zip(rows["path"], rows["start"], rows["stop"], strict=True)),
            root=root.parent / "sounds",
            rate=changed.summary["rate"],
            n_outer=10,
            result=root / f"{world}.json",
        )
        found[world] = outer_fold(task)
    if found["plain"]["chosen"]["family"] == "majority":
        yield f"{kind}: nothing was learned, so that nothing could leak"
    for world in ("canary", "exchanged"):
        for part in ("chosen", "temperature", "half_width", "tried", "n_fits", "n_train"):
            if to_json(found[world][part]) != to_json(found["plain"][part]):
                yield f"{kind}, {world}: {part} of the outer fold changed"
        for one, other in zip(found[world]["beside"], found["plain"]["beside"], strict=True):
            if one["temperature"] != other["temperature"] or one["name"] != other["name"]:
                yield f"{kind}, {world}: baseline {one['name']} of the outer fold changed"
    # degraded sounds are read from the files, where there is no canary: the fitted model shows
    if found["canary"]["robustness"]["outputs"] != found["plain"]["robustness"]["outputs"]:
        yield f"{kind}, canary: the model of the outer fold changed"


def of_sealed(
    prepared: Prepared, root: Path, kind: str, names: tuple[str, ...], place: Place
) -> Iterator[str]:
    """Steps 3 and 4 beside a sealed set: what they chose and fitted."""
    if prepared.split.mode != "sealed":
        yield f"{kind}: {prepared.split.why} Expected a sealed set"
        return
    found = {}
    rng = np.random.default_rng(place.seed)
    for world, changed in worlds(prepared, prepared.split.sealed, rng).items():
        folder = root / world
        save(changed, folder)
        load_data.cache_clear()
        data = load_data(folder)
        search = search_of(folder, data, kind, names, changed.split.folds, place.seed)
        fits = Fits(Ledger(root / f"{world}.fits"), Workers(1), Silent())
        spot = spot_check(data, search, fits)
        chosen = select(data, search, spot, fits)
        found[world] = to_json(
            [
                [[s.candidate.to_json(), s.scores] for s in (*spot.equal, *spot.whole)],
                spot.statements,
                [[s.candidate.to_json(), s.scores] for s in chosen.trials],
                [chosen.chosen.candidate.to_json(), chosen.finalists, chosen.temperature],
                half_width_of(data, chosen),
            ]
        )
    for world in ("canary", "exchanged"):
        if found[world] != found["plain"]:
            yield f"{kind}, {world}: spot check or selection changed by what was sealed"


def canaries(place: Place) -> Found:
    """All that is learned, with and without canaries, in a nested and a sealed evaluation."""
    light = place.size == "quick"
    faults: list[str] = []
    figures: dict[str, int] = {}
    tried = 0
    for kind in ("binary", "regression"):
        learning = "regression" if kind == "regression" else "classification"
        every, few = families(learning, light=light), families(learning, light=True)
        nested = corpus(
            place.folder / kind / "sounds", n_groups=5, n_each=3, kind=kind, seed=place.seed
        )
        train, test = nested.split.folds[0]
        changed = worlds(nested, test, np.random.default_rng(place.seed))
        data = {world: data_of(one) for world, one in changed.items()}
        faults += learned_alike(data, train, every)
        faults += of_outer_fold(nested, place.folder / kind / "nested", kind, few, place)
        figures[f"families, {learning}"] = len(every)
        tried += 2 * (len(every) + 9)
        if not light:
            sealed = corpus(
                place.folder / kind / "more", n_groups=40, n_each=1, kind=kind, seed=place.seed
            )
            faults += of_sealed(sealed, place.folder / kind / "sealed", kind, few, place)
            tried += 2 * 6
    load_data.cache_clear()
    faults += held_out_rules(place.seed)
    return Found(tried + 3, figures, tuple(faults))


def held_out_rules(seed: int) -> Iterator[str]:
    """Rules of detection: each stream is judged by what the others alone would have chosen."""
    labels, hop = ("cat", "street"), 0.5
    streams = [heard(np.random.default_rng([seed, k]), labels, hop) for k in range(3)]

    def tuned(some: list[Stream]) -> Tuning:
        return tune(some, labels, hop=hop, budget=6.0, background=["street"])

    parts = []
    for k, stream in enumerate(streams):
        rules = tuned(streams[:k] + streams[k + 1 :]).rules
        events = events_of(stream.scores, labels, rules, hop=hop, background=("street",))
        parts.append(
            measured(
                events, stream.truth, duration=stream.duration, collar=0.5, groups=stream.groups
            )
        )
    if tuned(streams).held_out != total(parts):
        yield "rules of detection: a stream is not judged by the rules of the others"


def heard(rng: np.random.Generator, labels: tuple[str, ...], hop: float) -> Stream:
    """Three minutes of a stream with about ten events."""
    start = np.arange(0, 180, hop)
    at = np.sort(rng.choice(np.arange(5, 170, 5), 10, replace=False)).astype(float)
    truth = tuple(Segment(t, t + 1.5, labels[0]) for t in at)
    logit = rng.normal(-1, 1.5, len(start))
    for segment in truth:
        logit[(start >= segment.start - hop) & (start < segment.stop)] += 3
    p = 1 / (1 + np.exp(-logit))
    scores = Scores(start, start + 1.0, np.c_[p, 1 - p])
    return Stream(scores, truth, 181.0, "", tuple("xy"[i % 2] for i in range(len(truth))))


# --- groups and copies ----------------------------------------------------------------------------


def drawn(rng: np.random.Generator) -> tuple[pd.DataFrame, str]:
    """Observations whose groups have any size: alike, random, or one that holds nearly all."""
    n, n_groups = int(rng.integers(12, 160)), int(rng.integers(2, 60))
    weight = rng.dirichlet(np.full(n_groups, rng.choice([0.05, 0.5, 50.0])))
    group = rng.choice(n_groups, n, p=weight)
    group[:2] = 0, 1
    blank = rng.random() < 0.15
    kind = str(rng.choice(["multi-class", "regression"]))
    copies = rng.integers(-int(rng.integers(1, 40)), 8, n).clip(-1)
    rows = pd.DataFrame(
        {
            "label": [f"c{i}" for i in rng.integers(0, rng.integers(1, 5), n)],
            "target": rng.normal(size=n) if kind == "regression" else np.full(n, np.nan),
            "group": [""] * n if blank else [f"g{i}" for i in group],
            "duplicate_set": copies,
        }
    )
    return rows, kind


def astride(
    parts: tuple[splits.Fold, ...], group: NDArray[np.str_], copies: NDArray[np.int64]
) -> Iterator[str]:
    """What stands on both sides of a fold."""
    for number, (train, test) in enumerate(parts):
        for what, shared in (
            ("observation", set(train.tolist()) & set(test.tolist())),
            ("group", set(group[train].tolist()) & set(group[test].tolist()) - {""}),
            ("copy", set(copies[train].tolist()) & set(copies[test].tolist()) - {-1}),
        ):
            if shared:
                yield f"fold {number}: {what} {min(shared)} stands on both sides"


def groups_apart(place: Place) -> Found:
    """Plans of random corpora, and the inner folds of each training side."""
    n, faults, n_folds, refused = place.number(quick=30, usual=300, full=5000), [], 0, 0
    for number in range(n):
        rng = np.random.default_rng([place.seed, number])
        rows, kind = drawn(rng)
        group, copies = rows["group"].to_numpy(str), rows["duplicate_set"].to_numpy()
        try:
            split = splits.plan(rows, kind=kind, seed=number)
        except InputError:  # all that is outside one fold are copies of it: it was said
            refused += 1
            continue
        stored = json.loads(to_json(split.to_json()))
        sides = [
            *split.folds,
            *splits.Split.from_json(stored, copies).folds,
            (split.purged_development, split.sealed),
        ]
        y = rows["target" if kind == "regression" else "label"].to_numpy()
        codes = y if kind == "regression" else np.unique(y, return_inverse=True)[1]
        labels = () if kind == "regression" else tuple(sorted(set(y)))
        data = Data({}, codes, labels, group, copies)
        for train, _ in split.folds:
            if len(set(group[train])) > 1 or len(set(copies[train])) > 1:
                sides += inner_folds(data, train, n_max=5, seed=number)
        n_folds += len(sides)
        # where one group alone is left to learn from, the inner choice is made by sounds
        alone = {id(s) for s in sides if len(set(group[s[0]])) == 1 == len(set(group[s[1]]))}
        faults += [
            f"corpus {number}: {text}"
            for side in sides
            for text in astride((side,), group, copies)
            if not (id(side) in alone and " group " in text)
        ]
    figures = {"folds": n_folds, "refused: all copies of one fold": refused}
    return Found(n, figures, tuple(faults))


def copies_across_groups(place: Place) -> Found:
    """A chain of copies through all groups, and a test tone in each, in the command and in step 2."""
    rng, names = np.random.default_rng(place.seed), ("anna", "bob", "carla", "dirk", "emma")
    folder = place.folder / "sounds"
    folder.mkdir()
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE // 4) / RATE)
    last: NDArray[np.float64] = tone
    for name in names:
        for label in ("hum", "tap"):
            for i in range(3):
                x = 0.2 * rng.normal(size=RATE // 4)
                if label == "hum" and i == 0:
                    x = 0.5 * last  # the last one's sound, not as loud
                if label == "hum" and i == 1:
                    last = x
                sf.write(folder / f"{label}_{name}_{i}.wav", x, RATE)
        sf.write(folder / f"tap_{name}_9.wav", tone, RATE)
    faults = list(_asked(folder)) + list(_not_merged(folder, names))
    return Found(12, {"groups": len(names), "files": 7 * len(names)}, tuple(faults))


def _asked(folder: Path) -> Iterator[str]:
    """What `ddasp inspect` says."""
    done = subprocess.run(
        [*INSPECT, str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        yield f"ddasp inspect ended with {done.returncode}: {done.stderr[-300:]}"
        return
    said = json.loads(done.stdout)
    if not any(note.startswith("Copies of a sound stand in different") for note in said["notes"]):
        yield f"ddasp inspect does not ask about copies in different groups: {said['notes']}"
    if not any(finding["code"] == "W-DUPLICATE" for finding in said["findings"]):
        yield "ddasp inspect does not report copies"
    if len(said["groups"]) != 5:
        yield f"ddasp inspect sees the groups {sorted(said['groups'])}; expected the five declared"


def _not_merged(folder: Path, names: tuple[str, ...]) -> Iterator[str]:
    """What preparation makes of it: groups as declared, copies apart."""
    text = (
        '[preparation]\nfeatures = ["levels"]\n[sounds]\n'
        r"pattern = '(?P<label>\w+)_(?P<group>\w+)_\d'"
    )
    found = preparation.prepare(parse(text, base=folder))
    rows = found.observations
    declared = [path.split("_")[1] for path in rows["path"]]
    if list(rows["group"]) != declared:
        yield "a group was merged or renamed"
    if found.split.fold_groups != tuple((name,) for name in names):
        yield f"the folds are {found.split.fold_groups}; expected each group once"
    across = found.duplicates[~found.duplicates["same_group"].to_numpy(bool)]
    linked = {
        tuple(sorted((a.split("_")[1], b.split("_")[1])))
        for a, b in zip(across["a"], across["b"], strict=True)
    }
    chain = set(pairwise(names))
    if not chain <= linked:
        yield f"copies between {sorted(chain - linked)} were not reported"
    marked = found.recordings.set_index("path")["flags"]
    for path in {*across["a"], *across["b"]}:
        if "W-DUPLICATE" not in marked[path].split():
            yield f"{path} has a copy in another group, but no finding"
    if not any(
        note.startswith("Copies of a sound stand in different") for note in found.summary["notes"]
    ):
        yield "the run does not ask about copies in different groups"
    group, copies = rows["group"].to_numpy(str), rows["duplicate_set"].to_numpy()
    yield from astride(found.split.folds, group, copies)
    least = min(len(train) for train, _ in found.split.folds)
    if least < len(rows) // 2:
        yield f"only {least} of {len(rows)} observations are left to learn from"


ROWS = (
    Row(
        PART,
        "canaries: features and labels that change on test rows only",
        "nothing that is fitted or chosen changes, to the last bit",
        28,
        canaries,
    ),
    Row(
        PART,
        "folds of random corpora with groups of random sizes",
        "no group, copy or observation on both sides, outer and inner",
        6,
        groups_apart,
    ),
    Row(
        PART,
        "copies of a sound in different declared groups",
        "reported and asked about, never merged; all groups stay",
        6,
        copies_across_groups,
    ),
)
