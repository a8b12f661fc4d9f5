"""The server of the page: bound to an address, guarded, run here or in a thread.

``ddasp playground`` runs it here, `ddasp.playground.show` in a thread. What is answered stands in `routes`,
to whom in `guarding`.

*Conventions*: the address is the one that a browser on this machine reaches, with the token of this start
behind the #, which browsers neither send nor log.
"""

from __future__ import annotations

import errno
import secrets
import socket
import sys
import threading
import time

from ddasp._errors import DependencyError, InputError, RunError
from ddasp.playground.serving.guarding import App, Guard, door_for, is_loopback
from ddasp.playground.serving.messages import MAX_BYTES
from ddasp.playground.serving.sessions import Sessions

try:
    import starlette  # noqa: F401 - of `routes`
    import uvicorn
    import websockets  # noqa: F401 - what uvicorn speaks to sockets with
except ImportError as error:
    raise DependencyError(
        "E-DEPENDENCY",
        f"the playground needs Starlette, uvicorn and websockets ({error}): "
        'pip install "ddasp[playground]"',
    ) from error

from ddasp.playground.serving.routes import application

__all__ = ["Server", "bound", "warning_for"]

PORT = 8765


class Server:
    """The playground on a port of this machine.

    Parameters
    ----------
    host : str
        The address to listen at; other than this machine's own only when others are meant to come.
    port : int, optional
        0: any that is free. Left out: 8765, or any that is free.
    source : str, optional
        Where sounds come from: a run folder or a folder of sounds; generated drums when left out.
    token : str, optional
        The secret of this start; drawn when left out.
    ancestors : str
        Who may show the page in a frame; see `guarding.Door`.

    Raises
    ------
    InputError
        When the port is taken or the address is none of this machine.

    Examples
    --------
    >>> server = Server(port=0, token="secret")
    >>> server.address == f"http://127.0.0.1:{server.port}/#token=secret"
    True
    >>> server.start()
    >>> server.stop()
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int | None = None,
        *,
        source: str | None = None,
        token: str | None = None,
        ancestors: str = "'none'",
    ) -> None:
        self.host, self.source = host, source
        self.token = token or secrets.token_urlsafe(24)
        self._listener = bound(host, port)
        self.port = int(self._listener.getsockname()[1])
        self.door = door_for(host, self.port, self.token, ancestors=ancestors)
        self.sessions = Sessions(source)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def origin(self) -> str:
        """Scheme, name and port, as a browser on this machine reaches it."""
        bare = self.host.strip("[]")
        if bare in ("0.0.0.0", "::", ""):
            bare = "127.0.0.1" if bare != "::" else "::1"
        return f"http://{f'[{bare}]' if ':' in bare else bare}:{self.port}"

    @property
    def address(self) -> str:
        """What to open: the token stands behind the #, which browsers do not send."""
        more = "&source=sound" if self.source else ""
        return f"{self.origin}/#token={self.token}{more}"

    def _prepare(self) -> uvicorn.Server:
        inner: App = application(self.sessions)
        config = uvicorn.Config(
            Guard(inner, self.door),
            http="h11",
            ws="websockets-sansio",
            loop="asyncio",
            lifespan="on",
            log_config=None,
            log_level="critical",  # what is wrong with a request is told to who sent it
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=100,
            h11_max_incomplete_event_size=16 * 1024,
            ws_max_size=MAX_BYTES,
            ws_per_message_deflate=False,  # nothing is far away; frames are ready sooner
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        return self._server

    def run(self) -> None:
        """Serve in this thread until `stop`, or until Ctrl-C."""
        server = self._prepare()
        self.sessions.warm_up()
        try:
            server.run(sockets=[self._listener])
        finally:
            self.sessions.close()
            self._listener.close()

    def start(self) -> None:
        """Serve in a thread of its own; comes back when the page can be opened."""
        self._thread = threading.Thread(target=self.run, name="playground", daemon=True)
        self._thread.start()
        until = time.monotonic() + 60
        while self._server is None or not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                raise RunError("E-RUN", "the playground's server did not start")
            time.sleep(0.005)

    def is_alive(self) -> bool:
        """Whether it serves in a thread of its own."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """End it; sockets are closed, sessions are forgotten."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(5)


def bound(host: str, port: int | None) -> socket.socket:
    """A listening socket, or an error that says what to do.

    Parameters
    ----------
    host : str
    port : int, optional
        Left out: 8765, or any free one where that is taken.
    """
    bare = host.strip("[]")
    if port is not None and not 0 <= port <= 65535:
        raise InputError("E-ARGUMENT", f"port is {port}; expected 0 to 65535 (0: any free one)")
    try:
        kind, *_, where = socket.getaddrinfo(
            bare, PORT if port is None else port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise InputError(
            "E-ARGUMENT", f"host is {host!r}; expected a name or an address of this machine"
        ) from None
    listener = socket.socket(kind, socket.SOCK_STREAM)
    if sys.platform != "win32":  # there it would let two programs listen at once
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(where)
        listener.listen(128)
    except OSError as error:
        listener.close()
        if port is None and error.errno == errno.EADDRINUSE:
            return bound(host, 0)
        raise InputError("E-ARGUMENT", _why_not(host, int(where[1]), error)) from None
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} is taken - by another playground? Name another one, --port {port % 65535 + 1}, "
            "or --port 0 for any that is free"
        )
    if error.errno == errno.EACCES:
        return f"port {port} may not be used; expected one from 1024 to 65535"
    return (
        f"host is {host!r}, which can't be listened at ({error.strerror}); expected an address of this "
        "machine"
    )


def warning_for(server: Server) -> str:
    """What to know before others can reach it; empty when only this machine can.

    Parameters
    ----------
    server : Server
    """
    if is_loopback(server.host):
        return ""
    names = ", ".join(sorted(server.door.hosts))
    return (
        f"Others in this network can reach this page at {server.host}, port {server.port}. Whoever has the "
        "address with its token can hear the sounds that it shows and use this machine's processor; what "
        "is sent is not encrypted. Browsers give the microphone only to pages of their own machine.\n"
        f"Names that are answered: {names}"
    )
