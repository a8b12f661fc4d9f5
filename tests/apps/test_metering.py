"""Loudness of files on the command line, at any length and with broken files among them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ddasp.apps.cli import main
from ddasp.audio.files import write

Output = pytest.CaptureFixture[str]


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    t = np.arange(20 * 48_000) / 48_000
    tone = 10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * t)
    write(tmp_path / "a.wav", np.stack([tone, tone], axis=1), 48_000)  # case 1 of EBU Tech 3341
    write(tmp_path / "b.wav", np.zeros(8000), 8000)
    return tmp_path


def test_the_first_conformance_case_measures_minus_23(sounds: Path, capsys: Output) -> None:
    assert main(["loudness", str(sounds), "--json"]) == 0
    tone, silence = json.loads(capsys.readouterr().out)
    for key in ("integrated", "maximum_momentary", "maximum_short_term"):
        assert abs(tone[key] + 23.0) < 0.1
    assert abs(tone["true_peak"] + 23.0) < 0.2
    assert tone["range"] < 0.1
    assert (tone["duration"], tone["rate"], tone["channels"]) == (20.0, 48_000, 2)
    assert silence["integrated"] == "-inf"


def test_the_table_names_units_and_what_can_not_be_read(sounds: Path, capsys: Output) -> None:
    (sounds / "c.wav").write_text("a text")
    assert main(["loudness", str(sounds)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "integrated / LUFS" in lines[0]
    assert "-23.0" in lines[1]
    assert "-inf" in lines[2]
    assert "E-AUDIO-FORMAT" in lines[3]
