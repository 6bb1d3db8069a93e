"""Residents who sign in, act, catch up, read, redeem and change their minds, and a partner who reports.

They come one after the other in each of a few threads. Every request has one answer that is right: whoever comes is
new, so nothing depends on what was before.
"""

import json
import secrets
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from itertools import count
from threading import Condition, Thread

from backend.partners import auth, proofs

TIME_OUT_S = 15
"""Longer than the product lets any request take (README, time-outs): what takes longer has failed."""
READ = ("/me", "/me/wallet", "/me/wallet/entries", "/tasks", "/actions", "/rewards", "/leaderboards/points/week")
RIDES = 5
DAYS = 3
"""That a resident was offline for."""


class Traffic:
    """Threads of requests, what failed, and how many lives each has finished."""

    def __init__(self, port, *, partner, secret, key, donation_id, pickup_id, threads, name):
        self.failures = []
        self.requests = 0
        self.slowest_s = 0.0
        self._port, self._partner, self._secret, self._key = port, partner, secret, key
        self._donation_id, self._pickup_id = donation_id, pickup_id
        self._name = name
        self._changed = Condition()
        self._lives = [0] * threads
        self._names = count()
        self._stop = False
        self._threads = [Thread(target=self._run, args=(number,), daemon=True) for number in range(threads)]

    @contextmanager
    def going(self):
        """Requests inside the block."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop = True
            for thread in self._threads:
                thread.join(TIME_OUT_S * 4)

    def one_more_life_each(self):
        """Wait until every thread has lived a whole life that began after this call."""
        with self._changed:
            wanted = [lives + 2 for lives in self._lives]
            done = self._changed.wait_for(
                lambda: self.failures or all(have >= want for have, want in zip(self._lives, wanted, strict=True)),
                timeout=TIME_OUT_S * 20,
            )
        assert done, "the requests have stopped"

    def _run(self, number):
        while not self._stop and not self.failures:
            try:
                self._live(f"{self._name}-{next(self._names)}")
            except Exception as error:  # noqa: BLE001  whatever it is, the test tells it
                self.failures.append(repr(error))
            with self._changed:
                self._lives[number] += 1
                self._changed.notify_all()

    def _live(self, name):
        connection = HTTPConnection("127.0.0.1", self._port, timeout=TIME_OUT_S)
        try:
            token = self._ask(connection, "POST", "/auth/wechat", {"code": f"dev-{name}"})["token"]
            mine = {"Authorization": f"Bearer {token}"}
            self._ask(
                connection, "POST", "/actions", {"task": "own_bag", "occurred_at": ago(minutes=1)}, mine, want=201
            )
            self._catch_up(connection, mine)
            proof = proofs.prove(name, secret=self._secret, expires=int(time.time()) + 300)
            wanted = {"partner": self._partner, "subject": name, "proof": proof}
            self._ask(connection, "POST", "/me/bindings", wanted, mine, want=201)
            self._report(connection, name)
            for path in READ:
                self._ask(connection, "GET", path, None, mine)
            self._redeem(connection, self._donation_id, mine)
            self._change_mind(connection, mine)
        finally:
            connection.close()

    def _catch_up(self, connection, mine):
        actions = [
            {"task": "e_office", "occurred_at": ago(days=day), "client_reference": f"offline-{day}"}
            for day in range(1, DAYS + 1)
        ]
        told = self._ask(connection, "POST", "/actions/batch", {"actions": actions}, mine)
        assert [result["status"] for result in told["results"]] == ["credited"] * DAYS, told

    def _redeem(self, connection, reward_id, mine):
        wanted = {"reward_id": reward_id, "quantity": 1}
        redemption = self._ask(connection, "POST", "/redemptions", wanted, mine, want=201)
        self._ask(connection, "GET", f"/redemptions/{redemption['id']}", None, mine)
        return redemption

    def _change_mind(self, connection, mine):
        before = self._ask(connection, "GET", "/me/wallet", None, mine)["balance"]
        redemption = self._redeem(connection, self._pickup_id, mine)
        told = self._ask(connection, "POST", f"/redemptions/{redemption['id']}/cancel", {}, mine)
        assert told["status"] == "cancelled", told
        after = self._ask(connection, "GET", "/me/wallet", None, mine)["balance"]
        assert after == before, (before, after)

    def _report(self, connection, name):
        events = [
            {
                "external_id": f"{name}-{ride}",
                "subject": name,
                "task": "bike_ride",
                "started_at": ago(hours=30 + 2 * ride),
                "ended_at": ago(hours=30 + 2 * ride, minutes=-15),
                "activity": {"quantity": 2000, "unit": "m"},
            }
            for ride in range(RIDES)
        ]
        body = json.dumps({"events": events}).encode()
        timestamp, nonce = str(int(time.time())), secrets.token_hex(8)
        signature = auth.sign(body, secret=self._secret, timestamp=timestamp, nonce=nonce)
        headers = dict(
            zip(
                ("X-Partner-Key", "X-Timestamp", "X-Nonce", "X-Signature"),
                (self._key, timestamp, nonce, signature),
                strict=True,
            )
        )
        told = self._ask(connection, "POST", "/partner/events", body, headers)
        assert told["credited"] + told["capped"] == RIDES, told

    def _ask(self, connection, method, path, body, headers=None, *, want=200):
        began = time.monotonic()
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(8), **(headers or {})}
        connection.request(method, f"/api/v1{path}", body=data, headers=headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == want, f"{method} {path}: {answer.status} {text.decode()}"
        self.requests += 1
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        return json.loads(text)


def ago(**span):
    return (datetime.now(UTC) - timedelta(**span)).isoformat()
