"""Labels and groups are read as the problem says; windows get the label that covers them."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddasp._errors import InputError
from ddasp.procedure import labels
from ddasp.procedure.labels import (
    Labeller,
    Segment,
    read_table,
    read_track,
    typos,
    window_labels,
)
from ddasp.procedure.problem import parse


def labeller(text, base=None):
    problem = parse(text)
    return Labeller(problem.sounds, kind=problem.kind, base=base or problem.base)


@pytest.mark.parametrize(
    ("text", "label", "group"),
    [
        ("", "yes", ""),
        ('[sounds]\nlabels = "folder:2"\ngroup = "folder:1"', "yes", "lab"),
        ("[sounds]\npattern = '(?P<group>[a-z]+)\\d'", "yes", "ann"),
        ("[sounds]\npattern = '(?P<group>\\w+)/(?P<label>\\w+)/.*'", "yes", "lab"),
        ('[sounds]\ngroup = "file"', "yes", "lab/yes/ann1.wav"),
    ],
)
def test_label_and_group_come_from_where_the_problem_says(text, label, group):
    found = labeller(text).of("lab/yes/ann1.wav")
    assert (found.label, found.group, found.missing) == (label, group, "")


def test_what_has_no_label_says_why():
    assert "in no folder" in labeller("").of("a.wav").missing
    with_pattern = labeller("[sounds]\npattern = '(?P<label>\\d)_.*'")
    assert "does not match its name" in with_pattern.of("x/one_2.wav").missing


def test_a_regression_reads_numbers_with_point_or_comma(tmp_path):
    (tmp_path / "t.csv").write_text("\ufefffile\ttarget\nx/a.wav\t0,25\nb.wav\tlong\n")
    text = '[problem]\nkind = "regression"\n[sounds]\ntable = "t.csv"'
    found = labeller(text, tmp_path)
    assert found.of("x/a.wav").target == 0.25
    assert "'long' is no number" in found.of("b.wav").missing
    assert "no row" in found.of("c.wav").missing
    named = "[problem]\nkind = 'regression'\n[sounds]\npattern = '.*_(?P<target>[\\d.]+)ms'"
    assert labeller(named).of("decay_12.5ms.wav").target == 12.5


def test_a_table_without_the_needed_columns_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("files,label\na.wav,x\n")
    with pytest.raises(InputError, match=r'columns files, label; expected "file".*"files" meant'):
        labeller('[sounds]\ntable = "t.csv"', tmp_path)
    (tmp_path / "t.csv").write_text("")
    with pytest.raises(InputError, match=r"t.csv is empty"):
        labeller('[sounds]\ntable = "t.csv"', tmp_path)
    (tmp_path / "t.csv").write_text("file,label\na.wav,x\n")
    with pytest.raises(InputError, match=r"group shall come from the table, which names file, lab"):
        labeller('[sounds]\ntable = "t.csv"\ngroup = "table"', tmp_path)


def test_files_of_the_table_that_are_not_there_are_known(tmp_path):
    (tmp_path / "t.csv").write_text("file,label\nx\\a.wav,x\ngone.wav,y\n")
    found = labeller('[sounds]\ntable = "t.csv"', tmp_path)
    assert found.of("x/a.wav").label == "x"
    assert found.unused() == ["gone.wav"]


def test_two_rows_of_a_table_that_contradict_each_other_give_no_label(tmp_path):
    (tmp_path / "t.csv").write_text("file,label\na.wav,x\na.wav,y\nb.wav,x\nb.wav,x\n")
    found = labeller('[sounds]\ntable = "t.csv"', tmp_path)
    assert found.of("a.wav").missing == "t.csv gives it 'x' and 'y'"
    assert found.of("b.wav").label == "x"


def test_an_audacity_track_is_read_and_spectral_lines_are_skipped(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("0.5\t1.25\tdog\n\\\t100.0\t200.0\n2,0\t2,5\tcat \n")
    assert read_track(path) == [Segment(0.5, 1.25, "dog"), Segment(2.0, 2.5, "cat")]
    path.write_text("0.5\tlate\tdog\n")
    with pytest.raises(InputError, match=r"E-LABEL: entry 1 of a.txt is '0.5', 'late', 'dog'"):
        read_track(path)
    with pytest.raises(InputError, match="no label track beside it"):
        read_track(tmp_path / "b.txt")


def test_a_window_has_the_label_that_covers_more_than_half_of_it():
    track = [Segment(0.0, 0.6, "a"), Segment(0.6, 1.5, "b"), Segment(3.0, 3.4, "a")]
    start = np.arange(4.0)
    assert window_labels(start, start + 1, track) == ["a", "", "", ""]
    assert window_labels(start, start + 1, track, background="-") == ["a", "-", "-", "-"]


def test_overlapping_entries_of_one_label_count_once_and_a_tie_has_no_label():
    track = [Segment(0.0, 0.4, "a"), Segment(0.2, 0.4, "a"), Segment(0.3, 0.45, "a")]
    assert window_labels([0.0], [1.0], track) == [""]
    both = [Segment(0.0, 1.0, "a"), Segment(0.0, 1.0, "b")]
    assert window_labels([0.0], [1.0], both, background="-") == [""]
    assert window_labels([0.0, 1.0], [1.0, 2.0], []) == ["", ""]


@given(
    st.lists(
        st.tuples(st.floats(0, 9), st.floats(0, 3), st.sampled_from("ab")), min_size=1, max_size=8
    )
)
def test_window_labels_agree_with_counting_on_a_fine_grid(entries):
    track = [Segment(a, a + length, label) for a, length, label in entries]
    grid = np.arange(0.0005, 1.0, 0.001)
    start = np.arange(10.0)
    for window, label in zip(start, window_labels(start, start + 1, track), strict=True):
        share = {
            name: np.mean(
                np.any([(window + grid > s.start) & (window + grid < s.stop)
                        for s in track if s.label == name] or [grid < 0], axis=0)
            )
            for name in "ab"
        }  # fmt: skip
        if label:
            assert share[label] >= max(share.values()) - 0.01
            assert share[label] > 0.49
        elif abs(share["a"] - share["b"]) > 0.01:
            assert max(share.values()) < 0.51


def test_slips_of_the_hand_are_found_and_numbers_and_short_words_are_not():
    names = [
        "dog",
        "Dog",
        "snare",
        "snrae",
        "snares",
        "kick1",
        "kick2",
        "cat",
        "cut",
        "kit a",
        "kit b",
    ]
    assert typos(names) == [("Dog", "dog"), ("snare", "snares"), ("snare", "snrae")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('file,label\na.wav,"hum\nb.wav,hiss\n', "line 3 of t.csv.*is a quote missing"),
        ('file,label\na.wav,"hum" loud\n', "line 2 of t.csv can't be read"),
        ("file,label,group\na.wav,hum, loud,anna\n", "line 2 of t.csv has 4 cells; expected 3"),
        ("file,label,Label\na.wav,hum,hiss\n", "column 'label' twice"),
        (" , \na.wav,hum\n", "is empty"),
        ("file,label\na.wav," + "x" * 200_000, "line 2 of t.csv can't be read: field larger"),
    ],
)
def test_a_table_that_could_be_misread_is_refused_with_the_line(text, message, tmp_path):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=f"E-LABEL: .*{message}"):
        read_table(tmp_path / "t.csv")


def test_a_table_keeps_what_stands_in_quotes_and_rare_line_ends(tmp_path):
    text = 'file,label,\n"a\nb.wav",h\u2028u\x0bm,\n\nc.wav\n'
    (tmp_path / "t.csv").write_text(text, newline="")
    assert read_table(tmp_path / "t.csv") == [
        {"file": "a\nb.wav", "label": "h\u2028u\x0bm"},
        {"file": "c.wav", "label": ""},
    ]


def test_a_table_or_track_is_bounded(tmp_path, monkeypatch):
    (tmp_path / "t.csv").write_text("file,label\n" + "a.wav,hum\n" * 3)
    (tmp_path / "t.txt").write_text("0\t1\thum\n" * 3)
    monkeypatch.setattr(labels, "MOST_CELLS", 5)
    with pytest.raises(InputError, match="more than 5 cells"):
        read_table(tmp_path / "t.csv")
    monkeypatch.setattr(labels, "MOST_ENTRIES", 2)
    with pytest.raises(InputError, match="more than 2 entries"):
        read_track(tmp_path / "t.txt")
    monkeypatch.setattr(labels, "MOST_BYTES", 10)
    with pytest.raises(InputError, match="MiB; expected at most"):
        read_table(tmp_path / "t.csv")


def test_a_pipe_is_no_table_and_nothing_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(InputError, match=r"E-PATH-TYPE: t\.csv is no regular file"):
        read_table(tmp_path / "t.csv")


def test_a_label_of_audacity_may_hold_tabs_and_rare_line_ends(tmp_path):
    (tmp_path / "t.txt").write_text("0\t1\tone\ttwo\x0bthree\n", newline="")
    assert read_track(tmp_path / "t.txt") == [Segment(0, 1, "one\ttwo\x0bthree")]


def test_segments_without_a_column_of_labels_are_refused(tmp_path):
    (tmp_path / "t.csv").write_text("file,start,stop\na.wav,0,1\n")
    found = labeller('[sounds]\ntable = "t.csv"\nwindow.length = 1.0', tmp_path)
    with pytest.raises(InputError, match=r"entry 1 of t\.csv is '0', '1', ''"):
        found.track("a.wav", tmp_path / "a.wav")


def test_a_number_is_one_that_people_write(tmp_path):
    (tmp_path / "t.csv").write_text("file,target\na.wav,1_000\nb.wav,1000\n")
    found = labeller('[problem]\nkind = "regression"\n[sounds]\ntable = "t.csv"', tmp_path)
    assert found.of("b.wav").target == 1000
    assert "'1_000' is no number" in found.of("a.wav").missing
