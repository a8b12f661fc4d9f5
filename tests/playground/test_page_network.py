"""The drawn network as a person uses it: look, edit, add, remove, feed; by pointer and by keyboard."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser


def label(page: Any, part: str) -> str:
    return str(page.locator(f'[data-part="{part}"]').get_attribute("aria-label"))


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.dataset.part ?? ''"))


def value_of(page: Any, part: str) -> float:
    """What the page says of a weight or a bias that gets the focus."""
    page.locator("#network-title").focus()
    page.locator(f'[data-part="{part}"]').focus()
    return float(label(page, part).rsplit(": ", 1)[1].replace("−", "-"))


def test_units_links_and_biases_of_the_default_network_are_named(sheet: Any) -> None:
    page = sheet.open()
    assert page.locator(".unit").count() == 2 + 4 + 2 + 1
    assert page.locator(".link").count() == 2 * 4 + 4 * 2 + 2 * 1
    assert page.locator(".bias").count() == 4 + 2 + 1  # that of the output as well
    assert label(page, "bias-3-0--1").startswith("Bias of the output")
    assert label(page, "link-1-2-0") == "Weight from x₁ to unit 3 of layer 1"


def test_a_weight_is_edited_with_enter_and_left_alone_with_escape(sheet: Any) -> None:
    page = sheet.open()
    before = value_of(page, "link-1-0-0")
    page.keyboard.press("Enter")
    field = page.locator(".net-editor input")
    field.fill("1.5")
    field.press("Escape")
    assert page.locator(".net-editor").is_hidden()
    assert focused(page) == "link-1-0-0"
    assert value_of(page, "link-1-0-0") == before
    page.keyboard.press("Enter")
    field.fill("1.5")
    field.press("Enter")
    page.wait_for_function(CARD, arg="1.500")
    assert value_of(page, "link-1-0-0") == 1.5


# The card of the part that has the focus is open and follows the numbers.
CARD = "want => document.querySelector('.net-card .number').textContent === want"


def test_the_output_bias_can_be_edited_by_pointer(sheet: Any) -> None:
    page = sheet.open()
    page.locator('[data-part="bias-3-0--1"]').click()
    page.locator(".net-editor input").fill("-0.25")
    page.get_by_role("button", name="Set", exact=True).click()
    page.mouse.move(0, 0)
    page.wait_for_function(CARD, arg="−0.2500")


def test_a_nonsense_weight_is_refused_in_words(sheet: Any) -> None:
    page = sheet.open()
    page.locator('[data-part="bias-1-0--1"]').click()
    page.locator(".net-editor input").fill("many")
    page.locator(".net-editor input").press("Enter")
    assert page.locator(".net-editor").is_visible()
    assert "A weight is a number" in page.locator("#said").inner_text()


def test_the_card_of_a_weight_follows_the_training(sheet: Any) -> None:
    page = sheet.open()
    page.locator('[data-part="link-2-0-0"]').focus()
    seen = page.locator(".net-card .number").inner_text()
    page.keyboard.press("e")
    page.wait_for_function(
        "seen => document.querySelector('.net-card .number').textContent !== seen", arg=seen
    )


def test_arrow_keys_walk_from_unit_to_link_to_unit(sheet: Any) -> None:
    page = sheet.open()
    page.locator('[data-part="unit-3-0--1"]').focus()
    walk = []
    for key in ("ArrowLeft", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowUp", "Home"):
        page.keyboard.press(key)
        walk.append(focused(page))
    assert walk == [
        "link-3-0-0",
        "link-3-0-1",
        "bias-3-0--1",
        "link-3-0-0",
        "unit-2-0--1",
        "unit-2-1--1",
        "unit-0-0--1",
    ]
    assert page.locator("[data-part][tabindex='0']").count() == 1  # one stop of Tab


def test_a_chosen_unit_is_shown_large_in_the_map_and_again_left(sheet: Any) -> None:
    page = sheet.open()
    page.locator('[data-part="unit-1-1--1"]').focus()
    page.keyboard.press("Enter")
    assert page.locator('[data-part="unit-1-1--1"]').get_attribute("aria-pressed") == "true"
    page.wait_for_function(
        "document.querySelector('#map-title').textContent === 'Unit 2 of layer 1'"
    )
    page.keyboard.press("Enter")
    page.locator("#network-title").focus()
    page.wait_for_function("document.querySelector('#map-title').textContent === 'Output'")


def test_layers_and_units_come_and_go_within_their_bounds(sheet: Any) -> None:
    page = sheet.open()
    units = page.locator(".unit")

    def press(name: str, n_units: int) -> None:
        page.get_by_role("button", name=name, exact=True).click()
        page.wait_for_function(f"document.querySelectorAll('.unit').length === {n_units}")

    press("One hidden layer more", 11)
    press("Layer 1: one unit more", 12)
    press("Layer 2: one unit less", 11)
    assert page.get_by_role("button", name="Layer 2: one unit less", exact=True).is_disabled()
    for left in (9, 8, 3):  # 2-5-1-1: from the back
        press("One hidden layer less", left)
    assert page.get_by_role("button", name="One hidden layer less", exact=True).is_disabled()
    assert units.count() == 2 + 1


def test_surviving_units_keep_their_weights(sheet: Any) -> None:
    page = sheet.open()
    page.keyboard.press("e")  # before the first update a new shape is drawn as a whole
    page.wait_for_function("document.querySelector('.epoch').textContent === '1'")
    before = value_of(page, "link-1-3-1")
    page.get_by_role("button", name="Layer 1: one unit more", exact=True).click()
    page.wait_for_function("document.querySelectorAll('.unit').length === 10")
    page.wait_for_timeout(1000)  # for the frame of the new network
    assert value_of(page, "link-1-3-1") == before


def test_inputs_are_fed_and_left_out_but_one_stays(sheet: Any) -> None:
    page = sheet.open()
    page.get_by_role("button", name="sin(x₁)", exact=True).click()
    page.wait_for_function("document.querySelectorAll('.unit').length === 10")
    for name, left in (("x₁", 9), ("x₂", 8)):
        page.get_by_role("button", name=name, exact=True).click()
        page.wait_for_function(f"document.querySelectorAll('.unit').length === {left}")
    page.get_by_role("button", name="sin(x₁)", exact=True).click()
    page.wait_for_function(
        "document.querySelector('#said').textContent.includes('at least one input')"
    )
    assert page.locator(".unit").count() == 8


def test_a_network_of_three_classes_names_its_outputs(sheet: Any) -> None:
    page = sheet.open("dataset=rings3")
    page.wait_for_function("document.querySelectorAll('[data-part^=unit-3]').length === 3")
    assert "softmax" in page.locator(".net-words").inner_text()
    assert label(page, "unit-3-2--1").startswith("Output “")


def test_nothing_is_drawn_while_nothing_changes(sheet: Any) -> None:
    page = sheet.open()
    page.wait_for_timeout(1500)
    before = page.evaluate("ddasp.frames")
    page.wait_for_timeout(1000)
    assert page.evaluate("ddasp.frames") == before
