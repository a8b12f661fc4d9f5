"""The syllabus, and a lesson read from its file: cells of prose and of code.

A lesson is a text notebook: Markdown in the MyST dialect with a head in YAML and cells of code,

    ```{code-cell} ipython3
    :tags: [hide-input]
    x = 1
    ```

with ``+++`` between cells of prose. The reader here knows this form alone, which is all that lessons
use; the tests hold it to what jupytext reads.

*Conventions*: the head's ``ddasp`` holds ``seconds``, what the lesson takes at most on two cores, and
``needs``, the packages beyond those of ddasp.

*References*: MyST Markdown guide, "Text-based notebooks"; jupytext, "MyST Markdown".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib import resources, util
from pathlib import Path

from ddasp._check import one_of
from ddasp._errors import DependencyError, InputError

__all__ = ["NAMES", "PARTS", "TASKS", "Cell", "Lesson", "folder", "load", "needs", "read"]

# Part of the course, and its lessons in the order of reading.
PARTS: dict[str, tuple[str, ...]] = {
    "Beginning": ("introduction",),
    "Linear models": (
        "matrix_fundamentals",
        "svd_four_subspaces",
        "left_right_pseudo_inverse",
        "linear_regression",
        "ridge_regression",
        "svd_multitrack_audio",
        "pca",
        "bias_variance",
    ),
    "Audio": ("audio_levels", "spectra", "audio_features", "data_preparation"),
    "Optimisation": ("gradient_descent", "stochastic_gradient_descent"),
    "Non-linear models": (
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
    ),
    "Tool chain and application": (
        "established_procedure_spoken_digits",
        "music_texture_classification",
        "application",
        "reading_a_paper",
        "engineering_practice",
    ),
}
NAMES = tuple(name for names in PARTS.values() for name in names)
TASKS = ("homework/matrix_fundamentals", "homework/regression_with_nonlinear_model")

HOW = {  # import name: (what it is called, what installs it)
    "torch": ("PyTorch", 'pip install "ddasp[torch]"'),
    "tensorflow": ("TensorFlow", 'pip install "ddasp[tensorflow]"'),
    "av": ("PyAV", 'pip install "ddasp[av]"'),
    "keras_tuner": ("Keras Tuner", 'pip install "ddasp[course]"'),
}

OPENING = re.compile(r"^(`{3,})\{code-cell\}[^\n]*$")
HEAD = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)


@dataclass(frozen=True)
class Cell:
    """A cell of a lesson.

    Parameters
    ----------
    kind : {"code", "markdown"}
    source : str
    tags : tuple of str
        Of code: "hide-input", "raises-exception" ...
    """

    kind: str
    source: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lesson:
    """A lesson as it stands in its file.

    Parameters
    ----------
    name : str
        Without folder and ending; tasks keep "homework/".
    title : str
        The first heading.
    seconds : int
        What it takes at most on two cores [s].
    needs : tuple of str
        Packages beyond those of ddasp itself, by import name.
    cells : tuple of Cell
    """

    name: str
    title: str
    seconds: int
    needs: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = field(default=(), repr=False)

    @property
    def note(self) -> str:
        """One line for the top: how long it takes, what must be there."""
        frameworks = [HOW.get(name, (name, ""))[0] for name in self.needs]
        extra = f" Uses {', '.join(frameworks)}." if frameworks else ""
        return f"*Runs in less than {self.seconds} s on two cores.*{extra}"


def folder() -> Path:
    """Where the lessons lie: in the installed package, or beside its source.

    Raises
    ------
    InputError
        ``E-PATH-MISSING`` when this installation holds none.

    Examples
    --------
    >>> (folder() / "gradient_descent.md").is_file()
    True
    """
    package = Path(str(resources.files("ddasp")))
    for place in (package / "lessons", package.parents[1] / "course"):
        if (place / "index.md").is_file():
            return place
    raise InputError(
        "E-PATH-MISSING", f"there are no lessons in {package / 'lessons'}; install ddasp again"
    )


def load(name: str) -> Lesson:
    """A lesson, or a task of the homework.

    Parameters
    ----------
    name : str
        One of `NAMES` or `TASKS`.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when there is none of that name; the nearest is proposed.

    Examples
    --------
    >>> load("gradient_descent").name
    'gradient_descent'
    """
    one_of(name, "lesson", (*NAMES, *TASKS))
    return read(name, (folder() / f"{name}.md").read_text("utf-8"))


def read(name: str, text: str) -> Lesson:
    r"""A lesson from its text.

    Parameters
    ----------
    name : str
    text : str
        MyST Markdown.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when it has no head, no title, or a cell that doesn't end.

    Examples
    --------
    >>> text = "---\nddasp: {seconds: 5}\n---\n# A\n\n```{code-cell} ipython3\nx = 1\n```\n"
    >>> [cell.kind for cell in read("a", text).cells]
    ['markdown', 'code']
    """
    head = HEAD.match(text)
    title = re.search(r"^# (.+)$", text, re.MULTILINE)
    if head is None or title is None:
        raise InputError(
            "E-ARGUMENT", f"{name} has no head between --- or no title; expected a text notebook"
        )
    seconds = re.search(r"seconds: *(\d+)", head.group(1))
    needed = re.search(r"needs: *\[([^\]]*)\]", head.group(1))
    if seconds is None:
        raise InputError("E-ARGUMENT", f"the head of {name} has no ddasp: {{seconds: ...}}")
    packages = tuple(re.findall(r"\w+", needed.group(1))) if needed else ()
    cells = tuple(_cells(name, text[head.end() :].splitlines()))
    return Lesson(name, title.group(1).strip(), int(seconds.group(1)), packages, cells)


def _cells(name: str, lines: list[str]) -> list[Cell]:
    cells: list[Cell] = []
    prose: list[str] = []

    def close_prose() -> None:
        source = "\n".join(prose).strip("\n")
        if source.strip():
            cells.append(Cell("markdown", source))
        prose.clear()

    place = 0
    while place < len(lines):
        opening = OPENING.match(lines[place])
        if opening is None:
            if re.fullmatch(r"\+\+\+.*", lines[place]):
                close_prose()
            else:
                prose.append(lines[place])
            place += 1
            continue
        close_prose()
        fence = opening.group(1)
        try:
            end = lines.index(fence, place + 1)
        except ValueError:
            raise InputError(
                "E-ARGUMENT", f"a code cell of {name} does not end: {lines[place + 1 : place + 2]}"
            ) from None
        cells.append(_code(lines[place + 1 : end]))
        place = end + 1
    close_prose()
    return cells


def _code(lines: list[str]) -> Cell:
    tags: tuple[str, ...] = ()
    while lines and (option := re.fullmatch(r":tags: *\[(.*)\]", lines[0])):
        tags, lines = tuple(re.findall(r"[\w-]+", option.group(1))), lines[1:]
    return Cell("code", "\n".join(lines).strip("\n"), tags)


class _Missing(DependencyError):
    """Shown by a notebook as the one line that it is."""

    def _render_traceback_(self) -> list[str]:
        return [self.message]


def needs(*packages: str) -> None:
    """Say in one line which package this lesson needs and how to get it, when it is missing.

    Nothing is imported here. What the reader has not set otherwise is set for this session: TensorFlow
    keeps its start to itself, and frameworks compute on the CPU, so that numbers are those of the text.

    Parameters
    ----------
    *packages : str
        Import names.

    Raises
    ------
    DependencyError
        ``E-DEPENDENCY``; a notebook shows its message alone.

    Examples
    --------
    >>> needs("numpy", "scipy")
    """
    import os

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    missing = [name for name in packages if util.find_spec(name) is None]
    if missing:
        names = ", ".join(HOW.get(name, (name, ""))[0] for name in missing)
        command = 'pip install "ddasp[course]"'
        if len(missing) == 1:
            command = HOW.get(missing[0], ("", command))[1]
        raise _Missing("E-DEPENDENCY", f"This lesson needs {names}: {command}")
