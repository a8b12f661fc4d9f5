"""The exercises of the lessons: one file for each lesson, found by name.

*Conventions*: a lesson's module holds a tuple ``EXERCISES``, named "LESSON.1", "LESSON.2" ... in the
order in which the lesson asks them. Adding a lesson's: its file, its tests, its name here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ddasp._check import one_of

if TYPE_CHECKING:
    from ddasp.homework.parts import Exercise

__all__ = ["LESSONS", "find", "load"]

LESSONS = (
    "introduction",
    "matrix_fundamentals",
    "svd_four_subspaces",
    "left_right_pseudo_inverse",
    "linear_regression",
    "ridge_regression",
    "svd_multitrack_audio",
    "pca",
    "bias_variance",
    "audio_levels",
    "spectra",
    "audio_features",
    "data_preparation",
    "gradient_descent",
    "stochastic_gradient_descent",
    "xor",
    "binary_logistic_regression_manual",
    "binary_logistic_regression_torch",
    "binary_logistic_regression_tensorflow",
    "binary_logistic_regression_manual_with_hidden_layers",
    "binary_logistic_regression_torch_with_hidden_layers",
    "binary_logistic_regression_tf_with_hidden_layers",
    "multiclass_classification",
    "hyperparameter_tuning",
    "convolution",
    "convolutional_networks",
    "recurrent_networks",
    "denoising",
    "established_procedure_spoken_digits",
    "music_texture_classification",
    "application",
    "reading_a_paper",
    "engineering_practice",
)


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
