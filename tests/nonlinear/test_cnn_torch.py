"""The convolutional network: folding changes nothing, seeds decide all, shapes may be odd."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.nonlinear.estimators import CNNClassifier
from ddasp.nonlinear.spec import Augmentation, CNNSpec

torch = pytest.importorskip("torch")
cnn_torch = pytest.importorskip("ddasp.nonlinear.cnn_torch")


def stripes(n, shape, seed):
    """Maps of noise with a bright band: class 0 low, class 1 high."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = rng.normal(size=(n, *shape))
    for row, code in zip(X, y, strict=True):
        row[:, 1 + code * (shape[1] // 2)] += 4
    return X.reshape(n, -1).astype(np.float32), y


@pytest.fixture(scope="module")
def trained():
    X, y = stripes(64, (12, 10), 0)
    return CNNClassifier((12, 10), n_epochs=8, batch_size=16, random_state=0).fit(X, y)


def test_training_separates_what_is_separable(trained):
    X, y = stripes(40, (12, 10), 1)
    assert trained.score(X, y) > 0.9


def test_equal_seeds_give_equal_networks_and_the_global_state_is_left_alone(trained):
    X, y = stripes(64, (12, 10), 0)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    again = CNNClassifier((12, 10), n_epochs=8, batch_size=16, random_state=0).fit(X, y)
    assert torch.equal(torch.rand(1), expected)
    assert torch.get_num_threads() == threads
    assert_array_equal(again.logits(X), trained.logits(X))


@pytest.mark.parametrize("shape", [(9, 7), (2, 1)])
def test_folded_layers_predict_what_the_network_predicts(shape):
    spec = CNNSpec(shape, (4, 6, 8), 3, dropout=0.5)
    model = cnn_torch.build(spec, 0)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 1, *shape)).astype(np.float32)
    with torch.no_grad():
        model.train()
        for _ in range(5):
            model(torch.from_numpy(X * 3 + 1))  # moves the running mean and variance
        model.eval()
        expected = model(torch.from_numpy(X)).numpy()
    layers = cnn_torch.parameters(model)
    assert_allclose(cnn_torch.predict(layers, X), expected, atol=1e-5)
    assert cnn_torch.predict(layers, X[:0]).shape == (0, 3)


def test_augmentation_of_zero_changes_nothing_and_shifts_move_whole_frames():
    X = np.arange(30, dtype=np.float32).reshape(1, 1, 5, 6)
    rng = np.random.default_rng(0)
    assert_array_equal(cnn_torch.augment(X, Augmentation(), rng), X)
    moved = {cnn_torch.augment(X, Augmentation(shift=0.2), rng)[0, 0, 2, 2] for _ in range(300)}
    assert moved == {8.0, 14.0, 20.0}


def test_masks_silence_at_most_their_share():
    X = np.ones((200, 1, 10, 10), dtype=np.float32)
    A = cnn_torch.augment(X, Augmentation(mask=0.3), np.random.default_rng(0))
    assert set(np.unique(A)) == {0.0, 1.0}
    silent_frames = (A[:, 0] == 0).all(axis=2).sum(axis=1)
    assert silent_frames.max() == 3
    assert_array_equal(X, 1)


def test_one_observation_and_constant_maps_stay_finite():
    model = CNNClassifier((4, 4), n_epochs=1, random_state=0)
    assert np.isfinite(model.fit(np.ones((1, 16)), [0]).logits(np.ones((1, 16)))).all()
    assert np.isfinite(model.fit(np.zeros((6, 16)), [0, 1] * 3).logits(np.zeros((1, 16)))).all()


def test_a_map_of_another_size_is_named():
    with pytest.raises(InputError, match="X has 9 columns; expected 16 = 4 frames x 4 bands"):
        CNNClassifier((4, 4)).fit(np.zeros((2, 9)), [0, 1])
