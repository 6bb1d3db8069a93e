"""The load generator's process: one thread, non-blocking sockets, prebuilt requests, hardly any parsing.

    python -m tests.benchmarks.asking < Job, pickled

writes "ready" when it is connected, begins at the next line that it reads, and writes a Tally, pickled. It
imports nothing of Tanhui, so that it starts fast and shares no cost with what it measures.
"""

import gc
import pickle
import selectors
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator
from itertools import chain, repeat

from tests.benchmarks.load import Job, LoadError, Tally

_SILENCE_S = 30.0
_TICK_S = 0.005
"""A job with a rate looks so often what is due and what has come: else each of its requests would wake it up twice."""
_CHUNK = 1 << 18
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_SHOWN = 2_000
_READ, _READ_AND_WRITE = selectors.EVENT_READ, selectors.EVENT_READ | selectors.EVENT_WRITE


class _Connection:
    """A keep-alive connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_SILENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.began = 0.0
        self.answer = b""
        self.unsent: bytes | memoryview = b""

    def ask(self, request: bytes) -> None:
        self.began = time.perf_counter()
        self.answer = b""
        self.unsent = request
        self.send()

    def send(self) -> None:
        try:
            sent = self.socket.send(self.unsent)
        except BlockingIOError:
            return
        self.unsent = memoryview(self.unsent)[sent:] if sent < len(self.unsent) else b""

    def receive(self) -> bool:
        """Take what has come; whether the answer is complete."""
        came = self.socket.recv(_CHUNK)
        if not came:
            raise LoadError(f"The server closed a connection after {self.answer!r}.")
        self.answer = self.answer + came if self.answer else came
        head = self.answer.find(_HEAD_END)
        return head >= 0 and len(self.answer) >= head + len(_HEAD_END) + _length(self.answer[:head])


def _length(head: bytes) -> int:
    lower = head.lower()
    place = lower.find(_LENGTH)
    if place < 0:
        raise LoadError(f"An answer without a Content-Length: {head!r}")
    return int(lower[place + len(_LENGTH) :].split(b"\r", 1)[0])


class _Asker:
    """Keeps every connection busy until the time or the requests are over."""

    def __init__(self, job: Job) -> None:
        self._expected = b"HTTP/1.1 %d " % job.status
        self._requests: Iterator[bytes] = (
            chain.from_iterable(repeat(job.requests)) if job.repeat else iter(job.requests)
        )
        self._seconds = job.seconds
        self._connections = [_Connection(job.port) for _ in range(job.connections)]
        self._pause = 1 / job.rate if job.rate else 0.0
        self._idle: deque[_Connection] = deque()
        self._selector = selectors.DefaultSelector()
        self._tally = Tally()

    def work(self) -> Tally:
        began, cpu = time.perf_counter(), time.process_time()
        self._deadline, self._due = began + self._seconds, began
        for connection in self._connections:
            self._selector.register(connection.socket, _READ, connection)
            self._next(connection, now=began)
        while self._selector.get_map():
            self._turn()
        self._tally.seconds = time.perf_counter() - began
        self._tally.cpu_seconds = time.process_time() - cpu
        return self._tally

    def _turn(self) -> None:
        if self._pause:
            time.sleep(_TICK_S)
        ready = self._selector.select(0 if self._idle else _SILENCE_S)
        if not ready and not self._idle:
            raise LoadError(f"No answer came within {_SILENCE_S:.0f} s.")
        while self._idle and (now := time.perf_counter()) >= self._due:
            self._next(self._idle.popleft(), now=now)
        for key, _ in ready:
            connection = key.data
            if connection.unsent:
                connection.send()
                if not connection.unsent:
                    self._selector.modify(connection.socket, _READ, connection)
            elif connection.receive():
                self._take(connection)

    def _take(self, connection: _Connection) -> None:
        now = time.perf_counter()
        self._tally.latencies.append(now - connection.began)
        if not connection.answer.startswith(self._expected):
            self._tally.unexpected.append(connection.answer[:_SHOWN])
        self._next(connection, now=now)

    def _next(self, connection: _Connection, *, now: float) -> None:
        if self._pause and now < min(self._due, self._deadline):
            self._idle.append(connection)
            return
        self._due += self._pause
        request = next(self._requests, None) if now < self._deadline else None
        if request is None:
            self._selector.unregister(connection.socket)
            return
        connection.ask(request)
        if connection.unsent:
            self._selector.modify(connection.socket, _READ_AND_WRITE, connection)


def _main() -> None:
    asker = _Asker(pickle.load(sys.stdin.buffer))
    sys.stdout.buffer.write(b"ready\n")
    sys.stdout.buffer.flush()
    sys.stdin.buffer.readline()
    gc.disable()
    pickle.dump(asker.work(), sys.stdout.buffer)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main()
