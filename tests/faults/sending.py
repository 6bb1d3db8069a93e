"""A client that does not give up: the same request again until it is answered, as the mini-program does it.

Only of the standard library, so that a client process starts fast and shares nothing with what it tests.
"""

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults.diary import ABANDONED, DONE, SENT, WRONG, Pen, Request
from tests.faults.refusing import refused_for

SHOWN = 500
"""Of an unreadable answer so many characters stand in the diary."""
PATIENCE_S = 120.0
"""Longer than any recovery may take: a request that has no answer by then hangs."""
ABANDONED_SHARE = 0.1
"""Of requests whose answer was lost: nobody asks again, as when a phone is switched off."""

Headers = Callable[[bytes], Mapping[str, str]]


class Sender:
    """One caller with one connection at a time; whoever is not answered within `hangs_s` was answered wrongly."""

    def __init__(
        self, port: int, *, name: str, pen: Pen, chance: random.Random, stopping: threading.Event, hangs_s: float
    ) -> None:
        self._port = port
        self._hangs_s = hangs_s
        self._name = name
        self._pen = pen
        self._chance = chance
        self._stopping = stopping
        self._count = 0
        self._connection: http.client.HTTPConnection | None = None

    def get_done(
        self, kind: str, path: str, body: Any, *, who: str, headers: Headers, key: str = "", about: Any = None
    ) -> Any:
        """The answer's body, or None where the request was abandoned, or answered wrongly."""
        self._count += 1
        request = Request(f"{self._name}/{self._count}", kind, who, key, about)
        self._pen.sent(request)
        plain = json.dumps(body).encode()
        deadline = time.monotonic() + PATIENCE_S
        pause = 0.05
        while not self._try(request, path, plain, headers):
            if time.monotonic() > deadline:
                request.state = WRONG
                break
            time.sleep(pause * (0.5 + self._chance.random()))
            pause = min(pause * 2, 0.5)
        self._pen.ended(request)
        return request.body if request.state == DONE else None

    def look(self, path: str, headers: Mapping[str, str]) -> int:
        """The status of a GET, 0 if no answer came; in the diary stands only what is wrong: what is neither good nor a
        proper refusal, or hangs.
        """
        try:
            given = self._exchange("GET", path, None, headers)
        except (OSError, http.client.HTTPException) as error:
            self.hang_up()
            if isinstance(error, TimeoutError):
                self._was_wrong(path, troubles=["TimeoutError"])
            return 0
        if not given.good and not refused_for(given.status, given.headers, given.body):
            self._was_wrong(path, status=given.status, body=given.body)
        return given.status

    def pause(self, seconds: float) -> None:
        """Think."""
        self._stopping.wait(seconds * self._chance.random())

    def _was_wrong(self, path: str, **found: Any) -> None:
        self._count += 1
        request = Request(f"{self._name}/{self._count}", "look", self._name, "", path, state=WRONG, **found)
        self._pen.sent(request)
        self._pen.ended(request)

    def _try(self, request: Request, path: str, body: bytes, headers: Headers) -> bool:
        """Ask once; whether it is known what became of it."""
        request.tries += 1
        try:
            given = self._exchange("POST", path, body, headers(body))
        except (OSError, http.client.HTTPException) as error:
            self.hang_up()
            request.troubles.append(type(error).__name__)
            request.state = self._without_answer(error)
            return request.state != SENT
        if refused_for(given.status, given.headers, given.body) or _is_in_flight(given):
            request.troubles.append(str(given.status))
            return False
        request.status, request.body = given.status, given.body
        request.replayed = given.headers.get("Idempotent-Replayed") == "true"
        request.state = DONE if given.good else WRONG
        return True

    def _without_answer(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return WRONG
        # A refused connection has sent nothing, and tells nothing of a lost answer.
        lost = not isinstance(error, ConnectionRefusedError)
        return ABANDONED if lost and self._chance.random() < ABANDONED_SHARE else SENT

    def _exchange(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> "_Given":
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._hangs_s)
        self._connection.request(method, f"/api/v1{path}", body, {"Content-Type": "application/json", **headers})
        response = self._connection.getresponse()
        text = response.read()
        return _Given(response.status, response.headers, _read(text))

    def hang_up(self) -> None:
        """Close the connection, if there is one; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass(frozen=True)
class _Given:
    status: int
    headers: Mapping[str, str]
    body: Any
    """What the JSON says; the beginning of the text where it is none."""

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300 and isinstance(self.body, dict)


def _read(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text[:SHOWN].decode(errors="replace")


def _is_in_flight(given: _Given) -> bool:
    return given.status == 409 and isinstance(given.body, dict) and given.body.get("type") == "idempotency-in-flight"
