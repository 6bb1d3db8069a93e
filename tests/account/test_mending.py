"""`flask resident mend`, as a command: what it asks, says and writes down. What it mends: tests/verification."""

from functools import partial

import pytest
from sqlalchemy import select, text

from backend.audit.models import AuditRow
from backend.database import db, transaction
from backend.ledger.models import Wallet

NOBODY = 999_999
WRONG = text("UPDATE wallets SET co2e_mg = co2e_mg + 7 WHERE resident_id = ANY(:who)")


@pytest.fixture
def mend(resident_command):
    """mend(*args, status=0, typed=None) → what the command says."""
    return partial(resident_command, "mend")


@pytest.fixture
def damage(app):
    """damage(resident, …): their grams are 7 mg more than what their actions say."""

    def change(*residents):
        with transaction():
            db.session.execute(WRONG, {"who": [one.resident_id for one in residents]})

    return change


def grams(resident):
    return db.session.scalar(select(Wallet.co2e_mg).where(Wallet.resident_id == resident.resident_id))


def trail():
    return db.session.scalars(select(AuditRow).where(AuditRow.action == "wallet.mended")).all()


def test_each_is_mended_by_itself_and_it_is_written_down(mend, damage, new_resident):
    anna, bert, carl = (new_resident(name) for name in ("anna", "bert", "carl"))
    damage(anna, carl)
    said = mend(anna.resident_id, NOBODY, bert.resident_id, "--yes", status=1)
    assert said.splitlines() == [
        f"{anna.resident_id} mended: co2e_mg from 7 to 0.",
        f"{bert.resident_id} is right.",
        f"Error: There is no resident {NOBODY} with a wallet.",
    ]
    assert [grams(one) for one in (anna, bert, carl)] == [0, 0, 7]
    (row,) = trail()
    assert (row.actor_kind, row.actor, row.object_kind) == ("command", "resident", "resident")
    assert (row.object_id, row.before, row.after) == (str(anna.resident_id), {"co2e_mg": 7}, {"co2e_mg": 0})


def test_where_all_is_right_nothing_is_written_down(mend, resident, earn, give):
    earn()
    give(30)
    assert mend(resident.resident_id, "--yes") == f"{resident.resident_id} is right.\n"
    assert trail() == []


def test_it_asks_first(mend, damage, resident):
    damage(resident)
    assert "Recompute" in mend(resident.resident_id, status=1, typed="n\n")
    assert grams(resident) == 7
    mend(resident.resident_id, typed="y\n")
    assert grams(resident) == 0


def test_who_is_frozen_stays_so(mend, damage, resident):
    damage(resident)
    with transaction():
        db.session.get(Wallet, resident.resident_id).frozen = True
    mend(resident.resident_id, "--yes")
    assert db.session.get(Wallet, resident.resident_id).frozen
    assert grams(resident) == 0
