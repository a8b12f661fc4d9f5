"""How a state came about, as chapters of a lesson: a heading, sentences, and the code that they speak of.

*Conventions*: every chapter's code goes on from that of the chapters before. Floats are written by `repr`,
which loses nothing; names that came from outside are string literals only.
"""

from __future__ import annotations

import hashlib
import json
import pprint
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ddasp.nonlinear.engines import engine_of
from ddasp.playground.datasets import make
from ddasp.playground.points.inputs import INPUTS
from ddasp.playground.points.splitting import sets_for
from ddasp.playground.settings import Settings
from ddasp.playground.training.material import optimizer_for, spec_for

if TYPE_CHECKING:
    from ddasp.playground.training.stretches import State

__all__ = ["Chapter", "chapters_of", "digest"]

AT_ONCE = 20_000  # updates in one call of fit


@dataclass(frozen=True)
class Chapter:
    """A part of the lesson.

    Parameters
    ----------
    title, prose, code : str
    """

    title: str
    prose: str
    code: str


def digest(theta: Sequence[NDArray]) -> str:
    """SHA-256 of all parameters as little-endian float64, in the order W1, b1, W2, b2, ...

    Parameters
    ----------
    theta : sequence of numpy.ndarray of shape (n_in, n_out) or (n_out,)

    Examples
    --------
    >>> digest((np.zeros((1, 1)), np.zeros(1)))[:8]
    '374708ff'
    """
    flat = np.concatenate([np.ravel(p) for p in theta]).astype("<f8")
    return hashlib.sha256(flat.tobytes()).hexdigest()


def chapters_of(state: State) -> list[Chapter]:
    """The lesson on a state: how it came about, from its data to its last weight.

    Parameters
    ----------
    state : State
        Whose log is read.
    """
    return [
        _head(state),
        _points(state),
        _sets(state),
        _inputs(state),
        _network(state),
        _training(state),
        _end(state),
    ]


def _head(state: State) -> Chapter:
    widths = "-".join(map(str, state.spec.widths))
    drawn = _drawn(state)
    names = [f"from ddasp.nonlinear import {_engine()}"]
    memory = state.log.base.memory
    if memory is not None and isinstance(memory.first, tuple):
        names += ["from ddasp.nonlinear.optimizers_numpy import Memory"]
    names += ["from ddasp.nonlinear.spec import ModelSpec"]
    used = {type(optimizer_for(one.settings)).__name__ for one in state.log.segments}
    kinds = [kind for kind in ("SGD", "Adam") if kind in used]
    names += [f"from ddasp.nonlinear.steps import {', '.join(kinds)}"]
    names += ["from ddasp.playground.datasets import make"] if drawn else []
    names += ["from ddasp.playground.training.ordering import Order"]
    own_sets = not _sets_follow(state)
    if not own_sets:
        names += ["from ddasp.playground.settings import Settings"]
        names += ["from ddasp.playground.points.splitting import sets_for"]
    if state.log.base.theta is None:
        names += ["from ddasp.playground.training.starting import first_parameters"]
    code = "import hashlib\n\nimport numpy as np\n\n" + "\n".join(names)
    title = f"A network of {widths} units, trained in the ddasp playground."
    prose = (
        f"{state.n_updates:,} updates in {state.epoch:,} whole epochs. This text repeats them, and "
        "compares every weight with the page's at its end."
    )
    return Chapter(title, prose, code)


# ---- data ------------------------------------------------------------------------------------


def _drawn(state: State) -> str:
    """Key of the drawn data set that these points are; blank for others."""
    settings, points = state.settings, state.material.points
    if settings.source != "toy":
        return ""
    key = settings.regDataset if settings.problem == "regression" else settings.dataset
    again = make(key, noise=settings.noise, seed=settings.dataSeed)
    same = np.array_equal(again.X, points.X) and np.array_equal(again.y, points.y)
    return key if same else ""


def _sets_follow(state: State) -> bool:
    """Whether `sets_for` deals drawn points as they are dealt."""
    if not _drawn(state):
        return False
    return bool(
        np.array_equal(sets_for(state.material.points, state.settings), state.material.sets)
    )


def _points(state: State) -> Chapter:
    points, key = state.material.points, _drawn(state)
    if key:
        meaning = "its class as a code" if points.classes else "its target"
        prose = f"The data set {_quoted(key)}, drawn from a seed: x has a row for each point, y {meaning}."
        settings = state.settings
        code = (
            f"points = make({_quoted(key)}, noise={settings.noise!r}, seed={settings.dataSeed})\n"
        )
        return Chapter("The points", prose, code + "x, y = points.X, points.y")
    columns = _columns(state)
    kind = "int" if points.kind == "classification" else "float"
    rows = [
        ", ".join(repr(float(v)) for v in [*row]) + f", {_label(y)}"
        for row, y in zip(points.X[:, columns], points.y, strict=True)
    ]
    table = "\n".join(rows)
    names = [points.axes[c] for c in columns]
    code = (
        f"columns = {_quoted(names)}\nclasses = {_quoted(points.classes)}\n"
        f'table = """\n{table}\n"""\n'
        'rows = [line.split(",") for line in table.split("\\n") if line]\n'
        "x = np.array([[float(value) for value in row[:-1]] for row in rows])\n"
        f"y = np.array([{kind}(row[-1]) for row in rows])"
    )
    prose = "They stand in the text: a row for each point, its coordinates and last its " + (
        "class, counted from 0." if points.classes else "target."
    )
    return Chapter("The points", prose, code)


def _label(y: Any) -> str:
    return str(int(y)) if np.asarray(y).dtype.kind in "iub" else repr(float(y))


def _columns(state: State) -> list[int]:
    """Columns of X that the inputs depend on; the text calls them 0, 1, ... again."""
    return list(state.material.inputs.columns)


def _sets(state: State) -> Chapter:
    prose = (
        "Some points teach, some choose (validation), and some are kept for the end (test): 0, 1 and 2. "
        "The network sees the inputs of the first alone."
    )
    settings = state.settings
    if _sets_follow(state):
        shares = (
            f"percTrainData={settings.percTrainData!r}, percValidation={settings.percValidation!r}, "
            f"dataSeed={settings.dataSeed}"
        )
        code = f"sets = sets_for(points, Settings({shares}))"
    else:
        digits = "".join(map(str, state.material.sets.tolist()))
        lines = "\n".join(f'    "{digits[k : k + 80]}"' for k in range(0, len(digits), 80))
        code = f"sets = np.array([int(digit) for digit in (\n{lines}\n)])"
    return Chapter(
        "Training, validation, test", prose, code + "\ntrain = np.flatnonzero(sets == 0)"
    )


def _inputs(state: State) -> Chapter:
    inputs, columns, drawn = state.material.inputs, _columns(state), _drawn(state)
    lines, terms = [], []
    scaled_first = False
    for key in inputs.keys:
        if key.startswith("column:"):
            terms.append(f"x[:, {columns.index(int(key[7:]))}]")
            continue
        function = INPUTS[key]
        term = function.numpy
        if not drawn:  # the table holds the columns that are used, counted anew
            for new, old in enumerate(columns):
                term = term.replace(f"x[:, {old}]", f"x[:, <{new}]")
            term = term.replace("<", "")
        if not function.plain and not _neutral(inputs.origin, inputs.unit):
            term, scaled_first = term.replace("x[", "z["), True
        terms.append(term)
    if scaled_first:
        origin, unit = inputs.origin, inputs.unit
        if not drawn:
            origin, unit = origin[columns], unit[columns]
        lines.append(f"z = (x - {_vector(origin)}) / {_vector(unit)}")
    lines.append(f"u = np.column_stack([{', '.join(terms)}])")
    prose = "What the network is fed, a column for each input."
    if scaled_first:
        prose += (
            " Functions of a coordinate take it standardised, as the training points are spread."
        )
    if not _neutral(inputs.mean, inputs.spread):
        lines.append(f"mean = {_vector(inputs.mean)}  # of the training points")
        lines.append(f"spread = {_vector(inputs.spread)}  # their standard deviation")
        lines.append("u = (u - mean) / spread")
        prose += " Each is standardised by the training points."
    lines.append(_targets(state))
    return Chapter("Inputs and targets", prose, "\n".join(lines))


def _neutral(origin: NDArray, unit: NDArray) -> bool:
    return not origin.any() and bool((unit == 1).all())


def _vector(values: NDArray) -> str:
    return f"np.array({[float(value) for value in values]!r})"


def _targets(state: State) -> str:
    loss, points = state.spec.loss, state.material.points
    if points.kind == "regression":
        return "targets = y.reshape(-1, 1)"
    if loss == "categorical_cross_entropy":
        return "targets = y  # codes, for softmax"
    if loss == "binary_cross_entropy":
        return "targets = np.where(y > 0, 1.0, 0.0).reshape(-1, 1)  # for the sigmoid"
    return "targets = np.where(y > 0, 1.0, -1.0).reshape(-1, 1)  # for tanh"


def _engine() -> str:
    """The engine that trains here: without Numba another one."""
    name: str = engine_of("mlp", "compiled").__name__
    return name.rpartition(".")[2]


# ---- network and training --------------------------------------------------------------------


def _spec_text(state: State, settings: Settings) -> str:
    spec = spec_for(settings, state.spec.widths[0], state.material.points)
    penalties = "".join(
        f", {name}={value!r}" for name, value in (("l1", spec.l1), ("l2", spec.l2)) if value
    )
    activations = _quoted(spec.activations)[1:-1] + ("," if len(spec.activations) == 1 else "")
    return f"ModelSpec({spec.widths!r}, ({activations}), {_quoted(spec.loss)}{penalties})"


def _network(state: State) -> Chapter:
    base, first = state.log.base, state.log.segments[0].settings
    lines = [f"spec = {_spec_text(state, first)}"]
    if base.theta is None:
        prose = "Its first weights are drawn from a seed."
        lines.append(f"theta = first_parameters(spec, {_quoted(first.init)}, seed={first.seed})")
        lines.append(f"model = {_engine()}.build(spec, theta)")
        return Chapter("The network", prose, "\n".join(lines))
    prose = (
        f"Its training begins here with the numbers that it had after {base.n_updates:,} updates, when "
        "weights, points or shape were last changed by hand."
    )
    lines.append(f"theta = (\n{_arrays(base.theta)}\n)")
    lines.append("memory = None")
    if base.memory is not None:
        prose += " The optimiser's memory belongs to it."
        lines[-1] = _memory_text(base.memory)
    lines.append(f"model = {_engine()}.Model(spec, theta, memory)")
    return Chapter("The network", prose, "\n".join(lines))


def _memory_text(memory: Any) -> str:
    if not isinstance(memory.first, tuple):  # flat, as the compiled engine keeps it
        both = _arrays((memory.first, memory.second))
        return f"memory = {_engine()}.Memory(\n    {memory.step},\n{both}\n)"
    first, second = (
        f"(\n{_arrays(kept)}\n    )" if kept else "()" for kept in (memory.first, memory.second)
    )
    return f"memory = Memory(\n    {memory.step},\n    {first},\n    {second},\n)"


def _arrays(arrays: Sequence[NDArray]) -> str:
    """Arrays as a list of arguments, to the last digit."""
    texts = []
    for array in arrays:
        numbers = pprint.pformat(np.asarray(array, float).tolist(), width=88, compact=True)
        texts.append(f"    np.array({numbers}),".replace("\n", "\n" + " " * 13))
    return "\n".join(texts)


def _training(state: State) -> Chapter:
    base, settings = state.log.base, state.log.segments[0].settings
    lines = [
        f"order = Order(seed={settings.seed}, n=len(train))  # of the points, in each epoch",
        "",
        "",
        "def updates(n, model, place, batch_size, optimizer):",
        '    """Train for n updates from a place (epoch, row); stretches keep the memory small."""',
        "    while n:",
        f"        stretch = min(n, {AT_ONCE})",
        "        batches, *place = order.upcoming(batch_size, *place, stretch)",
        f"        model, _ = {_engine()}.fit(",
        "            model, u[train], targets[train], optimizer=optimizer, batches=batches",
        "        )",
        "        n -= stretch",
        "    return model, place",
        "",
        "",
        f"place = ({base.epoch}, {base.row})",
    ]
    before = _spec_text(state, settings)
    segments = [one for one in state.log.segments if one.n_updates]
    for segment in segments:
        spec = _spec_text(state, segment.settings)
        if spec != before:
            lines.append(f"spec = {spec}")
            lines.append(f"model = {_engine()}.Model(spec, model.theta, model.memory)")
            before = spec
        lines.append(
            f"model, place = updates({segment.n_updates}, model, place, "
            f"{segment.settings.batchSize}, {_optimizer_text(segment.settings)})"
        )
    prose = (
        "Each update follows the mean gradient of a minibatch. "
        + (
            f"Settings were changed on the way: {len(segments)} stretches. "
            if len(segments) > 1
            else ""
        )
        + "The order of the points is drawn anew for every epoch; it is the page's."
    )
    return Chapter("Training", prose, "\n".join(lines))


def _optimizer_text(settings: Settings) -> str:
    rate = repr(float(settings.learningRate))
    if settings.optimizer == "adam":
        return f"Adam({rate})"
    if settings.optimizer == "momentum":
        return f"SGD({rate}, momentum={float(settings.momentum)!r})"
    return f"SGD({rate})"


def _end(state: State) -> Chapter:
    points = state.material.points
    last = state.spec.activations[-1]
    lines = [f"outputs = {_engine()}.predict(model, u)"]
    if points.kind == "regression":
        lines.append("shown = (outputs[:, 0] - y) ** 2")
        words = "mean squared error"
    else:
        decided = {
            "softmax": "outputs.argmax(axis=1)",
            "sigmoid": "outputs[:, 0] >= 0.5",
        }.get(last, "outputs[:, 0] >= 0")
        lines.append(f"shown = ({decided}) == y")
        words = "share of right decisions"
    lines += [
        'for name, code in (("training", 0), ("validation", 1), ("test", 2)):',
        "    if (sets == code).any():",
        f'        print(f"{words}, {{name}}: {{shown[sets == code].mean():.4f}}")',
        "",
        f"parameters = np.concatenate([p.ravel() for p in {_engine()}.parameters(model)])",
        'found = hashlib.sha256(parameters.astype("<f8").tobytes()).hexdigest()',
        f'assert found == (\n    "{digest(state.theta)}"\n), "the weights differ from the page\'s"',
        'print(f"all {parameters.size} weights equal the page\'s, to the last bit")',
    ]
    prose = (
        "What it has learned, and whether it is the page's network: the digest of all its numbers. On "
        "another kind of processor the last digits may differ, and with them the digest."
    )
    return Chapter("The end", prose, "\n".join(lines))


def _quoted(words: str | Sequence[str]) -> str:
    """A string, or a list of them, as literals of Python, whatever stands in them."""
    text = json.dumps(words, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()
