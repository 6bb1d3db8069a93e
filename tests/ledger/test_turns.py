"""Whoever has lost a round is in turn: meanwhile nobody else moves the resident's books."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from backend.database import db, prepared_statements, transaction
from backend.ledger.models import Wallet
from backend.ledger.turns import in_turn
from tests.together import together


def test_in_ones_turn_nobody_else_moves_the_books(app, resident, new_resident):
    mine, other = resident.resident_id, new_resident("other").resident_id

    def lock(resident_id):
        with transaction():
            query = select(Wallet.balance).where(Wallet.resident_id == resident_id)
            return db.session.scalar(query.with_for_update(nowait=True))

    with prepared_statements() as statements, in_turn(statements, mine):
        assert together(app, [lambda: lock(other)]) == [0]
        with pytest.raises(OperationalError, match="could not obtain lock"):
            together(app, [lambda: lock(mine)])
    assert together(app, [lambda: lock(mine)]) == [0]
