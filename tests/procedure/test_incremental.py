"""However a stream is cut into chunks, its windows and features are those of the file."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from ddasp.procedure.features import FEATURE_SETS, extract
from ddasp.procedure.incremental import FeatureStream
from ddasp.procedure.windows import Cutter, cut, windows

RATE = 2000
SETS = [name for name, s in FEATURE_SETS.items() if s.courses]


def sound(n, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(n) / RATE
    x = rng.standard_normal(n) * 10 ** (rng.uniform(-60, -10) / 20) * (1 + np.sin(9 * t))
    return x + 0.3 * np.sin(2 * np.pi * 300 * t) * (np.sin(3 * t) > 0)


def chunks(x, cuts):
    places = sorted({0, len(x), *(c % (len(x) + 1) for c in cuts)})
    parts = [x[a:b] for a, b in itertools.pairwise(places)]
    return [*parts[:1], x[:0], *parts[1:]]  # an empty one among them


def streamed(x, window, name, cuts):
    stream, n, found = FeatureStream(RATE, window, name), 0, []
    for part in chunks(x, cuts):
        n += len(part)
        found += list(stream.push(part, n / RATE))
    return found + list(stream.finish(n / RATE))


CUTS = st.lists(st.integers(0, 10**6), max_size=40)
WINDOWS = st.one_of(
    st.none(),
    st.tuples(st.floats(0.02, 0.9), st.floats(0.01, 0.7)),  # begins between hops as a rule
    st.tuples(st.sampled_from([0.1, 0.25, 0.5]), st.sampled_from([0.01, 0.05, 0.1, 0.6])),
)


@given(n=st.integers(1, 3000), window=WINDOWS, cuts=CUTS, name=st.sampled_from(SETS))
@settings(deadline=None, max_examples=60)
def test_the_features_of_a_stream_are_those_of_the_file(n, window, cuts, name):
    x = sound(n)
    found = streamed(x, window, name, cuts)
    places = windows(n / RATE, window)
    assert [piece[:2] for piece, _ in found] == places
    for (piece, features), (start, stop) in zip(found, places, strict=True):
        whole = cut(x, RATE, start, stop)
        assert_array_equal(piece[2], whole.astype(np.float32))
        expected = extract(whole, RATE, (name,), variants=False)[name][0]
        # both in float64 from the same float32 samples: what differs is the order of sums
        assert_allclose(features, expected, rtol=1e-6, atol=1e-6)


@given(n=st.integers(1, 400), window=WINDOWS, cuts=CUTS, late=st.integers(0, 50))
@settings(deadline=None, max_examples=60)
def test_pieces_of_a_stream_are_those_of_the_file_though_samples_come_late(n, window, cuts, late):
    """A resampler holds its last samples back: what was heard is more than what has come."""
    x = np.arange(1.0, n + 1)
    cutter, come, found = Cutter(RATE, window), 0, []
    for part in chunks(x, cuts):
        come += len(part)
        found += list(cutter.push(part, min(n, come + late) / RATE))
    found += list(cutter.finish(n / RATE))
    assert [piece[:2] for piece in found] == windows(n / RATE, window)
    for start, stop, piece in found:
        assert_array_equal(piece, cut(x, RATE, start, stop))


def test_a_window_is_given_as_soon_as_its_last_sample_is_there():
    stream = FeatureStream(RATE, (0.1, 0.05), "mfcc")
    assert not list(stream.push(np.zeros(199), 199 / RATE))
    assert len(list(stream.push(np.zeros(1), 0.1))) == 1


@pytest.mark.parametrize("name", SETS)
def test_frames_inside_a_window_are_computed_once(name, monkeypatch):
    """Otherwise a hop of a hundredth of the window would cost a hundred times as much."""
    from ddasp.procedure import analysis

    n_frames = 0
    course = analysis.Grid.course

    def counted(self, which, frames, P=None):
        nonlocal n_frames
        n_frames += len(frames)
        return course(self, which, frames, P)

    monkeypatch.setattr(analysis.Grid, "course", counted)
    x, window = sound(3 * RATE), (1.0, 0.01)
    found = streamed(x, window, name, range(0, len(x), 20))
    n_courses = len(FEATURE_SETS[name].courses)
    edges = 7  # 3 frames at the beginning, one before and 3 at the end
    assert n_frames <= n_courses * (2 * 3 * 100 + len(found) * edges + 300)


@pytest.mark.parametrize("window", [(0.5, 0.1), (0.5, 0.103), (0.02, 0.01), (0.5, 2.0)])
def test_memory_does_not_grow_with_the_stream(window):
    stream = FeatureStream(RATE, window, "descriptors")
    sizes = []
    for i in range(50):
        list(stream.push(sound(RATE, i), i + 1.0))
        held = stream._cutter._held.n - stream._cutter._held.first
        sizes.append((held, *(len(rows) for rows in stream._rows.values())))
    most = 1 + sum(window)  # s: what was pushed at once, and what a window may still need
    assert max(s[0] for s in sizes[5:]) <= most * RATE
    assert max(max(s[1:], default=0) for s in sizes[5:]) <= 100 * most
