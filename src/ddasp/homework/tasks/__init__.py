"""The task sheets: one file each, found by name.

*Conventions*: a task's module holds one `Task` named ``TASK``. Adding one: its file, its tests, its name
here, its page in the course.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ddasp._check import one_of

if TYPE_CHECKING:
    from ddasp.homework.parts import Task

__all__ = ["NAMES", "load"]

NAMES = ("matrix_fundamentals", "regression_with_nonlinear_model")


def load(name: str) -> Task:
    """The task of that name.

    Parameters
    ----------
    name : str
        One of `NAMES`.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when there is none; the nearest one is proposed.
    """
    module = import_module(f"ddasp.homework.tasks.{one_of(name, 'task', NAMES)}")
    task: Task = module.TASK
    return task
