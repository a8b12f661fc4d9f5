"""Synthetic vowels: formants and pitch are measured again on the sound."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import solve_toeplitz

from ddasp._errors import InputError
from ddasp.audio import voices
from ddasp.audio.resampling import resample

RATE = 16_000


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def resonances(x, rate, highest):
    """Frequencies of narrow poles of a linear prediction (autocorrelation method), ascending.

    Two poles for each formant that lies below the highest one, at twice its rate, and two for the
    glottis.
    """
    x = resample(x, rate, 2 * highest)
    x = np.append(x[0], x[1:] - 0.97 * x[:-1])  # the glottis falls by 12 dB per octave, lips rise
    x = x[len(x) // 5 : -len(x) // 5] * np.hamming(len(x[len(x) // 5 : -len(x) // 5]))
    r = np.correlate(x, x, "full")[x.size - 1 :][:13]
    z = np.roots(np.append(1.0, -solve_toeplitz(r[:12], r[1:])))
    f, b = np.angle(z) * highest / np.pi, -np.log(np.abs(z)) * 2 * highest / np.pi
    return np.sort(f[(f > 150) & (b < 600)])


WHO = [voices.Speaker("man", 95.0, 0.175), voices.Speaker("woman", 180.0, 0.145)]


@pytest.mark.parametrize("who", WHO, ids=lambda w: w.name)
@pytest.mark.parametrize("name", voices.VOWELS)
def test_formants_measured_by_linear_prediction_are_those_asked_for(rng, who, name):
    x = voices.vowel(name, who, rng, RATE, duration=0.6)
    asked = voices.formants(name, who)
    measured = resonances(x, RATE, round(5000 * 0.175 / who.tract_length))[:3]
    # prediction is drawn to the nearest harmonic: a quarter of the pitch, and 2 %
    assert_allclose(measured, asked, atol=0.25 * who.pitch, rtol=0.02)


def test_a_shorter_tract_moves_all_formants_up_by_one_ratio():
    long, short = voices.formants("e", WHO[0]), voices.formants("e", WHO[1])
    assert_allclose(short / long, 0.175 / 0.145)


def test_a_childs_vowel_has_the_formants_of_another_vowel_of_a_man():
    """So that formants alone do not tell the vowel: speakers must be told apart, or pitch be used."""
    child, man = replace(WHO[1], tract_length=0.125), WHO[0]
    nearest = min(
        voices.VOWELS,
        key=lambda v: np.linalg.norm(
            np.log(voices.formants("o", child)[:2] / voices.formants(v, man)[:2])
        ),
    )
    assert nearest == "a"


def pitch_of(x, rate):
    """By the highest peak of the autocorrelation between 50 and 1000 Hz."""
    x = x[len(x) // 4 : -len(x) // 4]
    r = np.fft.irfft(np.abs(np.fft.rfft(x, 4 * len(x))) ** 2)
    lags = np.arange(int(rate / 1000), int(rate / 50))
    k = lags[np.argmax(r[lags])]
    a, b, c = r[k - 1 : k + 2]
    return rate / (k + 0.5 * (a - c) / (a - 2 * b + c))


@pytest.mark.parametrize("rate", [8000, 22_050, 48_000])
@pytest.mark.parametrize("pitch", [90.0, 171.3, 320.0])
def test_the_fundamental_frequency_is_the_one_asked_for_at_any_rate(rng, rate, pitch):
    x = voices.vowel("a", replace(WHO[0], jitter=0.003), rng, rate, pitch=pitch)
    # jitter of 0.3 % over 20 or more periods
    assert_allclose(pitch_of(x, rate), pitch, rtol=0.004)


def test_pitch_follows_its_course(rng):
    x = voices.vowel("a", WHO[0], rng, RATE, duration=2.0, pitch=[100.0, 200.0])
    for share in (0.25, 0.5, 0.75):
        part = x[int((share - 0.05) * x.size) : int((share + 0.05) * x.size)]
        assert_allclose(pitch_of(part, RATE), 100 + 100 * share, rtol=0.02)


def test_a_perfect_voice_is_periodic_and_nothing_lies_between_its_harmonics(rng):
    who = replace(WHO[0], jitter=0.0, shimmer=0.0, breathiness=-200.0)
    x = voices.vowel("e", who, rng, RATE, duration=1.1, pitch=100.0)[800:-800]
    x = x * np.blackman(x.size)
    f = np.fft.rfftfreq(x.size, 1 / RATE)
    X = np.abs(np.fft.rfft(x))
    between = np.abs((f + 50) % 100 - 50) > 25
    # folded harmonics of a pulse with corners would stand 40 dB higher
    assert 20 * np.log10(X[between].max() / X.max()) < -60


def test_breath_fills_the_gaps_between_harmonics():
    def floor(breathiness):
        who = replace(WHO[0], jitter=0.0, shimmer=0.0, breathiness=breathiness)
        x = voices.vowel("a", who, np.random.default_rng(0), RATE, duration=1.1, pitch=100.0)
        X = np.abs(np.fft.rfft(x[800:-800] * np.hanning(16_000))) ** 2
        f = np.fft.rfftfreq(16_000, 1 / RATE)
        return 10 * np.log10(X[np.abs((f + 50) % 100 - 50) > 25].sum() / X.sum())

    # ten times the amplitude: 20 dB more
    assert_allclose(floor(-20) - floor(-40), 20, atol=1.5)


@pytest.mark.parametrize("rate", [8000, 11_025, 44_100])
def test_sounds_are_finite_bounded_and_equal_for_equal_generators(rate):
    for name in voices.VOWELS:
        who = voices.speaker(np.random.default_rng(1))
        x = voices.vowel(name, who, np.random.default_rng(2), rate, duration=0.2)
        assert x.shape == (round(0.2 * rate),)
        assert_allclose(np.abs(x).max(), 0.5)
        assert abs(x[0]) < 0.01
        assert abs(x[-1]) < 0.01
        assert_array_equal(x, voices.vowel(name, who, np.random.default_rng(2), rate, duration=0.2))


def test_speakers_differ_and_short_tracts_are_high():
    drawn = [voices.speaker(np.random.default_rng(i)) for i in range(60)]
    length, pitch = (np.array([getattr(w, a) for w in drawn]) for a in ("tract_length", "pitch"))
    assert 67 < pitch.min() < 110
    assert 220 < pitch.max() < 382
    assert np.corrcoef(np.log(length), np.log(pitch))[0, 1] < -0.7


@pytest.fixture(scope="module")
def corpus():
    return list(voices.voice_corpus(np.random.default_rng(3), n_speakers=4, n_takes=3, rate=8000))


def test_the_corpus_is_complete_and_repeatable(corpus):
    assert len(corpus) == 4 * 3 * 5
    assert len({(i.vowel, i.speaker, i.index) for i in corpus}) == 60
    alone = list(voices.voice_corpus(np.random.default_rng(3), n_speakers=1, n_takes=3, rate=8000))
    for a, b in zip(alone, corpus, strict=False):
        assert_array_equal(a.signal, b.signal)
    for item in corpus:
        assert np.isfinite(item.signal).all()
        assert 0.05 < np.abs(item.signal).max() < 0.71
        assert 0.3 <= len(item.signal) / item.rate <= 0.7
        assert list(item.formants) == sorted(item.formants)


def test_vowels_of_one_speaker_lie_further_apart_than_takes_of_one_vowel(corpus):
    """Log F1 and F2: each take is nearest to the mean of its own vowel of that speaker."""
    for who in {i.speaker for i in corpus}:
        takes = [i for i in corpus if i.speaker == who]
        points = {v: np.log([i.formants[:2] for i in takes if i.vowel == v]) for v in voices.VOWELS}
        means = np.array([points[v].mean(axis=0) for v in voices.VOWELS])
        for k, name in enumerate(voices.VOWELS):
            distances = np.linalg.norm(points[name][:, np.newaxis] - means, axis=2)
            assert (distances.argmin(axis=1) == k).all()


def test_across_speakers_one_vowel_covers_another():
    """F1 alone: the classes overlap, so that the corpus is no giveaway."""
    drawn = [voices.speaker(np.random.default_rng(i)) for i in range(20)]
    F1 = {v: [voices.formants(v, who)[0] for who in drawn] for v in voices.VOWELS}
    assert max(F1["o"]) > min(F1["a"])
    assert max(F1["e"]) > min(F1["o"])
    assert max(F1["i"]) > min(F1["u"])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda r: voices.vowel("y", WHO[0], r), "vowel is 'y'"),
        (lambda r: voices.vowel("a", WHO[0], r, 4000), "rate is 4000 Hz"),
        (lambda r: voices.vowel("a", WHO[0], r, duration=500.0 * 10), "given in milliseconds"),
        (lambda r: voices.vowel("a", WHO[0], r, pitch=5.0), "expected one or more of 20 to 2000"),
        (lambda r: voices.vowel("a", WHO[0], r, pitch=[]), "expected one or more"),
        (lambda r: voices.phonate([900, 500], WHO[0], r), "expected increasing formants"),
        (lambda r: next(voices.voice_corpus(r, n_speakers=0)), "n_speakers is 0"),
    ],
)
def test_wrong_arguments_are_explained(rng, call, match):
    with pytest.raises(InputError, match=match):
        call(rng)
