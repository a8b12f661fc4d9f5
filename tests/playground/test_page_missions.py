"""Missions and export in a real browser: a task is begun, checked and kept; what is taken away is whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = pytest.mark.browser

PATIENCE = 30_000  # ms


def to_tab(page: Any, name: str) -> None:
    page.locator("#tabs").get_by_role("tab", name=name, exact=True).click()


def test_a_mission_is_begun_checked_live_done_and_remembered(sheet: Any) -> None:
    page = sheet.open("dataset=xor&learningRate=3")
    to_tab(page, "Missions")
    card = page.locator(".mission[data-key=line]")
    expect(card.locator("h3")).to_have_text("One straight line", timeout=PATIENCE)
    expect(card.locator(".mission-checks")).to_be_hidden()
    expect(card.locator(".mission-lesson")).to_be_hidden()
    card.locator("summary").click()
    expect(card.locator(".mission-hint p")).to_be_visible()
    card.get_by_role("button", name="Start mission").click()
    # the scene is the mission's, whatever was set before
    expect(page.get_by_role("radio", name="Two Gaussians")).to_be_checked(timeout=PATIENCE)
    expect(page.get_by_label("Learning rate", exact=True)).to_have_value("0.03")
    parts = card.locator(".mission-checks li")
    expect(parts).to_have_count(3, timeout=PATIENCE)
    expect(parts.nth(0)).not_to_have_class("met")
    expect(parts.nth(2)).to_have_class("met")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(parts.nth(1)).to_have_class("met", timeout=PATIENCE)
    for _ in range(2):
        page.get_by_role("button", name="One hidden layer less").click()
    expect(parts.nth(0)).to_have_class("met", timeout=PATIENCE)
    expect(card.get_by_role("img", name="done", exact=True)).to_be_visible(timeout=PATIENCE)
    expect(card.locator(".mission-lesson")).to_be_visible()
    expect(page.locator(".missions-count")).to_have_text("1 of 12 done.")
    page.reload()
    to_tab(page, "Missions")
    expect(
        page.locator(".mission[data-key=line]").get_by_role("img", name="done", exact=True)
    ).to_be_visible(timeout=PATIENCE)


def test_what_a_mission_fixes_is_told_when_it_was_changed(sheet: Any) -> None:
    page = sheet.open()
    to_tab(page, "Missions")
    card = page.locator(".mission[data-key=hidden]")
    card.get_by_role("button", name="Start mission").click()
    expect(card.locator(".mission-checks li")).to_have_count(3, timeout=PATIENCE)
    page.get_by_role("radio", name="Two Gaussians").check(force=True)
    expect(card.locator(".mission-checks")).to_contain_text("Exclusive or", timeout=PATIENCE)
    card.get_by_role("button", name="Leave mission").click()
    expect(card.locator(".mission-checks")).to_be_hidden()


def test_a_browser_that_keeps_nothing_still_shows_the_missions(sheet: Any) -> None:
    sheet.page.add_init_script(
        "for (const name of ['getItem', 'setItem']) { const was = Storage.prototype[name];"
        "Storage.prototype[name] = function (key, ...more) {"
        "if (this === window.localStorage && key.includes('missions'))"
        " throw new DOMException('no', 'SecurityError');"
        "return was.call(this, key, ...more); }; }"
    )
    page = sheet.open()
    to_tab(page, "Missions")
    expect(page.locator(".missions-count")).to_have_text("0 of 12 done.", timeout=PATIENCE)


def test_the_script_is_shown_and_is_the_one_that_is_downloaded(sheet: Any, tmp_path: Path) -> None:
    page = sheet.open()
    page.keyboard.press("e")
    to_tab(page, "Export")
    preview = page.locator(".export-preview")
    expect(preview).to_contain_text("import numpy as np", timeout=PATIENCE)
    with page.expect_download() as got:
        page.get_by_role("button", name="Download the script").click()
    path = tmp_path / got.value.suggested_filename
    got.value.save_as(path)
    text = path.read_text("utf-8")
    compile(text, path.name, "exec")
    assert preview.inner_text().strip() == text.strip()
    with page.expect_download() as got:
        page.get_by_role("button", name="Download the notebook").click()
    got.value.save_as(tmp_path / "n.ipynb")
    assert json.loads((tmp_path / "n.ipynb").read_text("utf-8"))["nbformat"] == 4


def test_a_state_goes_out_and_comes_back_with_its_weights(sheet: Any, tmp_path: Path) -> None:
    page = sheet.open()
    page.keyboard.press("e")
    page.keyboard.press("e")
    to_tab(page, "Numbers")
    expect(page.locator(".numbers-parameters h4")).to_contain_text("update 51", timeout=PATIENCE)
    weight = page.locator(".numbers-parameters td").first.inner_text()
    to_tab(page, "Export")
    with page.expect_download() as got:
        page.get_by_role("button", name="Download the state").click()
    path = tmp_path / "state.json"
    got.value.save_as(path)
    page.keyboard.press("r")
    to_tab(page, "Numbers")
    expect(page.locator(".numbers-parameters h4")).to_contain_text("update 1,", timeout=PATIENCE)
    assert page.locator(".numbers-parameters td").first.inner_text() != weight
    to_tab(page, "Export")
    page.locator("#tab-export input[type=file]").set_input_files(path)
    to_tab(page, "Numbers")
    expect(page.locator(".numbers-parameters h4")).to_contain_text("update 51", timeout=PATIENCE)
    expect(page.locator(".numbers-parameters td").first).to_have_text(weight)


def test_a_file_that_is_no_state_is_refused_in_words(sheet: Any, tmp_path: Path) -> None:
    page = sheet.open()
    to_tab(page, "Export")
    wrong = tmp_path / "notes.json"
    wrong.write_text("not JSON", "utf-8")
    page.locator("#tab-export input[type=file]").set_input_files(wrong)
    told = page.locator(".export-words.fault")
    expect(told).to_contain_text("notes.json is no state file")
    wrong.write_text('{"nothing": 1}', "utf-8")
    page.locator("#tab-export input[type=file]").set_input_files(wrong)
    expect(told).to_contain_text("The state was not taken", timeout=PATIENCE)


def test_a_link_is_shown_where_the_clipboard_is_closed_and_holds_no_token(sheet: Any) -> None:
    sheet.page.add_init_script(
        "navigator.clipboard.writeText = async () => { throw new DOMException('no', 'NotAllowedError'); };"
    )
    page = sheet.open("dataset=spiral")
    to_tab(page, "Export")
    page.locator("#tab-export").get_by_role("button", name="Copy the link", exact=True).click()
    link = page.get_by_role("textbox", name="Link")
    expect(link).to_be_visible(timeout=PATIENCE)
    plain = link.input_value()
    assert "#dataset=spiral" in plain
    assert sheet.playground.token not in plain
    page.locator("#tab-export").get_by_role("button", name="Copy the link with weights").click()
    expect(link).not_to_have_value(plain, timeout=PATIENCE)
    assert len(link.input_value()) > len(plain) + 100
