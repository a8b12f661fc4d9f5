"""Figures of lessons: text stays text, what is shown is said, colours follow the page."""

from __future__ import annotations

import numpy as np
import pytest

from ddasp._errors import InputError
from ddasp.course import figure, show
from ddasp.plot import TOKENS, magnitude, signed
from ddasp.plot.maps import MAPS, colours
from ddasp.plot.svg import to_svg


def shown(**options: str) -> str:
    fig, ax = figure(150)
    ax.plot([1, 2], [3, 4])
    ax.set(xlabel="time / s", ylabel="x²")
    return show(fig, alt="A line that rises from 3 to 4.", **options)._repr_html_()


def test_a_figure_has_the_size_that_was_asked_for_in_pixels() -> None:
    fig, axes = figure(300, width=500, rows=2, columns=3)
    assert (fig.get_size_inches() * 72).tolist() == [500, 300]
    assert axes.shape == (2, 3)
    assert figure(100, projection="3d")[1].name == "3d"


def test_labels_stay_text_and_the_picture_is_described() -> None:
    html = shown(caption="a < b")
    assert ">time / s</text>" in html
    assert "A line that rises from 3 to 4.</title>" in html
    assert "<figcaption>a &lt; b</figcaption>" in html
    assert "http" not in html.replace("http://www.w3.org", "")


def test_colours_are_variables_with_a_value_for_each_theme() -> None:
    html = shown()
    assert "var(--category-1)" in html or "var(--train)" in html
    for theme in ("light", "dark"):
        assert f"--ink:{TOKENS['colours'][theme]['ink']};" in html


def test_lines_take_the_colours_of_the_house_in_order() -> None:
    _, ax = figure(100)
    lines = [ax.plot([0, 1])[0].get_color() for _ in range(8)]
    assert lines == [TOKENS["colours"]["light"][f"category-{k}"] for k in range(1, 9)]


def test_ticks_of_a_logarithmic_axis_are_written_as_powers() -> None:
    fig, ax = figure(200)
    ax.loglog([1e-6, 1e5], [1.0, 100.0])
    html = show(fig, alt="A line on logarithmic axes.")._repr_html_()
    assert "10⁻⁴" in html
    assert "mathdefault" not in html


def test_mathematics_in_a_label_is_refused() -> None:
    fig, ax = figure(100)
    ax.set_xlabel("$\\theta$")
    with pytest.raises(InputError, match="plain letters"):
        show(fig, alt="Nothing but a label.")


@pytest.mark.parametrize("alt", ["", "figure", "a plot"])
def test_an_alternative_text_that_says_nothing_is_refused(alt: str) -> None:
    with pytest.raises(InputError, match="a sentence that says what the picture shows"):
        show(figure(100)[0], alt=alt)


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_map_has_256_different_colours(name: str, theme: str) -> None:
    assert len(np.unique(colours(name, theme), axis=0)) >= 250


def test_the_signed_map_is_neutral_in_its_middle() -> None:
    middle = colours("signed", "light")[[127, 128]].mean(axis=0)
    neutral = [int(TOKENS["colours"]["light"]["neutral"][k : k + 2], 16) for k in (1, 3, 5)]
    np.testing.assert_allclose(middle, neutral, atol=2)


@pytest.mark.parametrize("cmap", [magnitude, signed])
@pytest.mark.parametrize("way", ["imshow", "pcolormesh"])
def test_a_picture_gets_a_dark_twin_of_the_same_map(cmap, way: str) -> None:  # type: ignore[no-untyped-def]
    fig, ax = figure(150)
    z = np.linspace(-1, 1, 600).reshape(20, 30)
    if way == "imshow":
        ax.imshow(z, cmap=cmap(), interpolation="nearest")
    else:
        ax.pcolormesh(z, cmap=cmap(), rasterized=True)
    svg = to_svg(fig, alt="A ramp.")
    assert svg.count('class="on-light"') == svg.count('class="on-dark"') == 1


def test_a_picture_with_colours_of_its_own_stays_as_it_is() -> None:
    fig, ax = figure(150)
    ax.imshow(np.random.default_rng(0).random((20, 30, 3)))
    svg = to_svg(fig, alt="Coloured noise.")
    assert "on-dark" not in svg
    assert svg.count("<image") == 1


def test_a_picture_half_in_colours_of_a_map_stays_as_it_is_too() -> None:
    fig, ax = figure(150)
    z = np.random.default_rng(0).random((20, 30, 3))
    z[:10] = colours("signed", "light")[np.arange(300) % 256].reshape(10, 30, 3) / 255
    ax.imshow(z, interpolation="nearest")
    assert "on-dark" not in to_svg(fig, alt="Half noise, half ramp.")


def test_on_a_narrow_page_a_figure_keeps_four_fifths_of_its_width() -> None:
    assert "--least:512px" in shown()
    assert ".wide{overflow-x:auto}" in shown()
