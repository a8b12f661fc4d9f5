"""The chart of the losses in a real browser: what it remembers, what it draws, what it says."""

# ruff: noqa: E501 - scripts that the page runs stay in one piece
from __future__ import annotations

import re
from typing import Any

import pytest

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = pytest.mark.browser

PATIENCE = 60_000  # ms


@pytest.fixture
def page(sheet: Any) -> Any:
    return sheet.open()


CURVE = """async () => {
  const { Curve } = await import("/static/map/curve.js");
  const rows = (curve) => Array.from({ length: curve.n }, (_, row) => [curve.at(row, 0), curve.at(row, 1), curve.at(row, 2)]);
  %s
}"""


def test_going_back_forgets_the_rows_that_were_taken_back(page: Any) -> None:
    found = page.evaluate(
        CURVE
        % """const curve = new Curve();
          for (let k = 0; k <= 10; k += 1) curve.add(k, 25 * k, [1 / (k + 1), NaN, NaN]);
          curve.addBand({ epoch: 4, updates: 100, low: 0.1, high: 0.3 });
          curve.addBand({ epoch: 9, updates: 225, low: 0.1, high: 0.2 });
          const again = curve.add(10, 250, [1 / 11, NaN, NaN]);
          curve.add(5, 125, [1 / 6, NaN, NaN]);
          return { again, rows: rows(curve), bands: curve.bands.length };"""
    )
    assert found["again"] is False  # nothing new: nothing is drawn
    assert [row[1] for row in found["rows"]] == [0, 25, 50, 75, 100, 125]
    assert found["bands"] == 1


def test_an_edited_weight_leaves_a_step_and_no_pile(page: Any) -> None:
    found = page.evaluate(
        CURVE
        % """const curve = new Curve();
          curve.add(1, 25, [0.5, NaN, NaN]);
          for (const loss of [0.7, 0.8, 0.9]) curve.add(1, 25, [loss, NaN, NaN]);
          return rows(curve);"""
    )
    assert found == [[1, 25, 0.5], [1, 25, 0.9]]


def test_the_memory_is_bounded_and_keeps_both_ends(page: Any) -> None:
    found = page.evaluate(
        CURVE
        % """const curve = new Curve();
          for (let k = 0; k < 20000; k += 1) { curve.add(k, k, [k, NaN, NaN]); curve.addBand({ epoch: k, updates: k, low: 0, high: 1 }); }
          const all = rows(curve);
          return { n: curve.n, room: curve.rows.length, first: all[0][0], last: all.at(-1)[0], rising: all.every((row, k) => !k || row[0] > all[k - 1][0]), bands: curve.bands.length };"""
    )
    assert found["first"] == 0
    assert found["last"] == 19999
    assert found["rising"]
    assert found["n"] <= 4096
    assert found["room"] == 5 * 4096
    assert found["bands"] <= 600


def test_a_path_is_no_longer_than_the_picture_is_wide_and_loses_no_spike(page: Any) -> None:
    found = page.evaluate(
        CURVE
        % """const { tracePath } = await import("/static/map/curve.js");
          const { scale } = await import("/static/shell/axes.js");
          const curve = new Curve();
          for (let k = 0; k < 4000; k += 1) curve.add(k, k, [k === 1234 ? 9 : 1, NaN, NaN]);
          const seen = [];
          const pen = { moveTo: (x, y) => seen.push([x, y]), lineTo: (x, y) => seen.push([x, y]) };
          tracePath(pen, curve, 2, scale(0, 4000, 0, 200), scale(0, 10, 100, 0));
          return { n: seen.length, top: Math.min(...seen.map(([, y]) => y)) };"""
    )
    assert found["n"] <= 4 * 2 * 201
    assert found["top"] == pytest.approx(10)


def test_a_loss_that_is_not_finite_breaks_the_line(page: Any) -> None:
    moves = page.evaluate(
        CURVE
        % """const { tracePath } = await import("/static/map/curve.js");
          const { scale } = await import("/static/shell/axes.js");
          const curve = new Curve();
          [1, 2, NaN, 3, Infinity].forEach((loss, k) => curve.add(k, k, [loss, NaN, NaN]));
          let moves = 0;
          tracePath({ moveTo: () => (moves += 1), lineTo: () => {} }, curve, 2, scale(0, 5, 0, 100), scale(0, 5, 100, 0));
          return moves;"""
    )
    assert moves == 2


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ([10, 50, 90], [10, 50, 90]),  # nobody in the way
        ([50, 52], [43.5, 58.5]),  # apart, around their middle
        ([1, 2, 3], [0, 15, 30]),  # at the border
        ([99, 99], [85, 100]),
    ],
)
def test_names_at_the_ends_of_lines_never_touch(
    page: Any, wanted: list[float], places: list[float]
) -> None:
    found = page.evaluate(
        "async (wanted) => (await import('/static/chart/chart_marks.js')).spread(wanted, 15, 0, 100)",
        wanted,
    )
    assert found == pytest.approx(places)


def test_limits_stand_still_until_they_must_move(page: Any) -> None:
    found = page.evaluate(
        """async () => {
          const { calmLimits } = await import("/static/shell/axes.js");
          const first = calmLimits(0, 0.9, false, null);
          return [first, calmLimits(0, 0.7, false, first), calmLimits(0, 0.1, false, first), calmLimits(0.0031, 0.42, true, null)];
        }"""
    )
    assert found[0] == found[1] == {"low": 0, "high": 1}
    assert found[2]["high"] == pytest.approx(0.1)
    assert found[3]["low"] == pytest.approx(0.002)
    assert found[3]["high"] == pytest.approx(0.5)


def test_losses_fall_and_are_read_off_by_keys(page: Any) -> None:
    picture = page.locator(".chart-stage .picture")
    expect(picture).to_have_attribute(
        "aria-label", re.compile("^Loss before training: training 0.5"), timeout=PATIENCE
    )
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(lambda: page.evaluate("ddasp.epochs") > 60)
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("button", name="Play", exact=True).wait_for()  # it stands still
    expect(picture).to_have_attribute(
        "aria-label", re.compile("95 % band of the test loss 0"), timeout=PATIENCE
    )
    numbers = page.locator(".chart-value output")
    end = [float(number.inner_text()) for number in numbers.all()]
    assert all(0 < loss < 0.2 for loss in end)
    low, high = map(float, page.locator(".chart-more").nth(2).inner_text().split(" to "))
    assert low * 0.95 <= end[2] <= high * 1.05
    surface = page.get_by_role("slider", name="Read off the losses at an epoch")
    surface.focus()
    page.keyboard.press("Home")
    assert "epoch 0: training 0.5" in surface.get_attribute("aria-valuetext")
    assert float(numbers.first.inner_text()) > 0.4
    page.keyboard.press("ArrowRight")
    assert not surface.get_attribute("aria-valuetext").startswith("epoch 0:")  # the next row
    page.keyboard.press("Escape")
    assert [float(number.inner_text()) for number in numbers.all()] == end


def test_the_axis_of_the_loss_is_chosen_and_kept(page: Any, sheet: Any) -> None:
    button = page.locator(".chart-log")
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    page = sheet.open()
    expect(page.locator(".chart-log")).to_have_attribute("aria-pressed", "false")
