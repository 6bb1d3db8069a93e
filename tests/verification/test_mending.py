"""`flask resident mend`: what verify names of a wallet is put right, or refused where the rows themselves differ."""

from functools import partial

import pytest
from sqlalchemy import text

from backend import clock
from backend.account import cancelling
from backend.actions.reversing import reverse
from backend.database import db, transaction
from tests.verification.damages import differing

STATE = text("""
SELECT to_jsonb(w) - 'version', (SELECT jsonb_agg(to_jsonb(y) ORDER BY y.year) FROM yearly_points y
    WHERE y.resident_id = w.resident_id), (SELECT count(*) FROM audit_log) FROM wallets w WHERE w.resident_id = :who
""")
COLUMNS = {
    "balance": "balance = balance + 5, adjusted = adjusted + 5",
    "earned": "earned = earned - 5, adjusted = adjusted + 5",
    "spent": "spent = spent + 5, adjusted = adjusted + 5",
    "expired": "expired = expired + 5, adjusted = adjusted + 5",
    "adjusted": "adjusted = adjusted - 5, balance = balance - 5",
    "held": "held = held + 1",
    "entry_seq": "entry_seq = entry_seq + 1",
    "action_seq": "action_seq = action_seq - 1",
    "redemption_seq": "redemption_seq = redemption_seq + 1",
    "co2e_mg": "co2e_mg = co2e_mg - 7",
    "actions": "actions = actions + 1",
}
LAST = """
DELETE FROM {table} WHERE resident_id = :id AND seq = (SELECT max(seq) FROM {table} WHERE resident_id = :id)
"""
BROKEN = {
    "a gap": (
        "DELETE FROM ledger_entries WHERE resident_id = :id AND seq = 3",
        "entry 4 does not follow",
    ),
    "a balance after": (
        "UPDATE ledger_entries SET balance_after = balance_after + 5 WHERE resident_id = :id AND seq = 2",
        "entry 2 does not follow",
    ),
    "points": (
        "UPDATE ledger_entries SET points = points + 1 WHERE resident_id = :id AND seq = 1",
        "entry 1 does not follow",
    ),
    "lots": (
        "UPDATE lots SET remaining = remaining + 1 WHERE resident_id = :id",
        "lots cannot be recomputed",
    ),
    "the last entry": (
        LAST.format(table="ledger_entries"),
        "lots cannot be recomputed",
    ),
    "an action's points": (
        "UPDATE actions SET points = points + 1 WHERE resident_id = :id AND status = 'credited'",
        "points were earned by entries",
    ),
    "a hold": (
        "DELETE FROM holds WHERE resident_id = :id AND state = 'held'",
        "points were spent by entries",
    ),
    "the last redemption": (
        LAST.format(table="redemptions"),
        "an entry names redemption",
    ),
}
"""Name → a damage after which the wallet does not follow from anything, and what is said of it."""
ALL = "balance = balance + 5, adjusted = adjusted + 5, held = held + 1, co2e_mg = co2e_mg - 7, action_seq = 99"


@pytest.fixture
def mend(resident_command):
    """mend(resident_id, status=0) → what the command says."""
    return partial(resident_command, "mend", "--yes")


def state(resident_id):
    return tuple(db.session.execute(STATE, {"who": resident_id}).one())


@pytest.mark.parametrize("column", COLUMNS)
def test_each_column_of_a_wallet_is_put_right(anna, found, damage, mend, column):
    *right, audited = state(anna)
    damage(f"UPDATE wallets SET {COLUMNS[column]} WHERE resident_id = :id", id=anna)
    damaged, *_ = state(anna)
    assert differing(found(), "wallets", anna) or differing(found(), "entries", anna)
    assert f"{column} from {damaged[column]} to {right[0][column]}" in mend(anna)
    assert state(anna) == (*right, audited + 1)
    assert found() == []


@pytest.mark.parametrize("change", ["residents SET hidden = true", "wallets SET frozen = true"])
def test_whoever_is_frozen_is_hidden_and_nobody_else(anna, found, damage, mend, change):
    damage(f"UPDATE {change} WHERE resident_id = :id", id=anna)
    hidden = change.startswith("wallets")
    assert f"hidden from {not hidden} to {hidden}" in mend(anna)
    assert found() == []
    assert db.session.scalar(text("SELECT resident_id FROM resident_changes ORDER BY place DESC")) == anna


def test_who_has_left_is_frozen_and_not_hidden(city, found, damage, mend, new_resident):
    gone = new_resident("gone").resident_id
    with transaction():
        cancelling.erase(gone, by="admin:test")
    damage("UPDATE wallets SET frozen = false WHERE resident_id = :id", id=gone)
    damage("UPDATE residents SET hidden = true WHERE resident_id = :id", id=gone)
    said = mend(gone)
    assert "frozen from False to True" in said
    assert "hidden from True to False" in said
    assert found() == []


def test_everything_at_once_and_everybody_else_is_left_alone(city, found, damage, mend):
    others = {who: state(who)[:2] for name, who in city.items() if name != "anna"}
    damage(f"UPDATE wallets SET {ALL} WHERE resident_id = :id", id=city["anna"])
    mend(city["anna"])
    assert {who: state(who)[:2] for who in others} == others
    assert found() == []


@pytest.mark.parametrize("name", ["anna", "bert", "cora", "dora", "emil"])
def test_what_is_right_stays_whatever_has_happened(city, mend, name):
    before = state(city[name])
    assert mend(city[name]) == f"{city[name]} is right.\n"
    assert state(city[name]) == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE yearly_points SET points = points + 4 WHERE resident_id = :id",
        "DELETE FROM yearly_points WHERE resident_id = :id",
        "INSERT INTO yearly_points (resident_id, year, points) VALUES (:id, 2001, 9)",
    ],
)
def test_points_of_a_year_are_put_right(anna, found, damage, mend, change):
    damage(change, id=anna)
    assert differing(found(), "wallets", anna)
    assert "points_of_2" in mend(anna)
    assert found() == []


@pytest.mark.parametrize("name", BROKEN)
def test_where_the_rows_themselves_differ_nothing_is_changed(anna, damage, mend, name):
    statement, why = BROKEN[name]
    damage(statement, id=anna)
    damage(f"UPDATE wallets SET {ALL} WHERE resident_id = :id", id=anna)
    damage("UPDATE yearly_points SET points = points + 4 WHERE resident_id = :id", id=anna)
    before = state(anna)
    said = mend(anna, status=1)
    assert f"{anna} was not changed: " in said
    assert why in said
    assert "freeze the resident, and look at a backup" in said
    assert state(anna) == before


def test_the_number_of_an_action_that_is_gone_is_not_given_out_again(city, damage, mend, new_resident, do, thing):
    gina = new_resident("gina")
    seq = do(gina, thing("own_bag", "declaration", 2))
    with transaction():
        reverse(resident_id=gina.resident_id, seq=seq, reason="test", by="admin:test", now=clock.now())
    damage("DELETE FROM actions WHERE resident_id = :id", id=gina.resident_id)
    said = mend(gina.resident_id, status=1)
    assert "an entry names action 1, and the last that there is has number 0" in said


def test_an_award_in_between_makes_the_damage_permanent(city, found, damage, mend, new_resident, do, thing):
    gina = new_resident("gina")
    do(gina, thing("own_bag", "declaration", 2))
    off = "UPDATE wallets SET balance = balance + 5, adjusted = adjusted + 5 WHERE resident_id = :id"
    damage(off, id=gina.resident_id)
    mend(gina.resident_id)
    do(gina, thing("own_cup", "declaration", 1))
    assert found() == []
    damage(off, id=gina.resident_id)
    do(gina, thing("own_bag", "declaration", 1))
    assert "entry 3 does not follow from the one before it" in mend(gina.resident_id, status=1)
