"""Homework: individual tasks, checked at once, graded safely; no solution is stored in it.

*Conventions*: a student's id draws the task (`draw`), a check asks for properties that the definition
demands (`properties`), code of students runs in a process of its own (`execution`, `sandbox`), and
nothing but JSON comes back from there.
"""

from __future__ import annotations

from typing import Any

__all__ = ["check", "exercise"]


def check(name: str, answer: Any, *, student: str = "", hint: int = 0) -> Any:
    """Check an answer to an exercise of a lesson, or a part of a task.

    Parameters
    ----------
    name : str
        Lesson and number, "svd_four_subspaces.2", or task and part, "matrix_fundamentals.3".
    answer : object
        A value or a function, as the exercise asks. For a part of a task: a function, or a dict of
        functions where the part asks for several.
    student : str
        The id, for a task.
    hint : int
        1 for a nudge, 2 for more than that; 0 for none.

    Returns
    -------
    Verdict
        What is right, and which property fails on which input; true when all of it is right.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when there is no such exercise or task.

    Examples
    --------
    >>> import ddasp.homework
    >>> ddasp.homework.check("matrix_fundamentals.1", None, student="s0123456").right
    False
    """
    from ddasp.homework.checking import check as check_one

    return check_one(name, answer, student=student, hint=hint)


def exercise(name: str) -> Any:
    """The question of an exercise, as a lesson shows it.

    Parameters
    ----------
    name : str
        Lesson and number, "svd_four_subspaces.2".

    Returns
    -------
    Exercise
        Markdown in a notebook.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when there is no such exercise.

    Examples
    --------
    >>> import ddasp.homework
    >>> ddasp.homework.exercise("audio_levels.1").name
    'audio_levels.1'
    """
    from ddasp.homework.exercises import find

    return find(name)
