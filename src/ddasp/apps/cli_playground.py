"""The verb ``playground``: the page where a small model trains before your eyes.

*Conventions*: those of `cli.py`. The server runs in the foreground; Ctrl-C ends it. With ``--json``
the address is one JSON line, written as soon as the page can be opened.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import webbrowser
from pathlib import Path

import click

from ddasp.apps.options import A_PATH, DONE, common
from ddasp.apps.tables import plain

__all__ = ["playground"]

HELP = """Open the playground in the browser: a small model that trains before your eyes.

It begins with drawn data sets. With SOUNDS, a run folder or a folder of sounds, your recordings are the
points; without, the sounds offered are drums made by formulas.

The page is served by this machine and for this machine only; nothing is loaded from elsewhere. The address
holds a token, without which nothing is answered. Ctrl-C ends it.
"""


@click.command(help=HELP, short_help="A small model that trains before your eyes, in the browser.")
@click.argument("sounds", type=A_PATH, metavar="[SOUNDS]", required=False)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen at; another one lets others in this network in.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="The port; 8765, or a free one where that is taken, if left out. 0: any that is free.",
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@common
def playground(
    sounds: Path | None, host: str, port: int | None, no_browser: bool, quiet: bool, as_json: bool
) -> int:
    """Start the server, say where it is, open the page, serve until Ctrl-C."""
    from ddasp._errors import InputError
    from ddasp.playground.serving.server import Server, warning_for

    if sounds is not None and not sounds.exists():
        raise InputError(
            "E-PATH-MISSING", f"there is no {sounds}; expected a run folder or a folder of sounds"
        )
    server = Server(host, port, source=None if sounds is None else str(sounds))
    warning = warning_for(server)
    if as_json:
        told = {"address": server.address, "hosts": sorted(server.door.hosts), "warning": warning}
        click.echo(json.dumps(told))
    else:
        click.echo(f"The playground is at {server.address}")
        if not quiet:
            click.echo("Ctrl-C ends it.", err=True)
    sys.stdout.flush()
    if warning:
        click.echo(f"\n{plain(warning)}\n", err=True)
    if not no_browser and has_screen():
        threading.Thread(target=_open, args=(server.address,), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):  # the way in which one leaves it
        server.run()
    return DONE


def has_screen() -> bool:
    """Whether a browser could be seen.

    On Linux without a screen `webbrowser` would open a text browser in this very terminal.
    """
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open(address: str) -> None:
    """In a thread of its own: some systems take seconds to start a browser."""
    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(address)
