"""The pages: what they say, that they run nothing, and that hostile text stays text."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddasp.homework import tasks
from ddasp.homework.handing_out import NOTEBOOK
from ddasp.homework.pages import board, overview
from ddasp.homework.pages.page import card_page, filled, progress_page, sheet_page, summary_page
from ddasp.homework.parts import BY_HAND, NOT_ATTEMPTED, NOT_YET, RIGHT, Finding
from ddasp.homework.reading.similarity import Pair
from ddasp.homework.results import PartResult

from .pages_example import HOSTILE, TASK, draw, grades, hostile_result, result

LEVELS = (("A", 0.1), ("B", 0.01))
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Reader(HTMLParser):
    """Text, tags with their attributes, and whether every element is closed."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def card(found=None, **options: Any) -> str:
    return card_page(found or result(), TASK, title="Matrix fundamentals: s0123456", **options)


def summary(found=None, pairs=(), **options: Any) -> str:
    return summary_page(TASK, grades() if found is None else found, pairs, facts=[], **options)


@functools.cache
def every_page() -> dict[str, str]:
    classes = grades(12)
    links = {grade.submission: f"feedback/{grade.student}.html" for grade in classes}
    return {
        "sheet": sheet_page(TASK, draw("s0123456")),
        "card": card(result(right=3, printed="loss 0.5\n" * 900), points={"1": 2.0, "4": None}),
        "summary": summary(classes, [Pair(classes[0].submission, "other", 0.9)], links=links),
        "empty": summary([]),
        "progress": progress_page({"SVD": [("1", RIGHT, "since 2026-03-01")]}, ["a note"]),
        **{f"hostile-{k}": hostile(text) for k, text in enumerate(HOSTILE)},
        **{f"class-{k}": hostile_class(text) for k, text in enumerate(HOSTILE)},
    }


def hostile(text: str) -> str:
    found = hostile_result(text)
    return card_page(found, TASK, title=text, facts=[(text, text)], points={text: 1.0})


def hostile_class(text: str) -> str:
    grade = replace(grades(1)[0], student=text, submission=text, flags=(text,))
    task = replace(TASK, title=text, parts=tuple(replace(p, title=text) for p in TASK.parts))
    return summary_page(task, [grade], [Pair(text, text, 0.5)], facts=[(text, text)])


# ------------------------------------------------------------------------------- of every page


@pytest.mark.parametrize("name", every_page())
def test_a_page_is_well_formed_runs_nothing_and_asks_for_nothing(name: str):
    page = every_page()[name]
    read = Reader(page)
    assert read.open == []
    names = {tag for tag, _ in read.tags}
    assert not names & {"script", "img", "iframe", "object", "link", "form", "base", "audio"}
    attributes = {key for _, attrs in read.tags for key in attrs}
    assert not {key for key in attributes if key.startswith("on") or key in ("style", "src")}
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in policy_of(read)
    assert "@import" not in style[1]
    assert "url(" not in style[1]


def policy_of(read: Reader) -> str:
    return next(
        str(attrs["content"])
        for tag, attrs in read.tags
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_text_and_cut(text: str):
    for page in (hostile(text), hostile_class(text)):
        words = Reader(page).text
        assert re.sub(r"\s+", " ", text.strip())[:40].translate(SHOWN) in words
        assert not set(page) & set("\x00\x07\u202e\u2066\u200f\udcff")
        assert len(page) < 120_000


SHOWN = dict.fromkeys(map(ord, "\x00\x07\u202e\u2066\u200f\udcff"), "�")


def test_what_is_cut_says_how_much():
    page = Reader(hostile("x" * 10_000)).text
    assert "x … (8800 more characters)" in page
    assert "26000 more characters are not shown" in page
    assert card(result(printed="§" * 9000)).count("§") == 4000


def test_no_page_calls_a_template_of_its_text():
    assert "49" not in Reader(hostile("{{ 7*7 }}")).text


# --------------------------------------------------------------------------------- of the card


@pytest.mark.parametrize(
    ("right", "says", "rest"),
    [
        (1, "1 of 3 checked parts is right", "1 not yet, 1 not attempted, 1 part is read"),
        (2, "2 of 3 checked parts are right", "1 not attempted, 1 part is read by the lecturer."),
        (3, "All 3 checked parts are right", "1 part is read by the lecturer."),
    ],
)
def test_the_first_sentence_says_how_far(right: int, says: str, rest: str):
    words = Reader(card(result(right=right))).text
    assert says in words
    assert rest.lower() in words.lower()


def test_nothing_attempted_and_nothing_that_can_be_checked_are_told_apart():
    parts = (PartResult("1", "Rank", 2.0, False, (Finding("A: rank", NOT_ATTEMPTED),)),)
    untouched = replace(result(), parts=parts)
    assert overview.sentence(untouched) == "Nothing has been attempted yet"
    broken = replace(untouched, problems=("E-SUBMISSION: cut",))
    assert overview.sentence(broken) == "Nothing that can be checked was found"
    none_right = replace(parts[0], findings=(Finding("A: rank", NOT_YET, "no"),))
    assert overview.sentence(replace(untouched, parts=(none_right,))).startswith("No checked part")
    assert overview.sentence(replace(untouched, parts=())) == "Every part is read by the lecturer"


def test_states_are_words_and_marks_and_the_failing_property_stands_below_its_item():
    page = card()
    words = Reader(page).text
    assert "4 Derivation ✎ by hand 5" in words  # and no items that could be right
    for mark, state in (("✓", RIGHT), ("◐", NOT_YET), ("○", NOT_ATTEMPTED), ("✎", BY_HAND)):
        assert f"{mark} {state}" in words
    assert "A: row space ◐ not yet P P = P fails on A" in words
    assert re.findall(r'id="part-(\d)"( open)?', page) == [
        ("1", ""),  # right: folded
        ("2", " open"),
        ("3", ""),  # not attempted: nothing to say
        ("4", " open"),
    ]


def test_a_file_that_was_not_handed_in_is_said():
    missing = Finding("derivation.pdf", NOT_ATTEMPTED, "no file derivation.pdf was handed in")
    parts = (*result().parts[:3], replace(result().parts[3], findings=(missing,)))
    page = card(replace(result(), parts=parts))
    assert "1 part is read by the lecturer (not handed in)." in page
    assert 'id="part-4" open' in page
    assert "no file derivation.pdf was handed in" in page


def test_points_are_shown_with_what_is_still_open():
    points = {"1": 2.0, "2": 1.5, "3": 0.0, "4": None}
    words = Reader(card(points=points)).text
    assert "come to 3.5 of 17 points; 5 of these are still to be entered" in words
    assert "1.5 of 4" in words
    weighted = Reader(card(points=points, most={"1": 4.0, "4": 10.0})).text
    assert "3.5 of 24 points; 10 of these" in weighted  # 4 + 4 + 6 + 10
    assert "points;" not in Reader(card()).text


def test_refused_code_stands_above_and_what_was_left_out_on_purpose_below():
    found = result(problems=["cell 2: torch is refused", "cell 9: all of it (tagged not-graded)"])
    words = Reader(card(found)).text
    assert words.index("cell 2: torch is refused") < words.index("What was found")
    assert words.index("Left out cell 9") > words.index("What was found")
    assert "refused or failed" not in Reader(card()).text


def test_problems_beyond_forty_are_counted():
    found = result(problems=[f"cell {k}: NameError" for k in range(45)])
    words = Reader(card(found)).text
    assert "cell 39: NameError" in words
    assert "cell 40: NameError" not in words
    assert "and 5 more" in words


# ----------------------------------------------------------------------------------- the board


def test_the_board_states_the_cheapest_network_below_each_threshold():
    found = board.of_result(result(right=3), replace(TASK, thresholds=LEVELS))
    assert found is not None
    assert found.finding == (
        "Risk below 0.1 with 9 parameters; below 0.01 with 17 parameters; linear model: 0.62."
    )
    assert found.finding in found.svg
    assert "your networks" in found.svg


def test_a_threshold_that_nothing_undercuts_is_not_reached():
    levels = [("A", 0.1), ("B", 0.08), ("C", 1e-3), ("D", 0.008)]
    found = board.of_result(result(right=3), replace(TASK, thresholds=levels))
    assert found is not None  # 0.008 itself is not below 0.008
    assert found.finding.startswith(
        "Risk below 0.1 and 0.08 with 9 parameters; below 0.008 and 0.001 not reached; linear"
    )


def test_the_board_of_a_class_holds_everyone_and_the_range_of_linear_models():
    one, two = result("a", right=3), result("b", right=3)
    worse = replace(two.parts[2], findings=(linear(0.8),))
    two = replace(two, parts=(*two.parts[:2], worse))
    assert len(board.entries(one, TASK, whose="x") + board.entries(two, TASK, whose="x")) == 4
    found = board.of_class([one, two], replace(TASK, thresholds=LEVELS))
    assert found is not None
    assert "; linear model: 0.62 to 0.8." in found.finding


def linear(risk: float) -> Finding:
    return Finding("linear model of your data", RIGHT, numbers={"parameters": 3, "risk": risk})


@pytest.mark.parametrize("risk", [np.nan, np.inf, 0.0, -1.0])
def test_numbers_that_no_board_can_hold_are_left_out(risk: float):
    parts = (replace(result().parts[2], findings=(linear(risk),)),)
    assert board.of_result(replace(result(), parts=parts), replace(TASK, thresholds=LEVELS)) is None


def test_a_task_without_a_board_has_none():
    assert board.of_result(result(right=3), replace(TASK, board=())) is None
    assert "<h2>Board</h2>" not in card(result(right=1))
    assert "<h2>Board</h2>" in card(result(right=3))


def test_the_thresholds_are_those_that_the_task_states():
    task = tasks.load("regression_with_nonlinear_model")
    assert len(task.thresholds) >= 2
    assert all(0 < level < 1 for _, level in task.thresholds)  # of a target with variance 1
    assert tasks.load("matrix_fundamentals").thresholds == ()


# --------------------------------------------------------------------------------- of the class


def test_the_class_is_summed_up_by_median_quartiles_and_the_part_that_went_worst():
    found = grades(18)[:18]  # totals 0 to 17, one each
    assert overview.class_sentence(TASK, found).startswith("Half of 18 submissions reach 8.5 of 17")
    assert overview.class_sentence(TASK, found).endswith("part 3 went worst")
    skewed = [replace(one, total=total) for one, total in zip(found, (0, 1, 17), strict=False)]
    assert "Half of 3 submissions reach 1 of 17" in overview.class_sentence(TASK, skewed)
    assert overview.class_sentence(TASK, skewed[:1]).startswith("The one submission reaches")
    picture = overview.distribution(found)
    assert picture is not None
    # quartiles of 0 ... 17 by linear interpolation: 17/4 and 3 * 17/4
    assert picture[1] == (
        "Median 8.5; the middle half lies between 4.25 and 12.8; lowest 0, highest 17."
    )


def test_submissions_that_could_not_be_read_count_nowhere_but_are_named():
    words = Reader(summary(grades(6))).text
    assert "Half of 6 submissions" in words
    assert "1 submission has no result and counts neither here nor" in words
    picture = overview.distribution(grades(4)[1:])  # 1, 2, 3 points; the last one is not read
    assert picture is not None
    assert picture[1].endswith("lowest 1, highest 3.")
    assert "Doe Jane_123_file.zip E-SUBMISSION: homework.ipynb is no notebook" in words


def test_parts_are_counted_by_state_and_name_the_items_that_fail():
    rank, projectors, networks, derivation = overview.parts(TASK, grades(30))
    assert (rank.right, rank.not_yet, rank.not_attempted, rank.share) == (30, 0, 0, 1.0)
    # of three submissions one fails one of two items, two are right
    assert (projectors.right, projectors.not_yet) == (20, 10)
    assert projectors.failing == (("A: row space", 10),)
    assert projectors.share == pytest.approx((0.5 + 1 + 1) / 3)
    assert (networks.right, networks.not_attempted, networks.failing) == (10, 20, ())
    assert networks.share == pytest.approx(1 / 3)
    assert (derivation.by_hand, derivation.right, derivation.share) == (True, 30, None)


def test_everyone_stands_in_the_table_in_the_order_of_ids_with_a_link():
    found = grades(5)
    links = {grade.submission: f"feedback/{grade.student}.html" for grade in found[:4]}
    page = summary(found, links=links)
    table = page[page.index('class="everyone"') :]
    ids = re.findall(r'href="feedback/(s\d+)\.html"', table)
    assert ids == sorted(grade.student for grade in found[:4])
    assert table.index(found[4].student) < table.index("Doe Jane")  # without an id: last


def test_points_that_are_missing_are_said_and_where_they_are_entered():
    assert "15 submissions still lack points that are entered in the TOML" in overview.class_note(
        grades(20)
    )
    assert overview.class_note([]) == ""


def test_a_hint_of_likeness_is_no_verdict_and_says_so():
    found = grades(3)
    pairs = [Pair("x", "y", 0.5), Pair(found[0].submission, "<b>", 0.934)]
    page = summary(found, pairs)
    words = Reader(page).text
    assert "a hint to read both, and no verdict" in words
    assert words.index("93 %") < words.index("50 %")
    assert "&lt;b&gt;" in page
    assert "That proves nothing either" in Reader(summary(found)).text


def test_a_class_of_nobody_is_a_page_too():
    words = Reader(summary([])).text
    assert "Nothing has been handed in" in words
    assert "Nobody:" in words


# --------------------------------------------------------------------------------- of the sheet


def test_the_sheet_holds_numbers_points_rules_and_no_hint():
    page = sheet_page(TASK, draw("s0123456"))
    read = Reader(page)
    assert "Task sheet of s0123456 · version 1 · 17 points" in read.text
    assert "[ 2, −4, 10 ]" not in read.text
    assert re.findall(r"<td>(.*?)</td>", page)[:6] == ["1", "2", "3", "2", "−4", "10"]
    assert "20 rows of x1, x2, y" in read.text
    assert "Solve A x = (1, 0, −2)ᵀ" in read.text
    assert f"ddasp homework check {NOTEBOOK}" in read.text
    assert "numpy.linalg.svd" in read.text
    assert "Hand in derivation.pdf" in read.text.replace("  ", " ")


@pytest.mark.parametrize("name", tasks.NAMES)
def test_the_sheets_of_the_tasks_hold_every_part_and_leave_no_word_open(name: str):
    task = tasks.load(name)
    sheet = task.draw("s0123456")
    read = Reader(sheet_page(task, sheet))
    for part in task.parts:
        assert part.title in read.text
    assert not re.search(r"\{\w+\}", read.text)
    assert not any(hint in read.text for part in task.parts for hint in part.hints)


def test_words_of_the_student_are_filled_in_and_other_braces_stay():
    assert filled("{b} and {x in R} {c}", draw("a")) == "(1, 0, −2)ᵀ and {x in R} {c}"


def test_an_index_is_set_low_in_prose_and_stays_in_code():
    task = replace(TASK, introduction="Solve b_A with `b_A`; x_plus stays.\n\n    W_l\n")
    page = sheet_page(task, draw("a"))
    assert "Solve b<sub>A</sub> with <code>b_A</code>; x_plus stays." in page
    assert "W_l" in page


def test_markup_in_a_tasks_text_stays_text():
    task = replace(TASK, introduction="<b onclick=x>bold</b> ![p](http://example.org/p.png)")
    page = sheet_page(task, draw("a"))
    assert "&lt;b onclick=x&gt;" in page
    assert "<img" not in page


def test_a_matrix_too_large_for_paper_is_named_with_its_size():
    sheet = replace(draw("a"), matrices={"M": np.zeros((3, 13), int)})
    assert "a 3 by 13 array, in the notebook" in Reader(sheet_page(TASK, sheet)).text


# -------------------------------------------------------------------------------- in a browser


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A page; at the end nothing may have been requested, complained about or run."""
    tab = browser.new_page(viewport={"width": 375, "height": 800})
    faults: list[str] = []
    tab.on("console", lambda message: faults.append(message.text))
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("dialog", lambda dialog: faults.append(dialog.message))
    tab.on("request", lambda r: None if r.url.startswith("file:") else faults.append(r.url))
    yield tab
    tab.close()
    assert faults == []


@pytest.mark.browser
def test_every_page_fits_a_phone_and_a_screen_in_silence(tab: Any, tmp_path: Path):
    for name, page in every_page().items():
        path = tmp_path / f"{name}.html"
        path.write_text(page, encoding="utf-8")
        for width in (375, 1200):
            tab.set_viewport_size({"width": width, "height": 800})
            tab.goto(path.as_uri())
            assert tab.evaluate("document.documentElement.scrollWidth") == width, (name, width)
        assert tab.evaluate("window.hacked") is None, name
        assert tab.evaluate("document.querySelector('img,script')") is None, name


@pytest.mark.browser
def test_pages_follow_the_theme_and_marks_differ_from_text(tab: Any, tmp_path: Path):
    path = tmp_path / "card.html"
    path.write_text(card(), encoding="utf-8")
    colours = []
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        tab.goto(path.as_uri())
        colours.append(tab.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
    assert colours[0] != colours[1]


@pytest.mark.browser
@pytest.mark.parametrize("name", tasks.NAMES)
def test_sheets_print_on_few_pages_and_no_part_is_torn(name: str, tab: Any, tmp_path: Path):
    task = tasks.load(name)
    path = tmp_path / "sheet.html"
    path.write_text(sheet_page(task, task.draw("s0123456")), encoding="utf-8")
    tab.goto(path.as_uri())
    printed = tab.pdf(prefer_css_page_size=True)
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 4
    tab.emulate_media(media="print")
    torn = "getComputedStyle(document.querySelector('.task-part')).breakInside"
    assert tab.evaluate(torn) == "avoid"


def test_who_waits_for_points_alone_is_counted_and_not_listed():
    late, waiting = grades(2)[:2]
    says = "points of part 9 are missing: the total is preliminary"
    late = replace(late, flags=("late by 1 day", says))
    page = summary([late, replace(waiting, flags=(says,))])
    looked_at = page.partition('id="attention"')[2].partition('id="similar"')[0]
    assert late.student in looked_at
    assert waiting.student not in looked_at
    assert "1 more waits for nothing but the points that you enter" in looked_at
