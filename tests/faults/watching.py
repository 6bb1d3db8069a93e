"""What residents get while something is wrong: the same few requests over and over, each kind in its own thread.

Whatever is asked with a key stands in a diary, as that of every client, and is accounted for at the end.
"""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.client import BATCHED, SINGLE, action, resident_of
from tests.faults.diary import ABANDONED, DONE, Pen, Request
from tests.faults.promise import KINDS
from tests.faults.seen import Seen
from tests.faults.site import Answer, Site

PAUSE_S = 0.2
BACK_S = 120.0
ROUNDS = 4
ACTIVE, BUYERS = 10, 4
"""As many as have enough to do in the longest fault: each does every task once a day, or spends their points."""
PURCHASES = 40
DAYS = 5
ALL = (*SINGLE, *BATCHED)
BOARD = "/leaderboards/points/all/around-me"


class Watcher:
    """Some residents, and what they ask."""

    def __init__(self, site: Site, *, diary: Path, reward_id: int) -> None:
        self._site = site
        self._pen = Pen(diary)
        self._reward_id = reward_id
        self._count = self._people = self._tries = self._deeds = self._bought = 0
        self._lock = threading.Lock()
        self._hangs_s = site.time_outs.worst_s
        self._signed: list[dict[str, str]] = []
        self._who: list[str] = []
        self._asking: dict[str, Callable[[], Answer]] = {
            "award": self._award,
            "redeem": self._redeem,
            "me": lambda: self._look("/me"),
            "wallet": lambda: self._look("/me/wallet"),
            "board": lambda: self._look(BOARD),
            "totals": lambda: self._look("/public/totals"),
            "sign in": self._sign_in,
        }

    def renew(self) -> None:
        """Go on with new people. All is well, but a machine that is short of its processors may refuse even then."""
        self._signed, self._who, self._deeds, self._bought = [], [], 0, 0
        for _ in range(ACTIVE + BUYERS):
            self._people += 1
            request = self._begin("sign-in", who=f"watch.{self._people}", key="")
            answer = self._end(request, lambda: _until_good(self._sign_in))
            self._signed.append({"Authorization": f"Bearer {answer.body['token']}"})
            self._who.append(resident_of(answer.body["token"]))
        for buyer in range(ACTIVE, ACTIVE + BUYERS):
            _until_good(lambda buyer=buyer: self._earn(buyer))
        _until_good(self._award)

    def back(self) -> float:
        """Wait until all is answered well, round after round and so by every process; the seconds until the first."""
        began = time.monotonic()
        good, since = 0, 0.0
        while good < ROUNDS:
            round_began = time.monotonic() - began
            answers = {kind: self.ask(kind) for kind in KINDS}
            bad = {kind: it for kind, it in answers.items() if not (isinstance(it, Answer) and it.good)}
            assert not bad or round_began < BACK_S, f"not back: {bad}\n{self._site.said()}"
            since = since if good else round_began
            good = 0 if bad else good + 1
            time.sleep(0.05)
        return since

    def ask(self, kind: str) -> Answer | Exception:
        """One answer, or why none came."""
        try:
            return self._asking[kind]()
        except (OSError, http.client.HTTPException, ValueError) as error:
            return error

    @contextmanager
    def watching(self) -> Iterator[Seen]:
        """Ask inside the block, all kinds at once; each ends what it is at."""
        seen, over = Seen(), threading.Event()
        with ThreadPoolExecutor(len(KINDS)) as pool:
            asking = [pool.submit(self._repeat, kind, seen, over) for kind in KINDS]
            try:
                yield seen
            finally:
                over.set()
        for one in asking:
            one.result()

    def _repeat(self, kind: str, seen: Seen, over: threading.Event) -> None:
        while not over.is_set():
            began = time.monotonic()
            answer = self.ask(kind)
            with self._lock:
                seen.note(kind, answer, began=began, ended=time.monotonic())
            over.wait(PAUSE_S)

    def _award(self) -> Answer:
        place, self._deeds = self._deeds, self._deeds + 1
        person, place = divmod(place, len(SINGLE) * DAYS)
        task, days_ago = SINGLE[place % len(SINGLE)], place // len(SINGLE)
        body = action(task, days_ago=days_ago, reference=f"watch-{place}")
        return self._create("action", "/actions", body, person=person)

    def _earn(self, buyer: int) -> Answer:
        self._tries += 1
        deeds = [
            action(task, days_ago=day, reference=f"{task}-{day}-{self._tries}") for task in ALL for day in range(DAYS)
        ]
        about = [one["client_reference"] for one in deeds]
        return self._create("batch", "/actions/batch", {"actions": deeds}, person=buyer, about=about)

    def _redeem(self) -> Answer:
        place, self._bought = self._bought, self._bought + 1
        body = {"reward_id": self._reward_id, "quantity": 1}
        return self._create("redemption", "/redemptions", body, person=ACTIVE + place // PURCHASES)

    def _sign_in(self) -> Answer:
        body = {"code": f"dev-watch.{self._people}"}
        return self._site.ask("POST", "/api/v1/auth/wechat", body, seconds=self._hangs_s)

    def _look(self, path: str) -> Answer:
        return self._site.ask("GET", f"/api/v1{path}", headers=self._signed[0], seconds=self._hangs_s)

    def _create(self, kind: str, path: str, body: Any, *, person: int, about: Any = None) -> Answer:
        request = self._begin(kind, who=self._who[person], key=f"{kind}-{self._count}", about=about)
        signed = self._signed[person] | {"Idempotency-Key": request.key}
        return self._end(
            request, lambda: self._site.ask("POST", f"/api/v1{path}", body, headers=signed, seconds=self._hangs_s)
        )

    def _begin(self, kind: str, *, who: str, key: str, about: Any = None) -> Request:
        with self._lock:
            self._count += 1
            request = Request(f"watch/{self._count}", kind, who, key, about)
        self._pen.sent(request)
        return request

    def _end(self, request: Request, ask: Callable[[], Answer]) -> Answer:
        # Whoever is refused here does not ask again: it is done whole or not at all.
        request.state = ABANDONED
        try:
            answer = ask()
            if answer.good:
                request.state, request.status, request.body = DONE, answer.status, answer.body
            return answer
        finally:
            self._pen.ended(request)


def _until_good(ask: Callable[[], Answer]) -> Answer:
    """The first good answer."""
    began = time.monotonic()
    while not (answer := ask()).good:
        assert time.monotonic() - began < BACK_S, answer
        time.sleep(PAUSE_S)
    return answer
