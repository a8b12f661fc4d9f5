"""The verb ``course``: the lessons as notebooks in a folder, and JupyterLab to read them in.

*Conventions*: those of `cli.py`. JupyterLab runs in the foreground, as it does by itself; Ctrl-C ends it.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from ddasp.apps.options import A_PATH, DONE, FAILED, common, print_json
from ddasp.apps.tables import plain

__all__ = ["course"]

HELP = """Write the course into FOLDER as notebooks and open JupyterLab there.

Lessons that are there already and were not changed are brought up to date. A notebook that you have changed
or run is kept; where its lesson is newer, that is written beside it as NAME.new.ipynb.
"""
HOW = 'JupyterLab is not installed; with it, and all that the lessons use: pip install "ddasp[course]"'


@click.command(help=HELP, short_help="The lessons as notebooks, in JupyterLab.")
@click.argument("folder", type=A_PATH, metavar="FOLDER")
@click.option("--no-browser", is_flag=True, help="Start JupyterLab without opening a browser.")
@click.option("--only-write", is_flag=True, help="Write the notebooks and end.")
@common
def course(folder: Path, no_browser: bool, only_write: bool, quiet: bool, as_json: bool) -> int:
    """Write the notebooks, say what was done, start JupyterLab."""
    from ddasp.course.writing import write

    written = write(folder)
    done = {
        "written": [*written.new, *written.beside],
        "renewed": list(written.renewed),
        "kept": list(written.kept),
        "unchanged": len(written.unchanged),
    }
    has_lab = find_spec("jupyterlab") is not None
    if as_json:
        print_json({"folder": folder, **done, "jupyterlab": has_lab})
        return DONE
    if not quiet:
        click.echo(f"{plain(str(folder))}: {len(written.new)} notebooks written, ", nl=False)
        click.echo(
            f"{len(written.renewed)} brought up to date, {len(written.unchanged)} as they were"
        )
        for name in written.kept:
            click.echo(f"  kept, because you changed it: {name}")
        for name in written.beside:
            click.echo(f"  its newer lesson: {name}")
    if only_write:
        return DONE
    if not has_lab:
        click.echo(HOW)
        return DONE
    command = [sys.executable, "-m", "jupyterlab", f"--notebook-dir={folder}"]
    try:
        ended = subprocess.call([*command, *(["--no-browser"] if no_browser else ["index.ipynb"])])
    except KeyboardInterrupt:  # the way in which one leaves JupyterLab
        return DONE
    return DONE if ended == 0 else FAILED
