"""The binary frame: byte for byte against one written by hand, and there and back."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.nonlinear import mlp_numpy
from ddasp.playground.settings import Settings
from ddasp.playground.training.experiment import Experiment
from ddasp.playground.training.frames import CLASSES, FOCUS, LINE, RUNNING, Frame, decode, encode
from ddasp.playground.training.pictures import Grids, bytes_of, thumbnails


def small_frame() -> Frame:
    """A network of one input and one output, a map of 2 x 2, thumbnails of 1 x 1."""
    return Frame(
        flags=RUNNING, number=7, generation=0xA1B2C3D4, epoch=1.5, n_updates=3.0,
        losses=(0.5, float("nan"), 0.25), band=(0.125, 2.0), scale=(-1.0, 1.0), speed=60.0,
        gradient_norm=0.75, seen=4, widths=(1, 1),
        picture=np.array([[0, 128], [200, 255]], np.uint8),
        thumbnails=np.array([[[130]], [[1]]], np.uint8),
        parameters=np.array([2.0, -1.0], np.float32),
    )  # fmt: skip


BY_HAND = bytes.fromhex(
    "44445046"  # DDPF
    "0100 0100"  # version, flags
    "07000000 d4c3b2a1"  # number, generation
    "000000000000f83f 0000000000000840"  # epoch 1.5, 3 updates
    "0000003f 0000c07f 0000803e"  # losses 0.5, NaN, 0.25
    "0000003e 00000040"  # band 0.125, 2
    "000080bf 0000803f"  # scale -1, 1
    "00007042 0000403f"  # 60 epochs/s, gradient 0.75
    "0400 0200"  # seen, M
    "01 02"  # T, number of widths
    "01 01"  # widths
    # 76 bytes: no padding
    "00 80 c8 ff"  # map
    "82 01 0000"  # thumbnails, padding
    "00000040 000080bf"  # parameters
)


def test_a_frame_is_what_was_written_by_hand() -> None:
    assert encode(small_frame()) == BY_HAND


def test_the_frame_written_by_hand_is_read() -> None:
    frame = decode(BY_HAND)
    expected = small_frame()
    names = "flags number generation epoch n_updates band scale speed gradient_norm seen widths"
    for name in names.split():
        assert getattr(frame, name) == getattr(expected, name), name
    assert_array_equal(frame.losses, expected.losses)
    for name in ("picture", "thumbnails", "parameters"):
        assert_array_equal(getattr(frame, name), getattr(expected, name))


def test_offsets_are_those_of_the_table() -> None:
    data = encode(small_frame())
    for offset, kind, value in [
        (4, "H", 1), (6, "H", 1), (8, "I", 7), (16, "d", 1.5), (24, "d", 3.0), (32, "f", 0.5),
        (44, "f", 0.125), (52, "f", -1.0), (60, "f", 60.0), (64, "f", 0.75), (68, "H", 4),
        (70, "H", 2), (72, "B", 1), (73, "B", 2), (74, "B", 1),
    ]:  # fmt: skip
        assert struct.unpack_from("<" + kind, data, offset) == (value,)


@pytest.mark.parametrize(
    ("settings", "focus", "flags", "shape"),
    [
        (Settings(), None, 0, (100, 100)),
        (Settings(), (1, 2), FOCUS, (100, 100)),
        (Settings(), (0, 1), FOCUS, (100, 100)),
        (Settings(), (3, 0), 0, (100, 100)),  # the output is the output
        (Settings(), (1, 7), 0, (100, 100)),  # no such unit
        (Settings(), (9, 0), 0, (100, 100)),
        (Settings(networkShape=()), None, 0, (100, 100)),
        (Settings(dataset="rings3"), None, CLASSES, (2, 100, 100)),
        (Settings(dataset="rings3"), (3, 2), FOCUS, (100, 100)),
        (Settings(dataset="stripes1d"), None, LINE, (100, 1)),
        (Settings(dataset="stripes1d"), (1, 0), LINE | FOCUS, (100, 1)),
        (Settings(problem="regression"), None, 0, (100, 100)),
        (Settings(problem="regression", regDataset="reg-sine1d"), None, LINE, (100, 1)),
    ],
)
def test_every_kind_of_picture_comes_back_from_its_bytes(settings, focus, flags, shape) -> None:
    experiment = Experiment(settings)
    experiment.train(epochs=2)
    frame = experiment.frame(focus=focus, number=3, running=True, speed=12.0, band=(0.1, 0.2))
    assert frame.flags == flags | RUNNING
    assert frame.picture.shape == shape
    again = decode(encode(frame))
    assert encode(again) == encode(frame)
    for name in ("picture", "thumbnails", "parameters"):
        assert_array_equal(getattr(again, name), getattr(frame, name))
    assert again.widths == experiment.spec.widths
    assert again.epoch == 2.0


def test_the_map_is_the_network_on_the_plane_with_the_top_first() -> None:
    experiment = Experiment(Settings(dataset="gauss"))
    experiment.train(epochs=50)
    frame = experiment.frame()
    model = mlp_numpy.build(experiment.spec, experiment.theta)
    for row, column, xy in [(0, 0, (-5.94, 5.94)), (0, 99, (5.94, 5.94)), (99, 3, (-5.58, -5.94))]:
        value = mlp_numpy.predict(model, np.array([xy]))[0, 0]
        assert abs(frame.picture[row, column] / 127.5 - 1 - value) < 1 / 127
    assert frame.scale == (-1.0, 1.0)
    # gauss: the positive cloud lies at the top right
    assert frame.picture[30, 70] > 200 > 55 > frame.picture[70, 30]


def test_thumbnails_are_every_unit_at_the_centres_of_their_cells() -> None:
    experiment = Experiment(Settings(networkShape=(3, 2), sinX=True))
    experiment.train(epochs=20)
    small = thumbnails(experiment.state, Grids.of(experiment.material))
    assert small.shape == (3 + 3 + 2 + 1, 20, 20)
    cells = -6 + 12 * (np.arange(20) + 0.5) / 20
    inputs = {"x": cells[np.newaxis, :], "y": cells[::-1, np.newaxis], "sinX": np.sin(cells)}
    a = np.stack(
        [np.broadcast_to(inputs[key], (20, 20)).ravel() for key in experiment.inputs.keys], axis=1
    )
    layers = [a / np.abs(a).max(axis=0)]
    for W, b in zip(experiment.theta[::2], experiment.theta[1::2], strict=True):
        a = np.tanh(a @ W + b)
        layers.append(a)
    expected = np.concatenate(layers, axis=1).T.reshape(-1, 20, 20)
    assert_allclose(small, 128 + 127 * expected, atol=0.5 + 1e-9)


def test_focus_shows_what_the_thumbnail_shows() -> None:
    experiment = Experiment(Settings(activation="relu", networkShape=(4, 4)))
    experiment.train(epochs=20)
    whole = experiment.frame()
    for unit in range(4):
        frame = experiment.frame(focus=(2, unit))
        large = frame.picture.astype(float).reshape(20, 5, 20, 5)[:, 2, :, 2]  # the same centres
        assert frame.scale[0] == -frame.scale[1]
        small = whole.thumbnails[2 + 4 + unit].astype(float)
        if small.max() > 128:  # both go up to the unit's largest value on their own grid
            large, small = large - 127.5, small - 128
            assert_allclose(large / large.max(), small / small.max(), atol=0.02)


def test_codes_of_classes_and_their_probabilities() -> None:
    experiment = Experiment(Settings(dataset="rings3", networkShape=(8, 8)))
    experiment.train(epochs=150)
    frame = experiment.frame()
    codes, sure = frame.picture
    assert codes[50, 50] == 0
    assert set(np.unique(codes)) == {0, 1, 2}
    assert sure.min() >= 85  # the likeliest of three has a third at least


def test_a_line_has_the_output_itself() -> None:
    experiment = Experiment(Settings(problem="regression", regDataset="reg-sine1d"))
    experiment.train(epochs=5)
    frame = experiment.frame()
    model = mlp_numpy.build(experiment.spec, experiment.theta)
    expected = mlp_numpy.predict(model, experiment.inputs.of(experiment.view.grid(100)))
    assert_allclose(frame.picture, expected, rtol=1e-6)
    assert (frame.thumbnails == frame.thumbnails[:, :1, :]).all()


def test_the_scale_of_a_regression_holds_its_training_targets() -> None:
    experiment = Experiment(Settings(problem="regression"))
    low, high = experiment.frame().scale
    assert -low == high == np.abs(experiment.targets[experiment.sets == 0]).max()


def test_bytes_are_rounded_clipped_and_never_fail() -> None:
    values = np.array([-np.inf, -2.0, -1.0, -1 / 255, 0.999, 1.0, np.inf, np.nan])
    assert bytes_of(values, -1.0, 1.0).tolist() == [0, 0, 0, 127, 255, 255, 255, 128]
    assert bytes_of(np.array([0.0]), -128 / 127, 1.0).tolist() == [128]


def test_the_generation_changes_with_data_and_shape_alone() -> None:
    experiment = Experiment()
    first = experiment.generation
    experiment.train(epochs=1)
    experiment.change({"learningRate": 0.1, "stopEpoch": 5})
    assert experiment.generation == first
    seen = {first}
    for values in (
        {"sinX": True},
        {"networkShape": "3"},
        {"noise": 10},
        {"percTrainData": 60},
        {"loss": "entropy"},
    ):
        experiment.change(values)
        assert experiment.generation not in seen
        seen.add(experiment.generation)
    assert experiment.frame().generation == experiment.generation


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "no frame"),
        (b"XXXX" + BY_HAND[4:], "no frame"),
        (BY_HAND[:50], "no frame"),
        (BY_HAND[:4] + b"\x02" + BY_HAND[5:], "version is 2"),
        (BY_HAND[:-1], "cut"),
        (BY_HAND + b"\0", "expected 92"),
    ],
)
def test_other_bytes_are_refused(data: bytes, match: str) -> None:
    with pytest.raises(InputError, match=match):
        decode(data)


def test_a_frame_whose_arrays_do_not_fit_is_refused() -> None:
    frame = small_frame()
    frame.__dict__["parameters"] = np.zeros(3, np.float32)
    with pytest.raises(InputError, match=r"expected .*\(2,\)"):
        encode(frame)


def test_the_gradient_is_measured_at_rest_alone() -> None:
    experiment = Experiment()
    assert np.isnan(experiment.frame(running=True).gradient_norm)
    assert experiment.frame().gradient_norm == experiment.gradient_norm() > 0
