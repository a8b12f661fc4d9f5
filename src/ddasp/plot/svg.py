"""From a figure to inline SVG: text as text, colours as variables, the same bytes every time.

Matplotlib's SVG is a page of its own: style sheets that would leak into the page around it, ids
that collide, a date. Here it becomes a guest: presentation attributes instead of styles (so a page
may forbid inline styles), ids made unique by the picture's digest, coordinates to a hundredth of
a pixel, the alternative text inside.

*Conventions*: a colour of the light tokens becomes ``var(--name)``; a group id ``series-k``
becomes ``data-series="k"``; the plot region of the first axes stands in ``data-left``,
``data-right``, ``data-top``, ``data-bottom`` [px] and ``data-end`` (its upper x limit), which is
what a cursor needs; pictures appear once in the light and once in the dark colour map.

*References*: SVG 2, sections 5.8 (title, desc) and 6.6 (presentation attributes); WAI-ARIA
Graphics Module 1.0.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import warnings
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from PIL import Image

from ddasp.plot.canvas import short, style
from ddasp.plot.maps import MAPS, colours
from ddasp.plot.tokens import variables

__all__ = ["to_svg"]

GEOMETRY = ("d", "x", "y", "width", "height", "points", "transform")
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
KEPT_OF_FONT = ("font-size", "font-weight", "font-style")


def to_svg(figure: Figure, *, alt: str, title: str = "") -> str:
    """A figure as one ``<svg role="img">`` element for a page.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure; it is not changed.
    alt : str
        What the picture shows, for those who do not see it: the finding, not the kind of plot.
    title : str
        A few words; by default the alternative text.

    Returns
    -------
    str
        SVG without XML declaration, fit for HTML. Equal figures give equal text.

    Examples
    --------
    >>> from ddasp.plot import waveform
    >>> svg = to_svg(waveform([0.0, 1.0, 0.0], 3.0), alt="A <click>.")
    >>> "A &lt;click&gt;." in svg, "style=" in svg, "<text" in svg
    (True, False, True)
    """
    root = _drawn(figure)
    root = _without_namespaces(root)
    for element in root.iter():
        _restyle(element)
    _theme_pictures(root)
    _mark_regions(root, figure)
    _name_ids(root, salt=alt + title)
    _prune(root)
    _describe(root, alt, title)
    return ET.tostring(root, encoding="unicode", short_empty_elements=True)


def _drawn(figure: Figure) -> ET.Element:
    buffer = io.StringIO()
    with style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the reader's font has it
        warnings.filterwarnings("ignore", message=".*constrained_layout not applied.*")
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(buffer, metadata=nothing)  # savefig would draw twice
    return ET.fromstring(buffer.getvalue())


def _without_namespaces(root: ET.Element) -> ET.Element:
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for name in [n for n in element.attrib if "}" in n]:
            value = element.attrib.pop(name)
            if name.endswith("}href"):
                element.set("href", value)
    return root


def _restyle(element: ET.Element) -> None:
    """Styles to presentation attributes, token colours to variables, numbers to 0.01 px."""
    by_colour = variables()
    for rule in element.attrib.pop("style", "").split(";"):
        name, _, value = (part.strip() for part in rule.partition(":"))
        if name == "font":  # "bold 12px 'DejaVu Sans'": the page brings its own family
            size = re.search(r"([\d.]+)px", value)
            element.set("font-size", size.group(1) if size else "12")
            if "bold" in value or re.match(r"[6-9]00 ", value):
                element.set("font-weight", "bold")
        elif name.startswith("font"):
            if name in KEPT_OF_FONT:
                element.set(name, value.removesuffix("px"))
        elif name and not name.startswith("-"):
            element.set(name, value)
    for name in ("fill", "stroke"):
        if element.get(name) in by_colour:
            element.set(name, by_colour[element.attrib[name]])
    for name in GEOMETRY:
        if name in element.attrib and element.tag != "image":
            text = LONG_NUMBER.sub(_rounded, element.attrib[name])
            element.set(name, re.sub(r"\s+", " ", text).strip())
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]


def _rounded(match: re.Match[str]) -> str:
    text = f"{float(match.group()):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _theme_pictures(root: ET.Element) -> None:
    """Each embedded picture as a palette PNG, in the light and in the dark colour map."""
    for parent in list(root.iter()):
        for index, image in reversed(list(enumerate(parent))):
            if image.tag != "image":
                continue
            data = base64.b64decode(image.attrib["href"].partition(",")[2])
            found = _places(np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")))
            if found is None:  # colours of its own: it stays as it is
                continue
            name, level = found
            parent.remove(image)
            for theme in ("dark", "light"):
                twin = ET.Element("image", dict(image.attrib))
                twin.set("class", f"on-{theme}")
                twin.set("href", _palette_png(level, colours(name, theme)))
                twin.set("preserveAspectRatio", "none")
                twin.attrib.pop("id", None)
                parent.insert(index, twin)


def _places(rgba: Any) -> tuple[str, Any] | None:
    """Which map a picture was drawn with, and the place of each pixel's colour in its light form.

    Pixels that nothing was drawn on come as the place after the last.
    """
    codes = (rgba[..., :3].astype(np.int64) * (65536, 256, 1)).sum(axis=-1)
    blank = rgba[..., 3] < 128
    for name in MAPS:
        table = (colours(name, "light").astype(np.int64) * (65536, 256, 1)).sum(axis=-1)
        order = np.argsort(table, kind="stable")
        place = np.clip(np.searchsorted(table[order], codes), 0, 255)
        if np.mean((table[order][place] == codes) | blank) > 0.9:
            return name, np.where(blank, 256, order[place])
    return None


def _palette_png(level: Any, rgb: Any) -> str:
    is_blank = level > 255
    picture = Image.frombytes(
        "P", (level.shape[1], level.shape[0]), np.minimum(level, 255).astype(np.uint8).tobytes()
    )
    picture.putpalette(rgb.tobytes())
    if is_blank.any():
        picture = picture.convert("RGBA")
        picture.putalpha(Image.fromarray(np.where(is_blank, 0, 255).astype(np.uint8)))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _mark_regions(root: ET.Element, figure: Figure) -> None:
    height = figure.get_figheight() * 72
    boxes = [axes.get_window_extent() for axes in figure.axes]
    if boxes:
        root.set("data-left", f"{boxes[0].x0:.2f}")
        root.set("data-right", f"{boxes[0].x1:.2f}")
        root.set("data-top", f"{height - max(box.y1 for box in boxes):.2f}")
        root.set("data-bottom", f"{height - min(box.y0 for box in boxes):.2f}")
        root.set("data-end", f"{figure.axes[0].get_xlim()[1]:.6g}")
    for element in root.iter():
        if element.get("id", "").startswith("series-"):
            element.set("data-series", element.attrib.pop("id").removeprefix("series-"))


def _name_ids(root: ET.Element, *, salt: str) -> None:
    """Only ids that are referred to stay, short and unique to this picture."""
    text = ET.tostring(root, encoding="unicode")
    prefix = "f" + hashlib.sha256((salt + text).encode("utf-8", "replace")).hexdigest()[:8]
    used = dict.fromkeys(
        re.findall(r"url\(#([^)]+)\)", text) + re.findall(r'href="#([^"]+)"', text)
    )
    new = {old: f"{prefix}-{k}" for k, old in enumerate(used)}
    for element in root.iter():
        old = element.attrib.pop("id", None)
        if old in new:
            element.set("id", new[old])
        for name, value in element.attrib.items():
            if value.startswith("url(#"):
                element.set(name, f"url(#{new[value[5:-1]]})")
            elif name == "href" and value.startswith("#"):
                element.set(name, f"#{new[value[1:]]}")
    root.set("id", prefix)


def _prune(parent: ET.Element) -> None:
    """Drop what is not seen: style sheets, invisible paths, groups that group nothing."""
    kept: list[ET.Element] = []
    for child in parent:
        _prune(child)
        child.tail = None
        invisible = (
            child.tag == "path" and child.get("fill") == "none" and "stroke" not in child.attrib
        )
        if child.tag in ("metadata", "style") or (invisible and "id" not in child.attrib):
            continue
        if child.tag in ("g", "defs") and len(child) == 0:
            continue
        kept += list(child) if child.tag == "g" and not child.attrib else [child]
    if parent.tag != "text":
        parent.text = None
    parent[:] = kept


def _describe(root: ET.Element, alt: str, title: str) -> None:
    prefix = root.attrib.pop("id")
    for name in ("width", "height"):
        root.set(name, root.attrib[name].removesuffix("pt"))
    root.attrib.pop("version", None)
    root.set("role", "img")
    root.set("stroke-linejoin", "round")
    parts = [("title", title or alt)] + ([("desc", alt)] if title else [])
    for place, (tag, text) in enumerate(parts):
        element = ET.Element(tag, {"id": f"{prefix}-{tag}"})
        element.text = short(text, 2000)
        root.insert(place, element)
    root.set("aria-labelledby", " ".join(f"{prefix}-{tag}" for tag, _ in parts))
