"""The sounds of a folder are found under names that can be shown and found again."""

import os

import pytest

from ddasp._errors import InputError
from ddasp.procedure.scan import inputs, real_path, scan, shown


def test_names_of_bytes_are_shown_and_found_again(tmp_path):
    raw = os.fsdecode(b"w\xff.wav")
    (tmp_path / raw).write_bytes(b"x")
    (tmp_path / r"w\xfe.wav").write_bytes(b"y")  # a name that only looks like it
    assert shown(raw) == r"w\xff.wav"
    assert real_path(tmp_path, r"w\xff.wav").read_bytes() == b"x"
    assert real_path(tmp_path, r"w\xfe.wav").read_bytes() == b"y"
    assert [file.is_odd for file in scan(tmp_path).files] == [False, True]


def test_a_run_folder_and_a_missing_folder_are_not_scanned(tmp_path):
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "runs" / "one" / "run.json").write_text("{}")
    (tmp_path / "runs" / "one" / "player.wav").touch()
    found = scan(tmp_path)
    assert not found.files
    assert found.ignored_counts() == {"a run of ddasp": 1}
    with pytest.raises(InputError, match="is no folder; expected one with sounds"):
        scan(tmp_path / "nowhere")


def test_inputs_are_files_and_the_sounds_of_folders(tmp_path):
    for name in ("sine.wav", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path, _ in inputs([tmp_path, tmp_path / "sine.wav"])] == [
        "sine.wav",
        "sine.wav",
    ]
    assert [path.name for path, _ in inputs([tmp_path / "nope.wav"])] == ["nope.wav"]
