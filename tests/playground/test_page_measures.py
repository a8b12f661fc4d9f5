"""Measures, stability and kept runs in a real browser."""

# ruff: noqa: E501 - scripts that the page runs stay in one piece
from __future__ import annotations

import re
from typing import Any

import pytest

from ddasp.playground.knowing.measures import wilson

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = pytest.mark.browser

PATIENCE = 60_000  # ms


@pytest.fixture
def page(sheet: Any) -> Any:
    return sheet.open()


def show(page: Any, tab: str) -> Any:
    page.locator("#tabs").get_by_role("tab", name=tab, exact=True).click()
    return page.locator(f"#tab-{tab.lower()}")


def train(page: Any, epochs: float) -> None:
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(lambda: page.evaluate("ddasp.epochs") > epochs)
    page.get_by_role("button", name="Pause", exact=True).click()


# ---- measures --------------------------------------------------------------------------------


def test_accuracy_and_confusion_say_the_same(page: Any) -> None:
    panel = show(page, "Measures")
    train(page, 25)
    page.wait_for_timeout(1500)  # the last look at the standing network
    expect(panel.locator(".measures-scores tbody tr")).to_have_count(3)
    panel.get_by_label("Of the").select_option("test")
    counts = [
        int(re.match(r"\d+", cell.inner_text())[0])
        for cell in panel.locator(".measures-confusion tbody td").all()
    ]
    assert sum(counts) == 150
    cells = panel.locator(".measures-scores tbody tr").nth(2).locator("td").all_inner_texts()
    right, n = map(int, cells[3].split(" of "))
    assert (right, n) == (counts[0] + counts[3], 150)
    assert float(cells[0].split()[0]) == pytest.approx(100 * right / n, abs=0.051)
    low, high = wilson(right / n, n)
    assert cells[1] == f"{100 * low:.0f} to {100 * high:.0f} %"
    expect(panel).to_contain_text(
        "25 parameters learn from 250 training points: 10 points for each parameter."
    )
    expect(panel.locator(".measures-diagram .picture")).to_have_attribute(
        "aria-label", re.compile("came true")
    )


def test_regression_has_r2_and_no_confusion(sheet: Any) -> None:
    page = sheet.open("problem=regression")
    panel = show(page, "Measures")
    train(page, 5)
    expect(panel.get_by_role("heading", name="R²")).to_be_visible(timeout=PATIENCE)
    page.wait_for_function(
        lambda: float(panel.locator("tbody .strong").nth(2).inner_text().replace("−", "-")) > 0.8,
    )
    assert panel.get_by_role("heading", name="What is taken for what").is_hidden()


# ---- stability -------------------------------------------------------------------------------


def test_gradients_are_checked_and_the_limit_is_two_over_the_rate(page: Any) -> None:
    panel = show(page, "Stability")
    train(page, 3)
    expect(panel.locator(".stability-badge")).to_have_text(
        re.compile(r"^✓ gradients equal central differences: \d × 10⁻"), timeout=PATIENCE
    )
    expect(panel.locator(".stability-words")).to_contain_text(
        "limit 66.67", timeout=PATIENCE
    )  # 2 / 0.03
    expect(panel.locator(".stability-stage .picture")).to_have_attribute(
        "aria-label", re.compile("limit 66.7")
    )


def test_a_divergence_is_explained_and_there_is_a_way_back(sheet: Any) -> None:
    page = sheet.open(
        "problem=regression&activation=linear&xSquared=true&ySquared=true&learningRate=0.3"
    )
    panel = show(page, "Stability")
    page.get_by_role("button", name="Play", exact=True).click()
    trouble = panel.locator(".stability-trouble")
    expect(trouble).to_be_visible(timeout=PATIENCE)
    trouble.get_by_role("button", name="Go back to the last finite state").click()
    expect(trouble).to_be_hidden(timeout=PATIENCE)
    assert (
        float(page.locator(".chart-value output").first.inner_text().split()[0].replace("−", "-"))
        > 0
    )


# ---- runs ------------------------------------------------------------------------------------


def test_runs_are_kept_compared_restored_and_deleted(page: Any, sheet: Any) -> None:
    panel = show(page, "Runs")
    expect(panel).to_contain_text("No run is kept yet.")
    train(page, 10)
    panel.get_by_label("Name of the run").fill("slow <b>")
    panel.get_by_role("button", name="Keep this run").click()
    expect(panel.locator("tbody tr")).to_have_count(1)
    rate = page.get_by_label("Learning rate", exact=True)
    rate.fill("0.1")
    rate.press("Enter")
    train(page, page.evaluate("ddasp.epochs") + 5)
    panel.get_by_role("button", name="Keep this run").click()
    expect(panel.locator("tbody tr")).to_have_count(2)
    expect(panel.get_by_role("columnheader", name="Learning rate")).to_be_visible()
    assert panel.get_by_role("columnheader", name="Batch size").count() == 0  # the same for both
    expect(panel.locator("tbody tr").first).to_contain_text("slow <b>")
    panel.get_by_role("button", name="Learning rate").click()
    panel.get_by_role("button", name="Learning rate").click()
    assert panel.locator("tbody tr").first.get_attribute("data-run") == "B"
    expect(page.locator(".chart-stage .picture")).to_have_attribute(
        "aria-label", re.compile("2 kept runs"), timeout=PATIENCE
    )
    panel.locator("[data-run=A]").get_by_role("button", name="Weights").click()
    expect(rate).to_have_value("0.03", timeout=PATIENCE)
    panel.locator("[data-run=B]").get_by_role("button", name="Settings").click()
    expect(rate).to_have_value("0.1", timeout=PATIENCE)
    page.wait_for_function(lambda: page.evaluate("ddasp.epochs") == 0)
    page.reload()
    panel = show(page, "Runs")
    expect(panel.locator("tbody tr")).to_have_count(2, timeout=PATIENCE)
    panel.get_by_role("button", name="Delete run A").click()
    expect(panel.locator("tbody tr")).to_have_count(1)


def test_kept_runs_have_bounds_and_give_up_weights_first(page: Any) -> None:
    found = page.evaluate(
        """async () => {
          const { KeptRuns } = await import("/static/chart/kept_runs.js");
          const runs = new KeptRuns();
          for (let k = 0; k < 15; k += 1) runs.add({ name: String(k), settings: {}, data: "", n_parameters: 1, epoch: 0, losses: [], scores: [], score: "accuracy", state: "x".repeat(600000) });
          return { names: runs.runs.map((run) => run.name), weights: runs.runs.filter((run) => run.state).map((run) => run.name), letters: new Set(runs.runs.map((run) => run.letter)).size, again: new KeptRuns().runs.length };
        }"""
    )
    assert found["names"] == [str(k) for k in range(3, 15)]
    assert found["letters"] == found["again"] == 12
    assert 1 <= len(found["weights"]) <= 5
    assert found["weights"][-1] == "14"


def test_settings_that_differ_are_found_and_the_missing_sort_last(page: Any) -> None:
    found = page.evaluate(
        """async () => {
          const { differing, sorted } = await import("/static/chart/kept_runs.js");
          const rows = [{ v: 3 }, { v: null }, { v: 1 }];
          return [
            [...differing([{ a: 1, b: 2, c: 1 }, { a: 1, b: 3, c: 2 }], new Set(["c"]))],
            sorted(rows, (row) => row.v, false).map((row) => row.v),
            sorted(rows, (row) => row.v, true).map((row) => row.v),
          ];
        }"""
    )
    assert found == [[["b", [2, 3]]], [1, 3, None], [3, 1, None]]
