"""One model, one recording: as a file, through a pipe in any pieces, from the microphone, as events."""

from __future__ import annotations

import io
import itertools
import json
import re
import signal
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from ddasp._errors import AudioError, InputError, RunError
from ddasp._files import read_json, write_json
from ddasp._progress import Silent
from ddasp.apps.cli import main
from ddasp.audio.files import write
from ddasp.procedure import deployed, listening
from ddasp.procedure.run import run

RATE = 11_025  # of the files; the model hears at 8 kHz
PROBLEM = """
[problem]
kind = "multi-class"
useful_from = 0.8
[sounds]
folder = "sounds"
tracks = "audacity"
background = "room"
rate = 8000
window.length = 0.25
window.hop = 0.05
[preparation]
features = ["mfcc"]
[spot_check]
families = ["majority", "kernel"]
cap = 60
survivors = 1
[selection]
trials = 0
finalists = 1
[evaluation]
players = 0
"""


def scene(number: int, seconds: int = 6) -> tuple[np.ndarray, list[tuple[float, float, str]]]:
    """Soft brown noise in stereo, with hiss or hum for half a second in each second."""
    rng = np.random.default_rng(number)
    x = np.cumsum(rng.standard_normal((seconds * RATE, 2)), axis=0)  # brown: a room far away
    x = 0.02 * (x - x.mean(axis=0)) / np.abs(x).max()
    events, n = [], RATE // 2
    for k in range(seconds):
        label = ("hiss", "hum")[(k + number) % 2]
        tone = np.sin(2 * np.pi * 140 * (1 + 0.1 * (number % 4)) * np.arange(n) / RATE)
        at = round((k + 0.25) * RATE)
        loud = tone if label == "hum" else rng.standard_normal(n)
        x[at : at + n] += 0.2 * loud[:, np.newaxis] * [1.0, 0.5]
        events.append((k + 0.25, k + 0.75, label))
    return np.clip(x, -1, 1), events


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listening")
    for number in range(4):
        x, events = scene(number, 4)
        write(folder / "sounds" / f"{number}.wav", x, RATE)
        lines = [f"{a}\t{b}\t{label}\n" for a, b, label in events]
        (folder / "sounds" / f"{number}.txt").write_text("".join(lines))
    (folder / "problem.toml").write_text(PROBLEM)
    x, _ = scene(7)
    write(folder / "new.wav", x, RATE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        run(folder / "problem.toml", out=folder / "run", n_workers=1, progress=Silent())
    return folder


def said(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    code = main([str(word) for word in words])
    found = capsys.readouterr()
    assert code == 0, found.err
    return found.out


class Pipe(io.RawIOBase):
    """Bytes that come in pieces of any size, as from a pipe."""

    def __init__(self, content: bytes, seed: int) -> None:
        self._content, self._rng = content, np.random.default_rng(seed)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        n = int(self._rng.integers(1, 4000))
        n = n if size < 0 else min(size, n)
        part, self._content = self._content[:n], self._content[n:]
        return part


def piped(monkeypatch: pytest.MonkeyPatch, content: bytes, seed: int = 0) -> None:
    stdin = types.SimpleNamespace(buffer=Pipe(content, seed))
    monkeypatch.setattr(sys, "stdin", stdin)


def table(text: str) -> pd.DataFrame:
    return pd.DataFrame([json.loads(line) for line in text.splitlines()])


SAME = ["start", "stop", "decided", "known", "flags"]


def test_a_pipe_in_any_pieces_gives_the_decisions_of_the_file(
    base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = table(said(capsys, "apply", base / "run", base / "new.wav", "--format", "jsonl"))
    content = (base / "new.wav").read_bytes()
    raw = content[44:]
    assert len(file) == 116
    for seed in range(3):
        piped(monkeypatch, content, seed)
        wav = table(said(capsys, "apply", base / "run", "-", "--format", "jsonl"))
        piped(monkeypatch, raw, seed)
        options = ["--rate", str(RATE), "--channels", "2", "--format", "jsonl"]
        pcm = table(said(capsys, "apply", base / "run", "-", *options))
        for stream in (wav, pcm):
            assert (stream[SAME] == file[SAME]).all(axis=None)
            for label in ("hiss", "hum", "room"):
                # incremental and whole features differ in the order of sums alone
                assert_allclose(stream[f"p:{label}"], file[f"p:{label}"], atol=1e-6)


def test_csv_of_a_pipe_has_one_head_and_is_the_same_table(
    base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    piped(monkeypatch, (base / "new.wav").read_bytes())
    stream = pd.read_csv(io.StringIO(said(capsys, "apply", base / "run", "-")))
    file = pd.read_csv(io.StringIO(said(capsys, "apply", base / "run", base / "new.wav")))
    assert list(stream.columns) == list(file.columns)
    assert (stream["decided"] == file["decided"]).all()
    assert set(stream["path"]) == {"-"}


def test_rows_of_a_real_pipe_come_while_the_sound_goes_on(base: Path) -> None:
    words = [sys.executable, "-m", "ddasp", "apply", str(base / "run"), "-", "--rate", str(RATE)]
    words += ["--channels", "2", "--format", "jsonl", "--quiet"]
    raw = (base / "new.wav").read_bytes()[44:]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(raw[: len(raw) // 2])
        process.stdin.flush()
        first = json.loads(process.stdout.readline())  # the pipe is still open
        assert first["start"] == 0.0
        process.stdin.write(raw[len(raw) // 2 :])
        process.stdin.close()
        rest = process.stdout.read().splitlines()
    assert process.returncode == 0
    assert len(rest) == 115


def test_the_events_of_a_file_are_where_its_sounds_are(
    base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["--threshold", "0.7", "--least", "0.1"]
    rows = table(said(capsys, "apply", base / "run", base / "new.wav", "--json", *asked))
    ends = rows[rows["event"] == "ends"]
    truth = scene(7)[1]
    assert len(ends) == len(truth)
    for (start, stop, label), found in zip(truth, ends.to_dict("records"), strict=True):
        assert found["label"] == label
        # a window of 0.25 s that moves by 0.05 s
        assert abs(found["start"] - start) < 0.16
        assert abs(found["stop"] - stop) < 0.16
    piped(monkeypatch, (base / "new.wav").read_bytes())
    vtt = said(capsys, "apply", base / "run", "-", "--format", "vtt", *asked)
    assert vtt.startswith("WEBVTT\n")
    assert vtt.count("-->") == len(truth)
    labels = said(capsys, "apply", base / "run", base / "new.wav", "--format", "audacity", *asked)
    assert [line.split("\t")[2] for line in labels.splitlines()] == [e[2] for e in truth]
    both = ["--events", "--format", "csv", *asked]
    many = said(capsys, "apply", base / "run", base / "sounds", *both).splitlines()
    assert many[0] == "path,start,stop,label,probability,known_at"
    assert sum(line.startswith("path") for line in many) == 1
    assert {Path(line.split(",")[0]).name for line in many[1:]} == {f"{n}.wav" for n in range(4)}


def test_a_format_of_one_sound_refuses_several(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["apply", str(base / "run"), str(base / "sounds"), "--format", "vtt"]) == 2
    assert "holds the events of one sound, and 4 are named" in capsys.readouterr().err


def test_a_broken_file_among_events_is_named_and_the_rest_goes_on(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.wav").write_bytes(b"no sound")
    (tmp_path / "b.wav").write_bytes((base / "new.wav").read_bytes())
    asked = ["--events", "--threshold", "0.7", "--least", "0.1"]
    code = main(["apply", str(base / "run"), str(tmp_path), *asked])
    found = capsys.readouterr()
    assert code == 1
    assert "a.wav: E-AUDIO-FORMAT" in found.err
    assert found.out.count("b.wav") == 6


def test_events_go_to_a_file_that_must_not_exist(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "labels.txt"
    asked = ["--format", "audacity", "--threshold", "0.7", "--least", "0.1", "--out", out]
    words = ["apply", base / "run", "-", *asked]
    piped(monkeypatch, (base / "new.wav").read_bytes())
    assert said(capsys, *words) == ""
    assert out.read_text().count("\n") == 6
    assert main([str(word) for word in words]) == 2
    assert "exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-", "a.wav"], "names - and files"),
        (["a.wav", "--rate", "8000"], "belong to raw samples"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    base: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["apply", str(base / "run"), *words]) == 2
    assert message in capsys.readouterr().err


def test_raw_samples_without_a_rate_and_an_empty_pipe_are_errors(
    base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    piped(monkeypatch, bytes(1000))
    assert main(["apply", str(base / "run"), "-"]) == 1
    assert "E-AUDIO-" in capsys.readouterr().err
    piped(monkeypatch, b"")
    assert main(["apply", str(base / "run"), "-", "--rate", "8000"]) == 1
    assert "E-AUDIO-EMPTY" in capsys.readouterr().err


class FakeDevice:
    """A `sounddevice` whose microphone plays a recording."""

    class PortAudioError(Exception):
        pass

    def __init__(self, x: np.ndarray, n_overflows: int = 0) -> None:
        self.x, self.n_overflows = x, n_overflows
        fake = self

        class InputStream:
            def __init__(self, **options: Any) -> None:
                self.take, self.n = options["callback"], options["blocksize"]
                assert (options["channels"], options["samplerate"]) == (1, RATE)

            def __enter__(self) -> None:
                for i in range(0, len(fake.x), self.n):
                    status = types.SimpleNamespace(input_overflow=i < fake.n_overflows * self.n)
                    self.take(fake.x[i : i + self.n, np.newaxis], self.n, None, status)

            def __exit__(self, *_: Any) -> None:
                pass

        self.InputStream = InputStream

    def query_devices(self, device: Any, kind: str) -> dict[str, Any]:
        if device not in (None, 3):
            raise ValueError("No input device matching")
        return {"name": "fake", "default_samplerate": float(RATE)}


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next import of the module happen anew."""
    import ddasp.apps

    monkeypatch.delitem(sys.modules, "ddasp.apps.microphone", raising=False)
    monkeypatch.delattr(ddasp.apps, "microphone", raising=False)


@pytest.fixture
def microphone(monkeypatch: pytest.MonkeyPatch) -> Any:
    def install(x: np.ndarray, n_overflows: int = 0) -> None:
        monkeypatch.setitem(sys.modules, "sounddevice", FakeDevice(x, n_overflows))
        forget(monkeypatch)

    return install


def test_the_microphone_gives_the_events_and_decisions_of_the_file(
    base: Path, microphone: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    x, truth = scene(7)
    mono = np.float32(np.rint(x * 2**15) / 2**15).mean(axis=1)
    write(base / "mono.wav", mono, RATE, subtype="FLOAT")
    microphone(mono)
    words = ["listen", base / "run", "--seconds", "6", "--threshold", "0.7", "--least", "0.1"]
    ends = [row for row in map(json.loads, said(capsys, *words).splitlines()) if row["stop"]]
    assert [row["label"] for row in ends] == [label for _, _, label in truth]
    microphone(mono)
    heard = table(said(capsys, "listen", base / "run", "--decisions", "--seconds", "6"))
    file = table(said(capsys, "apply", base / "run", base / "mono.wav", "--format", "jsonl"))
    assert_allclose(heard["p:hum"], file["p:hum"], atol=1e-6)
    assert set(heard["path"]) == {"fake"}


def test_lost_sound_and_missing_devices_are_said(
    base: Path, microphone: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    microphone(np.zeros(3 * RATE), n_overflows=2)
    words = ["listen", str(base / "run"), "--seconds", "2", "--device", "3", "--threshold", "0.5"]
    assert main(words) == 0
    assert "W-OVERRUN: 2 times sound was lost" in capsys.readouterr().err
    assert main(["listen", str(base / "run"), "--device", "kazoo"]) == 2
    assert "E-DEVICE: no input device kazoo" in capsys.readouterr().err
    assert main(["listen", str(base / "run"), "--seconds", "0"]) == 2
    assert "seconds is 0" in capsys.readouterr().err


def test_a_microphone_that_gives_nothing_is_given_up(
    base: Path, microphone: Any, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    microphone(np.zeros(0))
    from ddasp.apps import microphone as module

    monkeypatch.setattr(module, "PATIENCE", 0.2)
    assert main(["listen", str(base / "run")]) == 1
    assert "no sound from fake" in capsys.readouterr().err


def test_without_the_extra_the_microphone_says_how_to_get_it(
    base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    forget(monkeypatch)
    assert main(["listen", str(base / "run"), "--threshold", "0.5"]) == 1
    assert 'pip install "ddasp[live]"' in capsys.readouterr().err


def test_ctrl_c_ends_the_microphone_and_what_came_is_still_decided(
    base: Path, microphone: Any
) -> None:
    microphone(scene(7)[0][:, 0])
    from ddasp.apps import microphone as module

    with module.opened(None) as heard:
        first = next(heard)
        heard.stop()
        rest = sum(len(block) for block in heard)
    assert len(first) + rest == 6 * RATE


def test_rules_are_tuned_on_clips_and_then_used(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "tune",
        base / "run",
        "--force",
        "--hours",
        "0.01",
        "--budget",
        "600",
        "--seed",
        "3",
        "--json",
    ]
    found = json.loads(said(capsys, *words))
    assert found["measured"]["recall"]["value"] > 0.2
    folder = base / "run" / "events"
    assert {path.name for path in folder.iterdir()} == {
        "events.json",
        "events_curve.csv",
        "events.svg",
    }
    model = deployed.load(base / "run")
    from ddasp.apps.deciding import rules_of

    rules = rules_of(base / "run", model, {})
    assert vars(rules) == found["rules"]
    assert rules_of(base / "run", model, {"least": 0.5}).least == 0.5
    again = json.loads(said(capsys, *words))
    assert again == found
    write_json(folder / "events.json", read_json(folder / "events.json") | {"model": "other"})
    with pytest.raises(InputError, match="tuned for another model"):
        rules_of(base / "run", model, {})
    (folder / "events.json").unlink()


def test_rules_are_tuned_on_own_recordings(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["tune", base / "run", "--force", "--recordings", base / "sounds", "--budget", "60"]
    out = said(capsys, *words)
    assert "rules   threshold" in out
    found = read_json(base / "run" / "events" / "events.json")
    names = [Path(stream["name"]).name for stream in found["streams"]]
    assert names == [f"{n}.wav" for n in range(4)]
    assert found["measured"]["recall"]["value"] > 0.9
    (base / "run" / "events" / "events.json").unlink()


def test_background_sounds_of_ones_own_lie_behind_the_clips(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "street.wav", 0.05 * np.random.default_rng(0).standard_normal(RATE), RATE)
    words = [
        "tune",
        base / "run",
        "--force",
        "--hours",
        "0.01",
        "--budget",
        "600",
        "--background",
        tmp_path,
    ]
    assert "written" in said(capsys, *words)
    (base / "run" / "events" / "events.json").unlink()


def test_a_model_of_whole_sounds_makes_no_events_and_decides_a_pipe_at_its_end(
    base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = deployed.load(base / "run")
    whole = deployed.Deployed(model.about | {"window": None}, model.content)
    monkeypatch.setattr(deployed, "load", lambda run: whole)
    for words in (["apply", "-", "--events"], ["listen"], ["tune"]):
        assert main([words[0], str(base / "run"), *words[1:]]) == 2
        assert "the model decides on whole sounds" in capsys.readouterr().err
    x = scene(7)[0]
    rows = list(listening.rows(whole, np.array_split(x, 9), RATE))
    assert len(rows) == 1
    assert rows[0]["stop"] == 6.0
    expected = whole.answer(whole.output(_heard(x)), silent=False)
    assert rows[0]["p:hum"] == pytest.approx(expected["p:hum"], abs=1e-6)


def _heard(x: np.ndarray) -> np.ndarray:
    from ddasp.audio.resampling import resample, to_mono

    return np.asarray(resample(to_mono(x), RATE, 8000))


def test_no_result_is_written_over_an_input_a_step_or_through_a_link(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["apply", str(base / "run"), str(base / "new.wav"), "--force", "--out"]
    for kept in (base / "new.wav", base / "run" / "6_application" / "model.onnx"):
        before = kept.read_bytes()
        assert main([*words, str(kept)]) == 2
        assert "an input or a part of the run" in capsys.readouterr().err
        assert kept.read_bytes() == before
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_text("old")
    link.symlink_to(target)
    assert main([*words, str(link)]) == 0
    assert link.is_symlink()
    assert target.read_text().startswith("path,start,stop")


def test_the_ending_of_the_file_chooses_the_format(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "night.vtt"
    words = ["apply", base / "run", base / "new.wav", "--threshold", "0.7", "--out", out]
    said(capsys, *words)
    assert out.read_text().startswith("WEBVTT")


def test_ctrl_c_on_a_pipe_still_writes_what_came(base: Path, tmp_path: Path) -> None:
    out = tmp_path / "events.csv"
    words = [sys.executable, "-m", "ddasp", "apply", str(base / "run"), "-", "--rate", str(RATE)]
    words += ["--channels", "2", "--threshold", "0.5", "--out", str(out), "--quiet"]
    raw = (base / "new.wav").read_bytes()[44:]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(raw[: 4 * (RATE // 2)])  # a hum that has begun and not ended
        process.stdin.flush()
        while not out.exists():
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr is not None
        assert b"what came until then is written" in process.stderr.read()
    assert out.read_text().count("hum") == 1


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("window", {"length": 0.0, "hop": None}, "window.length"),
        ("window", {"length": 0.25, "hop": -1.0}, "window.hop"),
        ("rate", 16_000, "does not begin with the features mfcc at 16000 Hz"),
        ("rate", "8000", "rate"),
        ("labels", ["a", "a", "b"], "labels must be there, each once"),
        ("labels", ["room", "hiss", "hum"], "its classes are others"),
        ("dont_know_below", float("nan"), "dont_know_below"),
        ("cost", [[0.0, 1.0]], "cost must have a row and a column"),
        ("background", ["other"], "background names a class"),
        ("kind", "regression", "a regression has a half_width"),
    ],
)
def test_a_model_json_that_was_edited_is_refused_with_the_key(
    base: Path, tmp_path: Path, key: str, value: Any, message: str
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("model.json", "model.onnx"):
        (folder / name).write_bytes((base / "run" / "6_application" / name).read_bytes())
    about = read_json(folder / "model.json")
    (folder / "model.json").write_text(json.dumps(about | {key: value}))
    with pytest.raises((RunError, InputError), match=re.escape(message)):
        deployed.load(folder)


def test_a_whole_sound_without_an_end_is_refused(base: Path) -> None:
    model = deployed.load(base / "run")
    whole = deployed.Deployed(model.about | {"window": None, "max_duration": 2.0}, model.content)
    endless = itertools.repeat(np.zeros(RATE))
    with pytest.raises(AudioError, match="goes on after 2 s"):
        list(listening.rows(whole, endless, RATE))


def test_a_long_sound_gets_the_answer_of_the_graph_without_holding_its_frames(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, x = deployed.load(base / "run"), _heard(scene(7)[0])
    whole = model.output(x)
    monkeypatch.setattr(deployed, "LONG", 1.0)
    assert_allclose(model.output(x), whole, atol=1e-6)


def test_silence_is_no_knowledge_and_no_event(base: Path) -> None:
    model = deployed.load(base / "run")
    rows = list(listening.rows(model, [np.zeros(RATE)], RATE))
    assert {row["decided"] for row in rows} == {"don't know"}
    assert {row["flags"] for row in rows} == {"W-SILENT"}
    assert not list(listening.rows(model, [], RATE))
