"""Pages of boards as JSON, written by hand; places that many look at are written once.

Fifty places with their names cost more than all the rest of a request, and everybody looks at the first fifty. What
was written is shown again while Redis tells the very same places and nobody's name has changed: the statement that
checks the caller's token says so. It is never older than what would be written now.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import Any

from flask import current_app, json
from flask_babel import get_locale

from backend.leaderboard import names
from backend.leaderboard.boards import Board
from backend.leaderboard.epochs import State
from backend.leaderboard.names import People
from backend.leaderboard.periods import Period
from backend.leaderboard.scores import value_of
from backend.leaderboard.standings import Standings
from backend.residents.auth import Caller
from backend.schemas import grams

MOST_KEPT = 200
"""Pages that a process keeps, a few kilobytes each: the first ones of the boards that people look at."""

_Key = tuple[str, int, str, str]


@dataclass(slots=True)
class _Kept:
    """Metric, first place, places and language → revision of the names, and the items."""

    pages: dict[_Key, tuple[int, str]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def keep(self, key: _Key, page: tuple[int, str]) -> None:
        with self.lock:
            if len(self.pages) >= MOST_KEPT:
                self.pages.clear()
            self.pages[key] = page


def items(board: Board, found: Standings | None, *, caller: Caller, kept: bool) -> tuple[str, State]:
    """The places as a JSON array, and the state of the boards at that moment; raises UnauthenticatedError.

    `kept`: others look at the same places. None found: no places.
    """
    if found is None:
        return "[]", names.look(caller).state
    if not kept:
        people = _look_up(found, caller)
        return _written(board.metric, found, people), people.seen.state
    store = _store()
    key = (board.metric, found.first, found.places, str(get_locale()))
    page = store.pages.get(key)
    if page is not None:
        seen = names.look(caller)
        if seen.revision == page[0]:
            return page[1], seen.state
    people = _look_up(found, caller)
    page = (people.seen.revision, _written(board.metric, found, people))
    store.keep(key, page)
    return page[1], people.seen.state


def whole(board: Board, found: Standings, written: str) -> str:
    """The whole answer around the places, as JSON; BoardSchema describes it."""
    me = "null"
    if found.mine:
        me = f'{{"rank":{found.mine[0] + 1},"score":{_shown(board.metric, found.mine[1])!r}}}'
    return (
        f'{{"board":"{board.metric}","scope":"{board.scope}","period":{_period(board.period)},'
        f'"size":{found.size},"items":{written},"me":{me}}}'
    )


def period_shown(period: Period) -> dict[str, Any]:
    """A period as clients see it."""
    ends_on = period.ends_on
    return {
        "kind": period.kind,
        "starts_on": period.starts_on.isoformat(),
        "ends_on": ends_on.isoformat() if ends_on else None,
    }


@lru_cache(maxsize=256)
def _period(period: Period) -> str:
    return json.dumps(period_shown(period), separators=(",", ":"))


def _store() -> _Kept:
    store: _Kept = current_app.extensions.setdefault("board_pages", _Kept())
    return store


def _look_up(found: Standings, caller: Caller) -> People:
    return names.look_up([owner for owner, _ in found.rows()], caller=caller)


def _written(metric: str, found: Standings, people: People) -> str:
    shown = []
    for place, (owner, score) in enumerate(found.rows(), found.first + 1):
        name, avatar_url = people.names[owner]
        shown.append({"rank": place, "name": name, "avatar_url": avatar_url, "score": _shown(metric, score)})
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def _shown(metric: str, score: int) -> int | float:
    value = value_of(metric, score)
    return value if metric == "points" else grams(value)
