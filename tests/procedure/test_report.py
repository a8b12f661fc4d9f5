"""The report: what it must say, what it must keep out, and how it behaves in a browser."""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.util
import io
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile

from ddasp._errors import CODES
from ddasp._files import read_json, write_json
from ddasp.audio.loudness import integrated_loudness
from ddasp.procedure import report
from ddasp.procedure.report import figures, page, players
from ddasp.procedure.report.figures import plane, spread_rows
from ddasp.procedure.report.folder import RunFolder
from ddasp.procedure.report.words import verdict

HOSTILE = (
    "<img src=x onerror=hacked=1>",
    "</script><script>hacked=1</script>",
    "'\"><svg onload=hacked=1>",
)
VOID = {"meta", "br", "link", "input", "img", "hr"}


def _example() -> ModuleType:
    path = Path(__file__).with_name("report_example.py")
    spec = importlib.util.spec_from_file_location("report_example", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


EXAMPLE = _example()
Made = tuple[Path, Path, str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Each variant is made once: (run, sounds, page)."""
    known: dict[str, Made] = {}

    def make(name: str) -> Made:
        if name not in known:
            options = (
                {"labels": HOSTILE, "name": HOSTILE[1]}
                if name == "hostile"
                else EXAMPLE.VARIANTS[name]
            )
            run, sounds = EXAMPLE.make_run(tmp_path_factory.mktemp(name), **options)
            known[name] = (run, sounds, report.build(run, sounds))
        return known[name]

    return make


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made but not written out, where a test asks for words only."""
    monkeypatch.setattr(
        figures.plot,
        "to_svg",
        lambda figure, *, alt, title="": f"<svg><desc>{html.escape(alt)}</desc></svg>",
    )


class Outline(HTMLParser):
    """Checks that elements nest, and collects what the tests ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.text += data + " "


def outline(text: str) -> Outline:
    found = Outline()
    found.feed(text)
    found.close()
    assert found.open == []
    return found


def words(text: str) -> str:
    return " ".join(outline(text).text.split())


def data_of(text: str, name: str) -> Any:
    match = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', text, re.S)
    assert match
    return json.loads(match.group(1))


# ---------------------------------------------------------------------------- what it says


@pytest.mark.parametrize("name", [*EXAMPLE.VARIANTS, "hostile"])
def test_every_variant_is_one_well_formed_page(made: Callable[[str], Made], name: str):
    text = made(name)[2]
    found = outline(text)
    assert len(found.ids) == len(set(found.ids))
    for section in (
        "problem",
        "preparation",
        "spot-check",
        "selection",
        "evaluation",
        "application",
    ):
        assert section in found.ids
    assert len(text.encode()) < 20_000_000
    for nothing in ("None", "nan", "undefined", "NaN"):
        assert not re.search(rf"\b{nothing}\b", words(text)), nothing


def test_the_first_screen_says_question_verdict_and_number(made: Callable[[str], Made]):
    text = made("multi")[2]
    head = words(text[text.index("<header>") : text.index("</header>") + 9])
    assert "Which voice of the drum machine is it?" in head
    assert "Not decided at this sample size" in head
    assert "about 9 more groups" in head
    assert "0.81 (0.72 to 0.90)" in head
    assert "useful from 0.75" in head
    assert "linear on trajectories" in head


def test_the_verdict_is_the_largest_text():
    style = (Path(report.__file__).parent / "style.css").read_text("utf-8")
    sizes = {
        match[0].split("{")[0]: float(max(re.findall(r"([\d.]+)rem", match[2]), key=float))
        for match in re.finditer(r"(^|\n)[^{}\n]*\{[^}]*font-size:([^;}]+)", style)
        for match in [(match.group(0).strip(), match.group(1), match.group(2))]
        if re.findall(r"([\d.]+)rem", match[2])
    }
    largest = max(sizes, key=lambda rule: sizes[rule])
    assert largest == ".verdict"


def test_what_was_left_blank_is_shown_as_left_blank(made: Callable[[str], Made]):
    text = words(made("multi")[2])
    assert "What does a wrong answer cost? left blank" in text
    assert "20 000 samples are too many to listen to." in text


def test_files_in_are_used_warned_and_rejected(made: Callable[[str], Made]):
    text = words(made("multi")[2])
    assert "62 files in = 57 used + 3 used with a warning + 2 rejected" in text


def test_every_finding_comes_with_what_to_do(made: Callable[[str], Made]):
    text = words(made("no_groups")[2])
    for code in (
        "E-AUDIO-EMPTY",
        "E-AUDIO-FORMAT",
        "W-CLIP",
        "W-DC",
        "W-SHORT",
        "W-RATE",
        "W-NOGROUP",
    ):
        assert code in text
        assert CODES[code][1].replace("`", "") in text.replace("`", "")


def test_without_groups_it_says_what_that_may_hide(made: Callable[[str], Made]):
    assert "the result for a new source will be lower" in words(made("no_groups")[2])
    assert "the result for a new source will be lower" not in words(made("multi")[2])


def test_the_honest_number_stands_beside_that_of_a_random_split(made: Callable[[str], Made]):
    text = words(made("multi")[2])
    assert "A random split would have claimed 0.95" in text


def test_nested_shows_every_outer_fold_and_every_configuration(made: Callable[[str], Made]):
    text = words(made("nested")[2])
    assert "Outer folds" in text
    assert "Configurations tried inside the outer folds: 12" in text
    assert "speak of the procedure" in text


def test_a_regression_shows_residuals_and_the_coverage_of_its_interval(made: Callable[[str], Made]):
    text = words(made("regression")[2])
    assert "it held 93 %" in text
    assert "Predicted against true" in text
    assert "predicted: " in text
    assert "Confusion" not in text


def test_a_cost_matrix_shows_its_threshold(made: Callable[[str], Made]):
    text = words(made("binary")[2])
    assert "The cost matrix puts the threshold at 0.22" in text
    assert "mean cost per decision" in text


def test_it_says_how_to_reproduce_it(made: Callable[[str], Made]):
    run, _, text = made("multi")
    book = read_json(run / "run.json")
    for part in (book["command"], book["corpus_digest"], *book["steps"].values(), "numpy 2.4.6"):
        assert part in words(text)


def test_the_same_run_gives_the_same_bytes(made: Callable[[str], Made]):
    run, sounds, text = made("multi")
    assert report.build(run, sounds) == text


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    "gone",
    [
        "1_problem",
        "2_preparation",
        "3_spot_check",
        "4_selection",
        "5_evaluation",
        "6_application",
        "run.json",
        "times.json",
    ],
)
def test_a_part_that_is_not_there_is_left_out_with_a_sentence(
    made: Callable[[str], Made], tmp_path: Path, gone: str
):
    run, sounds, _ = made("nested")
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    text = words(report.build(tmp_path / "run", sounds, players=0))
    said = {
        "1_problem": "The problem was not written down",
        "2_preparation": "The preparation has not been done",
        "3_spot_check": "The spot check has not been done",
        "4_selection": "The selection has not been done",
        "5_evaluation": "The evaluation has not been done",
        "6_application": "No model was written",
        "run.json": "did not write down how it was made",
        "times.json": "Reproduction",
    }
    assert said[gone] in text


@pytest.mark.usefixtures("undrawn")
def test_empty_lists_and_nulls_are_left_out(made: Callable[[str], Made], tmp_path: Path):
    run, sounds, _ = made("multi")
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run/5_evaluation/evaluation.json"
    found = read_json(path)
    for key, value in found.items():
        if isinstance(value, list):
            found[key] = []
        elif key in (
            "calibration",
            "dont_know",
            "threshold",
            "random_split",
            "confusion",
            "residuals",
        ):
            found[key] = None
    found["measure"]["useful_from"] = None
    found["estimate"] |= {"low": None, "high": None}
    write_json(path, found)
    text = words(report.build(tmp_path / "run", sounds, players=0))
    assert "What a random split would have claimed" not in text or "was not computed" in text
    assert "Without it there is no verdict" in text
    assert "No held-out sound was decided wrongly" in text


def test_the_head_of_a_verdict_is_parted_from_its_reason(made: Callable[[str], Made]):
    head, rest = verdict(RunFolder(made("regression")[0]))
    assert head == "Useful"
    assert rest.startswith("Mean absolute error")


# ---------------------------------------------------------------------------- sounds


def test_the_sounds_are_mp3_at_equal_loudness(made: Callable[[str], Made]):
    sounds = data_of(made("multi")[2], "sounds")
    assert len(sounds) == 60
    loudness = []
    for text in list(sounds.values())[::10]:
        signal, rate = soundfile.read(io.BytesIO(base64.b64decode(text)))
        loudness.append(integrated_loudness(signal[: int(0.3 * rate)], rate))
    assert np.ptp(loudness) < 3  # one of them may be held back by its peak


@pytest.mark.parametrize("gain", [0.01, 0.1, 1.0])
def test_the_loudness_of_a_player_does_not_depend_on_the_recording(gain: float):
    noise = gain * np.random.default_rng(0).uniform(-0.5, 0.5, 16000)
    assert integrated_loudness(players.level(noise, 16000), 16000) == pytest.approx(-20, abs=0.01)


def test_a_player_does_not_clip():
    click = np.zeros(8000)
    click[10] = 0.01
    assert np.abs(players.level(click, 8000)).max() <= 10 ** (-1 / 20) + 1e-12


def test_silence_stays_silent():
    np.testing.assert_array_equal(players.level(np.zeros(100), 8000), np.zeros(100))


@pytest.mark.usefixtures("undrawn")
def test_no_sound_travels_when_none_may(made: Callable[[str], Made]):
    run, sounds, _ = made("multi")
    text = report.build(run, sounds, with_sounds=False)
    assert data_of(text, "sounds") == {}
    assert not [a for a in outline(text).attributes if a[1] == "data-sound"]
    assert "Waveform and spectrogram of" not in text
    assert "This report was made without sounds" in words(text)


@pytest.mark.usefixtures("undrawn")
def test_there_are_at_most_so_many_players(made: Callable[[str], Made]):
    run, sounds, _ = made("multi")
    assert len(data_of(report.build(run, sounds, players=7), "sounds")) == 7


def test_the_budget_of_bytes_is_kept(made: Callable[[str], Made], tmp_path: Path):
    _, sounds, _ = made("multi")
    names = sorted(p.relative_to(sounds).as_posix() for p in sounds.glob("takes/*"))
    store = players.Players(sounds, 100, 20_000)
    keys = [store.add(name, 0.0, 0.3) for name in names]
    assert store.size <= 20_000
    assert 0 < len(store.data) < len(names)
    assert keys.count("") == len(names) - len(store.data)


@pytest.mark.usefixtures("undrawn")
def test_a_report_that_would_be_too_large_gives_up_sounds(
    made: Callable[[str], Made], monkeypatch: pytest.MonkeyPatch
):
    run, sounds, _ = made("multi")
    most = len(report.build(run, sounds).encode()) - 50_000
    monkeypatch.setattr(page, "LARGEST", most)
    assert len(report.build(run, sounds).encode()) <= most


def test_a_name_with_escapes_is_found_again(tmp_path: Path):
    raw = tmp_path / "caf\udce9.wav"  # the byte 0xe9 alone is no UTF-8
    soundfile.write(str(tmp_path / "x.wav"), np.full(800, 0.1), 8000)
    (tmp_path / "x.wav").rename(raw)
    found = players.load(tmp_path, "caf\\xe9.wav", 0.0, float("inf"))
    assert found is not None
    assert len(found.signal) == 800


@pytest.mark.parametrize("name", ["../secret.wav", "/etc/hostname", "gone.wav", "", "a\x00b"])
def test_nothing_outside_the_folder_of_sounds_is_read(tmp_path: Path, name: str):
    (tmp_path / "sounds").mkdir()
    soundfile.write(tmp_path / "secret.wav", np.full(800, 0.1), 8000)
    assert players.load(tmp_path / "sounds", name, 0.0, 1.0) is None


def test_an_excerpt_is_cut_where_its_window_lies(tmp_path: Path):
    soundfile.write(tmp_path / "x.wav", np.arange(8000) / 8000, 8000, subtype="FLOAT")
    found = players.load(tmp_path, "x.wav", 0.25, 0.5)
    assert found is not None
    np.testing.assert_allclose(found.signal, np.arange(2000, 4000) / 8000, atol=1e-7)


@pytest.mark.parametrize(
    ("seconds", "start", "stop", "n", "is_cut"),
    [
        (8.0, 0.0, float("inf"), 8.0, False),
        (9.0, 0.0, float("inf"), 8.0, True),
        (9.0, 0.0, 8.0, 8.0, False),
        (30.0, 20.0, 29.0, 8.0, True),
        (30.0, 25.0, 40.0, 5.0, False),
    ],
)
def test_an_excerpt_has_eight_seconds_at_most_and_says_when_more_follow(
    tmp_path: Path, seconds: float, start: float, stop: float, n: float, is_cut: bool
):
    ramp = np.arange(int(seconds * 4000)) / 4000 / 60  # several blocks
    soundfile.write(tmp_path / "x.wav", ramp, 4000, subtype="FLOAT")
    found = players.load(tmp_path, "x.wav", start, stop)
    assert found is not None
    assert (len(found.signal) / 4000, found.is_cut) == (n, is_cut)
    np.testing.assert_allclose(found.signal[0], start / 60, atol=1e-7)


# ---------------------------------------------------------------------------- the map


def test_the_plane_of_two_features_keeps_their_distances():
    X = np.random.default_rng(0).normal(size=(50, 2))
    Z = (X - X.mean(0)) / X.std(0)
    points, share = plane(X)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), np.linalg.norm(Z, axis=1))
    assert share.sum() == pytest.approx(1)


def test_a_constant_feature_does_not_disturb_the_plane():
    X = np.column_stack([np.arange(5.0), np.ones(5)])
    assert np.isfinite(plane(X)[0]).all()


def test_a_sample_is_dealt_evenly_over_the_kinds():
    kinds = ["rare"] * 5 + ["common"] * 500
    rows = spread_rows(range(505), kinds, 20)
    assert sum(kinds[r] == "rare" for r in rows) == 5
    assert len(rows) == 20
    assert rows == spread_rows(range(505), kinds, 20)


def test_every_mark_of_the_map_has_a_name(made: Callable[[str], Made]):
    points = data_of(made("multi")[2], "points")
    assert sum(map(len, points)) == 60
    assert all(p["name"] and p["sound"] for series in points for p in series)


# ---------------------------------------------------------------------------- what it keeps out


@pytest.mark.parametrize("name", ["multi", "hostile"])
def test_the_policy_allows_this_script_and_style_and_nothing_else(
    made: Callable[[str], Made], name: str
):
    text = made(name)[2]
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', text).group(1))
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag, pattern in (
        ("script-src", r"<script>(.*?)</script>"),
        ("style-src", r"<style>(.*?)</style>"),
    ):
        blocks = re.findall(pattern, text, re.S)
        assert len(blocks) == 1
        digest = base64.b64encode(hashlib.sha256(blocks[0].encode()).digest()).decode()
        assert f"{tag} 'sha256-{digest}'" in policy


@pytest.mark.parametrize("name", ["multi", "hostile"])
def test_no_attribute_reaches_out_or_runs(made: Callable[[str], Made], name: str):
    for tag, attribute, value in outline(made(name)[2]).attributes:
        assert not attribute.startswith("on"), (tag, attribute)
        assert attribute != "style"
        if attribute in ("src", "href", "action", "srcset", "poster", "data"):
            assert value.startswith(("#", "data:image/png;base64,")), (tag, value)


def test_hostile_names_are_shown_as_text(made: Callable[[str], Made]):
    text = made("hostile")[2]
    assert "<img" not in text
    assert "<svg onload" not in text
    assert HOSTILE[0] in html.unescape(text)


# ---------------------------------------------------------------------------- in a browser


@pytest.fixture
def opened(
    browser: Any, made: Callable[[str], Made], tmp_path: Path
) -> Iterator[Callable[..., Any]]:
    """Open a variant; at the end nothing may have been requested, complained about or run."""
    pages: list[tuple[Any, list[str]]] = []

    def open_page(name: str, **options: Any) -> Any:
        (tmp_path / "report.html").write_text(made(name)[2], "utf-8")
        tab = browser.new_page(**{"viewport": {"width": 1200, "height": 900}, **options})
        faults: list[str] = []
        tab.on("console", lambda message: faults.append(message.text))
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
        tab.on(
            "request",
            lambda r: None if r.url.startswith(("file:", "data:")) else faults.append(r.url),
        )
        tab.goto((tmp_path / "report.html").as_uri())
        pages.append((tab, faults))
        return tab

    yield open_page
    for tab, faults in pages:
        tab.close()
        assert faults == []


@pytest.mark.browser
def test_hostile_names_do_nothing(opened: Callable[..., Any]):
    tab = opened("hostile")
    tab.wait_for_timeout(300)
    assert tab.evaluate("typeof hacked") == "undefined"
    assert tab.locator("img").count() == 0
    assert tab.title().endswith("Which voice of the drum machine is it?")


@pytest.mark.browser
def test_the_verdict_is_the_largest_text_on_the_first_screen(opened: Callable[..., Any]):
    tab = opened("multi")
    largest = tab.evaluate(
        """[...document.querySelectorAll('body *')]
            .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
            .filter(e => !e.closest('script, style'))
            .map(e => [parseFloat(getComputedStyle(e).fontSize), e.className])
            .sort((a, b) => b[0] - a[0])[0][1]"""
    )
    assert "verdict" in largest
    box = tab.locator(".verdict").bounding_box()
    line = tab.locator(".first svg").bounding_box()
    assert box["y"] + box["height"] < line["y"] + line["height"] < 900


@pytest.mark.browser
@pytest.mark.parametrize("name", [*EXAMPLE.VARIANTS])
def test_a_phone_needs_no_sideways_scroll(opened: Callable[..., Any], name: str):
    tab = opened(name, viewport={"width": 360, "height": 740})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.browser
def test_light_and_dark_follow_the_reader_and_the_button(opened: Callable[..., Any]):
    tab = opened("multi", color_scheme="dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    ink = "getComputedStyle(document.querySelector('svg text')).fill"
    dark = tab.evaluate(ground), tab.evaluate(ink)
    tab.click("#theme")
    light = tab.evaluate(ground), tab.evaluate(ink)
    assert dark != light
    assert tab.evaluate("document.documentElement.dataset.theme") == "light"
    assert light[1] == "rgb(29, 28, 26)"
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate(ink) == light[1]


@pytest.mark.browser
def test_a_table_sorts_by_a_click_and_says_so(opened: Callable[..., Any]):
    tab = opened("multi")
    head = tab.locator("#spot-check th", has_text="parameters")
    column = (
        "[...document.querySelectorAll('#spot-check tbody tr')].map(r => +r.cells[6].dataset.sort)"
    )
    head.locator("button").click()
    down = tab.evaluate(column)
    assert down == sorted(down, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    head.locator("button").press("Enter")
    assert tab.evaluate(column) == down[::-1] or tab.evaluate(column) == sorted(down)
    assert head.get_attribute("aria-sort") == "ascending"


@pytest.mark.browser
def test_nothing_sounds_until_it_is_asked_to_and_then_a_cursor_moves(opened: Callable[..., Any]):
    expect = pytest.importorskip("playwright.sync_api").expect
    tab = opened("multi")
    assert tab.locator("audio, [autoplay], .cursor").count() == 0
    button = tab.locator(".sounds .play").first
    tab.evaluate(
        "new MutationObserver(l => { for (const m of l) if (m.target.classList.contains('cursor'))"
        " (window.seen ||= []).push(+m.target.getAttribute('x1')); })"
        ".observe(document.body, {subtree: true, attributes: true, attributeFilter: ['x1']})"
    )
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button).to_have_attribute("aria-pressed", "false")
    seen = tab.evaluate("window.seen")
    assert len(seen) > 2
    assert seen == sorted(seen)
    assert seen[-1] > seen[0] + 50
    assert tab.locator(".cursor").count() == 0


@pytest.mark.browser
def test_the_map_is_played_by_click_and_by_key(opened: Callable[..., Any]):
    tab = opened("multi")
    marks = tab.locator("#map use[role=button]")
    assert marks.count() == 60
    assert tab.locator("#map use[tabindex='0']").count() == 1
    tab.locator("#map use[tabindex='0']").focus()
    first = tab.locator("#point").inner_text()
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#point").inner_text() != first
    tab.keyboard.press("Enter")
    assert "playing" in tab.locator("#point").inner_text()
    tab.keyboard.press("Escape")
    assert "played" in tab.locator("#point").inner_text()
    box = marks.nth(5).bounding_box()
    tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert "takes/" in tab.locator("#point").inner_text()


@pytest.mark.browser
def test_paper_unfolds_everything_and_leaves_the_players_out(opened: Callable[..., Any]):
    tab = opened("multi")
    assert tab.locator("details:not([open])").count() > 0
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("details:not([open])").count() == 0
    tab.emulate_media(media="print")
    assert not tab.locator(".play").first.is_visible()
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator("details:not([open])").count() > 0


@pytest.mark.browser
def test_it_reads_without_scripts(browser: Any, made: Callable[[str], Made], tmp_path: Path):
    (tmp_path / "report.html").write_text(made("multi")[2], "utf-8")
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto((tmp_path / "report.html").as_uri())
    assert "Not decided" in tab.locator(".verdict").inner_text()
    assert not tab.locator("#theme").is_visible()
    context.close()
