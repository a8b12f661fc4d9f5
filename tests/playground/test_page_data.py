"""The data panel in a real browser: sets and their pictures, shares, own points, sounds as data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = pytest.mark.browser

PATIENCE = 60_000  # ms: other tests use this machine too


def source(page: Any, name: str) -> None:
    page.locator("#data-panel").get_by_role("tab", name=name).click()


def test_sets_are_a_radio_group_that_the_arrow_keys_walk(sheet: Any) -> None:
    page = sheet.open()
    group = page.get_by_role("radiogroup", name="Data set")
    circle = group.get_by_role("radio", name="Circle")
    expect(circle).to_be_checked(timeout=PATIENCE)
    assert group.get_by_role("radio").count() == 11
    circle.focus()
    page.keyboard.press("ArrowRight")
    expect(group.get_by_role("radio", name="Exclusive or")).to_be_checked()
    expect(page.locator(".set-about")).to_have_text(
        "Opposite quarters of the plane belong together."
    )
    page.get_by_role("radio", name="Regression").check(force=True)
    expect(group.get_by_role("radio", name="Plane")).to_be_checked()


def test_the_picture_of_a_plane_is_the_right_way_up(sheet: Any) -> None:
    page = sheet.open("problem=regression")
    expect(page.locator(".set-choice[data-key=reg-plane]")).to_be_visible(timeout=PATIENCE)
    # y = (x1 + x2) / 10: positive, which is warm, in the upper right corner; negative, blue, below
    warm, cold = page.evaluate(
        """() => { const canvas = document.querySelector('.set-choice[data-key=reg-plane] canvas');
        const pen = canvas.getContext('2d'); const side = canvas.width; const part = Math.floor(side / 3);
        const sum = (x, y) => { let red = 0, blue = 0; const { data } = pen.getImageData(x, y, part, part);
          for (let i = 0; i < data.length; i += 4)
            if (data[i + 3] > 60) { red += data[i]; blue += data[i + 2]; }
          return red - blue; };
        return [sum(side - part, 0), sum(0, side - part)]; }"""
    )
    assert warm > 1000
    assert cold < -1000


def test_noise_is_said_to_act_where_it_acts(sheet: Any) -> None:
    page = sheet.open()
    noise = page.get_by_role("slider", name="Noise")
    words = page.locator(f"#{noise.get_attribute('aria-describedby')}")
    expect(words).to_contain_text("acts on the label", timeout=PATIENCE)
    page.get_by_role("radio", name="Spiral").check(force=True)
    expect(words).to_contain_text("acts on the position")
    noise.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".slider-value")).to_have_text("5 %")
    page.wait_for_function("() => location.hash.includes('noise=5')")


def test_the_three_shares_add_up_by_keyboard_and_by_drag(sheet: Any) -> None:
    page = sheet.open()
    train = page.get_by_role("slider", name="Training share")
    both = page.get_by_role("slider", name=re.compile("^Training and validation"))
    words = page.locator(".split-word")
    expect(words.nth(0)).to_contain_text("250 points", timeout=PATIENCE)

    def shares() -> list[int]:
        return [int(re.match(r"\d+", one.inner_text())[0]) for one in words.all()]  # type: ignore[index]

    assert shares() == [50, 20, 30]
    train.focus()
    page.keyboard.press("ArrowRight")
    expect(words.nth(0)).to_contain_text("275 points")
    assert shares() == [55, 15, 30]
    page.keyboard.press("End")
    expect(words.nth(0)).to_contain_text("450 points")  # the server's answer: older ones are past
    assert shares() == [90, 0, 10]  # validation gives first, then the test set
    both.focus()
    page.keyboard.press("End")
    expect(words.nth(1)).to_contain_text("25 points")
    assert shares() == [90, 5, 5]
    bar, box = page.locator(".split-bar").bounding_box(), train.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(bar["x"] + 0.4 * bar["width"], box["y"] + 5, steps=4)
    page.mouse.up()
    expect(words.nth(0)).to_contain_text("200 points")
    assert shares() == [40, 55, 5]
    assert train.get_attribute("aria-valuetext") == "train 40 %, validation 55 %, test 5 %"


def test_regenerate_shows_another_seed_and_a_typed_one_is_taken(sheet: Any) -> None:
    page = sheet.open()
    seed = page.get_by_label("Data seed")
    expect(seed).to_have_value("0", timeout=PATIENCE)
    page.get_by_role("button", name="Regenerate").click()
    expect(seed).not_to_have_value("0")
    seed.fill("7")
    seed.press("Enter")
    page.wait_for_function("() => location.hash.includes('dataSeed=7')")


def test_own_points_come_from_a_file_and_go_out_again(sheet: Any, tmp_path: Path) -> None:
    page = sheet.open()
    source(page, "Own")
    expect(page.locator(".own-state")).to_contain_text("500 points of your own", timeout=PATIENCE)
    table = tmp_path / "points.csv"
    rows = [
        f"{x},{y},{'in' if x * y > 0 else 'out'}" for x in (-2, -1, 1, 2) for y in (-2, -1, 1, 2)
    ]
    table.write_text("a,b,label\n" + "\n".join(rows), "utf-8")
    page.locator(".own-pane input[type=file]").set_input_files(table)
    expect(page.locator(".own-state")).to_contain_text("16 points of your own: 8 in, 8 out")
    with page.expect_download() as got:
        page.locator(".own-pane").get_by_role("button", name="Download CSV").click()
    got.value.save_as(tmp_path / "again.csv")
    again = (tmp_path / "again.csv").read_text("utf-8").strip().splitlines()
    assert len(again) == 17
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".own-state")).to_contain_text("no points yet")


def test_a_wrong_line_is_named_kept_and_shown(sheet: Any) -> None:
    page = sheet.open()
    source(page, "Own")
    page.get_by_text("Paste points as text").click()
    text = page.locator(".own-pane textarea")
    use = page.get_by_role("button", name="Use these points")
    use.click()
    fault = page.locator(".own-pane .fault")
    expect(fault).to_contain_text("no text yet")
    text.fill("1,2,yes\n2,1,no\n3,oops,yes\n4,1,no\n5,1,yes\n")
    use.click()
    expect(fault).to_contain_text("line 3")
    assert text.input_value().startswith("1,2,yes")
    page.get_by_role("button", name="Show line 3").click()
    chosen = text.evaluate("(box) => box.value.slice(box.selectionStart, box.selectionEnd)")
    assert chosen == "3,oops,yes"


def test_sounds_choose_columns_planes_and_show_what_a_split_by_file_hides(sheet: Any) -> None:
    page = sheet.open()
    source(page, "Sound")
    expect(page.locator(".sound-state")).to_contain_text(
        "216 sounds of 6 classes in 12 groups", timeout=PATIENCE
    )
    card = page.locator(".leak-table")
    expect(card).to_contain_text(
        "100 %", timeout=PATIENCE
    )  # every test sound's group is in training
    by_group, by_file = (
        int(cell.inner_text().removesuffix(" %"))
        for cell in card.locator("tbody tr").first.locator("td").all()
    )
    assert by_group < by_file
    page.keyboard.press("e")
    expect(card.locator(".own-group")).to_contain_text("%", timeout=PATIENCE)
    page.get_by_role("radio", name="By file").check(force=True)
    page.keyboard.press("e")
    expect(card.locator(".own-file")).to_contain_text("%", timeout=PATIENCE)
    expect(card.locator(".own-group")).to_contain_text("%")
    # columns
    page.get_by_label("Find a column").fill("loudness")
    page.get_by_role("checkbox", name="loudness / LUFS").check()
    expect(page.locator(".columns-pane legend")).to_contain_text("3 of 70", timeout=PATIENCE)
    expect(page.locator(".plane-words")).to_contain_text("slice")
    page.get_by_role("radio", name="PCA").check(force=True)
    expect(page.locator(".plane-words")).to_contain_text("principal components", timeout=PATIENCE)
    page.get_by_role("radio", name="Median").check(force=True)
    up = page.get_by_label("Up", exact=True)
    up.select_option(label="loudness / LUFS")
    page.wait_for_function(
        "() => document.querySelector('.plane-words').textContent.includes('slice')"
    )
    expect(up.locator("option:checked")).to_have_text("loudness / LUFS")
