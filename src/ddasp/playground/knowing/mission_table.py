"""The missions themselves, from the easiest to the hardest.

*Conventions*: texts are for the page. Every bound is one that a training reaches; the tests train them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ddasp.playground.settings import INPUT_KEYS

__all__ = ["ALL", "Bound", "Mission", "Note"]

DATA = (
    "source",
    "problem",
    "dataset",
    "regDataset",
    "noise",
    "dataSeed",
    "percTrainData",
    "percValidation",
)
SQUARED = ("loss",)


@dataclass(frozen=True)
class Bound:
    """One thing to reach: a fact on the right side of a number.

    Parameters
    ----------
    text, fact : str
    relation : str
        "<=" or ">=".
    bound : float
    """

    text: str
    fact: str
    relation: str
    bound: float


@dataclass(frozen=True)
class Note:
    """A fact that is kept: its value under some settings, from an epoch on.

    Parameters
    ----------
    key, fact : str
    when : dict
        Settings under which it is noted.
    least_epoch : float
    same : tuple of str
        Settings that all notes of a mission must share.
    """

    key: str
    fact: str
    when: Mapping[str, Any]
    least_epoch: float
    same: tuple[str, ...]


@dataclass(frozen=True)
class Mission:
    """A task: where it starts, what stays, and what has to be reached.

    Parameters
    ----------
    key, title, task, lesson, hint : str
        The lesson is told when it is done.
    settings : dict
        Where it starts; others are at their defaults.
    pinned : tuple of str
        Settings that must stay.
    bounds : tuple of Bound
    notes : tuple of Note
        What is remembered from training to training.
    differences : tuple of (str, str, str)
        Facts that are one note less another.
    needs : tuple of str
        Panels whose diagnostics it asks about.
    """

    key: str
    title: str
    task: str
    lesson: str
    hint: str
    settings: Mapping[str, Any]
    pinned: tuple[str, ...]
    bounds: tuple[Bound, ...]
    notes: tuple[Note, ...] = ()
    differences: tuple[tuple[str, str, str], ...] = ()
    needs: tuple[str, ...] = ()


def _only(*keys: str) -> dict[str, bool]:
    return {key: key in keys for key in INPUT_KEYS}


def _most(fact: str, bound: float, text: str) -> Bound:
    return Bound(text, fact, "<=", bound)


def _least(fact: str, bound: float, text: str) -> Bound:
    return Bound(text, fact, ">=", bound)


ALL = (
    Mission(
        "line",
        "One straight line",
        "Two clouds of points, and one line is enough. Take all hidden layers away and decide at "
        "least 95 % of the test points right with three numbers: two weights and a bias.",
        "Without hidden layers the output is f(w₁x₁ + w₂x₂ + b): its boundary, where the sum is "
        "zero, is a straight line. Three numbers place it.",
        "Press − at the hidden layers until none is left, then play.",
        {"dataset": "gauss", "noise": 20, "networkShape": "4,2"},
        DATA,
        (
            _most("n_parameters", 3, "At most 3 numbers"),
            _least("test_accuracy", 0.95, "Test accuracy at least 95 %"),
        ),
    ),
    Mission(
        "feature",
        "The right input",
        "A disc inside a ring is no task for a line. Still: no hidden layer, at most three numbers, "
        "and a test loss of at most 0.02. Choose what the network is fed.",
        "In the coordinates x₁² and x₂² the circle is a straight line. A feature that suits the "
        "problem does what layers would have to learn.",
        "Which two inputs make r² = x₁² + x₂²? Switch the others off. If the loss stays at 1, all points "
        "get the same answer with certainty, and half of them a wrong one: standardise the inputs.",
        {"dataset": "circle", "networkShape": ""},
        (*DATA, *SQUARED),
        (
            _most("n_parameters", 3, "At most 3 numbers"),
            _most("test_loss", 0.02, "Test loss at most 0.02"),
        ),
    ),
    Mission(
        "triangle",
        "Three lines around a disc",
        "The same disc, fed with x₁ and x₂ alone. Enclose it with as few units as can be: at most "
        "13 numbers, and at least 95 % of the test points right.",
        "Each hidden unit draws one line, the output adds them up. Three lines are the fewest that "
        "enclose anything: a triangle.",
        "Three units in one layer make 2·3 + 3 + 3 + 1 = 13 numbers. If a start gets stuck, take "
        "another seed.",
        {"dataset": "circle", "networkShape": "8"},
        (*DATA, *INPUT_KEYS),
        (
            _most("n_parameters", 13, "At most 13 numbers"),
            _least("test_accuracy", 0.95, "Test accuracy at least 95 %"),
        ),
    ),
    Mission(
        "hidden",
        "Exclusive or",
        "Opposite quarters belong together, and the product x₁x₂ is not to be had. Decide at least "
        "95 % of the test points right with at most 13 numbers.",
        "No single line parts the quarters; hidden units cut the plane into pieces that the last "
        "layer can join. This was the example that showed what one layer can't do.",
        "Three units in one layer make 2·3 + 3 + 3 + 1 = 13 numbers; two are one too few for quarters "
        "of the whole plane. If a start gets stuck, take another seed.",
        {"dataset": "xor", "networkShape": ""},
        (*DATA, *INPUT_KEYS),
        (
            _most("n_parameters", 13, "At most 13 numbers"),
            _least("test_accuracy", 0.95, "Test accuracy at least 95 %"),
        ),
    ),
    Mission(
        "symmetry",
        "All zero",
        "This network starts with every weight at zero and does not learn. Find out why, and bring "
        "it to a test accuracy of at least 95 % without another start: type weights in by hand.",
        "With W₂ = 0 nothing comes back to the first layer, with W₁ = 0 nothing comes out of it: both "
        "gradients are products with a zero. And equal units stay equal. Chance in the first "
        "weights is what tells them apart.",
        "Click links and give a few weights different values, such as 0.5 and −0.5, in both "
        "layers; then play. The formula panel shows which factors are zero.",
        {"dataset": "circle", "networkShape": "4", "init": "zero"},
        (*DATA, *INPUT_KEYS, "init"),
        (
            _least("n_updates", 25, "Trained for at least 25 updates"),
            _least("test_accuracy", 0.95, "Test accuracy at least 95 %"),
        ),
    ),
    Mission(
        "scale",
        "It blows up",
        "Press play: after a moment the loss is no number any more. Keep the learning rate, the "
        "optimiser and the inputs, and reach R² of at least 0.95 on the test points.",
        "A squared coordinate reaches 36, and its mean square, E[x⁴], is the curvature along its "
        "weight: about 259, where 2 / 0.03 = 67 is the limit. Standardised inputs have 1.",
        "The stability panel names the input. Scaling is among the inputs.",
        {
            "problem": "regression",
            "regDataset": "reg-plane",
            "networkShape": "",
            "learningRate": 0.03,
            "optimizer": "sgd",
            **_only("x", "y", "xSquared", "ySquared"),
        },
        (*DATA, *INPUT_KEYS, "learningRate", "optimizer", "batchSize"),
        (
            _least("n_updates", 25, "Trained for at least 25 updates"),
            _least("test_r2", 0.95, "Test R² at least 0.95"),
        ),
    ),
    Mission(
        "edge",
        "At the edge of stability",
        "Plain gradient descent on all points at once. Train until the steepest curvature has climbed "
        "to the limit, 2 / learning rate, and stays there, with a training loss of at most 0.01 and "
        "no divergence.",
        "Gradient descent makes the loss steeper as it goes, until the steepest direction stands "
        "at 2 / learning rate. There it rattles and goes on: steeper it can't be. So the learning "
        "rate decides how sharp a minimum is found.",
        "Take a larger learning rate, such as 0.1, and watch the stability panel for some thousand "
        "updates. Too large, and it never settles.",
        {
            "problem": "regression",
            "regDataset": "reg-sine1d",
            "networkShape": "8,8",
            "batchSize": 1000,
            "optimizer": "sgd",
            "learningRate": 0.03,
            **_only("x"),
        },
        (*DATA, *INPUT_KEYS, "networkShape", "activation", "batchSize", "optimizer", "scale"),
        (
            _least("n_updates", 1000, "Trained for at least 1,000 updates"),
            _most("train_loss", 0.01, "Training loss at most 0.01"),
            _least("sharpness_share", 0.9, "Steepest curvature at least 0.9 of the limit"),
            _most("sharpness_share", 1.5, "and at most 1.5 of it: the limit was reached by training"),
        ),
        needs=("stability",),
    ),
    Mission(
        "sine",
        "A sine from bends",
        "One input, one output: y = sin x between −6 and 6. Follow it with R² of at least 0.95 on the "
        "test points, with x as the only input and at most 19 numbers.",
        "A tanh unit is one bend. The sine has four; the output layer adds bends, as a sum of steps "
        "approximates any curve.",
        "Six units make 6 + 6 + 6 + 1 = 19 numbers. Adam gets there soon, plain descent takes its "
        "time.",
        {
            "problem": "regression",
            "regDataset": "reg-sine1d",
            "networkShape": "2",
            **_only("x"),
        },
        (*DATA, *INPUT_KEYS),
        (
            _most("n_parameters", 19, "At most 19 numbers"),
            _least("test_r2", 0.95, "Test R² at least 0.95"),
        ),
    ),
    Mission(
        "rings",
        "Three rings",
        "Three classes, one around the other, and a softmax at the end. At most 21 numbers, and at "
        "least 97 % of the test points right.",
        "Softmax gives each class a score, and the largest decides. The hidden units are shared: "
        "the same lines serve all three.",
        "Three units in one layer make 2·3 + 3 + 3·3 + 3 = 21 numbers. Adam helps, and perhaps "
        "another seed.",
        {"dataset": "rings3", "networkShape": "2"},
        (*DATA, *INPUT_KEYS),
        (
            _most("n_parameters", 21, "At most 21 numbers"),
            _least("test_accuracy", 0.97, "Test accuracy at least 97 %"),
        ),
    ),
    Mission(
        "few",
        "Few points, large network",
        "Fifty points with noisy labels, and a network that can learn them by heart: two layers of "
        "eight. Reach a test loss of at most 0.17 without making the network smaller.",
        "What the training loss gains by following single noisy points the test loss pays, here "
        "twice over. A penalty, or stopping where the validation loss turns, keeps the network from it.",
        "Try L2 with a rate of 0.01 to 0.03. Choose by the validation loss, and look at the test once.",
        {
            "dataset": "circle",
            "noise": 30,
            "percTrainData": 10,
            "networkShape": "8,8",
            "optimizer": "adam",
        },
        (*DATA, *SQUARED, *INPUT_KEYS, "networkShape"),
        (_most("test_loss", 0.17, "Test loss at most 0.17"),),
    ),
    Mission(
        "leak",
        "Find the leak",
        "Sounds of the same source resemble each other. Train the same network twice from its first "
        "weights, for at least 30 epochs each, split by file and split by group. How much better does "
        "the first pretend to be? Find 5 points of test accuracy or more.",
        "Split by file, other sounds of each test sound's source stand in training, and the network "
        "is asked what it has already heard. Only new groups say what it will do out there.",
        "The switch is among the data settings. Press reset after it, or the network is tested on what "
        "it has learned before; change nothing else between the two trainings.",
        {
            "source": "sound",
            "split": "file",
            "featureSet": "mfcc",
            "columns": "1,2,3,4,5,6,7,8",
            "scale": "standard",
            "networkShape": "8",
            "optimizer": "adam",
        },
        ("source", "percTrainData", "percValidation", "dataSeed"),
        (
            _least("noted_file", 0.0, "Trained by file for 30 epochs: test accuracy"),
            _least("noted_group", 0.0, "Trained by group for 30 epochs: test accuracy"),
            _least("leak", 0.05, "By file at least 0.05 better"),
        ),
        notes=tuple(
            Note(
                split,
                "test_accuracy",
                {"split": split},
                30,
                ("networkShape", "activation", "optimizer", "learningRate", "loss", "columns",
                 "featureSet", "scale", "seed", "batchSize", "regularization", "regularizationRate"),
            )
            for split in ("file", "group")
        ),
        differences=(("leak", "file", "group"),),
    ),
    Mission(
        "spiral",
        "The spiral",
        "Two arms wound around each other: a test loss below 0.05 with at most 30 numbers.",
        "A network of six layers of eight units has 393 numbers. What it is fed, its shape and how it is "
        "trained all count; the last per cent of a model is found by trying out with a plan.",
        "The sines of both coordinates are worth more than a second layer. Adam, and patience; a "
        "second seed is no shame.",
        {"dataset": "spiral", "networkShape": "8,8"},
        (*DATA, *SQUARED),
        (
            _most("n_parameters", 30, "At most 30 numbers"),
            _most("test_loss", 0.05, "Test loss below 0.05"),
        ),
    ),
)  # fmt: skip
