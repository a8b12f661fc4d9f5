"""The tables and keys of `problem.toml`, each with its description, bounds and default.

The descriptions are the comments of the file that `ddasp init` writes, so that neither can drift
from the other.

*Conventions*: times in s, rates in Hz. Texts may stay blank; the report then shows them as left
blank. Paths are relative to the folder of `problem.toml`.

*References*: Elkan 2001, "The foundations of cost-sensitive learning".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from ddasp._errors import InputError
from ddasp.procedure.measures import MEASURES
from ddasp.procedure.settings_errors import line, nearest, refuse, unfit

__all__ = [
    "FAMILY_NAMES",
    "FEATURE_NAMES",
    "LEAST_HOP",
    "MOST_OVERLAP",
    "Definition",
    "Evaluation",
    "Kind",
    "Preparation",
    "Problem",
    "Run",
    "Selection",
    "Sounds",
    "SpotCheck",
    "Table",
    "Window",
]

Kind = Literal["binary", "multi-class", "regression"]
FeatureName = Literal["levels", "descriptors", "mfcc", "trajectories", "logmel"]
FamilyName = Literal[
    "majority", "rule", "linear", "neighbours", "kernel", "svm", "tree", "forest", "mlp", "cnn"
]
FEATURE_NAMES: tuple[FeatureName, ...] = get_args(FeatureName)
FAMILY_NAMES: tuple[FamilyName, ...] = get_args(FamilyName)

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Folder = re.compile(r"folder(:[1-9])?")
MOST_OVERLAP, LEAST_HOP = 1000, 1e-3  # windows that a sample may lie in; s


class Table(BaseModel):
    """What all tables share: they are frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Definition(Table):
    """Table ``[problem]``: the question, and the measure that answers it."""

    question: str = Field(default="", description="What is to be found out from a sound?")
    purpose: str = Field(default="", description="What is the answer used for?")
    affected: str = Field(default="", description="Who is affected by the answer?")
    cost_of_wrong_answer: str = Field(
        default="", description="What does a wrong answer cost, and whom?"
    )
    human_solution: str = Field(default="", description="How does a human solve it, and how well?")
    machine_needed: str = Field(default="", description="Is a machine needed? What else would do?")
    kind: Kind = Field(
        default="multi-class",
        description='What the answer is: "binary" (one of two classes), "multi-class" or '
        '"regression" (a number).',
    )
    measure: str = Field(
        default="",
        description="The one measure that decides. Blank: accuracy, or mae for a regression.",
    )
    useful_from: float | None = Field(
        default=None,
        allow_inf_nan=False,
        description="The smallest value of the measure (largest for an error) that would be of "
        "use. Without it there is no verdict.",
        examples=[0.8],
    )
    positive: str = Field(
        default="",
        description="Binary only: the class that is looked for. Blank: the second by alphabet.",
    )
    unit: str = Field(
        default="", description='Regression only: the unit of the target, such as "s".'
    )
    cost: dict[str, dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]]] | None = Field(
        default=None,
        description="What each wrong decision costs: cost.TRUE_CLASS = { DECIDED_CLASS = 5.0 }. "
        "Pairs that are not named cost 1, right decisions 0.",
    )

    @model_validator(mode="after")
    def _agree(self) -> Definition:
        if self.kind == "regression" and self.cost:
            raise unfit("cost", "a cost matrix", "nothing, for it belongs to classes")
        if self.kind != "binary" and self.positive:
            raise unfit("positive", self.positive, 'nothing, unless kind is "binary"')
        fitting = [name for name, measure in MEASURES.items() if self.kind in measure.kinds]
        if self.measure and self.measure not in fitting:
            allowed = f"a measure for {self.kind}: {', '.join(fitting)}"
            raise unfit("measure", self.measure, allowed, nearest(self.measure, fitting))
        decisive = MEASURES[self.measure or ("mae" if self.kind == "regression" else "accuracy")]
        if self.useful_from is not None and not decisive.low <= self.useful_from <= decisive.high:
            allowed = (
                f"a value that {decisive.title} can take, {decisive.low:g} to {decisive.high:g}"
            )
            raise unfit("useful_from", f"{self.useful_from:g}", allowed)
        if self.measure == "cost" and not self.cost:
            raise unfit("measure", "cost", "a table [problem.cost] beside it")
        return self


class Window(Table):
    """Table ``[sounds.window]``: the piece of a long recording that is decided on."""

    length: Positive = Field(le=3600, description="Length of a window in s.", examples=[1.0])
    hop: Positive | None = Field(
        default=None,
        description="From one window's start to the next in s. Not given: the length.",
        examples=[1.0],
    )

    @model_validator(mode="after")
    def _moves(self) -> Window:
        least = max(self.length / MOST_OVERLAP, LEAST_HOP)
        if self.hop is not None and self.hop < least:
            raise unfit("hop", self.hop, f"at least {least:g}: windows would hardly move")
        return self


class Sounds(Table):
    """Table ``[sounds]``: where the sounds lie, and how label and group are known."""

    folder: str = Field(default=".", description="The folder of sounds.")
    labels: str = Field(
        default="auto",
        description='Where the label comes from: "folder" (the folder that holds the file), '
        '"folder:1" (the first folder below the root), "pattern", "table", "tracks"; "auto" takes '
        "the table, else the pattern, else the tracks, where they give labels, else the folder.",
    )
    group: str = Field(
        default="auto",
        description="Where the group comes from (speaker, device, recording, day: what new sounds "
        'will not share with these): "folder", "folder:1", "pattern", "table", "file" or "none"; '
        '"auto" takes the table or the pattern where they name a group.',
    )
    pattern: str = Field(
        default="",
        description="Regular expression with the names label (or target) and group. It is matched "
        "in full against the file name without its ending or, when it contains a slash, against "
        "the path below the folder without its ending.",
        examples=[r"(?P<label>\d)_(?P<group>[a-z]+)_\d+"],
    )
    table: str = Field(
        default="",
        description="CSV with the column file, and label (or target), group; with start and stop "
        "(in s) a file may have many rows, and a window is needed.",
        examples=["labels.csv"],
    )
    tracks: Literal["", "csv", "audacity"] = Field(
        default="",
        description='Label tracks beside each sound: "audacity" (name.txt: start, stop, '
        'label between tabs) or "csv" (name.csv with the columns start, stop, label). They need '
        "a window.",
        examples=["audacity"],
    )
    background: str = Field(
        default="",
        description="Label of windows that no entry of a label track covers by more than "
        "half. Blank: they are left out and counted.",
    )
    rate: int | None = Field(
        default=None,
        ge=1000,
        le=192_000,
        description="Every sound is resampled to this rate in Hz. Not given: the smallest rate "
        "that one file in ten or more has, at most 16000.",
        examples=[16000],
    )
    max_duration: Positive = Field(
        default=3600.0, description="Longer files are rejected (s); a guard for memory."
    )
    window: Window | None = Field(
        default=None, description="Without this table a whole file is decided on."
    )

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            names = re.compile(pattern).groupindex if pattern else {"label": 0}
        except re.error as error:
            raise unfit("", pattern, f"a regular expression ({error})") from error
        if not {"label", "target", "group"} & set(names):
            raise unfit("", pattern, "a group named label, target or group")
        return pattern

    @model_validator(mode="after")
    def _agree(self) -> Sounds:
        given = {"pattern": self.pattern, "table": self.table, "tracks": self.tracks}
        allowed = {
            "labels": ("auto", "folder", "folder:1", "pattern", "table", "tracks"),
            "group": ("auto", "none", "file", "folder", "folder:1", "pattern", "table"),
        }
        for key, words in allowed.items():
            value = getattr(self, key)
            if value not in words and not Folder.fullmatch(value):
                expected = f"one of {', '.join(words)}"
                raise unfit(key, value, expected, nearest(value, words))
            if value in given and not given[value]:
                raise unfit(key, value, f"the key {value} beside it")
        if self.tracks and self.window is None:
            raise unfit("tracks", self.tracks, "a table [sounds.window] beside it")
        if self.background and not (self.tracks or self.table):
            raise unfit("background", self.background, "tracks or a table beside it")
        return self


class Preparation(Table):
    """Table ``[preparation]``."""

    features: Annotated[tuple[FeatureName, ...], Field(strict=False, min_length=1)] = Field(
        default=FEATURE_NAMES, description="Feature sets that are compared."
    )


class SpotCheck(Table):
    """Table ``[spot_check]``: the equal budget of every pair of family and feature set."""

    families: Annotated[tuple[FamilyName, ...], Field(strict=False, min_length=1)] = Field(
        default=tuple(name for name in FAMILY_NAMES if name != "cnn"),
        description='Families of models that are compared ("cnn" needs PyTorch).',
    )
    cap: int = Field(
        default=500,
        ge=20,
        description="Sounds that each model may learn from while many are compared.",
    )
    survivors: int = Field(
        default=3, ge=1, description="Pairs of family and feature set that go on to the selection."
    )


class Selection(Table):
    """Table ``[selection]``: the budget of the hyper-parameter search."""

    trials: int = Field(
        default=6, ge=0, description="Settings that are tried for each surviving pair."
    )
    finalists: int = Field(
        default=2,
        ge=1,
        description="Tuned candidates that are learned on all sounds before one is chosen.",
    )


class Evaluation(Table):
    """Table ``[evaluation]``."""

    sealed_share: float = Field(
        default=0.25,
        gt=0,
        le=0.5,
        description="Share of the groups (sounds, where no group is known) that is sealed for the "
        "test. When that would be fewer than ten, each is held out once instead.",
    )
    dont_know_below: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        description="Where the largest calibrated probability is below this, the answer is "
        '"don\'t know"; at 0.5 it would be wrong more often than right. 0: never.',
    )
    players: int = Field(
        default=300,
        ge=0,
        le=2000,
        description="Sounds that the report holds at most; 0: no sounds.",
    )


class Run(Table):
    """Table ``[run]``."""

    seed: int = Field(
        default=0, ge=0, le=2**31 - 1, description="Seed of everything that is drawn."
    )


class Problem(Table):
    r"""A whole `problem.toml`.

    Attributes
    ----------
    definition : Definition
        Table ``[problem]``.
    sounds, preparation, spot_check, selection, evaluation, run
        The tables of these names.

    Examples
    --------
    >>> problem = Problem(problem={"kind": "binary", "positive": "snore"})
    >>> problem.definition.positive, problem.sounds.labels, problem.run.seed
    ('snore', 'auto', 0)
    """

    definition: Definition = Field(default=Definition(), alias="problem")
    sounds: Sounds = Sounds()
    preparation: Preparation = Preparation()
    spot_check: SpotCheck = SpotCheck()
    selection: Selection = Selection()
    evaluation: Evaluation = Evaluation()
    run: Run = Run()
    _base: Path = PrivateAttr(default=Path("."))
    _name: str = PrivateAttr(default="problem.toml")

    @property
    def base(self) -> Path:
        """The folder of `problem.toml`; relative paths start there."""
        return self._base

    def at(self, base: Path, name: str = "problem.toml") -> Problem:
        """The same problem in another folder, under the name that messages about it use."""
        moved = self.model_copy()
        moved._base, moved._name = Path(base), name
        return moved

    @property
    def root(self) -> Path:
        """The folder of sounds."""
        return self._base / self.sounds.folder

    @property
    def kind(self) -> Kind:
        """Binary, multi-class or regression."""
        return self.definition.kind

    @property
    def measure(self) -> str:
        """The measure that decides, the default one where it was left blank."""
        default = "mae" if self.kind == "regression" else "accuracy"
        return self.definition.measure or default

    def to_json(self) -> dict[str, Any]:
        """All keys with their values, as tables; None where nothing was given."""
        return self.model_dump(by_alias=True, mode="json")

    def check_labels(self, labels: Sequence[str]) -> None:
        """Compare classes that were named with classes that were found.

        Raises
        ------
        InputError
            ``E-PROBLEM`` when a class of the cost matrix or the positive class does not exist,
            or the number of classes doesn't fit the kind.
        """
        errors = []
        cost = self.definition.cost or {}
        named = [("positive", self.definition.positive)] if self.definition.positive else []
        named += [("cost", name) for row in cost.items() for name in (row[0], *row[1])]
        for key, name in dict.fromkeys(named):
            if name not in labels:
                allowed = f"one of the classes found: {', '.join(labels)}"
                errors.append(line("problem", key, f'"{name}"', allowed, nearest(name, labels)))
        if self.kind == "binary" and len(labels) != 2:
            allowed = f'"multi-class", for {len(labels)} classes were found: {", ".join(labels)}'
            errors.append(line("problem", "kind", '"binary"', allowed))
        refuse(errors, self._name)

    def cost_matrix(self, labels: Sequence[str]) -> NDArray[np.float64] | None:
        r"""Costs of shape (n_classes, n_classes): row true, column decided; None without any.

        Examples
        --------
        >>> problem = Problem(problem={"kind": "binary", "cost": {"ok": {"faulty": 3}}})
        >>> problem.cost_matrix(["faulty", "ok"])
        array([[0., 1.],
               [3., 0.]])
        """
        if not self.definition.cost:
            return None
        self.check_labels(labels)
        costs = 1.0 - np.eye(len(labels))
        for true, row in self.definition.cost.items():
            for decided, value in row.items():
                costs[labels.index(true), labels.index(decided)] = value
        if (np.diag(costs)[:, np.newaxis] > costs).any() or not costs.any():
            raise InputError(
                "E-PROBLEM",
                "[problem.cost] makes a right decision dearer than a wrong one, or all free; expected "
                "a cost above that of the right decision for some wrong one",
            )
        return costs
