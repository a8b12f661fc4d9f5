"""Rooms: where each sound arrives and how strong, and how the energy decays."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import butter, sosfilt

from ddasp._errors import InputError
from ddasp.audio import rooms

RATE = 16_000
C = rooms.SPEED_OF_SOUND
SIZE, SOURCE, MICROPHONE = [6.0, 5.0, 3.0], [1.2, 2.1, 1.5], [4.3, 3.2, 1.1]


def arrival(h, low, high):
    """Time [s] and area of what arrives between two times: centre of the phase, sum."""
    part = np.zeros_like(h)
    here = slice(round(low * RATE), round(high * RATE))
    part[here] = h[here]
    H = np.fft.rfft(part, 1 << 14)
    w = 2 * np.pi * np.arange(H.size) / (1 << 14)
    inner = slice(10, H.size // 2)  # up to 4 kHz
    slope = np.polyfit(w[inner], np.unwrap(np.angle(H))[inner], 1)[0]
    return -slope / RATE, part.sum()


@pytest.mark.parametrize("place", [[4.3, 3.2, 1.1], [3.0, 4.5, 2.8], [5.9, 0.2, 0.3]])
def test_the_direct_sound_comes_after_r_over_c_with_1_over_r(place):
    h = rooms.room_response(SIZE, SOURCE, place, RATE, absorption=1.0)
    r = np.linalg.norm(np.subtract(place, SOURCE))
    time, area = arrival(h, 0, len(h) / RATE)
    assert_allclose(time, r / C, atol=1e-7)  # 0.002 samples: steps of 1/64 sample, linear between
    assert_allclose(area, 1 / (4 * np.pi * r), rtol=1e-3)  # ripple of the windowed sinc at 0 Hz


def test_each_wall_adds_its_mirror_image():
    """One wall reflects: a second arrival, as from the source behind it, times the coefficient."""
    for axis in range(3):
        for side in range(2):
            absorption = np.ones((3, 2))
            absorption[axis, side] = 0.36  # reflects 0.8
            h = rooms.room_response(
                SIZE, SOURCE, MICROPHONE, RATE, absorption=absorption, duration=0.05
            )
            free = rooms.room_response(
                SIZE, SOURCE, MICROPHONE, RATE, absorption=1.0, duration=0.05
            )
            image = np.array(SOURCE)
            image[axis] = 2 * side * SIZE[axis] - image[axis]
            r = np.linalg.norm(image - MICROPHONE)
            time, area = arrival(h - free, 0, 0.05)
            assert_allclose(time, r / C, atol=1e-7)
            assert_allclose(area, 0.8 / (4 * np.pi * r), rtol=1e-3)


def test_twice_reflected_sound_is_weakened_by_both_walls():
    absorption = np.ones((3, 2))
    absorption[0] = 0.36, 0.75  # reflect 0.8 and 0.5
    size, source, microphone = [4.0, 90.0, 90.0], [1.5, 45.0, 45.0], [2.7, 45.0, 45.0]
    h = rooms.room_response(size, source, microphone, RATE, absorption=absorption, duration=0.08)
    # along the line: direct 1.2 m, by 0: 4.2, by 4: 3.8, by 0 then 4: 9.2, by 4 then 0: 6.8, ...
    n, m = np.arange(h.size) / RATE * C, 0.6
    for r, b in (
        (1.2, 1),
        (4.2, 0.8),
        (3.8, 0.5),
        (9.2, 0.4),
        (6.8, 0.4),
        (12.2, 0.32),
        (11.8, 0.2),
    ):
        if r in (4.2, 3.8, 12.2, 11.8):  # two arrivals stand closer than the sinc is wide
            continue
        here = (n > r - m) & (n < r + m)
        assert_allclose(h[here].sum(), b / (4 * np.pi * r), rtol=0.05)
    pairs = {(3.8, 4.2): (0.5, 0.8), (11.8, 12.2): (0.2, 0.32)}
    for r, b in pairs.items():
        here = (n > r[0] - m) & (n < r[1] + m)
        assert_allclose(h[here].sum(), np.sum(np.divide(b, r)) / (4 * np.pi), rtol=0.05)


def test_source_and_microphone_may_be_exchanged():
    h = rooms.room_response(SIZE, SOURCE, MICROPHONE, RATE)
    assert_allclose(h, rooms.room_response(SIZE, MICROPHONE, SOURCE, RATE), atol=1e-12)


def measured(size, time):
    size = np.array(size)
    h = rooms.room_response(
        size, size * [0.31, 0.42, 0.53], size * [0.73, 0.61, 0.37], RATE,
        absorption=rooms.eyring_absorption(size, time), duration=time,
    )  # fmt: skip
    # the constant pressure of a closed box and its lowest modes are left out
    return rooms.decay_time(sosfilt(butter(2, 100, "highpass", fs=RATE, output="sos"), h), RATE)


@pytest.mark.parametrize("time", [0.2, 0.4, 0.6])
def test_reverberation_by_schroeder_integration_is_near_eyring_in_a_cube(time):
    # mirrors without scattering ring longer than a diffuse field: 5 to 10 % in a cube
    assert_allclose(measured([3.2, 3.0, 2.9], time), 1.07 * time, rtol=0.08)


@pytest.mark.parametrize("size", [(5, 4, 3), (7, 5, 3.2), (10, 8, 4)])
def test_flat_rooms_ring_longer_than_eyring_by_up_to_40_percent(size):
    assert 1.0 < measured(size, 0.4) / 0.4 < 1.4


def test_the_remaining_energy_never_rises():
    h = rooms.room_response(SIZE, SOURCE, MICROPHONE, RATE)
    level = rooms.decay_curve(h)
    assert level[0] == 0
    assert (np.diff(level) <= 0).all()
    # windows of 10 ms lose energy on average
    power = np.add.reduceat(h**2, np.arange(round(0.02 * RATE), h.size - 160, 160))
    assert np.polyfit(np.arange(power.size), np.log(power), 1)[0] < 0


def test_more_absorption_rings_shorter():
    times = [
        rooms.decay_time(rooms.room_response(SIZE, SOURCE, MICROPHONE, RATE, absorption=a), RATE)
        for a in (0.2, 0.4, 0.6)
    ]
    assert times[0] > times[1] > times[2]


def test_decay_time_of_an_exponential_is_exact():
    t = np.arange(2 * RATE) / RATE
    for span in ((-5, -25), (-5, -35)):
        h = 10 ** (-3 * t / 0.5)
        assert_allclose(rooms.decay_time(h, RATE, span=span), 0.5, rtol=1e-3)


def test_sabine_and_eyring_on_paper():
    # V = 60, S = 94: 24 ln 10 / 343 = 0.16111
    assert_allclose(rooms.sabine_time([5, 4, 3], 0.2), 0.161114 * 60 / (94 * 0.2), rtol=1e-5)
    assert_allclose(
        rooms.eyring_time([5, 4, 3], 0.2), 0.161114 * 60 / (94 * -np.log(0.8)), rtol=1e-5
    )
    walls = np.array([[0.1, 0.3], [0.2, 0.2], [0.5, 0.1]])
    area = 12 * 0.4 + 15 * 0.4 + 20 * 0.6
    assert_allclose(rooms.sabine_time([5, 4, 3], walls), 0.161114 * 60 / area, rtol=1e-5)
    assert rooms.eyring_time([5, 4, 3], 1.0) == 0
    # little absorption: the same
    assert_allclose(
        rooms.eyring_time([5, 4, 3], 1e-6), rooms.sabine_time([5, 4, 3], 1e-6), rtol=1e-5
    )


def test_a_sound_in_a_room_keeps_its_place_level_length_and_dtype():
    h = rooms.room_response(SIZE, SOURCE, MICROPHONE, RATE, absorption=0.5)
    x = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    y = rooms.in_room(x, h)
    assert y.dtype == np.float32
    assert y.shape == x.shape
    assert_allclose(np.sum(np.square(y, dtype=float)), np.sum(np.square(x, dtype=float)), rtol=1e-5)
    c = np.fft.irfft(np.fft.rfft(x, 2 * RATE).conj() * np.fft.rfft(y, 2 * RATE))
    assert np.argmax(c) == 0
    assert_array_equal(rooms.in_room(np.zeros(9), h), np.zeros(9))
    assert rooms.in_room([], h).shape == (0,)


def test_without_walls_a_sound_stays_as_it_is():
    r = 200 / RATE * C  # a whole number of samples
    h = rooms.room_response([20, 20, 20], [5, 10, 10], [5 + r, 10, 10], RATE, absorption=1.0)
    x = np.sin(0.3 * np.arange(5000)) * np.hanning(5000)
    assert_allclose(rooms.in_room(x, h), x, atol=2e-3)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: rooms.room_response(SIZE, [7, 1, 1], MICROPHONE, RATE), "source is at"),
        (lambda: rooms.room_response(SIZE, SOURCE, [1, 1, 3.0], RATE), "microphone is at"),
        (lambda: rooms.room_response(SIZE, SOURCE, SOURCE, RATE), "at one place"),
        (lambda: rooms.room_response([1, 2], SOURCE, MICROPHONE, RATE), "expected three lengths"),
        (lambda: rooms.room_response([1, 2, -1], SOURCE, MICROPHONE, RATE), "above 0 m"),
        (
            lambda: rooms.room_response(SIZE, SOURCE, MICROPHONE, RATE, absorption=0.0),
            "absorption is 0.0; expected above 0",
        ),
        (
            lambda: rooms.room_response(SIZE, SOURCE, MICROPHONE, RATE, absorption=[0.1, 0.2]),
            r"absorption has shape \(2,\)",
        ),
        (
            lambda: rooms.room_response(SIZE, SOURCE, MICROPHONE, RATE, duration=300.0),
            "given in milliseconds",
        ),
        (
            lambda: rooms.room_response([2, 2, 2], [1, 1, 0.5], [1, 1, 1.5], RATE, duration=9.0),
            "images; expected at most",
        ),
        (lambda: rooms.eyring_absorption(SIZE, 500.0), "given in milliseconds"),
        (lambda: rooms.decay_curve(np.zeros(5)), "response is silent"),
        (lambda: rooms.in_room([0.1], np.zeros(5)), "response is silent"),
        (lambda: rooms.decay_time(np.ones(5), RATE), "decays to -7.0 dB; expected beyond -25 dB"),
    ],
)
def test_wrong_arguments_are_explained(call, match):
    with pytest.raises(InputError, match=match):
        call()
