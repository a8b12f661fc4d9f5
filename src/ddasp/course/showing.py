"""A figure of a lesson: drawn with plain Matplotlib, shown as SVG that fits every page.

    fig, ax = figure(240)
    ax.plot(t, x)
    ax.set(xlabel="time / s", ylabel="amplitude")
    show(fig, alt=f"The tone decays to a tenth in {t_10:.2f} s.")

*Conventions*: heights and widths are CSS pixels; ``alt`` says the finding, its numbers computed. The
picture's colours are CSS variables of the element around it, set there for light, dark and paper, so
that one picture serves JupyterLab, VS Code and the site.

*References*: WCAG 2.2, 1.1.1 (non-text content).
"""

from __future__ import annotations

import html
import math
import re
from dataclasses import dataclass
from typing import Any

import matplotlib
from cycler import cycler
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogFormatterMathtext, NullFormatter

from ddasp._errors import InputError
from ddasp.plot import to_svg
from ddasp.plot.canvas import RC
from ddasp.plot.tokens import TOKENS, category

__all__ = ["Picture", "figure", "scoped", "show"]

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
COLUMN = 640.0  # width of a lesson's text [px]
LEAST = 0.8  # of its width: on a narrow page a figure is scrolled rather than made unreadable
DARK_PAGES = (  # how pages say that they are dark
    'body[data-jp-theme-light="false"]',
    'body[data-theme="dark"]',
    "body.vscode-dark",
)


def figure(
    height: float = 260.0,
    *,
    width: float = COLUMN,
    rows: int = 1,
    columns: int = 1,
    projection: str | None = None,
    **options: Any,
) -> tuple[Figure, Any]:
    """An empty figure in the house style; from here on it is plain Matplotlib.

    The style is set for the whole session, because Matplotlib asks for it while things are drawn.

    Parameters
    ----------
    height, width : float
        Size [px]; the default width is that of the text.
    rows, columns : int
        Axes below and beside each other.
    projection : str, optional
        "3d" or "polar".
    **options
        For `matplotlib.figure.Figure.subplots`: sharex, height_ratios ...

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : matplotlib.axes.Axes or ndarray of shape (rows, columns) or of the longer of the two
        As `Figure.subplots` gives them.

    Examples
    --------
    >>> fig, (left, right) = figure(200, columns=2)
    >>> fig.get_size_inches() * 72
    array([640., 200.])
    """
    cycle = cycler(color=[category(k)[0] for k in range(8)])
    matplotlib.rcParams.update({**RC, "axes.prop_cycle": cycle})
    drawn = Figure(figsize=(width / 72, height / 72), layout="constrained")
    keywords = {"projection": projection} if projection else None
    return drawn, drawn.subplots(rows, columns, subplot_kw=keywords, **options)


@dataclass(frozen=True)
class Picture:
    """What a notebook shows of a figure.

    Parameters
    ----------
    svg : str
        From `ddasp.plot.to_svg`.
    caption : str
        Plain text below it; "" for none.
    """

    svg: str
    caption: str = ""

    def _repr_html_(self) -> str:
        below = f"<figcaption>{html.escape(self.caption)}</figcaption>" if self.caption else ""
        width = re.search(r'width="([\d.]+)"', self.svg)
        least = round(LEAST * float(width.group(1))) if width else 0
        inner = f'<div class="wide" style="--least:{least}px">{self.svg}</div>'
        return scoped(f'<figure class="ddasp-figure">{inner}{below}</figure>')


def show(figure: Figure, *, alt: str, caption: str = "") -> Picture:
    """Show a figure in a lesson.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        From `ddasp.course.figure` or from a function of `ddasp.plot`.
    alt : str
        What the picture shows, for those who don't see it: the finding, with its numbers.
    caption : str
        What to see, below the picture.

    Returns
    -------
    Picture
        As the last value of a cell it is displayed.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when ``alt`` says nothing.

    Examples
    --------
    >>> fig, ax = figure(120)
    >>> line = ax.plot([0, 1], [0, 1])
    >>> "<title" in show(fig, alt="A straight line from (0, 0) to (1, 1).")._repr_html_()
    True
    """
    if len(alt.split()) < 3:
        raise InputError(
            "E-ARGUMENT",
            f"alt is {alt!r}; expected a sentence that says what the picture shows, for those who "
            "don't see it",
        )
    _write_powers(figure)
    svg = to_svg(figure, alt=alt)
    if "$" in svg:
        raise InputError(
            "E-ARGUMENT",
            "a label holds $; expected plain letters such as θ₁ or x², which stay text in the picture",
        )
    return Picture(svg, caption)


def _write_powers(figure: Figure) -> None:
    """Ticks of logarithmic axes as 10⁻³: Matplotlib would write them as mathematics."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(axis.get_major_formatter(), LogFormatterMathtext):
                axis.set_major_formatter(FuncFormatter(lambda value, _: _power(value)))
                axis.set_minor_formatter(NullFormatter())


def _power(value: float) -> str:
    """A tick of a logarithmic axis.

    Examples
    --------
    >>> _power(1e-3), _power(100.0), _power(20.0)
    ('10⁻³', '100', '20')
    """
    exponent = math.log10(value) if value > 0 else 0.0
    if value > 0 and abs(exponent - round(exponent)) < 1e-9 and not 0 <= exponent < 3.5:
        return "10" + str(round(exponent)).translate(RAISED)
    return f"{value:g}"


def scoped(body: str) -> str:
    """HTML of a lesson's output with the colours it needs, and nothing that leaks out of it.

    Parameters
    ----------
    body : str
        HTML.

    Examples
    --------
    >>> scoped("<p>a</p>").endswith('<div class="ddasp"><p>a</p></div>')
    True
    """
    return f'<style>{_style()}</style><div class="ddasp">{body}</div>'


def _style() -> str:
    light, dark = (
        "".join(f"--{name}:{value};" for name, value in TOKENS["colours"][theme].items())
        for theme in ("light", "dark")
    )
    is_dark = ",".join(f"{page} .ddasp" for page in DARK_PAGES)
    by_wish = 'body[data-theme="auto"] .ddasp'
    return (
        f".ddasp{{{light}color:var(--ink)}}"
        ".ddasp figure{margin:8px 0}.ddasp svg{max-width:100%;height:auto}"
        ".ddasp .wide{overflow-x:auto}"
        "@media screen{.ddasp .wide svg{min-width:var(--least)}}"
        ".ddasp svg text{font-family:system-ui,sans-serif}"
        f".ddasp figcaption{{font-size:{TOKENS['sizes']['small']}px;color:var(--quiet)}}"
        ".ddasp .on-dark{display:none}"
        f"@media screen{{{_dark(is_dark, dark)}}}"
        f"@media screen and (prefers-color-scheme:dark){{{_dark(by_wish, dark)}}}"
    )


def _dark(selector: str, colours: str) -> str:
    shown, hidden = (
        ",".join(f"{part} .on-{theme}" for part in selector.split(","))
        for theme in ("dark", "light")
    )
    return f"{selector}{{{colours}}}{shown}{{display:inline}}{hidden}{{display:none}}"
