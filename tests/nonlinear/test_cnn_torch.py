"""What only the PyTorch engine has: threads, layout in memory, and devices."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.nonlinear import cnn_torch
from ddasp.nonlinear.cnn_data import Augmentation
from ddasp.nonlinear.cnn_spec import classifier, initial_parameters
from ddasp.nonlinear.steps import (
    Adam,
    minibatches,
)

SPEC = classifier((1, 12, 10), (4, 6), 2, dropout=0.3, smoothing=0.1)


def stripes(n, seed):
    """Maps of noise with a bright band: class 0 low, class 1 high."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = rng.normal(size=(n, 1, 12, 10)).astype(np.float32)
    for row, code in zip(X, y, strict=True):
        row[0, :, 1 + code * 5] += 4
    return X, y


def trained(device="cpu", seed=0):
    X, y = stripes(64, 0)
    theta = initial_parameters(SPEC, np.random.default_rng(seed), dtype=np.float32)
    return cnn_torch.fit(
        cnn_torch.build(SPEC, theta, device=device),
        X,
        y,
        optimizer=Adam(1e-2, weight_decay=1e-2, schedule="cosine"),
        batches=minibatches(64, 16, 8, np.random.default_rng(seed)),
        augmentation=Augmentation(0.1, 0.1),
        rng=np.random.default_rng(seed),
    )


def test_training_separates_what_is_separable():
    X, y = stripes(40, 1)
    model, losses = trained()
    assert losses[-1] < losses[0]
    assert (cnn_torch.predict(model, X).argmax(axis=1) == y).mean() > 0.9


def test_equal_seeds_give_equal_networks_and_the_global_state_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    before = torch.get_num_threads(), torch.backends.cudnn.allow_tf32
    torch.set_num_threads(2)
    try:
        one, two = trained()[0], trained()[0]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before[0])
    assert torch.backends.cudnn.allow_tf32 == before[1]
    assert torch.equal(torch.rand(1), expected)
    for a, b in zip(cnn_torch.parameters(one), cnn_torch.parameters(two), strict=True):
        assert_array_equal(a, b)


def test_what_comes_out_lies_in_memory_row_by_row():
    """Inside, maps lie value by value; that stays inside."""
    X, y = stripes(8, 0)
    model = trained()[0]
    seen = []
    options = {"batches": [np.arange(8)], "rng": np.random.default_rng(0), "report": seen.append}
    cnn_torch.fit(model, X, y, optimizer=Adam(), **options)
    arrays = (*cnn_torch.parameters(model), *cnn_torch.gradients(model, X, y))
    arrays += (*seen[0].activations, *seen[0].parameters)
    assert all(a.flags.c_contiguous and a.flags.writeable for a in arrays)


@pytest.mark.parametrize("device", ["cuda:99", "quantum"])
def test_a_device_that_is_not_there_is_named(device):
    theta = initial_parameters(SPEC, np.random.default_rng(0))
    with pytest.raises(InputError, match=f"device is '{device}'; expected one that PyTorch"):
        cnn_torch.build(SPEC, theta, device=device)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_trains_the_same_network():
    (model, losses), (reference, expected) = trained("cuda"), trained()
    assert model.theta[0].is_cuda
    assert model.memory.first[0].is_cuda
    # float32: sums in another order, carried through 32 steps of Adam
    assert_allclose(losses, expected, rtol=1e-3)
    X, _ = stripes(40, 1)
    assert_allclose(cnn_torch.predict(model, X), cnn_torch.predict(reference, X), atol=1e-2)
    again, same = trained("cuda")
    assert_array_equal(same, losses)
    assert_array_equal(cnn_torch.parameters(again)[0], cnn_torch.parameters(model)[0])
