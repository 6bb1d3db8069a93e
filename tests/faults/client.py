"""A client process: residents who do everything that can be done, and a partner that reports on the same residents.

    python -m tests.faults.client < Job as JSON

goes on until SIGTERM, finishes what it is at, and ends with 0; with 1 if one of its threads failed before.
"""

import base64
import hmac
import json
import queue
import random
import secrets
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.faults.diary import Pen
from tests.faults.sending import Sender

KINDS = ("sign-in", "binding", "action", "batch", "page", "redemption", "cancel")
"""All that is sent, by its name in the diary."""
THINKING_S = 0.2
SINGLE = ("clean_plate", "green_quiz", "own_cup")
BATCHED = ("own_bag", "e_office", "double_sided")
DAYS = 5
RIDE_M, RIDE_MINUTES = 2_000, 15
REPORTED_TOGETHER = 4
"""Of so many residents a page of the partner tells at once."""


@dataclass(frozen=True)
class Job:
    """What a client process is told."""

    name: str
    port: int
    diary: str
    seed: int
    residents_at_once: int
    partner_key: str
    partner_secret: str
    rewards: Mapping[str, int]
    """Kind → id."""
    hangs_s: float
    """Whoever is not answered within so long was answered wrongly."""


class Partner:
    """Reports the rides of those who are in its queue, and of those who will bind later."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.bound: queue.Queue[str] = queue.Queue()

    def headers(self, body: bytes) -> dict[str, str]:
        """A new time, nonce and signature for each try."""
        timestamp, nonce = str(int(time.time())), secrets.token_hex(12)
        signature = _hmac(self._job.partner_secret, f"{timestamp}\n{nonce}\n{sha256(body).hexdigest()}")
        return {
            "X-Partner-Key": self._job.partner_key,
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Signature": signature,
        }

    def prove(self, subject: str) -> str:
        """That its bearer is this subject."""
        expires = int(time.time()) + 500
        message = f"bind\n{subject}\n{expires}"
        return f"{expires}.{_hmac(self._job.partner_secret, message)}"

    def report(self, sender: Sender, stopping: threading.Event) -> None:
        """Send page after page until there is nobody left to come."""
        while not (stopping.is_set() and self.bound.empty()):
            subjects = [name for _ in range(REPORTED_TOGETHER) if (name := self._next())]
            if subjects:
                events = [ride for subject in subjects for ride in rides(subject)]
                about = [event["external_id"] for event in events]
                sender.get_done(
                    "page", "/partner/events", {"events": events}, who=subjects[0], headers=self.headers, about=about
                )

    def _next(self) -> str | None:
        try:
            return self.bound.get(timeout=0.2)
        except queue.Empty:
            return None


class Life:
    """One resident from the first sign-in on."""

    def __init__(self, name: str, *, sender: Sender, partner: Partner, job: Job) -> None:
        self._name = name
        self._sender = sender
        self._partner = partner
        self._rewards = job.rewards
        self._token = self._number = ""

    def live(self, stopping: threading.Event) -> None:
        """All of it, one step after the other, as far as there is time."""
        steps = [self._sign_in, self._bind, *[self._act] * 4, self._catch_up, self._look, self._redeem, self._bind_late]
        for place, step in enumerate(steps):
            if stopping.is_set() or not step(place):
                return
            self._sender.pause(THINKING_S)

    def _sign_in(self, place: int) -> bool:
        body = {"code": f"dev-{self._name}"}
        answer = self._sender.get_done("sign-in", "/auth/wechat", body, who=self._name, headers=lambda _: {})
        if answer is None:
            return False
        self._token = answer["token"]
        self._number = resident_of(self._token)
        return True

    def _bind(self, place: int, subject: str = "") -> bool:
        subject = subject or self._name
        body = {"partner": "bikes", "subject": subject, "proof": self._partner.prove(subject)}
        bound = self._create("binding", "/me/bindings", body, place=place)
        self._partner.bound.put(subject)
        return bound is not None

    def _bind_late(self, place: int) -> bool:
        # By then rides of this name are waiting, unless its page comes later.
        return self._bind(place, f"{self._name}-late")

    def _act(self, place: int) -> bool:
        if place == 3:
            self._partner.bound.put(f"{self._name}-late")
        body = action(SINGLE[place % len(SINGLE)], days_ago=place % DAYS, reference=f"{self._name}-{place}")
        self._create("action", "/actions", body, place=place, about=body["client_reference"])
        return True

    def _catch_up(self, place: int) -> bool:
        body = [
            action(task, days_ago=days, reference=f"{self._name}-{task}-{days}")
            for task in BATCHED
            for days in range(3)
        ]
        about = [one["client_reference"] for one in body]
        self._create("batch", "/actions/batch", {"actions": body}, place=place, about=about)
        return True

    def _look(self, place: int) -> bool:
        for path in ("/leaderboards/points/all/around-me", "/me/wallet", "/tasks"):
            self._sender.look(path, self._signed())
        return True

    def _redeem(self, place: int) -> bool:
        for kind, reward_id in self._rewards.items():
            body = {"reward_id": reward_id, "quantity": 1}
            given = self._create("redemption", "/redemptions", body, place=place, more=kind)
            # Of every other resident, so that some stay reserved.
            if given is not None and kind == "pickup" and int(self._number) % 2:
                self._create("cancel", f"/redemptions/{given['id']}/cancel", {}, place=place, about=given["id"])
        return True

    def _create(self, kind: str, path: str, body: Any, *, place: int, about: Any = None, more: str = "") -> Any:
        key = f"{kind}-{place}{more}"
        signed = self._signed() | {"Idempotency-Key": key}
        return self._sender.get_done(kind, path, body, who=self._number, headers=lambda _: signed, key=key, about=about)

    def _signed(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


def resident_of(token: str) -> str:
    """Whose token this is."""
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return str(claims["sub"])


def action(task: str, *, days_ago: int, reference: str) -> dict[str, Any]:
    """A declaration of something done so many days ago."""
    at = datetime.now(UTC) - timedelta(days=days_ago, minutes=5)
    return {"task": task, "occurred_at": at.isoformat(), "client_reference": reference}


def rides(subject: str) -> list[dict[str, Any]]:
    """What the partner knows of a subject: one ride a day, at another hour for those who bind late."""
    hour = 14 if subject.endswith("-late") else 6
    today = datetime.now(UTC).replace(hour=hour, minute=0, second=0, microsecond=0)
    began = [today - timedelta(days=days) for days in range(1, DAYS + 1)]
    return [
        {
            "external_id": f"{subject}-{place}",
            "subject": subject,
            "task": "bike_ride",
            "started_at": start.isoformat(),
            "ended_at": (start + timedelta(minutes=RIDE_MINUTES)).isoformat(),
            "activity": {"quantity": RIDE_M, "unit": "m"},
        }
        for place, start in enumerate(began)
    ]


def _hmac(secret: str, message: str) -> str:
    return hmac.new(secret.encode(), message.encode(), sha256).hexdigest()


def _sender(job: Job, name: str, *, pen: Pen, stopping: threading.Event) -> Sender:
    chance = random.Random(f"{job.seed}/{job.name}/{name}")
    return Sender(job.port, name=f"{job.name}.{name}", pen=pen, chance=chance, stopping=stopping, hangs_s=job.hangs_s)


def _live_on(number: int, *, job: Job, partner: Partner, pen: Pen, stopping: threading.Event) -> None:
    sender = _sender(job, str(number), pen=pen, stopping=stopping)
    count = 0
    while not stopping.is_set():
        count += 1
        Life(f"{job.name}.{number}.{count}", sender=sender, partner=partner, job=job).live(stopping)
    sender.hang_up()


def _main() -> int:
    job = Job(**json.load(sys.stdin))
    pen, stopping, partner = Pen(Path(job.diary)), threading.Event(), Partner(job)
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    with ThreadPoolExecutor(job.residents_at_once) as pool:
        lives = [
            pool.submit(_live_on, number, job=job, partner=partner, pen=pen, stopping=stopping)
            for number in range(job.residents_at_once)
        ]
        partner.report(_sender(job, "partner", pen=pen, stopping=stopping), stopping)
    failed = [error for life in lives if (error := life.exception())]
    for error in failed:
        traceback.print_exception(error)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(_main())
