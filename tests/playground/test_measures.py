"""Measures against counts on paper, plain loops and drawn data whose truth is known."""

import json
import math

import numpy as np
import pytest

from ddasp._errors import InputError
from ddasp.nonlinear import mlp_numpy
from ddasp.nonlinear.spec import ModelSpec, initial_parameters
from ddasp.playground.knowing.measures import (
    activate,
    band,
    decided,
    group_codes,
    measure,
    misclassified,
    observation_losses,
    probabilities,
    wilson,
)

OUTPUTS = np.array([[0.9], [-0.5], [0.2], [-0.1], [0.6], [-1.0]])
Y = np.array([1, 0, 0, 1, 1, 0])
SETS = np.array([0, 0, 0, 0, 2, 2])


def test_accuracy_and_confusion_are_those_counted_on_paper() -> None:
    found = measure(OUTPUTS, Y, SETS, activation="tanh", n_classes=2)
    train = found["accuracy"]["train"]
    assert (train["value"], train["n"], train["right"]) == (0.5, 4, 2)
    # rows true, columns decided: of class 0 one right and one taken for 1, of class 1 likewise
    assert found["confusion"]["train"] == [[1, 1], [1, 1]]
    assert found["confusion"]["test"] == [[1, 0], [0, 1]]
    assert found["wrong_count"] == {"train": 2, "validation": 0, "test": 0}


def test_confusion_has_the_true_class_in_its_rows() -> None:
    found = measure([[-0.9]], [1], [0], activation="tanh", n_classes=2)
    assert found["confusion"]["train"] == [[0, 0], [1, 0]]


def test_a_set_without_points_has_no_measures() -> None:
    found = measure(OUTPUTS, Y, SETS, activation="tanh", n_classes=2)
    for what in ("accuracy", "confusion", "calibration"):
        assert found[what]["validation"] is None


def test_more_classes_are_counted_by_the_largest_output() -> None:
    p = np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7]])
    found = measure(p, [1, 2, 2], [2, 2, 2], activation="softmax", n_classes=3)
    assert found["confusion"]["test"] == [[0, 0, 0], [0, 1, 0], [1, 0, 1]]
    assert found["accuracy"]["test"]["value"] == pytest.approx(2 / 3)


def test_everything_that_comes_out_is_json_even_when_outputs_are_not_finite() -> None:
    outputs = OUTPUTS.copy()
    outputs[2] = np.nan
    text = json.dumps(measure(outputs[:, :1], Y, SETS, activation="linear", n_classes=0))
    assert "NaN" not in text
    found = measure(OUTPUTS, Y, SETS, activation="tanh", n_classes=2)
    json.loads(json.dumps(found, allow_nan=False))


def test_the_tanh_output_is_read_as_half_of_one_plus_itself() -> None:
    np.testing.assert_allclose(probabilities(OUTPUTS, "tanh")[:, 1], (1 + OUTPUTS[:, 0]) / 2)
    np.testing.assert_array_equal(decided(OUTPUTS, "tanh"), [1, 0, 1, 0, 1, 0])
    np.testing.assert_array_equal(decided([[0.4], [0.5]], "sigmoid"), [0, 1])
    words = measure(OUTPUTS, Y, SETS, activation="tanh", n_classes=2)["calibration_words"]
    assert "(1 + ŷ) / 2" in words


def test_probabilities_of_a_linear_output_are_refused() -> None:
    with pytest.raises(InputError, match="is this regression"):
        probabilities([[0.1]], "linear")


def test_lengths_that_differ_are_named() -> None:
    with pytest.raises(InputError, match="outputs has 1 rows, y 2 and sets 2"):
        measure([[0.1]], [0, 1], [0, 0], activation="tanh", n_classes=2)


def test_wilson_solves_its_quadratic_and_stays_inside() -> None:
    for share, n in ((0.0, 5), (0.5, 40), (0.93, 150), (1.0, 1)):
        low, high = wilson(share, n)
        assert 0 <= low <= share <= high <= 1
        for bound in (low, high):
            if 0 < bound < 1:
                z2 = 1.959963984540054**2
                assert (share - bound) ** 2 == pytest.approx(z2 * bound * (1 - bound) / n)
    assert wilson(0.5, 0) == (0.0, 1.0)


def test_intervals_of_grouped_points_are_as_wide_as_their_groups_ask() -> None:
    rng = np.random.default_rng(0)
    covered = plain = 0
    n_groups, size = 12, 15
    for _ in range(300):
        p = rng.beta(6, 2, n_groups)  # every group has a share of its own, 0.75 in the mean
        right = rng.random((n_groups, size)) < p[:, np.newaxis]
        outputs = np.where(right.ravel(), 0.5, -0.5)[:, np.newaxis]
        groups = np.repeat(np.arange(n_groups), size)
        kwargs = {"activation": "tanh", "n_classes": 2}
        y, sets = np.ones(len(groups), int), np.zeros(len(groups), int)
        grouped = measure(outputs, y, sets, groups=groups, **kwargs)["accuracy"]["train"]
        alone = measure(outputs, y, sets, **kwargs)["accuracy"]["train"]
        covered += grouped["low"] <= 0.75 <= grouped["high"]
        plain += alone["low"] <= 0.75 <= alone["high"]
    assert covered / 300 > 0.88
    assert plain / 300 < 0.85  # what it would claim without groups


def test_r2_is_one_minus_what_is_left_over_what_there_was() -> None:
    rng = np.random.default_rng(1)
    y, predicted = rng.normal(size=60), rng.normal(size=(60, 1))
    sets = np.arange(60) % 3
    found = measure(predicted, y, sets, activation="linear", n_classes=0)["r2"]
    for code, name in enumerate(("train", "validation", "test")):
        on = sets == code
        left = ((y[on] - predicted[on, 0]) ** 2).sum()
        assert found[name] == pytest.approx(1 - left / ((y[on] - y[on].mean()) ** 2).sum())
    assert measure([[0.0]], [1.0], [0], activation="linear", n_classes=0)["r2"]["train"] is None


def test_calibration_of_honest_probabilities_is_small_and_of_boasting_ones_large() -> None:
    rng = np.random.default_rng(2)
    p = rng.random(20_000)
    y = (rng.random(20_000) < p).astype(int)
    sets = np.zeros(20_000, int)
    honest = measure(p[:, np.newaxis], y, sets, activation="sigmoid", n_classes=2)["calibration"]
    assert honest["train"]["error"] < 0.02
    sure = np.where(p > 0.5, 0.99, 0.01)[:, np.newaxis]
    boasting = measure(sure, y, sets, activation="sigmoid", n_classes=2)["calibration"]["train"]
    # in the upper half 3 of 4 are of class 1, and 0.99 was said
    assert boasting["error"] == pytest.approx(0.24, abs=0.02)
    assert sum(one["n"] for one in honest["train"]["bins"]) == 20_000


def test_bins_hold_what_a_plain_loop_puts_into_them() -> None:
    rng = np.random.default_rng(3)
    p = rng.dirichlet([1, 1, 1], 400)
    y, sets = rng.integers(0, 3, 400), rng.integers(0, 3, 400)
    found = measure(p, y, sets, activation="softmax", n_classes=3)["calibration"]
    for code, name in enumerate(("train", "validation", "test")):
        error = 0.0
        for one in found[name]["bins"]:
            rows = [
                i for i in range(400) if sets[i] == code and one["low"] <= p[i].max() < one["high"]
            ]
            assert one["n"] == len(rows)
            if rows:
                said = np.mean([p[i].max() for i in rows])
                came = np.mean([p[i].argmax() == y[i] for i in rows])
                assert one["probability"] == pytest.approx(said)
                assert one["share"] == pytest.approx(came)
                assert one["interval"] == wilson(came, len(rows))
                error += len(rows) / (sets == code).sum() * abs(said - came)
        assert found[name]["error"] == pytest.approx(error)


def test_a_probability_of_one_stands_in_the_last_bin() -> None:
    found = measure([[1.0]], [1], [0], activation="sigmoid", n_classes=2)["calibration"]["train"]
    assert found["bins"][-1]["n"] == 1
    assert found["error"] == 0


def plain_band(
    losses: np.ndarray, groups: np.ndarray | None, n_boot: int, seed: int
) -> list[float]:
    """The same resamples, unit by unit."""
    units = np.arange(len(losses)) if groups is None else groups
    names = np.unique(units)
    rng = np.random.default_rng((seed, 11, len(names)))
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=n_boot)
    means = []
    for row in counts:
        total = n = 0.0
        for name, times in zip(names, row, strict=True):
            of_unit = losses[units == name]
            total += times * of_unit.sum()
            n += times * len(of_unit)
        means.append(total / n)
    return [float(np.quantile(means, q)) for q in (0.025, 0.975)]


def test_the_band_is_that_of_a_plain_loop_over_the_same_resamples() -> None:
    rng = np.random.default_rng(4)
    losses, groups = rng.gamma(1.0, size=90), rng.integers(0, 9, 90)
    np.testing.assert_allclose(band(losses), plain_band(losses, None, 200, 0))
    np.testing.assert_allclose(band(losses, groups), plain_band(losses, groups, 200, 0))
    assert band(losses) == band(losses)
    assert band(losses, seed=1) != band(losses)


def test_the_band_holds_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    covered = sum(
        low <= 1.0 <= high for low, high in (band(rng.gamma(2.0, 0.5, 150)) for _ in range(400))
    )
    assert 0.91 <= covered / 400 <= 0.98


def test_a_band_of_groups_knows_that_a_group_stands_or_falls_together() -> None:
    rng = np.random.default_rng(6)
    covered = plain = 0
    for _ in range(300):
        shared = np.repeat(rng.gamma(2.0, 0.5, 25), 8)
        losses = shared * rng.uniform(0.8, 1.2, 200)
        groups = np.repeat(np.arange(25), 8)
        low, high = band(losses, groups)
        covered += low <= 1.0 <= high
        low, high = band(losses)
        plain += low <= 1.0 <= high
    assert covered / 300 > 0.86
    assert plain / 300 < 0.7


def test_nothing_to_resample_has_no_band() -> None:
    assert all(math.isnan(bound) for bound in band([]))
    assert all(math.isnan(bound) for bound in band([1.0, math.inf]))
    assert band([0.25] * 7) == (0.25, 0.25)


def test_the_surest_mistake_comes_first() -> None:
    found = misclassified(OUTPUTS, Y, SETS, activation="tanh")
    assert [(one["index"], one["label"], one["decided"]) for one in found] == [(2, 0, 1), (3, 1, 0)]
    assert [one["probability"] for one in found] == pytest.approx([0.6, 0.55])
    assert misclassified(OUTPUTS, Y, SETS, activation="tanh", which=2) == []
    assert len(misclassified(OUTPUTS, Y, SETS, activation="tanh", most=1)) == 1


@pytest.mark.parametrize(
    ("loss", "last", "k"),
    [
        ("squared_error", "tanh", 1),
        ("squared_error", "linear", 2),
        ("squared_error", "sigmoid", 1),
        ("squared_error", "relu", 1),
        ("binary_cross_entropy", "sigmoid", 1),
        ("categorical_cross_entropy", "softmax", 3),
    ],
)
def test_the_mean_of_the_losses_is_the_engines_loss(loss: str, last: str, k: int) -> None:
    rng = np.random.default_rng(7)
    spec = ModelSpec((2, 3, k), ("tanh", last), loss)
    model = mlp_numpy.build(spec, initial_parameters(spec, rng))
    X = rng.normal(size=(40, 2))
    y = rng.integers(0, 3, 40) if loss[0] == "c" else rng.integers(0, 2, (40, k)).astype(float)
    z = mlp_numpy.logits(model, X)
    each = observation_losses(spec, z, y)
    assert each.shape == (40,)
    assert each.mean() == pytest.approx(mlp_numpy.loss(model, X, y), rel=1e-13)
    stacked = observation_losses(spec, np.stack([z, 2 * z]), y)
    np.testing.assert_allclose(stacked[0], each, rtol=1e-13)
    np.testing.assert_allclose(activate(last, z), mlp_numpy.predict(model, X), rtol=1e-13)


def test_losses_of_huge_logits_stay_finite() -> None:
    spec = ModelSpec((1, 1), ("sigmoid",), "binary_cross_entropy")
    np.testing.assert_allclose(observation_losses(spec, [[800.0], [-800.0]], [0.0, 0.0]), [800, 0])


def test_groups_become_codes() -> None:
    np.testing.assert_array_equal(group_codes(("b", "a", "b")), [1, 0, 1])
