"""Pictures of a notebook as guests of a page: Matplotlib's SVG with our colours as variables.

*Conventions*: styles become presentation attributes, since the page forbids inline styles; a colour of
the light tokens becomes ``var(--name)``, so that the picture follows the page into the dark; ids are
made unique; of elements and attributes only those of a drawing stay.

*References*: SVG 2, section 6.6 (presentation attributes).
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from ddasp._errors import RunError
from ddasp.plot.tokens import variables

__all__ = ["guest"]

KEPT = {"svg", "g", "defs", "path", "use", "text", "tspan", "clipPath", "rect", "image", "line"}
ATTRIBUTES = {
    "d", "x", "y", "width", "height", "transform", "viewBox", "id", "href", "clip-path", "fill", "stroke",
    "stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-dasharray", "stroke-dashoffset",
    "stroke-opacity", "fill-opacity", "opacity", "fill-rule", "clip-rule", "font-size", "font-weight",
    "text-anchor", "preserveAspectRatio",
}  # fmt: skip
FONT = re.compile(r"([\d.]+)px")
PLACE = re.compile(r"(?:translate\(|rotate\(-?0 )[-\d.]+ ([\d.]+)\)")  # the base line of a text
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")


def guest(svg: str, *, caption: str, prefix: str) -> str:
    """An SVG of the notebook as an element of a page.

    Parameters
    ----------
    svg : str
        What Matplotlib wrote.
    caption : str
        Its words for those who do not see it; they stand below the picture too, so the group "caption"
        inside is dropped.
    prefix : str
        Of its ids, unique in the page.

    Returns
    -------
    str
        ``<svg role="img">``.

    Raises
    ------
    RunError
        ``E-RUN`` when the text is no SVG.

    Examples
    --------
    >>> text = '<svg viewBox="0 0 9 9"><path style="fill: #1d1c1a" onclick="x"/><script/></svg>'
    >>> guest(text, caption="A <b>.", prefix="f1")
    '<svg viewBox="0 0 9 9" role="img" aria-label="A &lt;b&gt;."><path fill="var(--ink)" /></svg>'
    """
    try:
        root = ET.fromstring(svg.partition("<svg")[1] + svg.partition("<svg")[2])
    except ET.ParseError as error:
        raise RunError("E-RUN", f"a picture of the notebook is no SVG: {error}") from error
    by_colour = variables()
    _cut_caption(root)
    _drop(root)
    for element in root.iter():
        element.attrib = _attributes(element.attrib, by_colour, prefix)
    for name in ("width", "height", "id"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", caption)
    return ET.tostring(root, encoding="unicode")


def _cut_caption(root: ET.Element) -> None:
    """Let the picture begin below the words that it loses."""
    inside = [text for c in root.iter() if c.get("id") == "caption" for text in c.iter()]
    places = [PLACE.search(text.get("transform", "")) for text in inside]
    lines = [float(place.group(1)) for place in places if place]
    box = root.get("viewBox", "").split()
    if lines and len(box) == 4:
        top = max(lines) + 4
        root.set("viewBox", f"0 {top:g} {box[2]} {float(box[3]) - top:g}")


def _drop(parent: ET.Element) -> None:
    """All that is no part of a drawing, and the caption."""
    parent.tag = parent.tag.rpartition("}")[2]
    if parent.tag not in ("text", "tspan"):
        parent.text = None
    kept = []
    for child in parent:
        child.tail = None
        tag = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else ""
        if tag in KEPT and child.get("id") != "caption":
            _drop(child)
            kept.append(child)
    parent[:] = kept


def _attributes(given: dict[str, str], by_colour: dict[str, str], prefix: str) -> dict[str, str]:
    found = {name.rpartition("}")[2]: value for name, value in given.items()}
    found |= _style(found.pop("style", ""))
    taken = {}
    for name, value in found.items():
        if name not in ATTRIBUTES:
            continue
        if name in ("fill", "stroke"):
            value = by_colour.get(value.lower(), value)
        elif name == "id":
            value = f"{prefix}-{value}"
        elif name == "clip-path":
            value = value.replace("url(#", f"url(#{prefix}-")
        elif name == "href" and value.startswith("#"):
            value = f"#{prefix}-{value[1:]}"
        elif name == "href" and not value.startswith("data:image/png;base64,"):
            continue
        elif name in ("d", "x", "y", "transform"):
            value = re.sub(r"\s+", " ", LONG_NUMBER.sub(_rounded, value)).strip()
        taken[name] = value
    return taken


def _style(text: str) -> dict[str, str]:
    """An inline style as attributes; of a font its size and weight."""
    found = {}
    for rule in text.split(";"):
        name, _, value = (part.strip() for part in rule.partition(":"))
        if name == "font":
            size = FONT.search(value)
            found["font-size"] = size.group(1) if size else "12"
            if re.match(r"bold|[6-9]00 ", value):
                found["font-weight"] = "bold"
        elif name:
            found[name] = value.removesuffix("px")
    return found


def _rounded(match: re.Match[str]) -> str:
    text = f"{float(match.group()):.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
