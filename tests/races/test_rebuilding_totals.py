"""Totals made anew while a projector folds, at every point of either."""

import pytest
from sqlalchemy import text

from backend.database import db, transaction
from backend.outbox import PARTITIONS, partition_of
from backend.projector import rebuilding
from backend.projector import service as projector
from backend.totals import due
from tests.projections import expected_now, projected
from tests.races.conftest import Scene

WRONG = (
    "DELETE FROM participations WHERE resident_id = :who",
    "UPDATE totals SET points = points + 1 WHERE partition = :partition",
    "UPDATE participants SET residents = residents + 1 WHERE partition = :partition",
)
OF_THE_NEWEST = f"SELECT (max(resident_id) % {PARTITIONS})::smallint FROM residents"
"""Everybody before is of a scene that is over."""


@pytest.mark.parametrize("damaged", [True, False])
@pytest.mark.parametrize("rebuilt_first", [True, False])
def test_totals_made_anew_beside_a_projector_are_right(outcomes, somebody, deeds, monkeypatch, rebuilt_first, damaged):
    monkeypatch.setattr(due, "OF_THE_CITY", OF_THE_NEWEST)

    def scene():
        owner = somebody()
        partition = partition_of(owner.resident_id)
        deeds.record(owner, minute=60)
        projector.drain()
        if damaged:
            with transaction():
                for statement in WRONG:
                    db.session.execute(text(statement), {"who": owner.resident_id, "partition": partition})
        deeds.record(owner)
        calls = [rebuild, lambda: projector.project(partition)]
        return Scene(*(calls if rebuilt_first else calls[::-1]), right)

    assert {after for *_, after in outcomes(scene)} == {"right"}


def rebuild():
    list(rebuilding.rebuild(workers=1))


def right():
    projector.drain()
    assert projected() == expected_now()
    return "right"
