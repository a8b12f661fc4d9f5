"""Model folders from strangers: every attack is refused with a code, or stands in the reviewed list.

The folder that is attacked was written by a real run; what an attack changes in the graph it also
adapts in ``model.json``, so that nothing is refused only because a digest is wrong (but for the attacks
on the digest). A model with trees, which that run doesn't choose, stands beside it. Each attack goes
through ``apply`` and through one of the other verbs that load a model, in turn.

*Conventions*: an attack edits a copy of ``6_application``. What it may not reach lies beside it:
``secret`` with a word that no answer may hold, ``ran`` which code inside a model would make.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import io
import json
import os
import pickle
import shutil
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ddasp._files import digest_file, read_json
from ddasp.procedure import models
from ddasp.procedure.features import FEATURE_SETS, VERSION
from ddasp.procedure.graph import Decision, build_graph
from reliability._children import Ended, attempt, ddasp
from reliability.harness import Found, Place, Row
from reliability.small_run import problem

Attack = Callable[[Path], object]  # edits a model folder
SECRET = "the word that no answer may hold"
LABELS = ("hiss", "hum")
HOSTILE = (
    '<img src=x onerror="alert(1)">',
    '=HYPERLINK("http://x")',
    "\u202egnp.exe",
    "a\r\nb;c,d\t",
)

Node = tuple[str, list[str], dict[str, Any]]
# All numbers become one, and that counts nothing: the answers stay as they were.
UNSEEN: tuple[Node, ...] = (
    ("ReduceMax", ["last"], {"keepdims": 0}),
    ("Mul", ["last", "nothing"], {}),
    ("Add", ["scores", "last"], {}),
)

# What is accepted, and why that is right.
ACCEPTED = {
    "other weights, digest adapted": "a model with other weights is another model, not a damaged one",
    "a chain of 1,500 nodes": "it takes milliseconds",
    "keys that nobody knows": "a newer ddasp may add some; nothing reads them",
    "the same key twice": "JSON's last one counts, and it is checked like any other",
    "a link to the graph": "what it leads to is compared with the digest; stores of data work so",
    "labels that are code elsewhere": "any text may be a label; what is written is escaped",
}

# Found when the model decides. A page is written without deciding, and decides in the browser.
WHEN_IT_DECIDES = (
    "probabilities above one",
    "probabilities that are NaN",
    "too few probabilities",
    "a place outside the table",
)


# --- edits ----------------------------------------------------------------------------------------


def both(*steps: Callable[[Path], object]) -> Attack:
    """One edit after the other."""

    def attack(folder: Path) -> None:
        for step in steps:
            step(folder)

    return attack


def told(folder: Path, changes: Mapping[str, Any], *, without: str = "") -> None:
    """Change ``model.json``."""
    about = read_json(folder / "model.json") | dict(changes)
    about.pop(without, None)
    (folder / "model.json").write_text(json.dumps(about))


def content(folder: Path, data: bytes) -> None:
    """Another ``model.onnx``, and its digest."""
    (folder / "model.onnx").write_bytes(data)
    adapted(folder)


def adapted(folder: Path) -> None:
    """The digest of what ``model.onnx`` now is."""
    digests = read_json(folder / "model.json")["digests"]
    told(folder, {"digests": digests | {"model.onnx": digest_file(folder / "model.onnx")}})


def graph(edit: Callable[[onnx.ModelProto], object]) -> Attack:
    """An attack that edits the graph."""

    def attack(folder: Path) -> None:
        model = onnx.load_model(folder / "model.onnx", load_external_data=False)
        edit(model)
        content(folder, model.SerializeToString())

    return attack


def behind(*nodes: Node, **constants: Any) -> Attack:
    """Nodes between the probabilities and their cast, so that every answer needs them."""

    def edit(model: onnx.ModelProto) -> None:
        place = next(
            i for i, n in enumerate(model.graph.node) if n.output[0] == "all.probabilities"
        )
        last = scores = model.graph.node[place].input[0]
        for number, (op, inputs, attributes) in enumerate(nodes):
            names = [{"last": last, "scores": scores}.get(name, name) for name in inputs]
            last = f"evil{number}"
            node = helper.make_node(op, names, [last], **attributes)
            model.graph.node.insert(place + number, node)
        model.graph.node[place + len(nodes)].input[0] = last
        for name, values in constants.items():
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))

    return graph(edit)


def weights(edit: Callable[[np.ndarray], np.ndarray], *, of: str = "temperature") -> Attack:
    """Other numbers in one tensor."""

    def change(model: onnx.ModelProto) -> None:
        tensor = next(t for t in model.graph.initializer if t.name.startswith(of))
        values = edit(numpy_helper.to_array(tensor).copy())
        tensor.CopyFrom(numpy_helper.from_array(np.asarray(values), tensor.name))

    return graph(change)


def tensor(**fields: Any) -> Attack:
    """Other fields of one tensor."""

    def change(model: onnx.ModelProto) -> None:
        found = next(t for t in model.graph.initializer if t.name.startswith("temperature"))
        for name, value in fields.items():
            if isinstance(value, list):
                del getattr(found, name)[:]
                getattr(found, name).extend(value)
            else:
                setattr(found, name, value)

    return graph(change)


def external(location: str) -> Attack:
    """Weights that lie in another file."""

    def change(model: onnx.ModelProto) -> None:
        found = next(t for t in model.graph.initializer if t.name.startswith("temperature"))
        found.ClearField("raw_data")
        found.data_location = TensorProto.EXTERNAL
        found.external_data.add(key="location", value=location)

    def attack(folder: Path) -> None:
        (folder / "link").symlink_to(folder.parent / "secret")
        graph(change)(folder)

    return attack


def trees(**lists: Any) -> Attack:
    """Other lists of the trees; the model with trees takes the place of the run's."""

    def change(model: onnx.ModelProto) -> None:
        node = next(n for n in model.graph.node if n.op_type == "TreeEnsembleRegressor")
        for attribute in node.attribute:
            if attribute.name in lists:
                changed = lists[attribute.name](helper.get_attribute_value(attribute))
                attribute.CopyFrom(helper.make_attribute(attribute.name, changed))

    def attack(folder: Path) -> None:
        content(folder, _with_trees())
        graph(change)(folder)

    return attack


@functools.cache
def _with_trees() -> bytes:
    rng, n = np.random.default_rng(0), len(FEATURE_SETS["levels"].names)
    X, y = rng.normal(size=(60, n)).astype(np.float32), np.arange(60) % 2
    found = models.Tree("classification", seed=0).fit(X, y)
    content: bytes = build_graph(Decision(found, 1.0, LABELS), "levels", 8000).SerializeToString()
    return content


def bomb(field: bytes, n: int, *, inside: bytes = b"") -> Attack:
    """A message of empty entries, each two bytes here and hundred in memory."""

    def message(tag: bytes, body: bytes) -> bytes:
        length, size = b"", len(body)
        while size >= 128:
            length, size = length + bytes([size & 127 | 128]), size >> 7
        return tag + length + bytes([size]) + body

    def attack(folder: Path) -> None:
        body = field * n
        for tag in inside[::-1]:
            body = message(bytes([tag]), body)
        content(folder, message(b"\x3a", body))

    return attack


def put(name: str, make: Callable[[Path], object]) -> Attack:
    """Something else in place of a file."""

    def attack(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return attack


def sparse(path: Path) -> None:
    """2 GiB that take no room on the disk."""
    with path.open("wb") as file:
        file.truncate(2**31)


class Runs:
    """What makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def pickled(pack: Callable[[bytes], bytes], protocol: int = 4) -> Attack:
    """A pickle that would run, packed in some way."""
    return lambda folder: content(
        folder, pack(pickle.dumps(Runs(folder.parent / "ran"), protocol=protocol))
    )


def functions(model: onnx.ModelProto) -> None:
    """An operator that the file defines itself."""
    opset = [helper.make_opsetid("", 17)]
    body = helper.make_function(
        "evil", "f", ["x"], ["y"], [helper.make_node("Relu", ["x"], ["y"])], opset
    )
    model.functions.append(body)


def nested(depth: int) -> onnx.AttributeProto:
    """Graphs in attributes of nodes of graphs."""
    inner = helper.make_attribute("body", helper.make_graph([], "deep", [], []))
    for _ in range(depth):
        node = onnx.NodeProto(op_type="If", attribute=[inner])
        inner = helper.make_attribute("body", helper.make_graph([node], "deep", [], []))
    return inner


def labelled(folder: Path) -> None:
    """Labels that are HTML, formulas, directions of writing and line ends, in both files."""
    labels = [HOSTILE[1] + HOSTILE[3], HOSTILE[0] + HOSTILE[2]]

    def change(model: onnx.ModelProto) -> None:
        for entry in model.metadata_props:
            if entry.key == "labels":
                entry.value = json.dumps(labels)

    told(folder, {"labels": labels})
    graph(change)(folder)


def square(n: int) -> np.ndarray:
    """A large constant."""
    return np.ones((n, n))


def named(op: str, domain: str = "", **attributes: Any) -> Attack:
    """A node of an operator that ddasp does not write."""
    return graph(
        lambda model: model.graph.node.append(
            helper.make_node(op, ["waveform"], ["out"], domain=domain, **attributes)
        )
    )


FILES: dict[str, Attack] = {
    "no graph": lambda folder: (folder / "model.onnx").unlink(),
    "no model.json": lambda folder: (folder / "model.json").unlink(),
    "an empty graph": lambda folder: content(folder, b""),
    "a pickle": pickled(lambda data: data),
    "a pickle of protocol 0": pickled(lambda data: data, 0),
    "a pickle as joblib packs it": pickled(zlib.compress),
    "a pickle in gzip": pickled(lambda data: gzip.compress(data, mtime=0)),
    "a zip like PyTorch's .pt": pickled(lambda data: b"PK\x03\x04" + data),
    "an HDF5 file like Keras' .h5": pickled(lambda data: b"\x89HDF\r\n\x1a\n" + data),
    "an array of objects": pickled(lambda data: b"\x93NUMPY\x01\x00v\x00{'descr': '|O'}" + data),
    "safetensors": lambda folder: content(folder, struct.pack("<Q", 2**60) + b'{"a":{}}'),
    "cut in half, digest adapted": lambda folder: content(
        folder, (folder / "model.onnx").read_bytes()[:9000]
    ),
    "cut in half": lambda folder: os.truncate(folder / "model.onnx", 9000),
    "other weights": both(
        weights(lambda x: x * 2),
        lambda folder: told(folder, {"digests": {"model.onnx": "0" * 64}}),
    ),
    "other weights, digest adapted": weights(lambda x: x * 2),
    "a graph of 2 GiB": put("model.onnx", sparse),
    "a model.json of 2 GiB": put("model.json", sparse),
    "a folder as the graph": put("model.onnx", Path.mkdir),
    "a pipe as the graph": put("model.onnx", os.mkfifo),
    "a pipe as model.json": put("model.json", os.mkfifo),
    "a device as the graph": put("model.onnx", lambda path: path.symlink_to("/dev/zero")),
    "a device as model.json": put("model.json", lambda path: path.symlink_to("/dev/zero")),
    "a link in a circle": put("model.onnx", lambda path: path.symlink_to(path)),
    "a link to nothing": put("model.json", lambda path: path.symlink_to("../nothing")),
    "model.json is a link to a secret": put(
        "model.json", lambda path: path.symlink_to(path.parents[1] / "secret")
    ),
    "a link to the graph": both(
        lambda folder: (folder / "model.onnx").rename(folder.parent / "kept.onnx"),
        lambda folder: (folder / "model.onnx").symlink_to("../kept.onnx"),
    ),
}
GRAPHS: dict[str, Attack] = {
    "weights in ../secret": external("../secret"),
    "weights in an absolute path": external("/etc/passwd"),
    "weights behind a link": external("link"),
    "weights that are NaN": weights(lambda x: x * np.nan),
    "weights that are infinite": weights(lambda x: x * np.inf, of="standardise.gain"),
    "weights that are text": weights(lambda x: np.array(["a"], object)),
    "weights that are numbers of another form": tensor(raw_data=b"", double_data=[1.0]),
    "a tensor that says it is huge": tensor(dims=[2**31, 2**31]),
    "a tensor of no rows and 2^60 columns": tensor(dims=[0, 2**60], raw_data=b""),
    "a tensor of negative length": tensor(dims=[-1, -8]),
    "a number that would be a length": weights(lambda x: np.array(2**40)),
    "4 million empty nodes": bomb(b"\x0a\x00", 4_000_000),
    "4 million empty tensors": bomb(b"\x2a\x00", 4_000_000),
    "4 million empty attributes": bomb(b"\x2a\x00", 4_000_000, inside=b"\x0a"),
    "4 million empty tensors in an attribute": bomb(b"\x52\x00", 4_000_000, inside=b"\x0a\x2a"),
    "two graphs in one file": lambda folder: content(folder, 2 * (folder / "model.onnx").read_bytes()),
    "a loop": named("Loop", body=helper.make_graph([], "body", [], [])),
    "a choice": named("If", then_branch=helper.make_graph([], "body", [], [])),
    "graphs nested 90 deep": graph(lambda m: m.graph.node[0].attribute.append(nested(22))),
    "an operator of another domain": named("Evil", "com.evil"),
    "an operator of the runtime's own": named("QuickGelu", "com.microsoft"),
    "an operator that the file defines": graph(functions),
    "a newer set of operators": graph(lambda m: setattr(m.opset_import[0], "version", 99)),
    "a tensor inside a node": named("Constant", value=numpy_helper.from_array(square(2))),
    "sparse tensors": graph(lambda m: m.graph.sparse_initializer.append(onnx.SparseTensorProto())),
    "a graph for training": graph(lambda m: m.training_info.append(onnx.TrainingInfoProto())),
    "a chain of 10,000 nodes": behind(*[("Max", ["last"], {})] * 10_000),
    "a chain of 1,500 nodes": behind(*[("Max", ["last"], {})] * 1500),
    "a circle of nodes": behind(("Add", ["last", "all.probabilities"], {})),
    "another input": graph(lambda m: setattr(m.graph.input[0], "name", "file")),
    "another output": graph(lambda m: setattr(m.graph.output[0], "name", "file")),
    "outputs without shape": graph(lambda m: [o.type.Clear() for o in m.graph.output]),
    "other features": graph(lambda m: m.graph.node[3].input.reverse()),
    "decides from the samples": behind(("Gather", ["last", "n0"], {})),
    # the known hole: large constants behind the features, of which no size was ever looked at
    "a product of large constants": behind(
        ("MatMul", ["big", "big"], {}), *UNSEEN, big=square(1500), nothing=np.array(0.0)
    ),
    "200 products of 512 x 512": behind(
        *[("MatMul", ["big", "big"], {})] * 200, *UNSEEN, big=square(512), nothing=np.array(0.0)
    ),
    "each with each, again and again": behind(
        ("MatMul", ["column", "row"], {}), ("Reshape", ["last", "flat"], {}),
        ("MatMul", ["column", "last"], {}), *UNSEEN, column=np.ones((1000, 1)),
        row=np.ones((1, 1000)), flat=np.array([1, -1]), nothing=np.array(0.0),
    ),
    "features made many": behind(
        ("Cast", ["observations"], {"to": TensorProto.DOUBLE}),
        *[("Reshape", ["last", "column"], {}), ("Mul", ["last", "many"], {}),
          ("Reshape", ["last", "row"], {})] * 3,
        *UNSEEN, column=np.array([-1, 1]), row=np.array([1, -1]), many=np.ones((1, 200)),
        nothing=np.array(0.0),
    ),
    "zeros before and behind": behind(("Pad", ["last", "ends"], {}), ends=np.array([0, 0, 0, 2**26])),
    "a long row of numbers": behind(("Range", ["zero", "many", "step"], {}), zero=np.array(0),
                                    many=np.array(2**26), step=np.array(1)),
    "a pooling over everything": behind(
        ("Reshape", ["big", "map"], {}), ("MaxPool", ["last"], {"kernel_shape": [499, 499]}), *UNSEEN,
        big=square(1000), map=np.array([1, 1, 1000, 1000]), nothing=np.array(0.0),
    ),
    "a length that is computed": behind(
        ("Cast", ["last"], {"to": TensorProto.INT64}), ("Gather", ["big", "last"], {}),
        ("Reshape", ["big", "last"], {}), big=square(64),
    ),
    "probabilities above one": behind(("Mul", ["last", "two"], {}), two=np.array(2.0)),
    "probabilities that are NaN": behind(("Sub", ["last", "one"], {}), ("Log", ["last"], {}),
                                         one=np.array(2.0)),
    "too few probabilities": behind(("Gather", ["last", "one"], {"axis": 1}), one=np.array([0])),
    "a place outside the table": behind(("Gather", ["last", "far"], {"axis": 1}),
                                        far=np.array([0, 10**6])),
    "trees in a circle": trees(nodes_truenodeids=lambda x: [0] * len(x)),
    "trees that look at no feature": trees(nodes_featureids=lambda x: [10**6] * len(x)),
    "trees that look before the features": trees(nodes_featureids=lambda x: [-1] * len(x)),
    "trees that give no output": trees(target_ids=lambda x: [10**6] * len(x)),
    "trees with a billion outputs": trees(n_targets=lambda x: 10**9),
    "trees whose leaves are not there": trees(target_nodeids=lambda x: [10**6] * len(x)),
    "trees with other numbers": trees(nodes_nodeids=lambda x: [i * 7 for i in x]),
    "trees with NaN": trees(nodes_values=lambda x: [float("nan")] * len(x)),
    "trees that are cut": trees(nodes_values=lambda x: x[:1]),
}  # fmt: skip


def written(text: str | bytes) -> Attack:
    """Another ``model.json``."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return lambda folder: (folder / "model.json").write_bytes(data)


def _twice(folder: Path) -> None:
    text = (folder / "model.json").read_text()
    (folder / "model.json").write_text('{"rate": 1000000000,' + text.lstrip()[1:])


TOLD: dict[str, Attack] = {
    "an empty model.json": written(""),
    "model.json is a list": written("[]"),
    "model.json is a number": written("1"),
    "model.json is null": written("null"),
    "model.json is nested deeply": written("[" * 100_000),
    "model.json holds a number without end": written('{"rate": 1' + 5000 * "0" + "}"),
    "model.json is no UTF-8": written(b"\xff\xfe{}"),
    "model.json is a million lists": written("[" + "[]," * 1_300_000 + "[]]"),
    "keys that nobody knows": lambda folder: told(folder, {"__class__": "os.system", "later": [1]}),
    "the same key twice": _twice,
    "a digest that is wrong": lambda folder: told(folder, {"digests": {"model.onnx": "0" * 64}}),
    "no digest": lambda folder: told(folder, {"digests": {}}),
    "a rate of 0": lambda folder: told(folder, {"rate": 0}),
    "a rate of 1e9": lambda folder: told(folder, {"rate": 10**9}),
    "another rate": lambda folder: told(folder, {"rate": 16_000}),
    "a rate as text": lambda folder: told(folder, {"rate": "8000"}),
    "a window without end": lambda folder: told(folder, {"window": {"length": 1e8, "hop": 1.0}}),
    "windows that hardly move": lambda folder: told(
        folder, {"window": {"length": 9.0, "hop": 1e-3}}
    ),
    "labels that the graph does not have": lambda folder: told(folder, {"labels": ["a", "b"]}),
    "a million labels": lambda folder: told(folder, {"labels": [str(i) for i in range(1_000_000)]}),
    "the same label twice": lambda folder: told(folder, {"labels": ["hum", "hum"]}),
    "labels that are code elsewhere": labelled,
    "half a character as a label": lambda folder: told(folder, {"labels": ["\ud800", "b"]}),
    "a regression of classes": lambda folder: told(folder, {"kind": "regression"}),
    "features of another version": lambda folder: told(
        folder, {"features": {"name": "levels", "version": VERSION + "1"}}
    ),
    "features that nobody knows": lambda folder: told(
        folder, {"features": {"name": "../../evil", "version": VERSION}}
    ),
}
ATTACKS = FILES | GRAPHS | TOLD


# --- the row --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Base:
    """The run that is attacked, and one of its sounds."""

    run: Path
    sound: Path

    @classmethod
    def made(cls, folder: Path) -> Base:
        """Make it with the command line."""
        ended = ddasp("run", problem(folder), "--out", folder / "run", "--workers", 1, "--quiet")
        if ended.code:
            raise RuntimeError(f"the run itself failed: {ended.err}")
        return cls(folder / "run", folder / "sounds" / "hiss_a_0.wav")

    def attacked(self, folder: Path, attack: Attack) -> Path:
        """A copy of the run's model with the attack done to it."""
        folder.mkdir()
        (folder / "secret").write_text(f'{{"labels": ["{SECRET}"]}}')
        shutil.copytree(self.run / "6_application", folder / "model")
        attack(folder / "model")
        return folder / "model"

    def others(self, model: Path) -> list[list[object]]:
        """The verbs beside ``apply`` that load a model."""
        return [
            ["export", model, "--out", model.parent / "page.html"],
            ["explain", model, self.sound, "--out", model.parent / "explained"],
            ["tune", model, "--hours", 0.01],
            ["listen", model, "--seconds", 0.1],
        ]


def _faults(name: str, words: list[object], ended: Ended, folder: Path) -> list[str]:
    """What an attack achieved."""
    faults = ended.faults()
    if name in ACCEPTED:
        if ended.code:
            faults.append(
                f"refused ({ended.err.strip()[:100]}), but is in the list of what is right"
            )
    elif ended.code == 0:
        faults.append("silently accepted")
    elif not ended.refusals:
        faults.append("refused without a code")
    said = ended.out + ended.err
    if SECRET in said or (folder / "ran").exists():
        faults.append("reached what lies outside the folder")
    if name == "labels that are code elsewhere" and words[0] == "apply":
        cells = said.replace('"', "").replace("\n", ",").split(",")
        if any(cell.startswith(("=", "@")) for cell in cells):
            faults.append("a spreadsheet would compute a label")
    page = folder / "page.html"
    if page.exists() and "<img" in page.read_text("utf-8"):
        faults.append("a label became HTML")
    return [f"{words[0]}, {name}: {fault}" for fault in faults]


def attacks(place: Place) -> Found:
    """Each attack through ``apply``, and through one of the other verbs in turn."""
    base = Base.made(place.folder)
    faults, tried, slowest, largest = [], 0, 0.0, 0.0
    chosen = list(ATTACKS.items())[:: place.number(quick=3, usual=1)]
    for number, (name, attack) in enumerate(chosen):
        folder = place.folder / f"attack{number}"
        model = base.attacked(folder, attack)
        verbs: list[list[object]] = [["apply", model, base.sound]]
        if place.size != "quick":
            verb = 0 if name in ACCEPTED else 1 if name in WHEN_IT_DECIDES else number % 4
            verbs.append(base.others(model)[verb])
        for words in verbs:
            ended = ddasp(*words)
            faults += _faults(name, words, ended, folder)
            tried += 1
            slowest, largest = max(slowest, ended.seconds), max(largest, ended.mebibytes)
        shutil.rmtree(folder)
    figures: dict[str, float | int | str] = {
        "attacks": len(chosen),
        "accepted for a reason": len(ACCEPTED.keys() & dict(chosen).keys()),
        "slowest / s of the processor": round(slowest, 1),
        "largest process / MiB": round(largest),
    }
    return Found(tried, figures, tuple(faults))


# --- every key of model.json ------------------------------------------------------------------------

WRONG: tuple[Any, ...] = (None, True, -1, 1e308, 2**70, "", "\ud800", ["x"], {"": 1}, [[[]]])
PAGES = ("card", "params", "unit", "family", "features", "window")  # what only a page shows


def _each_key(run: Path, sound: Path, folder: Path) -> int:
    """Each key of ``model.json`` (and of its tables) gone, or something else; in one process."""
    kept = read_json(run / "6_application" / "model.json")
    shutil.copytree(run / "6_application", folder)
    tables = [("", kept)] + [(key, value) for key, value in kept.items() if isinstance(value, dict)]
    n_tried = n_accepted = 0
    for table, keys in tables:
        for key in keys:
            for value in (..., *WRONG):
                changed = {name: item for name, item in keys.items() if name != key}
                if value is not ...:
                    changed[key] = value
                about = kept | {table: changed} if table else changed
                (folder / "model.json").write_text(json.dumps(about))
                code, said = _said("apply", folder, sound)
                if code == 0 and {table, key} & {*PAGES}:
                    code, said = _said("export", folder, "--out", folder / "x.html", "--force")
                n_tried += 1
                n_accepted += code == 0
                if "unexpected" in said or (code and "E-MODEL" not in said):
                    print(f"fault: {table}.{key} = {str(value)[:20]!r}: {said.strip()[-200:]}")
    print(f"tried {n_tried} accepted {n_accepted}")
    return 0


def _said(*words: object) -> tuple[int, str]:
    """The command line in this process."""
    from ddasp.apps.cli import main

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main([str(word) for word in words])
    return code, said.getvalue()


def each_key(place: Place) -> Found:
    """What is accepted are texts that a person reads, and keys that nobody does."""
    base = Base.made(place.folder)
    ended = attempt(_each_key, base.run, base.sound, place.folder / "keys", most=120)
    faults = [
        line.removeprefix("fault: ") for line in ended.out.splitlines() if line[:6] == "fault:"
    ]
    words = ended.out.split()
    if ended.code or "tried" not in words:
        faults.append(f"the process ended with {ended.code}: {ended.err[-300:]}")
        return Found(0, {}, tuple(faults))
    tried, accepted = (int(words[words.index(word) + 1]) for word in ("tried", "accepted"))
    figures = {"refused": tried - accepted, "of no consequence": accepted}
    return Found(tried, figures, tuple(faults))


ROWS = (
    Row(
        "Bad inputs tried",
        "attacks on model folders",
        "each refused with a code in 5 s and 512 MiB, or in the reviewed list; no code run, no file read",
        60,
        attacks,
    ),
    Row(
        "Bad inputs tried",
        "keys of model.json that are gone or something else",
        "refused as E-MODEL, or of no consequence; no error without a code",
        30,
        each_key,
        ("usual", "full"),
    ),
)
