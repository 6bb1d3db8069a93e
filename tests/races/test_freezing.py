"""Somebody is frozen at the moment of something else that locks wallet or resident: every schedule, both rows agree."""

import pytest
from sqlalchemy import select

from backend import clock
from backend.account import administering, cancelling, mending
from backend.database import db
from backend.ledger.models import Wallet
from backend.residents import service
from backend.residents.auth import Caller
from backend.residents.models import Resident
from tests.races.conftest import Scene

FROZEN = select(Wallet.frozen, Resident.hidden, Resident.state).join(
    Resident, Resident.resident_id == Wallet.resident_id
)
"""How a resident stands."""
DONE, GONE = (("done", "done"), (True, True, "active")), (True, False, "erased")


def freeze(who):
    administering.set_frozen(who, frozen=True, reason="test", by="admin:one")


OTHERS = {
    "rename": lambda who: service.change_profile(Caller(who, 0), {"nickname": "Bo"}, now=clock.now()),
    "mend": lambda who: mending.mend(who, by="command:resident"),
    "freeze": freeze,
    "leave": lambda who: cancelling.erase(who, by="command:resident"),
}
COME_TO = {"leave": {(("done", "done"), GONE), (("not-found", "done"), GONE)}}
"""Of freezing and something else; what is not named comes to DONE."""


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("freezes_first", [True, False])
def test_whoever_is_frozen_meanwhile_is_hidden_unless_they_leave(outcomes, somebody, doing, other, freezes_first):
    def scene():
        who = somebody(leaderboard_consent=True).resident_id
        calls = [doing(lambda: freeze(who)), doing(lambda: OTHERS[other](who))]
        return Scene(
            *(calls if freezes_first else calls[::-1]),
            lambda: tuple(db.session.execute(FROZEN.where(Wallet.resident_id == who)).one()),
        )

    step = 1 if freezes_first else -1
    came = {((first, second)[::step], stands) for first, second, stands in outcomes(scene, both=True)}
    assert came == COME_TO.get(other, {DONE})
