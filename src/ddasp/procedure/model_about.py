"""What ``model.json`` must be before anything is believed in it.

*Conventions*: types are strict, numbers finite; keys that a newer ddasp adds are let through. A fault
is ``E-MODEL`` and names the key.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ddasp._errors import RunError
from ddasp.procedure.settings import LEAST_HOP, MOST_OVERLAP

__all__ = ["check_about"]

Positive = Annotated[float, Field(gt=0, lt=1e9, allow_inf_nan=False)]
Finite = Annotated[float, Field(ge=-1e30, le=1e30, allow_inf_nan=False)]
Number = Finite | Literal["inf", "-inf"] | None


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


class _Window(_Part):
    length: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
    hop: Annotated[float, Field(ge=LEAST_HOP, lt=1e9, allow_inf_nan=False)] | None

    @model_validator(mode="after")
    def _moves(self) -> _Window:
        if self.hop is not None and self.hop * MOST_OVERLAP < self.length:
            raise ValueError(f"hop is less than the length / {MOST_OVERLAP}")
        return self


class _Features(_Part):
    name: str
    version: str
    title: str = ""
    formula: str = ""


class _Estimate(_Part):
    value: Number
    low: Number
    high: Number
    n_observations: Annotated[int, Field(ge=0, le=2**53)] | None = None


class _Card(_Part):
    """What a page shows of the model."""

    question: str = ""
    purpose: str = ""
    affected: str = ""
    cost_of_wrong_answer: str = ""
    learned_from: str = ""
    limits: str = ""
    measure: str = ""
    verdict: str | None = None
    unit: str = ""
    estimate: _Estimate | None = None


class _About(_Part):
    kind: Literal["binary", "multi-class", "regression"]
    labels: list[Annotated[str, Field(min_length=1)]]
    rate: int = Field(ge=1000, le=192_000)  # as problem.toml has it
    window: _Window | None
    max_duration: Positive
    background: list[str] = []
    features: _Features
    family: str
    params: dict[str, Any] = {}
    unit: str = ""
    card: _Card
    dont_know_below: float = Field(ge=0, lt=1)
    cost: list[list[Finite]] | None
    half_width: Finite | None
    digests: dict[str, str]

    @model_validator(mode="after")
    def _agree(self) -> _About:
        n = len(self.labels)
        if self.kind == "regression":
            if n or self.half_width is None:
                raise ValueError("a regression has a half_width and no labels")
        elif n < 1 or len(set(self.labels)) < n:
            raise ValueError("labels must be there, each once")
        if not set(self.background) <= set(self.labels):
            raise ValueError("background names a class that is none")
        if self.cost is not None and [len(row) for row in self.cost] != [n] * n:
            raise ValueError("cost must have a row and a column for each label")
        if "model.onnx" not in self.digests:
            raise ValueError("digests must hold that of model.onnx")
        return self


def check_about(about: Any, name: str) -> None:
    """Refuse a ``model.json`` that no run has written.

    Raises
    ------
    RunError
        ``E-MODEL``, with the first key that is wrong.
    """
    try:
        _About.model_validate(about)
    except (ValidationError, RecursionError) as error:
        raise RunError(
            "E-MODEL", f"{name} is not what `ddasp run` writes: {_first(error)}; was it edited?"
        ) from error


def _first(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, fault["loc"])) or "as a whole"
    return f"{place}: {fault['msg']}"
