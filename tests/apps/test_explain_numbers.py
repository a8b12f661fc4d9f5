"""What the cells derive is what features, estimator and graph give, for every model that may be chosen."""

from __future__ import annotations

import ast
import copy
import importlib.util
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax

from ddasp._errors import InputError
from ddasp._files import write_arrays
from ddasp.apps.explain.data import model_arrays
from ddasp.apps.explain.story import FEATURES, story
from ddasp.nonlinear import cnn_spec
from ddasp.procedure.candidates import FAMILIES
from ddasp.procedure.deployed import Deployed, is_silent
from ddasp.procedure.features import extract
from ddasp.procedure.graph import Decision, corner_sounds

PICTURES = ("picture", "chart")
EVERY = [(family.name, kind) for family in FAMILIES.values() for kind in family.kinds]


def _example() -> ModuleType:
    path = Path(__file__).with_name("explain_example.py")
    spec = importlib.util.spec_from_file_location("explain_example", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


EXAMPLE = _example()
SOUND = EXAMPLE.burst(1, np.random.default_rng(99))  # not one of those the models learned from


class Notebook:
    """The cells of one model and one sound in a folder, to be run in this process."""

    def __init__(
        self, folder: Path, made: Decision, features: str, sound: Any, **others: Any
    ) -> None:
        self.folder = folder
        self.content = EXAMPLE.content(made, features)
        self.about = EXAMPLE.about_of(made, features, "any", **others)
        self.arrays = model_arrays(self.about, self.content)
        self.sound = np.asarray(sound, np.float32)
        self.cells = story(self.about, self.arrays)
        (folder / "model.onnx").write_bytes(self.content)

    def run(self, *, pictures: bool = False, **changed: Any) -> dict[str, Any]:
        """Names that the cells leave behind; any warning is an error."""
        stored = {"waveform": self.sound, "rate": np.int64(EXAMPLE.RATE)}
        write_arrays(self.folder / "sound.npz", stored)
        write_arrays(self.folder / "model.npz", self.arrays | changed)
        names: dict[str, Any] = {}
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            patch.chdir(self.folder)
            warnings.simplefilter("error")
            for cell in self.cells:
                if cell.kind == "code" and (pictures or cell.role not in PICTURES):
                    exec(compile(cell.text, cell.role or "cell", "exec"), names)
                if cell.role == "tools":
                    names |= {"show": shown, "play": played}
        return names


def shown(figure: Any, caption: str) -> None:
    """In place of the one that writes SVG, which takes most of the time."""
    assert caption
    assert figure.axes


def played(signal: Any, name: str) -> None:
    assert np.isfinite(signal).all(), name


@pytest.fixture
def notebook(tmp_path: Path) -> Any:
    def make(
        features: str, family: str, kind: str = "classification", sound: Any = SOUND, **others: Any
    ) -> Notebook:
        if FAMILIES[family].needs:
            pytest.importorskip(FAMILIES[family].needs)
        made = EXAMPLE.decision(features, family, kind, others.pop("n_classes", 3))
        return Notebook(tmp_path, made, features, sound, **others)

    return make


@pytest.mark.parametrize("features", FEATURES)
def test_the_cells_compute_every_feature_set(features: str, notebook: Any):
    names = notebook(features, "linear").run()
    expected = extract(SOUND, EXAMPLE.RATE, (features,), variants=False)[features][0]
    # both are computed in float64 and rounded to float32; near 0 only differences count
    assert_allclose(names["f"], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("features", FEATURES)
def test_the_cells_hold_for_sounds_at_the_edges(features: str, notebook: Any):
    made = notebook(features, "linear")
    for number, sound in enumerate(corner_sounds(EXAMPLE.RATE, length=0.5)):
        made.sound = sound
        names = made.run()
        expected = extract(sound, EXAMPLE.RATE, (features,), variants=False)[features][0]
        assert_allclose(names["f"], expected, rtol=1e-5, atol=1e-5, err_msg=str(number))


@pytest.mark.parametrize(("family", "kind"), EVERY, ids=["-".join(pair) for pair in EVERY])
def test_the_cells_decide_as_every_family(family: str, kind: str, notebook: Any):
    features = "logmel" if family == "cnn" else "mfcc"
    names = notebook(features, family, kind).run()
    made = EXAMPLE.decision(features, family, kind)
    row = extract(SOUND, EXAMPLE.RATE, (features,), variants=False)[features]
    if kind == "regression":
        value = made.estimator.predict(row)[0]
        assert_allclose(names["value"], value, rtol=1e-5, atol=1e-5 * made.estimator.scale)
    else:
        p = softmax(made.estimator.scores(row)[0] / made.temperature)
        assert_allclose(names["p"], p, atol=1e-5)  # what the graph is held to
    assert names["difference"] <= 1e-5


def test_every_kind_of_convolutional_layer_is_derived(tmp_path: Path):
    pytest.importorskip("torch")
    model = copy.deepcopy(EXAMPLE.decision("logmel", "cnn", "classification").estimator)
    layers = (
        cnn_spec.BatchNorm(),  # with no convolution before it
        cnn_spec.Convolution(4, (3, 2), stride=(2, 1), padding=(1, 0)),
        cnn_spec.Activation("tanh"),
        cnn_spec.Pool("mean", (2, 3), (1, 2)),
        cnn_spec.Convolution(3, (2, 1), padding=(0, 1)),
        cnn_spec.Activation("sigmoid"),
        cnn_spec.Pool("max", (3, 2), (2, 3)),
        cnn_spec.Flatten(),
        cnn_spec.Dense(3),
    )
    spec = cnn_spec.CNNSpec((1, 32, 40), layers, "categorical_cross_entropy")
    rng = np.random.default_rng(1)
    model.network.spec_ = spec
    model.network.state_ = tuple(
        rng.uniform(0.5, 2, s.shape).astype(np.float32) for s in cnn_spec.initial_state(spec)
    )
    model.network.parameters_ = tuple(
        (0.2 * rng.normal(size=shape)).astype(np.float32)
        for shape in cnn_spec.parameter_shapes(spec)
    )
    made = Notebook(tmp_path, Decision(model, 1.0, EXAMPLE.LABELS), "logmel", SOUND)
    names = made.run(pictures=True)
    row = extract(SOUND, EXAMPLE.RATE, ("logmel",), variants=False)["logmel"]
    assert_allclose(names["p"], softmax(model.scores(row)[0]), atol=1e-5)


@pytest.mark.parametrize("family", ["majority", "linear", "tree", "neighbours", "kernel", "mlp"])
def test_classes_that_training_did_not_hold_are_derived_too(family: str, notebook: Any):
    made = notebook("mfcc", family, n_classes=5)
    names = made.run()
    assert len(names["p"]) == 5
    assert names["outputs"] == list(EXAMPLE.LABELS)
    # the score of the unseen counts: without it the probabilities are others
    with pytest.raises(AssertionError):
        made.run(**{"classes.unseen": made.arrays["classes.unseen"] * 0.5})


@pytest.mark.parametrize(
    ("features", "family", "kind"),
    [
        ("levels", "rule", "classification"),
        ("descriptors", "forest", "regression"),
        ("trajectories", "neighbours", "classification"),
        ("logmel", "cnn", "classification"),
        ("mfcc", "mlp", "regression"),
        ("mfcc", "kernel", "classification"),
        ("levels", "linear", "regression"),
    ],
)
def test_every_picture_is_drawn(features: str, family: str, kind: str, notebook: Any):
    notebook(features, family, kind).run(pictures=True)


def test_pictures_of_silence_are_drawn_and_silence_is_no_knowledge(notebook: Any):
    for features in ("levels", "descriptors", "trajectories"):
        names = notebook(features, "linear", sound=np.zeros(900)).run(pictures=True)
        assert names["silent"]
        assert names["answer"] == "don't know"


def test_the_contributions_of_a_linear_model_sum_to_the_lead(notebook: Any):
    names = notebook("mfcc", "linear").run()
    s = np.sort(names["s"])
    # the same sum in another order
    assert_allclose(names["counts"].sum() + names["others"], s[-1] - s[-2], rtol=1e-12)
    assert_allclose(names["lead"], s[-1] - s[-2], rtol=1e-12)
    values = notebook("mfcc", "linear", "regression").run()
    assert_allclose(values["counts"].sum() + values["others"], values["value"], rtol=1e-12)


def test_what_a_feature_counts_is_the_lead_minus_that_of_a_sound_where_it_is_average(notebook: Any):
    names = notebook("mfcc", "mlp").run()
    made, i = EXAMPLE.decision("mfcc", "mlp", "classification"), int(np.argmax(names["counts"]))
    row = names["f"].astype(float)
    row[i] = made.estimator.standardiser.mean[i]
    (s,), (t,) = (made.estimator.scores(f[np.newaxis]) for f in (names["f"], row))
    first, second = np.argsort(-s)[:2]
    # the estimator computes in float32
    expected = (s[first] - s[second]) - (t[first] - t[second])
    assert_allclose(names["counts"][i], expected, atol=1e-5)


@pytest.mark.parametrize("family", ["rule", "linear", "tree", "neighbours", "svm", "mlp"])
def test_a_changed_parameter_breaks_the_proof(family: str, notebook: Any):
    made = notebook("mfcc", family)
    name = {
        "rule": "rule.table",
        "linear": "linear.coefficients",
        "tree": "trees.leaf",
        "neighbours": "neighbours.targets",
        "svm": "kernel.coefficients",
        "mlp": "mlp.1.weights",
    }[family]
    values = made.arrays[name]
    other = values * 1.01 if family == "mlp" else np.roll(values, 1, axis=-1)
    with pytest.raises(AssertionError):
        made.run(**{name: other})
    with pytest.raises(AssertionError):
        made.run(temperature=made.arrays["temperature"] * 1.1)


def test_a_changed_sound_breaks_the_proof(notebook: Any):
    made = notebook("mfcc", "linear")
    changed = np.append(made.arrays["standardise.mean"][:-1], 7.0)
    with pytest.raises(AssertionError):
        made.run(**{"standardise.mean": changed})


def test_costs_and_doubt_decide_as_the_model_in_use(notebook: Any):
    cost = [[0.0, 1.0, 1.0], [1.0, 0.0, 0.1], [90.0, 90.0, 0.0]]
    for others in (
        {"cost": cost},
        {"dont_know_below": 0.99},
        {"cost": cost, "dont_know_below": 0.2},
    ):
        made = notebook("mfcc", "linear", **others)
        names, model = made.run(), Deployed(made.about, made.content)
        answer = model.answer(model.output(made.sound), silent=is_silent(made.sound))
        assert names["answer"] == answer["decided"]
        assert_allclose(names["p"][names["decided"]], answer["probability"], atol=1e-5)


def test_a_value_has_the_interval_of_the_model_in_use(notebook: Any):
    made = notebook("levels", "linear", "regression")
    names, model = made.run(), Deployed(made.about, made.content)
    answer = model.answer(model.output(made.sound), silent=False)
    assert_allclose(names["value"] + names["half"], answer["high"], rtol=1e-5)


def test_the_cells_import_nothing_of_ddasp(notebook: Any):
    allowed = {"io", "textwrap", "matplotlib", "numpy", "IPython", "onnxruntime"}
    for features, family in (("levels", "linear"), ("logmel", "cnn"), ("descriptors", "forest")):
        for cell in notebook(features, family).cells:
            if cell.kind != "code":
                continue
            for node in ast.walk(ast.parse(cell.text)):
                names = [node.module] if isinstance(node, ast.ImportFrom) else []
                names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
                assert {str(name).partition(".")[0] for name in names} <= allowed


def test_labels_never_become_code(tmp_path: Path):
    made = EXAMPLE.decision("mfcc", "linear", "classification")
    hostile = Decision(made.estimator, made.temperature, ("'); boom(", "{{style}}", "\x07```"))
    (tmp_path / "a").mkdir()
    plain = Notebook(tmp_path, made, "mfcc", SOUND)
    other = Notebook(tmp_path / "a", hostile, "mfcc", SOUND)
    assert [cell.text for cell in plain.cells] == [cell.text for cell in other.cells]
    assert_array_equal(other.run()["p"], plain.run()["p"])


def test_a_model_of_other_features_or_family_is_refused(notebook: Any):
    made = notebook("mfcc", "linear")
    with pytest.raises(InputError, match="the model has features 'rate'; expected one of levels"):
        story(made.about | {"features": {"name": "rate"}}, made.arrays)
    with pytest.raises(InputError, match="of no family that can be explained"):
        story(made.about, {"temperature": np.float64(1)})
