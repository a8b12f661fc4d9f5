"""Step 2, preparation: from a folder of sounds to rows, features, duplicates and a split.

Every file gets a row: used, used with a warning, or rejected with a code; their numbers add up to
the number of files, always. Nothing is learned here, so nothing can leak: what is learned from data
(a standardisation too) is learned inside the folds. The split is drawn before anything is learned.

*Conventions*: `Prepared` is written to the run folder by `save` and read by `load`; observations
are numbered 0 .. n - 1 in the order of files and time. Equal inputs give equal bytes.

*References*: Kapoor and Narayanan 2023, "Leakage and the reproducibility crisis in
machine-learning-based science".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ddasp._errors import InputError, RunError
from ddasp._progress import Progress, Silent
from ddasp.procedure import splits
from ddasp.procedure.corpus import (
    Corpus,
    File,
    collect,
    common_rate,
    corpus_digest,
    digest_of_corpus,
)
from ddasp.procedure.duplicates import Pair, duplicate_sets, find
from ddasp.procedure.features import FEATURE_SETS, FeatureTable
from ddasp.procedure.guessing import Guess, guess
from ddasp.procedure.prepared import PAIR_COLUMNS, ROW_COLUMNS, Prepared, load, save, typed
from ddasp.procedure.problem import Problem, parse, template
from ddasp.procedure.scan import scan
from ddasp.procedure.workers import Workers

__all__ = [
    "SHORTCUTS",
    "Prepared",
    "Survey",
    "common_rate",
    "corpus_digest",
    "load",
    "prepare",
    "save",
    "survey",
]

SHORTCUTS = tuple(name for name, s in FEATURE_SETS.items() if s.shortcut)
MIN_REGRESSION = 10  # observations
NAN = float("nan")
UNKNOWN = "unknown"  # the group of files without one, where others have one
MOST_NAMED = 3  # pairs of groups in a note


@dataclass(frozen=True)
class Survey:
    """What a look at a folder tells, before any problem is defined.

    Attributes
    ----------
    guess : Guess
        Where labels and groups seem to come from.
    recordings, observations, duplicates : DataFrame
        As in `Prepared`.
    summary : dict
        As in `Prepared`; ``ignored`` says how many files were passed over and why.
    """

    guess: Guess
    recordings: pd.DataFrame
    observations: pd.DataFrame
    duplicates: pd.DataFrame
    summary: dict[str, Any]


# ---------------------------------------------------------------------------------- prepare


def prepare(
    problem: Problem,
    *,
    cache: Path | None = None,
    workers: Workers | None = None,
    seed: int | None = None,
    expected: str = "",
    progress: Progress | None = None,
) -> Prepared:
    """Prepare the sounds that a problem names.

    Parameters
    ----------
    problem : Problem
        The problem; `problem.root` is the folder of sounds.
    cache : Path, optional
        Where what is known of a file is kept between runs.
    workers : Workers, optional
        Where files are examined; this process by default.
    seed : int, optional
        Of the split; the problem's by default.
    expected : str
        The `corpus_digest` that the caller knows.
    progress : Progress, optional
        The display.

    Returns
    -------
    Prepared

    Raises
    ------
    InputError
        When there is too little to learn from, or labels don't fit the problem.
    RunError
        ``E-CHANGED`` when a file changed meanwhile, ``E-DISK`` when the cache can't be written.
    """
    sets = (*problem.preparation.features, *SHORTCUTS)
    corpus = collect(problem, sets, cache, workers, progress or Silent())
    _check_pattern(corpus)
    observations, origin = _observations(corpus)
    pairs = _duplicates(corpus, observations, origin)
    observations, aside, kept = _set_aside(corpus, observations, origin)
    _check_enough(corpus, observations, aside)
    classes = _classes(problem, observations)
    if classes:
        problem.check_labels(classes)
    split = splits.plan(
        observations,
        kind=problem.kind,
        share=problem.evaluation.sealed_share,
        seed=problem.run.seed if seed is None else seed,
    )
    recordings = _table(corpus)
    summary = _summary(corpus, recordings, observations, aside)
    if expected and summary["corpus_digest"] != expected:
        raise RunError("E-CHANGED", "files changed while they were read; run again")
    summary["classes"] = classes
    features = _stack(corpus, sets, [origin[i] for i in kept])
    return Prepared(recordings, observations, features, pairs, split, summary)


def survey(
    root: Path,
    *,
    cache: Path | None = None,
    workers: Workers | None = None,
    progress: Progress | None = None,
) -> Survey:
    """Look at a folder: guess labels and groups, and examine every file.

    Raises
    ------
    InputError
        When there is no such folder.
    """
    names = [file.shown for file in scan(root).files]
    guessed = guess(Path(root), names)
    problem = parse(template(guessed, with_torch=False), base=Path(root))
    corpus = collect(problem, (), cache, workers, progress or Silent())
    observations, origin = _observations(corpus)
    pairs = _duplicates(corpus, observations, origin)
    observations, aside, _ = _set_aside(corpus, observations, origin)
    recordings = _table(corpus)
    summary = _summary(corpus, recordings, observations, aside)
    return Survey(guessed, recordings, observations, pairs, summary)


# ----------------------------------------------------------------------------- observations


def _observations(corpus: Corpus) -> tuple[pd.DataFrame, list[tuple[int, int]]]:
    """The units of decision, and the file and piece that each is."""
    regression = corpus.problem.kind == "regression"
    rows, origin = [], []
    for number, file in enumerate(corpus.files):
        if file.code:
            continue
        for piece, ((start, stop), label) in enumerate(
            zip(file.found.pieces, file.labels, strict=True)
        ):
            target = file.label.target
            if corpus.labeller.has_tracks:
                if not label:
                    continue
                target = _target(label) if regression else NAN
            rows.append(
                {
                    "path": file.source.shown,
                    "start": start,
                    "stop": stop,
                    "label": "" if regression else label,
                    "target": target,
                    "group": file.label.group,
                    "digest": file.found.row["digest"],
                }
            )
            origin.append((number, piece))
    columns = ["path", "start", "stop", "label", "target", "group", "digest"]
    observations = pd.DataFrame(rows, columns=columns)
    observations["group"] = _groups(corpus, observations)
    return observations, origin


def _target(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError as error:
        message = f"the label track holds {text!r}; expected a number, for the kind is regression"
        raise InputError("E-LABEL", message) from error


def _groups(corpus: Corpus, observations: pd.DataFrame) -> list[str]:
    """The group of each observation, completed where it is not known."""
    names, paths = list(observations["group"]), list(observations["path"])
    known = set(names) - {""}
    if len(known) == 1 and "" not in names and len(names) > 1:
        corpus.notes.append(
            f"All sounds stand in one group, {next(iter(known))}; that is as if none were known."
        )
        names, known = [""] * len(names), set()
    if known and "" in names:
        n = len({path for path, name in zip(paths, names, strict=True) if not name})
        corpus.notes.append(
            f'{n} files have no group; together they are taken for the group "{UNKNOWN}".'
        )
        return [name or UNKNOWN for name in names]
    if not known and corpus.problem.sounds.window is not None:
        corpus.notes.append("No groups are known; the windows of one file are taken for a group.")
        return paths
    return names


def _duplicates(
    corpus: Corpus, observations: pd.DataFrame, origin: list[tuple[int, int]]
) -> pd.DataFrame:
    """Number the sets of copies in the observations; return one row a pair of files."""
    prints = [corpus.files[number].found.fingerprints[piece] for number, piece in origin]
    whole = corpus.problem.sounds.window is None
    digests = [
        digest if whole else f"{digest} {start!r}"
        for digest, start in zip(observations["digest"], observations["start"], strict=True)
    ]
    paths, labels = list(observations["path"]), list(observations["label"])
    targets, groups = list(observations["target"]), list(observations["group"])
    linked = find(prints, digests)
    observations["duplicate_set"] = _sets(linked, paths)
    pairs = [pair for pair in linked if paths[pair.a] != paths[pair.b]]
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for pair in sorted(pairs, key=lambda p: (p.kind != "exact", -p.similarity, p.a, p.b)):
        same = labels[pair.a] == labels[pair.b]
        if corpus.problem.kind == "regression":
            same = bool(np.isclose(targets[pair.a], targets[pair.b]))
        key = (paths[pair.a], paths[pair.b])
        row = rows.setdefault(
            key, {"kind": pair.kind, "similarity": float(pair.similarity), "same_label": True}
        )
        row["same_label"] = row["same_label"] and same
        row["same_group"] = groups[pair.a] == groups[pair.b]
        _flag_pair(corpus.files[origin[pair.a][0]], paths[pair.b], pair.kind, same)
        _flag_pair(corpus.files[origin[pair.b][0]], paths[pair.a], pair.kind, same)
    corpus.notes += _across(
        [(groups[p.a], groups[p.b]) for p in pairs if groups[p.a] != groups[p.b]]
    )
    table = [{"a": a, "b": b} | row for (a, b), row in sorted(rows.items())]
    return pd.DataFrame(table, columns=list(PAIR_COLUMNS))


def _across(pairs: list[tuple[str, str]]) -> list[str]:
    """Ask about copies that stand in two groups; only the person can know whether these are one.

    Merging them unasked would weld the groups of a corpus together as soon as a few sounds, a test
    tone for instance, stand everywhere.
    """
    if not pairs:
        return []
    often = Counter(tuple(sorted(pair)) for pair in pairs).most_common()
    named = ", ".join(f'"{a}" and "{b}" ({n})' for (a, b), n in often[:MOST_NAMED])
    more = f" and {len(often) - MOST_NAMED} more" if len(often) > MOST_NAMED else ""
    return [
        f"Copies of a sound stand in different groups: {named}{more}. Are these one group under two "
        "names? Then give them one name. Unasked nothing is merged: they stay groups of their own, "
        "and copies of what is tested are left out of what is learned from."
    ]


def _sets(pairs: Sequence[Pair], paths: list[str]) -> NDArray[np.int64]:
    """Sets of copies; pieces of one file that are alike are none, for they share its group."""
    sets = np.array(duplicate_sets(pairs, len(paths)), np.int64)
    for number in range(int(sets.max(initial=-1)) + 1):
        members = np.flatnonzero(sets == number)
        if len({paths[i] for i in members}) == 1:
            sets[members] = -1
    return sets


def _flag_pair(file: File, other: str, kind: str, same: bool) -> None:
    words = "the same samples as" if kind == "exact" else "nearly the same sound as"
    file.flag("W-DUPLICATE", f"{words} {other}")
    if not same:
        file.flag("W-CONFLICT", f"{words} {other}, which has another label")


def _set_aside(
    corpus: Corpus, observations: pd.DataFrame, origin: list[tuple[int, int]]
) -> tuple[pd.DataFrame, list[splits.TooFew], list[int]]:
    """Take out classes that can't be both learned and tested; the rest is numbered anew."""
    aside: list[splits.TooFew] = []
    if corpus.problem.kind != "regression" and len(observations):
        columns = (observations[name].to_numpy() for name in ("label", "group", "duplicate_set"))
        aside = splits.too_few(*columns)
    why = {item.label: item.why for item in aside}
    for (number, _), label in zip(origin, observations["label"], strict=True):
        if label in why:
            file, detail = corpus.files[number], f'class "{label}" is set aside: {why[label]}'
            wholly = set(file.labels) - {""} <= set(why)
            (file.reject if wholly else file.flag)("W-RARE", detail)
    kept = [i for i, label in enumerate(observations["label"]) if label not in why]
    rest = observations.iloc[kept].reset_index(drop=True)
    # a copy whose twin was set aside has none any more
    counts = Counter(rest["duplicate_set"])
    rest["duplicate_set"] = [s if counts[s] > 1 else -1 for s in rest["duplicate_set"]]
    return rest, aside, kept


def _check_pattern(corpus: Corpus) -> None:
    """A group pattern that fits no name is a mistake; one that misses some names is a finding."""
    if corpus.labeller.group_source != "pattern":
        return
    used = [file for file in corpus.files if not file.code]
    without = [file for file in used if not file.label.group]
    if used and len(without) == len(used):
        raise InputError(
            "E-PROBLEM",
            f"[sounds] pattern = '{corpus.problem.sounds.pattern}': it finds a group in none of "
            f"{len(used)} names, the first is {used[0].source.shown}; expected to match each name in full "
            "without its ending",
        )
    for file in without:
        file.flag("W-NOGROUP", "its name does not match the pattern, so its group is not known")


def _check_enough(corpus: Corpus, observations: pd.DataFrame, aside: list[splits.TooFew]) -> None:
    """Stop where nothing can be learned; the message says what was found."""
    if not corpus.files:
        passed = ", ".join(f"{n} × {why}" for why, n in corpus.listing.ignored_counts().items())
        raise InputError(
            "E-DATA",
            f"{corpus.problem.root} holds no sounds; expected WAV, FLAC, OGG, MP3 or AIFF files - "
            + (f"passed over: {passed}" if passed else "it is empty"),
        )
    codes = Counter(code for file in corpus.files for code in file.flags if code[0] == "E")
    rejections = ", ".join(f"{n} × {code}" for code, n in sorted(codes.items()))
    tail = f"; rejected: {rejections}" if rejections else ""
    first = next((f for f in corpus.files if f.code), None)
    tail += f" (first: {first.source.shown}: {first.details[-1]})" if first else ""
    if corpus.problem.kind == "regression":
        n, distinct = len(observations), observations["target"].nunique()
        if n < MIN_REGRESSION or distinct < 2:
            raise InputError(
                "E-DATA",
                f"{n} sounds with {distinct} different targets; expected {MIN_REGRESSION} or more "
                f"sounds and different targets{tail}",
            )
        return
    names = sorted(set(observations["label"]))
    if len(names) < 2:
        why = "; ".join(f'class "{item.label}" is set aside: {item.why}' for item in aside[:5])
        found = f"one class, {names[0]!r}," if names else "no class"
        raise InputError(
            "E-DATA",
            f"{found} can be learned and tested; expected two or more"
            + (f" - {why}" if why else " - are labels read from the right place?")
            + tail,
        )


def _classes(problem: Problem, observations: pd.DataFrame) -> list[str]:
    """Classes in the order of their numbers: alphabetical, the positive one of two last."""
    if problem.kind == "regression":
        return []
    names = sorted(set(observations["label"]))
    positive = problem.definition.positive
    return sorted(names, key=lambda name: name == positive)


def _stack(
    corpus: Corpus, sets: tuple[str, ...], origin: list[tuple[int, int]]
) -> dict[str, FeatureTable]:
    """One table a feature set; what the files hold is given up as it is copied."""
    first = np.cumsum([0] + [len(file.found.pieces) for file in corpus.files])
    rows = np.array([first[number] + piece for number, piece in origin], np.intp)
    tables = {}
    for name in sets:
        parts = [file.found.features.pop(name) for file in corpus.files if file.found.features]
        known = [file for file in corpus.files if len(file.found.pieces)]
        if len(parts) != len(known):
            raise RunError("E-RUN", f"{len(parts)} of {len(known)} files have the features {name}")
        X = np.concatenate(parts, axis=1)[:, rows]
        tables[name] = FeatureTable(name, FEATURE_SETS[name].names, X, FEATURE_SETS[name].shape)
    return tables


# ----------------------------------------------------------------------------------- tables


def _table(corpus: Corpus) -> pd.DataFrame:
    """One row a file, in the order of paths."""
    rows = []
    for file in corpus.files:
        known = {key: value for key, value in file.found.row.items() if key in ROW_COLUMNS}
        status = "rejected" if file.code else "warned" if file.flags else "used"
        labels = sorted(set(file.labels) - {""})
        rows.append(
            {"digest": ""}
            | known
            | {
                "path": file.source.shown,
                "status": status,
                "flags": " ".join(file.flags),
                "detail": "; ".join(file.details),
                "label": file.label.label or ", ".join(labels),
                "target": file.label.target,
                "group": file.label.group,
            }
        )
    return typed(pd.DataFrame(rows, columns=list(ROW_COLUMNS)))


def _summary(
    corpus: Corpus,
    recordings: pd.DataFrame,
    observations: pd.DataFrame,
    aside: list[splits.TooFew],
) -> dict[str, Any]:
    """Counts and findings; the number of files is the sum of those used, warned and rejected."""
    status = Counter(recordings["status"])
    n_in, n_out = len(corpus.listing.files), sum(status[s] for s in ("used", "warned", "rejected"))
    if n_in != n_out:
        raise RunError("E-RUN", f"{n_in} files were found, but {n_out} have a row")
    flags = Counter(code for file in corpus.files for code in file.flags)
    used = [file.label.group for file in corpus.files if not file.code]
    if len(set(used)) == 1:  # none, or one for all, which is as good as none
        flags["W-NOGROUP"] = len(used)
    groups = Counter(observations["group"])
    del groups[""]
    window = corpus.problem.sounds.window
    sounds = [(file.source.shown, file.found.file_digest) for file in corpus.files]
    return {
        "n_in": n_in,
        "n_used": status["used"],
        "n_warned": status["warned"],
        "n_rejected": status["rejected"],
        "n_observations": len(observations),
        "flags": dict(flags),
        "labels": {name: n for name, n in Counter(observations["label"]).items() if name},
        "groups": dict(groups),
        "set_aside": [asdict(item) for item in aside],
        "label_source": corpus.labeller.label_source,
        "group_source": corpus.labeller.group_source,
        "rate": corpus.rate,
        "window": None if window is None else window.model_dump(),
        "ignored": corpus.listing.ignored_counts(),
        "notes": corpus.notes,
        "corpus_digest": digest_of_corpus(corpus.problem, sounds, corpus.listing),
    }
