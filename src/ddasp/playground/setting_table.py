"""Everything that can be set, as one table: its bounds, its words, and what a change asks for.

The fields of `Settings` are the table. It drives all the rest: what is accepted, what stands in an
address, and which controls the page draws (all three in `settings`). Keys are those of the address;
where TensorFlow Playground has such a key it is the same one.

*Conventions*: `Settings` holds Python's types: lists are tuples, ``speed`` is a float, infinity for "max".
"""
# ruff: noqa: E501 - a table

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from ddasp.playground.datasets import DATASETS

__all__ = ["EFFECTS", "GROUPS", "INPUT_KEYS", "LARGEST_SEED", "SETTINGS", "Setting", "Settings"]

Kind = Literal["choice", "number", "whole", "switch", "numbers", "names", "text", "speed"]

# What a change asks for. The first three give new data, the next two a new network.
EFFECTS = {
    "points": "points are drawn anew",
    "split": "points are dealt anew to training, validation and test",
    "inputs": "the network is fed something else; weights of inputs that stay are kept",
    "shape": "units that stay keep their weights, new ones are drawn",
    "start": "training begins again from new first weights",
    "training": "training goes on from the same weights",
    "view": "only what is shown changes",
}
GROUPS = {
    "data": "Data",
    "inputs": "Inputs",
    "network": "Network",
    "training": "Training",
    "stops": "Stop by itself",
    "view": "View",
}
LARGEST_SEED = 2**31 - 1
MAX_LAYERS, MAX_UNITS, MAX_COLUMNS, MAX_HIDDEN = 6, 8, 8, 60


@dataclass(frozen=True)
class Setting:
    """One row of the table.

    Parameters
    ----------
    kind : str
        "choice", "number", "whole" (number), "switch", "numbers" (a list of whole ones), "names" (a
        list), "text" or "speed".
    default : object
        What it is unless told otherwise.
    label, help : str
        Its name, and one sentence on what it does.
    group : str
        One of `GROUPS`.
    effect : str
        One of `EFFECTS`.
    choices : dict of str to str
        Of a choice: each value in words.
    low, high, step : float
        Of a number: its bounds, and by how much a slider moves.
    most : int
        Of a list: how many entries it can have.
    menu : tuple of float
        Of a number: the values that a menu offers; others are allowed.
    when : dict of str to tuple of str
        The control is of use only while these settings have one of these values.
    """

    kind: Kind
    default: Any
    label: str
    help: str
    group: str
    effect: str
    choices: Mapping[str, str] = field(default_factory=dict)
    low: float = 0.0
    high: float = math.inf
    step: float = 1.0
    most: int = 1
    menu: tuple[float, ...] = ()
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _row(*args: Any, **more: Any) -> Any:
    row = Setting(*args, **more)
    return field(default=row.default, metadata={"row": row})


def _titles(kind: str) -> dict[str, str]:
    return {key: about.title for key, about in DATASETS.items() if about.kind == kind}


def _input(default: bool, formula: str) -> Any:
    return _row("switch", default, formula, f"Feed the network {formula}.", "inputs", "inputs", when={"source": ("toy", "own")})  # fmt: skip


RATES = (0.00001, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
PENALTIES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
TOY = {"source": ("toy",)}


# fmt: off
@dataclass(frozen=True)
class Settings:
    """A value for every setting; made by `parse`, which checks them.

    Examples
    --------
    >>> Settings().networkShape
    (4, 2)
    """

    source: str = _row("choice", "toy", "Source", "Where the points come from.", "data", "points", choices={
        "toy": "Drawn data set", "own": "Own points", "sound": "Sounds"})
    problem: str = _row("choice", "classification", "Problem", "Decide between classes, or predict a number.", "data", "points", choices={
        "classification": "Classification", "regression": "Regression"}, when=TOY)
    dataset: str = _row("choice", "circle", "Data set", "Which classes are drawn.", "data", "points",
        choices=_titles("classification"), when={**TOY, "problem": ("classification",)})
    regDataset: str = _row("choice", "reg-plane", "Data set", "Which values are drawn.", "data", "points",
        choices=_titles("regression"), when={**TOY, "problem": ("regression",)})
    noise: float = _row("number", 0.0, "Noise", "How far points or labels stray, in percent; the data set says which of the two.", "data", "points",
        high=50.0, step=5.0, when=TOY)
    dataSeed: int = _row("whole", 0, "Data seed", "Draws the points and deals them to training, validation and test; the same number gives the same data.", "data", "points",
        high=LARGEST_SEED)
    percTrainData: float = _row("number", 50.0, "Training share", "Percent of the points that the network learns from.", "data", "split",
        low=10.0, high=90.0, step=10.0)
    percValidation: float = _row("number", 20.0, "Validation share", "Percent of the points for decisions such as when to stop; at least 5 % stay for the test.", "data", "split",
        high=80.0, step=5.0)
    split: str = _row("choice", "group", "Split by", "Whether sounds of one speaker, device or day stay together; split by file they may stand on both sides, and the test flatters.", "data", "split", choices={
        "group": "Group", "file": "File"}, when={"source": ("sound",)})
    featureSet: str = _row("text", "", "Features", "Which measurements of the sounds are used.", "data", "points", when={"source": ("sound",)})
    x: bool = _input(True, "x₁")
    y: bool = _input(True, "x₂")
    xTimesY: bool = _input(False, "x₁x₂")
    xSquared: bool = _input(False, "x₁²")
    ySquared: bool = _input(False, "x₂²")
    cosX: bool = _input(False, "cos(x₁)")
    sinX: bool = _input(False, "sin(x₁)")
    cosY: bool = _input(False, "cos(x₂)")
    sinY: bool = _input(False, "sin(x₂)")
    columns: tuple[int, ...] = _row("numbers", (), "Columns", "Which columns the network is fed, one to eight, by number from 0; none: those that suit.", "inputs", "inputs",
        high=9999, most=MAX_COLUMNS, when={"source": ("own", "sound")})
    scale: str = _row("choice", "none", "Scaling", "Subtract each input's mean over the training points and divide by its standard deviation, or feed it as it is.", "inputs", "inputs", choices={
        "none": "None", "standard": "Standardise"})
    networkShape: tuple[int, ...] = _row("numbers", (4, 2), "Hidden layers", "Number of units in each hidden layer, none to six layers of one to eight.", "network", "shape",
        low=1, high=MAX_UNITS, most=MAX_LAYERS)
    activation: str = _row("choice", "tanh", "Activation", "What each hidden unit makes of its sum.", "network", "training", choices={
        "relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid", "linear": "Linear"})
    loss: str = _row("choice", "squared", "Loss", "What training makes small in classification; three or more classes always have cross-entropy, regression squared error.", "network", "training", choices={
        "squared": "Squared error", "entropy": "Cross-entropy"}, when={"problem": ("classification",)})
    init: str = _row("choice", "glorot", "First weights", "How weights are drawn before training.", "network", "start", choices={
        "glorot": "Glorot (ReLU: He), biases 0", "uniform": "Uniform ±½, biases 0.1", "zero": "All zero"})
    seed: int = _row("whole", 0, "Seed", "Draws the first weights and the order of the points; the same number gives the same training.", "network", "start",
        high=LARGEST_SEED)
    optimizer: str = _row("choice", "sgd", "Optimiser", "How the weights follow the gradient.", "training", "training", choices={
        "sgd": "Gradient descent", "momentum": "Momentum", "adam": "Adam"})
    learningRate: float = _row("number", 0.03, "Learning rate", "How far each update goes.", "training", "training",
        high=1e6, step=0.001, menu=RATES)
    momentum: float = _row("number", 0.9, "Momentum", "Share of the last update that the next one keeps.", "training", "training",
        high=0.999, step=0.01, when={"optimizer": ("momentum",)})
    batchSize: int = _row("whole", 10, "Batch size", "Number of points whose mean gradient makes one update.", "training", "training",
        low=1, high=1000)
    regularization: str = _row("choice", "none", "Penalty", "Keeps weights small: L1 by their magnitude, L2 by their square.", "training", "training", choices={
        "none": "None", "L1": "L1", "L2": "L2"})
    regularizationRate: float = _row("number", 0.0, "Penalty rate", "How much the penalty counts beside the loss.", "training", "training",
        high=1e6, step=0.001, menu=PENALTIES, when={"regularization": ("L1", "L2")})
    stopEpoch: int = _row("whole", 0, "Stop at epoch", "Training stops when this epoch is reached; 0 for never.", "stops", "view", high=1e9)
    stopLoss: float = _row("number", 0.0, "Stop at loss", "Training stops when the training loss has fallen to this; 0 for never.", "stops", "view", high=1e9, step=0.01)
    patience: int = _row("whole", 0, "Patience", "Training stops after this many epochs without a better validation loss (training loss where nothing is validated); 0 for never.", "stops", "view", high=1e9)
    speed: float = _row("speed", 1.0, "Speed", "Epochs between two pictures; 0.04 is one update of 250 points in tens, max is what the machine can do.", "view", "view",
        low=0.001, high=1000.0, menu=(0.04, 0.2, 1.0, 5.0, 20.0, 100.0, math.inf))
    showTestData: bool = _row("switch", False, "Show test data", "Also draw the points that the network does not learn from.", "view", "view")
    discretize: bool = _row("switch", False, "Discretise output", "Show the decision instead of the output.", "view", "view")
    plane: str = _row("choice", "slice", "Plane", "With more than two columns: which plane through them the map shows.", "view", "view", choices={
        "slice": "Slice at the median", "point": "Slice through a point", "pca": "Principal components"}, when={"source": ("own", "sound")})
    axisX: int = _row("whole", -1, "Horizontal axis", "Column along the map's lower edge, by number from 0; -1 for the first that is fed.", "view", "view", low=-1, high=9999, when={"source": ("own", "sound")})
    axisY: int = _row("whole", -1, "Vertical axis", "Column along the map's left edge, by number from 0; -1 for the second that is fed.", "view", "view", low=-1, high=9999, when={"source": ("own", "sound")})
    slicePoint: int = _row("whole", 0, "Point of the slice", "Number of the point through which the slice is laid.", "view", "view", high=1e6, when={"plane": ("point",)})
    hide: tuple[str, ...] = _row("names", (), "Hidden controls", "Controls that the page leaves out, for use in class.", "view", "view", most=MAX_HIDDEN)
    mission: str = _row("text", "", "Mission", "The task that is being solved.", "view", "view")
# fmt: on


SETTINGS: dict[str, Setting] = {one.name: one.metadata["row"] for one in fields(Settings)}
INPUT_KEYS = ("x", "y", "xTimesY", "xSquared", "ySquared", "cosX", "sinX", "cosY", "sinY")
