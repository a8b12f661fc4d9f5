"""Loudness: laws that follow from the definition, pyloudnorm, FFmpeg, and the compiled loops."""

import math
import subprocess
import sys
from dataclasses import astuple
from fractions import Fraction

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ddasp._errors import InputError
from ddasp.audio import loudness, loudness_energies
from ddasp.audio.levels import peak
from ddasp.audio.loudness_meter import Loudness, Meter, measure
from ddasp.audio.true_peak import true_peak


def tone(parts, rate, frequency=1000.0, channels=2):
    envelope = np.concatenate([np.full(round(s * rate), 10 ** (level / 20)) for s, level in parts])
    sine = envelope * np.sin(2 * np.pi * frequency / rate * np.arange(len(envelope)))
    return np.repeat(sine[:, np.newaxis], channels, axis=1)


def test_the_momentary_loudness_of_a_steady_tone_is_steady():
    blocks = loudness.block_loudness(tone([(5, -23)], 48000), 48000)
    assert len(blocks) == 47  # 0.4 s every 0.1 s in 5 s
    assert_allclose(blocks[1:], -23.0, atol=0.1)
    assert_allclose(
        loudness.block_loudness(tone([(5, -23)], 48000), 48000, block=3.0)[1:], -23, atol=0.1
    )


def test_the_coefficients_at_48_kHz_are_those_of_the_standard():
    # BS.1770-5, annex 1, tables 1 and 2
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285]
    shelf += [1.0, -1.69065929318241, 0.73248077421585]
    high_pass = [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621]
    assert_allclose(loudness.k_weighting(48000), [shelf, high_pass], atol=1e-9)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 69313, 96000, 192000])
def test_a_tone_has_the_same_loudness_at_any_rate(rate):
    x = tone([(3, -23)], rate, frequency=500.0)
    reference = loudness.integrated_loudness(tone([(3, -23)], 48000, frequency=500.0), 48000)
    # the bilinear transform moves the shelf a little at low rates
    assert_allclose(loudness.integrated_loudness(x, rate), reference, atol=0.2)


@pytest.mark.parametrize("rate", [1000, 2000, 3363, 3365])
def test_the_filter_is_stable_where_the_shelf_lies_above_the_band(rate):
    for section in loudness.k_weighting(rate):
        assert np.abs(np.roots(section[3:])).max() < 1.0
    assert math.isfinite(loudness.integrated_loudness(tone([(1, -23)], rate, 200.0), rate))


def programme(rate, seconds=8, channels=2, seed=3):
    """Noise whose level changes once a second."""
    rng = np.random.default_rng(seed)
    envelope = np.repeat(10 ** rng.uniform(-3, -0.5, seconds), rate)
    return rng.normal(size=(seconds * rate, channels)) * envelope[:, np.newaxis] * 0.3


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("rate", [16000, 44100, 48000, 96000])
def test_pyloudnorm_agrees_on_noise_with_a_changing_level(channels, rate):
    x = programme(rate, channels=channels)
    theirs = pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(x)
    # the same filter; their blocks are cut to whole samples in another way
    assert_allclose(loudness.integrated_loudness(x, rate), theirs, atol=0.001)


def ffmpeg(x, rate):
    """What FFmpeg's filter ebur128 says: integrated [LUFS], range [LU], true peak [dBTP]."""
    av = pytest.importorskip("av")
    graph, layout = av.filter.Graph(), {1: "mono", 2: "stereo"}[x.shape[1]]
    source = graph.add_abuffer(
        format="dbl", sample_rate=rate, layout=layout, time_base=Fraction(1, rate)
    )
    meter, sink = graph.add("ebur128", "peak=true:metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(x.reshape(1, -1), format="dbl", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    graph.push(frame)
    graph.push(None)
    said = {}
    while True:
        try:
            said = graph.pull().metadata
        except (av.error.EOFError, av.error.BlockingIOError):
            break
    levels = float(said["lavfi.r128.I"]), float(said["lavfi.r128.LRA"])
    return *levels, 20 * math.log10(float(said["lavfi.r128.true_peak"]))


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_ffmpeg_agrees(rate):
    x = programme(rate, seconds=20)
    integrated, extent, true = ffmpeg(x, rate)
    found = measure(x, rate)
    assert_allclose(found.integrated, integrated, atol=0.01)  # their classes are 0.01 LU wide
    # levels between two steps are rare: a rank more or less is 0.1 LU
    assert_allclose(found.range, extent, atol=0.15)
    assert_allclose(found.true_peak, true, atol=0.2)  # noise up to fs / 2: interpolators differ


def test_ffmpeg_agrees_on_the_true_peak_of_a_tone():
    x = tone([(1, -6)], 48000, frequency=11000.0, channels=1) * np.hanning(48000)[:, np.newaxis]
    assert_allclose(measure(x, 48000).true_peak, ffmpeg(x, 48000)[2], atol=0.05)


@pytest.mark.parametrize("gain", [-20.0, -6.0, 6.0])
def test_a_gain_in_dB_is_the_same_change_in_LU(gain):
    x = np.random.default_rng(0).normal(size=(16000, 2)) * 0.1
    before = loudness.integrated_loudness(x, 8000)
    after = loudness.integrated_loudness(x * 10 ** (gain / 20), 8000)
    assert_allclose(after - before, gain, atol=1e-9)


@given(st.floats(-30, 60), st.integers(0, 2**32 - 1), st.sampled_from([8000, 11025, 44100]))
@settings(deadline=None, max_examples=15)
def test_any_gain_above_the_gates_moves_every_measure_alike(gain, seed, rate):
    x = np.random.default_rng(seed).normal(size=(4 * rate, 2)) * 0.1
    before, after = astuple(measure(x, rate)), astuple(measure(x * 10 ** (gain / 20), rate))
    change = np.array(after) - np.array(before)
    assert_allclose(change, [gain, 0, gain, gain, gain, gain], atol=1e-9)


@given(st.permutations(range(4)))
@settings(deadline=None, max_examples=8)
def test_the_order_of_channels_of_equal_weight_changes_nothing(order):
    x = programme(8000, channels=4)
    assert_allclose(astuple(measure(x[:, order], 8000)), astuple(measure(x, 8000)), atol=1e-9)


def test_a_997_Hz_tone_of_full_scale_on_one_channel_has_minus_3_01_LUFS():
    # BS.1770-5, annex 1: the constant -0.691 is made for this
    x = tone([(5, 0)], 48000, frequency=997.0, channels=1)
    assert_allclose(loudness.integrated_loudness(x, 48000), -3.01, atol=0.01)


def test_weights_are_factors_of_the_channels_powers():
    x = programme(8000, channels=2)
    whole = loudness.integrated_loudness(x, 8000)
    assert_allclose(
        loudness.integrated_loudness(x, 8000, weights=[2, 2]), whole + 10 * np.log10(2), atol=1e-9
    )
    left = loudness.integrated_loudness(x[:, :1], 8000)
    assert_allclose(loudness.integrated_loudness(x, 8000, weights=[1, 0]), left, atol=1e-12)
    assert_allclose(measure(x, 8000, weights=[1, 0]).integrated, left, atol=1e-12)


def test_one_channel_is_3_LU_softer_than_two_equal_ones():
    x = tone([(2, -23)], 48000)
    one, two = (loudness.integrated_loudness(x[:, :n], 48000) for n in (1, 2))
    assert_allclose(two - one, 10 * np.log10(2), atol=1e-9)


def test_the_lfe_channel_does_not_count():
    x = np.zeros((48000, 6))
    x[:, 3] = tone([(1, -6)], 48000)[:, 0]
    assert loudness.integrated_loudness(x, 48000) == -math.inf


def test_silence_and_what_lies_below_the_absolute_gate_are_minus_infinity():
    assert loudness.integrated_loudness(np.zeros(48000), 48000) == -math.inf
    assert loudness.integrated_loudness(np.zeros(100), 48000) == -math.inf
    assert loudness.integrated_loudness(np.zeros((0, 2)), 48000) == -math.inf
    assert loudness.integrated_loudness(tone([(2, -75)], 48000), 48000) == -math.inf


def test_a_sound_shorter_than_a_block_has_its_ungated_loudness():
    x = tone([(0.3, -23)], 48000)
    assert_allclose(loudness.integrated_loudness(x, 48000), -23.0, atol=0.2)
    soft = tone([(0.3, -80)], 48000)
    assert_allclose(loudness.integrated_loudness(soft, 48000), -80.0, atol=0.2)
    assert len(loudness.block_loudness(x, 48000)) == 0


def test_appended_silence_is_gated_away():
    x = tone([(5, -23)], 48000)
    longer = np.concatenate([x, np.zeros((5 * 48000, 2))])
    difference = loudness.integrated_loudness(longer, 48000) - loudness.integrated_loudness(
        x, 48000
    )
    assert abs(difference) < 0.2  # three blocks hold a part of both


def grid(i, rate, hop):
    return np.rint(np.asarray(i) * rate * hop).astype(int)


@pytest.mark.parametrize("rate", [8000, 11025, 44100])
def test_a_block_holds_the_samples_between_cuts_of_the_grid(rate):
    # the definition, word by word: filter all, square, sum from c_i up to c_(i + 4)
    from scipy.signal import sosfilt

    x = programme(rate, seconds=2)[: 2 * rate - 7]
    power = np.square(sosfilt(loudness.k_weighting(rate), x, axis=0)).sum(axis=1)
    expected = []
    for i in range(100):
        start, stop = grid([i, i + 4], rate, 0.1)
        if stop > len(power):
            break
        expected.append(-0.691 + 10 * np.log10(power[start:stop].mean()))
    found = loudness.momentary_loudness(x, rate)
    assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize("rate", [1000, 8000, 11025, 22050, 44100, 48000, 69313, 768000])
def test_every_tenth_cut_of_the_fine_grid_is_a_cut_of_the_coarse_one(rate):
    i = np.arange(200000)
    fine, coarse = (loudness_energies.cuts_of(i * k, rate, 0.1 / k) for k in (10, 1))
    assert (fine == coarse).all()
    assert (np.diff(coarse) >= rate // 10).all()


def test_only_whole_blocks_count():
    x = programme(8000, seconds=4)
    for n, expected in ((3199, 0), (3200, 1), (3999, 1), (4000, 2)):
        assert len(loudness.momentary_loudness(x[:n], 8000)) == expected
    for n, expected in ((23999, 0), (24000, 1), (24800, 2)):
        assert len(loudness.short_term_loudness(x[:n], 8000)) == expected


def test_a_short_signal_has_no_range_and_no_maxima():
    x = programme(8000, seconds=1)[:3000]
    found = measure(x, 8000)
    assert found.range == 0.0
    assert found.maximum_momentary == found.maximum_short_term == -math.inf
    assert found.integrated == loudness.integrated_loudness(x, 8000)


@pytest.mark.parametrize("shape", [(0,), (0, 2), (100, 2), (50000, 1)])
def test_silence_has_minus_infinity_everywhere_and_no_range(shape):
    nothing = -math.inf
    expected = Loudness(nothing, 0.0, nothing, nothing, nothing, nothing)
    assert measure(np.zeros(shape), 8000) == expected


def test_the_measures_are_those_of_the_single_functions():
    for rate in (8000, 11025):
        x = programme(rate, seconds=6)
        found = measure(x, rate)
        assert_allclose(found.integrated, loudness.integrated_loudness(x, rate), atol=1e-12)
        assert_allclose(found.range, loudness.loudness_range(x, rate), atol=1e-12)
        momentary = loudness.momentary_loudness(x, rate, hop=0.01).max()
        assert_allclose(found.maximum_momentary, momentary, atol=1e-12)
        short_term = loudness.short_term_loudness(x, rate, hop=0.01).max()
        assert_allclose(found.maximum_short_term, short_term, atol=1e-12)
        assert found.true_peak == true_peak(x, rate)
        assert_allclose(found.sample_peak, 20 * np.log10(peak(x)))


def test_the_percentiles_of_the_range_are_the_nearest_of_the_ordered_values():
    # Tech 3342: of 11 levels from -30 to -20 LUFS the 10th percentile is the second, the 95th the
    # last but zero (10 * 0.95 = 9.5 goes up)
    powers = 10 ** ((np.arange(-30.0, -19.0) + 0.691) / 10)
    assert_allclose(loudness.gated_range(powers), -20.0 - -29.0)
    assert_allclose(loudness.gated_range(np.append(powers, 1e-9)), 9.0)  # below the absolute gate
    soft = 10 ** ((np.array([-45.0, -45.0]) + 0.691) / 10)  # more than 20 LU below the mean
    assert_allclose(loudness.gated_range(np.append(powers, soft)), 9.0)


def test_a_block_at_a_gate_is_dropped_from_the_integrated_loudness():
    at = 10 ** ((-70.0 + 0.691) / 10)
    assert loudness.gated_loudness(np.array([at * 0.999])) == -math.inf
    assert_allclose(loudness.gated_loudness(np.array([at * 1.001])), -70.0, atol=0.01)
    loud, soft = 10 ** ((np.array([-20.0, -32.9]) + 0.691) / 10)
    # mean of both: -22.8 LUFS, so the gate lies at -32.8
    assert_allclose(loudness.gated_loudness(np.array([loud, soft])), -20.0, atol=1e-9)
    assert loudness.gated_loudness(np.array([loud, soft * 1.1])) < -22.0


CASES = st.tuples(
    st.sampled_from([8000, 11025, 16000, 44100, 48000]),
    st.integers(1, 6),
    st.integers(0, 60000),
    st.sampled_from([np.float32, np.float64]),
    st.integers(0, 999),
)


def drawn(case):
    rate, channels, n, dtype, seed = case
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, channels)) * np.geomspace(1, 10 ** rng.uniform(-3, 0), n)[:, np.newaxis]
    return x.astype(dtype), rate


def agree(found, expected):
    """1e-9 LU; true peaks 2e-6 dB, because the compiled loop reads them in float32."""
    assert_allclose(astuple(found)[:4], astuple(expected)[:4], atol=1e-9)
    assert_allclose(found.true_peak, expected.true_peak, atol=2e-6)
    assert_allclose(found.sample_peak, expected.sample_peak, atol=1e-12)


@given(CASES)
@settings(deadline=None, max_examples=40)
def test_the_compiled_loops_find_what_the_readable_text_finds(case):
    x, rate = drawn(case)
    expected = measure(x, rate)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loudness_energies, "COMPILED_FROM", 0)
        agree(measure(x, rate), expected)
        assert_allclose(
            loudness.momentary_loudness(x, rate, hop=0.02)[:5],
            loudness.momentary_loudness(x, rate, hop=0.01)[:10:2],
            atol=1e-9,
        )


@given(CASES, st.lists(st.integers(0, 60000), max_size=5), st.sampled_from([0, 20000, 2**40]))
@settings(deadline=None, max_examples=40)
def test_a_meter_does_not_care_where_the_signal_is_cut(case, cuts, compiled_from):
    # 20000: it changes from the readable text to the compiled loops on the way
    x, rate = drawn(case)
    expected = measure(x, rate)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loudness_energies, "COMPILED_FROM", compiled_from)
        meter = Meter(rate, x.shape[1])
        for piece in np.split(x, sorted(min(c, len(x)) for c in cuts)):
            meter.push(piece)
            meter.loudness()  # asking changes nothing
        agree(meter.loudness(), expected)


def test_a_meter_takes_one_sample_at_a_time():
    x = programme(200, seconds=4, channels=1)
    meter = Meter(200, 1)
    for sample in x:
        meter.push(sample)
    agree(meter.loudness(), measure(x, 200))


@pytest.mark.parametrize("n_threads", [2, 3, 50])
def test_threads_change_nothing(n_threads, monkeypatch):
    monkeypatch.setattr(loudness_energies, "COMPILED_FROM", 0)
    for rate in (8000, 11025):
        x = programme(rate, seconds=35)
        x[: 25 * rate] *= 1e-3  # parts of their own level
        x += 0.5  # and a filter that has to run in before a part
        agree(measure(x, rate, n_threads=n_threads), measure(x, rate))


def test_a_filter_that_rings_out_in_silence_comes_to_rest(monkeypatch):
    monkeypatch.setattr(loudness_energies, "COMPILED_FROM", 0)
    energies = loudness_energies.SegmentEnergies(8000, 1)
    energies.push(np.concatenate([np.ones((800, 1)), np.zeros((80000, 1))]))
    found = energies.whole()
    assert found[50] > 0.0
    assert (found[200:] == 0.0).all()  # no numbers below 1e-308, which would be slow


def test_memory_for_each_hour_is_known():
    meter = Meter(1000, 1)
    for _ in range(36):
        meter.push(np.zeros(100000))
    assert meter._heard.energies.whole().nbytes == 36 * 100 * 100 * 8  # an hour: 2.9 MB


def test_without_numba_scipy_does_it(monkeypatch):
    x = programme(8000)
    expected = measure(x, 8000)
    monkeypatch.setattr(loudness_energies, "COMPILED_FROM", 0)
    monkeypatch.setattr(loudness_energies, "_loops", lambda: None)
    assert measure(x, 8000) == expected


def test_a_short_sound_does_not_load_numba():
    code = (
        "import sys; from ddasp.audio import loudness, loudness_meter; import numpy as np;"
        "loudness_meter.measure(np.ones(24000), 48000); loudness.integrated_loudness(np.ones(9), 1e3);"
        "sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_inputs_are_not_changed():
    x = programme(8000).astype(np.float32)
    x.flags.writeable = False
    measure(x, 8000)


def test_what_cannot_be_measured_is_refused_with_the_likely_cause():
    x = np.zeros((9000, 2))
    with pytest.raises(
        InputError, match=r"block is 0\.4 s; expected a whole multiple of hop = 0\.15"
    ):
        loudness.block_loudness(x, 8000, hop=0.15)
    with pytest.raises(InputError, match=r"weights has shape \(3,\); expected \(2,\)"):
        loudness.integrated_loudness(x, 8000, weights=[1, 1, 0])
    with pytest.raises(InputError, match=r"weights is \[1.0, -3.0\].*are these decibels\?"):
        measure(x, 8000, weights=[1, -3])
    with pytest.raises(InputError, match="hop is 1e-05 s"):
        loudness.block_loudness(x, 8000, block=1e-3, hop=1e-5)
    with pytest.raises(InputError, match=r"dtype int16.*Divide by"):
        measure(x.astype(np.int16), 8000)
    with pytest.raises(InputError, match="n_threads is 0"):
        measure(x, 8000, n_threads=0)
    with pytest.raises(InputError, match="sampling_rate is 0 Hz; expected 100 to inf"):
        measure(x, 0)
    with pytest.raises(InputError, match="n_channels is 65"):
        Meter(8000, 65)
    with pytest.raises(InputError, match=r"signal has shape \(2, 9000\); .* is it transposed"):
        Meter(8000, 2).push(x.T)
    with pytest.raises(InputError, match="at most 64 channels - is it transposed"):
        measure(x.T, 8000)
    for shape in ((2, 2, 2), ()):
        for function in (lambda x: measure(x, 8000), Meter(8000, 2).push):
            with pytest.raises(InputError, match=r"signal has shape .* \(n_samples, n_channels\)"):
                function(np.zeros(shape))


@pytest.mark.parametrize("compiled_from", [0, 2**40])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_are_refused_wherever_they_stand(bad, compiled_from, monkeypatch):
    monkeypatch.setattr(loudness_energies, "COMPILED_FROM", compiled_from)
    x = np.zeros((9000, 2), np.float32)
    for place in (0, 4321, 8999):
        broken = x.copy()
        broken[place, 1] = bad
        for function in (measure, loudness.integrated_loudness, loudness.loudness_range):
            with pytest.raises(InputError, match="NaN or infinity"):
                function(broken, 8000)
