"""An adjustment is decided at the moment of another decision, or as its resident leaves: every schedule of both."""

import pytest
from sqlalchemy import bindparam, delete, select, update

from backend.account import cancelling
from backend.database import db, transaction
from backend.ledger import adjusting
from backend.ledger.adjusting import AdjustmentId
from backend.ledger.models import Adjustment, Wallet
from backend.residents.models import Departure, Identity_
from tests.races.conftest import Scene

DECIDED = {"approve": ("approved", 50), "refuse": ("refused", 0)}
"""Decision → what the adjustment says after it, and the balance."""
STANDS = (
    select(Adjustment.status, Wallet.balance)
    .join(Wallet, Wallet.resident_id == Adjustment.resident_id)
    .where(Adjustment.resident_id == bindparam("who"))
)


def ask(resident_id, *, points):
    with transaction():
        asked = adjusting.request(resident_id=resident_id, points=points, reason="test", by="admin:one")
    return AdjustmentId(resident_id, asked.id)


@pytest.mark.parametrize(
    ("first", "second"), [("approve", "refuse"), ("refuse", "approve"), ("approve", "approve"), ("refuse", "refuse")]
)
def test_of_two_decisions_on_one_adjustment_the_first_stands(outcomes, somebody, doing, first, second):
    def scene():
        asked = ask(somebody().resident_id, points=50)
        calls = [
            doing(lambda verb=verb, by=by: getattr(adjusting, verb)(asked, by=by))
            for verb, by in ((first, "admin:two"), (second, "admin:three"))
        ]
        return Scene(*calls, lambda: tuple(db.session.execute(STANDS, {"who": asked.resident_id}).one()))

    assert set(outcomes(scene)) == {
        ("done", "already-decided", DECIDED[first]),
        ("already-decided", "done", DECIDED[second]),
    }


@pytest.mark.parametrize("approved_first", [True, False])
def test_a_debt_is_taken_along_or_not_made(outcomes, somebody, doing, approved_first):
    def scene():
        who = somebody().resident_id
        asked = ask(who, points=-50)
        with transaction():
            db.session.execute(update(Identity_).where(Identity_.resident_id == who).values(provider="wechat"))
            db.session.execute(delete(Departure))
        calls = [
            doing(lambda: adjusting.approve(asked, by="admin:two")),
            doing(lambda: cancelling.erase(who, by="command:resident")),
        ]
        return Scene(
            *(calls if approved_first else calls[::-1]),
            lambda: (*db.session.execute(STANDS, {"who": who}).one(), db.session.scalar(select(Departure.owed))),
        )

    refused = ("not-found", "done") if approved_first else ("done", "not-found")
    assert set(outcomes(scene)) == {("done", "done", ("approved", -50, 50)), (*refused, ("pending", 0, 0))}
