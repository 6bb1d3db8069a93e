"""What a process knows without asking: the state of the boards, which tokens have ended, what boards call people.

Asking PostgreSQL about all of it on every page costs more than the page. So it is asked once in FRESH_S, by whichever
request finds it older; others go on meanwhile, but never with anything older than STALE_S: then they wait, too. What
changed is read in the order of commits (residents.changes), so nothing that was kept outlives its change by more than
STALE_S, in any process. Where PostgreSQL does not answer, boards are refused as everything else is.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from backend import present
from backend.database import prepared_statements
from backend.errors import UnauthenticatedError, UpstreamUnavailableError
from backend.leaderboard import epochs
from backend.leaderboard.epochs import State
from backend.residents import changes
from backend.residents.auth import Caller
from backend.residents.changes import EVERYBODY, Bookmark, News

FRESH_S = 0.5
STALE_S = 1.0
MOST_NAMES = 65_536
"""Residents whose names a process keeps: some ten megabytes."""

_HOLDS = "SELECT 1 FROM residents WHERE resident_id = %s AND state = 'active' AND token_epoch = %s"


@dataclass(frozen=True, slots=True)
class Known:
    """What was the case at one moment: the state of the boards, and how far the changes of residents were read.

    It holds its own age: kept beside it, the age of a new look could be taken for that of an old one.
    """

    state: State
    at: Bookmark
    restored: bool
    """All sessions were ended not long ago: which tokens are younger only PostgreSQL knows."""
    read_at: float = field(compare=False)
    """When the look began, on the monotonic clock."""


@dataclass(slots=True)
class Knowledge:
    """Of one process. `turn` is held by who looks, `lock` while names are taken in or forgotten."""

    known: Known | None = None
    failed_at: float = 0.0
    ended: dict[int, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    turn: Lock = field(default_factory=Lock)
    lock: Lock = field(default_factory=Lock)

    def learn(self, news: News, state: State, *, read_at: float) -> Known:
        """Take in what a look has found that began at `read_at`, and forget what it changed."""
        with self.lock:
            if news.anew:
                self.names.clear()
                self.ended = {}
            for resident_id in news.changed:
                self.names.pop(resident_id, None)
            self.ended.update(news.ended)
            self.known = Known(state, news.at, EVERYBODY in self.ended, read_at)
        return self.known

    def keep(self, names: Mapping[int, str], *, known: Known) -> None:
        """Keep names that were read after `known` was, unless something may have changed since."""
        with self.lock:
            if self.known is None or self.known.at != known.at:
                return
            if len(self.names) + len(names) > MOST_NAMES:
                self.names.clear()
            self.names.update(names)


def knowledge() -> Knowledge:
    """This process's own."""
    return present.made_once("board_knowledge", Knowledge)


def look(*, afresh: bool = False) -> Known:
    """What is the case, or was at most STALE_S before the call; `afresh`: not before the call.

    Raises psycopg.OperationalError or UpstreamUnavailableError where it cannot be known.
    """
    mine = knowledge()
    known, now = mine.known, time.monotonic()
    if known is None or afresh or now - known.read_at >= STALE_S:
        # Another one's look is waited for as long as a statement may take.
        if not mine.turn.acquire(timeout=present.settings().database_timeout_ms / 1000):
            raise UpstreamUnavailableError(retry_after=2)
    elif now - known.read_at < FRESH_S or not mine.turn.acquire(blocking=False):
        return known
    try:
        return _look(mine, since=now)
    finally:
        mine.turn.release()


def admit(caller: Caller, known: Known) -> None:
    """Raise UnauthenticatedError for a token that has ended."""
    if caller.epoch < knowledge().ended.get(caller.resident_id, 0):
        raise UnauthenticatedError
    if known.restored:
        with prepared_statements() as cursor:
            if cursor.execute(_HOLDS, (caller.resident_id, caller.epoch)).fetchone() is None:
                raise UnauthenticatedError


def _look(mine: Knowledge, *, since: float) -> Known:
    known = mine.known
    if known is not None and known.read_at >= since:
        return known
    if mine.failed_at >= since:
        # It failed while we waited for it: who waited too must not try one after the other.
        raise UpstreamUnavailableError(retry_after=2)
    began = time.monotonic()
    try:
        with prepared_statements() as cursor:
            news = changes.since(cursor, known.at if known else None)
            return mine.learn(news, epochs.state(cursor), read_at=began)
    except BaseException:
        mine.failed_at = time.monotonic()
        raise
