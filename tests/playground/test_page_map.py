"""The map in a real browser: its colours, its boundary, its points, and hands that paint them."""

# ruff: noqa: E501 - scripts that the page runs stay in one piece
from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from ddasp.plot.maps import colours
from ddasp.plot.tokens import colour

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = pytest.mark.browser

PATIENCE = 60_000  # ms


def counts(page: Any) -> dict[str, int]:
    """Points of each class and set, as the legend says."""
    rows = page.locator(".map-key li").all()
    found = (re.fullmatch(r"(.*?)\s*([\d,]+)", row.inner_text(), re.S) for row in rows)
    return {match[1].strip(): int(match[2].replace(",", "")) for match in found if match}


def middle(page: Any) -> tuple[float, float]:
    box = page.locator(".map-surface").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.fixture
def page(sheet: Any) -> Any:
    return sheet.open()


# ---- what is computed ------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_signed_colours_are_those_of_the_figures(page: Any, theme: str) -> None:
    tokens = [colour(name, theme=theme) for name in ("negative", "neutral", "positive")]
    table = page.evaluate(
        """async (tokens) => {
          const { signedTable } = await import("/static/shell/colours.js");
          return Array.from(new Uint8Array(signedTable(...tokens).buffer));
        }""",
        tokens,
    )
    table = np.reshape(table, (256, 4))
    np.testing.assert_array_equal(table[:, :3], colours("signed", theme))
    assert (table[:, 3] == 255).all()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_magnitudes_are_viridis_and_magma_within_two_levels(page: Any, theme: str) -> None:
    table = page.evaluate(
        """async (dark) => {
          const { magnitudeTable } = await import("/static/shell/colours.js");
          return Array.from(new Uint8Array(magnitudeTable(dark).buffer));
        }""",
        theme == "dark",
    )
    off = np.reshape(table, (256, 4))[:, :3].astype(int) - colours("magnitude", theme).astype(int)
    assert np.abs(off).max() <= 2


def test_a_class_goes_from_the_neutral_at_chance_to_its_own_colour(page: Any) -> None:
    own = [colour(f"category-{k}") for k in (1, 2, 3)]
    table = page.evaluate(
        """async ([own, neutral]) => {
          const { classTable, hex } = await import("/static/shell/colours.js");
          const table = classTable(own, neutral);
          const lightness = (text) => Number.parseInt(text.slice(3, 5), 16);
          return {
            chance: [0, 1, 2].map((k) => hex(table, 256 * k + 85)),
            sure: [0, 1, 2].map((k) => hex(table, 256 * k + 255)),
            greens: Array.from({ length: 171 }, (_, p) => lightness(hex(table, 85 + p))),
          };
        }""",
        [own, colour("neutral")],
    )
    assert table["chance"] == [colour("neutral")] * 3
    assert table["sure"] == own
    assert (np.diff(table["greens"]) <= 0).all()


def test_the_level_line_of_a_cone_is_a_circle(page: Any) -> None:
    pieces = page.evaluate(
        """async () => {
          const { levelLine, room } = await import("/static/map/contour.js");
          const side = 60, grid = new Float64Array(side * side);
          for (let j = 0; j < side; j += 1) for (let i = 0; i < side; i += 1) grid[j * side + i] = Math.hypot(i - 30, j - 28);
          const pieces = room(side);
          return Array.from(pieces.slice(0, 4 * levelLine(grid, side, 17.3, pieces)));
        }"""
    )
    ends = np.reshape(pieces, (-1, 2))
    np.testing.assert_allclose(np.hypot(ends[:, 0] - 30, ends[:, 1] - 28), 17.3, atol=0.02)
    lengths = np.hypot(*(np.reshape(pieces, (-1, 4))[:, :2] - np.reshape(pieces, (-1, 4))[:, 2:]).T)
    assert lengths.sum() == pytest.approx(2 * np.pi * 17.3, rel=0.01)  # closed, nothing twice


def test_a_saddle_is_parted_by_its_middle(page: Any) -> None:
    found = page.evaluate(
        """async () => {
          const { levelLine, room } = await import("/static/map/contour.js");
          return [[3, -1, -1, 3], [1, -3, -3, 1]].map((grid) => {
            const pieces = room(2);
            return Array.from(pieces.slice(0, 4 * levelLine(grid, 2, 0, pieces)));
          });
        }"""
    )
    # Corners a (top left) and c (bottom right) are above: joined, the other two are cut off.
    assert found[0] == [0.75, 0, 1, 0.25, 0.25, 1, 0, 0.75]
    assert found[1] == [0, 0.25, 0.25, 0, 1, 0.75, 0.75, 1]


def test_borders_of_classes_lie_where_both_are_equally_probable(page: Any) -> None:
    pieces = page.evaluate(
        """async () => {
          const { classBorders, room } = await import("/static/map/contour.js");
          const pieces = room(2);
          // Left class 0 with p = 0.9 (230 / 255), right class 2 with p = 0.6 (153 / 255).
          return Array.from(pieces.slice(0, 4 * classBorders([0, 2, 0, 2], [230, 153, 230, 153], 2, pieces)));
        }"""
    )
    at = (2 * 230 - 255) / ((2 * 230 - 255) + (2 * 153 - 255))
    np.testing.assert_allclose(pieces, [at, 0, at, 1], atol=1e-6)


def test_smoothing_takes_the_stairs_from_a_flat_plane(page: Any) -> None:
    rough, fine = page.evaluate(
        """async () => {
          const { flatness, levelLine, room, smooth } = await import("/static/map/contour.js");
          const side = 100, grid = new Uint8Array(side * side);
          for (let j = 0; j < side; j += 1) for (let i = 0; i < side; i += 1) grid[j * side + i] = Math.round(127.5 + 0.0931 * (i - 49.5) + 0.0377 * (j - 49.5));
          const out = new Float32Array(side * side);
          smooth(grid, side, flatness(grid), out, new Float32Array(side * side));
          const off = (values) => {
            const pieces = room(side), n = levelLine(values, side, 127.5, pieces);
            let worst = 0;
            for (let k = 0; k < 2 * n; k += 1) if (pieces[2 * k] > 9 && pieces[2 * k] < 90) worst = Math.max(worst, Math.abs(0.0931 * (pieces[2 * k] - 49.5) + 0.0377 * (pieces[2 * k + 1] - 49.5)));
            return worst;
          };
          return [off(grid), off(out)];
        }"""
    )
    assert fine < rough / 2


@pytest.mark.parametrize(
    ("low", "high", "count", "texts"),
    [
        (-6, 6, 6, ["−6", "−4", "−2", "0", "2", "4", "6"]),
        (0, 0.9, 3, ["0.0", "0.5"]),
        (0, 52000, 3, ["0", "20,000", "40,000"]),
        (2, 2, 4, ["2"]),
    ],
)
def test_ticks_are_round_and_say_what_they_are(
    page: Any, low: float, high: float, count: float, texts: list[str]
) -> None:
    found = page.evaluate(
        "async (given) => (await import('/static/shell/axes.js')).ticks(...given).texts",
        [low, high, count],
    )
    assert found == texts


def test_numbers_have_the_digits_that_count(page: Any) -> None:
    found = page.evaluate(
        """async () => {
          const { significant, shortest, fixed, percent } = await import("/static/shell/axes.js");
          return [significant(0.0070312), significant(3.21e-10, 1), significant(-1234567), fixed(-0.0001, 2), fixed(NaN, 1), shortest(0.03), shortest(1e-5), shortest(2000), percent(0.9966, 250)];
        }"""
    )
    assert found == [
        "0.00703",
        "3 × 10⁻¹⁰",
        "−1.23 × 10⁶",
        "0.00",
        "–",
        "0.03",
        "10⁻⁵",
        "2,000",
        "99.7 %",
    ]


def test_points_outside_stand_at_the_border_and_point_away(page: Any) -> None:
    found = page.evaluate(
        """async () => {
          const { Points } = await import("/static/map/map_points.js");
          const { scale } = await import("/static/shell/axes.js");
          const app = { settings: { showTestData: false }, spec: { activations: ["tanh"] }, frame: null, colour: () => "#000000",
            data: { x: [[0, 0], [9, 0], [0, -12], [1, 1]], y: [0, 1, 1, 0], sets: [0, 0, 0, 2], classes: ["a", "b"], kind: "classification" } };
          const points = new Points(app);
          const geometry = { x: scale(-6, 6, 0, 120), y: scale(-6, 6, 120, 0), left: 0, top: 0, width: 120, height: 120, line: false };
          points.place(geometry);
          return { shown: points.shown, px: Array.from(points.px), py: Array.from(points.py), away: Array.from(points.away), right: points.next(0, 1, 0, geometry), near: points.nearest(118, 61, 10) };
        }"""
    )
    assert found["shown"] == [0, 1, 2]  # the test point is not shown unless asked for
    assert found["px"][:3] == [60, 120, 60]
    assert found["py"][:3] == [60, 60, 120]
    assert np.isnan(found["away"][0])
    np.testing.assert_allclose(found["away"][1:3], [0, np.pi / 2], atol=1e-6)
    assert found["right"] == found["near"] == 1


# ---- what is seen ----------------------------------------------------------------------------


def test_the_trained_map_is_positive_in_the_disc_and_negative_around_it(page: Any) -> None:
    page.get_by_role("button", name="Play", exact=True).click()
    picture = page.locator(".map-stage .picture")
    page.wait_for_function(lambda: page.evaluate("ddasp.epochs") > 150)
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(picture).to_have_attribute(
        "aria-label", re.compile(r"values from −(0\.[89]|1\.0)"), timeout=PATIENCE
    )
    corner, inside = page.evaluate(
        """() => {
          const canvas = document.querySelector(".map-stage canvas"), surface = document.querySelector(".map-surface");
          const ratio = canvas.width / canvas.clientWidth;
          const at = (u, v) => Array.from(canvas.getContext("2d").getImageData(ratio * (surface.offsetLeft + u * surface.clientWidth), ratio * (surface.offsetTop + v * surface.clientHeight), 1, 1).data);
          return [at(0.03, 0.97), at(0.5, 0.5)];
        }"""
    )
    assert corner[2] > corner[0] + 60  # blue
    assert inside[0] > inside[2] + 60  # orange
    said = picture.get_attribute("aria-label")
    share = int(re.search(r"(\d+) % of it is decided positive", said)[1])
    assert 8 < share < 35  # a disc of radius 2.5 to 3.5 in 12 x 12 has 14 to 27 %
    assert "250 of 500 points are shown" in said


def test_validation_and_test_points_are_shown_when_asked_for(page: Any) -> None:
    assert counts(page) == {
        "negative": 250, "positive": 250, "training": 250, "validation": 100, "test": 150,
    }  # fmt: skip
    page.get_by_label("Show validation and test points").check()
    expect(page.locator(".map-stage .picture")).to_have_attribute(
        "aria-label", re.compile("500 of 500 points"), timeout=PATIENCE
    )


def test_keys_go_from_point_to_point_and_say_what_is_there(page: Any) -> None:
    page.locator(".map-surface").focus()
    page.keyboard.press("ArrowRight")
    said = page.locator("#said")
    expect(said).to_have_text(re.compile(r"point \d+, positive, training; output −?\d"))
    first = said.inner_text()
    for _ in range(12):
        page.keyboard.press("ArrowUp")
    expect(said).to_have_text(re.compile("negative"))  # the ring lies around the disc
    assert said.inner_text() != first
    expect(page.locator(".map-tip")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".map-tip")).to_be_hidden()


def test_painting_erasing_moving_and_taking_back(page: Any) -> None:
    x, y = middle(page)
    page.get_by_role("button", name="Paint", exact=True).click()
    page.get_by_label("Class to paint").select_option(label="negative")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y, steps=4)
    page.mouse.up()
    page.wait_for_function(lambda: counts(page)["negative"] > 254)
    painted = counts(page)["negative"]
    assert counts(page)["positive"] == 250
    page.get_by_role("button", name="Erase", exact=True).click()
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y, steps=4)
    page.mouse.up()
    page.wait_for_function(lambda: counts(page)["positive"] < 250)
    page.wait_for_function(lambda: counts(page)["negative"] < painted)
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function(lambda: counts(page)["negative"] == painted)
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function(lambda: counts(page)["negative"] == 250)
    assert counts(page)["positive"] == 250


def test_painting_by_keys_while_it_trains(page: Any) -> None:
    page.get_by_role("button", name="Play", exact=True).click()
    page.get_by_role("button", name="Paint", exact=True).click()
    page.get_by_label("Brush", exact=True).select_option("point")
    page.locator(".map-surface").focus()
    for key in ("Shift+ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowUp", "Enter"):
        page.keyboard.press(key)
    page.wait_for_function(lambda: counts(page)["positive"] == 251)
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    page.get_by_role("button", name="Move", exact=True).click()
    page.locator(".map-surface").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text(re.compile("taken up"))
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("Put down.")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.wait_for_function(lambda: counts(page)["positive"] == 250)


def test_several_classes_and_curves_are_described(sheet: Any) -> None:
    page = sheet.open("dataset=rings3")
    picture = page.locator(".map-stage .picture")
    expect(picture).to_have_attribute(
        "aria-label", re.compile("likeliest class.*A \\d+ %"), timeout=PATIENCE
    )
    assert set(counts(page)) == {"A", "B", "C", "training", "validation", "test"}


def test_one_coordinate_is_a_curve(sheet: Any) -> None:
    page = sheet.open("problem=regression&regDataset=reg-sine1d")
    expect(page.locator(".map-stage .picture")).to_have_attribute(
        "aria-label", re.compile("^Curve of output over x"), timeout=PATIENCE
    )


@pytest.mark.parametrize("width", [360, 1280, 2560])
def test_nothing_is_cut_off_at_any_width(sheet: Any, width: int) -> None:
    sheet.page.set_viewport_size({"width": width, "height": 800})
    page = sheet.open()
    for panel in ("#map-panel", "#chart-panel"):
        assert page.evaluate(
            "(panel) => { const at = document.querySelector(panel); return at.scrollWidth <= at.clientWidth; }",
            panel,
        )
    box = page.locator(".map-surface").bounding_box()
    assert box["width"] == pytest.approx(box["height"], abs=1)
    assert 160 <= box["width"] <= width
