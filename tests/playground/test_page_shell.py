"""The shell of the page: key, transport, settings, address, keyboard, tabs, theme, a line that breaks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import ddasp.playground
from ddasp.playground.settings import SCHEMA
from ddasp.plot import css

STATIC = Path(ddasp.playground.__path__[0]) / "static"
SETTLED = 400  # ms; the address is written after 300


def epoch(page: Any) -> str:
    return str(page.locator(".epoch").inner_text())


def shows_epoch(page: Any, text: str) -> None:
    page.wait_for_function(
        "text => document.querySelector('.epoch').textContent === text", arg=text
    )


def test_colours_of_the_page_are_the_tokens() -> None:
    assert (STATIC / "shell/tokens.css").read_text("utf-8") == css()


def test_every_file_the_page_names_is_there() -> None:
    text = (STATIC / "index.html").read_text("utf-8")
    named = set(re.findall(r'(?:href|src)="static/([^"]+)"', text))
    assert {"shell/page.css", "shell/main.js"} <= named
    assert [name for name in named if not (STATIC / name).is_file()] == []
    sheets = {path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.css")}
    assert sheets - named == set()


def test_page_sets_no_style_in_markup_and_names_no_other_host() -> None:
    for path in STATIC.rglob("*"):
        if path.suffix not in (".html", ".css", ".js"):
            continue
        text = path.read_text("utf-8").replace("http://www.w3.org/", "")
        assert not re.search(r"https?://(?!127\.0\.0\.1)", text), path.name
    page = (STATIC / "index.html").read_text("utf-8")
    for inline in ("style=", "<style", "onclick"):
        assert inline not in page


@pytest.mark.browser
def test_token_leaves_the_address_and_stays_in_the_tab(sheet: Any) -> None:
    page = sheet.open("noise=10")
    assert "token" not in page.url
    page.wait_for_timeout(SETTLED)
    assert page.url.endswith("#noise=10")
    page.reload()
    page.wait_for_function("window.ddasp?.frames > 0")
    assert page.evaluate("document.body.dataset.connection") == "open"


@pytest.mark.browser
def test_without_a_token_the_page_says_what_to_do(sheet: Any) -> None:
    sheet.page.goto(sheet.playground.origin + "/")
    sheet.page.get_by_text("This page has no key yet.").wait_for()
    assert "ddasp playground" in sheet.page.locator("#notices").inner_text()


@pytest.mark.browser
def test_with_a_wrong_token_the_page_says_so_and_gives_up(sheet: Any) -> None:
    sheet.page.goto(sheet.playground.origin + "/#token=wrong")
    sheet.page.get_by_text("does not know this page’s key").wait_for()
    sheet.faults.clear()  # the browser itself reports the refused requests


@pytest.mark.browser
def test_the_address_of_a_new_start_is_taken_up_in_the_same_tab(sheet: Any) -> None:
    sheet.page.goto(sheet.playground.origin + "/#token=wrong")
    sheet.page.get_by_text("does not know this page’s key").wait_for()
    sheet.faults.clear()
    sheet.page.goto(sheet.playground.address + "&noise=15")  # the page itself is not loaded again
    sheet.page.wait_for_function("window.ddasp.frames > 0")
    sheet.page.wait_for_function("location.hash === '#noise=15'")


@pytest.mark.browser
def test_steps_by_sample_batch_and_epoch_go_on_and_back(sheet: Any) -> None:
    page = sheet.open("seed=3")
    page.keyboard.press("e")
    shows_epoch(page, "1")
    page.keyboard.press("b")  # one of 25 updates
    shows_epoch(page, "1.04")
    page.keyboard.press("z")  # by an epoch, as the menu says
    page.wait_for_function("Number(document.querySelector('.epoch').textContent) < 1.04")
    page.get_by_label("Size of a step").select_option("batch")
    before = epoch(page)
    page.get_by_role("button", name="Step", exact=True).click()
    page.wait_for_function(
        "was => document.querySelector('.epoch').textContent !== was", arg=before
    )
    page.keyboard.press("r")
    shows_epoch(page, "0")


@pytest.mark.browser
def test_space_plays_and_pauses_and_the_stop_rule_is_told_in_words(sheet: Any) -> None:
    page = sheet.open("stopEpoch=30")
    page.locator("#network-title").focus()
    page.keyboard.press("Space")
    shows_epoch(page, "30")
    page.get_by_text("The epoch at which training was to stop is reached").wait_for()
    assert page.get_by_role("button", name="Play", exact=True).is_visible()


@pytest.mark.browser
def test_keys_rest_while_something_is_typed(sheet: Any) -> None:
    page = sheet.open()
    field = page.get_by_label("Learning rate", exact=True)
    field.fill("")
    field.press_sequentially("e b s")
    page.wait_for_timeout(300)
    assert epoch(page) == "0"


@pytest.mark.browser
def test_same_weights_after_reset_and_others_with_another_seed(sheet: Any) -> None:
    page = sheet.open("seed=7")

    def first_weight() -> str:
        page.locator("#network-title").focus()
        page.locator('[data-part="link-1-0-0"]').focus()
        return str(page.locator(".net-card .number").inner_text())

    before = first_weight()
    page.keyboard.press("e")
    shows_epoch(page, "1")
    assert first_weight() != before
    page.keyboard.press("r")
    shows_epoch(page, "0")
    assert first_weight() == before
    page.get_by_role("button", name="New seed").click()
    page.wait_for_function("document.querySelector('[data-key=seed] input').value !== '7'")
    assert first_weight() != before


@pytest.mark.browser
def test_settings_change_while_it_runs_and_stand_in_the_address(sheet: Any) -> None:
    page = sheet.open()
    page.get_by_role("button", name="Play", exact=True).click()
    page.get_by_label("Activation", exact=True).select_option("relu")
    rate = page.get_by_label("Learning rate", exact=True)
    rate.press("ArrowDown")  # along the menu: 0.03, 0.01
    page.get_by_label("Optimiser", exact=True).select_option("momentum")
    page.get_by_label("Momentum", exact=True).wait_for()
    page.get_by_label("Penalty", exact=True).select_option("L2")
    page.get_by_label("Penalty rate", exact=True).fill("0.002")
    page.get_by_label("Penalty rate", exact=True).press("Enter")
    page.wait_for_function("location.hash.includes('regularizationRate=0.002')")
    address = page.url.split("#")[1]
    assert {
        "activation=relu",
        "learningRate=0.01",
        "optimizer=momentum",
        "regularization=L2",
    } <= set(address.split("&"))
    assert page.get_by_role("button", name="Pause", exact=True).is_visible()  # it went on
    assert float(epoch(page).replace(",", "")) > 0


@pytest.mark.browser
def test_a_value_out_of_bounds_is_marked_and_not_sent(sheet: Any) -> None:
    page = sheet.open()
    field = page.get_by_label("Batch size", exact=True)
    field.fill("2.5")
    field.press("Enter")
    assert field.get_attribute("aria-invalid") == "true"
    field.press("Escape")
    assert field.input_value() == "10"


@pytest.mark.browser
def test_a_link_of_the_original_is_understood(sheet: Any) -> None:
    page = sheet.open(
        "activation=sigmoid&batchSize=15&dataset=xor&networkShape=3&seed=0.12345&initZero=true"
        "&showTestData=true&playButton_hide=true&collectStats=false"
    )
    page.wait_for_function("document.querySelectorAll('.unit').length === 6")
    assert page.get_by_label("Activation", exact=True).input_value() == "sigmoid"
    assert page.get_by_label("Batch size", exact=True).input_value() == "15"
    assert page.get_by_label("First weights", exact=True).input_value() == "zero"
    assert page.locator(".play").is_hidden()


@pytest.mark.browser
def test_controls_can_be_left_out_for_a_class(sheet: Any) -> None:
    page = sheet.open("hide=learningRate,seed,networkShape")
    page.get_by_label("Batch size", exact=True).wait_for()
    page.wait_for_function("document.querySelector('[data-key=learningRate]').hidden")
    assert page.locator("[data-key=seed]").is_hidden()
    assert page.get_by_role("button", name="One hidden layer more").count() == 0


@pytest.mark.browser
def test_every_setting_has_its_control_and_help(sheet: Any) -> None:
    """Fields of the shell; data, inputs, layers and the view are set at their pictures."""
    page = sheet.open("optimizer=momentum&regularization=L1")
    shell = [one for one in SCHEMA["controls"] if one["group"] in ("training", "stops", "network")]
    elsewhere = {"networkShape"}
    for one in shell:
        if one["key"] in elsewhere:
            continue
        field = page.locator(f'.field[data-key="{one["key"]}"]')
        assert field.locator("label").text_content() == one["label"]
        control = field.locator("input, select").first
        help_of = page.locator(f"#{control.get_attribute('aria-describedby')}")
        assert help_of.text_content() == one["help"]


@pytest.mark.browser
def test_skip_link_goes_to_the_network_and_leaves_the_settings(sheet: Any) -> None:
    page = sheet.open("noise=10")
    page.wait_for_timeout(SETTLED)
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "network-title"
    assert page.url.endswith("#noise=10")


@pytest.mark.browser
def test_help_of_the_focused_control_stands_at_the_foot(sheet: Any) -> None:
    page = sheet.open()
    page.get_by_label("Batch size", exact=True).focus()
    assert "mean gradient" in page.locator(".hint").inner_text()


@pytest.mark.browser
def test_tabs_move_by_arrows_and_keep_their_place_over_a_reload(sheet: Any) -> None:
    page = sheet.open()
    page.get_by_role("tab", name="Numbers").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.locator("#tab-measures").is_visible()
    assert page.locator("#tab-numbers").is_hidden()
    page.reload()
    page.wait_for_function("window.ddasp?.frames > 0")
    assert page.locator("#tab-measures").is_visible()


@pytest.mark.browser
def test_theme_is_chosen_and_kept(sheet: Any) -> None:
    page = sheet.open()
    page.get_by_label("Theme").select_option("dark")
    surface = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(surface) == "rgb(22, 21, 19)"
    page.reload()
    page.wait_for_function("window.ddasp?.frames > 0")
    assert page.evaluate(surface) == "rgb(22, 21, 19)"


@pytest.mark.browser
def test_keys_are_listed_on_question_mark(sheet: Any) -> None:
    page = sheet.open()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog", name="Keys").count() == 0


@pytest.mark.browser
def test_a_network_that_blows_up_says_why_and_comes_back(sheet: Any) -> None:
    page = sheet.open("learningRate=10&regularization=L2&regularizationRate=10&speed=20")
    page.get_by_role("button", name="Play", exact=True).click()
    page.get_by_text("It diverged.").wait_for()
    page.get_by_role("button", name="Return to the last finite state").click()
    page.get_by_text("It diverged.").wait_for(state="hidden")


@pytest.mark.browser
def test_a_broken_line_is_told_taken_up_again_and_the_experiment_goes_on(sheet: Any) -> None:
    page = sheet.page
    lines: list[Any] = []
    dead = [False]

    def between(route: Any) -> None:
        if dead[0]:
            route.close()
            return
        server = route.connect_to_server()
        lines.append((route, server))

    page.route_web_socket("**/socket*", between)
    sheet.open()
    page.keyboard.press("e")
    shows_epoch(page, "1")
    dead[0] = True
    for route, server in lines:
        server.close()
        route.close()
    page.get_by_text("The line to the server broke.").wait_for()
    dead[0] = False
    page.get_by_text("The line to the server broke.").wait_for(state="hidden")
    assert epoch(page) == "1"
    # The page asks whether it was refused; that question has no answer but a status.
    sheet.faults[:] = [fault for fault in sheet.faults if "404" not in fault]
    page.keyboard.press("e")
    shows_epoch(page, "2")


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 768, 1280, 3840])
def test_page_never_scrolls_sideways(sheet: Any, width: int) -> None:
    sheet.page.set_viewport_size({"width": width, "height": 900})
    page = sheet.open("networkShape=8,8,8,8,8,8")
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_frames_gaps_and_epochs_can_be_read_by_measurements(sheet: Any) -> None:
    page = sheet.open()
    page.keyboard.press("e")
    shows_epoch(page, "1")
    got = page.evaluate("[ddasp.frames, ddasp.gaps.length, ddasp.epochs]")
    assert got[0] >= 2
    assert got[1:] == [2000, 1]
