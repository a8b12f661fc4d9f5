"""Tables of strangers' programs: read whatever is clear, refuse the rest with line and column."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from ddasp._errors import InputError
from ddasp.playground.datasets import DATASETS, Points, make
from ddasp.playground.points.own_points import edit
from ddasp.playground.points.own_table import read_csv, write_csv

FOUR = "1,2,a\n3,4,b\n5,6,a\n7,8,b\n"


def same(a, b):
    assert_array_equal(a.X, b.X)
    assert_array_equal(a.y, b.y)
    assert a.y.dtype == b.y.dtype
    assert (a.kind, a.classes, a.axes, a.domain, a.groups) == (
        b.kind, b.classes, b.axes, b.domain, b.groups,
    )  # fmt: skip


# ---- what is understood ----------------------------------------------------------------------


def test_without_a_heading_two_columns_are_the_plane_of_the_playground():
    points = read_csv(FOUR)
    assert points.axes == ("x₁", "x₂")
    assert points.domain == 6.0
    assert points.classes == ("a", "b")
    assert_array_equal(points.X, [[1, 2], [3, 4], [5, 6], [7, 8]])
    assert points.y.tolist() == [0, 1, 0, 1]
    assert points.y.dtype == np.int64


def test_a_heading_names_the_columns_and_the_map_follows_the_data():
    points = read_csv("pitch / Hz,length,vowel\n" + FOUR)
    assert points.axes == ("pitch / Hz", "length")
    assert points.domain is None


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_separators(mark):
    assert_array_equal(read_csv(FOUR.replace(",", mark)).X, read_csv(FOUR).X)


def test_decimal_commas_stand_between_semicolons_and_tabs():
    for mark in ";\t":
        text = FOUR.replace(",", mark).replace("1" + mark, "1,5e-3" + mark)
        assert read_csv(text).X[0, 0] == 0.0015


def test_marks_of_spreadsheets_do_no_harm():
    points = read_csv(
        '\ufeff"p","q","kind"\r\n\r\n1,2,"a, b"\r\n 3 ,4,c\r\n5,6,c\r\n7,8,c\r\n,,\r\n'
    )
    assert points.axes == ("p", "q")
    assert points.classes == ("a, b", "c")
    assert points.X[1, 0] == 3


def test_numbers_can_be_labels_in_the_order_of_numbers():
    points = read_csv("1,2,10\n3,4,-1\n5,6,9\n7,8,10\n")
    assert points.kind == "classification"
    assert points.classes == ("-1", "9", "10")
    assert points.y.tolist() == [2, 0, 1, 2]


def test_many_different_numbers_are_targets():
    text = "".join(f"{i},{i / 7!r}\n" for i in range(11))
    points = read_csv(text)
    assert points.kind == "regression"
    assert points.classes == ()
    assert points.axes == ("x",)
    assert points.y[3] == 3 / 7
    assert read_csv("".join(text.splitlines(True)[:10])).kind == "classification"
    assert read_csv(text, kind="classification").classes[:2] == ("0.0", repr(1 / 7))


def test_few_numbers_are_targets_when_the_heading_or_the_caller_says_so():
    text = "1,0.5\n2,1\n3,0.5\n4,1\n"
    assert read_csv("x,target\n" + text).kind == "regression"
    assert read_csv(text, kind="regression").y.tolist() == [0.5, 1, 0.5, 1]
    assert read_csv(text).kind == "classification"


def test_the_label_may_stand_first_and_groups_are_known_by_their_heading():
    points = read_csv("class,p,group,q\na,1,g,2\nb,3,g,4\na,5,h,6\nb,7,h,8\n")
    assert points.axes == ("p", "q")
    assert points.groups == ("g", "g", "h", "h")
    assert_array_equal(points.X[2], [5, 6])


def test_one_group_for_all_is_none():
    assert read_csv("p,group,label\n1,g,a\n2,g,b\n3,g,a\n4,g,b\n").groups is None


# ---- back without loss -----------------------------------------------------------------------


@pytest.mark.parametrize("key", DATASETS)
def test_every_data_set_comes_back_exactly(key):
    points = make(key, noise=35, seed=3)
    same(read_csv(write_csv(points), kind=points.kind), points)
    same(read_csv(write_csv(points)), points)


def test_painted_classes_keep_their_order_and_the_empty_one_its_place():
    points = edit(make("xor", n=10), add=[(0, 0, 3), (1, 1, "a, b")])
    assert points.classes == ("negative", "positive", "C", "D", "a, b")
    same(read_csv(write_csv(points)), points)


@given(
    st.lists(
        st.tuples(
            st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9),
            st.sampled_from(["snare", "kick", "7", "ü ß", 'a "b"', "c (d)"]),
        ),
        min_size=4, max_size=30,
    )
)  # fmt: skip
def test_any_numbers_and_names_come_back_exactly(rows):
    classes = tuple(dict.fromkeys(row[3] for row in rows))
    if len(classes) < 2:
        return
    points = Points(
        np.array([row[:3] for row in rows]),
        np.array([classes.index(row[3]) for row in rows]),
        "classification", classes, ("a", "b / (c/d)", "c, d"), None,
        tuple("gh"[i % 2] for i in range(len(rows))), None, "",
    )  # fmt: skip
    same(read_csv(write_csv(points)), points)


def test_a_name_with_the_mark_between_names_costs_the_order_only():
    points = replace(make("xor", n=10), classes=("z | z", "a"))
    again = read_csv(write_csv(points))
    assert again.classes == ("a", "z | z")
    assert_array_equal(again.y, 1 - points.y)


# ---- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the table is empty"),
        (" \n\n", "the table is empty"),
        ("1\n2\n3\n4\n", "line 1 has one column"),
        ("1,2,a\n3,4,b\n", "the table has 2 points; expected at least 4"),
        (FOUR + "9,b\n", "line 5 has 2 columns; expected 3 as in line 1"),
        ("1,5,2,a\n" + FOUR, "line 2 has 3 columns; expected 4 as in line 1 - .* decimal comma"),
        (FOUR + "\n\nx,2,a\n", "line 7, column x₁, is 'x'; expected a finite number"),
        ("p,q,r\n" + FOUR + "1,nan,a\n", "line 6, column q, is 'nan'"),
        (FOUR + "inf,1,a\n", "line 5, column x₁, is 'inf'"),
        (FOUR + "1,,a\n", "line 5, column x₂, is blank"),
        (FOUR + "1e400,1,a\n", "line 5, column x₁, is 1e400; expected at most 1e\\+09"),
        (FOUR + "1_0,1,a\n", "line 5, column x₁, is '1_0'"),
        (FOUR + "١,1,a\n", "line 5, column x₁"),
        (FOUR + "0x10,1,a\n", "line 5, column x₁"),
        (FOUR.replace("b", "a"), "all points have the label 'a'"),
        (FOUR + "1,2,\n", "line 5 has no label"),
        ("".join(f"{i},2,w{i}\n" for i in range(17)), "17 different labels; expected at most 16"),
        ("p,p,label\n" + FOUR, "two columns are called 'p'"),
        ("group,label\n" + "a,b\n" * 4, "no column of numbers"),
        ("p,q,r\n" + FOUR + '1,2,"a\nb"\n', "line 7 has the name"),
        ("1," * 65 + "a\n", "line 1 has 66 columns; expected at most 64"),
        ("1,2,a\n" * 5002, "more than 5,000 points"),
        ("1,2," + "a" * 241 + "\n" + FOUR, "expected a short printable one"),
        ("1,2,a\n3,4,b\n" * 200_000, "characters; expected at most 2,000,000"),
        ("1,2,\x00\n" + FOUR, "expected a short printable one|can't be read"),
        ('1,2,"' + "a" * 200_000 + '"\n', "line 1 can't be read|short printable"),
    ],
)
def test_errors_name_the_line(text, words):
    with pytest.raises(InputError, match=words):
        read_csv(text)


def test_words_are_no_targets():
    with pytest.raises(InputError, match="line 2, column target, is 'a'"):
        read_csv("p,q,target\n" + FOUR, kind="regression")


@given(st.text(alphabet='01.,;\t\n"ae-x', max_size=60) | st.text(max_size=40))
def test_any_text_is_read_or_refused_in_words(text):
    with contextlib.suppress(InputError):  # anything else is a fault
        assert np.isfinite(read_csv(text).X).all()
