"""Scores made anew from the actions while a projector folds, at every point of either."""

import pytest
from sqlalchemy import text

from backend.database import db, transaction
from backend.leaderboard import recomputing
from backend.outbox import partition_of
from backend.projector import service as projector
from tests.projections import expected_now, projected
from tests.races.conftest import Scene

WRONG = "UPDATE period_scores SET points = points + 1 WHERE resident_id = :who AND period = 'year'"


@pytest.mark.parametrize("damaged", [True, False])
@pytest.mark.parametrize("recomputed_first", [True, False])
def test_scores_made_anew_beside_a_projector_are_right(outcomes, somebody, deeds, recomputed_first, damaged):
    def scene():
        owner = somebody()
        deeds.record(owner, minute=60)
        projector.drain()
        if damaged:
            with transaction():
                db.session.execute(text(WRONG), {"who": owner.resident_id})
        deeds.record(owner)
        calls = [recompute, lambda: projector.project(partition_of(owner.resident_id))]
        return Scene(*(calls if recomputed_first else calls[::-1]), right)

    assert {after for *_, after in outcomes(scene)} == {"right"}


def recompute():
    list(recomputing.recompute(workers=1))


def right():
    projector.drain()
    assert projected()["scores"] == expected_now()["scores"]
    return "right"
