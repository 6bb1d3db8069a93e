"""Pages of boards as JSON, written by hand; places that many look at are written once.

Fifty places with their names cost more than all the rest of a request, and everybody looks at the first fifty. What
was written is shown again while Redis tells the very same places and nobody's name has changed, as far as the process
knows: a name that changed is seen within a second (knowledge.STALE_S).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import Any

from flask import json

from backend import present
from backend.keeping import keep
from backend.leaderboard import names
from backend.leaderboard.boards import Board
from backend.leaderboard.knowledge import Known
from backend.leaderboard.periods import Period
from backend.leaderboard.scores import value_of
from backend.leaderboard.standings import Standings
from backend.web import caller_language
from backend.web.schemas import grams

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
            keep(self.pages, key, page, most=MOST_KEPT)


def items(board: Board, found: Standings, *, known: Known, kept: bool) -> str:
    """The places as a JSON array, with names as of `known` or later; `kept`: others look at the same places."""
    language = caller_language()
    if not kept:
        return _written(board.metric, found, known=known, language=language)
    store = _store()
    key = (board.metric, found.first, found.places, language)
    page = store.pages.get(key)
    if page is None or page[0] != known.at.revision:
        page = (known.at.revision, _written(board.metric, found, known=known, language=language))
        store.keep(key, page)
    return page[1]


def whole(board: Board, found: Standings, written: str) -> str:
    """The whole answer around the places, as JSON; BoardSchema describes it."""
    me = "null"
    if found.mine:
        place, score = found.mine
        me = f'{{"rank":{place + 1},"score":{_shown(board.metric, [score])[0]}}}'
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
    return present.made_once("board_pages", _Kept)


def _written(metric: str, found: Standings, *, known: Known, language: str) -> str:
    residents, scores = found.residents_and_scores()
    labels = names.labels(residents, known=known, language=language)
    return ",".join(
        [
            f'{{"rank":{place},{label},"score":{value}}}'
            for place, (label, value) in enumerate(zip(labels, _shown(metric, scores), strict=True), found.first + 1)
        ]
    ).join("[]")


def _shown(metric: str, scores: Sequence[int]) -> list[int] | list[float]:
    """The values that scores hold, as they are shown: whole points, or grams."""
    values = [value_of(metric, score) for score in scores]
    return values if metric == "points" else list(map(grams, values))
