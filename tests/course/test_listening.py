"""Players: equally loud, whole, and no louder than full scale."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pyloudnorm
import pytest
import soundfile as sf
from numpy.typing import NDArray

from ddasp._errors import InputError
from ddasp.course import listen
from ddasp.course.listening import LOUDNESS, PEAK

RATE = 16000


def noise(level: float, seconds: float = 2.0) -> NDArray[np.float64]:
    return 10 ** (level / 20) * np.random.default_rng(1).standard_normal(int(seconds * RATE)) / 5


def played(players) -> list[NDArray[np.float64]]:  # type: ignore[no-untyped-def]
    return [sf.read(io.BytesIO(sound.flac))[0] for sound in players.sounds]


def test_sounds_are_played_at_one_loudness_as_pyloudnorm_measures() -> None:
    both = played(listen({"a": noise(-30), "b": noise(-3)}, RATE))
    # pyloudnorm's filters differ a little from ours below 44.1 kHz
    levels = [pyloudnorm.Meter(RATE).integrated_loudness(x) for x in both]
    assert abs(levels[0] - levels[1]) < 0.02
    assert levels[0] == pytest.approx(LOUDNESS, abs=0.3)


def test_a_peak_lowers_all_of_a_row_by_the_same_amount() -> None:
    click = np.zeros(2 * RATE)
    click[::4000] = 1.0
    players = listen({"clicks": click, "noise": noise(-10)}, RATE)
    clicks, other = played(players)
    assert np.abs(clicks).max() == pytest.approx(10 ** (PEAK / 20), abs=1e-3)
    levels = [pyloudnorm.Meter(RATE).integrated_loudness(x) for x in (clicks, other)]
    assert abs(levels[0] - levels[1]) < 0.1
    assert levels[0] < LOUDNESS


def test_silence_and_very_short_sounds_can_be_played() -> None:
    for x in (np.zeros(RATE), np.array([0.5]), noise(-6, 0.05)):
        assert np.isfinite(played(listen(x, RATE))[0]).all()


def test_without_equal_loudness_the_samples_are_as_they_are() -> None:
    x = np.round(noise(-6) * 20000) / 32768
    np.testing.assert_array_equal(played(listen(x, RATE, equal_loudness=False))[0], x)


def test_stereo_stays_stereo() -> None:
    x = np.column_stack([noise(-6), -noise(-6)])
    assert played(listen(x, RATE))[0].shape == x.shape


def test_every_player_has_its_picture_and_starts_by_itself_never() -> None:
    html = listen({"<a>": noise(-6), "b": noise(-9)}, RATE, picture="spectrogram")._repr_html_()
    assert html.count("<svg") == html.count("<audio") == 2
    assert "autoplay" not in html
    assert "&lt;a&gt;" in html
    sounds = re.findall(r'src="data:audio/flac;base64,([^"]+)"', html)
    assert [base64.b64decode(sound)[:4] for sound in sounds] == [b"fLaC"] * 2


@pytest.mark.parametrize(
    ("sound", "options", "says"),
    [
        (np.zeros((100, 3)), {}, "3 channels"),
        (np.zeros(0), {}, "lasts 0 s"),
        (np.zeros(31 * RATE), {}, "lasts 31 s"),
        (np.full(10, np.nan), {}, "NaN"),
        (np.full(1000, 1.5), {"equal_loudness": False}, "peak of 1.5"),
        (np.zeros(10), {"picture": "pie"}, "picture"),
    ],
)
def test_what_can_not_be_played_is_refused(sound, options, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=says):
        listen(sound, RATE, **options)
