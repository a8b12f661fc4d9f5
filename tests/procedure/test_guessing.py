"""Label and group are guessed from tables, label tracks, folders and names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddasp.procedure.guessing import guess, guess_names

DIGITS = [
    f"recordings/{d}_{name}_{i}.wav"
    for d in range(10)
    for name in ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    for i in range(5)
]
DRUMS = [
    f"{voice}/kit{kit}_{i:02d}.wav"
    for voice in ("kick", "snare", "clap")
    for kit in "ABCD"
    for i in range(1, 6)
]


def test_digits_and_speakers_are_guessed_from_the_names():
    found = guess_names(DIGITS)
    assert (found.labels, found.group) == ("pattern", "pattern")
    assert found.pattern == r"(?P<label>\d+)_(?P<group>[a-z]+)_\d+"


def test_voices_are_guessed_from_folders_and_kits_from_names():
    found = guess_names(DRUMS)
    assert (found.labels, found.group) == ("folder", "pattern")
    match = re.fullmatch(found.pattern, "kitA_03")
    assert match["group"] == "kitA"


@pytest.mark.parametrize(
    ("shape", "labels", "group"),
    [
        ("{label}/{speaker}/{i}.wav", "folder:1", "folder"),
        ("spk{n}/{label}/{i}.wav", "folder", "folder:1"),
        ("train/{label}/{i}.wav", "folder", "none"),
        ("{label}/{i}.wav", "folder", "none"),
        ("{label}{i}.wav", "pattern", "none"),
        ("{label}/{speaker}_nohash_{i}.wav", "folder", "pattern"),
        ("spk{n}-{label}-{i}.wav", "pattern", "pattern"),
        ("{i}{speaker}{label}.wav", "folder", "none"),
        ("take {i}.wav", "folder", "none"),
    ],
)
def test_common_shapes_of_folders_are_guessed(shape, labels, group):
    paths = [
        shape.format(label=label, speaker=speaker, n=n, i=i)
        for label in ("yes", "no", "stop")
        for n, speaker in enumerate(("0a7c2a8d", "1f3de5b0", "ann"))
        for i in range(6)
    ]
    found = guess_names(sorted(set(paths)))
    assert (found.labels, found.group) == (labels, group)


@given(st.lists(st.text(alphabet="ab01_- ./é", min_size=1, max_size=12), max_size=30))
def test_a_guess_never_fails_and_its_pattern_compiles(names):
    found = guess_names([name.strip("/") + ".wav" for name in names])
    re.compile(found.pattern)


def test_a_table_with_labels_comes_before_names(tmp_path):
    (tmp_path / "meta.csv").write_text("file;label;group\na.wav;x;g\nb.wav;y;h\n")
    found = guess(tmp_path, ["a.wav", "b.wav"])
    assert (found.labels, found.group, found.table, found.kind) == (
        "table", "table", "meta.csv", "binary",
    )  # fmt: skip


def test_label_tracks_beside_the_sounds_are_seen(tmp_path):
    (tmp_path / "night.txt").write_text("0.0\t1.5\tsnore\n")
    found = guess(tmp_path, ["night.wav"])
    assert (found.labels, found.tracks) == ("tracks", "audacity")
