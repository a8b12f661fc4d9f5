"""Columns with names and units, and two of them that part the classes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.playground.points.sound_features import (
    SETS,
    column_names,
    columns_of,
    extracted,
    suggested,
)
from ddasp.procedure.features import FEATURE_SETS, extract


def test_columns_are_those_of_a_run_with_their_units():
    for key in SETS:
        about = FEATURE_SETS[key]
        names = column_names(key)
        assert len(names) == len(about.names)
        for name, bare, unit in zip(names, about.names, about.units, strict=True):
            assert name.startswith(bare)
            assert name == bare if unit == "1" else name.endswith((f" / {unit}", f" / ({unit})"))


def test_all_are_levels_descriptors_and_the_means_of_the_cepstrum():
    names = column_names("all")
    assert names[:13] == column_names("levels")
    assert names[13:57] == column_names("descriptors")
    assert names[57:] == tuple(f"c{i}, mean / dB" for i in range(13))
    assert len(set(names)) == len(names)


def test_names_can_stand_in_settings():
    for name in column_names("all"):
        assert name.isprintable()
        assert len(name) < 80


def test_features_are_those_that_a_run_extracts():
    x = np.random.default_rng(0).normal(size=6000) * 0.1
    tables = extracted([x, 0.5 * x], 8000)
    run = extract(x, 8000, SETS)
    for key in SETS:
        assert_array_equal(tables[key][0], run[key][0])  # variant 0: the sound as it is
        assert_array_equal(columns_of(tables, key), tables[key])
    both = columns_of(tables, "all")
    assert both.shape == (2, 70)
    assert_allclose(both[1, 0] - both[0, 0], -6.02, atol=0.01)  # RMS


def test_an_unknown_set_is_refused():
    with pytest.raises(InputError, match=r"featureSet is 'mfc'; .* did you mean 'mfcc'"):
        column_names("mfc")
    with pytest.raises(InputError, match="featureSet is 'logmel'"):
        column_names("logmel")


# ---- the two to begin with -------------------------------------------------------------------


def data(n=300, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    a = 4 * y + rng.normal(size=n)  # parts them best
    b = -3 * a + 0.5 * rng.normal(size=n)  # the same thing again
    c = np.where(y == 1, 2.0, 0.0) + rng.normal(size=n)  # parts them a little
    return np.column_stack([rng.normal(size=n), b, c, a, np.full(n, 7.0)]), y


def test_the_best_column_and_the_best_of_those_unlike_it():
    X, y = data()
    assert suggested(X, y, "classification") == (2, 3)


def test_the_criterion_is_between_to_within_class_variance():
    X, y = data()
    ratio = []
    for x in X[:, :4].T:
        within = np.mean([(v - x[y == k].mean()) ** 2 for v, k in zip(x, y, strict=True)])
        between = np.mean([(x[y == k].mean() - x.mean()) ** 2 for k in y])
        ratio.append(between / within)
    assert int(np.argmax(ratio)) == 3
    best_of_others = max((0, 2), key=lambda j: ratio[j])
    assert suggested(X, y, "classification") == tuple(sorted((3, best_of_others)))


def test_scale_and_offset_of_columns_do_not_matter():
    X, y = data()
    scaled = X * [1e-6, 1e3, 1e5, 1e-3, 1] + [5, -7, 1e4, 0, 0]
    assert suggested(scaled, y, "classification") == (2, 3)


def test_for_targets_the_columns_that_explain_them():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 4))
    y = 3 * X[:, 2] - X[:, 0] + 0.1 * rng.normal(size=200)
    assert suggested(X, y, "regression") == (0, 2)


def test_there_are_always_two_different_columns():
    X, y = data(40)
    assert suggested(np.zeros((40, 3)), y, "classification") == (0, 1)
    assert suggested(np.column_stack([X[:, 3], 2 * X[:, 3]]), y, "classification") == (0, 1)
    assert suggested(X[:1], y[:1], "classification") == (0, 1)
