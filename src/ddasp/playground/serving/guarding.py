"""Who may speak to the playground: Host, Origin and token, before anything else is looked at.

The page runs on a port of this machine, and every web site that is open in the same browser can send
requests there. Three checks keep them out, each against another trick:

- *Host* must be a name that the server was bound to. A foreign name that was made to point at this
  machine (DNS rebinding) is still the foreign name in this header.
- *Origin*, where the browser sends one, must be the server's own; a socket and a POST without one are
  refused. Browsers do not keep sockets to their own origin, so the server has to.
- The *token* of this start must come with everything that is not the page itself: as ``Authorization:
  Bearer`` or, for the socket, as a subprotocol. There is no cookie that a foreign page could ride on.

What is allowed is fixed when the server is bound; nothing is decided by comparing headers with each
other, for an attacker sends both. The same answers hold for HTTP and for the socket, which is refused
before it is accepted.

*Conventions*: names are lower case, with the port as browsers write it (left out when it is 80).
Answers: 401 no token, 403 wrong Host, Origin or token, 405 a method that the path does not have.

*References*: RFC 6454 (origin); RFC 9110, 7.2 (Host); RFC 6455, 10.2 (origin of sockets); W3C, Content
Security Policy Level 3; OWASP ASVS 5.0, 4.4.
"""

from __future__ import annotations

import hmac
import json
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

__all__ = ["SUBPROTOCOL", "Door", "Guard", "door_for", "is_loopback"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SUBPROTOCOL = "ddasp.playground.1"
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
# Which methods a path has; the longest beginning counts. Everything else is not there.
METHODS = {
    "/": ("GET", "HEAD"),
    "/static/": ("GET", "HEAD"),
    "/sound/": ("GET",),
    "/recording": ("POST",),
    "/socket": ("GET",),
}
OPEN = ("/", "/static/")  # the page: the same for everybody, without a secret
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; require-trusted-types-for 'script'; frame-ancestors "
)
HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "microphone=(self), autoplay=(self), camera=(), geolocation=(), usb=()"),
)


@dataclass(frozen=True)
class Door:
    """What this start lets in.

    Parameters
    ----------
    token : str
        The secret of this start.
    hosts : frozenset of str
        Values of Host that are answered.
    origins : frozenset of str
        The page's own origins.
    ancestors : str
        Who may show the page in a frame, in the words of the Content Security Policy.
    """

    token: str
    hosts: frozenset[str]
    origins: frozenset[str]
    ancestors: str = "'none'"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what is bound to this address.

    Examples
    --------
    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "192.168.1.7")]
    [True, True, True, False, False]
    """
    import ipaddress

    bare = host.strip("[]").lower()
    if bare == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def door_for(host: str, port: int, token: str, *, ancestors: str = "'none'") -> Door:
    """The names and origins that belong to an address the server is bound to.

    Parameters
    ----------
    host : str
        What it is bound to; ``0.0.0.0`` and ``::`` stand for this machine's own names and addresses.
    port : int
    token : str
    ancestors : str
        See `Door`.

    Examples
    --------
    >>> sorted(door_for("127.0.0.1", 8765, "secret").hosts)
    ['127.0.0.1:8765', '[::1]:8765', 'localhost:8765']
    """
    bare = host.strip("[]").lower()
    names = {*LOOPBACK, f"[{bare}]" if ":" in bare else bare}
    if bare in ("0.0.0.0", "::", ""):
        names = {*LOOPBACK, *_own_names()}
    hosts = {f"{name}:{port}" for name in names} | (names if port == 80 else set())
    written = names if port == 80 else {f"{name}:{port}" for name in names}
    return Door(token, frozenset(hosts), frozenset(f"http://{name}" for name in written), ancestors)


def _own_names() -> set[str]:
    """The names and addresses under which others reach this machine, as far as it knows them."""
    name = socket.gethostname().lower()
    found = {name}
    try:
        for *_, address in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM):
            bare = str(address[0]).partition("%")[0].lower()
            found.add(f"[{bare}]" if ":" in bare else bare)
    except OSError:  # a machine that cannot look itself up
        pass
    try:  # the address of the way out; nothing is sent
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way_out:
            way_out.connect(("192.0.2.1", 9))
            found.add(str(way_out.getsockname()[0]))
    except OSError:
        pass
    return found


def verdict(door: Door, scope: Scope) -> tuple[int, str]:
    """What a request deserves: 0 and nothing, or a status and the reason in words.

    Parameters
    ----------
    door : Door
    scope : dict
        Of ASGI, type ``http`` or ``websocket``.

    Returns
    -------
    status : int
    reason : str
    """
    headers: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.lower(), []).append(value)
    host = headers.get(b"host", [])
    if len(host) != 1 or host[0].decode("latin-1").lower() not in door.hosts:
        return (
            403,
            "this name is not one of the names of this server; use the address that it printed",
        )
    is_socket = scope["type"] == "websocket"
    method = "GET" if is_socket else scope["method"]
    origin = headers.get(b"origin", [])
    own = len(origin) == 1 and origin[0].decode("latin-1") in door.origins
    if not own and (origin or is_socket or method == "POST"):
        return 403, "this request does not come from the playground's own page"
    path = _entry(scope["path"])
    if path is None or is_socket != (path == "/socket"):
        return 404, "there is nothing here; the page is at /"
    if method not in METHODS[path]:
        return 405, f"{path} answers {' and '.join(METHODS[path])} only"
    if path in OPEN:
        return 0, ""
    given = _token(scope, headers.get(b"authorization", []))
    if given is None:
        return 401, "the token is missing; open the address that the start printed, with its #token"
    # bytes, for text outside ASCII cannot be compared in constant time
    if not hmac.compare_digest(given, door.token.encode()):
        return 403, "the token is not the one of this start; open the address that it printed"
    return 0, ""


def _entry(path: str) -> str | None:
    """The entry of `METHODS` that a path belongs to."""
    if path in METHODS and not path.endswith("/"):
        return path
    if path == "/":
        return path
    return next((p for p in ("/static/", "/sound/") if path.startswith(p) and path != p), None)


def _token(scope: Scope, authorization: list[bytes]) -> bytes | None:
    if scope["type"] == "websocket":
        offered = [name for name in scope["subprotocols"] if name.startswith("token.")]
        if len(offered) != 1 or SUBPROTOCOL not in scope["subprotocols"]:
            return None
        return str(offered[0]).removeprefix("token.").encode("utf-8", "surrogateescape")
    if len(authorization) != 1 or authorization[0][:7].lower() != b"bearer ":
        return None
    return authorization[0][7:].strip()


class Guard:
    """The outermost layer of the server: asks `verdict`, and adds the headers of every answer.

    Parameters
    ----------
    app : callable
        The ASGI application behind it.
    door : Door
    """

    def __init__(self, app: App, door: Door) -> None:
        self.app, self.door = app, door
        policy = ("content-security-policy", POLICY + door.ancestors)
        pairs = (
            *HEADERS,
            policy,
            *([("x-frame-options", "DENY")] if "none" in door.ancestors else []),
        )
        self.headers = [(name.encode(), value.encode()) for name, value in pairs]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one connection through, or answer it here."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        is_socket = scope["type"] == "websocket"

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                message["headers"] = [*message.get("headers", ()), *self.headers]
            await send(message)

        status, reason = verdict(self.door, scope)
        if status:
            if is_socket:
                await receive()  # "websocket.connect"; it is never accepted
            value = {"error": {"code": "E-ACCESS", "message": reason}}
            await answer(send_with_headers, status, value, is_socket=is_socket)
            return
        await self.app(scope, receive, send_with_headers)


async def answer(send: Send, status: int, value: Any, *, is_socket: bool = False) -> None:
    """One JSON answer, also in place of a socket.

    Parameters
    ----------
    send : callable
        Of ASGI.
    status : int
    value : object
        What JSON can hold.
    is_socket : bool
        The answer refuses a socket before it is accepted.
    """
    body = json.dumps(value).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    kind = "websocket.http.response" if is_socket else "http.response"
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
