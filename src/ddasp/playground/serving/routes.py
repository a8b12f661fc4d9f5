"""What the server answers: the files of the page, the socket of each page, sounds and recordings.

Everything a page says and hears goes through one socket (`session`); HTTP carries what browsers fetch by
themselves. Who may speak at all was decided before, in `guarding`. Nothing that a page sends is ever a
path: files of the page and sounds are looked up by name in what is there.

The socket is closed with a code and words: 4001 opened in another place, 4003 too many pages, 4008 too
many messages, 4013 the page left too much unread; 1009 a message above 1 MiB.

*Conventions*: errors of HTTP are JSON, ``{"error": {"code", "message"}}``. Recordings are float32, little
endian, one channel.

*References*: RFC 6455 (WebSocket); RFC 9110 and RFC 9111 (HTTP, caching).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ddasp._errors import DdaspError, InputError
from ddasp.playground.serving.guarding import SUBPROTOCOL
from ddasp.playground.serving.hearing import record
from ddasp.playground.serving.hearing import sound as sound_of
from ddasp.playground.serving.messages import Bucket, parse
from ddasp.playground.serving.outbox import Outbox, to_text
from ddasp.playground.serving.sessions import Sessions

__all__ = ["LONGEST", "Files", "application"]

STATIC = Path(__file__).parents[1] / "static"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
RATE, STOCK = 200, 400  # messages of a page per second, and at once
LONGEST, RATES = 10.0, (8000, 192_000)  # of a recording: seconds, and its sampling rate [Hz]
PATIENCE = 15.0  # s for a recording to arrive
SWEEP = 60.0  # s between two looks for sessions that nobody has


def _error(status: int, code: str, message: str) -> Response:
    """An answer in words."""
    return _json({"error": {"code": code, "message": message}}, status)


def _json(value: Any, status: int = 200) -> Response:
    return Response(
        to_text(value), status, {"cache-control": "no-store"}, media_type="application/json"
    )


class Files:
    """The files of the page, by name; read again when they changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paths: dict[str, Path] = {}
        self._kept: dict[str, tuple[tuple[int, int], bytes, str]] = {}

    def names(self) -> dict[str, Path]:
        """What there is: a request is looked up here and never made into a path."""
        found = (path for path in self.folder.rglob("*") if path.suffix in KINDS and path.is_file())
        return {path.relative_to(self.folder).as_posix(): path for path in found}

    def answer(self, name: str, request: Request) -> Response:
        """One file, or word that it has not changed."""
        path = self._paths.get(name)
        if path is None or not path.is_file():
            self._paths = self.names()
            path = self._paths.get(name)
        if path is None:
            return _error(404, "E-ARGUMENT", "the page has no file of this name")
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        if name not in self._kept or self._kept[name][0] != stamp:
            content = path.read_bytes()
            self._kept[name] = (stamp, content, f'"{hashlib.sha256(content).hexdigest()[:20]}"')
        _, content, tag = self._kept[name]
        headers = {"cache-control": "no-cache", "etag": tag}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=KINDS[path.suffix])


def application(sessions: Sessions, *, files: Files | None = None) -> Starlette:
    """The routes behind the guard.

    Parameters
    ----------
    sessions : Sessions
    files : Files, optional
    """
    files = files or Files(STATIC)

    async def page(request: Request) -> Response:
        return files.answer("index.html", request)

    async def static(request: Request) -> Response:
        return files.answer(request.path_params["name"], request)

    async def sound(request: Request) -> Response:
        session = sessions.find(request.query_params.get("session", ""))
        key = str(request.path_params["name"]).removesuffix(".wav")
        if session is None:
            return _error(404, "E-ARGUMENT", "there is no such session; reload the page")
        try:
            content = await asyncio.to_thread(sound_of, session, key)
        except KeyError:
            return _error(404, "E-ARGUMENT", "there is no sound of this name")
        except DdaspError as error:
            return _error(422, error.code, error.message)
        return Response(content, headers={"cache-control": "no-store"}, media_type="audio/wav")

    async def recording(request: Request) -> Response:
        session = sessions.find(request.query_params.get("session", ""))
        if session is None:
            return _error(404, "E-ARGUMENT", "there is no such session; reload the page")
        try:
            rate = _rate_of(request.query_params.get("rate", ""))
            body = await asyncio.wait_for(_body(request, int(LONGEST * rate) * 4), PATIENCE)
            found = await asyncio.wrap_future(record(session, body, rate))
        except TimeoutError:
            return _error(408, "E-ARGUMENT", f"the recording did not arrive within {PATIENCE:g} s")
        except ClientDisconnect:
            return Response(status_code=400)
        except DdaspError as error:
            return _error(
                413 if error.code == "E-AUDIO-TOOLONG" else 422, error.code, error.message
            )
        return _json(found)

    async def talk(websocket: WebSocket) -> None:
        await _talk(websocket, sessions)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(_sweep(sessions))
        try:
            yield
        finally:
            sweeping.cancel()
            sessions.close()

    return Starlette(
        routes=[
            Route("/", page),
            Route("/static/{name:path}", static),
            Route("/sound/{name}", sound),
            Route("/recording", recording, methods=["POST"]),
            WebSocketRoute("/socket", talk),
        ],
        lifespan=lifespan,
    )


async def _sweep(sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(SWEEP)
        sessions.sweep()


def _rate_of(text: str) -> int:
    if not re.fullmatch(r"\d{4,6}", text) or not RATES[0] <= int(text) <= RATES[1]:
        raise InputError(
            "E-ARGUMENT", f"rate is {text[:20]!r}; expected Hz, {RATES[0]} to {RATES[1]}"
        )
    return int(text)


async def _body(request: Request, most: int) -> bytes:
    """A request's body, given up as soon as it is longer than allowed."""
    parts, n_bytes = [], 0
    async for part in request.stream():
        n_bytes += len(part)
        if n_bytes > most:
            raise InputError(
                "E-AUDIO-TOOLONG",
                f"the recording is longer than {LONGEST:g} s; record a shorter one",
            )
        parts.append(part)
    return b"".join(parts)


async def _talk(websocket: WebSocket, sessions: Sessions) -> None:
    """One page, from its greeting until it leaves or is let go."""
    await websocket.accept(subprotocol=SUBPROTOCOL)
    # not before: a page that is gone by now would keep its session for ever
    session = sessions.open(websocket.query_params.get("session", ""))
    if session is None:
        await websocket.close(4003, "too many pages are open; close one and reload this one")
        return
    outbox, ready = Outbox.of_loop()
    session.attach(outbox)
    sending = asyncio.create_task(_send_all(websocket, outbox, ready))
    receiving = asyncio.create_task(_receive_all(websocket, outbox, session.tell))
    try:
        done, _ = await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
            code, why = next(iter(done)).result()
            if code:
                await websocket.close(code, why)
    finally:
        session.detach(outbox)
        for task in (sending, receiving):
            task.cancel()
        await asyncio.gather(sending, receiving, return_exceptions=True)


async def _send_all(websocket: WebSocket, outbox: Outbox, ready: asyncio.Event) -> tuple[int, str]:
    while True:
        await ready.wait()
        ready.clear()
        for payload in outbox.take():
            if isinstance(payload, str):
                await websocket.send_text(payload)
            else:
                await websocket.send_bytes(payload)
        if outbox.closing:
            return 4001, outbox.closing
        if outbox.overflowed:
            return 4013, "this page left too many answers unread"


async def _receive_all(
    websocket: WebSocket, outbox: Outbox, tell: Callable[[dict[str, Any]], None]
) -> tuple[int, str]:
    bucket = Bucket(RATE, STOCK)
    while True:
        event = await websocket.receive()
        if event["type"] == "websocket.disconnect":
            return 0, ""
        if not bucket.take():
            return 4008, f"more than {RATE} messages a second; reload the page"
        text = event.get("text")
        try:
            tell(parse(event.get("bytes", b"") if text is None else text))
        except InputError as error:
            said = {"type": "error", "code": error.code, "message": error.message}
            outbox.put("error", to_text(said))
