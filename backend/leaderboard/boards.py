"""Boards by name: a metric, a period and a scope."""

from dataclasses import dataclass
from datetime import date
from typing import Self

from backend import redis
from backend.leaderboard.periods import KINDS, Period, containing
from backend.leaderboard.scores import METRICS

SCOPES = ("city", "district", "community")
MEMBERSHIP = {
    "city": "TRUE",
    "district": "r.district_id = %(area_id)s",
    "community": "r.community_id = %(area_id)s",
}
"""SQL: whether a row `r` of residents belongs to a scope; where they live now counts, also on past boards."""


@dataclass(frozen=True, slots=True)
class Board:
    """A leaderboard; `area_id` is the district or community of the scope, 0 for the city."""

    metric: str
    period: Period
    scope: str = "city"
    area_id: int = 0

    @property
    def scope_name(self) -> str:
        """`city`, `district:<id>` or `community:<id>`."""
        return self.scope if self.scope == "city" else f"{self.scope}:{self.area_id}"

    @property
    def name(self) -> str:
        """The whole in one word; `parse` reads it."""
        return f"{self.metric}:{self.period.kind}:{self.period.starts_on.isoformat()}:{self.scope_name}"

    def key(self, epoch: int) -> str:
        """The key of its sorted set."""
        return redis.BOARD.format(epoch=epoch, board=self.name)

    @classmethod
    def parse(cls, name: str) -> Self:
        """The board of a name that we made."""
        metric, kind, starts_on, scope, *area_id = name.split(":")
        return cls(metric, Period(kind, date.fromisoformat(starts_on)), scope, int(area_id[0]) if area_id else 0)


def of_areas(today: date, areas: dict[str, list[int]]) -> list[Board]:
    """The present boards of the city and of these areas ({scope: ids})."""
    scopes = [("city", 0), *((scope, area_id) for scope, ids in areas.items() for area_id in ids)]
    return [
        Board(metric, containing(today, kind=kind), scope, area_id)
        for kind in KINDS
        for metric in METRICS
        for scope, area_id in scopes
    ]
