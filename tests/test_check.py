"""The shared checks keep what is right and name what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ddasp._check import in_range, matrix, one_of, signal_1d, signal_2d
from ddasp._errors import InputError


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_in_is_dtype_out(dtype: type) -> None:
    assert signal_1d(np.zeros(3, dtype)).dtype == dtype
    assert signal_2d(np.zeros((3, 2), dtype)).dtype == dtype
    assert matrix(np.zeros((3, 2), dtype)).dtype == dtype


def test_other_floats_become_float64() -> None:
    assert signal_1d(np.zeros(3, np.float16)).dtype == np.float64


def test_a_right_array_is_passed_on_without_a_copy() -> None:
    x = np.zeros(4)
    assert signal_1d(x) is x


def test_one_channel_becomes_one_column() -> None:
    assert signal_2d(np.zeros(5)).shape == (5, 1)


def test_integers_of_a_file_are_refused_with_the_likely_cause() -> None:
    with pytest.raises(InputError, match=r"int16; expected float.*2\*\*\(bits - 1\)"):
        signal_1d(np.zeros(3, np.int16))


def test_text_is_refused() -> None:
    with pytest.raises(InputError, match="expected float"):
        signal_1d(np.array(["a"]))


def test_two_channels_are_refused_where_one_is_expected() -> None:
    with pytest.raises(InputError, match=r"\(3, 2\); expected \(n_samples,\)"):
        signal_1d(np.zeros((3, 2)))


def test_a_transposed_signal_is_suspected() -> None:
    with pytest.raises(InputError, match="is it transposed"):
        signal_2d(np.zeros((2, 48000)))


def test_three_dimensions_are_no_signal() -> None:
    with pytest.raises(InputError, match=r"expected \(n_samples, n_channels\)"):
        signal_2d(np.zeros((2, 2, 2)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(bad: float) -> None:
    with pytest.raises(InputError, match="NaN or infinity"):
        signal_1d([0.0, bad])
    with pytest.raises(InputError, match="NaN or infinity"):
        signal_2d([[0.0, bad]])
    with pytest.raises(InputError, match="NaN or infinity"):
        matrix([[0.0, bad]])


def test_an_integer_matrix_becomes_float64() -> None:
    X = matrix([[1, 2], [3, 4]])
    assert X.dtype == np.float64
    assert_array_equal(X, [[1.0, 2.0], [3.0, 4.0]])


def test_one_observation_as_a_vector_is_told_what_to_do() -> None:
    with pytest.raises(InputError, match=r"x\[np\.newaxis, :\]"):
        matrix([1.0, 2.0])


def test_the_argument_is_called_by_its_name() -> None:
    with pytest.raises(InputError, match="impulse_response has"):
        signal_1d(np.zeros((1, 1)), "impulse_response")


def test_a_range_includes_its_ends() -> None:
    assert in_range(0, "gain", 0, 1) == 0.0
    assert in_range(1, "gain", 0, 1) == 1.0


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_what_lies_outside_a_range_is_refused_with_unit_and_hint(value: float) -> None:
    with pytest.raises(InputError, match=r"gain is .* dB; expected 0 to 1 - linear or decibels\?"):
        in_range(value, "gain", 0, 1, unit="dB", hint="linear or decibels?")


def test_the_nearest_word_is_proposed() -> None:
    assert one_of("hann", "window", ("hann", "hamming")) == "hann"
    with pytest.raises(InputError, match="expected one of hann, hamming - did you mean 'hann'"):
        one_of("han", "window", ("hann", "hamming"))
    with pytest.raises(InputError, match=r"expected one of hann, hamming$"):
        one_of("xyz", "window", ("hann", "hamming"))
