"""The page of a model, read as text: what it holds, what it keeps out, and when it isn't made."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ddasp._errors import InputError, RunError
from ddasp._files import digest_file, read_json, write_json
from ddasp.apps import export
from ddasp.procedure import graph

WEB = Path(str(resources.files("ddasp.apps"))) / "web"
HOSTILE = ["</script><img src=x onerror=hacked=1>", "<svg onload=hacked=2>&amp;", "plain"]


def _example() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "web_example", Path(__file__).with_name("web_example.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


EXAMPLE = _example()


@pytest.fixture(autouse=True, scope="module")
def _any_graph() -> Iterator[None]:
    """These graphs are small and can be worked out; that a run wrote them is not the question."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "check_whole", lambda *_: None)
        yield


def page_of(run: Path) -> str:
    return export.web_page(run).decode("utf-8")


def element(page: str, name: str) -> str:
    found = re.search(rf'<script type="[a-z/]+" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return found[1]


def test_equal_models_give_equal_bytes(tmp_path: Path):
    a, b = EXAMPLE.make_run(tmp_path / "a"), EXAMPLE.make_run(tmp_path / "b")
    assert export.web_page(a) == export.web_page(b)


def test_the_page_holds_the_model_and_what_decides(tmp_path: Path):
    run = EXAMPLE.make_run(tmp_path, window={"length": 0.5, "hop": None})
    page = page_of(run)
    model = gzip.decompress(base64.b64decode(element(page, "model")))
    assert model == (run / "6_application" / "model.onnx").read_bytes()
    about = json.loads(element(page, "about-model"))
    stored = read_json(run / "6_application" / "model.json")
    assert {key: about[key] for key in export.KEYS} == {key: stored[key] for key in export.KEYS}


def test_what_decides_is_all_that_the_scripts_ask_for():
    asked = set(re.findall(r"\babout\.([a-z_]+)", "".join(map(export._asset, export.SCRIPTS))))
    assert asked == {*export.KEYS, "unit"}


def test_the_page_names_no_other_file(tmp_path: Path):
    page = page_of(EXAMPLE.make_run(tmp_path))
    for name in ("runtime", "wasm", "model"):
        page = page.replace(element(page, name), "")
    assert not re.search(r"<link|<iframe|\bsrc=|href=\"(?!#)|url\(|@import", page)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|fetch\(", page)


def test_the_policy_allows_this_script_and_this_style_only(tmp_path: Path):
    page = page_of(EXAMPLE.make_run(tmp_path))
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])  # type: ignore[index]
    digests = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (
            re.findall(r"<script>(.*?)</script>", page, re.DOTALL)[-1],
            re.findall(r"<style>(.*?)</style>", page, re.DOTALL)[0],
        )
    ]
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{digests[0]}' data: 'wasm-unsafe-eval'; "
        f"style-src 'sha256-{digests[1]}'; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )
    assert page.count("<script>") == page.count("<style>") == 1
    assert not re.search(r"\s(style|on[a-z]+)=\"", page)


def test_hostile_words_are_shown_as_text(tmp_path: Path):
    card = {"question": HOSTILE[0], "purpose": HOSTILE[1], "verdict": f"{HOSTILE[0]}: {HOSTILE[1]}"}
    page = page_of(EXAMPLE.make_run(tmp_path, HOSTILE, card=card, family=HOSTILE[0]))
    assert "<img" not in page
    assert "<svg" not in page
    assert page.count("</script>") == page.count("<script")
    assert html.unescape(page).count(HOSTILE[0]) >= 4
    assert json.loads(element(page, "about-model"))["labels"] == HOSTILE


def test_the_card_says_what_should_be_known(tmp_path: Path):
    run = EXAMPLE.make_run(
        tmp_path, window={"length": 0.5, "hop": 0.25}, cost=[[0, 1, 1], [1, 0, 1], [9, 1, 0]]
    )
    page = html.unescape(page_of(run))
    for words in (
        "<h1>Where is the energy?</h1>",
        "<strong>Useful:</strong> accuracy 0.91 (0.85 to 0.95) lies above 0.80.",
        "<dd>accuracy 0.91 (0.85 to 0.95) on 60 held-out sounds</dd>",
        "<dd>windows of 0.5 s, one every 0.25 s</dd>",
        "<dd>below a probability of 0.50, or when the sound is silent</dd>",
        "<dd>it decides what costs least on average, not what is most probable</dd>",
        "<dd>energies in bands: log E</dd>",
        "<dd>linear (C = 1)</dd>",
        digest_file(run / "6_application" / "model.onnx"),
    ):
        assert words in page


def test_a_bare_card_is_enough(tmp_path: Path):
    page = page_of(
        EXAMPLE.make_run(
            tmp_path, (), card={}, params={}, features={"name": "bands", "version": EXAMPLE.VERSION}
        )
    )
    assert "<h1>What is this sound?</h1>" in page
    assert "<dd>whole sounds</dd>" in page
    assert "<dt>labels</dt>" not in page
    assert "below a probability" not in page
    assert "None" not in page.split('<script type="application/json"')[0]


def test_every_script_is_in_the_page_and_in_the_order_of_its_needs():
    assert {path.name for path in WEB.glob("*.js")} == {*export.SCRIPTS, "worklet.js"}
    script = export._script()
    assert script.startswith('"use strict";\n(() => {')
    assert script.endswith("})();\n")
    assert "</script" not in script + export._asset("worklet.js") + export._asset("page.css")


def test_the_runtime_is_the_one_that_its_table_names():
    table = (WEB / "runtime" / "README.md").read_text("utf-8")
    rows = re.findall(
        r"\| (?:`([^`]+)`|the same, unpacked) \| ([\d,]+) \| `([0-9a-f]{64})` \|", table
    )
    packed = WEB / "runtime" / "ort-wasm-simd-threaded.wasm.gz"
    contents = {name: (WEB / "runtime" / name).read_bytes() for name, *_ in rows if name}
    contents[""] = gzip.decompress(packed.read_bytes())
    assert [
        (name, f"{len(contents[name]):,}", hashlib.sha256(contents[name]).hexdigest())
        for name, *_ in rows
    ] == rows
    assert len(rows) == 3
    assert packed.read_bytes()[3:8] == bytes(5)  # no name, no time: it can be made again
    assert f"| version | {export.RUNTIME} |" in table
    assert f"Web v{export.RUNTIME}".encode() in contents["ort.wasm.bundle.min.mjs"][:100]
    assert "MIT License" in (WEB / "runtime" / "LICENSE").read_text()


def test_the_licence_of_the_runtime_travels_with_the_page(tmp_path: Path):
    page = html.unescape(page_of(EXAMPLE.make_run(tmp_path)))
    assert (WEB / "runtime" / "LICENSE").read_text("utf-8").strip() in page


def test_the_size_of_the_page_is_the_one_that_the_documentation_states(tmp_path: Path):
    found = export.export_web(EXAMPLE.make_run(tmp_path / "run"), tmp_path / "page.html")
    assert found.n_bytes == found.path.stat().st_size
    assert found.n_bytes == pytest.approx(5.03e6, abs=3e4)
    assert found.n_bytes_model == (tmp_path / "run/6_application/model.onnx").stat().st_size


def test_it_is_written_into_the_run_folder_if_nothing_else_is_named(tmp_path: Path):
    run = EXAMPLE.make_run(tmp_path)
    assert export.export_web(run).path == run / "model.html"
    assert export.export_web(run / "6_application", tmp_path / "new" / "page.html").path.exists()


def test_a_file_is_replaced_only_by_force(tmp_path: Path):
    run, out = EXAMPLE.make_run(tmp_path / "run"), tmp_path / "page.html"
    out.write_text("mine")
    with pytest.raises(
        InputError, match=r"E-ARGUMENT: out is .*page\.html, which exists; .*--force"
    ):
        export.export_web(run, out)
    assert out.read_text() == "mine"
    assert export.export_web(run, out, force=True).n_bytes == out.stat().st_size
    with pytest.raises(
        InputError, match=r"E-ARGUMENT: out is .*, a folder; expected the name of a file"
    ):
        export.export_web(run, tmp_path, force=True)


def test_without_a_model_there_is_no_page(tmp_path: Path):
    with pytest.raises(InputError, match=r"E-MODEL: .* holds no model\.json"):
        export.export_web(tmp_path, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_an_edited_model_makes_no_page(tmp_path: Path):
    run = EXAMPLE.make_run(tmp_path)
    (run / "6_application" / "model.onnx").write_bytes(b"other")
    with pytest.raises(RunError, match=r"E-MODEL: .*model\.onnx is not the file that model\.json"):
        export.web_page(run)


def test_a_graph_that_takes_features_makes_no_page(tmp_path: Path):
    run = EXAMPLE.make_run(tmp_path)
    path: Any = run / "6_application" / "model.onnx"
    path.write_bytes(path.read_bytes().replace(b"waveform", b"features"))
    about = read_json(path.with_suffix(".json"))
    write_json(path.with_suffix(".json"), about | {"digests": {"model.onnx": digest_file(path)}})
    with pytest.raises(InputError, match=r"E-MODEL: .*has inputs \['features'\]"):
        export.web_page(run)


def test_a_model_too_large_for_a_page_is_refused_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = EXAMPLE.make_run(tmp_path)
    size = (run / "6_application" / "model.onnx").stat().st_size
    monkeypatch.setattr(export, "LARGEST", size)
    assert export.web_page(run)
    monkeypatch.setattr(export, "LARGEST", size - 1)
    with pytest.raises(
        InputError, match=r"E-MODEL: .* MiB; a page holds at most .* - decide with `ddasp apply`"
    ):
        export.web_page(run)
