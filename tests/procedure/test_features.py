"""Feature sets: shapes, invariants, and sounds whose features are known on paper."""

import dataclasses

import librosa
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.procedure import analysis, features
from ddasp.procedure.analysis import normalise, time_normalise
from ddasp.procedure.features import FEATURE_SETS, FeatureTable, extract, shortest, stack

RATE = 8000
T = np.arange(4000) / RATE
RNG = np.random.default_rng(0)
SOUND = np.exp(-8 * T) * (np.sin(2 * np.pi * 440 * T) + 0.3 * RNG.normal(size=4000)) * 0.3
MAPS = ("mfcc", "trajectories", "logmel")
# sums of the magnitudes of a chirp's features, one for each variant
GOLDEN = {
    "levels": [118.690],
    "descriptors": [7151.20],
    "mfcc": [996.414, 1005.621, 991.733],
    "trajectories": [317.004, 316.471, 315.564],
    "logmel": [87426.3, 86870.1, 88345.7],
}


def column(name, signal, rate=RATE, *, feature_set="levels"):
    values = extract(signal, rate, (feature_set,))[feature_set][0]
    return values[FEATURE_SETS[feature_set].names.index(name)]


# ---- the registry ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", FEATURE_SETS)
def test_every_set_is_described_column_by_column(name):
    s = FEATURE_SETS[name]
    (X,) = extract(SOUND, RATE, (name,)).values()
    assert s.name == name
    assert X.shape == (len(s.warps), len(s.names))
    assert X.dtype == np.float32
    assert len(s.units) == len(s.names) == len(set(s.names))
    assert s.warps[0] == 1.0
    assert s.title
    assert s.formula.endswith(".")
    assert s.shape is None or np.prod(s.shape) == len(s.names)


@pytest.mark.parametrize("rate", [1000, 8000, 11025, 44100, 48000])
@pytest.mark.parametrize("n", [0, 1, 30, 300, 5000])
@pytest.mark.parametrize("kind", ["zeros", "constant", "impulse", "noise", "tiny"])
def test_any_sound_at_any_rate_has_finite_features(rate, n, kind):
    signal = {
        "zeros": np.zeros(n),
        "constant": np.full(n, 0.5),
        "impulse": np.eye(1, n)[0] if n else np.zeros(0),
        "noise": np.random.default_rng(n).normal(size=n),
        "tiny": np.full(n, 1e-200),
    }[kind]
    for X in extract(signal, rate).values():
        assert np.isfinite(X).all()


@pytest.mark.parametrize("name", FEATURE_SETS)
def test_a_set_alone_is_the_same_as_among_all(name):
    assert_array_equal(extract(SOUND, RATE, (name,))[name], extract(SOUND, RATE)[name])


def test_extracting_changes_no_input_and_repeats():
    before = SOUND.copy()
    first, second = extract(SOUND, RATE), extract(SOUND, RATE)
    assert_array_equal(SOUND, before)
    for name in FEATURE_SETS:
        assert_array_equal(first[name], second[name])


def test_without_variants_only_the_sound_as_it_is_comes_back():
    every, plain = extract(SOUND, RATE), extract(SOUND, RATE, variants=False)
    for name in FEATURE_SETS:
        assert_array_equal(plain[name], every[name][:1])


def test_a_long_sound_in_blocks_has_the_features_of_one_block(monkeypatch):
    whole = extract(SOUND, RATE)
    monkeypatch.setattr(analysis, "BLOCK", 7)
    for name, X in extract(SOUND, RATE).items():
        assert_allclose(X, whole[name], rtol=1e-5, atol=1e-5)


def test_a_float32_signal_has_the_features_of_its_float64_copy():
    single = SOUND.astype(np.float32)
    for name, X in extract(single, RATE).items():
        assert_array_equal(X, extract(single.astype(np.float64), RATE)[name])


def test_a_sound_shorter_than_a_frame_is_followed_by_zeros():
    short = SOUND[:100]
    padded = np.concatenate([short, np.zeros(shortest(RATE) - 100)])
    for name, X in extract(short, RATE).items():
        if name != "duration":
            assert_array_equal(X, extract(padded, RATE)[name])


def test_an_unknown_set_is_named_with_the_nearest_one():
    with pytest.raises(InputError, match="did you mean 'mfcc'"):
        extract(SOUND, RATE, ("mfc",))
    with pytest.raises(InputError, match=r"rate is 500 Hz; expected 1000"):
        extract(SOUND, 500)
    with pytest.raises(InputError, match=r"shape \(10, 2\).*mix the channels"):
        extract(np.zeros((10, 2)), RATE)


# ---- invariants ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["descriptors", *MAPS])
@pytest.mark.parametrize("gain", [1e-3, 0.5, 3.0])
def test_a_gain_changes_nothing_but_levels(name, gain):
    louder = extract(gain * SOUND, RATE, (name,))[name]
    assert_allclose(louder, extract(SOUND, RATE, (name,))[name], rtol=1e-4, atol=1e-4)


def test_a_gain_in_dB_moves_every_level_by_it_and_no_time():
    gain = 0.1
    before, after = (extract(g * SOUND, RATE, ("levels",))["levels"][0] for g in (1.0, gain))
    for name, unit, change in zip(
        FEATURE_SETS["levels"].names, FEATURE_SETS["levels"].units, after - before, strict=True
    ):
        assert_allclose(change, -20.0 if unit in ("dBFS", "LUFS") else 0.0, atol=1e-3, err_msg=name)


def test_a_change_of_sign_changes_no_map():
    for name in MAPS:
        assert_allclose(
            extract(-SOUND, RATE, (name,))[name], extract(SOUND, RATE, (name,))[name], atol=1e-5
        )


@pytest.mark.parametrize("name", MAPS)
def test_the_first_variant_is_the_plain_one_and_the_others_differ(name):
    X = extract(SOUND, RATE, (name,))[name]
    assert X.shape[0] == 3
    assert np.abs(X[1] - X[0]).max() > 0.1
    assert np.abs(X[2] - X[0]).max() > 0.1


def test_a_warped_sound_is_the_sound_with_its_frequencies_scaled():
    # the variant 1.08 of a tone at 1.08 f looks like the plain one of a tone at f
    def place(frequency, variant):
        """Centre of the tone's power in the map, in bands."""
        tone = np.sin(2 * np.pi * frequency * T)
        X = extract(tone, RATE, ("logmel",))["logmel"][variant]
        power = np.mean(10 ** (X.reshape(FEATURE_SETS["logmel"].shape) / 10), axis=0)
        return power @ np.arange(len(power)) / power.sum()

    for frequency in (1300.0, 1900.0, 2700.0):
        assert_allclose(place(0.92 * frequency, 1), place(frequency, 0), atol=0.3)
        assert_allclose(place(1.08 * frequency, 2), place(frequency, 0), atol=0.3)
        assert place(1.08 * frequency, 0) - place(frequency, 0) > 1.0


# ---- on paper --------------------------------------------------------------------------------


def test_levels_of_a_square_wave_are_zero_dBFS():
    square = np.where(np.sin(2 * np.pi * 100.5 * T) >= 0, 1.0, -1.0)
    for name, value in {"RMS": 0.0, "peak": 0.0, "crest factor": 0.0}.items():
        assert_allclose(column(name, square), value, atol=1e-6)
    assert_allclose(column("frame level, median", square), 0.0, atol=1e-6)


def test_silence_stands_at_minus_100_dB():
    levels = extract(np.zeros(4000), RATE, ("levels",))["levels"][0]
    units = FEATURE_SETS["levels"].units
    assert {float(x) for x, unit in zip(levels, units, strict=True) if unit == "dBFS"} == {-100.0}


@pytest.mark.parametrize("decay_time", [0.1, 0.3, 1.0])
def test_the_decay_slope_of_an_exponential_decay_is_minus_60_dB_a_decay_time(decay_time):
    t = np.arange(8000) / RATE
    sound = 10 ** (-3 * t / decay_time) * np.sin(2 * np.pi * 1000 * t)
    assert_allclose(column("decay slope", sound), -60 / decay_time, rtol=0.05)


def test_attack_and_place_of_a_burst():
    sound = np.zeros(8000)
    sound[4000:4800] = np.sin(2 * np.pi * 1000 * np.arange(800) / RATE)  # 0.5 s to 0.6 s
    assert_allclose(column("temporal centroid", sound), 0.55, atol=0.002)
    # spread of a uniform distribution, and that of a frame's own width
    width = np.sqrt((0.1**2 + 0.032**2) / 12)
    assert_allclose(column("temporal spread", sound), width, atol=0.001)
    assert_allclose(column("time above -20 dB", sound), 0.13, atol=0.011)
    assert 0.5 < column("time of the loudest frame", sound) < 0.6
    assert column("attack time", sound) <= 0.02


def test_descriptors_of_a_sine():
    sine = np.sin(2 * np.pi * 1000 * np.arange(8000) / RATE)

    def of(name):
        return column(f"{name}, median", sine, feature_set="descriptors")

    assert_allclose(of("centroid"), 1000, atol=5)
    assert_allclose(of("roll-off"), 1000, atol=RATE / 256 + 1)
    assert_allclose(of("zero-crossing rate"), 0.25, atol=0.01)
    assert of("spread") < 50
    assert of("flatness") < 1e-4
    assert of("flux") < 0.02
    octave = column("octave 5 of 7, mean", sine, feature_set="descriptors")  # 500 to 1000 Hz
    above = column("octave 6 of 7, mean", sine, feature_set="descriptors")  # 1000 to 2000 Hz
    assert_allclose(10 ** (octave / 10) + 10 ** (above / 10), 1.0, atol=0.01)


def test_white_noise_has_a_flat_map_and_its_centroid_in_the_middle():
    noise = np.random.default_rng(1).normal(size=40000)
    assert_allclose(column("centroid, mean", noise, feature_set="descriptors"), 2000, rtol=0.02)
    X = extract(noise, RATE, ("logmel",))["logmel"][0].reshape(FEATURE_SETS["logmel"].shape)
    assert np.ptp(X.mean(axis=0)) < 3.0  # narrow bands vary more, and their mean level is lower


def test_the_shortcuts_say_what_they_say():
    assert extract(np.zeros(4000), RATE, ("duration",))["duration"].item() == 0.5
    assert extract(np.zeros(4000), RATE, ("rate",))["rate"].item() == RATE
    assert extract(np.zeros(4000), RATE, ("rate",), file_rate=44100)["rate"].item() == 44100
    assert_allclose(extract(np.ones(4000), RATE, ("level",))["level"].item(), 0.0, atol=1e-6)
    assert [name for name, s in FEATURE_SETS.items() if s.shortcut] == ["duration", "rate", "level"]


# ---- the formulas, written a second time -----------------------------------------------------


def mel_by_the_formula(signal, warp):
    """Powers in 40 mel bands of a sound at 8 kHz, in loops and with librosa's mel scale."""
    padded = np.concatenate([np.zeros(128), signal, np.zeros(128)])
    window = [0.5 - 0.5 * np.cos(2 * np.pi * n / 256) for n in range(256)]
    edges = warp * librosa.mel_frequencies(42, fmin=60.0, fmax=3600.0)
    rows = []
    for start in range(0, len(signal) + 1, 80):
        power = np.abs(np.fft.rfft(padded[start : start + 256] * window)) ** 2
        row = []
        for low, peak, high in zip(edges, edges[1:], edges[2:], strict=False):
            weights = [
                max(0.0, min((f - low) / (peak - low), (high - f) / (high - peak)))
                for f in np.arange(129) * 8000 / 256
            ]
            if sum(weights) < 1e-3:  # between two bins: interpolate
                weights = [max(0.0, 1.0 - abs(f - peak) / 31.25) for f in np.arange(129) * 31.25]
            row.append(np.dot(weights, power) / sum(weights))
        rows.append(row)
    return np.array(rows) / np.max(rows)


def cosines(values, n):
    """The first n coefficients of the orthonormal DCT-II of each row."""
    N = values.shape[1]
    C = [values @ np.cos(np.pi * i * (np.arange(N) + 0.5) / N) for i in range(n)]
    C[0] /= np.sqrt(2)
    return np.sqrt(2 / N) * np.transpose(C)


def slopes(C):
    padded = np.concatenate([C[:1], C[:1], C, C[-1:], C[-1:]])
    return np.array([np.polyfit(range(5), padded[m : m + 5], 1)[0] for m in range(len(C))])


def equal_loudness_parts(C, P, n_parts):
    """Means over parts of equal loudness, on a time axis of 20,000 points."""
    w = (P.sum(axis=1) / P.sum(axis=1).max()) ** 0.3 + 0.001
    point = (np.arange(20_000) + 0.5) / 20_000 * w.sum()
    frame = np.searchsorted(np.cumsum(w), point)
    return C[frame].reshape(n_parts, -1, C.shape[1]).mean(axis=1)


@pytest.mark.parametrize("variant", [0, 1, 2])
def test_mel_sets_follow_their_formulas(variant):
    found = extract(SOUND, RATE, MAPS)
    P = mel_by_the_formula(SOUND, (1.0, 0.92, 1.08)[variant])
    M = 10 * np.log10(np.maximum(P, 1e-8))
    C = cosines(M, 13)
    D = slopes(C)
    assert_allclose(
        found["mfcc"][variant],
        np.concatenate([C.mean(0), C.std(0), D.mean(0), D.std(0)]),
        atol=1e-4,
    )
    assert_allclose(
        found["logmel"][variant].reshape(32, 40), equal_loudness_parts(M, P, 32), atol=0.05
    )
    C = cosines(np.maximum(P, 1e-10) ** 0.1, 12)
    C, D = ((A - A.mean(0)) / (A.std(0) + 0.001) for A in (C, slopes(C)))
    assert_allclose(
        found["trajectories"][variant].reshape(16, 24),
        equal_loudness_parts(np.hstack([C, D]), P, 16),
        atol=0.02,
    )


# ---- time and its normalisation --------------------------------------------------------------


@pytest.mark.parametrize("n_frames", [1, 2, 5, 20, 97])
@pytest.mark.parametrize("n_steps", [1, 7, 20])
def test_time_normalisation_keeps_constants_and_the_mean(n_frames, n_steps):
    C = np.random.default_rng(n_frames).normal(size=(n_frames, 3))
    w = np.random.default_rng(n_steps).uniform(0.01, 1.0, n_frames)
    assert_allclose(time_normalise(np.ones((n_frames, 3)), n_steps, w), 1.0)
    assert_allclose(time_normalise(C, n_steps).mean(axis=0), C.mean(axis=0), atol=1e-12)
    assert_allclose(
        time_normalise(C, n_steps, w).mean(axis=0), np.average(C, axis=0, weights=w), atol=1e-12
    )


def test_time_normalisation_to_as_many_steps_as_frames_changes_nothing():
    C = np.random.default_rng(0).normal(size=(20, 3))
    assert_allclose(time_normalise(C, 20), C, atol=1e-12)
    assert_allclose(time_normalise(np.repeat(C, 3, axis=0), 20), C, atol=1e-12)


def test_a_frame_of_double_weight_is_a_frame_twice():
    C = np.random.default_rng(0).normal(size=(9, 2))
    assert_allclose(
        time_normalise(C, 5, np.full(9, 2.0)), time_normalise(np.repeat(C, 2, axis=0), 5)
    )
    w = np.arange(1, 10)
    assert_allclose(time_normalise(C, 5, w), time_normalise(np.repeat(C, w, axis=0), 5))


def test_normalised_columns_have_mean_0_and_standard_deviation_1():
    C = np.random.default_rng(0).normal(3.0, 5.0, size=(50, 4))
    Z = normalise(C)
    assert_allclose(Z.mean(axis=0), 0.0, atol=1e-12)
    assert_allclose(Z.std(axis=0), 1.0, atol=1e-3)
    assert_allclose(normalise(np.ones((5, 2))), 0.0)


# ---- tables ----------------------------------------------------------------------------------


def test_tables_are_stacked_variant_by_observation_and_rows_are_variant_major():
    sounds = [SOUND, np.zeros(4000), -0.5 * SOUND[::-1]]
    found = [extract(x, RATE) for x in sounds]
    tables = stack(found)
    assert list(tables) == list(FEATURE_SETS)
    table = tables["mfcc"]
    assert table.X.shape == (3, 3, len(table.names))
    assert table.n_variants == 3
    assert_array_equal(table.X[:, 2], found[2]["mfcc"])
    assert_array_equal(table.rows([2, 0]), [found[2]["mfcc"][0], found[0]["mfcc"][0]])
    every = table.rows([2, 0], variants=True)
    assert_array_equal(every[2:4], [found[2]["mfcc"][1], found[0]["mfcc"][1]])
    assert tables["logmel"].shape == FEATURE_SETS["logmel"].shape
    assert stack([]) == {}


def test_the_definitions_are_those_of_the_version():
    """Cached features and saved models go by `VERSION`: raise it when these numbers change."""
    sound = np.sin(2 * np.pi * 500 * T * (1 + T)) * np.exp(-5 * T)
    found = {name: np.abs(X).sum(axis=1) for name, X in extract(sound, RATE).items()}
    assert features.VERSION == "2"
    for name, sums in GOLDEN.items():
        assert_allclose(found[name], sums, rtol=1e-4, err_msg=name)


def test_a_table_is_checked_and_frozen():
    with pytest.raises(InputError, match=r"X has shape \(2, 3\)"):
        FeatureTable("a", ("x", "y", "z"), np.zeros((2, 3), np.float32))
    table = FeatureTable("a", ("x",), np.zeros((1, 2, 1), np.float32))
    with pytest.raises(dataclasses.FrozenInstanceError):
        table.name = "b"
    assert features.VERSION
