"""`ddasp explain`: a notebook that runs by itself, and a page that shows it and asks for nothing."""

from __future__ import annotations

import base64
import hashlib
import html
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ddasp._errors import DependencyError, InputError, RunError
from ddasp._files import read_arrays, write_arrays
from ddasp.apps.explain import explanation
from ddasp.apps.explain.explanation import Explained, explain, piece
from ddasp.apps.explain.figures import guest
from ddasp.procedure.deployed import load
from ddasp.procedure.graph import Decision

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

HOSTILE = (
    "<img src=x onerror=hacked=1>",
    "</script><script>hacked=1</script>",
    "$x$ *b* [a](javascript:b)",
)


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


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A linear model whose labels look like markup, on windows of half a second."""
    made = EXAMPLE.decision("mfcc", "linear", "classification")
    hostile = Decision(made.estimator, made.temperature, HOSTILE)
    window = {"length": 0.5, "hop": 0.25}
    folder = tmp_path_factory.mktemp("run")
    return EXAMPLE.write_model(folder, hostile, "mfcc", "linear", window=window)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of silence, then a hum, under a name that looks like markup."""
    hum = EXAMPLE.burst(1, np.random.default_rng(7), seconds=1.0)
    name = "<img src=x onerror=hacked=1>_`b`.wav"
    signal = np.concatenate([np.zeros(EXAMPLE.RATE // 2), hum])
    return EXAMPLE.write_sound(tmp_path_factory.mktemp("sound") / name, signal)


@pytest.fixture(scope="module")
def made(run: Path, sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Explained:
    return explain(run, sound, tmp_path_factory.mktemp("out") / "new")


def cells_of(made: Explained) -> Any:
    return nbformat.read(made.notebook, as_version=4)


# ---------------------------------------------------------------------------- the notebook


def test_the_answer_is_that_of_the_model_in_use(made: Explained, run: Path, sound: Path):
    model = load(run)
    start, stop, waveform = piece(model, sound, None)
    assert (made.start, made.stop) == (start, stop)
    assert made.answer == model.answer(model.output(waveform), silent=False)
    assert made.difference <= 1e-5
    assert len(made.reasons) == 3
    assert made.sentence.startswith(f"“{made.answer['decided']}” with a probability of 0.")


def test_the_notebook_is_valid_and_carries_its_outputs(made: Explained):
    book = cells_of(made)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    data = [o.get("data", {}) for cell in code for o in cell.outputs]
    assert sum("image/svg+xml" in d for d in data) >= 6
    assert sum("data:audio/wav" in d.get("text/html", "") for d in data) == 3
    assert not any(
        o.output_type == "error" or o.get("name") == "stderr" for c in code for o in c.outputs
    )
    assert all("picture" not in c.metadata.get("tags", []) or c.outputs for c in code)


def test_each_block_of_code_has_words_in_front(made: Explained):
    book = cells_of(made)
    for before, cell in zip(book.cells, book.cells[1:], strict=False):
        if cell.cell_type == "code" and not cell.metadata.get("tags"):
            assert before.cell_type == "markdown" or before.metadata.get("tags"), cell.source


def printed(book: Any) -> list[list[str]]:
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    return [[output.text for output in cell.outputs if "text" in output] for cell in code]


def without_pictures(made: Explained) -> Any:
    book = cells_of(made)
    book.cells = [
        c for c in book.cells if not {"picture", "chart"} & set(c.metadata.get("tags", []))
    ]
    return book


def test_the_notebook_runs_again_from_its_folder(made: Explained):
    execute = importlib.import_module("ddasp.apps.explain.execute").execute
    again = execute(without_pictures(made), made.notebook.parent)
    assert printed(again) == printed(without_pictures(made))


def test_a_changed_parameter_fails_in_the_kernel_too(made: Explained, tmp_path: Path):
    execute = importlib.import_module("ddasp.apps.explain.execute").execute
    for name in ("sound.npz", "model.onnx"):
        (tmp_path / name).write_bytes((made.notebook.parent / name).read_bytes())
    arrays = read_arrays(made.notebook.parent / "model.npz")
    write_arrays(
        tmp_path / "model.npz",
        arrays | {"linear.intercept": arrays["linear.intercept"] + [0, 0, 1]},
    )
    with pytest.raises(RunError, match=r"a cell of the notebook failed .*AssertionError") as caught:
        execute(without_pictures(made), tmp_path)
    assert caught.value.code == "E-MODEL"


def test_the_data_beside_the_notebook_hold_no_objects(made: Explained, run: Path):
    folder = made.notebook.parent
    arrays = read_arrays(folder / "model.npz")  # refuses pickles
    assert arrays["linear.coefficients"].shape == (52, 3)
    assert_array_equal(arrays["labels"], HOSTILE)
    heard = read_arrays(folder / "sound.npz")
    assert heard["waveform"].dtype == np.float32
    assert heard["rate"] == EXAMPLE.RATE
    stored = run / "6_application" / "model.onnx"
    assert (folder / "model.onnx").read_bytes() == stored.read_bytes()


# ---------------------------------------------------------------------- which piece, and what is refused


def test_the_first_window_that_is_heard_is_explained_or_the_one_asked_for(run: Path, sound: Path):
    model = load(run)
    assert piece(model, sound, None)[:2] == (0.25, 0.75)  # the first one is silent
    assert piece(model, sound, 0.1)[:2] == (0.0, 0.5)
    assert piece(model, sound, 0.5)[:2] == (0.25, 0.75)
    assert piece(model, sound, 1.49)[:2] == (1.0, 1.5)
    with pytest.raises(InputError, match=r"at is 1\.5 s; expected a time from 0 s to 1\.5 s"):
        piece(model, sound, 1.5)
    with pytest.raises(InputError, match="at is -1 s"):
        piece(model, sound, -1.0)


def test_a_sound_of_silence_is_explained_from_its_start(run: Path, tmp_path: Path):
    silence = EXAMPLE.write_sound(tmp_path / "silence.wav", np.zeros(8000))
    assert piece(load(run), silence, None)[:2] == (0.0, 0.5)


def test_a_piece_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = EXAMPLE.write_model(
        tmp_path, EXAMPLE.decision("mfcc", "linear", "classification"), "mfcc", "linear"
    )
    long = EXAMPLE.write_sound(tmp_path / "long.wav", np.zeros(9000))
    monkeypatch.setattr(explanation, "LONGEST", 1.0)
    with pytest.raises(
        InputError, match="the piece lasts 1 s; expected at most 1 s - cut the recording"
    ):
        piece(load(whole), long, None)


def test_an_earlier_explanation_is_not_overwritten_unasked(
    made: Explained, run: Path, sound: Path, tmp_path: Path
):
    with pytest.raises(InputError, match=r"which holds explain.ipynb already; .*--force"):
        explain(run, sound, made.notebook.parent)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="a file; expected the name of a folder"):
        explain(run, sound, tmp_path / "file")


def test_a_missing_extra_is_named_with_its_command(
    run: Path, sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delitem(sys.modules, "ddasp.apps.explain.execute", raising=False)
    monkeypatch.setitem(sys.modules, "nbclient", None)
    with pytest.raises(DependencyError, match=r'pip install "ddasp\[notebook\]"'):
        explain(run, sound, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_when_the_derivation_fails(
    run: Path, sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(book: Any, folder: Path) -> None:
        raise RunError("E-MODEL", "a cell of the notebook failed (AssertionError)")

    monkeypatch.setattr("ddasp.apps.explain.execute.execute", fail)
    with pytest.raises(RunError, match="a cell of the notebook failed"):
        explain(run, sound, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# ---------------------------------------------------------------------------- the page


def test_hostile_names_are_shown_as_text(made: Explained):
    page = made.page.read_text("utf-8")
    assert "<img" not in page
    assert "<script>hacked" not in page
    assert 'javascript:b"' not in page
    for label in HOSTILE:
        assert label in html.unescape(page)
    title = cells_of(made).cells[0].source
    assert "<" not in title
    assert "$x" not in title


def test_the_policy_names_the_one_script_and_the_one_style_sheet(made: Explained):
    page = made.page.read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    told = html.unescape(policy.group(1))
    for tag in ("script", "style"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in told
    assert "default-src 'none'" in told
    assert " style=" not in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)


def test_the_answer_and_what_counted_stand_above_the_steps(made: Explained):
    page = made.page.read_text("utf-8")
    head, _, steps = page.partition("</header>")
    assert html.escape(made.sentence, quote=False) in head.replace("&#34;", '"').replace(
        "&#39;", "'"
    )
    assert head.count("<li>") >= 3
    assert head.count("<svg") == 1
    titles = re.findall(r"<h2[^>]*><span[^>]*>\d+</span>(.*?)</h2>", steps)
    assert titles[0] == "The sound"
    assert titles[-2:] == ["The proof", "Tools"]
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_picture_keeps_only_what_is_drawn():
    svg = (
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 40" onload="x">'
        "<metadata>m</metadata><style>*{}</style><script>x</script><foreignObject/>"
        '<g id="caption"><text transform="translate(4 12.0)">words</text></g>'
        '<a href="http://b"><path d="M 0 0"/></a>'
        '<g id="a" style="stroke: #0072B2; font: bold 12px x"><use href="http://b/#c"/>'
        "<text>t &lt;b></text></g></svg>"
    )
    assert guest(svg, caption="c", prefix="p") == (
        '<svg viewBox="0 16 9 24" role="img" aria-label="c">'
        '<g id="p-a" stroke="var(--train)" font-size="12" font-weight="bold">'
        "<use /><text>t &lt;b&gt;</text></g></svg>"
    )
    with pytest.raises(RunError, match="is no SVG"):
        guest("<svg", caption="", prefix="")


# ---------------------------------------------------------------------------- in a browser


@pytest.fixture
def tab(chromium: str, made: Explained) -> Iterator[Any]:
    """The page; at the end nothing may have been requested, complained about or run."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        args = [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--no-first-run",
        ]
        browser = driver.chromium.launch(executable_path=chromium, args=args)
        tab = browser.new_page(viewport={"width": 375, "height": 800})
        faults: list[str] = []
        tab.on("console", lambda message: faults.append(message.text))
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.on(
            "request",
            lambda r: None if r.url.startswith(("file:", "data:")) else faults.append(r.url),
        )
        tab.goto(made.page.as_uri())
        yield tab
        assert tab.evaluate("window.hacked") is None
        browser.close()
        assert faults == []


@pytest.mark.browser
def test_the_page_fits_folds_plays_and_follows_the_theme(tab: Any):
    assert tab.evaluate("document.documentElement.scrollWidth") == 375
    assert not tab.evaluate("document.getElementById('contents').open")  # the answer comes first
    assert tab.evaluate("document.querySelectorAll('details[data-step][open]').length") > 10
    tab.click("#code")
    assert tab.evaluate("document.querySelectorAll('details[data-step][open]').length") == 0
    ink = "getComputedStyle(document.querySelector('figure svg text')).fill"
    light = tab.evaluate(ink)
    tab.click("#theme")
    assert tab.evaluate(ink) != light
    tab.wait_for_function("[...document.querySelectorAll('audio')].every(a => a.duration > 0.4)")
    tab.set_viewport_size({"width": 1200, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") == 1200
