"""Who is let in: the whole table, against a real server on a real port."""

from __future__ import annotations

import itertools
import socket
from typing import Any

import pytest
from tests.playground.door_table import (
    CREDENTIALS,
    HOSTS,
    ORIGINS,
    PLACES,
    answer_to,
    expected,
)

from ddasp.playground.serving.guarding import Door, door_for, is_loopback, verdict


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("host", HOSTS)
def test_every_row_of_the_table_gets_its_answer(playground: Any, place: str, host: str) -> None:
    wrong = {}
    for origin, credential in itertools.product(ORIGINS, CREDENTIALS):
        got = answer_to(playground, place, host, origin, credential)
        status = int(got.split(b" ", 2)[1]) if got.startswith(b"HTTP/1.1 ") else 0
        if status != expected(place, host, origin, credential):
            wrong[origin, credential] = (status, expected(place, host, origin, credential))
        elif (
            status in (401, 403, 404) and b"content-security-policy: default-src 'self'" not in got
        ):
            wrong[origin, credential] = "an answer without the headers"
    assert not wrong


def test_the_table_holds_every_kind_of_answer() -> None:
    rows = itertools.product(PLACES, HOSTS, ORIGINS, CREDENTIALS)
    assert {expected(*row) for row in rows} == {101, 200, 400, 401, 403, 404}


@pytest.mark.parametrize(
    "path", ["/", "/static/shell/app.js", "/sound/s0001.wav", "/recording", "/socket"]
)
@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"]
)
def test_a_path_has_its_methods_and_no_others(playground: Any, path: str, method: str) -> None:
    allowed = {"/recording": {"POST"}, "/sound/s0001.wav": {"GET"}, "/socket": set()}.get(
        path, {"GET", "HEAD"}
    )
    status, _, _ = playground.request(method, path)
    if path == "/socket":
        assert status == 404  # a socket is no page
    elif method in allowed:
        assert status in (200, 404)
    else:
        assert status == 405


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py", "/static/%2e%2e/server.py", "/static/..%2fserver.py", "/static//etc/passwd",
        "/static/%2fetc%2fpasswd", "/static/", "/static", "/sound/", "/sound/../../x", "/sound/a/b",
        "/index.html", "/docs", "/openapi.json", "//", "/static/shell/app.js%00.css", "/recording/",
        "/server.py",
    ],
)  # fmt: skip
def test_nothing_else_is_there(playground: Any, path: str) -> None:
    assert playground.request("GET", path)[0] in (404, 405)


def test_every_answer_has_the_headers_that_bound_the_page(playground: Any) -> None:
    status, headers, _ = playground.request("GET", "/")
    assert status == 200
    policy = headers["content-security-policy"]
    for part in (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ):
        assert part in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "microphone=(self)" in headers["permissions-policy"]
    assert "server" not in headers
    assert not [name for name in headers if name.startswith("access-control")]


def test_the_token_is_in_no_answer(playground: Any) -> None:
    for path in ("/", "/static/shell/app.js", "/sound/x"):
        status, headers, body = playground.request("GET", path)
        assert playground.token not in f"{status}{headers}{body!r}"


def test_a_door_knows_the_names_it_was_bound_to() -> None:
    door = door_for("192.168.1.7", 80, "t")
    assert {"192.168.1.7", "192.168.1.7:80", "localhost"} <= door.hosts
    assert "http://192.168.1.7" in door.origins
    assert "http://192.168.1.7:80" not in door.origins  # browsers leave it out
    assert door_for("::1", 8765, "t").hosts >= {"[::1]:8765"}
    everywhere = door_for("0.0.0.0", 8765, "t")
    assert "0.0.0.0:8765" not in everywhere.hosts
    assert f"{socket.gethostname().lower()}:8765" in everywhere.hosts


@pytest.mark.parametrize("host", ["10.0.0.1", "example.org", "::", "", "fe80::1", "128.0.0.1"])
def test_what_others_can_reach_is_no_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_a_token_outside_ascii_is_wrong_and_no_fault() -> None:
    door = Door("sécret", frozenset({"h"}), frozenset({"http://h"}))
    scope = {
        "type": "http", "method": "GET", "path": "/sound/x",
        "headers": [(b"host", b"h"), (b"authorization", b"Bearer \xff\xfe")],
    }  # fmt: skip
    assert verdict(door, scope)[0] == 403
    scope["headers"][1] = (b"authorization", "Bearer sécret".encode())
    assert verdict(door, scope)[0] == 0
