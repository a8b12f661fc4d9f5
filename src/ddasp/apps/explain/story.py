"""The story of one decision: which cells stand in the notebook, in which order.

The cells are texts in ``cells/*.md``, each a chapter as a lecture would say it: prose, then a block of
plain NumPy. A model's story is the chapters that its features, its family and its kind of answer
need. Names of files and labels never become code: cells read them from ``model.npz``.

*Conventions*: behind ```` ```python ```` stands what a block is: nothing for a computation, "tools",
"picture" (draws and plays, and computes nothing that later cells need), "chart" (the picture of what
counted), "reasons" (prints one reason
a line), "proof" (prints the differences and asserts). ``{{name}}`` in a text is replaced by plain
numbers and by texts of this module.

*References*: Knuth 1984, "Literate programming".
"""

from __future__ import annotations

import pprint
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from ddasp._errors import InputError
from ddasp.apps.explain.parameters import Arrays
from ddasp.plot.canvas import RC
from ddasp.plot.tokens import colour

__all__ = ["FEATURES", "Cell", "chapter", "story"]

FEATURES: dict[str, tuple[str, ...]] = {
    "levels": ("frames", "levels"),
    "descriptors": ("frames", "spectra", "descriptors"),
    "mfcc": ("frames", "spectra", "mel", "mfcc"),
    "trajectories": ("frames", "spectra", "mel", "time", "trajectories"),
    "logmel": ("frames", "spectra", "mel", "time", "logmel"),
}
"""The chapters of each feature set that a model may be built on."""

BLOCK = re.compile(r"^```python ?(\w*)\n(.*?)^```\n?", re.MULTILINE | re.DOTALL)
COLOURS = (
    "negative",
    "neutral",
    "positive",
    "quiet",
    "rule",
    *(f"category-{k}" for k in range(1, 9)),
)
LEAF = (": the shares of the classes in the training data there", ": the mean of the values there")
MEAN = ("What the model says is the mean over its trees.", "What the leaf says is the answer.")
TREE = "The path that this sound takes:"
FOREST = "The paths of the three trees whose answers differ most from the mean of all:"
NETWORK = {
    "Relu": "relu({a})",
    "Tanh": "np.tanh({a})",
    "Sigmoid": "sigmoid({a})",
    "MaxPool": "windows({a}, {size}, {stride}).max(axis=(3, 4))",
    "AveragePool": "windows({a}, {size}, {stride}).mean(axis=(3, 4))",
    "Flatten": "{a}.ravel()",
    "Conv": 'convolve({a}, weights["cnn.{n}.weights"], weights["cnn.{n}.bias"], {stride}, {padding})',
    "Gemm": '{a} @ weights["cnn.{n}.weights"] + weights["cnn.{n}.bias"]',
}
SAID = {
    "Relu": "what is negative becomes 0",
    "Tanh": "bent by tanh",
    "Sigmoid": "bent by the logistic function",
    "MaxPool": "the largest value of each window of {size}",
    "AveragePool": "the mean of each window of {size}",
    "Flatten": "all maps in one row",
    "Conv": "a convolution with windows of {size}, padding {padding}, stride {stride}",
    "Gemm": "a linear map",
}


@dataclass(frozen=True)
class Cell:
    """One cell of the notebook.

    Parameters
    ----------
    kind : str
        "markdown" or "code".
    text : str
        Its source.
    role : str
        What a block of code is, see the conventions of the module.
    """

    kind: str
    text: str
    role: str = ""


def chapter(name: str, values: Mapping[str, object] | None = None) -> list[Cell]:
    """The cells of one text.

    Parameters
    ----------
    name : str
        Of the file in ``cells``, without its ending.
    values : mapping, optional
        What stands for each ``{{name}}``.

    Examples
    --------
    >>> [(cell.kind, cell.role) for cell in chapter("majority")]
    [('markdown', ''), ('code', ''), ('code', 'reasons')]
    """
    path = resources.files("ddasp.apps.explain").joinpath("cells", f"{name}.md")
    text = path.read_text("utf-8")
    for key, value in (values or {}).items():
        text = text.replace("{{" + key + "}}", str(value))
    return list(_cells(text))


def _cells(text: str) -> Iterator[Cell]:
    at = 0
    for block in BLOCK.finditer(text):
        if prose := text[at : block.start()].strip():
            yield Cell("markdown", prose)
        yield Cell("code", block.group(2).strip(), block.group(1))
        at = block.end()
    if prose := text[at:].strip():
        yield Cell("markdown", prose)


def story(about: Mapping[str, Any], arrays: Arrays) -> list[Cell]:
    """All cells behind the title.

    Parameters
    ----------
    about : mapping
        ``model.json``.
    arrays : dict of ndarray
        From `parameters_of`.

    Returns
    -------
    list of Cell

    Raises
    ------
    InputError
        ``E-MODEL`` when features or family are not known here.
    """
    features, values = str(about["features"]["name"]), about["kind"] == "regression"
    if features not in FEATURES:
        raise InputError(
            "E-MODEL", f"the model has features {features!r}; expected one of {', '.join(FEATURES)}"
        )
    standing = "standardise" if "standardise.mean" in arrays else "raw"
    cells = chapter("tools", {"colours": _colours(), "style": _style()})
    for name in ("sound", *FEATURES[features], "features", standing):
        cells += chapter(name)
    cells += _family(arrays, values)
    names = ["value"] if values else _classes(about, arrays)
    for name in (*names, "proof", "proof_value" if values else "proof_classes"):
        cells += chapter(name)
    return cells


def _classes(about: Mapping[str, Any], arrays: Arrays) -> list[str]:
    unseen = ["unseen"] if "classes.seen" in arrays else []
    decision = "likeliest" if about.get("cost") is None else "cost"
    return ["classes", *unseen, "probabilities", decision, "known"]


def _family(arrays: Arrays, values: bool) -> list[Cell]:
    """From standardised features to outputs, and what counted."""
    kind = "value" if values else "classes"
    if "trees.root" in arrays:
        one = len(arrays["trees.root"]) == 1
        words = {"ask": LEAF[values], "shown": TREE if one else FOREST, "mean": MEAN[one]}
        trees = ("tree", f"tree_{kind}", "tree_path" if one else "tree_counted")
        return [cell for name in trees for cell in chapter(name, words)]
    if "cnn.kinds" in arrays:
        return _network(arrays)
    for constant, names in {
        "majority.table": ("majority",),
        "rule.feature": (f"rule_{kind}",),
        "linear.coefficients": ("linear", f"linear_{kind}", "chart"),
        "neighbours.observations": ("neighbours", f"neighbours_{kind}", "counted"),
        "kernel.support": ("kernel", "counted"),
        "mlp.1.weights": ("mlp", "counted"),
    }.items():
        if constant in arrays:
            return [cell for name in names for cell in chapter(name)]
    raise InputError(
        "E-MODEL", "the model is of no family that can be explained; expected a candidate"
    )


def _network(arrays: Arrays) -> list[Cell]:
    """One cell for each layer of a convolutional network."""
    height, width = (int(n) for n in arrays["cnn.shape"])
    cells = chapter("cnn", {"height": height, "width": width})
    cells.append(Cell("code", f"A0 = z.reshape(1, {height}, {width})"))
    lines = []
    kinds = [str(kind) for kind in arrays["cnn.kinds"]]
    for n, kind in enumerate(kinds, start=1):
        place = {
            name: tuple(int(v) for v in arrays[f"cnn.{key}"][n - 1])
            for name, key in (("size", "sizes"), ("stride", "strides"), ("padding", "padding"))
        }
        if kind == "Conv":
            place["size"] = arrays[f"cnn.{n}.weights"].shape[2:]
        lines.append("    A = " + NETWORK[kind].format(a="A", n=n, **place))
        cells += _layer(n, kind, place)
    cells.append(
        Cell(
            "code",
            f"s = A{len(kinds)}\n\nfor name, score in zip(outputs, s):\n"
            '    print(f"{score:+9.4f}  {name}")',
        )
    )
    filled = {"height": height, "width": width, "network": "\n".join(lines)}
    return cells + chapter("cnn_counted", filled)


def _layer(n: int, kind: str, place: Mapping[str, Sequence[int]]) -> list[Cell]:
    shown = {name: " × ".join(map(str, pair)) for name, pair in place.items()}
    code = f"A{n} = " + NETWORK[kind].format(a=f"A{n - 1}", n=n, **place)
    cells = [
        Cell("markdown", f"Layer {n}: {SAID[kind].format(**shown)}."),
        Cell(
            "code",
            f'{code}\n\nprint(f"A{n} {{A{n}.shape}}: {{A{n}.min():.3f}} to {{A{n}.max():.3f}}")',
        ),
    ]
    if kind in ("Relu", "Tanh", "Sigmoid", "MaxPool", "AveragePool"):
        draw = f'if A{n}[0].size > 1:\n    maps(A{n}, "Behind layer {n}")'
        cells.append(Cell("code", draw, "picture"))
    return cells


def _colours() -> str:
    return pprint.pformat({name: colour(name) for name in COLOURS}, sort_dicts=False, width=96)


def _style() -> str:
    """Matplotlib's settings: those of every picture, on paper of our colour."""
    cycle = ", ".join(f'"{colour(f"category-{k}")}"' for k in range(1, 9))
    own = {
        "figure.facecolor": colour("surface"),
        "savefig.facecolor": colour("surface"),
        "savefig.transparent": False,
        "savefig.dpi": 144,
        "image.cmap": "viridis",
    }
    lines = [f'    "{name}": {value!r},' for name, value in (RC | own).items()]
    return (
        "{\n"
        + "\n".join(lines)
        + f'\n    "axes.prop_cycle": matplotlib.cycler(color=[{cycle}]),\n}}'
    )
