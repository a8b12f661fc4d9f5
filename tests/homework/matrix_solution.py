"""A hand-in for task 1: worked on paper for the id "example", by exact arithmetic for any other.

The tests around the task use it; nothing of it is in the package.
"""

from __future__ import annotations

import pprint

from ddasp.homework.tasks import load

from .matrix_exact import solution

__all__ = ["program_text"]

HEADER = 'TASK = "matrix_fundamentals"\nSTUDENT = "{student}"\nVERSION = {version}\n'

# A = [[-1, 2, -2], [6, -3, -6], [-5, 1, 8], [-7, 5, 4]], B = [[1, 2, 1, 0], [2, 3, 4, 1], [-1, -4, 3, 2]],
# D = [[5, -1, -6], [-5, 7, -6], [2, 2, 9]]; AᵀA (2, -1, -2) = 243 (2, -1, -2) and so on.
EXAMPLE = """
def rref_and_cr():
    return {
        "A": {
            "rref": [[1, 0, -2], [0, 1, -2], [0, 0, 0], [0, 0, 0]],
            "C": [[-1, 2], [6, -3], [-5, 1], [-7, 5]],
            "R": [[1, 0, -2], [0, 1, -2]],
        },
        "B": {
            "rref": [[1, 0, 5, 2], [0, 1, -2, -1], [0, 0, 0, 0]],
            "C": [[1, 2], [2, 3], [-1, -4]],
            "R": [[1, 0, 5, 2], [0, 1, -2, -1]],
        },
        "D": {
            "rref": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
            "C": [[5, -1, -6], [-5, 7, -6], [2, 2, 9]],
            "R": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        },
    }


def ranks():
    return {"A": 2, "B": 2, "D": 3}


def bases():
    units = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    return {
        "A": {
            "column space": [[-1, 6, -5, -7], [2, -3, 1, 5]],
            "row space": [[1, 0, -2], [0, 1, -2]],
            "null space": [[2, 2, 1]],
            "left null space": [[1, 1, 1, 0], [-1, 1, 0, 1]],
        },
        "B": {
            "column space": [[1, 2, -1], [0, 1, 2]],
            "row space": [[1, 2, 1, 0], [0, -1, 2, 1]],
            "null space": [[-5, 2, 1, 0], [-2, 1, 0, 1]],
            "left null space": [[5, -2, 1]],
        },
        "D": {"column space": units, "row space": units, "null space": [], "left null space": []},
    }


def projectors():
    one = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    zero = [[0, 0, 0], [0, 0, 0], [0, 0, 0]]
    return {
        "A": {
            "column space": [
                ["1/3", 0, "-1/3", "1/3"],
                [0, "1/3", "-1/3", "-1/3"],
                ["-1/3", "-1/3", "2/3", 0],
                ["1/3", "-1/3", 0, "2/3"],
            ],
            "row space": [
                ["5/9", "-4/9", "-2/9"],
                ["-4/9", "5/9", "-2/9"],
                ["-2/9", "-2/9", "8/9"],
            ],
            "null space": [["4/9", "4/9", "2/9"], ["4/9", "4/9", "2/9"], ["2/9", "2/9", "1/9"]],
            "left null space": [
                ["2/3", 0, "1/3", "-1/3"],
                [0, "2/3", "1/3", "1/3"],
                ["1/3", "1/3", "1/3", 0],
                ["-1/3", "1/3", 0, "1/3"],
            ],
        },
        "B": {
            "column space": [
                ["5/30", "10/30", "-5/30"],
                ["10/30", "26/30", "2/30"],
                ["-5/30", "2/30", "29/30"],
            ],
            "row space": [
                ["1/6", "1/3", "1/6", 0],
                ["1/3", "5/6", 0, "-1/6"],
                ["1/6", 0, "5/6", "1/3"],
                [0, "-1/6", "1/3", "1/6"],
            ],
            "null space": [
                ["5/6", "-1/3", "-1/6", 0],
                ["-1/3", "1/6", 0, "1/6"],
                ["-1/6", 0, "1/6", "-1/3"],
                [0, "1/6", "-1/3", "5/6"],
            ],
            "left null space": [
                ["25/30", "-10/30", "5/30"],
                ["-10/30", "4/30", "-2/30"],
                ["5/30", "-2/30", "1/30"],
            ],
        },
        "D": {"column space": one, "row space": one, "null space": zero, "left null space": zero},
    }


def singular_values_and_vectors():
    return {
        "A": {
            "s": ["9*sqrt(3)", "3*sqrt(3)"],
            "u": [[0, "-1/√3", "1/√3", "1/√3"], ["-1/√3", 0, "1/√3", "-1/√3"]],
            "v": [["-2/3", "1/3", "2/3"], ["1/3", "-2/3", "2/3"]],
        },
        "B": {
            "s": [6, "√30"],
            "u": [["1/√6", "2/√6", "-1/√6"], [0, "1/√5", "2/√5"]],
            "v": [["1/√6", "2/√6", "1/√6", 0], [0, "-1/√6", "2/√6", "1/√6"]],
        },
        "D": {
            "s": ["9√2", 9, "3√2"],
            "u": [["-1/3", "-2/3", "2/3"], ["-2/3", "2/3", "1/3"], ["2/3", "1/3", "2/3"]],
            "v": [["√2/6", "-√2/6", "2√2/3"], ["-2/3", "2/3", "1/3"], ["√2/2", "√2/2", 0]],
        },
    }


def rank_one_terms():
    return {
        "A": [
            [[0, 0, 0], [6, -3, -6], [-6, 3, 6], [-6, 3, 6]],
            [[-1, 2, -2], [0, 0, 0], [1, -2, 2], [-1, 2, -2]],
        ],
        "B": [
            [[1, 2, 1, 0], [2, 4, 2, 0], [-1, -2, -1, 0]],
            [[0, 0, 0, 0], [0, -1, 2, 1], [0, -2, 4, 2]],
        ],
        "D": [
            [[5, -1, -6], [0, 0, 0], [0, 0, 0]],
            [[0, 0, 0], [-5, 7, -6], [0, 0, 0]],
            [[0, 0, 0], [0, 0, 0], [2, 2, 9]],
        ],
    }


def pseudo_inverses():
    return {
        "A": [
            ["-3/81", "2/81", "1/81", "-5/81"],
            ["6/81", "-1/81", "-5/81", "7/81"],
            ["-6/81", "-2/81", "8/81", "-4/81"],
        ],
        "B": [
            ["1/36", "1/18", "-1/36"],
            ["1/18", "7/90", "-11/90"],
            ["1/36", "11/90", "19/180"],
            [0, "1/30", "1/15"],
        ],
        "D": [
            ["25/162", "-1/162", "16/162"],
            ["11/162", "19/162", "20/162"],
            ["-8/162", "-4/162", "10/162"],
        ],
    }


def systems():
    return {
        "A": {"x": [4, 7, 0], "p": [-3, -18, 21, 15], "x_plus": [-1, 0, 2], "e": [2, 0, 1, -1]},
        "B": {"x": [0, -2, 0, 0], "p": [-6, -12, 6], "x_plus": [-1, -2, -1, 0], "e": [-5, 2, -1]},
        "D": {"x": [0, -1, 2]},
    }
"""


def program_text(student: str = "example") -> str:
    """A file to hand in with every part right that isn't read by hand."""
    task = load("matrix_fundamentals")
    header = HEADER.format(student=student, version=task.version)
    if student == "example":
        return header + EXAMPLE
    answers = solution(task.draw(student).matrices)
    functions = (
        f"\n\ndef {name}():\n    return {_literal(value)}\n" for name, value in answers.items()
    )
    return header + "".join(functions)


def _literal(value: object) -> str:
    return pprint.pformat(value, width=90, compact=True, sort_dicts=False).replace("\n", "\n    ")
