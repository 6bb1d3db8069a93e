"""Residents who have done something: their last days, recorded by the product's own rules."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from flask import current_app

from backend import clock
from backend.actions.claim import Claim
from backend.actions.claiming import claim_of
from backend.actions.record_many import record_many
from backend.database import transaction
from tests.benchmarks.load import LoadError
from tests.benchmarks.population import Group
from tests.benchmarks.row import Bench

RESIDENTS = 4_000
"""So many that none of them comes near the limit of requests a minute, as in a city."""
DAYS = 5
KINDS = ("own_bag", "own_cup", "clean_plate", "bike_ride")
ACTIONS = DAYS * len(KINDS)
_AT_ONCE = 500


@cache
def residents_with(bench: Bench) -> Group:
    """Residents with ACTIONS credited actions each: one of each of KINDS on each of the last DAYS days."""
    group = bench.population.group(RESIDENTS)
    now = clock.now()
    claims = list(_claims(now))
    residents = list(group)
    for start in range(0, RESIDENTS, _AT_ONCE):
        with transaction():
            judged = record_many(
                dict.fromkeys(residents[start : start + _AT_ONCE], claims),
                settings=current_app.extensions["settings"],
                now=now,
            )
        refused = [one.outcome for one in judged if one.outcome.status != "credited"]
        if refused:
            raise LoadError(f"{len(refused)} actions of the past were not credited; the first: {refused[0]}")
    with bench.site.connect() as connection:
        connection.execute("VACUUM (ANALYZE)")
    return group


def given(now: datetime) -> Iterator[dict[str, Any]]:
    """The actions as a client sends them, oldest day first."""
    for back in range(DAYS, 0, -1):
        for kind in KINDS:
            done = now - timedelta(days=back)
            one: dict[str, Any] = {"task": kind, "occurred_at": clock.rfc3339(done)}
            if kind == "bike_ride":
                one["started_at"] = clock.rfc3339(done - timedelta(minutes=20))
                one["activity"] = {"quantity": 2_000, "unit": "m"}
            yield one


def _claims(now: datetime) -> Iterator[Claim]:
    settings = current_app.extensions["settings"]
    for place, one in enumerate(given(now)):
        loaded = {name: datetime.fromisoformat(value) if name.endswith("_at") else value for name, value in one.items()}
        yield claim_of(loaded, settings=settings, now=now, place=place)
