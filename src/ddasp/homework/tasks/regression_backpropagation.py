"""Checks of parts 3 and 4: what each layer computes, and how the risk depends on it.

Forward, each equation is asked for on what the submission itself put in, Z_l = A_(l-1) W_l + b_l with
its own A_(l-1): the first equation that fails is the one to look at. Backward, each dL/dZ, dL/dW and
dL/db is held against the derivative of the risk at a hidden point; once with targets so large that
difference quotients, which are for testing, don't pass for equations.

*Conventions*: those of `regression_network`; "one observation" is an item of its own.

*References*: D. E. Rumelhart, G. E. Hinton and R. J. Williams, Nature 323, 1986.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ddasp.homework.answers import number, vector
from ddasp.homework.draw import Draw
from ddasp.homework.parts import Call, Finding, NotYet, Outcome, Sheet
from ddasp.homework.tasks.regression_network import (
    FAR,
    Network,
    deltas,
    draw_network,
    forward,
    gradients,
    risk,
)
from ddasp.homework.tasks.regression_reading import Answer, arrays, each, equal, item, value_of

__all__ = ["backward_calls", "forward_calls", "judge_backward", "judge_forward"]

Array = NDArray[np.float64]


def _networks(draw: Draw) -> list[Network]:
    """One, two and three tanh layers; other numbers of features; last, one observation."""
    w = [draw.between(2, 4) for _ in range(7)]
    return [
        draw_network(draw, 2, w[:1], draw.between(4, 7)),
        draw_network(draw, 3, w[1:3], draw.between(4, 7)),
        draw_network(draw, 2, w[3:6], draw.between(4, 7)),
        draw_network(draw, 2, w[6:], 1),
    ]


def forward_calls(sheet: Sheet, draw: Draw) -> list[Call]:
    """Forward through four hidden networks.

    Parameters
    ----------
    sheet : Sheet
    draw : Draw
    """
    return [Call("forward", (known.parameters, known.X)) for known in _networks(draw)]


def judge_forward(
    sheet: Sheet, calls: Sequence[Call], outcomes: Sequence[Outcome]
) -> list[Finding]:
    """Findings of part 3.

    Parameters
    ----------
    sheet : Sheet
    calls, outcomes : sequence
        Of `forward_calls`.
    """
    answers = [Forward(answer) for answer in zip(calls, outcomes, strict=True)]
    many, one = answers[:-1], answers[-1:]
    checks = {
        "Z of each layer": (many, Forward.check_sums),
        "A of the tanh layers": (many, Forward.check_units),
        "prediction of the linear output": (many, Forward.check_output),
        "one observation": (one, Forward.check_all),
    }
    return [
        item(name, [a.answer for a in some], each(check, some))
        for name, (some, check) in checks.items()
    ]


@dataclass(frozen=True)
class Forward:
    """What `forward` gave for one hidden network.

    Parameters
    ----------
    answer : (Call, Outcome)
    """

    answer: Answer

    @cached_property
    def network(self) -> Network:
        """The hidden network, without targets."""
        parameters, X = self.answer[0].arguments
        return Network(parameters, X, np.zeros(len(X)))

    def read(self, key: str) -> list[Array]:
        """The list of Z or A, one array for each layer."""
        wanted = [(len(self.network.X), len(b)) for b in self.network.parameters[1::2]]
        return arrays(value_of(self.answer, key), key, wanted, str(self.network))

    def check_sums(self) -> None:
        """Z = A W + b, with the A of the layer below."""
        parameters = self.network.parameters
        Z, A = self.read("Z"), [self.network.X, *self.read("A")]
        for i, (W, b) in enumerate(zip(parameters[::2], parameters[1::2], strict=True)):
            below = f"A{i}" if i else "X"
            law = f"Z{i + 1} = {below} W{i + 1} + b{i + 1}"
            equal(Z[i], A[i] @ W + b, law, str(self.network))

    def check_units(self) -> None:
        """A = tanh(Z) below the last layer."""
        Z, A = self.read("Z"), self.read("A")
        for i in range(len(Z) - 1):
            if np.ptp(Z[i]) == 0:
                raise NotYet(
                    f"Z{i + 1} does not tell observations and units apart for {self.network}: all of its "
                    "entries are the same"
                )
            equal(A[i], np.tanh(Z[i]), f"A{i + 1} = tanh(Z{i + 1})", str(self.network))

    def check_output(self) -> None:
        """The last A is its Z, and the prediction."""
        Z, A = self.read("Z"), self.read("A")
        last = len(Z)
        equal(A[-1], Z[-1], f"A{last} = Z{last} (the output is linear)", str(self.network))
        value = value_of(self.answer, "prediction")
        found = vector(value, f"prediction for {self.network}", length=len(self.network.X))
        equal(found, Z[-1][:, 0], f"prediction = Z{last}", str(self.network))
        # The laws lean on the submission's own numbers; this one doesn't.
        expected = forward(self.network.parameters, self.network.X)[-1][:, 0]
        equal(found, expected, "prediction = the output of the network", str(self.network))

    def check_all(self) -> None:
        """The laws, one after the other."""
        self.check_sums()
        self.check_units()
        self.check_output()


def backward_calls(sheet: Sheet, draw: Draw) -> list[Call]:
    """Risk and derivatives of four hidden networks; derivatives of one with large targets.

    Parameters
    ----------
    sheet : Sheet
    draw : Draw
    """
    networks = _networks(draw)
    far = draw_network(draw, 2, [draw.between(2, 4)], 5, scale=FAR)
    known = [(n.parameters, n.X, n.y) for n in (*networks, far)]
    return [Call("risk", k) for k in known[:-1]] + [Call("backward", k) for k in known]


def judge_backward(
    sheet: Sheet, calls: Sequence[Call], outcomes: Sequence[Outcome]
) -> list[Finding]:
    """Findings of part 4.

    Parameters
    ----------
    sheet : Sheet
    calls, outcomes : sequence
        Of `backward_calls`.
    """
    answers = list(zip(calls, outcomes, strict=True))
    risks = [answer for answer in answers if answer[0].function == "risk"]
    *some, single, far = [Backward(answer) for answer in answers[len(risks) :]]
    many, one = [*some, far], [single]
    checks = {
        "dL/dZ of the output": (1.0, many, Backward.check_output),
        "dL/dZ of the tanh layers": (2.0, many, Backward.check_deltas),
        "dL/dW": (2.0, many, Backward.check_weights),
        "dL/db": (1.0, many, Backward.check_biases),
        "derivatives with one observation": (1.0, one, Backward.check_all),
    }
    return [item("risk", risks, each(_risk, risks))] + [
        item(name, [a.answer for a in some], each(check, some), weight)
        for name, (weight, some, check) in checks.items()
    ]


def _risk(answer: Answer) -> None:
    known = Network(*answer[0].arguments)
    found = number(answer[1].value, f"risk(parameters, X, y) for {known}")
    expected = np.array([risk(known.parameters, known.X, known.y)])
    equal(np.array([found]), expected, "risk = mean of (prediction − y)²", str(known))


@dataclass(frozen=True)
class Backward:
    """What `backward` gave for one hidden network.

    Parameters
    ----------
    answer : (Call, Outcome)
    """

    answer: Answer

    @cached_property
    def network(self) -> Network:
        """The hidden network and its observations."""
        return Network(*self.answer[0].arguments)

    @cached_property
    def deltas(self) -> list[Array]:
        """dL/dZ."""
        return deltas(self.network.parameters, self.network.X, self.network.y)

    @cached_property
    def gradients(self) -> list[Array]:
        """dL/dW1, dL/db1, ..."""
        return gradients(self.network.parameters, self.network.X, self.network.y)

    def _check(self, key: str, expected: list[Array], names: list[str], which: slice) -> None:
        wanted = [array.shape for array in expected]
        found = arrays(value_of(self.answer, key), key, wanted, str(self.network))
        for i in range(len(expected))[which]:
            try:
                law = f"{names[i]} = the derivative of the risk"
                equal(found[i], expected[i], law, str(self.network))
            except NotYet as wrong:
                lost = " - difference quotients have no digits left there, equations have"
                raise NotYet(f"{wrong}{lost if self.network.far else ''}") from None

    def _check_deltas(self, which: slice) -> None:
        names = [f"dL/dZ{i + 1}" for i in range(len(self.deltas))]
        self._check("deltas", self.deltas, names, which)

    def _check_gradients(self, which: slice) -> None:
        names = [f"dL/d{'Wb'[i % 2]}{i // 2 + 1}" for i in range(len(self.gradients))]
        self._check("gradients", self.gradients, names, which)

    def check_output(self) -> None:
        """The last dL/dZ."""
        self._check_deltas(slice(-1, None))

    def check_deltas(self) -> None:
        """dL/dZ of the layers before the last, from the last to the first."""
        self._check_deltas(slice(-2, None, -1))

    def check_weights(self) -> None:
        """Every dL/dW."""
        self._check_gradients(slice(0, None, 2))

    def check_biases(self) -> None:
        """Every dL/db."""
        self._check_gradients(slice(1, None, 2))

    def check_all(self) -> None:
        """All derivatives."""
        self.check_output()
        self.check_deltas()
        self.check_weights()
        self.check_biases()
