"""The sounds of a folder are found under names that can be shown and found again."""

import os
import subprocess
import sys

import pytest

from ddasp._errors import InputError
from ddasp.procedure.recordings import Task, bytes_digest, examine
from ddasp.procedure.scan import inputs, real_path, scan, shown


def test_names_of_bytes_are_shown_and_found_again(tmp_path):
    raw = os.fsdecode(b"w\xff.wav")
    (tmp_path / raw).write_bytes(b"x")
    (tmp_path / r"w\xfe.wav").write_bytes(b"y")  # a name that only looks like it
    assert shown(raw) == r"w\xff.wav"
    assert real_path(tmp_path, r"w\xff.wav").read_bytes() == b"x"
    assert real_path(tmp_path, r"w\xfe.wav").read_bytes() == b"y"
    assert [file.is_odd for file in scan(tmp_path).files] == [False, True]


def test_a_name_from_a_table_is_found_where_the_locale_has_no_letter_for_it(tmp_path):
    (tmp_path / "ü.wav").write_bytes(b"x")
    look = "import sys; from ddasp.procedure.scan import *; from pathlib import Path; "
    look += "print(real_path(Path(sys.argv[1]), '\\u00fc.wav').read_bytes())"
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", look, str(tmp_path)]
    found = subprocess.run(command, env=os.environ | plain, capture_output=True, text=True)
    assert found.stdout == "b'x'\n", found.stderr


def test_a_run_folder_and_a_missing_folder_are_not_scanned(tmp_path):
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "runs" / "one" / "run.json").write_text("{}")
    (tmp_path / "runs" / "one" / "player.wav").touch()
    found = scan(tmp_path)
    assert not found.files
    assert found.ignored_counts() == {"a run of ddasp": 1}
    with pytest.raises(InputError, match="is no folder; expected one with sounds"):
        scan(tmp_path / "nowhere")


def test_a_link_that_leads_to_itself_is_found_like_one_that_leads_nowhere(tmp_path):
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    (tmp_path / "there.wav").symlink_to("back.wav")
    (tmp_path / "back.wav").symlink_to("there.wav")
    found = scan(tmp_path)
    assert [file.shown for file in found.files] == ["back.wav", "loop.wav", "there.wav"]
    for file in found.files:
        assert examine(Task(file.path, str(tmp_path))).code == "E-PATH-MISSING"
        assert bytes_digest(file.path, str(tmp_path)) == ""


def test_inputs_are_files_and_the_sounds_of_folders(tmp_path):
    for name in ("sine.wav", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path, _ in inputs([tmp_path, tmp_path / "sine.wav"])] == [
        "sine.wav",
        "sine.wav",
    ]
    assert [path.name for path, _ in inputs([tmp_path / "nope.wav"])] == ["nope.wav"]
