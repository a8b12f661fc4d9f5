"""Levels in blocks are those of the whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddasp.audio import levels
from ddasp.audio.level_meter import LevelMeter

RATE = 400  # frames of 20 samples


def metered(x, cuts):
    meter = LevelMeter(RATE)
    for block in np.split(x, cuts):
        meter.add(block)
    return meter


@given(
    st.integers(1, 130),
    st.integers(1, 3),
    st.lists(st.integers(0, 130), max_size=6),
    st.integers(0, 9),
)
def test_levels_in_blocks_are_those_of_the_whole(n, n_channels, cuts, seed):
    rng = np.random.default_rng(seed)
    loud = rng.random(n // 20 + 1).repeat(20)[:n, np.newaxis] > 0.5  # some frames are silent
    x = (rng.uniform(-0.9, 1.0, (n, n_channels)) * loud).astype(np.float32)
    meter = metered(x, np.sort(np.minimum(cuts, n)).astype(int))
    assert meter.peak == levels.peak(x)
    assert meter.silent == levels.silent_fraction(x, RATE)
    # sums of at most 390 numbers below 1: the order changes the last bits
    assert meter.rms == pytest.approx(levels.rms(x), rel=1e-12)
    assert meter.mean == pytest.approx(levels.dc_offset(x), abs=1e-13)


def test_one_block_gives_the_very_numbers_of_the_whole():
    x = np.random.default_rng(0).normal(size=(9999, 2)).astype(np.float32)
    meter = metered(x, [])
    assert (meter.rms, meter.mean) == (levels.rms(x), levels.dc_offset(x))


def test_no_samples_have_no_level_and_are_silent():
    meter = metered(np.zeros((0, 2), np.float32), [])
    assert (meter.peak, meter.rms, meter.mean, meter.silent) == (0.0, 0.0, 0.0, 1.0)
