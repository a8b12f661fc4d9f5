"""A run's model as one HTML page that decides in a browser, on a file or on the microphone.

The page holds everything: the graph and its JSON, a runtime for ONNX graphs (WebAssembly,
``web/runtime``), the scripts and the style. It opens from disk, without a server and offline, and
sends nothing.

*Conventions*: what the page decides is what `ddasp.procedure.application.apply` decides: the same
graph, windows, silence, costs and "don't know". The content security policy names the one script
and the one style sheet by their digests; besides them only what the page takes from its own content
may run (``data:``), and no request can leave it. Binary parts are base64 of gzip
without name and time, so that equal models give equal pages.

*References*: ONNX Runtime Web, https://onnxruntime.ai; Content Security Policy Level 3; WCAG 2.2.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

import ddasp
from ddasp import plot
from ddasp._errors import InputError
from ddasp._files import write_bytes
from ddasp.procedure.deployed import Deployed, load
from ddasp.procedure.report.tables import count, estimate, number, params
from ddasp.procedure.report.words import window_text

__all__ = ["LARGEST", "Exported", "export_web", "web_page"]

LARGEST = 100 * 2**20
"""Bytes of a model that is put into a page; browsers hold such a text several times over."""

RUNTIME = "1.30.0"
SCRIPTS = (
    "wav.js",
    "resample.js",
    "decode.js",
    "rule.js",
    "runtime.js",
    "microphone.js",
    "figures.js",
    "result.js",
    "files.js",
    "live.js",
    "page.js",
)
# of model.json, what the scripts need
KEYS = ("kind", "labels", "rate", "window", "max_duration", "cost", "dont_know_below", "half_width")
# of the card: key and name
CARD = (
    ("purpose", "for"),
    ("affected", "affected"),
    ("cost_of_wrong_answer", "a wrong answer costs"),
    ("learned_from", "learned from"),
    ("limits", "limits"),
)


@dataclass(frozen=True)
class Exported:
    """What was written.

    Parameters
    ----------
    path : Path
        The page.
    n_bytes : int
        Its size.
    n_bytes_model : int
        Size of ``model.onnx``, which is compressed inside.
    """

    path: Path
    n_bytes: int
    n_bytes_model: int


def export_web(run: Path, out: Path | None = None, *, force: bool = False) -> Exported:
    """Write the page of a run's model.

    Parameters
    ----------
    run : Path
        A run folder, or its ``6_application``.
    out : Path, optional
        The file; ``model.html`` in the run folder by default.
    force : bool
        Replace the file if it exists.

    Returns
    -------
    Exported

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the file exists or is a folder; ``E-MODEL`` when the model can't be put into
        a page.
    RunError
        ``E-MODEL`` when the model is damaged, ``E-DISK`` when writing failed.
    """
    out = Path(run) / "model.html" if out is None else Path(out)
    if out.is_dir():
        raise InputError("E-ARGUMENT", f"out is {out}, a folder; expected the name of a file")
    if out.exists() and not force:
        raise InputError(
            "E-ARGUMENT", f"out is {out}, which exists; name another, or replace it: --force"
        )
    model = _checked(Path(run))
    page = _page(model)
    write_bytes(out, page)
    return Exported(out, len(page), len(model.content))


def web_page(run: Path) -> bytes:
    """The page, UTF-8.

    Parameters
    ----------
    run : Path
        A run folder, or its ``6_application``.

    Returns
    -------
    bytes
        About 5.1 MB and 4/3 of the compressed model.

    Raises
    ------
    InputError
        ``E-MODEL`` when there is no model, or one that can't be put into a page.
    RunError
        ``E-MODEL`` when the model is not the one that its JSON describes.
    """
    return _page(_checked(Path(run)))


def _page(deployed: Deployed) -> bytes:
    about = deployed.about
    script = _script()
    style = plot.css() + _asset("page.css")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    page = environment.from_string(_asset("page.html")).render(
        about=about,
        about_data=_json({key: about.get(key) for key in KEYS} | {"unit": _unit(about)}),
        card=_card(about),
        licence=_asset("runtime/LICENSE"),
        model=_base64(gzip.compress(deployed.content, 9, mtime=0)),
        policy=_policy(script, style),
        runtime=_base64(_bytes("runtime/ort.wasm.bundle.min.mjs")),
        runtime_version=RUNTIME,
        script=Markup(script),
        style=Markup(style),
        title=about["card"].get("question") or "What is this sound?",
        verdict=_verdict(about["card"]),
        version=ddasp.__version__,
        wasm=_base64(_bytes("runtime/ort-wasm-simd-threaded.wasm.gz")),
        worklet=Markup(_asset("worklet.js")),
    )
    return page.encode("utf-8", "backslashreplace")


def _checked(run: Path) -> Deployed:
    model = load(run)
    size = len(model.content)
    if size > LARGEST:
        raise InputError(
            "E-MODEL",
            f"the model of {run} has {size / 2**20:.0f} MiB; a page holds at most "
            f"{LARGEST // 2**20} MiB - decide with `ddasp apply`, or run again with other `families` in "
            "problem.toml (a linear model or a network is smaller)",
        )
    return model


def _asset(name: str) -> str:
    return _bytes(name).decode("utf-8")


def _bytes(name: str) -> bytes:
    return resources.files("ddasp.apps").joinpath("web", name).read_bytes()


def _script() -> str:
    """All scripts as one, in a scope of its own."""
    return '"use strict";\n(() => {\n' + "\n".join(map(_asset, SCRIPTS)) + "})();\n"


def _base64(data: bytes) -> Markup:
    return Markup(base64.b64encode(data).decode("ascii"))


def _json(value: Any) -> Markup:
    """JSON inside a script element: no character that could end it."""
    text = json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _policy(script: str, style: str) -> str:
    """Content security policy: this script, this style sheet, what the page itself holds; no request."""

    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; script-src {digest(script)} data: 'wasm-unsafe-eval'; "
        f"style-src {digest(style)}; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )


def _unit(about: dict[str, Any]) -> str:
    return str(about.get("unit") or about["card"].get("unit") or "")


def _verdict(card: dict[str, Any]) -> tuple[str, str] | None:
    """The verdict's first words, and the rest of its sentence."""
    head, colon, rest = str(card.get("verdict") or "").partition(":")
    return (head + colon, rest) if head else None


def _card(about: dict[str, Any]) -> list[tuple[str, str]]:
    """Names and texts of what a person should know before using the model."""
    card, features = about["card"], about["features"]
    found = [(name, str(card[key])) for key, name in CARD if card.get(key)]
    if isinstance(card.get("estimate"), dict):
        told = f"{card.get('measure') or 'score'} {estimate(card['estimate'])}"
        found.append(
            ("tested", f"{told} on {count(card['estimate'].get('n_observations'))} held-out sounds")
        )
    title = features.get("title") or features["name"]
    settings = params(about.get("params") or {})
    return [
        *found,
        (
            "decides on",
            f"windows of {window_text(about['window'])}" if about["window"] else "whole sounds",
        ),
        ("hears", f"one channel at {count(about['rate'])} Hz, the mean of a file’s channels"),
        *([("labels", ", ".join(about["labels"]))] if about.get("labels") else []),
        *_rules(about),
        ("features", f"{title}: {features['formula']}" if features.get("formula") else title),
        ("family", f"{about['family']} ({settings})" if settings else about["family"]),
        ("model.onnx", f"SHA-256 {about['digests']['model.onnx']}"),
    ]


def _rules(about: dict[str, Any]) -> list[tuple[str, str]]:
    """What turns probabilities into a decision, where it isn't the largest one."""
    rules = []
    if about.get("dont_know_below") and about["kind"] != "regression":
        limit = number(about["dont_know_below"])
        rules.append(
            ("“don’t know”", f"below a probability of {limit}, or when the sound is silent")
        )
    if about.get("cost"):
        rules.append(("costs", "it decides what costs least on average, not what is most probable"))
    return rules
