"""What every network behind a scikit-learn face does: begin, train, go on training, be asked.

*Conventions*: the class below says which family of engines it belongs to, what its spec is, which
arrays make it up, and how rows of X become the engine's inputs. What is kept of a training are
NumPy arrays, whichever engine made them. The optimizer's memory, which `partial_fit` goes on with,
stays with the engine's own model: it is lost in a pickle, a deep copy, and when the engine changes.

*References*: L. Buitinck et al., "API design for machine learning software", 2013.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from ddasp._check import one_of, whole
from ddasp._errors import InputError
from ddasp._progress import showing
from ddasp.nonlinear.engines import engine_of
from ddasp.nonlinear.spec import (
    Parameters,
)
from ddasp.nonlinear.steps import (
    SGD,
    Adam,
    minibatches,
)
from ddasp.nonlinear.training import Plan, train

__all__ = ["Network"]

Array = NDArray[np.floating]


class Network(BaseEstimator):
    """An estimator whose engine is named by a parameter and resolved when it is needed."""

    family: ClassVar[Literal["mlp", "cnn"]]
    _trained: tuple[str, str, Any] | None  # engine, device, and the engine's own model

    def _spec(self, n_inputs: int) -> Any:
        raise NotImplementedError

    def _initial(self, spec: Any, rng: np.random.Generator, dtype: np.dtype) -> tuple[Any, ...]:
        """The arrays that `build` takes behind the spec."""
        raise NotImplementedError

    def _keep(self, spec: Any, *arrays: Parameters) -> None:
        """Hold on to what was learned."""
        raise NotImplementedError

    def _kept(self) -> tuple[Any, ...]:
        """Spec and arrays, as `build` takes them."""
        raise NotImplementedError

    def _inputs(self, X: Array, spec: Any) -> Array:
        """Rows of X as the engine takes them."""
        return X

    def _extras(self) -> dict[str, Any]:
        """Further arguments of the engine's `fit`."""
        return {}

    def _build(self, spec: Any, *arrays: Parameters) -> Any:
        engine = engine_of(self.family, self.engine)
        if self.engine == "torch":
            return engine.build(spec, *arrays, device=self.device)
        if self.device != "cpu":
            raise InputError(
                "E-ARGUMENT",
                f"device is {self.device!r} with engine {self.engine!r}; expected 'cpu' - only "
                "engine 'torch' trains elsewhere",
            )
        return engine.build(spec, *arrays)

    def _optimizer(self, schedule: str) -> SGD | Adam:
        one_of(self.optimizer, "optimizer", ("adam", "sgd"))
        kind: Any = schedule
        if self.optimizer == "sgd":
            return SGD(self.learning_rate, momentum=self.momentum, schedule=kind)
        return Adam(self.learning_rate, weight_decay=self.weight_decay, schedule=kind)

    def _store(self, model: Any) -> None:
        engine = engine_of(self.family, self.engine)
        arrays = [engine.parameters(model)]
        if self.family == "cnn":
            arrays.append(engine.state(model))
        self._keep(model.spec, *arrays)
        self._trained = (self.engine, self.device, model)

    @staticmethod
    def _settable(theta: Parameters) -> Parameters:
        if not all(np.isfinite(p).all() for p in theta):
            raise InputError(
                "E-ARGUMENT", "parameters_ contain NaN or infinity; expected finite values"
            )
        return tuple(np.array(p) for p in theta)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k != "_trained"}

    def _is_new(self) -> bool:
        """Whether nothing was learned yet."""
        return not hasattr(self, "_streams")

    def _seeds(self) -> np.random.SeedSequence:
        if self.random_state is not None:
            whole(self.random_state, "random_state", 0)
        return np.random.SeedSequence(self.random_state)

    def _learn(self, X: Array, y: NDArray, w: Array | None, groups: ArrayLike | None) -> None:
        seeds = self._seeds()
        starts = np.random.default_rng(seeds.spawn(1)[0])
        spec = self._spec(X.shape[1])
        plan = Plan(
            self.n_epochs,
            self.batch_size,
            self.early_stopping,
            self.validation_fraction,
            self.patience,
        )
        with showing(quiet=not self.progress) as display:
            done = train(
                engine_of(self.family, self.engine),
                self._build(spec, *self._initial(spec, starts, X.dtype)),
                self._inputs(X, spec),
                y,
                plan=plan,
                optimizer=self._optimizer(self.schedule),
                seeds=seeds,
                sample_weight=w,
                groups=groups,
                progress=display if self.progress else None,
                **self._extras(),
            )
        self.losses_ = done.losses
        self.validation_losses_ = done.validation_losses
        self._streams = [np.random.default_rng(child) for child in seeds.spawn(2)]
        self._store(done.model)

    def _continue(self, X: Array, y: NDArray, w: Array | None) -> None:
        """One epoch more, from where training stands."""
        spec = self._spec(X.shape[1])
        if self._is_new():
            seeds = self._seeds()
            starts, *streams = [np.random.default_rng(child) for child in seeds.spawn(3)]
            model = self._build(spec, *self._initial(spec, starts, X.dtype))
            self._streams = streams
            self.losses_ = self.validation_losses_ = np.empty(0)
        else:
            # the check that what was learned fits the parameters as they are now
            model = self._build(spec, *self._kept()[1:])
            known = getattr(self, "_trained", None)
            if known is not None and known[:2] == (self.engine, self.device):
                trained: Any = known[2]
                model = replace(trained, spec=spec)  # it remembers the optimizer
        orders, noises = self._streams
        model, losses = engine_of(self.family, self.engine).fit(
            model,
            self._inputs(X, spec),
            y,
            optimizer=self._optimizer("constant"),
            batches=minibatches(
                len(X), len(X) if self.batch_size is None else self.batch_size, 1, orders
            ),
            sample_weight=w,
            rng=noises,
            **self._extras(),
        )
        self.losses_ = np.concatenate([self.losses_, losses])
        self._store(model)

    def _logits(self, X: Array) -> Array:
        if not len(X):
            return np.zeros((0, self._kept()[1][-1].shape[-1]), X.dtype)
        spec, *arrays = self._kept()
        engine = engine_of(self.family, self.engine)
        return np.asarray(engine.logits(self._build(spec, *arrays), self._inputs(X, spec)))
