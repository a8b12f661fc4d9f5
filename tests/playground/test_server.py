"""The server over real sockets: files, messages, what a page may not do, and what garbage does."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.playground.conftest import PATIENCE, Running

from ddasp._errors import InputError
from ddasp.playground.serving.messages import MAX_BYTES, TYPES
from ddasp.playground.serving.routes import LONGEST
from ddasp.playground.serving.server import Server, bound, warning_for

websockets_client = pytest.importorskip("websockets.sync.client")
exceptions = pytest.importorskip("websockets.exceptions")


def test_the_page_and_its_files_come_with_a_tag_and_are_sent_once(playground: Any) -> None:
    status, headers, body = playground.request("GET", "/static/shell/app.js")
    assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert headers["cache-control"] == "no-cache"
    assert body
    again = playground.request("GET", "/static/shell/app.js", **{"If-None-Match": headers["etag"]})
    assert (again[0], again[2]) == (304, b"")
    other = playground.request("GET", "/static/shell/app.js", **{"If-None-Match": '"other"'})
    assert other[0] == 200
    assert playground.request("HEAD", "/")[2] == b""


def test_a_page_hears_everything_it_needs_to_begin(playground: Any) -> None:
    with playground.client("greeting") as page:
        page.until(lambda: page.frames and "stats" in page.newest)
        kinds = [message["type"] for message in page.heard]
        assert kinds[:4] == ["hello", "settings", "data", "history"]
        hello = page.newest["hello"]
        assert hello["session"] == "greeting"
        assert {one["key"] for one in hello["sources"]} == {"toy", "own", "sound"}
        widths = page.newest["settings"]["spec"]["widths"]
        assert page.frames[0].widths == tuple(widths)
        points = page.newest["data"]["points"]
        assert len(points["x"]) == len(points["y"]) == len(points["sets"]) == 500
        assert page.frames[0].generation == page.newest["data"]["generation"]
        assert [one["key"] for one in page.newest["settings"]["inputs"] if one["on"]] == ["x", "y"]


def test_a_page_without_a_name_gets_one(playground: Any) -> None:
    with playground.client("") as page:
        assert re.fullmatch(r"[\w-]{8,}", page.newest["hello"]["session"])
    with playground.client("../../etc/passwd") as page:
        assert re.fullmatch(r"[\w-]{8,}", page.newest["hello"]["session"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON"),
        ("[]", "expected an object"),
        ("null", "expected an object"),
        ('{"type": "fly"}', "expected one of change"),
        ('{"type": ["play"]}', "expected one of"),
        ('{"type": "step"}', "unit is missing"),
        ('{"type": "step", "unit": "week"}', "'week'"),
        ('{"type": "edit", "layer": 1, "j": -1, "value": 1}', "j is -1"),
        ('{"type": "edit", "layer": 1, "j": 0, "value": NaN}', "no JSON"),
        ('{"type": "edit", "layer": 1, "j": 0, "value": 1e400}', "beyond"),
        ('{"type": "edit", "layer": 1, "j": 0, "value": 1' + 400 * "0" + "}", "beyond"),
        ('{"type": "edit", "layer": 1' + 5000 * "0" + "}", "no JSON"),
        ('{"type": "edit", "layer": true, "j": 0, "value": 1}', "layer is True"),
        ('{"type": "change", "set": []}', "set is []"),
        ('{"type": "change", "set": {"speed": "fast"}}', "speed"),
        ('{"type": "change", "set": {"__class__": 1}}', "__class__"),
        ('{"type": "change", "set": {"networkShape": "9"}}', "networkShape"),
        ('{"type": "ask", "id": 1}', "what is missing"),
        ('{"type": "load", "state": {}}', "format is None"),
        ('{"type": "change", "set": ' + 500 * "[" + 500 * "]" + "}", "nested"),
        ("[" * 100_000, "no JSON"),
        ('{"type": "points", "add": [' + 250_000 * "0," + "0]}", "more than 200000 values"),
        ('{"type": "points", "add": [[1, 2]]}', "expected a list of"),
        ('{"type": "watch", "panels": [1]}', "panels"),
        ('{"type": "points", "move": [["a", 1, 2]]}', "expected a list of [index"),
        ('{"type": "points", "add": [["x", 1, 0]]}', "expected a list of [x1"),
        ('{"type": "csv", "text": "a,b,label\\n1,2,\\ud800"}', "half a character"),
        ('{"type": "change", "set": {"\\udfff": 1}}', "half a character"),
        (b"\x00\x01", "came as bytes"),
    ],
)
def test_what_makes_no_sense_is_answered_in_words(playground: Any, text: Any, words: str) -> None:
    with playground.client("words") as page:
        page.newest.pop("error", None)
        page.socket.send(text)
        page.until(lambda: "error" in page.newest)
        error = page.newest["error"]
        assert error["code"].startswith("E-"), error
        assert words in error["message"]
        assert len(error["message"]) < 600
        assert page.ask("address") is not None  # and the session lives


def test_every_message_type_has_a_command() -> None:
    from ddasp.playground.serving.obeying import COMMANDS

    assert set(COMMANDS) | {"ack", "ask"} == set(TYPES)


def test_a_message_above_a_mebibyte_ends_the_connection_and_nothing_else(playground: Any) -> None:
    with playground.client("large") as page:
        # the head of a masked text frame: it is refused by its length alone, so nothing follows
        head = bytes([0x81, 0x80 | 127]) + (MAX_BYTES + 1).to_bytes(8, "big") + bytes(4)
        page.socket.socket.sendall(head)
        with pytest.raises(exceptions.ConnectionClosed) as closed:
            page.listen(PATIENCE)
        assert closed.value.rcvd.code == 1009
    with playground.client("large") as page:
        assert page.ask("address") == ""


def flood(page: Any) -> None:
    for _ in range(40):
        for _ in range(50):
            page.send("ack", frame=0)
        page.listen(0.01)


def test_too_many_messages_end_the_connection_in_words(playground: Any) -> None:
    with playground.client("flood") as page:
        with pytest.raises(exceptions.ConnectionClosed) as closed:
            flood(page)
        assert closed.value.rcvd.code == 4008
        assert "messages a second" in closed.value.rcvd.reason


def test_a_session_opened_elsewhere_lets_the_first_page_go(playground: Any) -> None:
    with playground.client("twice") as first, playground.client("twice") as second:
        with pytest.raises(exceptions.ConnectionClosed) as closed:
            first.listen(PATIENCE)
        assert closed.value.rcvd.code == 4001
        second.send("play")
        second.until(lambda: second.newest["status"]["running"])


ENTRIES = sorted({name for entries in TYPES.values() for name in entries})
words_of_types = st.sampled_from(sorted(TYPES))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda below: (
        st.lists(below, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["set", "unit", "layer", "i", "j", "value", "add", "id", "what", "source"]
            )
            | st.text(max_size=8),
            below,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200)
    | st.text(max_size=200)
    | st.fixed_dictionaries({"type": words_of_types}, optional=dict.fromkeys(ENTRIES, values))
)
def test_garbage_leaves_the_server_alive(playground: Any, garbage: Any) -> None:
    page = opened(playground)
    if isinstance(garbage, dict):
        garbage = json.dumps(garbage)
    elif isinstance(garbage, str):
        garbage = garbage.encode("utf-8", "replace").decode()
    page.socket.send(garbage)
    time.sleep(0.006)  # no more than 200 messages a second
    page.newest.pop("error", None)
    assert page.ask("address") is not None
    assert page.newest.get("error", {"code": "E-"})["code"] != "unexpected", (garbage, page.newest)


pages: dict[int, Any] = {}


def opened(playground: Any) -> Any:
    """One page for all garbage: a new connection for each would test connections."""
    if playground.port not in pages:
        pages[playground.port] = playground.client("garbage").__enter__()
    return pages[playground.port]


def test_garbage_instead_of_http_is_refused(playground: Any) -> None:
    for garbage in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", 70_000 * b"A", b"GET / HTTP/9.9\r\n\r\n",
                    b"GET /" + 20_000 * b"a" + b" HTTP/1.1\r\nHost: x\r\n\r\n"):  # fmt: skip
        with socket.create_connection(("127.0.0.1", playground.port), timeout=10) as wire:
            try:
                wire.sendall(garbage)
                wire.shutdown(socket.SHUT_WR)
                got = wire.recv(100)
            except ConnectionError:
                continue
            assert not got or re.match(rb"HTTP/1\.1 (4\d\d|505)", got), got
    assert playground.request("GET", "/")[0] == 200


def test_a_recording_is_bounded(playground: Any) -> None:
    with playground.client("voice"):
        path = "/recording?session=voice&rate="
        assert playground.request("POST", f"{path}44100", b"")[0] == 422  # no sounds are open
        for rate in (
            "",
            "1",
            "1e9",
            "44100.5",
            "-44100",
            "%D9%A4%D9%A4%D9%A4%D9%A4%D9%A4",
            "1000000",
        ):
            assert playground.request("POST", path + rate, b"")[0] == 422
        long = playground.request("POST", f"{path}8000", bytes(int(LONGEST * 8000) * 4 + 4))
        assert long[0] == 413
        assert "shorter" in json.loads(long[2])["error"]["message"]
        assert playground.request("POST", "/recording?session=nobody&rate=8000", b"")[0] == 404


def test_a_port_that_is_taken_is_said_with_a_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} is taken .* --port"):
            Server(port=port)


@pytest.mark.parametrize("host", ["256.1.1.1", "no such name", "192.0.2.1", "\x00"])
def test_an_address_of_no_machine_is_said(host: str) -> None:
    with pytest.raises(InputError, match=r"expected (a name or )?an address of this machine"):
        bound(host, 0)


def test_only_a_server_that_others_can_reach_warns() -> None:
    assert warning_for(Server(port=0)) == ""
    server = Server("0.0.0.0", 0)
    said = warning_for(server)
    assert "Others in this network" in said
    for name in server.door.hosts:
        assert name in said
    assert server.address.startswith("http://127.0.0.1:")


def test_a_server_that_has_ended_leaves_no_thread_and_no_port() -> None:
    before = set(threading.enumerate())
    server = Server(port=0)
    server.start()
    with Running(server).client("end") as page:
        page.send("play")
        page.until(lambda: len(page.frames) > 3)
        server.stop()
    until = time.monotonic() + PATIENCE
    while set(threading.enumerate()) - before and time.monotonic() < until:
        time.sleep(0.05)
    left = {one.name for one in set(threading.enumerate()) - before}
    assert not {name for name in left if "asyncio" not in name and "websockets" not in name}
    bound("127.0.0.1", server.port).close()


def started(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ddasp", "playground", "--no-browser", *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_command_soon_and_quietly(how: signal.Signals) -> None:
    process = started("--port", "0", "--json")
    try:
        told = json.loads(process.stdout.readline())
        port = int(re.search(r":(\d+)/#token=", told["address"])[1])
        token = told["address"].split("token=")[1]
        with websockets_client.connect(
            f"ws://127.0.0.1:{port}/socket", origin=f"http://127.0.0.1:{port}",
            subprotocols=["ddasp.playground.1", f"token.{token}"],
        ) as wire:  # fmt: skip
            assert json.loads(wire.recv(PATIENCE))["type"] == "hello"
            wire.send('{"type": "play"}')
            time.sleep(0.3)
            process.send_signal(how)
            _, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode, errors) == (0, "")
    finally:
        process.kill()


def test_the_command_says_what_is_wrong_in_its_usual_way(tmp_path: Path) -> None:
    from ddasp.apps.cli import main

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert main(["playground", "--port", str(other.getsockname()[1])]) == 2
    assert main(["playground", str(tmp_path / "nothing")]) == 2
    assert main(["playground", "--port", "70000"]) == 2
    assert main(["playground", "--host", "192.0.2.1", "--port", "0"]) == 2


def test_the_command_warns_when_others_are_let_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ddasp.apps.cli import main

    monkeypatch.setattr(Server, "run", lambda server: server._listener.close())
    words = ["playground", "--no-browser", "--port", "0"]
    assert main([*words, "--host", "0.0.0.0"]) == 0
    said = capsys.readouterr()
    assert "Others in this network can reach this page" in said.err
    assert re.search(r"at http://127\.0\.0\.1:\d+/#token=", said.out)
    assert main(words) == 0
    assert "Others" not in capsys.readouterr().err


def test_help_names_the_verb(capsys: pytest.CaptureFixture[str]) -> None:
    from ddasp.apps.cli import main

    assert main(["--help"]) == 0
    assert "ddasp playground" in capsys.readouterr().out
    assert main(["playground", "--help"]) == 0
    assert "--no-browser" in capsys.readouterr().out
