"""Right and wrong answers to the exercises, kept from the eye of who reads along.

The tests need both. They stand in ``sealed/LESSON.txt``, packed so that no solution is read by accident;
that hides them, it does not protect them. To change them:

    python tests/homework/sealed_answers.py open        writes opened/LESSON.py, which git ignores
    python tests/homework/sealed_answers.py close       packs them again

An opened file counts in place of the sealed one. It holds

    RIGHT: list of (number of the exercise, answer)
    WRONG: number of the exercise to a list of (answer, item that fails, what its message matches)
"""

from __future__ import annotations

import base64
import linecache
import sys
import textwrap
import types
import zlib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OPENED, SEALED = HERE / "opened", HERE / "sealed"


def source(lesson: str) -> str:
    """The text of a lesson's answers; blank when there is none."""
    if (OPENED / f"{lesson}.py").is_file():
        return (OPENED / f"{lesson}.py").read_text("utf-8")
    sealed = SEALED / f"{lesson}.txt"
    return unpacked(sealed.read_text("ascii")) if sealed.is_file() else ""


def answers(lesson: str) -> types.ModuleType:
    """The module of a lesson's answers; its lines are known to tracebacks and to inspect."""
    text = source(lesson)
    name = f"opened/{lesson}.py"
    module = types.ModuleType(f"answers_to_{lesson}")
    module.__file__ = name
    module.__dict__.update(RIGHT=[], WRONG={})
    sys.modules[module.__name__] = module
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), module.__dict__)
    return module


def right(lesson: str) -> list[tuple[int, Any]]:
    """Right answers."""
    return list(answers(lesson).RIGHT)


def wrong(lesson: str) -> dict[int, list[tuple[Any, str, str]]]:
    """Planted mistakes."""
    return dict(answers(lesson).WRONG)


def packed(text: str) -> str:
    """Text to letters that say nothing."""
    return (
        "\n".join(textwrap.wrap(base64.b85encode(zlib.compress(text.encode(), 9)).decode(), 96))
        + "\n"
    )


def unpacked(letters: str) -> str:
    """What `packed` packed."""
    return zlib.decompress(base64.b85decode("".join(letters.split()))).decode()


def main(action: str) -> None:
    """Open all that is sealed, or seal all that is open."""
    if action == "open":
        OPENED.mkdir(exist_ok=True)
        for sealed in sorted(SEALED.glob("*.txt")):
            (OPENED / f"{sealed.stem}.py").write_text(unpacked(sealed.read_text("ascii")), "utf-8")
    elif action == "close":
        SEALED.mkdir(exist_ok=True)
        for opened in sorted(OPENED.glob("*.py")):
            (SEALED / f"{opened.stem}.txt").write_text(packed(opened.read_text("utf-8")), "ascii")
            opened.unlink()
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
