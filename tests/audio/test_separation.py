"""SI-SDR, masks and what they do to a signal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ddasp._errors import InputError
from ddasp.audio.separation import apply_mask, ideal_ratio_mask, si_sdr
from ddasp.audio.stft import stft

RNG = np.random.default_rng(0)
S, N = RNG.standard_normal((2, 4000))


def test_si_sdr_on_paper():
    # <e, s> = 8, |s|^2 = |e|^2 = 9: cos^2 = 64/81, 64 to 17
    assert_allclose(si_sdr([1.0, 2, 2], [2.0, 1, 2]), 10 * np.log10(64 / 17), rtol=1e-14)


def test_orthogonal_noise_of_equal_power_is_0_dB():
    n = N - S * (N @ S) / (S @ S)
    n *= np.sqrt(S @ S / (n @ n))
    assert_allclose(si_sdr(S, S + n), 0.0, atol=1e-12)
    assert_allclose(si_sdr(S, S + 0.1 * n), 20.0, atol=1e-11)


@given(st.floats(1e-150, 1e150), st.sampled_from([-1, 1]))
def test_a_gain_changes_nothing(gain, sign):
    assert_allclose(si_sdr(S, sign * gain * (S + N)), si_sdr(S, S + N), rtol=1e-9)
    assert_allclose(si_sdr(gain * S, S + N), si_sdr(S, S + N), rtol=1e-9)


def test_the_ends_are_infinite():
    assert si_sdr(S, -3 * S) == np.inf
    assert si_sdr([1.0, 0.0], [0.0, 1.0]) == -np.inf
    assert si_sdr(S, 0 * S) == -np.inf


def test_a_silent_reference_and_other_lengths_are_refused():
    with pytest.raises(InputError, match="reference is silent"):
        si_sdr(0 * S, S)
    with pytest.raises(InputError, match=r"reference has 4000 samples, estimate 3999.*n_samples"):
        si_sdr(S, S[1:])


def test_masks_of_target_and_noise_share_the_power():
    A, B = stft(S, 256, 64), stft(N, 256, 64)
    M, W = ideal_ratio_mask(A, B), ideal_ratio_mask(B, A)
    assert_allclose(M**2 + W**2, 1.0, rtol=1e-12)
    assert_allclose(ideal_ratio_mask(A, B, exponent=1.0), M**2, rtol=1e-12)
    assert_allclose(ideal_ratio_mask(1e3 * A, 1e3 * B), M, rtol=1e-12)


def test_the_wiener_gain_minimises_the_expected_error():
    """Of uncorrelated S and N with variances 4 and 1, E|S - m (S + N)|^2 is least at m = 4/5."""
    best = ideal_ratio_mask([[2.0]], [[1.0]], exponent=1.0)[0, 0]
    m = np.linspace(0, 1, 1001)
    assert_allclose(m[np.argmin((1 - m) ** 2 * 4 + m**2)], best, atol=1e-3)


def test_silence_gets_a_mask_of_zero():
    assert_allclose(ideal_ratio_mask([[0.0, 2.0]], [[0.0, 0.0]]), [[0.0, 1.0]])


def test_wrong_masks_are_refused():
    with pytest.raises(InputError, match=r"target has shape \(1, 2\), noise \(2, 1\)"):
        ideal_ratio_mask([[1.0, 2.0]], [[1.0], [2.0]])
    with pytest.raises(InputError, match="NaN or infinity"):
        ideal_ratio_mask([[np.nan]], [[1.0]])
    with pytest.raises(InputError, match=r"mask has shape \(129, 63\).*is it transposed"):
        apply_mask(S, np.ones((129, 63)), 256, 64)
    with pytest.raises(InputError, match="complex"):
        apply_mask(S, np.ones((63, 129)) * 1j, 256, 64)


def test_a_mask_of_one_gives_the_signal_and_of_zero_silence():
    shape = stft(S, 256, 64).shape
    assert_allclose(apply_mask(S, np.ones(shape), 256, 64), S, atol=1e-12)
    assert not apply_mask(S, np.zeros(shape), 256, 64).any()
    assert apply_mask(S.astype(np.float32), np.ones(shape), 256, 64).dtype == np.float32


def test_masks_that_add_to_one_split_the_mixture_exactly():
    x = S + N
    M = ideal_ratio_mask(stft(S, 256, 64), stft(N, 256, 64), exponent=1.0)
    both = apply_mask(x, M, 256, 64) + apply_mask(x, 1 - M, 256, 64)
    assert_allclose(both, x, atol=1e-12)
