"""Every way in which a command can end has its exit code and its words."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ddasp import __version__
from ddasp._errors import AudioError, DependencyError, InputError, RunError
from ddasp.apps import cli, decisions, doctor
from ddasp.apps.cli import main
from ddasp.apps.tables import aligned, print_table
from ddasp.audio import files
from ddasp.procedure import deployed, recordings
from ddasp.procedure import run as procedure_run

Output = pytest.CaptureFixture[str]


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Put a function in the place of the six steps, and tell what it was called with."""

    def install(act: Callable[[], None] = lambda: None) -> dict[str, Any]:
        seen: dict[str, Any] = {}

        def run(problem: Path, **options: Any) -> Any:
            seen.update(problem=problem, **options)
            act()
            folder = Path.cwd() / "runs" / "x"
            sentence = "Useful: accuracy 0.81 (0.74 to 0.88) lies above 0.70."
            steps = {"1_problem": "unchanged", "2_preparation": "done"}
            return SimpleNamespace(
                folder=folder,
                report=folder / "report.html",
                verdict_word="useful",
                verdict_sentence=sentence,
                n_fits=42,
                findings="3 files: 3 used, 0 used with a warning, 0 rejected",
                steps=steps,
            )

        monkeypatch.setattr(procedure_run, "run", run)
        return seen

    return install


def test_the_version_is_that_of_the_package(capsys: Output) -> None:
    assert main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    "verb",
    [
        *("init", "run", "inspect", "loudness", "doctor", "demo"),
        *("apply", "listen", "tune", "explain", "export", "verify"),
    ],
)
def test_every_verb_explains_itself(verb: str, capsys: Output) -> None:
    assert main([verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert "--json" in text
    assert len(text) > 300


@pytest.mark.parametrize(
    "words",
    [["rnu"], ["run"], ["run", "a", "b"], ["run", "x", "--workers", "0"], ["apply", "r"]],
)
def test_a_wrong_command_ends_with_2_and_names_the_help(words: list[str], capsys: Output) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "--help" in err


def test_a_run_says_verdict_report_and_model(running: Any, capsys: Output) -> None:
    seen = running()
    words = ["run", "p.toml", "--out", "o", "--workers", "2", "--seed", "7", "--no-sounds"]
    assert main(words) == 0
    out, _ = capsys.readouterr()
    assert "\nUseful: accuracy 0.81 (0.74 to 0.88) lies above 0.70.\n" in out
    assert "report  runs/x/report.html\n" in out
    assert "steps done 1, unchanged 1" in out
    assert seen["problem"] == Path("p.toml")
    assert (seen["out"], seen["n_workers"], seen["seed"]) == (Path("o"), 2, 7)
    assert seen["with_sounds"] is False


def test_a_run_in_json_is_one_document(running: Any, capsys: Output) -> None:
    running()
    assert main(["run", "p.toml", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["verdict"] == "useful"
    assert answer["steps"] == {"1_problem": "unchanged", "2_preparation": "done"}


def raising(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("E-PROBLEM", "measure is 'acuracy'"), 2),
        (RunError("E-DISK", "could not write x"), 1),
        (AudioError("E-AUDIO-EMPTY", "a.wav holds no samples"), 1),
        (DependencyError("E-DEPENDENCY", 'cnn needs PyTorch: pip install "ddasp[torch]"'), 1),
    ],
)
def test_an_error_is_one_message_without_a_traceback(
    error: Any, code: int, running: Any, capsys: Output
) -> None:
    running(raising(error))
    assert main(["run", "p.toml"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"ddasp: {error.code}: {error.message}\n")
    assert "Traceback" not in err


def test_an_error_in_json_is_one_document_too(running: Any, capsys: Output) -> None:
    running(raising(RunError("E-DISK", "could not write x")))
    assert main(["run", "p.toml", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["exit_code"] == 1
    assert answer["error"]["code"] == "E-DISK"
    assert answer["error"]["hint"].startswith("Free space")


def test_debug_shows_where(running: Any, capsys: Output) -> None:
    running(raising(RunError("E-DISK", "could not write x")))
    assert main(["run", "p.toml", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EROFS])
def test_a_full_disk_is_called_that_wherever_it_is_met(
    number: int, running: Any, capsys: Output
) -> None:
    running(raising(OSError(number, os.strerror(number))))
    assert main(["run", "p.toml"]) == 1
    assert f"E-DISK: could not write: {os.strerror(number)}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 2 GiB"),
        OSError(errno.ENOMEM, "Cannot allocate"),
        OSError(errno.EMFILE, "Too many open files"),
        ImportError("libopenblas.so: failed to map segment from shared object"),
    ],
)
def test_too_little_memory_is_called_that(error: Any, running: Any, capsys: Output) -> None:
    running(raising(error))
    assert main(["run", "p.toml"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"ddasp: E-MEMORY: {error}")
    assert "--workers 1" in err


def test_a_fault_of_ours_is_called_that(running: Any, capsys: Output) -> None:
    running(raising(ZeroDivisionError("division by zero")))
    assert main(["run", "p.toml"]) == 1
    err = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in err
    assert "a fault of ddasp; --debug shows where" in err


def test_an_interrupted_run_says_how_to_go_on(running: Any, capsys: Output) -> None:
    running(raising(KeyboardInterrupt()))
    assert main(["run", "my problem.toml", "--seed", "3"]) == 130
    assert "to go on: ddasp run 'my problem.toml' --seed 3" in capsys.readouterr().err


def test_a_polite_request_to_end_is_an_interruption(running: Any) -> None:
    running(lambda: signal.raise_signal(signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    assert main(["run", "p.toml"]) == 130
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_asks_to_end_while_libraries_load_is_obeyed_when_they_have(
    number: signal.Signals,
) -> None:
    before = signal.getsignal(number)
    loaded = []
    with pytest.raises(KeyboardInterrupt), cli._interrupt_kept():  # noqa: PT012
        signal.raise_signal(number)
        loaded.append("the rest of the module")
    assert loaded
    assert signal.getsignal(number) is before


def test_apply_says_what_became_of_its_decisions_when_it_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: Output, tmp_path: Path
) -> None:
    def interrupted(*_: Any) -> Iterator[dict[str, Any]]:
        yield ROWS[0]
        raise KeyboardInterrupt

    monkeypatch.setattr(deployed, "apply", interrupted)
    monkeypatch.setattr(recordings, "inputs", lambda _: [(Path("a.wav"), "a.wav")])
    out = tmp_path / "decisions.csv"
    out.write_text("earlier")
    assert main(["apply", "run", "a.wav", "--out", str(out), "--force"]) == 130
    assert "a file of --out is as it was before" in capsys.readouterr().err
    assert out.read_text() == "earlier"


INTERRUPTED = """
import sys, time
from ddasp.apps import cli
from ddasp.procedure import run
def wait(*_, progress, **__):
    for _ in progress.track(range(2), "fits", 2):
        print("working", flush=True)
        time.sleep(60)
run.run = wait
sys.exit(cli.main(["run", "p.toml"]))
"""


def test_ctrl_c_ends_a_process_at_once_with_130() -> None:
    command = [sys.executable, "-c", INTERRUPTED]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)  # it would sleep for a minute
    assert process.returncode == 130
    assert "to go on: ddasp run p.toml" in err
    assert "Traceback" not in err


ROWS: list[dict[str, Any]] = [
    {"path": "a.wav", "start": 0.0, "stop": 0.5, "decided": "kick", "probability": np.float64(0.9),
     "known": np.True_, "p:kick": 0.9, "p:snare": 0.1},
    {"path": "ä b.wav", "error": "E-AUDIO-EMPTY", "detail": "no samples"},
]  # fmt: skip


@pytest.fixture
def deciding(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Rows in the place of a model's decisions; a test may take some away."""
    rows = list(ROWS)
    monkeypatch.setattr(deployed, "apply", lambda *_: iter(rows))
    monkeypatch.setattr(
        recordings, "inputs", lambda _: [(Path(r["path"]), r["path"]) for r in rows]
    )
    return rows


def test_decisions_as_csv_have_a_column_for_each_class(deciding: Any, capsys: Output) -> None:
    del deciding[1]
    assert main(["apply", "run", "a.wav"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "path,start,stop,decided,probability,known,p:kick,p:snare"
    assert lines[1] == "a.wav,0.0,0.5,kick,0.9,true,0.9,0.1"


def test_a_file_that_fails_has_its_row_and_makes_the_exit_code_1(
    deciding: Any, capsys: Output
) -> None:
    assert main(["apply", "run", "a.wav", "b.wav"]) == 1
    out, err = capsys.readouterr()
    assert "ä b.wav,,,,,,,,E-AUDIO-EMPTY,no samples" in out
    assert "1 could not be decided" in err


@pytest.mark.parametrize("option", [["--json"], ["--format", "jsonl"]])
def test_decisions_as_json_are_one_object_a_line(
    option: list[str], deciding: Any, capsys: Output
) -> None:
    assert main(["apply", "run", "a.wav", *option]) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0]["p:snare"] == 0.1
    assert rows[1]["path"] == "ä b.wav"


def test_decisions_go_to_a_file_when_asked(deciding: Any, tmp_path: Path, capsys: Output) -> None:
    out = tmp_path / "d.csv"
    assert main(["apply", "run", "a.wav", "--out", str(out)]) == 1
    assert out.read_text("utf-8").startswith("path,start")
    assert capsys.readouterr().out == ""


def test_no_decisions_are_an_empty_csv() -> None:
    assert decisions.csv_text([]) == ""


def test_rows_are_passed_on_as_they_come() -> None:
    drawn: list[int] = []

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(3):
            drawn.append(number)
            yield {"n": number}

    assert next(iter(decisions.json_lines(rows()))) == '{"n": 0}\n'
    assert drawn == [0]


def test_the_doctor_finds_this_installation_well(capsys: Output) -> None:
    assert main(["doctor", "--json"]) == 0
    findings = {finding["what"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert findings["sound"]["detail"] == "1 kHz sine written and read: RMS -3.01 dBFS"
    assert findings["numpy"]["state"] == "ok"


def test_the_doctor_survives_what_it_finds_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("no decoder")

    monkeypatch.setattr(files, "read", broken)
    monkeypatch.setattr(doctor, "_core", lambda: ["numpy", "no-such-package"])
    assert main(["doctor", "--quiet"]) == 1
    out = capsys.readouterr().out
    assert "OSError: no decoder" in out
    assert "missing: no-such-package" in out
    assert "cores" not in out


def test_a_table_on_a_terminal_shows_brackets_as_they_are() -> None:
    import io

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    print_table(("name", "n"), [("[b]ä.wav", "1")], right=("n",), stream=stream)
    assert "[b]ä.wav" in stream.getvalue()


def test_a_table_without_rows_is_its_head() -> None:
    assert aligned(("a", "b"), []) == "a  b"


def test_every_way_to_end_has_a_number_of_its_own() -> None:
    assert len({cli.DONE, cli.FAILED, cli.WRONG_INPUT, cli.INTERRUPTED}) == 4


def test_apply_never_writes_over_a_file_unasked(tmp_path: Path, capsys: Output) -> None:
    sound = tmp_path / "take.wav"
    sound.write_bytes(b"the only recording")
    assert main(["apply", str(tmp_path), str(sound), "--out", str(sound)]) == 2
    assert "--force" in capsys.readouterr().err
    assert sound.read_bytes() == b"the only recording"


def test_an_interrupt_while_libraries_load_is_kept_and_not_swallowed() -> None:
    import os
    import signal

    from ddasp.apps.cli import _interrupt_kept

    passed = []

    def load() -> None:
        with _interrupt_kept():
            os.kill(os.getpid(), signal.SIGINT)
            passed.append("what stood here was not torn apart")

    with pytest.raises(KeyboardInterrupt):
        load()
    assert passed
