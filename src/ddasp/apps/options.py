"""What the verbs of the command line share: common options, exit codes, JSON on standard output."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["A_PATH", "DONE", "FAILED", "command_line", "common", "print_json"]

DONE, FAILED = 0, 1

Command = TypeVar("Command", bound=Callable[..., Any])
A_PATH = click.Path(path_type=Path)


def common(command: Command) -> Command:
    """Add the options that every verb has."""
    for option in (
        click.option("--debug", is_flag=True, expose_value=False, help="On an error, show where."),
        click.option("--json", "as_json", is_flag=True, help="Answer in JSON, errors included."),
        click.option("--quiet", is_flag=True, help="No progress, only the result."),
    ):
        command = option(command)
    return command


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    from ddasp._files import to_json

    click.echo(to_json(value), nl=False)


def command_line(*words: str | Path) -> str:
    """A command as it is typed.

    Examples
    --------
    >>> command_line("run", Path("my problem.toml"))
    "ddasp run 'my problem.toml'"
    """
    return shlex.join(["ddasp", *(str(word) for word in words)])
