"""Who is let in, as a table: every Host x Origin x credential x place, and the answer it has to get.

The tests of the guard and the reliability rows send the same requests: to a server in a thread, and to
the one that the command line starts.
"""

from __future__ import annotations

import re
import socket
from typing import Any

HOSTS = {
    "loopback address": "127.0.0.1:{port}",
    "localhost": "localhost:{port}",
    "IPv6 loopback": "[::1]:{port}",
    "upper case": "LocalHost:{port}",
    "another name": "evil.example:{port}",
    "own name, another port": "127.0.0.1:1",
    "own name, no port": "127.0.0.1",
    "a name that begins like ours": "127.0.0.1.evil.example:{port}",
    "user before the name": "127.0.0.1:{port}@evil.example",
    "empty": "",
    "none": None,
    "two": ("127.0.0.1:{port}", "evil.example:{port}"),
}
GOOD_HOSTS = {"loopback address", "localhost", "IPv6 loopback", "upper case"}
ORIGINS = {
    "none": None,
    "own": "http://127.0.0.1:{port}",
    "own by another name": "http://localhost:{port}",
    "another": "http://evil.example",
    "another with our name before": "http://127.0.0.1:{port}.evil.example",
    "https": "https://127.0.0.1:{port}",
    "another port": "http://127.0.0.1:1",
    "null": "null",
    "two": ("http://127.0.0.1:{port}", "http://evil.example"),
}
GOOD_ORIGINS = {"own", "own by another name"}
CREDENTIALS = ("none", "right", "wrong", "right and more", "other scheme")
PLACES = ("GET /", "GET /static/shell/app.js", "GET /sound/s0001.wav", "POST /recording", "socket")
OPEN = {"GET /", "GET /static/shell/app.js"}


def expected(place: str, host: str, origin: str, credential: str) -> int:
    """The answer that a row of the table has to give, in words of the rules and not of the code."""
    if host in ("none", "two") or (place == "socket" and origin == "two"):
        return 400  # no request of HTTP/1.1, no handshake of a socket: the parsers say so first
    if host not in GOOD_HOSTS:
        return 403
    if origin == "none":
        if place in ("POST /recording", "socket"):
            return 403
    elif origin not in GOOD_ORIGINS:
        return 403
    if place in OPEN:
        return 200
    if credential in ("none", "other scheme"):
        return 401
    if credential != "right":
        return 403
    return {"GET /sound/s0001.wav": 404, "POST /recording": 404, "socket": 101}[place]


def lines_of(name: str, value: Any, port: int) -> list[str]:
    """Lines of a header that stands there once, twice or not at all."""
    values = value if isinstance(value, tuple) else () if value is None else (value,)
    return [f"{name}: {one.format(port=port)}" for one in values]


def answer_to(playground: Any, place: str, host: str, origin: str, credential: str) -> bytes:
    """The answer to a request that is written by hand: its head, and what a refusal says."""
    port, token = playground.port, playground.token
    other = "y" if token[0] == "x" else "x"  # a drawn token may begin with either
    token = {"wrong": other + token[1:], "right and more": token + "x"}.get(credential, token)
    lines = [*lines_of("Host", HOSTS[host], port), *lines_of("Origin", ORIGINS[origin], port)]
    if place == "socket":
        offered = ["ddasp.playground.1"]
        if credential == "other scheme":
            offered = [token, "ddasp.playground.1"]  # the token, but not as one
        elif credential != "none":
            offered.append(f"token.{token}")
        first = "GET /socket?session=table HTTP/1.1"
        lines += [
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            f"Sec-WebSocket-Protocol: {', '.join(offered)}",
        ]  # fmt: skip
    else:
        first = f"{place} HTTP/1.1"
        lines.append("Connection: close")
        if credential != "none":
            scheme = "Basic" if credential == "other scheme" else "Bearer"
            lines.append(f"Authorization: {scheme} {token}")
        if place.startswith("POST"):
            lines.append("Content-Length: 0")
    with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
        wire.sendall("\r\n".join([first, *lines, "", ""]).encode("latin-1"))
        got = b""
        while not is_whole(got) and (part := wire.recv(4096)):
            got += part
    return got


def is_whole(got: bytes) -> bool:
    """Whether the head is there, and the body as well where it says why not."""
    head, end, body = got.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    is_refusal = re.match(rb"HTTP/1.1 [45]", head) is not None
    return bool(end) and (not is_refusal or length is None or len(body) >= int(length[1]))
