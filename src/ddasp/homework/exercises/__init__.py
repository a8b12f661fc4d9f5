"""The exercises of the lessons: one file for each lesson, found by name.

*Conventions*: a lesson's module holds a tuple ``EXERCISES``, named "LESSON.1", "LESSON.2" ... in the
order in which the lesson asks them. Adding a lesson's: its file, its tests, its name here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ddasp._check import one_of
from ddasp.course.lessons import NAMES as LESSONS

if TYPE_CHECKING:
    from ddasp.homework.parts import Exercise

__all__ = ["LESSONS", "find", "load"]


def load(lesson: str) -> tuple[Exercise, ...]:
    """The exercises of a lesson.

    Parameters
    ----------
    lesson : str
        One of `LESSONS`.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when it has none; the nearest name is proposed.

    Examples
    --------
    >>> [exercise.name for exercise in load("audio_levels")]
    ['audio_levels.1', 'audio_levels.2', 'audio_levels.3']
    """
    module = import_module(f"ddasp.homework.exercises.{one_of(lesson, 'lesson', LESSONS)}")
    exercises: tuple[Exercise, ...] = module.EXERCISES
    return exercises


def find(name: str) -> Exercise:
    """The exercise of that name.

    Parameters
    ----------
    name : str
        Lesson and number, "svd_four_subspaces.2".

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when there is none; the nearest name is proposed.

    Examples
    --------
    >>> find("svd_four_subspaces.2").name
    'svd_four_subspaces.2'
    """
    lesson, _, _ = name.partition(".")
    known = {exercise.name: exercise for exercise in load(lesson)}
    return known[one_of(name, "exercise", tuple(known))]
