"""No violation that axe-core can find: every tab, both themes, narrow and wide, and every state."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / ".ci/node_modules/axe-core/axe.min.js"
RUN = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map(
  found => `${found.id}: ` + found.nodes.map(node => node.target.join(' ')).join(', '))"""


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.is_file():
        words = "axe-core is not here: npm install --no-package-lock --prefix .ci"
        if os.environ.get("DDASP_NEEDS_NODE"):
            pytest.fail(words)
        pytest.skip(words)
    return AXE.read_text("utf-8")


@pytest.fixture
def window(browser: Any, playground: Any) -> Iterator[Any]:
    """A browser that lets the checker in, which the page's own policy would not."""
    opened: list[Any] = []

    def open_window(theme: str, width: int) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            bypass_csp=True,
            reduced_motion="reduce",
        )
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        return page

    yield open_window
    for context in opened:
        context.close()


def violations(page: Any, axe: str) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    return list(page.evaluate(RUN))


@pytest.mark.parametrize(
    ("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)]
)
def test_every_tab_can_be_used_by_everybody(
    window: Any, playground: Any, axe: str, theme: str, width: int
) -> None:
    page = window(theme, width)
    page.goto(playground.address + "&optimizer=momentum&regularization=L2&showTestData=true")
    page.wait_for_function("window.ddasp?.frames > 0")
    page.keyboard.press("e")
    found = {}
    for tab in page.locator("#tabs [role=tab]").all():
        tab.click()
        page.wait_for_timeout(600)
        if got := violations(page, axe):
            found[tab.inner_text()] = got
        beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if beyond > 0:
            found[f"{tab.inner_text()}, sideways"] = beyond
    assert found == {}


def test_editor_chosen_unit_and_keys_can_be_used_by_everybody(
    window: Any, playground: Any, axe: str
) -> None:
    page = window("light", 1280)
    page.goto(playground.address + "&dataset=rings3")
    page.wait_for_function("window.ddasp?.frames > 0")
    page.locator('[data-part="unit-1-0--1"]').focus()
    page.keyboard.press("Enter")
    page.locator('[data-part="bias-1-0--1"]').focus()
    page.keyboard.press("Enter")
    assert violations(page, axe) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert violations(page, axe) == []


@pytest.mark.parametrize(
    "settings", ["problem=regression", "dataset=stripes1d", "source=own", "source=sound"]
)
def test_every_kind_of_data_can_be_used_by_everybody(
    window: Any, playground: Any, axe: str, settings: str
) -> None:
    page = window("dark", 1280)
    page.goto(f"{playground.address}&{settings}")
    page.wait_for_function("window.ddasp?.frames > 0")
    page.wait_for_timeout(4000 if "sound" in settings else 800)
    assert violations(page, axe) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_states_without_a_server_can_be_used_by_everybody(
    window: Any, playground: Any, axe: str, theme: str
) -> None:
    page = window(theme, 1280)
    page.goto(playground.origin + "/")
    page.get_by_text("This page has no key yet.").wait_for()
    assert violations(page, axe) == []


def test_divergence_can_be_read_by_everybody(window: Any, playground: Any, axe: str) -> None:
    page = window("light", 1280)
    page.goto(
        playground.address + "&learningRate=10&regularization=L2&regularizationRate=10&speed=20"
    )
    page.wait_for_function("window.ddasp?.frames > 0")
    page.get_by_role("button", name="Play", exact=True).click()
    page.get_by_text("It diverged.").wait_for()
    assert violations(page, axe) == []


def test_the_checker_finds_a_field_without_a_name(window: Any, playground: Any, axe: str) -> None:
    """The check itself can fail."""
    page = window("light", 1280)
    page.goto(playground.origin + "/")
    page.evaluate("document.body.append(document.createElement('input'))")
    assert any(found.startswith("label") for found in violations(page, axe))
