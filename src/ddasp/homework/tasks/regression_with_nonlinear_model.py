"""Task 2: regression with a non-linear model, derived on paper and trained with code of one's own.

A thousand samples (`regression_data`) that a linear model can't explain. Asked: how far it gets, the
equations of a network of tanh layers, the same in code without automatic differentiation, and a network
with few parameters and a small risk. Every step is looked at, not only the end: the left inverse by its
laws (`regression_linear`), each layer forward and each derivative backward
(`regression_backpropagation`), each training run from its start to its end (`regression_training`).

*Conventions*: Z = A W + b, parameters [W1, b1, W2, b2, ...], the risk is the mean of the squared
residuals, without 1/2. A change of the data of any student counts `VERSION` up.

*References*: D. E. Rumelhart, G. E. Hinton and R. J. Williams, Nature 323, 1986; G. Strang, "Linear
Algebra and Learning from Data", 2019, part VII.
"""

from __future__ import annotations

from ddasp.homework.draw import Draw, student_id
from ddasp.homework.parts import Part, Sheet, Task
from ddasp.homework.tasks.regression_backpropagation import (
    backward_calls,
    forward_calls,
    judge_backward,
    judge_forward,
)
from ddasp.homework.tasks.regression_data import draw_sheet
from ddasp.homework.tasks.regression_linear import (
    analysis_calls,
    judge_analysis,
    judge_linear,
    linear_calls,
)
from ddasp.homework.tasks.regression_training import (
    RUNGS,
    THRESHOLDS,
    judge_small,
    judge_training,
    small_calls,
    training_calls,
)

__all__ = ["TASK", "THRESHOLDS", "draw"]

NAME = "regression_with_nonlinear_model"
VERSION = 1

INTRODUCTION = """\
`data.csv` holds {n_rows} samples of two features x₁, x₂ and a target y, without noise; the first row is
{first_row}. The target has mean 0 and variance 1, so the risk of a model is the share of
the variance that it leaves. Something non-linear made these data: find out how far a linear model gets,
and what a small network of tanh units can do.

The network has any number of tanh layers and one linear output. With A₀ = X and layer l of m,

    Z_l = A_(l-1) W_l + b_l        A_l = tanh(Z_l) for l < m        A_m = Z_m

where X has a row for each observation, (N, F), W_l is (n_in, n_out) and b_l (n_out,). Parameters are one
list of NumPy arrays, [W1, b1, W2, b2, ...]. The empirical risk L is the mean over the N observations of
the squared residual (A_m − y)², without a factor 1/2.

Every function works with any numbers of features, layers, units and observations that its arguments
have, uses nothing but its arguments, and leaves these as they are."""

LINEAR = """\
Write the linear model y = b + w₁x₁ + w₂x₂ as B θ with θ = [b, w₁, w₂] and solve it by the left inverse
(BᵀB)⁻¹Bᵀ: `left_inverse(A)` of any tall matrix with independent columns, `linear_model(X, y)` with θ, and
`linear_risk(theta, X, y)` with the mean of the squared residuals. Least squares, pseudo-inverse and SVD of
NumPy are refused; `numpy.linalg.solve` and `numpy.linalg.inv` are not."""

LINEAR_STUB = '''
import numpy as np


def left_inverse(A):
    """The left inverse (n, m) of a matrix A (m, n) with independent columns that projects onto them."""
    raise NotImplementedError("Task 2.1: the left inverse")


def linear_model(X, y):
    """theta = [bias, w1, w2] of the linear model with the smallest risk; X (N, 2), y (N,)."""
    raise NotImplementedError("Task 2.1: the linear model")


def linear_risk(theta, X, y):
    """Mean of the squared residuals of a linear model theta = [bias, w1, w2], any theta."""
    raise NotImplementedError("Task 2.1: the risk of a linear model")
'''

EQUATIONS = """\
On paper: choose a network with two tanh layers. Write down the forward equations with the shape of every
array, the risk, and by the chain rule ∂L/∂Z, ∂L/∂W and ∂L/∂b of each layer, from the last to the first;
where each sum over the observations comes from; the equations for m layers."""

FORWARD = """\
`forward(parameters, X)` gives a dict with "Z": [Z1, ..., Zm], "A": [A1, ..., Am], each (N, n_units), and
"prediction": (N,)."""

FORWARD_STUB = '''
def forward(parameters, X):
    """What each layer computes.

    parameters: [W1, b1, ..., Wm, bm]; X (N, F). Gives a dict:
    "Z": [Z1, ..., Zm], "A": [A1, ..., Am] with A = tanh(Z), but Am = Zm; "prediction" (N,).
    """
    raise NotImplementedError("Task 2.3: the forward pass")
'''

BACKWARD = """\
`risk(parameters, X, y)` gives the risk; `backward(parameters, X, y)` a dict with "deltas":
[∂L/∂Z1, ..., ∂L/∂Zm], each (N, n_units), and "gradients": [∂L/∂W1, ∂L/∂b1, ∂L/∂W2, ...] in the order and
the shapes of the parameters. Your own equations, without automatic differentiation; difference quotients
are for testing them. They are compared with the derivatives of the risk at points that you don't know,
with one, two and three tanh layers, and once with targets so large that a quotient has no digits left."""

BACKWARD_STUB = '''
def risk(parameters, X, y):
    """Mean over the observations of (prediction - y)^2; X (N, F), y (N,)."""
    raise NotImplementedError("Task 2.4: the risk")


def backward(parameters, X, y):
    """Derivatives of the risk.

    Gives a dict: "deltas": [dL/dZ1, ..., dL/dZm], each (N, n_units);
    "gradients": [dL/dW1, dL/db1, ..., dL/dWm, dL/dbm], each in the shape of its parameter.
    """
    raise NotImplementedError("Task 2.4: the derivatives")
'''

TRAINING = """\
Choose a network and train it. `network()` gives the widths of its tanh layers, [8] for one layer of
eight units; `initial(seed)` its parameters before the first step, every W drawn from a generator that is
made of the seed (b too, or it begins at 0); `train(X, y, steps, seed)` a dict with "parameters" after
the last step and "history": the risk on X, y at the start and after each step, steps + 1 numbers.
Training begins at `initial(seed)`.

What a step is, you decide (gradient descent, momentum, Adam, ...). It may depend on the number of steps
that are done, but not on how many are still to come: a shorter run is the beginning of a longer one.
Called again with the same seed, all numbers are the same. It learns from other data, too: on each of two
hidden sets of 200 samples the risk falls by 5 % or more within 200 steps. Set SEED and STEPS (at most
50,000) to what you used for part 6. For a grade, `train(X, y)` on your data must end within 25 seconds,
and all of the program within 60."""

TRAINING_STUB = '''
SEED = 0  # yours to choose
STEPS = 1000  # yours to choose


def network():
    """Widths of the tanh layers, from the input on."""
    raise NotImplementedError("Task 2.5: the network")


def initial(seed=SEED):
    """Parameters [W1, b1, W2, b2, ...] at the start, for 2 features; the same seed, the same numbers."""
    raise NotImplementedError("Task 2.5: the parameters at the start")


def train(X, y, steps=STEPS, seed=SEED):
    """Train from initial(seed) on X (N, 2), y (N,).

    Gives a dict: "parameters" after the last step, "history": [risk at the start, after step 1, ...].
    """
    raise NotImplementedError("Task 2.5: the training")
'''

SMALL = """\
Find a network with as few parameters as possible and a small risk on your data, as `train(X, y)` with your
SEED and STEPS gives it: {ladder}. One network may reach all of them. Keep a table of what you
tried, risk over number of parameters; the board shows yours beside the linear model and the thresholds.
`n_parameters(widths)` gives the number of parameters of a network with 2 features, tanh layers of these
widths, and one output; all W and b count."""

SMALL_STUB = '''
def n_parameters(widths):
    """Number of entries of all W and b, for 2 features, tanh layers of these widths, and one output."""
    raise NotImplementedError("Task 2.6: the number of parameters")
'''

FRAMEWORK = """\
At home: build the network of part 6 in PyTorch or TensorFlow, start it with the parameters of
`initial(SEED)`, and train it with the same kind of step. Hand in the columns step, own, framework: the risk
of both at the start and after 1, 2, 5, 10, 20, 50, ... steps, with the name and version of the framework in
the first line, after a #. Do both agree, how long, and why no longer? It is handed in as data; graded code
can't import a framework."""

RESIDUALS = """\
What is left? With the residual r = y − prediction, `residual_analysis(X, y, predicted)` gives a dict with
"mean" and "std" (with 1/N) of r; "r2", 1 − Σr² / Σ(y − mean of y)²; "largest", the largest |r|, and
"where", its row counted from 0; "correlation", the correlation of r with each column of X, a list."""

RESIDUALS_STUB = '''
def residual_analysis(X, y, predicted):
    """Numbers of the residual r = y - predicted; X (N, F), y (N,), predicted (N,).

    Gives a dict: "mean", "std" (with 1/N), "r2", "largest" (of |r|), "where" (row, from 0),
    "correlation" (of r with each column of X, a list of F numbers).
    """
    raise NotImplementedError("Task 2.8: the analysis of residuals")
'''

DISCUSSION = """\
In a few sentences each, with figures where they say more: where in the plane of x₁ and x₂ are the
residuals of the linear model and of your network large, and why there? What do training runs with other
seeds come to? Why does a network of fewer parameters fail, or need more attempts? What do the weights of
your network tell about how the data were made?"""


def draw(student: str) -> Sheet:
    """The data of one student.

    Parameters
    ----------
    student : str
        The id.

    Returns
    -------
    Sheet
        With ``data.csv``: x1, x2, y in 1,000 rows.

    Examples
    --------
    >>> draw("example").files["data.csv"].splitlines()[:2]
    ['x1,x2,y', '1.97,-0.75,0.650217']
    """
    student = student_id(student)
    sheet = draw_sheet(Draw(NAME, str(VERSION), student), student)
    rungs = [
        f"below {THRESHOLDS[name]:g} with at most {most} parameters" for name, most, _ in RUNGS
    ]
    return Sheet(student, files=sheet.files, words={**sheet.words, "ladder": ", ".join(rungs)})


PARTS = (
    Part(
        "1",
        "Linear model by left inverse",
        LINEAR,
        12.0,
        (
            "The column of ones belongs to the matrix; what is orthogonal to what when the risk is "
            "smallest?",
            "The residual y − B θ is orthogonal to every column of B: three equations for three "
            "unknowns.",
        ),
        LINEAR_STUB,
        linear_calls,
        judge_linear,
    ),
    Part(
        "2",
        "Forward and backward equations on paper",
        EQUATIONS,
        12.0,
        (
            "Begin with one observation and one unit in each layer; then let the shapes tell where a "
            "transpose and a sum belong.",
            "One entry of W₁ acts on the risk through every observation; one entry of Z₁ through a "
            "single one.",
        ),
        files=("equations.pdf",),
    ),
    Part(
        "3",
        "Forward pass in code",
        FORWARD,
        10.0,
        (
            "Loop over the pairs (W, b); what one layer gives is what the next one gets.",
            "The last layer is left as it is; the prediction is its only column, as a vector.",
        ),
        FORWARD_STUB,
        forward_calls,
        judge_forward,
    ),
    Part(
        "4",
        "Risk and backward pass in code",
        BACKWARD,
        20.0,
        (
            "Compare with a difference quotient of your own `risk`, one parameter at a time, and begin "
            "with the last layer: which is the first that differs, and by which factor?",
            "Derive the mean of squares with all its factors first. Below, each delta is what comes "
            "back through W of the layer above, times the slope of tanh where Z is - which A knows.",
        ),
        BACKWARD_STUB,
        backward_calls,
        judge_backward,
    ),
    Part(
        "5",
        "Training that reproduces",
        TRAINING,
        14.0,
        (
            "Make one generator of the seed, in `initial`, and draw everything from it; note the risk "
            "before the first step and after each.",
            "`train` begins with its own copy of what `initial(seed)` gives; the last entry of the "
            "history is computed after the last update.",
        ),
        TRAINING_STUB,
        training_calls,
        judge_training,
    ),
    Part(
        "6",
        "A small network below the thresholds",
        SMALL,
        14.0,
        (
            "Begin with more units than needed and take some away; try several seeds and look at the "
            "history: does it still fall, does it oscillate, has it come to rest?",
            "One tanh layer is enough. A step with momentum, or one that adapts its size to each "
            "parameter, gets where a plain one comes to rest.",
        ),
        SMALL_STUB,
        small_calls,
        judge_small,
    ),
    Part(
        "7",
        "Comparison with a framework",
        FRAMEWORK,
        6.0,
        (
            "Frameworks compute in single precision and draw their own initial weights unless told "
            "otherwise.",
            "Copy your W and b into the framework's layers (some keep W transposed), use double "
            "precision, and make the first step by hand.",
        ),
        files=("comparison.csv",),
    ),
    Part(
        "8",
        "Analysis of the residuals",
        RESIDUALS,
        6.0,
        (
            "The mean of r need not be 0; where does it enter std and r2, and where not?",
            "The largest |r| may belong to a negative r; a correlation is a mean of products of "
            "standardised numbers.",
        ),
        RESIDUALS_STUB,
        analysis_calls,
        judge_analysis,
    ),
    Part(
        "9",
        "Discussion",
        DISCUSSION,
        6.0,
        (
            "A figure with x₁ and x₂ as axes and the residual as colour says much.",
            "Each unit is a step along one direction; its W gives the direction, its b the place.",
        ),
    ),
)

TASK = Task(
    NAME,
    "Regression with a non-linear model",
    VERSION,
    INTRODUCTION,
    PARTS,
    draw,
    allowed=("collections", "dataclasses", "functools", "itertools", "math", "numpy", "typing"),
    refused=(
        "numpy.linalg.lstsq",
        "numpy.linalg.pinv",
        "numpy.linalg.svd",
        "numpy.linalg.svdvals",
        "numpy.ma.polyfit",
        "numpy.polyfit",
        "numpy.polynomial",
    ),
    board=("parameters", "risk"),
    thresholds=tuple(THRESHOLDS.items()),
)
