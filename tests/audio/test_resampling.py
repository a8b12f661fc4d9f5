"""Another rate: tones kept and removed, lengths, and a stream that equals the whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.audio import resampling


def test_resampling_keeps_a_tone_below_both_limits_and_removes_one_above():
    n = np.arange(48000)
    low, high = np.sin(2 * np.pi * 1000 * n / 48000), np.sin(2 * np.pi * 6000 * n / 48000)
    kept = resampling.resample(low, 48000, 8000)
    expected = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    assert_allclose(kept[500:-500], expected[500:-500], atol=1e-4)  # HQ is good for 20 bits
    assert np.abs(resampling.resample(high, 48000, 8000)[500:-500]).max() < 1e-4


def test_resampling_keeps_dtype_shape_and_duration():
    for dtype in (np.float32, np.float64):
        for n, rate, new_rate in ((1, 48000, 8000), (7, 44100, 8000), (1000, 8000, 44100)):
            y = resampling.resample(np.zeros((n, 2), dtype), rate, new_rate)
            assert y.dtype == dtype
            assert y.shape == (max(1, round(n * new_rate / rate)), 2)
    x = np.ones(5)
    y = resampling.resample(x, 8000, 8000)
    assert_array_equal(y, x)
    assert y is not x


def test_mixing_to_mono_is_the_mean_and_cancels_antiphase():
    x = np.array([[0.5, -0.5], [1.0, 0.0]])
    assert_array_equal(resampling.to_mono(x), [0.0, 0.5])
    assert resampling.to_mono(x.astype(np.float32)).dtype == np.float32
    assert_array_equal(resampling.to_mono([0.1, 0.2]), [0.1, 0.2])


RATES = [
    (48000, 16000),
    (44100, 16000),
    (8000, 44100),
    (22050, 22050),
    (1000, 48000),
    (44101, 7919),
]


@pytest.mark.parametrize(("rate", "new_rate"), RATES)
@given(data=st.data())
def test_a_stream_cut_anywhere_gives_what_the_whole_gives(rate, new_rate, data):
    n = data.draw(st.integers(0, 3000))
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=6)))
    n_channels = data.draw(st.integers(1, 3))
    x = np.random.default_rng(n).uniform(-1, 1, (n, n_channels)).astype(np.float32)
    stream = resampling.MonoResampler(rate, new_rate)
    parts = [stream.push(part) for part in np.split(x, cuts)]
    y = np.concatenate([*parts, stream.finish()])
    assert y.dtype == np.float64
    assert stream.n_in == n
    assert stream.n_out == y.size == (max(1, round(n * new_rate / rate)) if n else 0)
    # float32 inside soxr: 24 bits, and the mean of the channels rounded once more
    assert_allclose(y, resampling.resample(resampling.to_mono(x), rate, new_rate), atol=1e-6)


@pytest.mark.parametrize(("rate", "new_rate"), RATES)
def test_nothing_is_held_back_for_longer_than_the_filter_needs(rate, new_rate):
    stream = resampling.MonoResampler(rate, new_rate)
    longest = 0.0
    for _ in range(min(200, 10_000_000 // new_rate)):
        stream.push(np.zeros(max(1, rate // 100)))
        longest = max(longest, stream.pending)
    assert 0 <= longest <= 1500 / min(rate, new_rate)
    assert rate != new_rate or longest == 0


def test_a_finished_stream_takes_no_more():
    stream = resampling.MonoResampler(8000, 16000)
    stream.push([0.5, 0.5])
    assert stream.finish().size == 4
    assert stream.finish().size == 0
    with pytest.raises(InputError, match="the stream is finished"):
        stream.push([0.5])


def test_a_stream_explains_wrong_rates_and_samples():
    with pytest.raises(InputError, match="new_rate is 0 Hz"):
        resampling.MonoResampler(8000, 0)
    with pytest.raises(InputError, match="NaN"):
        resampling.MonoResampler(8000, 16000).push([np.nan])
