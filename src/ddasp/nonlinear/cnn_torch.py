"""A small convolutional network on log-mel maps, in PyTorch.

A block is convolution 3 x 3, batch normalisation, ReLU and maximum pooling; behind the blocks one
dense layer sees what is left of the maps, in its place in time and frequency, and gives the logits.

*Conventions*: X float32 (n_observations, 1, n_frames, n_bands); y integer codes (n_observations,);
float32 throughout, one thread; initial parameters come from a seed, the order of the minibatches
and the augmentation from arguments, so equal arguments give equal networks.

*References*: S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015; D. S. Park et al.,
"SpecAugment", Interspeech 2019 (masks); C. Szegedy et al., "Rethinking the Inception
architecture", CVPR 2016 (smoothed targets); I. Loshchilov and F. Hutter, ICLR 2019 (AdamW).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ddasp.nonlinear.spec import Adam, Augmentation, CNNSpec, MapLayer, learning_rates

__all__ = ["augment", "build", "fit", "parameters", "predict"]

Maps = NDArray[np.float32]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums in one order, and no quarrel with the processes beside this one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def build(spec: CNNSpec, seed: int) -> nn.Sequential:
    """A network with new parameters; the global random state of PyTorch is left as it was."""
    layers: list[nn.Module] = []
    n_in = 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for n_out, pool in zip(spec.channels, spec.pools(), strict=True):
            layers += [
                nn.Conv2d(n_in, n_out, 3, padding=1, bias=False),
                nn.BatchNorm2d(n_out),
                nn.ReLU(),
                nn.MaxPool2d(pool),
            ]
            n_in = n_out
        layers += [
            nn.Flatten(),
            nn.Dropout(spec.dropout),
            nn.Linear(spec.n_flat(), spec.n_outputs),
        ]
    # a map's values side by side in memory: a quarter less time per step on a CPU
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def augment(X: Maps, augmentation: Augmentation, rng: np.random.Generator) -> Maps:
    """Varied copies of maps: shifted in time, one stripe of each axis set to zero.

    Parameters
    ----------
    X : numpy.ndarray of shape (n_observations, 1, n_frames, n_bands)
    augmentation : Augmentation
        Largest shift, and widest stripe, as a share of a side.
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray of shape (n_observations, 1, n_frames, n_bands)
        Where a shifted map ends, its last frame is repeated.
    """
    n, _, *sides = X.shape
    time = np.arange(sides[0])
    reach = round(augmentation.shift * sides[0])
    shifts = rng.integers(-reach, reach + 1, size=(n, 1))
    frames = np.clip(time + shifts, 0, sides[0] - 1)
    A: Maps = X[np.arange(n)[:, np.newaxis], 0, frames]  # (n, n_frames, n_bands), a copy
    for axis, side in enumerate(sides):
        width = rng.integers(0, round(augmentation.mask * side) + 1, size=(n, 1))
        start = rng.integers(0, side - width + 1)
        position = np.arange(side)
        stripe = (position >= start) & (position < start + width)
        A *= ~np.expand_dims(stripe, 2 - axis)
    return A[:, np.newaxis]


def fit(
    model: nn.Sequential,
    X: Maps,
    y: NDArray[np.intp],
    *,
    optimizer: Adam,
    batches: Sequence[NDArray[np.intp]],
    augmentation: Augmentation,
    smoothing: float = 0.0,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Train the model in place with AdamW.

    Parameters
    ----------
    model : torch.nn.Sequential
        As `build` gives it.
    X : numpy.ndarray of shape (n_observations, 1, n_frames, n_bands)
    y : numpy.ndarray of shape (n_observations,)
    optimizer : Adam
    batches : sequence of numpy.ndarray
        Indices of each step's observations.
    augmentation : Augmentation
    smoothing : float
        Share of each target's probability that is spread over all classes.
    rng : numpy.random.Generator
        For augmentation and dropout.

    Returns
    -------
    numpy.ndarray of shape (n_steps,)
        Loss of each minibatch before its update.
    """
    steps = torch.optim.AdamW(
        model.parameters(),
        lr=optimizer.learning_rate,
        betas=(optimizer.beta1, optimizer.beta2),
        eps=optimizer.epsilon,
        weight_decay=optimizer.weight_decay,
    )
    losses = np.empty(len(batches))
    model.train()
    with _one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**31)))  # dropout draws from PyTorch's own generator
        for i, rate in enumerate(learning_rates(optimizer, len(batches)).tolist()):
            steps.param_groups[0]["lr"] = rate
            if len(batches[i]) == 1:  # batch normalisation has no variance to divide by
                losses[i] = losses[i - 1] if i else np.nan
                continue
            A = torch.from_numpy(augment(X[batches[i]], augmentation, rng))
            A = A.contiguous(memory_format=torch.channels_last)
            target = torch.from_numpy(y[batches[i]])
            loss = nn.functional.cross_entropy(model(A), target, label_smoothing=smoothing)
            steps.zero_grad()
            loss.backward()
            steps.step()
            losses[i] = loss.item()
    model.eval()
    return losses


def parameters(model: nn.Sequential) -> tuple[MapLayer, ...]:
    """The network as arrays, batch normalisation folded into the convolution before it.

    Notes
    -----
    Behind training, gamma (z - mu) / sqrt(s^2 + eps) + beta is a fixed straight line, so with
    g = gamma / sqrt(s^2 + eps) it is the convolution with weights g W and bias beta - g mu.
    """
    layers: list[MapLayer] = []
    modules = list(model)
    for module, following in zip(modules, [*modules[1:], None], strict=True):
        if isinstance(module, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
            state = {k: v.detach().double().numpy() for k, v in following.state_dict().items()}
            gain = state["weight"] / np.sqrt(state["running_var"] + following.eps)
            W = module.weight.detach().double().numpy() * gain[:, None, None, None]
            b = state["bias"] - gain * state["running_mean"]
            W = np.ascontiguousarray(W, dtype=np.float32)
            layers.append(MapLayer("convolution", W, b.astype(np.float32)))
        elif isinstance(module, nn.MaxPool2d):
            layers.append(MapLayer("pool", size=tuple(module.kernel_size)))
        elif isinstance(module, nn.Flatten):
            layers.append(MapLayer("flatten"))
        elif isinstance(module, nn.Linear):
            W, b = (p.detach().numpy().copy() for p in (module.weight, module.bias))
            layers.append(MapLayer("dense", np.ascontiguousarray(W.T), b))
    return tuple(layers)


def predict(layers: Sequence[MapLayer], X: Maps, *, batch_size: int = 256) -> Maps:
    """Logits of a trained network, (n_observations, n_outputs).

    Parameters
    ----------
    layers : sequence of MapLayer
        As `parameters` gives them.
    X : numpy.ndarray of shape (n_observations, 1, n_frames, n_bands)
    batch_size : int
        How many maps are in memory at once.
    """
    with _one_thread(), torch.inference_mode():
        starts = range(0, max(len(X), 1), batch_size)
        return np.concatenate(
            [_forward(layers, torch.from_numpy(X[i : i + batch_size])).numpy() for i in starts]
        )


def _forward(layers: Sequence[MapLayer], A: torch.Tensor) -> torch.Tensor:
    for layer in layers:
        if layer.kind == "pool":
            A = nn.functional.max_pool2d(A, layer.size)
        elif layer.kind == "flatten":
            A = A.flatten(1)
        elif layer.weights is not None and layer.bias is not None:
            W, b = torch.from_numpy(layer.weights), torch.from_numpy(layer.bias)
            if layer.kind == "convolution":
                A = torch.relu(nn.functional.conv2d(A, W, b, padding="same"))
            else:
                A = A @ W + b
    return A
