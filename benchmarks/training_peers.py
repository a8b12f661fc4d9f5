"""The same small network trained by ddasp and by its peers: one peer, one case, in one process.

    python benchmarks/training_peers.py PEER CASE DTYPE

Answers in lines of JSON: first the seconds of a first run (compiling included) and the loss over
all observations at its end; then, for each line it reads, the microseconds per step of one more
run. Steps see consecutive rows, in the same order in every epoch, so that all peers see the same
minibatches. `training.py` starts these processes and lets them take turns.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 0.05
AT_LEAST = 0.05  # seconds of a measurement: quick peers train several times


@dataclass(frozen=True)
class Case:
    """A network and its training: widths, batch, observations, epochs."""

    widths: tuple[int, ...]
    batch: int
    n: int
    epochs: int

    @property
    def steps(self) -> int:
        """Of one training."""
        return self.n // self.batch * self.epochs

    @property
    def binary(self) -> bool:
        """One output and a sigmoid, or several and softmax; tanh inside."""
        return self.widths[-1] == 1


CASES = {
    "2-8-8-1, batch 32": Case((2, 8, 8, 1), 32, 6_400, 4),
    "2-2-2-1, batch 8": Case((2, 2, 2, 1), 8, 6_400, 4),
    "2-4-2-1, batch 10": Case((2, 4, 2, 1), 10, 5_000, 4),
    "100-64-64-10, batch 32": Case((100, 64, 64, 10), 32, 3_200, 4),
    "100-64-64-10, batch 128": Case((100, 64, 64, 10), 128, 6_400, 4),
    "256-256-256-10, batch 128": Case((256, 256, 256, 10), 128, 3_200, 4),
}
Run = Callable[[], tuple[NDArray, ...]]


def data(case: Case, dtype: str) -> tuple[NDArray, NDArray, tuple[NDArray, ...]]:
    """Two noisy rings, or a random teacher's classes; initial parameters."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(case.n, case.widths[0]))
    if case.binary:
        y = (np.hypot(*X.T) + 0.3 * rng.normal(size=case.n) > 1.2).astype(int)
    else:
        y = (X @ rng.normal(size=(case.widths[0], case.widths[-1]))).argmax(axis=1)
    theta: list[NDArray] = []
    for n_in, n_out in zip(case.widths, case.widths[1:], strict=False):
        limit = np.sqrt(6 / (n_in + n_out))
        theta += [rng.uniform(-limit, limit, (n_in, n_out)), np.zeros(n_out)]
    return X.astype(dtype), y, tuple(p.astype(dtype) for p in theta)


def loss(case: Case, X: NDArray, y: NDArray, theta: tuple[NDArray, ...]) -> float:
    """Cross-entropy over all observations, in float64, whoever trained."""
    A = X.astype(np.float64)
    p = [np.asarray(q, dtype=np.float64) for q in theta]
    for layer in range(0, len(p) - 2, 2):
        A = np.tanh(A @ p[layer] + p[layer + 1])
    z = A @ p[-2] + p[-1]
    if case.binary:
        z = np.hstack([np.zeros_like(z), z])
    z = z - z.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), y]))


def rows(case: Case) -> list[slice]:
    """The minibatches of one epoch."""
    return [slice(k, k + case.batch) for k in range(0, case.n, case.batch)]


def ddasp(engine: str) -> Callable[..., Run]:
    """One of ours."""

    def prepare(case: Case, X: NDArray, y: NDArray, theta: tuple[NDArray, ...]) -> Run:
        from ddasp.nonlinear.engines import engine_of
        from ddasp.nonlinear.spec import (
            ModelSpec,
        )
        from ddasp.nonlinear.steps import (
            SGD,
            Minibatches,
        )

        last = ("sigmoid", "binary_cross_entropy")
        if not case.binary:
            last = ("softmax", "categorical_cross_entropy")
        spec = ModelSpec(case.widths, ("tanh",) * (len(case.widths) - 2) + last[:1], last[1])
        mlp = engine_of("mlp", engine)
        model = mlp.build(spec, theta)
        order = np.tile(np.arange(case.n), case.epochs)
        batches = Minibatches(order, np.arange(case.batch, len(order) + 1, case.batch))

        def run() -> tuple[NDArray, ...]:
            trained, _ = mlp.fit(model, X, y, optimizer=SGD(RATE), batches=batches)
            return mlp.parameters(trained)

        return run

    return prepare


def scikit_learn(case: Case, X: NDArray, y: NDArray, theta: tuple[NDArray, ...]) -> Run:
    """MLPClassifier with plain SGD; a warm start lets it begin with our parameters."""
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")

    def run() -> tuple[NDArray, ...]:
        mlp = MLPClassifier(
            case.widths[1:-1], activation="tanh", solver="sgd", momentum=0.0, alpha=0.0,
            batch_size=case.batch, learning_rate_init=RATE, max_iter=case.epochs, shuffle=False,
            nesterovs_momentum=False, n_iter_no_change=10**9, tol=0.0, warm_start=True,
        )  # fmt: skip
        mlp.max_iter = 1
        mlp.fit(X[: 2 * case.batch], np.arange(2 * case.batch) % (y.max() + 1))
        mlp.coefs_ = [p.copy() for p in theta[::2]]
        mlp.intercepts_ = [p.copy() for p in theta[1::2]]
        mlp.max_iter = case.epochs
        began[0] = time.process_time()
        mlp.fit(X, y)
        return tuple(p for pair in zip(mlp.coefs_, mlp.intercepts_, strict=True) for p in pair)

    return run


began = [0.0]  # where a peer must prepare inside its run, the clock begins here


def pytorch(mode: str) -> Callable[..., Run]:
    """An nn.Sequential, torch.optim.SGD and a loop over minibatches; eager or compiled."""

    def prepare(case: Case, X: NDArray, y: NDArray, theta: tuple[NDArray, ...]) -> Run:
        import torch
        from torch import nn

        torch.set_num_threads(1)
        dtype = torch.from_numpy(X).dtype
        inputs = torch.from_numpy(X)
        targets = torch.from_numpy(y)
        criterion: Any = nn.CrossEntropyLoss()
        if case.binary:
            targets, criterion = targets[:, None].to(dtype), nn.BCEWithLogitsLoss()
        layers: list[nn.Module] = []
        for n_in, n_out in zip(case.widths, case.widths[1:], strict=False):
            layers += [nn.Linear(n_in, n_out, dtype=dtype), nn.Tanh()]
        model = nn.Sequential(*layers[:-1])
        linear = [m for m in model if isinstance(m, nn.Linear)]
        optimizer = torch.optim.SGD(model.parameters(), RATE)

        def step(A: torch.Tensor, t: torch.Tensor) -> None:
            optimizer.zero_grad()
            criterion(model(A), t).backward()
            optimizer.step()

        forward = model
        if mode == "compiled":
            forward = torch.compile(lambda A, t: criterion(model(A), t))
            update = torch.compile(optimizer.step)

            def step(A: torch.Tensor, t: torch.Tensor) -> None:
                optimizer.zero_grad()
                forward(A, t).backward()
                update()

        def run() -> tuple[NDArray, ...]:
            with torch.no_grad():
                for k, m in enumerate(linear):
                    m.weight.copy_(torch.from_numpy(theta[2 * k].T))
                    m.bias.copy_(torch.from_numpy(theta[2 * k + 1]))
            for _ in range(case.epochs):
                for batch in rows(case):
                    step(inputs[batch], targets[batch])
            found = []
            for m in linear:
                found += [m.weight.detach().numpy().T.copy(), m.bias.detach().numpy().copy()]
            return tuple(found)

        return run

    return prepare


def keras(mode: str) -> Callable[..., Run]:
    """Sequential, SGD, fit: as it comes, or with many steps in one execution and XLA."""

    def prepare(case: Case, X: NDArray, y: NDArray, theta: tuple[NDArray, ...]) -> Run:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import keras
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        keras.config.set_floatx(str(X.dtype))
        last = "sigmoid" if case.binary else "softmax"
        activations = ["tanh"] * (len(case.widths) - 2) + [last]
        model = keras.Sequential([keras.Input((case.widths[0],))])
        for width, activation in zip(case.widths[1:], activations, strict=True):
            model.add(keras.layers.Dense(width, activation))
        best = {"steps_per_execution": case.n // case.batch, "jit_compile": True}
        model.compile(
            keras.optimizers.SGD(RATE),
            "binary_crossentropy" if case.binary else "sparse_categorical_crossentropy",
            **(best if mode == "best" else {}),
        )
        targets = y.astype(X.dtype)[:, None] if case.binary else y

        def run() -> tuple[NDArray, ...]:
            model.set_weights(theta)
            began[0] = time.process_time()
            options = {"batch_size": case.batch, "epochs": case.epochs}
            model.fit(X, targets, shuffle=False, verbose=0, **options)
            return tuple(model.get_weights())

        return run

    return prepare


def jax_scan(case: Case, X: NDArray, y: NDArray, theta: tuple[NDArray, ...]) -> Run:
    """The whole training in one lax.scan under jit."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", X.dtype == np.float64)
    inputs = jnp.asarray(X.reshape(-1, case.batch, X.shape[1]))
    targets = jnp.asarray(y.reshape(-1, case.batch))
    rate = X.dtype.type(RATE)

    def batch_loss(p: Any, A: Any, t: Any) -> Any:
        for layer in range(0, len(p) - 2, 2):
            A = jnp.tanh(A @ p[layer] + p[layer + 1])
        z = A @ p[-2] + p[-1]
        if case.binary:
            z = z[:, 0]
            return jnp.mean(jnp.maximum(z, 0) - t * z + jnp.log1p(jnp.exp(-jnp.abs(z))))
        return -jnp.mean(jax.nn.log_softmax(z)[jnp.arange(case.batch), t])

    @jax.jit
    def train(p: Any) -> Any:
        def step(p: Any, batch: Any) -> Any:
            value, g = jax.value_and_grad(batch_loss)(p, *batch)
            return jax.tree.map(lambda a, b: a - rate * b, p, g), value

        def epoch(p: Any, _: Any) -> Any:
            return jax.lax.scan(step, p, (inputs, targets))

        return jax.lax.scan(epoch, p, None, length=case.epochs)

    def run() -> tuple[NDArray, ...]:
        found, losses = train(tuple(jnp.asarray(p) for p in theta))
        jax.block_until_ready(losses)
        return tuple(np.asarray(p) for p in found)

    return run


PEERS: dict[str, Callable[..., Run]] = {
    "ddasp compiled": ddasp("compiled"),
    "ddasp numpy": ddasp("numpy"),
    "JAX lax.scan": jax_scan,
    "scikit-learn fit": scikit_learn,
    "PyTorch eager": pytorch("eager"),
    "torch.compile": pytorch("compiled"),
    "Keras fit, best": keras("best"),
    "Keras fit": keras("default"),
}


def main(peer: str, name: str, dtype: str) -> None:
    case = CASES[name]
    X, y, theta = data(case, dtype)
    run = PEERS[peer](case, X, y, theta)

    def timed() -> tuple[float, tuple[NDArray, ...]]:
        began[0] = time.process_time()
        found = run()
        return time.process_time() - began[0], found

    start = time.perf_counter()
    _, found = timed()
    first = time.perf_counter() - start
    print(json.dumps({"first": first, "loss": loss(case, X, y, found)}), flush=True)
    for _ in sys.stdin:
        seconds = [timed()[0]]
        while sum(seconds) < AT_LEAST:
            seconds.append(timed()[0])
        print(json.dumps(sum(seconds) / len(seconds) / case.steps * 1e6), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
