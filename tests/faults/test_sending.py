"""The load itself: what no fault excuses stands in the diary, and whose thread failed does not end well."""

import http.server
import json
import random
import threading
from types import SimpleNamespace

import pytest

from tests.faults import diary
from tests.faults.diary import DONE, WRONG, Follower, Pen, Request
from tests.faults.load import CLIENTS, RESIDENTS_AT_ONCE, Load
from tests.faults.sending import Sender
from tests.faults.shop import Shop
from tests.faults.site import until
from tests.faults.time_outs import TimeOuts

PROBLEM, JSON, HTML = "application/problem+json", "application/json", "text/html"
FAILED = (500, {"Content-Type": PROBLEM}, json.dumps({"type": "internal-error", "status": 500}))
PAGE = (500, {"Content-Type": HTML}, "<h1>Internal Server Error</h1>")
GARBLED = (200, {"Content-Type": JSON}, '{"items": [')
REFUSED = (
    503,
    {"Content-Type": PROBLEM, "Retry-After": "2"},
    json.dumps({"type": "upstream-unavailable", "status": 503, "retry_after": 2}),
)
LIST = (503, REFUSED[1], json.dumps(["upstream-unavailable"]))
GOOD = (200, {"Content-Type": JSON}, "{}")


class StandIn(http.server.ThreadingHTTPServer):
    """Answers in this order, with the last for ever."""

    def __init__(self, *answers):
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers, self.lock = list(answers), threading.Lock()


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            left = self.server.answers
            status, headers, text = left.pop(0) if len(left) > 1 else left[0]
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self):
        self.do_GET()

    def log_message(self, *what):
        pass


@pytest.fixture
def stand_in():
    """stand_in(GOOD, …) → a StandIn at work."""
    made = []

    def start(*answers):
        server = StandIn(*answers)
        made.append((server, threading.Thread(target=server.serve_forever)))
        made[-1][1].start()
        return server

    yield start
    for server, thread in made:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def sender(stand_in, tmp_path):
    """sender(GOOD, …) → a Sender that is answered so."""
    made = []

    def start(*answers):
        port = stand_in(*answers).server_port
        pen, stopping = Pen(tmp_path / "x.jsonl"), threading.Event()
        made.append(Sender(port, name="x", pen=pen, chance=random.Random(1), stopping=stopping, hangs_s=10))
        return made[-1]

    yield start
    for one in made:
        one.hang_up()


def written(tmp_path):
    return [(one.kind, one.state, one.status) for one in diary.read(tmp_path.glob("*.jsonl"))]


def test_who_looks_takes_note_of_what_is_neither_good_nor_a_proper_refusal_and_goes_on(sender, tmp_path):
    looking = sender(FAILED, PAGE, GARBLED, LIST, REFUSED, GOOD)
    assert [looking.look("/tasks", {}) for _ in range(6)] == [500, 500, 200, 503, 503, 200]
    assert written(tmp_path) == [("look", WRONG, status) for status in (500, 500, 200, 503)]


@pytest.mark.parametrize("answer", [FAILED, PAGE, GARBLED])
def test_a_request_whose_answer_cannot_be_read_is_wrong_and_the_next_is_done(sender, tmp_path, answer):
    asking = sender(answer, REFUSED, GOOD)
    asked = [asking.get_done("action", "/actions", {}, who="7", headers=lambda _: {}) for _ in range(2)]
    assert asked == [None, {}]
    assert written(tmp_path) == [("action", WRONG, answer[0]), ("action", DONE, 200)]


def test_what_was_done_is_told_once_by_its_kind_and_a_line_that_is_being_written_later(tmp_path):
    path, follower = tmp_path / "x.jsonl", Follower()
    pen, request = Pen(path), Request("x/1", "page", "lin", "")
    pen.sent(request)
    assert follower.done([path]) == set()
    request.state = DONE
    pen.ended(request)
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    assert follower.done([path]) == set()
    path.write_bytes(whole)
    assert [follower.done([path]) for _ in range(2)] == [{"page"}, set()]


@pytest.fixture
def load(tmp_path):
    """load(server) → the clients of a run at work upon it."""
    made = []

    def start(server):
        site = SimpleNamespace(port=server.server_port, time_outs=TimeOuts.of({}))
        folder = tmp_path / "diaries"
        made.append(Load(site, Shop({}, "key", "secret"), folder=folder, seed=1))
        until(lambda: sum(at_work(path) for path in folder.iterdir()) == CLIENTS, seconds=60)
        return made[-1]

    yield start
    for one in made:
        one.clear()


def at_work(path):
    """Whether so many have been answered as there are residents."""
    return path.read_text().count('"state"') >= RESIDENTS_AT_ONCE


def test_a_client_whose_residents_failed_does_not_end_well(stand_in, load, capfd):
    with pytest.raises(AssertionError, match=r"clients ended with \[1, 1\]"):
        load(stand_in(GOOD)).stop()
    assert "KeyError: 'token'" in capfd.readouterr().err


def test_a_client_that_was_answered_wrongly_goes_on_and_ends_well(stand_in, load, tmp_path):
    load(stand_in(FAILED)).stop()
    states = written(tmp_path / "diaries")
    assert len(states) > 0
    assert set(states) == {("sign-in", WRONG, 500)}
