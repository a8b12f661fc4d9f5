"""The playground's server against other web sites, garbage and crowds.

The server is the one that ``ddasp playground`` starts, in a process of its own. The table of who is let in
(Host x Origin x credential x place) is that of the tests. What is refused by the server says so in JSON,
with a code of docs/errors.md; what is no HTTP at all is refused by the parser, with 400 and a sentence.

*Conventions*: processor time and memory are the server's own, read from the kernel.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tests.playground.door_table import (
    CREDENTIALS,
    HOSTS,
    ORIGINS,
    PLACES,
    answer_to,
    expected,
    is_whole,
)

from ddasp._errors import CODES
from reliability.harness import Found, Place, Row

MOST_SECONDS, MOST_MEMORY = 5.0, 512  # of one answer: s; of the server: MiB
CLIENTS, EACH_SECOND = 50, 10
PATHS = (
    "/static/../server.py", "/static/%2e%2e/server.py", "/static/..%2fserver.py", "/static/%2fetc%2fpasswd",
    "/static/....//server.py", "/static/app.js%00.css", "/static/" + "a/" * 4000, "/sound/../../x",
    "/sound/..%5c..%5cx", "/socket", "//", "/%", "/%ff%fe", "/.git/config", "/openapi.json", "/favicon.ico",
)  # fmt: skip
GARBAGE = (
    b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", 70_000 * b"A", b"GET / HTTP/9.9\r\n\r\n",
    b"\x00" * 1000,
    b"GET /" + 20_000 * b"a" + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + 5000 * b"X-Filler: y\r\n" + b"\r\n",
    b"POST /recording HTTP/1.1\r\nHost: HOST\r\nContent-Length: -1\r\n\r\n",
    b"POST /recording HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0",
    b"GET / HTTP/1.1\r\nHost: HOST\r\nHost : HOST\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: HOST\r\n folded\r\n\r\n",
)  # fmt: skip
MESSAGES = (
    "{", "null", "[" * 100_000, '{"type": "fly"}', '{"type": "step", "unit": 1}',
    '{"type": "load", "state": {}}', '{"type": "change", "set": {"__class__": 1}}',
    '{"type": "load", "state": {"format": 1, "__proto__": {"a": 1}, "constructor": []}}',
    '{"type": "change", "set": {"networkShape": "9999,9999"}}',
    '{"type": "edit", "layer": 1, "j": 0, "value": 1e400}',
    '{"type": "csv", "text": "a,b,label\\n1,2,\\ud800"}',
    '{"type": "points", "add": [' + 250_000 * "0," + "0]}",
    '{"type": "reseed", "seed": 1' + 400 * "0" + "}",
    '{"type": "ask", "id": 0, "what": "__init__"}', '{"type": "address", "text": "' + "#a=1&" * 5000 + '"}',
)  # fmt: skip


@dataclass(frozen=True)
class Server:
    """A server that the command line started.

    Attributes: ``process``; ``port`` and ``token`` of this start.
    """

    process: subprocess.Popen[str]
    port: int
    token: str

    @property
    def seconds(self) -> float:
        """Of the processor, up to now."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def mebibytes(self) -> float:
        """The most that it ever held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0

    def sent(self, data: bytes, *, wait: float = 60.0) -> bytes:
        """The answer to some bytes, or its beginning; none when the connection is closed."""
        got = b""
        with (
            contextlib.suppress(ConnectionError),
            socket.create_connection(("127.0.0.1", self.port), timeout=wait) as wire,
        ):
            wire.sendall(data.replace(b"HOST", b"127.0.0.1:%d" % self.port))
            wire.shutdown(socket.SHUT_WR)
            while not is_whole(got) and (part := wire.recv(4096)):
                got += part
        return got


@contextlib.contextmanager
def started() -> Iterator[Server]:
    """The playground as a person starts it."""
    words = [sys.executable, "-m", "ddasp", "playground", "--no-browser", "--port", "0", "--json"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        found = re.search(r":(\d+)/#token=(.*)", address)
        assert found is not None
        yield Server(process, int(found[1]), found[2])
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


# --- who is let in --------------------------------------------------------------------------------


def the_door(place: Place) -> Found:
    """The table of the tests, as bytes on a wire."""
    rows = list(itertools.product(PLACES, HOSTS, ORIGINS, CREDENTIALS))
    n = place.number(quick=300, usual=len(rows))
    drawn = np.random.default_rng(place.seed).permutation(len(rows))[:n]
    faults, statuses = [], dict.fromkeys((101, 200, 400, 401, 403, 404), 0)
    with started() as server:
        before = server.seconds
        for row in (rows[i] for i in sorted(drawn)):
            got, wanted = answer_to(server, *row), expected(*row)
            status = int(got.split(b" ", 2)[1]) if got.startswith(b"HTTP/1.1 ") else 0
            if status != wanted:
                faults.append(f"{' + '.join(row)}: {status}, expected {wanted}")
            else:
                statuses[status] += 1
                faults += [f"{' + '.join(row)}: {f}" for f in _unsaid(got, status)]
            if server.token.encode() in got and row[0] != "socket":
                faults.append(f"{' + '.join(row)}: the answer holds the token")
        figures: dict[str, float | int | str] = {
            "let in": statuses[101] + statuses[200],
            "refused": sum(statuses.values()) - statuses[101] - statuses[200],
            "ms of the processor an answer": round(1000 * (server.seconds - before) / n, 1),
            "server / MiB": round(server.mebibytes),
        }
        faults += _beyond(server)
    return Found(n, figures, tuple(faults))


def _unsaid(got: bytes, status: int) -> list[str]:
    """A refusal without a known code."""
    if status < 400 or status == 400:  # 400: the parser of HTTP says it, before there is a request
        return []
    code = re.search(rb'"code":\s*"([^"]*)"', got)
    return [] if code and code[1].decode() in CODES else [f"{status} without a code"]


def _beyond(server: Server) -> list[str]:
    faults = []
    if server.process.poll() is not None:
        return [f"the server ended with {server.process.returncode}"]
    if server.mebibytes > MOST_MEMORY:
        faults.append(f"the server took {server.mebibytes:.0f} MiB")
    return faults


# --- what makes no sense --------------------------------------------------------------------------


def garbage(place: Place) -> Found:
    """Paths, bytes, uploads, messages, and sockets that say nothing."""
    faults, tried = [], 0
    with started() as server:
        head = f" HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer {server.token}\r\n"
        head += "Origin: http://HOST\r\nConnection: close\r\n"
        requests = [f"GET {path}{head}\r\n".encode() for path in PATHS] + list(GARBAGE)
        requests += [
            f"POST /recording?session=x&rate={rate}{head}Content-Length: 8\r\n\r\n12345678".encode()
            for rate in ("", "1e9", "-1", "44100", "%D9%A4")
        ]
        requests.append(
            f"POST /recording?session=x&rate=8000{head}Content-Length: {10**10}\r\n\r\n".encode()
        )
        for request in requests:
            before = server.seconds
            got = server.sent(request)
            tried += 1
            named = request[:60].decode("latin-1")
            status = int(got.split(b" ", 2)[1]) if got.startswith(b"HTTP/1.1 ") else 0
            if got and not 400 <= status < 500 and status != 505:
                faults.append(f"{named!r}: answered {got[:60]!r}")
            elif status > 400 and status != 505 and b"content-type: application/json" in got:
                faults += [f"{named!r}: {fault}" for fault in _unsaid(got, status)]
            if server.seconds - before > MOST_SECONDS:
                faults.append(f"{named!r}: took {server.seconds - before:.1f} s")
        faults += asyncio.run(_messages(server))
        tried += len(MESSAGES)
        n_idle = place.number(quick=120, usual=300)
        faults += _crowd(server, n_idle)
        faults += _beyond(server)
        figures = {"idle sockets": n_idle, "server / MiB": round(server.mebibytes)}
    return Found(tried + n_idle, figures, tuple(faults))


def _crowd(server: Server, n: int) -> list[str]:
    """Sockets that begin a request and never end it; when they are gone, others are answered."""
    with contextlib.ExitStack() as stack:
        for _ in range(n):
            with contextlib.suppress(OSError):
                wire = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 20))
                wire.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
    until = time.monotonic() + 60
    while time.monotonic() < until:
        got = server.sent(b"GET / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")
        if got.startswith(b"HTTP/1.1 200"):
            return []
        time.sleep(0.2)
    return [f"after {n} idle sockets nobody is answered"]


async def _opened(server: Server, name: str) -> Any:
    from websockets.asyncio.client import connect

    return await connect(
        f"ws://127.0.0.1:{server.port}/socket?session={name}",
        origin=f"http://127.0.0.1:{server.port}",  # type: ignore[arg-type]
        subprotocols=["ddasp.playground.1", f"token.{server.token}"],  # type: ignore[list-item]
        max_size=None,
        compression=None,
        open_timeout=120,
    )


async def _messages(server: Server) -> list[str]:
    """Messages that make no sense are answered in words, and the session lives."""
    faults = []
    page = await _opened(server, "garbage")
    for number, message in enumerate(MESSAGES, 1):
        await page.send(message)
        await page.send(json.dumps({"type": "ask", "id": number, "what": "address"}))
        codes: list[str] = []
        while True:
            heard = await asyncio.wait_for(page.recv(), 60)
            if isinstance(heard, bytes):
                continue
            said = json.loads(heard)
            error = said if said["type"] == "error" else said.get("error")
            codes += [error["code"]] if error else []
            if said["type"] == "answer" and said["id"] == number:
                break
        if not codes or not set(codes) <= set(CODES):
            faults.append(f"message {message[:60]!r}: answered {codes or 'nothing'}")
    await page.close()
    return faults


# --- a crowd that trains --------------------------------------------------------------------------


@dataclass
class Client:
    """One page of the crowd: what it asked, and how long it waited for each answer [s]."""

    waits: list[float]
    n_asked: int = 0
    n_frames: int = 0
    closed: str = ""


async def _page(server: Server, number: int, seconds: float) -> Client:
    """Train, take frames, and ask ten times a second."""
    from websockets.exceptions import ConnectionClosed

    client = Client([])
    asked: dict[int, float] = {}
    try:
        page = await _opened(server, f"crowd{number}")
        listening = asyncio.create_task(_listen(page, client, asked))
        await page.send('{"type": "play"}')
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            client.n_asked += 1
            asked[client.n_asked] = time.monotonic()
            await page.send(json.dumps({"type": "ask", "id": client.n_asked, "what": "address"}))
            await asyncio.sleep(1 / EACH_SECOND)
        until = time.monotonic() + 120
        while (
            len(client.waits) < client.n_asked and time.monotonic() < until and not listening.done()
        ):
            await asyncio.sleep(0.05)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await page.close()
    except (ConnectionClosed, OSError) as error:
        client.closed = str(error)
    return client


async def _listen(page: Any, client: Client, asked: dict[int, float]) -> None:
    async for heard in page:
        if isinstance(heard, bytes):
            client.n_frames += 1
            number = int.from_bytes(heard[8:12], "little")
            await page.send(json.dumps({"type": "ack", "frame": number}))
            continue
        said = json.loads(heard)
        if said["type"] == "answer":
            client.waits.append(time.monotonic() - asked[said["id"]])


async def _crowd_trains(server: Server, n: int, seconds: float) -> list[Client]:
    return await asyncio.gather(*(_page(server, number, seconds) for number in range(n)))


def clients(place: Place) -> Found:
    """Fifty pages that train, take frames and ask; all on this machine's processors."""
    seconds = 60.0
    with started() as server:
        begin = time.monotonic()
        found = asyncio.run(_crowd_trains(server, CLIENTS, seconds))
        took = time.monotonic() - begin
        faults = [f"page {i} was closed: {c.closed}" for i, c in enumerate(found) if c.closed]
        waits = [wait for client in found for wait in client.waits]
        unanswered = sum(client.n_asked for client in found) - len(waits)
        if unanswered:
            faults.append(f"{unanswered} questions were not answered")
        idle = [i for i, client in enumerate(found) if not client.n_frames]
        if idle:
            faults.append(f"{len(idle)} pages saw no frame")
        faults += _beyond(server)
        figures: dict[str, float | int | str] = {
            "questions": sum(client.n_asked for client in found),
            "answered after / ms, median": round(1000 * float(np.median(waits or [0]))),
            "95 %": round(1000 * float(np.quantile(waits or [0], 0.95))),
            "frames a second, all pages": round(sum(c.n_frames for c in found) / took),
            "server / MiB": round(server.mebibytes),
        }
    return Found(len(waits), figures, tuple(faults))


ROWS = (
    Row(
        "Bad inputs tried",
        "requests to the playground: Host x Origin x credential x place",
        "each gets the answer of the table; refusals have a code; the token is in no answer",
        25,
        the_door,
    ),
    Row(
        "Bad inputs tried",
        "requests to the playground that make no sense",
        "answered with 4xx or in words; the server lives, takes at most 512 MiB, answers the next",
        15,
        garbage,
    ),
    Row(
        "Load held",
        "playground with 50 clients that train and ask ten times a second",
        "all are served, every question is answered; the server takes at most 512 MiB",
        90,
        clients,
        ("full",),
    ),
)
