"""A wallet is mended while its resident is awarded: every schedule, and nothing is lost."""

import pytest
from sqlalchemy import text

from backend.account import mending
from backend.database import db, transaction
from tests.races.conftest import Scene
from tests.races.test_awards import declared, points_of  # noqa: F401

WRONG = (
    "UPDATE wallets SET earned = earned + 5, adjusted = adjusted - 5, co2e_mg = co2e_mg + 7 WHERE resident_id = :who",
    "UPDATE yearly_points SET points = points + 5 WHERE resident_id = :who",
)
RIDE = 9
"""Points of a declared ride of two kilometres."""


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("mended_first", [True, False])
def test_an_award_at_the_moment_of_mending_is_there_once(
    outcomes,
    somebody,
    declared,  # noqa: F811
    points_of,  # noqa: F811
    doing,
    mended_first,
    batch,
):
    def scene():
        owner = somebody()
        declared(owner, 4, batch=False)()
        with transaction():
            for statement in WRONG:
                db.session.execute(text(statement), {"who": owner.resident_id})
        calls = [
            doing(lambda: mending.mend(owner.resident_id, by="command:resident")),
            declared(owner, 2, batch=batch),
        ]
        return Scene(*(calls if mended_first else calls[::-1]), lambda: points_of(owner))

    assert set(outcomes(scene, both=True)) == {("done", "done", (2 * RIDE, RIDE, RIDE))}
