"""The playground in a notebook, without its extra, and without an experiment."""

from __future__ import annotations

import html
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

import ddasp.playground
from ddasp._errors import InputError
from ddasp.playground.serving.session import Session
from ddasp.playground.serving.shelf import Shelf


class Frames(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "iframe":
            self.found.append(dict(attrs))


def test_a_cell_shows_a_frame_that_may_hear_and_its_server_lets_notebooks_in() -> None:
    shown = ddasp.playground.show(height=500)
    (frame,) = Frames(shown._repr_html_()).found
    assert frame["src"] == shown.address
    assert (frame["height"], frame["title"]) == ("500", "ddasp playground")
    assert {"microphone", "autoplay"} <= {word.strip() for word in frame["allow"].split(";")}
    with urlopen(shown.address.partition("#")[0]) as answer:
        policy = answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] is None  # it knows no list, and would win
    ancestors = policy.partition("frame-ancestors ")[2].split()
    assert "http://localhost:*" in ancestors
    assert not [one for one in ancestors if "localhost" not in one and "127.0.0.1" not in one
                and one != "'self'"]  # fmt: skip


def test_a_second_cell_uses_the_same_server() -> None:
    assert ddasp.playground.show().address == ddasp.playground.show().address


def test_what_makes_no_sense_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="height is 10; expected 200"):
        ddasp.playground.show(height=10)
    with pytest.raises(InputError, match=r"there is no .*nothing"):
        ddasp.playground.show(tmp_path / "nothing")


def test_an_address_is_escaped_in_the_cell() -> None:
    from ddasp.playground.serving.showing import View

    text = View('http://x/"><script>', 300)._repr_html_()
    assert "<script>" not in text
    assert html.escape('http://x/"><script>', quote=True) in text


@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "websockets"])
def test_without_its_extra_the_command_that_installs_it_is_named(missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from ddasp.apps.cli import main\n"
        "sys.exit(main(['playground', '--no-browser']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert 'pip install "ddasp[playground]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_the_server_starts_without_what_trains() -> None:
    code = (
        "import ddasp.playground.serving.server, json, sys; print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numba", "pandas", "scipy", "sklearn", "matplotlib", "pydantic", "soundfile"}
    assert not [name for name in heavy if f'"{name}"' in done.stdout]


def test_an_experiment_that_cannot_be_made_is_told_to_every_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.playground.test_session import Played

    import ddasp.playground.training.experiment

    def broken() -> None:
        raise OSError("made for this test")

    monkeypatch.setattr(ddasp.playground.training.experiment, "Experiment", broken)
    played = Played()
    played.until(
        lambda: "made for this test" in played.page.newest.get("error", {}).get("message", "")
    )
    played.attach()
    played.until(lambda: "error" in played.page.newest)
    played.session.end()
    assert isinstance(played.session, Session)
    assert not Shelf().is_open
