"""An answer goes out in one packet, whatever it is made of, and is the same."""

import os
import socket
import struct
import sys

import pytest

from tests.benchmarks.web_server import serving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts a connection's packets")
_TCP_INFO_BYTES, _DATA_PACKETS_IN = 192, 152
"""Of Linux's struct tcp_info: how much of it, and where the packets with data are counted that have come in."""
APPLICATION = """
from flask import Flask, Response, request, send_file
app = Flask("answering")
LONG = b"x" * 40_000

def pieces():
    yield b"first"
    yield b"second"

def broken():
    yield b"first"
    raise RuntimeError("meant by the test")

ANSWERS = {
    "/body": lambda: Response(b"body"),
    "/nothing": lambda: Response(status=204),
    "/empty": lambda: Response(b""),
    "/long": lambda: Response(LONG),
    "/pieces": lambda: Response(pieces()),
    "/file": lambda: send_file(__file__, mimetype="text/plain"),
    "/broken": lambda: Response(broken()),
    "/echo": lambda: Response(request.get_data()),
}
for path, made in ANSWERS.items():
    app.add_url_rule(path, endpoint=path, view_func=made, methods=["GET", "POST"])
"""


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one-packet")
    (folder / "answering.py").write_text(APPLICATION)
    told = {**os.environ, "TANHUI_VAR": str(folder), "WEB_WORKERS": "1", "PYTHONPATH": str(folder)}
    with serving("answering:app", environment=told, log=folder / "web.log") as started:
        yield started


@pytest.fixture
def connection(web):
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as opened:
        yield opened


def ask(connection, path, *, method="GET"):
    connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def answer(connection, *, ends_with):
    received = b""
    while not received.endswith(ends_with):
        more = connection.recv(65_536)
        assert more, received
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def packets(connection):
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    return struct.unpack_from("I", info, _DATA_PACKETS_IN)[0]


@pytest.mark.parametrize(
    ("path", "method", "told", "in_packets"),
    [
        ("/body", "GET", (200, b"body"), 1),
        ("/body", "HEAD", (200, b""), 1),
        ("/nothing", "GET", (204, b""), 1),
        ("/empty", "GET", (200, b""), 1),
        ("/missing", "HEAD", (404, b""), 1),
        ("/pieces", "GET", (200, b"5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n"), 3),
    ],
)
def test_head_and_body_come_together_time_after_time(connection, path, method, told, in_packets):
    for times in (1, 2, 3):
        ask(connection, path, method=method)
        assert answer(connection, ends_with=told[1] or b"\r\n\r\n") == told
        assert packets(connection) == times * in_packets


def test_what_is_long_or_a_file_is_whole_and_the_next_answer_too(connection):
    ask(connection, "/long")
    assert answer(connection, ends_with=b"x" * 40_000) == (200, b"x" * 40_000)
    ask(connection, "/file")
    assert answer(connection, ends_with=APPLICATION.encode()[-30:]) == (200, APPLICATION.encode())
    ask(connection, "/body")
    assert answer(connection, ends_with=b"body") == (200, b"body")


def test_whoever_waits_to_be_told_to_go_on_is_told_before_its_answer(connection):
    connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert answer(connection, ends_with=b"\r\n\r\n") == (100, b"")
    connection.sendall(b"hi")
    assert answer(connection, ends_with=b"hi") == (200, b"hi")


def test_an_answer_that_breaks_off_has_begun_and_ends_with_its_connection(web, connection):
    ask(connection, "/broken")
    assert answer(connection, ends_with=b"first\r\n") == (200, b"5\r\nfirst\r\n")
    assert connection.recv(65_536) == b""
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as another:
        ask(another, "/body")
        assert answer(another, ends_with=b"body") == (200, b"body")
