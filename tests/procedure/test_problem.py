"""problem.toml: what it holds, and messages that name key, value, what is allowed, the nearest."""

import os

import numpy as np
import pytest

from ddasp._errors import InputError
from ddasp.procedure.guessing import Guess
from ddasp.procedure.problem import (
    FAMILY_NAMES,
    FEATURE_NAMES,
    Problem,
    from_source,
    load,
    name_of,
    parse,
    template,
)

FSDD = r"(?P<label>\d)_(?P<group>[a-z]+)_\d+"


def test_an_empty_file_is_a_problem_with_all_defaults():
    problem = parse("")
    assert problem == Problem()
    assert problem.kind == "multi-class"
    assert problem.measure == "accuracy"
    assert problem.preparation.features == FEATURE_NAMES
    assert set(FAMILY_NAMES) - set(problem.spot_check.families) == {"cnn"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[problem]\nkind = "multiclass"',
            r'\[problem\] kind = "multiclass": expected one of "binary", "multi-class", '
            r'"regression" - did you mean "multi-class"\?',
        ),
        (
            '[problem]\nmeasure = "acuracy"',
            r'measure = "acuracy": expected a measure for multi-class: accuracy, .*'
            r'did you mean "accuracy"\?',
        ),
        ('[problem]\nkind = "binary"\nmeasure = "mae"', "a measure for binary: accuracy"),
        ('[problem]\nmeasure = "cost"', r"expected a table \[problem.cost\] beside it"),
        ('[problem]\nuseful_from = "0.8"', 'useful_from = "0.8": expected a number'),
        ("[problem]\nuseful_from = nan", "useful_from = nan: expected a finite number"),
        ('[problem]\npositive = "a"', 'positive = "a": expected nothing, unless kind is "binary"'),
        ('[problem]\nkind = "regression"\ncost.a = { b = 1 }', "it belongs to classes"),
        ("[problem]\ncost.a = { b = -1 }", r"\[problem.cost.a\] b = -1: expected at least 0"),
        ("[sounds.window]\nlenght = 1.0", r'unknown key; expected one of length, hop.*"length"\?'),
        ("[sounds.window]\nlength = 0", r"\[sounds.window\] length = 0: expected more than 0"),
        ("[sounds.window]\nhop = 1.0", r"\[sounds.window\] length is missing"),
        ('[sounds]\nlabels = "foldr"', r'labels = "foldr": expected one of .*"folder"\?'),
        ('[sounds]\nlabels = "pattern"', 'labels = "pattern": expected the key pattern beside it'),
        ('[sounds]\ntracks = "csv"', r"expected a table \[sounds.window\] beside it"),
        ('[sounds]\nbackground = "x"', "expected tracks or a table beside it"),
        ("[sounds]\npattern = '(?P<label>a|b'", r"expected a regular expression \(missing \)"),
        ("[sounds]\npattern = '(a|b)_.*'", "a group named label, target or group"),
        ('[sounds]\npattern = "\\d"', "stand patterns between single quotes"),
        ('[preparation]\nfeatures = ["mfc"]', r'features = "mfc": expected one of .*"mfcc"\?'),
        ("[preparation]\nfeatures = []", r"features = \[\]: expected at least one entry"),
        ('[spot_check]\nfamilies = "svm"', r'families = "svm": expected a list of texts in \[ \]'),
        ("[spot_check]\ncap = 1.5", "cap = 1.5: expected a whole number"),
        ("[evaluation]\nsealed_share = 0.7", "sealed_share = 0.7: expected at most 0.5"),
        ("[evalution]\nplayers = 1", r'\[evalution\]: unknown table; .*"evaluation"\?'),
        ("problem = 3", "problem = 3: expected a table"),
        ("[run]\nseed = true", "seed = true: expected a whole number"),
    ],
)
def test_an_error_names_key_value_what_is_allowed_and_the_nearest_spelling(text, message):
    with pytest.raises(InputError, match=message) as caught:
        parse(text)
    assert caught.value.code == "E-PROBLEM"


def test_all_errors_are_listed_at_once():
    text = '[problem]\nknd = "binary"\nuseful_from = "x"\n[run]\nseed = -1\n[sonds]\na = 1'
    with pytest.raises(InputError, match=r"problem\.toml has 4 errors") as caught:
        parse(text)
    assert len(caught.value.message.splitlines()) == 5


def test_a_problem_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        parse("").run = None


@pytest.mark.parametrize("with_torch", [True, False])
@pytest.mark.parametrize(
    "found",
    [
        Guess(),
        Guess("pattern", "pattern", FSDD),
        Guess("folder:1", "folder", kind="binary"),
        Guess("table", "none", table='my "labels".csv', kind="regression"),
        Guess("tracks", "file", tracks="audacity"),
    ],
)
def test_the_template_is_valid_and_says_what_was_guessed(found, with_torch):
    text = template(
        found, folder="a\\b 'c'", notes=["3 files\nof 2 classes"], with_torch=with_torch
    )
    problem = parse(text)
    assert problem.kind == found.kind
    for key in ("labels", "group", "pattern", "table", "tracks"):
        assert getattr(problem.sounds, key) == getattr(found, key)
    assert problem.sounds.folder == "a\\b 'c'"
    assert ("cnn" in problem.spot_check.families) == with_torch
    assert problem.definition.question == ""


def test_the_template_comments_on_every_key():
    text = template()
    for table, field in Problem.model_fields.items():
        for key, inner in field.annotation.model_fields.items():
            words = str(inner.description).split()[:4]
            assert " ".join(words) in text.replace("\n# ", " "), f"{table}.{key}"


def test_costs_stand_in_the_order_of_the_classes():
    problem = parse("[problem]\ncost.b = { a = 7 }\ncost.c = { a = 2, b = 0 }")
    np.testing.assert_array_equal(
        problem.cost_matrix(["a", "b", "c"]), [[0, 1, 1], [7, 0, 1], [2, 0, 0]]
    )
    assert parse("").cost_matrix(["a", "b"]) is None


def test_named_classes_that_do_not_exist_are_found():
    problem = parse('[problem]\nkind = "binary"\npositive = "snor"\ncost.quite = { snore = 2 }')
    with pytest.raises(InputError, match=r'(?s)2 errors.*"snor".*"snore"\?.*"quite".*"quiet"\?'):
        problem.check_labels(["quiet", "snore"])
    with pytest.raises(InputError, match=r"kind = .binary.: expected .multi-class., for 3"):
        parse('[problem]\nkind = "binary"').check_labels(["a", "b", "c"])


def test_relative_paths_start_at_the_file(tmp_path):
    path = tmp_path / "problem.toml"
    path.write_bytes(b'\xef\xbb\xbf[sounds]\nfolder = "wav"\n')  # with the mark of some editors
    problem = load(path)
    assert problem.base == tmp_path
    assert problem.root == tmp_path / "wav"
    assert problem.to_json()["sounds"]["folder"] == "wav"


def test_a_missing_file_and_one_that_is_no_text_are_named(tmp_path):
    with pytest.raises(InputError, match=r"E-PATH-MISSING: could not read .*ddasp init SOUNDS"):
        load(tmp_path / "problem.toml")
    (tmp_path / "latin.toml").write_bytes(b"# T\xfcr")
    with pytest.raises(InputError, match=r"latin.toml is no UTF-8 text"):
        load(tmp_path / "latin.toml")


def test_a_folder_is_taken_as_it_is_unless_it_holds_a_problem(tmp_path):
    for digit in "01":
        for name in ("ann", "bob"):
            for i in range(3):
                (tmp_path / f"{digit}_{name}_{i}.wav").touch()
    problem = from_source(tmp_path)
    assert problem.sounds.pattern == r"(?P<label>\d+)_(?P<group>[a-z]+)_\d+"
    assert problem.kind == "binary"
    assert problem.root == tmp_path / "."
    (tmp_path / "problem.toml").write_text("[run]\nseed = 7")
    assert from_source(tmp_path).run.seed == 7
    assert name_of(tmp_path) == name_of(tmp_path / "problem.toml") == tmp_path.name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[run]\nseed = " + "[" * 100_000, "nested too deeply"),
        ("[run]\nseed = 1" + "0" * 5000, "no valid TOML: Exceeds the limit"),
        ("[run]\n\n" + ".".join("a" * 20) + ".b = 1", "twenty parts or more in line 3"),
        ("[" + " . ".join(["'a'"] * 50_000) + "]", "twenty parts or more in line 1"),
        ("[run]\nseed = {" + '."x"' * 30_000 + " = 1}", "twenty parts or more in line 2"),
        ("#" * (2**20 + 1), "has 1.0 MiB; expected at most 1"),
    ],
)
def test_a_text_that_would_take_the_stack_or_the_memory_is_refused(text, message):
    with pytest.raises(InputError, match=f"E-PROBLEM: problem.toml .*{message}"):
        parse(text)


def test_a_pattern_and_a_sentence_may_have_many_dots():
    pattern = "(?P<label>...................................)"
    question = "e.g. a. b. c. or www.a.b.c.d.e.f.org?"
    found = parse(f"[problem]\nquestion = '{question}'\n[sounds]\npattern = '{pattern}'")
    assert (found.sounds.pattern, found.definition.question) == (pattern, question)


def test_a_pipe_or_a_huge_file_is_no_problem(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(InputError, match=r"E-PATH-TYPE: .*no regular file"):
        load(tmp_path / "pipe.toml")
    (tmp_path / "huge.toml").touch()
    os.truncate(tmp_path / "huge.toml", 2**31)
    with pytest.raises(InputError, match=r"E-PROBLEM: huge\.toml has 2048\.0 MiB"):
        load(tmp_path / "huge.toml")


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ("length = 4000.0", "window. length = 4000.0: expected .*at most 3600"),
        ("length = 9.0\nhop = 0.008", "hop = 0.008: expected at least 0.009"),
        ("length = 0.1\nhop = 1e-4", "hop = 0.0001: expected at least 0.001"),
    ],
)
def test_windows_move_and_end(window, message):
    with pytest.raises(InputError, match=message):
        parse(f"[sounds.window]\n{window}")
