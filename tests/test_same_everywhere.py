"""One recording of the drum machine on every way that a model goes: the same decision each time.

The reference is `ddasp.audio` in float64 and the estimator, fitted again as step 6 did; the ways are
`apply` on a file, a pipe in pieces of any size, the exported graph, the page in Chromium and the
notebook of `explain`.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import numpy as np
import onnxruntime
import pytest
from numpy.testing import assert_allclose
from scipy.special import softmax

from ddasp._files import read_json
from ddasp._progress import Silent
from ddasp.apps.cli import main
from ddasp.apps.demo import write_drum_corpus
from ddasp.audio import drums
from ddasp.audio.files import read, write
from ddasp.procedure import preparation
from ddasp.procedure.features import extract
from ddasp.procedure.fits import Candidate, data_of, fit, seed_of
from ddasp.procedure.run import run

RATE = 16_000
TOLERANCE = 1e-5
SETS = ("levels", "descriptors", "mfcc", "trajectories", "logmel")
FAMILIES = ("kernel", "linear", "mlp", "forest", "neighbours")
PROBLEM = """
[problem]
kind = "multi-class"
useful_from = 0.5
[sounds]
folder = "sounds"
labels = "pattern"
group = "pattern"
pattern = '(?P<label>\\w+)/(?P<group>kit[A-Z]+)_\\d+'
rate = {rate}
[preparation]
features = ["{features}"]
[spot_check]
families = ["majority", "{family}"]
cap = 48
survivors = 1
[selection]
trials = 0
finalists = 1
[evaluation]
players = 0
[run]
seed = 1
"""
Output = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four kits of the demo, and a recording of a fifth at the model's rate."""
    folder = tmp_path_factory.mktemp("everywhere")
    write_drum_corpus(folder / "sounds", n_kits=3, n_hits=2)
    rng = np.random.default_rng(99)
    hit = drums.drum_hit("snare", drums.drum_kit(rng), rng, RATE)
    write(folder / "new.wav", hit.signal, RATE)
    return folder


@pytest.fixture(scope="module", params=zip(SETS, FAMILIES, strict=True), ids="-".join)
def model(request: pytest.FixtureRequest, base: Path) -> SimpleNamespace:
    """A run on one feature set and one family, and the probabilities of the reference."""
    features, family = request.param
    out = base / f"{features}_{family}"
    (base / f"{features}.toml").write_text(
        PROBLEM.format(rate=RATE, features=features, family=family)
    )
    run(base / f"{features}.toml", out=out, n_workers=1, progress=Silent())
    data = data_of(preparation.load(out / "2_preparation"))
    choice = read_json(out / "4_selection" / "selection.json")
    candidate = Candidate.from_json(choice["chosen"])
    estimator = fit(data, candidate, np.arange(len(data.y)), seed=seed_of(1, "outer", 0))
    signal = read(base / "new.wav").samples[:, 0].astype(np.float64)
    X = extract(signal, RATE, (features,), variants=False)[features]
    p = softmax(estimator.scores(X) / choice["temperature"], axis=1)[0]
    about = read_json(out / "6_application" / "model.json")
    assert (about["features"]["name"], about["family"]) == (features, candidate.family)
    return SimpleNamespace(run=out, sound=base / "new.wav", p=p, labels=about["labels"])


def told(row: dict[str, Any], labels: list[str]) -> np.ndarray:
    return np.array([row[f"p:{label}"] for label in labels])


def test_apply_on_the_file(model: SimpleNamespace, capsys: Output) -> None:
    assert main(["apply", str(model.run), str(model.sound), "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert_allclose(told(row, model.labels), model.p, atol=TOLERANCE)


def test_a_pipe_in_pieces_of_any_size(
    model: SimpleNamespace, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, rng = model.sound.read_bytes(), np.random.default_rng(5)

    class Pieces(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            nonlocal content
            n = min(int(rng.integers(1, 999)), size if size > 0 else 999)
            part, content = content[:n], content[n:]
            return part

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Pieces()))
    assert main(["apply", str(model.run), "-", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert_allclose(told(row, model.labels), model.p, atol=TOLERANCE)


def test_the_exported_graph_alone(model: SimpleNamespace) -> None:
    session = onnxruntime.InferenceSession(str(model.run / "6_application" / "model.onnx"))
    waveform = read(model.sound).samples[:, 0]
    p, decided, _ = session.run(None, {"waveform": waveform})
    assert_allclose(p, model.p, atol=TOLERANCE)
    assert decided == model.p.argmax()


@pytest.mark.browser
def test_the_page_in_a_browser(model: SimpleNamespace, chromium: str, capsys: Output) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    assert main(["export", str(model.run), "--to", "web", "--force"]) == 0
    with sync_api.sync_playwright() as driver:
        options = ["--no-sandbox", "--disable-gpu"]
        browser = driver.chromium.launch(executable_path=chromium, args=options)
        tab = browser.new_page()
        tab.goto((model.run / "model.html").as_uri())
        tab.set_input_files("#file", model.sound)
        tab.wait_for_selector("body[data-state=done]", timeout=60_000)
        rows = tab.evaluate("[...document.querySelectorAll('#rows tr')].map(r => ({...r.dataset}))")
        browser.close()
    assert len(rows) == 1
    p = np.array(rows[0]["probabilities"].split(), float)
    assert_allclose(p, model.p, atol=TOLERANCE)


def test_the_notebook_by_hand(model: SimpleNamespace, capsys: Output, tmp_path: Path) -> None:
    words = ["explain", str(model.run), str(model.sound), "--out", str(tmp_path / "by_hand")]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    notebook = nbformat.read(found["notebook"], as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    # the last cell asserts that the numbers in the notebook are the graph's; these are ours
    assert "assert" in cells[-1].source
    label = model.labels[int(model.p.argmax())]
    assert label in found["sentence"] or "don't know" in found["sentence"]
