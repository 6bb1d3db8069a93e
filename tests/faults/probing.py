"""How long it takes until what a killed process did is done again, asked from outside."""

import http.client
import random
import threading
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.faults.client import action, resident_of
from tests.faults.diary import Pen
from tests.faults.parts import Part
from tests.faults.sending import Sender
from tests.faults.site import Site, exchange, until

PATIENCE_S = 120.0


class Prober:
    """Somebody new at each probe, whose requests stand in a diary as everybody's do."""

    def __init__(self, site: Site, *, diary: Path) -> None:
        self._site = site
        self._count = 0
        self._sender = Sender(
            site.port,
            name="probe",
            pen=Pen(diary),
            chance=random.Random(0),
            stopping=threading.Event(),
            hangs_s=site.time_outs.worst_s,
        )

    def finish(self) -> None:
        """Hang up."""
        self._sender.hang_up()

    def web(self, *, not_by: set[int]) -> None:
        """Return once a web worker other than these has given a good answer."""
        until(lambda: self._answered_by_other(not_by), seconds=PATIENCE_S, what=self._what("no new worker answers"))

    def written(self) -> None:
        """Return once an action has been acknowledged."""
        self._act()

    def shown(self) -> None:
        """Return once an action has been acknowledged, and its points stand on the leaderboard."""
        signed, points = self._act()
        until(lambda: self._score(signed) == points, seconds=PATIENCE_S, what=self._what("the board stands still"))

    def _act(self) -> tuple[dict[str, str], int]:
        self._count += 1
        name = f"probe.{self._count}"
        arrived = self._sender.get_done("sign-in", "/auth/wechat", {"code": f"dev-{name}"}, who=name, headers=_nothing)
        if arrived is None:
            return self._act()
        signed = {"Authorization": f"Bearer {arrived['token']}"}
        keyed = signed | {"Idempotency-Key": "probe"}
        body = action("clean_plate", days_ago=0, reference="probe")
        who = resident_of(arrived["token"])
        done = self._sender.get_done("action", "/actions", body, who=who, headers=lambda _: keyed, key="probe")
        return self._act() if done is None else (signed, int(done["points"]))

    def _score(self, signed: dict[str, str]) -> int | None:
        try:
            answer = self._site.ask("GET", "/api/v1/leaderboards/points/all/around-me", headers=signed, seconds=10)
        except (OSError, http.client.HTTPException):
            return None
        return answer.body["me"]["score"] if answer.good and answer.body["me"] else None

    def _answered_by_other(self, pids: set[int]) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._site.port, timeout=10)
        try:
            answer = exchange(connection, "GET", "/readyz")
            ours = connection.sock.getsockname() if connection.sock else None
            new = (process for process in self._site.find(Part.WEB_WORKER) if process.pid not in pids)
            return answer.good and any(ours in _peers(process) for process in new)
        except (OSError, http.client.HTTPException, psutil.NoSuchProcess):
            return False
        finally:
            connection.close()

    def _what(self, words: str) -> Callable[[], str]:
        return lambda: f"{words} after {PATIENCE_S:.0f} s:\n{self._site.said()}"


def _peers(process: psutil.Process) -> set[tuple[str, int]]:
    return {tuple(connection.raddr) for connection in process.net_connections("tcp") if connection.raddr}


def _nothing(body: bytes) -> dict[str, str]:
    return {}
