"""The visual language: tokens, figures from arrays, and SVG that is fit to stand in a page."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pytest
from PIL import Image

from ddasp import plot
from ddasp._errors import InputError
from ddasp.plot.canvas import RC
from ddasp.plot.tokens import TOKENS, category, variables


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


# ---------------------------------------------------------------------------- tokens


def test_light_and_dark_are_two_sets_of_the_same_names():
    light, dark = TOKENS["colours"]["light"], TOKENS["colours"]["dark"]
    assert list(light) == list(dark)
    assert all(re.fullmatch("#[0-9a-f]{6}", value) for value in [*light.values(), *dark.values()])


def test_names_that_share_a_light_colour_share_the_dark_one():
    light, dark = TOKENS["colours"]["light"], TOKENS["colours"]["dark"]
    for name, value in light.items():
        twins = {dark[other] for other in light if light[other] == value}
        assert len(twins) == 1, name


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["surface", "raised", "heat"])
def test_ink_stands_out_from_every_ground(theme: str, ground: str):
    assert contrast(plot.colour("ink", theme=theme), plot.colour(ground, theme=theme)) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["quiet", "accent", "good", "bad"])
def test_text_colours_have_a_contrast_of_4_5(theme: str, name: str):
    assert contrast(plot.colour(name, theme=theme), plot.colour("surface", theme=theme)) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["train", "validation", "test", "category-1", "category-2"])
def test_marks_have_a_contrast_of_3(theme: str, name: str):
    assert contrast(plot.colour(name, theme=theme), plot.colour("surface", theme=theme)) >= 3


def test_css_and_matplotlib_are_both_built_from_the_tokens():
    css = plot.css()
    for theme in ("light", "dark"):
        for name, value in TOKENS["colours"][theme].items():
            assert f"--{name}:{value};" in css
    assert RC["text.color"] == TOKENS["colours"]["light"]["ink"]
    assert RC["font.size"] == TOKENS["sizes"]["figure-text"]
    assert set(variables()) == set(TOKENS["colours"]["light"].values())


def test_sixteen_categories_look_different():
    assert len({category(k) for k in range(16)}) == 16


def test_an_unknown_colour_proposes_the_nearest():
    with pytest.raises(InputError, match="did you mean 'quiet'"):
        plot.colour("quite")


# ---------------------------------------------------------------------------- svg

FIGURES = {
    "line_of_use": lambda: plot.line_of_use(
        0.8, 0.7, 0.9, quantity="accuracy", useful_from=0.75, references=[("majority", 0.2)]
    ),
    "forest": lambda: plot.forest(
        ["a", "b"],
        [1.0, 2.0],
        [0.5, np.nan],
        [1.5, np.nan],
        quantity="error / s",
        kinds=["x", "y"],
        reference=("overall", 1.5),
        useful_from=1.2,
    ),
    "bars": lambda: plot.bars(["a", "b"], [3, 1], quantity="sounds", low=[2, 1], high=[4, 2]),
    "matrix": lambda: plot.matrix(
        [[0.1, np.nan]], ["r"], ["c", "d"], row_name="x", column_name="y"
    ),
    "confusion": lambda: plot.confusion([[5, 1], [0, 7]], ["a", "b"]),
    "learning_curve": lambda: plot.learning_curve(
        [10, 20], [0.5, 0.6], [0.4, 0.5], [0.6, 0.7], quantity="accuracy", useful_from=0.55
    ),
    "robustness": lambda: plot.robustness(
        {
            name: {
                "amount": [20, 0],
                "value": [0.8, 0.4],
                "low": [0.7, 0.3],
                "high": [0.9, 0.5],
                "unit": "dB",
            }
            for name in ("noise", "level", "a third", "a fourth", "a fifth")
        },
        quantity="accuracy",
        reference=0.9,
    ),
    "path": lambda: plot.path(
        [0, 1, 2],
        [0.5, np.nan, 0.7],
        [0.1, np.nan, 0.1],
        stages=["1", "1", "2"],
        quantity="accuracy",
        chosen=0.7,
    ),
    "reliability": lambda: plot.reliability(
        [0.3, 0.9], [0.2, 0.95], [0.1, 0.9], [0.3, 1.0], [3, 20], before=([0.4], [0.2])
    ),
    "curve": lambda: plot.curve(
        [0, 1], [2, 1], x_name="threshold", y_name="cost", chosen=("at", 0.5)
    ),
    "agreement": lambda: plot.agreement([1, 2], [1.1, 2.2], quantity="decay / s", half_width=0.2),
    "residuals": lambda: plot.residuals([1, 2], [0.1, -0.2], quantity="decay / s", half_width=0.2),
    "histogram": lambda: plot.histogram([1.0, 2.0, 2.5], quantity="duration / s"),
    "waveform": lambda: plot.waveform(np.sin(np.arange(4000.0)), 8000),
    "spectrogram": lambda: plot.spectrogram(
        -np.ones((33, 9)), np.linspace(0, 4000, 33), duration=1
    ),
    "sound": lambda: plot.sound(
        np.sin(np.arange(400.0)), 8000, -np.ones((33, 9)), np.linspace(0, 4000, 33)
    ),
    "scatter": lambda: plot.scatter([[0, 0], [1, 1], [2, 0]], ["a", "b", "a"], names=("x", "y")),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_the_same_bytes_each_time(name: str):
    assert plot.to_svg(FIGURES[name](), alt=name) == plot.to_svg(FIGURES[name](), alt=name)


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_a_guest_in_its_page(name: str):
    text = plot.to_svg(FIGURES[name](), alt="what it shows", title="a title")
    root = ET.fromstring(text)
    assert root.get("role") == "img"
    assert [root.find("title").text, root.find("desc").text] == ["a title", "what it shows"]
    assert root.findall(".//text")  # text is text
    assert not re.search(r'\bstyle=|<style|<metadata|xmlns|\bon\w+="', text)
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    referred = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', text)
    assert {a or b for a, b in referred} <= set(ids)


@pytest.mark.parametrize("name", FIGURES)
def test_no_colour_of_a_figure_is_bound_to_one_theme(name: str):
    text = plot.to_svg(FIGURES[name](), alt=name)
    assert re.findall(r'(?:fill|stroke)="(#[^"]+)"', text) == []


def test_ids_of_two_figures_do_not_collide():
    first = re.findall(r'\bid="([^"]+)"', plot.to_svg(FIGURES["waveform"](), alt="one"))
    second = re.findall(r'\bid="([^"]+)"', plot.to_svg(FIGURES["waveform"](), alt="two"))
    assert first
    assert not set(first) & set(second)


def test_labels_are_text_whatever_they_hold():
    labels = ["<img src=x onerror=alert(1)>", "$\\frac", "a\x00b\x1b", "日本 ü", "]]></svg>"]
    text = plot.to_svg(plot.confusion(np.eye(5), labels), alt="</title><script>")
    root = ET.fromstring(text)
    shown = {element.text for element in root.iter("text")}
    assert {"$\\frac", "日本 ü", "]]></svg>"} <= shown
    assert root.find("script") is None
    assert root.find("title").text == "</title><script>"


def test_the_users_own_matplotlib_style_changes_nothing():
    expected = plot.to_svg(FIGURES["forest"](), alt="x")
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "svg.fonttype": "path"}):
        assert plot.to_svg(FIGURES["forest"](), alt="x") == expected


def test_drawing_leaves_no_global_state_behind():
    code = (
        "import sys, matplotlib as m\n"
        "state = lambda: {k: m.rcParams[k] for k in m.rcParams if k != 'backend'}\n"  # asking loads pyplot
        "before = state()\n"
        "from ddasp import plot; plot.to_svg(plot.bars(['a'], [1], quantity='n'), alt='x')\n"
        "assert state() == before\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ---------------------------------------------------------------------------- what is drawn


def test_a_forest_draws_each_interval_where_it_lies():
    figure = plot.forest(["a", "b"], [1, 2], [0.5, 1.5], [1.25, 2.5], quantity="x")
    segments = np.concatenate([c.get_segments() for c in figure.axes[0].collections])
    np.testing.assert_array_equal(segments[:, :, 0], [[0.5, 1.25], [1.5, 2.5]])


def test_a_kind_looks_the_same_in_two_figures_of_one_order():
    one = plot.forest(["a"], [1], [0], [2], quantity="x", kinds=["rule"], order=["linear", "rule"])
    two = plot.forest(
        ["a", "b"],
        [1, 1],
        [0, 0],
        [2, 2],
        quantity="x",
        kinds=["linear", "rule"],
        order=["linear", "rule"],
    )
    of_rule = [figure.axes[0].lines[-1] for figure in (one, two)]
    assert len({(line.get_color(), line.get_marker()) for line in of_rule}) == 1


def test_the_shade_of_a_confusion_is_the_share_of_its_row():
    figure = plot.confusion([[3, 1], [0, 8]], ["a", "b"])
    shades = {patch.get_xy(): patch.get_alpha() for patch in figure.axes[0].patches}
    assert shades == {(0, 0): 0.75, (1, 0): 0.25, (1, 1): 1.0}


def test_a_class_without_sounds_leaves_its_row_empty():
    assert len(plot.confusion([[0, 0], [0, 8]], ["a", "b"]).axes[0].patches) == 1


def test_names_must_fit_the_matrix():
    with pytest.raises(InputError, match=r"values has shape \(2, 2\); expected \(1, 2\)"):
        plot.matrix(np.eye(2), ["a"], ["b", "c"], row_name="x", column_name="y")


def test_lengths_must_agree():
    with pytest.raises(InputError, match="expected one length for all"):
        plot.forest(["a"], [1, 2], [1], [2], quantity="x")


def test_a_histogram_of_equal_values_is_one_bar_at_their_place():
    axes = plot.histogram([0.3] * 5, quantity="duration / s").axes[0]
    (bar,) = axes.patches
    assert bar.get_height() == 5
    assert bar.get_x() < 0.3 < bar.get_x() + bar.get_width()
    assert bar.get_width() < 0.1


def test_a_histogram_of_nothing_is_empty_axes():
    assert not plot.histogram([np.nan, np.inf], quantity="duration / s").axes[0].patches


def pictures(svg: str) -> dict[str, Image.Image]:
    root = ET.fromstring(svg)
    return {
        image.get("class"): Image.open(
            io.BytesIO(base64.b64decode(image.get("href").split(",")[1]))
        )
        for image in root.iter("image")
    }


def test_a_tone_is_brightest_at_its_frequency():
    frequencies = np.linspace(0, 8000, 257)
    levels = np.full((257, 20), -80.0)
    levels[np.argmin(abs(frequencies - 1000))] = 0
    figure = plot.spectrogram(levels, frequencies, duration=1.0)
    (image,) = figure.axes[0].images
    left, right, low, high = image.get_extent()  # octaves: log2 of Hz
    rows = np.linspace(low, high, len(image.get_array()) + 1)
    brightest = image.get_array().mean(axis=1).argmax()
    assert (left, right) == (0, 1)
    assert 2 ** rows[brightest] <= 1000 + 8000 / 256
    assert 2 ** rows[brightest + 1] >= 1000 - 8000 / 256


def test_light_and_dark_spectrogram_show_the_same_levels():
    levels = np.random.default_rng(0).uniform(-90, 0, (65, 30))
    svg = plot.to_svg(plot.spectrogram(levels, np.linspace(0, 4000, 65), duration=1.0), alt="noise")
    both = pictures(svg)
    np.testing.assert_array_equal(np.asarray(both["on-light"]), np.asarray(both["on-dark"]))
    assert both["on-light"].getpalette() != both["on-dark"].getpalette()


def test_what_lies_below_the_floor_is_drawn_as_the_floor():
    levels = np.array([[-200.0, 0.0], [-80.0, 0.0], [-80.0, 0.0]])
    svg = plot.to_svg(
        plot.spectrogram(levels, [100.0, 1000.0, 4000.0], duration=1.0, floor=-80.0), alt="x"
    )
    assert np.unique(np.asarray(pictures(svg)["on-light"])).tolist() == [0, 255]


def test_a_transposed_spectrogram_is_named():
    with pytest.raises(InputError, match="is levels transposed"):
        plot.spectrogram(np.zeros((9, 33)), np.linspace(0, 4000, 33), duration=1.0)


@pytest.mark.parametrize("n", [1, 2, 421, 8000])
def test_a_waveform_of_any_length_keeps_its_peak(n: int):
    signal = np.zeros(n)
    signal[n // 2] = 0.7
    axes = plot.waveform(signal, 8000).axes[0]
    drawn = [line.get_ydata() for line in axes.lines] + [
        path.vertices[:, 1] for c in axes.collections for path in c.get_paths()
    ]
    assert max(np.max(y) for y in drawn) == 0.7


def test_the_plot_region_that_a_cursor_needs_is_written_down():
    root = ET.fromstring(plot.to_svg(FIGURES["sound"](), alt="x"))
    left, right, top, bottom, end = (
        float(root.get(f"data-{k}")) for k in ("left", "right", "top", "bottom", "end")
    )
    assert 0 < left < right < float(root.get("width"))
    assert 0 < top < bottom < float(root.get("height"))
    assert end == pytest.approx(400 / 8000)


def test_marks_of_a_map_stand_in_the_order_of_their_observations():
    points = np.array([[0.0, 0], [1, 0], [2, 0], [3, 0]])
    figure = plot.scatter(points, ["b", "a", "b", "b"], names=("x", "y"), order=["a", "b"])
    root = ET.fromstring(plot.to_svg(figure, alt="x"))
    series = {g.get("data-series"): g for g in root.iter("g") if g.get("data-series")}
    x = [float(use.get("x")) for use in series["1"].iter("use")]
    assert x == sorted(x)
    assert len(x) == 3
    assert len(list(series["0"].iter("use"))) == 1
