"""What is heard and seen of a sound: equally loud, and every axis where it says it is."""

import base64
import io
import wave

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ddasp.audio.loudness import integrated_loudness
from ddasp.playground.points.sound_pictures import levelled, picture_of, wav_of

RATE = 16_000


def sine(frequency=1000.0, duration=1.0, level=-12.0):
    t = np.arange(round(duration * RATE)) / RATE
    return 10 ** (level / 20) * np.sin(2 * np.pi * frequency * t)


def samples(content):
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
        return data, file.getframerate()


@pytest.mark.parametrize("level", [-70, -40, -6])
def test_a_wav_has_16_bits_one_channel_and_minus_23_lufs(level):
    heard, rate = samples(wav_of(sine(level=level), RATE))
    assert rate == RATE
    assert len(heard) == RATE
    assert_allclose(integrated_loudness(heard, rate), -23, atol=0.1)


def test_a_click_is_raised_only_as_far_as_its_peak_allows():
    click = np.zeros(RATE)
    click[100] = 0.1
    heard, rate = samples(wav_of(click, RATE))
    assert_allclose(20 * np.log10(np.abs(heard).max()), -1, atol=0.01)
    assert integrated_loudness(heard, rate) < -23
    assert_allclose(levelled(click, RATE)[1], 19, atol=1e-9)


def test_silence_stays_silence():
    heard, _ = samples(wav_of(np.zeros(800), RATE))
    assert not heard.any()
    picture = picture_of(np.zeros(800), RATE)
    assert set(base64.b64decode(picture["spectrogram"]["data"])) == {0}
    assert picture["gain"] == 0


def test_nothing_longer_than_15_s_is_played():
    x = sine(duration=16)
    heard, _ = samples(wav_of(x, RATE))
    assert len(heard) == 15 * RATE
    assert picture_of(x, RATE)["cut"]
    assert not picture_of(x[: 15 * RATE], RATE)["cut"]


def test_the_envelope_holds_every_extreme():
    x = np.random.default_rng(0).normal(size=RATE) * 0.1
    x[777], x[9999] = 0.9, -0.8
    waveform = picture_of(x, RATE)["waveform"]
    assert len(waveform["low"]) == len(waveform["high"]) == 400
    assert waveform["high"][int(777 / RATE / waveform["step"])] == 0.9
    assert waveform["low"][int(9999 / RATE / waveform["step"])] == -0.8
    assert_allclose(400 * waveform["step"], 1.0)


def grid(picture):
    s = picture["spectrogram"]
    cells = np.frombuffer(base64.b64decode(s["data"]), np.uint8)
    return s["floor"] + cells.reshape(s["rows"], s["columns"]) / 255 * -s["floor"], s


@pytest.mark.parametrize("frequency", [100, 1000, 6000])
def test_a_tone_stands_in_the_row_of_its_frequency(frequency):
    level, s = grid(picture_of(sine(frequency), RATE))
    centres = np.array(s["frequencies"])
    assert len(centres) == s["rows"] == 64
    assert (np.diff(centres) < 0).all()  # the top row is the highest
    nearest = np.argmin(np.abs(centres - frequency))
    assert abs(int(level.mean(axis=1).argmax()) - nearest) <= 1
    assert level.max() == 0
    assert level.min() >= -80


def test_a_click_stands_in_the_column_of_its_time():
    x = np.zeros(RATE)
    x[4000] = 0.5
    level, s = grid(picture_of(x, RATE))
    at = level.max(axis=0).argmax() * s["times"]["step"] + s["times"]["first"]
    assert_allclose(at, 0.25, atol=0.006)


def test_levels_are_decibels_below_the_loudest_cell():
    x = np.concatenate([sine(), sine(level=-32)])
    level, s = grid(picture_of(x, RATE))
    quiet = round(1.5 / s["times"]["step"])
    assert_allclose(level[:, quiet].max() - level[:, quiet // 3].max(), -20, atol=0.5)


@pytest.mark.parametrize("n", [0, 1, 3, 50, 399])
@pytest.mark.parametrize("rate", [1000, 8000, 48_000])
def test_the_shortest_sounds_have_pictures_and_wavs(n, rate):
    x = 0.1 * np.ones(n)
    picture = picture_of(x, rate)
    assert len(picture["waveform"]["low"]) == n
    s = picture["spectrogram"]
    assert len(base64.b64decode(s["data"])) == s["rows"] * s["columns"]
    assert wav_of(x, rate)[:4] == b"RIFF"


def test_a_picture_of_a_long_sound_has_at_most_401_columns():
    assert picture_of(sine(duration=14), RATE)["spectrogram"]["columns"] <= 401
