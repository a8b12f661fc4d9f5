"""The built site as a reader gets it: whole, quiet on the network, readable at any width, audible.

`make docs` builds it first; these tests run after that (marker ``site``).
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from ddasp.course.lessons import NAMES, TASKS

SITE = Path(__file__).resolve().parents[2] / "docs" / "_build" / "html"
LESSONS = tuple(f"course/{name}.html" for name in (*NAMES, *TASKS))

pytestmark = [pytest.mark.site, pytest.mark.browser]


def html(page: str) -> str:
    return (SITE / page).read_text("utf-8")


def test_every_lesson_has_its_page() -> None:
    assert [
        page
        for page in ("index.html", "course/index.html", *LESSONS)
        if not (SITE / page).is_file()
    ] == []


def test_nothing_is_loaded_from_elsewhere() -> None:
    for path in SITE.rglob("*.html"):
        text = path.read_text("utf-8")
        loaded = re.findall(
            r"<(?:script|img|audio|iframe|source)[^>]+src=\"(https?:|//)[^\"]*", text
        )
        loaded += re.findall(
            r"<link[^>]+rel=\"(?:stylesheet|preload|icon)\"[^>]+href=\"(https?:|//)", text
        )
        assert loaded == [], path.name


def test_links_within_the_site_lead_somewhere() -> None:
    anchors: dict[Path, set[str]] = {}
    for path in SITE.rglob("*.html"):
        anchors[path] = set(re.findall(r"\sid=\"([^\"]+)\"", path.read_text("utf-8")))
    broken = []
    for path in anchors:
        for target in re.findall(r"<a[^>]+href=\"([^\"]+)\"", path.read_text("utf-8")):
            if re.match(r"https?:|mailto:|data:|javascript:", target):
                continue
            file, _, anchor = unquote(target).partition("#")
            place = (path.parent / file).resolve() if file else path
            if not place.exists() or (anchor and place in anchors and anchor not in anchors[place]):
                broken.append(f"{path.name}: {target}")
    assert broken == []


@pytest.mark.parametrize("page", LESSONS)
def test_every_figure_says_what_it_shows(page: str) -> None:
    for svg in re.findall(r"<svg[^>]*role=\"img\".*?</svg>", html(page), re.DOTALL):
        title = re.search(r"<title[^>]*>(.*?)</title>", svg, re.DOTALL)
        assert title is not None
        assert len(title.group(1).split()) >= 3
    assert "<img" not in html(page).partition("<article")[2].partition("</article>")[0]


@pytest.mark.parametrize("page", LESSONS)
def test_lessons_lead_on_and_back(page: str) -> None:
    assert 'class="next-page"' in html(page) or page == LESSONS[-1]
    assert 'class="prev-page"' in html(page)


@pytest.mark.parametrize(("width", "theme"), [(375, "dark"), (1200, "light")])
def test_a_page_is_quiet_typeset_and_as_wide_as_its_window(browser, width: int, theme: str) -> None:  # type: ignore[no-untyped-def]
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    said: list[str] = []
    asked: list[str] = []
    for name in LESSONS:
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((SITE / name).as_uri())
        if re.search(r'class="math', html(name)):
            page.wait_for_selector("mjx-container", timeout=20000)
        page.evaluate("window.MathJax && MathJax.startup.promise")
        wide = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, (name, wide)
        assert page.evaluate("document.querySelectorAll('mjx-merror').length") == 0, name
        page.close()
    context.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_a_player_moves_the_cursor_in_its_picture_and_stops_the_others(browser) -> None:  # type: ignore[no-untyped-def]
    page = browser.new_page()
    page.goto((SITE / "course" / "gradient_descent.html").as_uri())
    players = page.locator(".ddasp-players audio")
    assert players.count() >= 4
    assert page.evaluate("[...document.querySelectorAll('audio')].every(a => a.paused)")
    players.nth(0).evaluate("a => { a.muted = true; return a.play() }")
    page.wait_for_selector(".ddasp-players figure:nth-of-type(1) line.cursor", state="attached")
    players.nth(1).evaluate("a => { a.muted = true; return a.play() }")
    page.wait_for_function("document.querySelectorAll('audio')[0].paused")
    page.wait_for_function("document.querySelectorAll('audio')[1].ended", timeout=10000)
    assert page.locator(".ddasp-players figure:nth-of-type(2) line.cursor").count() == 0
    page.close()


def test_a_search_finds_the_lesson(browser) -> None:  # type: ignore[no-untyped-def]
    page = browser.new_page()
    page.goto((SITE / "search.html").as_uri() + "?q=momentum")
    found = page.locator("#search-results li a", has_text="Gradient descent")
    found.first.wait_for()  # results come one by one
    assert found.count() >= 1
    page.close()


def test_on_paper_there_is_the_text_alone(browser) -> None:  # type: ignore[no-untyped-def]
    page = browser.new_page()
    page.emulate_media(media="print", color_scheme="dark")
    page.goto((SITE / "course" / "gradient_descent.html").as_uri())
    assert not page.locator(".sidebar-drawer").is_visible()
    assert not page.locator(".ddasp-players audio").first.is_visible()
    ink, paper = (
        page.evaluate(f"getComputedStyle(document.querySelector('article p')).{name}")
        for name in ("color", "backgroundColor")
    )
    assert sum(map(int, re.findall(r"\d+", ink)[:3])) < 200
    assert paper in ("rgba(0, 0, 0, 0)", "rgb(255, 255, 255)")
    page.close()
