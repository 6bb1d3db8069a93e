"""A client that does not give up: the same request again until it is answered, as the mini-program does it.

Only of the standard library, so that a client process starts fast and shares nothing with what it tests.
"""

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.faults.diary import ABANDONED, DONE, WRONG, Pen, Request

PATIENCE_S = 120.0
"""Longer than any recovery may take: a request that has no answer by then hangs."""
TIMEOUT_S = 30.0
ABANDONED_SHARE = 0.1
"""Of requests whose answer was lost: nobody asks again, as when a phone is switched off."""

Headers = Callable[[bytes], Mapping[str, str]]


class Sender:
    """One caller with one connection at a time."""

    def __init__(self, port: int, *, name: str, pen: Pen, chance: random.Random, stopping: threading.Event) -> None:
        self._port = port
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
        """The status of a GET, 0 if no answer came: reading is not accounted for, only part of the load."""
        try:
            return self._exchange("GET", path, None, headers)[0]
        except (OSError, http.client.HTTPException):
            self.hang_up()
            return 0

    def pause(self, seconds: float) -> None:
        """Think."""
        self._stopping.wait(seconds * self._chance.random())

    def _try(self, request: Request, path: str, body: bytes, headers: Headers) -> bool:
        """Ask once; whether it is known what became of it."""
        request.tries += 1
        try:
            status, replayed, answer = self._exchange("POST", path, body, headers(body))
        except (OSError, http.client.HTTPException) as error:
            self.hang_up()
            request.troubles.append(type(error).__name__)
            # A refused connection has sent nothing, and tells nothing of a lost answer.
            if not isinstance(error, ConnectionRefusedError) and self._chance.random() < ABANDONED_SHARE:
                request.state = ABANDONED
            return request.state == ABANDONED
        if status == 503 or (status == 409 and answer.get("type") == "idempotency-in-flight"):
            request.troubles.append(str(status))
            return False
        request.status, request.replayed, request.body = status, replayed, answer
        request.state = DONE if 200 <= status < 300 else WRONG
        return True

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bool, Any]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        self._connection.request(method, f"/api/v1{path}", body, {"Content-Type": "application/json", **headers})
        response = self._connection.getresponse()
        text = response.read()
        return response.status, response.headers.get("Idempotent-Replayed") == "true", json.loads(text)

    def hang_up(self) -> None:
        """Close the connection, if there is one; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
