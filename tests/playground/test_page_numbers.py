"""The formula panel in a real browser: its numbers are those of the frame, its lines lead to the source."""

from __future__ import annotations

import inspect
import math
from typing import Any

import pytest

from ddasp.nonlinear import mlp_numpy

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = pytest.mark.browser

PATIENCE = 30_000  # ms
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def read(text: str) -> float:
    """The number that a person reads: a true minus, powers of ten raised."""
    mantissa, _, power = text.replace("−", "-").partition("×10")
    return float(mantissa) * 10.0 ** int(power.translate(RAISED) or 0)


@pytest.fixture
def tab(sheet: Any) -> Any:
    """The page with the numbers in front."""
    page = sheet.open()
    page.locator("#tabs").get_by_role("tab", name="Numbers").click()
    expect(page.locator(".numbers-title")).to_have_text("Layer 1, unit 1: tanh", timeout=PATIENCE)
    return page


def filled(tab: Any, section: str, k: int) -> tuple[str, float]:
    """The numbers and the value of an equation of a section."""
    row = tab.locator(f".is-{section} .eq").nth(k)
    return row.locator(".eq-numeric").inner_text(), read(row.locator(".eq-value").inner_text())


def test_the_sum_is_the_sum_of_its_terms_and_tanh_follows(tab: Any) -> None:
    terms, z = filled(tab, "forward", 0)
    plain = terms.replace("−", "-").replace("·", "*")
    assert eval(plain, {}) == pytest.approx(z, rel=1e-4)
    _, a = filled(tab, "forward", 1)
    assert a == pytest.approx(math.tanh(z), abs=1e-5)


def test_the_next_update_is_what_a_step_makes_of_the_weight(tab: Any) -> None:
    row = tab.locator(".numbers-parameters tbody tr:not(.parameter-detail)").first
    shown = row.locator("td").first.inner_text()
    now, gradient, after = (read(cell.inner_text()) for cell in row.locator("td").all())
    assert after == pytest.approx(now - 0.03 * gradient, rel=1e-4)
    tab.get_by_role("button", name="Step", exact=True).focus()
    tab.keyboard.press("b")
    value = row.locator("td").first
    expect(value).not_to_have_text(shown, timeout=PATIENCE)
    assert read(value.inner_text()) == pytest.approx(after, rel=1e-5)


def test_a_line_leads_to_the_line_of_the_library_that_computes_it(tab: Any) -> None:
    link = tab.locator(".is-forward .eq-source").nth(1)
    name = link.inner_text()
    link.click()
    here = tab.locator(".source-text .here")
    expect(here).to_be_visible()
    text = inspect.getsource(mlp_numpy).splitlines()[int(name.split(":")[1]) - 1]
    assert here.inner_text() == text
    assert "np.tanh(z)" in text
    expect(tab.get_by_role("dialog")).to_contain_text("mlp_numpy.py")
    assert tab.locator(".source-text li").count() == len(inspect.getsource(mlp_numpy).splitlines())
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_have_count(0)
    expect(link).to_be_focused()


def test_units_and_samples_are_chosen_and_the_choice_is_shared(tab: Any) -> None:
    unit = tab.get_by_label("Unit", exact=True)
    unit.select_option(label="Output")
    title = tab.locator(".numbers-title")
    expect(title).to_have_text("Output unit 1: tanh")
    expect(tab.locator(".is-loss")).to_be_visible()
    sample = tab.get_by_label("Sample", exact=True)
    first = sample.input_value()
    tab.get_by_role("button", name="Next training sample").click()
    expect(sample).not_to_have_value(first)
    expect(tab.locator(".numbers-sample")).to_contain_text("training")
    tab.get_by_role("button", name="Previous training sample").click()
    expect(sample).to_have_value(first)
    sample.fill("9999")
    sample.press("Enter")
    expect(sample).to_have_value("500")
    unit.select_option(label="Input x₁")
    expect(tab.locator(".numbers-content")).to_contain_text("An input computes nothing")


def test_numbers_follow_training_without_being_built_anew(tab: Any) -> None:
    tab.evaluate("window.kept = document.querySelector('.is-forward .eq-value')")
    tab.locator(".parameter-open").nth(1).click()
    tab.locator(".parameter-open").nth(1).focus()
    seen = set()
    tab.locator("#transport").get_by_role("button", name="Play").click()
    tab.locator(".parameter-open").nth(1).focus()
    for _ in range(8):
        tab.wait_for_timeout(350)
        seen.add(tab.locator(".is-forward .eq-value").first.inner_text())
    assert len(seen) >= 4
    assert tab.evaluate("window.kept.isConnected")
    expect(tab.locator(".parameter-open").nth(1)).to_be_focused()
    expect(tab.locator(".parameter-open").nth(1)).to_have_attribute("aria-expanded", "true")


def test_the_badge_says_that_gradients_equal_central_differences_now(tab: Any) -> None:
    badge = tab.locator(".gradient-badge")
    expect(badge).to_contain_text(
        "Gradients equal central differences, now: worst", timeout=PATIENCE
    )
    assert read(badge.inner_text().split("worst ")[1]) < 1e-5


def test_adam_shows_its_count_of_steps_and_softmax_its_loss(tab: Any) -> None:
    tab.get_by_label("Optimiser").select_option(label="Adam")
    lines = tab.locator(".parameter-lines").first
    expect(lines).to_contain_text("with t = 1", timeout=PATIENCE)
    assert lines.locator(".quotient").count() >= 2  # m / (1 − β₁ᵗ) stands over a line
    tab.get_by_role("radio", name="Three rings").check(force=True)
    tab.get_by_label("Unit", exact=True).select_option(label="Output 2")
    expect(tab.locator(".is-loss [role=math]")).to_have_attribute("aria-label", "L = −ln a_y")


def test_a_long_sum_is_folded_and_pushes_nothing_out_of_the_page(sheet: Any) -> None:
    sheet.page.set_viewport_size({"width": 1440, "height": 900})
    page = sheet.open("dataset=spiral&networkShape=8,6&optimizer=adam")
    page.locator("#tabs").get_by_role("tab", name="Numbers").click()
    more = page.locator(".is-backward .eq-more").first
    expect(more).to_be_visible(timeout=PATIENCE)
    sum_ = page.locator(".is-backward .eq-numeric").first
    too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    folded = sum_.bounding_box()["height"]
    assert page.evaluate(too_wide) == 0
    more.click()
    assert sum_.bounding_box()["height"] > 1.5 * folded
    for width in (1440, 360):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(too_wide) == 0
