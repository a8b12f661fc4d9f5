"""Music in stems: they sum to the mix, and each note of the list is heard where it is said to be."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.audio import multitrack

RATE = 16_000


@pytest.fixture(scope="module")
def music():
    return multitrack.multitrack(np.random.default_rng(4), n_bars=4, rate=RATE)


def test_the_mix_is_exactly_the_sum_of_the_stems(music):
    total = np.zeros_like(music.mix)
    for name in multitrack.STEMS:
        total += music.stems[name]
    assert_array_equal(total, music.mix)
    assert_allclose(np.abs(music.mix).max(), 0.9)
    assert all(np.isfinite(x).all() and x.any() for x in music.stems.values())


def test_it_lasts_its_bars_and_a_tail(music):
    seconds = 4 * 4 * 60 / music.tempo + 0.5
    assert_allclose(len(music.mix) / RATE, seconds, atol=1 / RATE)
    assert 80 <= music.tempo <= 140


def test_notes_begin_on_sixteenths_and_on_samples(music):
    for note in music.notes:
        sixteenth = note.start * music.tempo / 15
        assert_allclose(sixteenth, round(sixteenth), atol=0.001)
        assert_allclose(note.start * RATE, round(note.start * RATE), atol=1e-6)
        assert 0 <= note.start < note.start + note.duration <= len(music.mix) / RATE
    starts = [note.start for note in music.notes]
    assert starts == sorted(starts)
    assert {note.stem for note in music.notes} == set(multitrack.STEMS)


def test_all_pitches_belong_to_the_key(music):
    tonic, mode = music.key.split()
    scale = {(s + multitrack.TONICS.index(tonic)) % 12 for s in multitrack.SCALES[mode]}
    assert {note.pitch % 12 for note in music.notes if note.pitch is not None} <= scale
    assert all((note.pitch is None) == (note.stem == "drums") for note in music.notes)


def part(music, note, stem):
    at = round(note.start * RATE)
    return music.stems[stem][at : at + round(note.duration * RATE)]


@pytest.mark.parametrize("stem", ["bass", "voice"])
def test_a_note_has_its_pitch(music, stem):
    """All power stands at multiples of the fundamental frequency."""
    for note in [n for n in music.notes if n.stem == stem][:12]:
        f0 = 440 * 2 ** ((note.pitch - 69) / 12)
        x = part(music, note, stem)
        x = x * np.hanning(x.size)
        f = np.fft.rfftfreq(8 * x.size, 1 / RATE)
        X = np.abs(np.fft.rfft(x, 8 * x.size)) ** 2
        low = f < 1200
        k = f[low] / f0
        width = 4 * RATE / x.size / f0  # two bins of a Hann window
        near = (np.abs(k - np.rint(k)) < max(width / 2, 0.03)) & (k > 0.5)
        assert X[low][near].sum() > 0.9 * X[low].sum()


def test_before_the_first_note_and_between_sung_notes_a_stem_is_silent(music):
    voice = [n for n in music.notes if n.stem == "voice"]
    x = music.stems["voice"]
    sung = np.zeros(x.size, bool)
    for note in voice:
        sung[round(note.start * RATE) : round((note.start + note.duration) * RATE) + 1] = True
    assert not x[~sung].any()
    assert (~sung).any()


def test_each_stroke_of_the_drums_is_an_onset(music):
    x = music.stems["drums"]
    strong = [n for n in music.notes if n.name in ("kick", "snare")]
    assert len(strong) >= 12
    for note in strong:
        at = round(note.start * RATE)
        before, after = x[max(0, at - 160) : at], x[at : at + 320]
        assert np.sum(after**2) > 4 * np.sum(before**2)


def test_chords_are_triads_one_a_bar(music):
    chords = [n for n in music.notes if n.stem == "chords"]
    assert len(chords) == 3 * 4
    for bar in range(4):
        triad = sorted(n.pitch % 12 for n in chords[3 * bar : 3 * bar + 3])
        intervals = sorted({(b - a) % 12 for a in triad for b in triad} - {0})
        # major and minor triads hold thirds and a fifth with their inversions; diminished 6
        assert intervals in ([3, 4, 5, 7, 8, 9], [3, 6, 9])


def test_equal_generators_give_equal_music_and_others_other():
    a, b, c = (
        multitrack.multitrack(np.random.default_rng(s), n_bars=1, rate=8000) for s in (1, 1, 2)
    )
    assert_array_equal(a.mix, b.mix)
    assert a.notes == b.notes
    assert (a.tempo, a.key) != (c.tempo, c.key)


def test_wrong_arguments_are_explained():
    with pytest.raises(InputError, match="n_bars is 0"):
        multitrack.multitrack(np.random.default_rng(0), n_bars=0)
    with pytest.raises(InputError, match="rate is 4000 Hz"):
        multitrack.multitrack(np.random.default_rng(0), rate=4000)
