"""The run folder: six steps in their order, each done once, resumed where it stopped.

*Conventions*: a step is known by its key, the digest of all that it depends on (the step before it, the
part of the problem that concerns it, the seed, this library's code), and by the digest of its files.
Where both stand as they were left, the step is not run again; so a changed input makes exactly
the steps after it stale. ``step.json`` is written last: a step without it has not happened. Seconds
stand in ``times.json`` and are no part of a digest. ``.work`` holds the ledgers of finished fits and the
outer folds; it may be deleted, the run then computes them anew.
"""

from __future__ import annotations

import platform
import shlex
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

import ddasp
from ddasp._errors import DependencyError, InputError, RunError
from ddasp._files import (
    Ledger,
    digest_file,
    digest_json,
    lock,
    read_json,
    write_json,
)
from ddasp._progress import Progress
from ddasp.procedure import application, preparation, problem, report
from ddasp.procedure.candidates import FAMILIES
from ddasp.procedure.environment import code_digest, versions
from ddasp.procedure.evaluation import assemble, random_split, run_outer
from ddasp.procedure.fits import Candidate, Data, Fits, Goal, data_of, load_data
from ddasp.procedure.opened import note_opening
from ddasp.procedure.outer import INNER_FOLDS, OuterTask, inner_folds
from ddasp.procedure.records import fit_times, write_selection, write_spot_check, write_table
from ddasp.procedure.selection import select
from ddasp.procedure.spot_check import Search, SpotCheck, pairs, spot_check
from ddasp.procedure.workers import Workers

__all__ = ["STEPS", "RunResult", "UnderWay", "run", "six_steps"]

STEPS = (
    "1_problem",
    "2_preparation",
    "3_spot_check",
    "4_selection",
    "5_evaluation",
    "6_application",
)

NEEDS_BOTH = ("roc_auc", "average_precision")


@dataclass(frozen=True)
class RunResult:
    """Where a run's results lie and what it says."""

    folder: Path
    report: Path
    verdict_word: str
    verdict_sentence: str
    n_fits: int
    findings: str
    steps: dict[str, str] = field(default_factory=dict)


@dataclass
class UnderWay:
    """A run under way: where it writes, what it uses, what it has done."""

    folder: Path
    problem: problem.Problem
    seed: int
    workers: Workers
    progress: Progress
    times: dict[str, Any]
    code: str = field(default_factory=code_digest)
    digests: dict[str, str] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)
    n_fits: int = 0

    def step(self, name: str, parts: Any, compute: Callable[[Path], None]) -> Path:
        """Run a step unless it stands there for the same key and undamaged; returns its folder."""
        folder, key = self.folder / name, digest_json(parts)
        if _stands(folder, key):
            self.steps[name] = "unchanged"
        else:
            self.progress.say(f"{name.replace('_', ' ')}")
            start = time.perf_counter()
            _cleared(folder)
            compute(folder)
            files = _digests(folder)
            write_json(
                folder / "step.json", {"key": key, "files": files, "digest": digest_json(files)}
            )
            self.times[name] = time.perf_counter() - start
            write_json(self.folder / "times.json", self.times)
            self.steps[name] = "done"
        self.digests[name] = read_json(folder / "step.json")["digest"]
        return folder

    def fits(self, name: str, data_digest: str) -> Fits:
        """Fits remembered for these data."""
        ledger = Ledger(self.folder / ".work" / data_digest[:16] / f"{name}.fits")
        return Fits(ledger, self.workers, self.progress)

    def corpus(self) -> str:
        """Digest of the sounds and of what labels them, as they lie there now."""
        return preparation.corpus_digest(self.problem)

    def note_opening(self, corpus: str, settings: str) -> None:
        """Count that the held-out sounds were looked at."""
        write_json(self.folder / "opened.json", {"opened": note_opening(corpus, settings)})


def _cleared(folder: Path) -> None:
    """An empty folder in a step's place; of a link the link goes, not what it leads to."""
    try:
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    except OSError as error:
        reason = error.strerror or error
        raise RunError("E-DISK", f"could not empty {folder}: {reason}") from error


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "step.json")
    return {p.relative_to(folder).as_posix(): digest_file(p) for p in files}


def _stands(folder: Path, key: str) -> bool:
    """Whether a step was finished for this key and its files are as it left them."""
    try:
        known, files = read_json(folder / "step.json"), _digests(folder)
    except (RunError, OSError):  # missing, damaged or unreadable: the step has not happened
        return False
    return bool(known == {"key": key, "files": files, "digest": digest_json(files)})


def run(
    source: Path,
    *,
    out: Path | None = None,
    n_workers: int | None = None,
    seed: int | None = None,
    with_sounds: bool = True,
    progress: Progress,
) -> RunResult:
    """Take a folder of sounds through the six steps.

    Parameters
    ----------
    source : Path
        A ``problem.toml``, or a folder of sounds (the problem is then guessed from its names).
    out : Path, optional
        The run folder; ``runs/NAME`` by default.
    n_workers : int, optional
        Processes; as many as there are cores by default.
    seed : int, optional
        Takes the place of the seed in the problem.
    with_sounds : bool
        Whether the report holds players.
    progress : Progress
        The display.

    Returns
    -------
    RunResult
        Where the report lies and what the verdict is.

    Raises
    ------
    InputError
        When the problem or the sounds are not fit for it.
    RunError
        When the folder is in use or can't be written.
    """
    asked = problem.from_source(Path(source))
    name = problem.name_of(Path(source))
    given = out or Path("runs") / name
    folder = given.resolve()
    _refuse(folder, asked)
    with lock(folder / ".lock", f"the run folder {folder}"), Workers(n_workers) as workers:
        for left in folder.rglob(".*.tmp"):  # of a run that was killed in the middle of a write
            if not left.is_dir():
                left.unlink()
        state = UnderWay(
            folder,
            asked,
            asked.run.seed if seed is None else seed,
            workers,
            progress,
            _times(folder / "times.json"),
        )
        stored, summary = six_steps(state)
        _describe(state, Path(source), given, name, stored)
        progress.say("report")
        path = report.write(
            folder, asked.root, with_sounds=with_sounds, players=asked.evaluation.players
        )
    return RunResult(
        folder,
        path,
        summary["verdict"]["word"],
        summary["verdict"]["sentence"],
        state.n_fits,
        _findings(stored.summary),
        state.steps,
    )


def _times(path: Path) -> dict[str, Any]:
    """Seconds of the steps that were done before; none where the file is not as it was written."""
    try:
        known = dict(read_json(path))
        fits = dict(known.pop("fits", {}))
        numbers = [*known.values(), *(x for pair in fits.values() for x in pair.values())]
        whole = all(isinstance(x, (int, float)) for x in numbers)
    except (RunError, TypeError, ValueError, AttributeError):
        return {}
    return known | ({"fits": fits} if fits else {}) if whole else {}


def _findings(counts: dict[str, Any]) -> str:
    """What became of the files, in one line."""
    aside = [item["label"] for item in counts["set_aside"]]
    return (
        f"{counts['n_in']} files: {counts['n_used']} used, {counts['n_warned']} used with a warning, "
        f"{counts['n_rejected']} rejected"
        + (f"; classes set aside: {', '.join(aside)}" if aside else "")
    )


def _refuse(folder: Path, asked: problem.Problem) -> None:
    """Before any work: a place that can't be written, sounds that aren't there, missing packages."""
    root = asked.root.resolve()
    if not root.is_dir():
        raise InputError(
            "E-PATH-MISSING", f"sounds.folder is {root}; expected a folder that exists"
        )
    if folder == root or folder.is_relative_to(root):
        raise InputError(
            "E-RUN", f"the run folder {folder} lies inside the sounds; name another with --out"
        )
    if folder.is_dir() and any(folder.iterdir()) and not (folder / ".lock").exists():
        raise InputError(
            "E-RUN", f"the folder {folder} holds other things than a run; name a new one with --out"
        )
    for name in asked.spot_check.families:
        needs = FAMILIES[name].needs
        if needs and not application.installed(needs):
            raise DependencyError(
                "E-DEPENDENCY",
                f'the family {name} needs {needs}: pip install "ddasp[{needs}]", or take it out of '
                "families in problem.toml",
            )
    competing = pairs(asked.spot_check.families, asked.preparation.features, asked.kind)
    if all(candidate.features in preparation.SHORTCUTS for candidate in competing):
        raise InputError(
            "E-PROBLEM",
            f"no family of {', '.join(asked.spot_check.families)} accepts the features "
            f"{', '.join(asked.preparation.features)} in a {asked.kind} problem; expected one or more - "
            "the rule needs features with names, the CNN needs logmel and classes",
        )


def six_steps(state: UnderWay) -> tuple[preparation.Prepared, dict[str, Any]]:
    """The six steps; returns what was prepared and the evaluation's summary."""
    asked, code = state.problem, state.code
    tables = asked.to_json()
    state.step("1_problem", tables, lambda f: write_json(f / "problem.json", tables))

    corpus = state.corpus()
    prepared = state.step(
        "2_preparation",
        [
            code,
            corpus,
            tables["sounds"],
            tables["preparation"],
            asked.kind,
            asked.definition.positive,
        ]
        + [asked.evaluation.sealed_share, state.seed],
        lambda f: _prepare(state, f, corpus),
    )
    stored = preparation.load(prepared)
    data = data_of(stored)
    goal = _goal(asked, data)
    digest = digest_json([code, state.digests["2_preparation"]])
    search = _search(state, stored, prepared, digest, goal)
    _refuse_undefined(data, search, stored)
    fits = state.fits("search", digest)

    spot: SpotCheck | None = None

    def spotted() -> SpotCheck:
        nonlocal spot
        spot = spot or spot_check(data, search, fits)
        return spot

    key = [digest, tables["spot_check"], goal.measure, goal.cost, state.seed]
    spot_folder = state.step(
        "3_spot_check", key, lambda f: _spot(state, f, stored, search, spotted())
    )

    key = [state.digests["3_spot_check"], key, tables["selection"]]
    selected = state.step(
        "4_selection",
        key,
        lambda f: write_selection(
            f, data, search, spotted(), select(data, search, spotted(), fits)
        ),
    )
    choice = read_json(selected / "selection.json")

    evaluated = state.step(
        "5_evaluation",
        [
            key,
            state.digests["4_selection"],
            asked.evaluation.dont_know_below,
            asked.definition.useful_from,
            asked.kind,
        ],
        lambda f: _evaluate(state, f, data, stored, search, choice),
    )
    summary = read_json(evaluated / "evaluation.json")
    state.note_opening(corpus, digest_json(key))

    state.step(
        "6_application",
        [
            digest,
            state.digests["4_selection"],
            state.digests["5_evaluation"],
            tables["problem"],
            tables["sounds"],
            state.seed,
        ],
        lambda f: _deploy(state, f, data, stored, choice, summary),
    )
    searched = (spot_folder / "spot_check.json", selected / "selection.json")
    state.n_fits = summary["n_fits"] + sum(read_json(path)["n_fits"] for path in searched)
    return stored, summary


def _spot(
    state: UnderWay, folder: Path, stored: preparation.Prepared, search: Search, spot: SpotCheck
) -> None:
    write_spot_check(folder, search, spot)
    rows = stored.observations
    state.times["fits"] = fit_times(spot, float((rows["stop"] - rows["start"]).mean()))


def _prepare(state: UnderWay, folder: Path, corpus: str) -> None:
    prepared = preparation.prepare(
        state.problem,
        cache=state.folder / ".work" / "sounds",
        workers=state.workers,
        seed=state.seed,
        expected=corpus,
        progress=state.progress,
    )
    preparation.save(prepared, folder)
    load_data.cache_clear()


def _goal(asked: problem.Problem, data: Data) -> Goal:
    cost = asked.cost_matrix(data.labels) if data.labels else None
    return Goal(asked.measure, None if cost is None else tuple(map(tuple, cost.tolist())))


def _refuse_undefined(data: Data, search: Search, stored: preparation.Prepared) -> None:
    """Before any fit: a measure that no fold of some search could state."""
    if not data.labels or search.goal.measure not in NEEDS_BOTH:
        return
    trains = [train for train, _ in search.folds] if stored.split.mode == "nested" else []
    inner = [inner_folds(data, t, n_max=INNER_FOLDS, seed=search.seed) for t in trains]
    for folds in (search.folds, *inner):
        if not any(len(set(data.y[test])) == len(data.labels) for _, test in folds):
            raise InputError(
                "E-DATA",
                f"{search.goal.measure} needs both classes in one group, and the groups hold one each; "
                "choose balanced_accuracy, log_loss or brier, or other groups",
            )


def _search(
    state: UnderWay, stored: preparation.Prepared, folder: Path, digest: str, goal: Goal
) -> Search:
    """The search of steps 3 and 4: on all sounds when nested, on the development side when sealed."""
    asked = state.problem
    return Search(
        folder=folder,
        data_digest=digest,
        families=asked.spot_check.families,
        features=asked.preparation.features,
        folds=stored.split.folds,
        goal=goal,
        cap=asked.spot_check.cap,
        survivors=asked.spot_check.survivors,
        trials=asked.selection.trials,
        finalists=asked.selection.finalists,
        seed=state.seed,
    )


def _evaluate(
    state: UnderWay,
    folder: Path,
    data: Data,
    stored: preparation.Prepared,
    search: Search,
    choice: dict[str, Any],
) -> None:
    asked, split, rows = state.problem, stored.split, stored.observations
    sealed = split.mode == "sealed"
    outer = [(split.purged_development, split.sealed)] if sealed else split.folds
    chosen = choice["chosen"] | {
        key: choice[key] for key in ("temperature", "half_width", "beside")
    }
    key = digest_json([search.key, chosen if sealed else None])
    tasks = [
        OuterTask(
            number=number,
            train=train,
            test=test,
            search=search,
            chosen=chosen if sealed else None,
            sounds=tuple(zip(rows["path"], rows["start"], rows["stop"], strict=True)),
            root=asked.root,
            rate=stored.summary["rate"],
            n_outer=len(outer),
            result=state.folder / ".work" / key[:16] / f"{number:02d}.json",
        )
        for number, (train, test) in enumerate(outer)
    ]
    folds = run_outer(tasks, state.workers, state.progress)
    result = assemble(
        data,
        rows,
        search.goal,
        folds,
        kind=asked.kind,
        useful_from=asked.definition.useful_from,
        dont_know_below=asked.evaluation.dont_know_below,
        rate=stored.summary["rate"],
    )
    claimed = random_split(
        data,
        search,
        Candidate.from_json(choice["chosen"]),
        choice["temperature"],
        state.fits("random", search.data_digest),
    )
    write_table(folder / "predictions.csv", result.predictions)
    tried = pd.DataFrame([{"fold": f["fold"]} | row for f in folds for row in f["tried"]])
    write_table(folder / "tried.csv", tried)
    write_json(
        folder / "evaluation.json",
        result.summary
        | {
            "mode": split.mode,
            "why": split.why,
            "speaks_of": "the deployed model" if sealed else "the procedure",
            "random_split": claimed,
            "n_fits": result.summary["n_fits"] + claimed["n_folds"],
        },
    )


def _deploy(
    state: UnderWay,
    folder: Path,
    data: Data,
    stored: preparation.Prepared,
    choice: dict[str, Any],
    summary: dict[str, Any],
) -> None:
    with threadpool_limits(limits=1):  # like every fit, so that it is the model that was evaluated
        application.deploy(
            folder,
            state.problem,
            data,
            stored,
            choice,
            summary,
            seed=state.seed,
            digests=dict(state.digests),
        )


def _describe(
    state: UnderWay, source: Path, given: Path, name: str, stored: preparation.Prepared
) -> None:
    """``run.json``: versions, seed, digests and the command that makes this again."""
    words = ["ddasp", "run", str(source), "--out", str(given), "--seed", str(state.seed)]
    write_json(
        state.folder / "run.json",
        {
            "name": name,
            "folder": str(given),
            "version": ddasp.__version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "versions": versions(),
            "code": state.code,
            "seed": state.seed,
            "command": shlex.join(words),
            "sounds": state.problem.sounds.folder,
            "corpus_digest": stored.summary["corpus_digest"],
            "steps": state.digests,
        },
    )
