"""A real playground server for the tests of a module, and a page without a browser."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("uvicorn")
client_of = pytest.importorskip("websockets.sync.client")

from ddasp.playground.serving.guarding import SUBPROTOCOL  # noqa: E402
from ddasp.playground.serving.server import Server  # noqa: E402
from ddasp.playground.training.frames import Frame, decode  # noqa: E402

PATIENCE = 120.0  # s: other tests use this machine too


class Page:
    """What a page does, without a browser: one socket, and the newest of everything it heard."""

    def __init__(self, server: Server, session: str = "", *, acknowledges: bool = True) -> None:
        self.acknowledges = acknowledges
        self.newest: dict[str, Any] = {}
        self.frames: list[Frame] = []
        self.heard: list[dict[str, Any]] = []
        self._asked = 0
        self._connection = client_of.connect(
            f"ws://127.0.0.1:{server.port}/socket?session={session}",
            origin=f"http://127.0.0.1:{server.port}",
            subprotocols=[SUBPROTOCOL, f"token.{server.token}"],
            max_size=None,
            compression=None,
        )
        self.socket = self._connection.__enter__()

    def __enter__(self) -> Page:
        self.until(lambda: {"hello", "settings", "data", "history", "status"} <= set(self.newest))
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.__exit__(None, None, None)

    def send(self, kind: str, **more: Any) -> None:
        """One message to the server."""
        self.socket.send(json.dumps({"type": kind, **more}))

    def hear(self, timeout: float = PATIENCE) -> None:
        """Take in one message of the server."""
        got = self.socket.recv(timeout)
        if isinstance(got, bytes):
            self.frames.append(decode(got))
            if self.acknowledges:
                self.send("ack", frame=self.frames[-1].number)
            return
        message = json.loads(got)
        self.newest[message["type"]] = message
        self.heard.append(message)

    def until(self, holds: Callable[[], bool], timeout: float = PATIENCE) -> None:
        """Listen until something holds."""
        end = time.monotonic() + timeout
        while not holds():
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"heard {[m['type'] for m in self.heard]} only")
            self.hear(left)

    def listen(self, seconds: float) -> None:
        """Take in what comes during some time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                self.hear(left)
            except TimeoutError:
                return

    def ask(self, what: str, **more: Any) -> Any:
        """A question, and its answer; an error as {"error": ...}."""
        self._asked += 1
        self.newest.pop("answer", None)
        self.send("ask", id=self._asked, what=what, **more)
        self.until(lambda: self.newest.get("answer", {}).get("id") == self._asked)
        answer = self.newest["answer"]
        return answer["value"] if "value" in answer else {"error": answer["error"]}


class Running:
    """A server under test.

    Attributes: ``address`` (with the token), ``origin``, ``token``, ``port``, ``server``.
    """

    def __init__(self, server: Server) -> None:
        self.server, self.port, self.token = server, server.port, server.token
        self.address, self.origin = server.address, server.origin

    def client(self, session: str = "", **more: Any) -> Page:
        """A page without a browser; to be used in a `with`."""
        return Page(self.server, session, **more)

    def request(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """One request with the token: status, headers (lower case) and body."""
        given = {"Authorization": f"Bearer {self.token}", "Origin": self.origin, **headers}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, given)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return response.status, found, response.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def playground() -> Iterator[Running]:
    """A server on a free port, in a thread."""
    server = Server(port=0)
    server.start()
    yield Running(server)
    server.stop()


class Sheet:
    """The page in a browser, and everything that went wrong in it."""

    def __init__(self, page: Any, playground: Running) -> None:
        self.page, self.playground = page, playground
        self.faults: list[str] = []
        self.foreign: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on(
            "console",
            lambda said: self.faults.append(said.text) if said.type == "error" else None,
        )
        page.route("**/*", self._let_in)
        page.set_default_timeout(PATIENCE * 1000)
        page.wait_for_function = self._until

    def _until(self, holds: str | Callable[[], bool], *, arg: Any = None) -> None:
        """Playwright's own polling evaluates text in the page, which the page's policy forbids."""
        end = time.monotonic() + PATIENCE
        while not (holds() if callable(holds) else self.page.evaluate(holds, arg)):
            if time.monotonic() > end:
                raise TimeoutError(f"{holds} with {arg!r}")
            self.page.wait_for_timeout(30)

    def _let_in(self, route: Any) -> None:
        url = route.request.url
        if url.startswith((self.playground.origin, "blob:", "data:")):
            route.continue_()
        else:
            self.foreign.append(url)
            route.abort()

    def open(self, settings: str = "") -> Any:
        """The page, with these settings behind the token, once it has drawn a frame."""
        self.page.goto(self.playground.address + (f"&{settings}" if settings else ""))
        self.page.wait_for_function("window.ddasp?.frames > 0")
        return self.page


@pytest.fixture
def sheet(browser: Any, playground: Running) -> Iterator[Sheet]:
    """A fresh browser window; no request leaves this machine and nothing fails unseen."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    made = Sheet(context.new_page(), playground)
    yield made
    context.close()
    assert made.foreign == []
    assert made.faults == []
