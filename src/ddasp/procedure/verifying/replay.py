"""The steps once more: their keys from what they depend on, their results from the ledgers.

The run's own text (`six_steps`) is carried out on a copy of nothing: where a run would compute, the
key is compared; where the fits of steps 3 to 5 stand in ledgers, their tables are made again in a
folder of scrap paper and compared. Nothing is fitted and nothing in the run folder is written.

*Conventions*: tables can be made again only by the source that made them; ``run.json`` holds its digest
(``code``). A fit that no ledger holds is not computed: what depends on it is not checked, and said.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ddasp._errors import DdaspError
from ddasp._files import Ledger, digest_json, read_json
from ddasp._progress import Progress, Silent
from ddasp.procedure.environment import code_digest
from ddasp.procedure.fits import Fits
from ddasp.procedure.outer import kept_fold, outer_fold
from ddasp.procedure.problem import Problem
from ddasp.procedure.run import UnderWay, six_steps
from ddasp.procedure.verifying.files import Step
from ddasp.procedure.verifying.findings import Findings, agree, differences
from ddasp.procedure.verifying.rows import read_table
from ddasp.procedure.workers import Note, Workers

__all__ = ["replay"]

AGAIN = ("1_problem", "3_spot_check", "4_selection", "5_evaluation")
MOST = 5  # differences that are named in one file
KEY = "settings, an earlier step, or code or seed in run.json were edited, or it is another run's"


class _NotKept(Exception):
    """A fit, or a fold, that would have to be computed."""


class _Looking(Workers):
    """Workers that look up folds which are kept, and compute nothing."""

    def __init__(self) -> None:
        super().__init__(1)

    def map(
        self,
        function: Callable[[Any], Any],
        tasks: Sequence[Any],
        *,
        on_result: Note | None = None,
        progress: Progress | None = None,
        what: str = "tasks",
        apart: bool = False,
    ) -> list[Any]:
        """What is kept for each task."""
        results = [kept_fold(task.result) if function is outer_fold else None for task in tasks]
        if None in results:
            raise _NotKept(f"{results.count(None)} results of '{what}' are not kept in .work")
        for position, result in enumerate(results):
            if on_result is not None:
                on_result(position, result)
        return results


@dataclass
class _Replay(UnderWay):
    """A run in which every step is compared in place of being computed."""

    known: dict[str, Step] = field(default_factory=dict)
    corpus_digest: str = ""
    again: bool = False
    differs: bool = False
    scrap: Path = Path()
    found: Findings = field(default_factory=Findings)

    def step(self, name: str, parts: Any, compute: Callable[[Path], None]) -> Path:
        """Compare the key, then the files that can be made again."""
        known, key = self.known[name], digest_json(parts)
        fits = key == known.key
        if not fits and not self.differs:  # one key that differs changes those after it
            self.found.fault(f"{name}/step.json", "key", key, known.key, KEY)
            self.differs = True
        if fits and self.again and name in AGAIN:
            self._compare(name, compute)
        self.digests[name] = known.digest
        return self.folder / name

    def fits(self, name: str, data_digest: str) -> Fits:
        """Fits that are kept; the ledger's file stays as it is."""
        path = self.folder / ".work" / data_digest[:16] / f"{name}.fits"
        return Fits(Ledger.look(path), self.workers, self.progress)

    def corpus(self) -> str:
        """The digest that the run noted; whether the sounds are still those is checked elsewhere."""
        return self.corpus_digest

    def note_opening(self, corpus: str, settings: str) -> None:
        """To look at what was seen before is no new look."""

    def _compare(self, name: str, compute: Callable[[Path], None]) -> None:
        made = self.scrap / name
        made.mkdir()
        try:
            compute(made)
        except _NotKept as error:
            self.found.unchecked(f"{name}: not made again, {error}")
            return
        n_faults = len(self.found.faults)
        for path in sorted(made.iterdir()):
            for place, expected, got in _differences(path, self.folder / name / path.name)[:MOST]:
                cause = "its ledgers in .work give another value; one of both was edited"
                self.found.fault(f"{name}/{path.name}", place, expected, got, cause)
        if len(self.found.faults) == n_faults and name != "1_problem":
            self.found.checked("again", f"{name}: made again from its ledgers, the same")


def _differences(made: Path, stands: Path) -> list[tuple[str, Any, Any]]:
    """Where a file that was made again differs from the one that stands there."""
    if made.suffix == ".json":
        return list(differences(read_json(made), read_json(stands)))
    expected, got = read_table(made), read_table(stands)
    if list(expected.columns) != list(got.columns) or len(expected) != len(got):
        return [("size", f"{len(expected)} rows", f"{len(got)} rows")]
    return [
        (f"{column} of row {row}", a, b)
        for column in expected.columns
        for row, (a, b) in enumerate(zip(expected[column], got[column], strict=True))
        if a != b and not agree(_number(a), _number(b))
    ]


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def replay(
    run: Path, asked: Problem, about: dict[str, Any], steps: dict[str, Step], found: Findings
) -> None:
    """Compare keys and what can be made again; ``run.json`` with what it says of both."""
    counts = read_json(run / "2_preparation" / "preparation.json")
    cause = "run.json was edited, or comes from another run"
    corpus = counts["corpus_digest"]
    found.same("run.json", "corpus_digest", corpus, about.get("corpus_digest"), cause)
    found.same("run.json", "sounds", asked.sounds.folder, about.get("sounds"), cause)
    code, seed = about.get("code"), about.get("seed")
    if not isinstance(code, str) or not isinstance(seed, int):
        found.unchecked("keys of the steps: run.json does not say code and seed")
        return
    again = code == code_digest()
    if not again:
        found.unchecked(
            f"steps 3 to 5 from their ledgers: ddasp {about.get('version')} on Python "
            f"{about.get('python')} made the run, and this is another version of ddasp, of Python or "
            "of its packages"
        )
    before = len(found.faults)
    with tempfile.TemporaryDirectory(prefix="ddasp-verify-") as scrap:
        state = _Replay(
            folder=run.resolve(),
            problem=asked,
            seed=seed,
            workers=_Looking(),
            progress=Silent(),
            times={},
            code=code,
            known=steps,
            corpus_digest=corpus,
            again=again,
            scrap=Path(scrap),
            found=found,
        )
        try:
            six_steps(state)
        except DdaspError as error:
            found.unchecked(f"keys and ledgers: {error.message}", fault_of="the run folder")
            return
    if len(found.faults) == before:
        found.checked("keys", "each step's key follows from what the step depends on")
