"""Leaderboards, small and large: a page of fifty with one's own rank, and the neighbours around oneself."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from itertools import islice
from typing import Any

from backend.database import cursor, transaction
from backend.leaderboard import epochs, filling
from backend.leaderboard.boards import Board
from backend.leaderboard.periods import Period
from tests.benchmarks import signed, valkey_alone
from tests.benchmarks.load import LoadError
from tests.benchmarks.population import Group
from tests.benchmarks.row import Bench
from tests.benchmarks.rows.pages import Page, must_be

SMALL, LARGE = 1_000, 1_000_000
READERS = 4_000
PLACES = 50
NEIGHBOURS = 5
"""As many as the mini-program shows on each side where it does not say."""
# Boards of their own, of years that no other row's actions fall into.
_YEARS = {SMALL: 2021, LARGE: 2022}

_PIPELINE, _ONE_BY_ONE = "Valkey, pipeline", "Valkey, one by one"

_SCORES = """
INSERT INTO period_scores (resident_id, period, starts_on, points, points_reached_at, co2e_mg, co2e_reached_at, actions)
SELECT n, 'year', %(starts_on)s, 1 + n * 7919::bigint %% 20000, at, 1 + n * 104729::bigint %% 90000000, at, 100
FROM generate_series(%(first)s::int, %(last)s::int) n,
    LATERAL (SELECT %(starts_on)s + (n %% 8000) * interval '1 hour' AS at) reached
"""


@cache
def members_of(bench: Bench, size: int) -> Group:
    """Residents who are all on one board, and nobody else; Redis has it, filled by the product."""
    group = bench.population.group(size)
    starts_on = date(_YEARS[size], 1, 1)
    with bench.site.connect() as connection:
        values = {"first": group.first, "last": group.first + size - 1, "starts_on": starts_on}
        connection.execute(_SCORES, values)
        connection.execute("VACUUM (ANALYZE) residents, wallets, period_scores")
    with transaction():
        epoch = epochs.state(cursor()).epoch
        if not filling.fill(cursor(), [Board("points", Period("year", starts_on))], epoch=epoch):
            raise LoadError(f"The board of {size:,} could not be filled.")
    return group


class _BoardPage(Page):
    goal = 0.5
    told = (_PIPELINE, _ONE_BY_ONE)
    size: int
    places: int

    def prepare(self, bench: Bench) -> None:
        """The board and its readers; and what two of them have the application ask of Valkey."""
        super().prepare(bench)
        readers = list(self.readers(bench))
        like = [(reader, self._asked(bench, reader)) for reader in readers[:2]]
        self._calls = valkey_alone.calls_of(readers, like=like)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """The empty POST; and Valkey alone with the very same calls, which is told and is no floor."""
        return {
            **super().floors(bench),
            _PIPELINE: valkey_alone.pipelined(self._calls, seconds=bench.seconds),
            _ONE_BY_ONE: valkey_alone.one_by_one(self._calls, seconds=bench.seconds),
        }

    def _asked(self, bench: Bench, reader: int) -> Sequence[valkey_alone.Words]:
        with valkey_alone.recorded() as sent:
            bench.site.app.test_client().get(self.path, headers=signed.token(reader))
        return sent

    def readers(self, bench: Bench) -> Iterable[int]:
        """Members from everywhere on the board."""
        return islice(members_of(bench, self.size), READERS)

    def refuse(self, page: Mapping[str, Any]) -> None:
        """All members are on it, the reader too, and the page is full."""
        must_be(page["size"], self.size, "members of the board")
        must_be(len(page["items"]), self.places, "places on the page")
        must_be(page["me"] is None, False, "without a place of the reader's own")


class _FirstPage(_BoardPage):
    places = PLACES

    @property
    def path(self) -> str:
        """The page that everybody sees first."""
        return f"/api/v1/leaderboards/points/year?at={_YEARS[self.size]}&limit={PLACES}"


class _Neighbours(_BoardPage):
    places = 2 * NEIGHBOURS + 1

    @property
    def path(self) -> str:
        """With as many neighbours as the product shows where nobody asks for more."""
        return f"/api/v1/leaderboards/points/year/around-me?at={_YEARS[self.size]}"


class SmallBoard(_FirstPage):
    """Of a thousand."""

    name, size = "board_1k", SMALL
    title = f"leaderboard page of {PLACES} with own rank, {SMALL:,} members"


class LargeBoard(_FirstPage):
    """Of a million."""

    name, size = "board_1m", LARGE
    title = f"leaderboard page of {PLACES} with own rank, {LARGE:,} members"


class AroundMeSmall(_Neighbours):
    """Among a thousand."""

    name, size = "around_1k", SMALL
    title = f"leaderboard around me, {NEIGHBOURS} each side, {SMALL:,} members"


class AroundMeLarge(_Neighbours):
    """Among a million."""

    name, size = "around_1m", LARGE
    title = f"leaderboard around me, {NEIGHBOURS} each side, {LARGE:,} members"
    warm_up_s = 8.0
    """Until each process has met nearly every reader, and so keeps the neighbours' names."""

    def prepare(self, bench: Bench) -> None:
        """The board; and a look at it before any of the names is kept."""
        super().prepare(bench)
        self._at_first = self.measure(bench, seconds=1.0).value / self.limit(self.floors(bench))

    def notes(self) -> Sequence[str]:
        """What it is like where readers' neighbours are strangers to the process."""
        return [f"around_1m: {self._at_first:.2f} while hardly any of the names are kept."]
