"""Entries, lots, wallets and years that are damaged behind our backs are named, with what was expected."""

import pytest

from backend.account import administering, cancelling
from backend.database import transaction
from tests.verification.damages import differing as of

# entries


def test_a_changed_entry(anna, found, damage):
    damage("UPDATE ledger_entries SET points = points + 1 WHERE resident_id = :id AND seq = 2", id=anna)
    differences = found()
    balance = of(differences, "entries", anna)["entry 2: balance after it"]
    assert int(balance[0]) == int(balance[1]) + 1
    assert any(what.startswith("points of the award of action") for what in of(differences, "entries", anna))
    assert "earned" in of(differences, "wallets", anna)


def test_a_changed_balance_in_an_entry(anna, found, damage):
    damage("UPDATE ledger_entries SET balance_after = balance_after + 7 WHERE resident_id = :id AND seq = 1", id=anna)
    assert of(found(), "entries", anna).keys() == {"entry 1: balance after it", "entry 2: balance after it"}


def test_a_deleted_entry(anna, found, damage):
    damage("DELETE FROM ledger_entries WHERE resident_id = :id AND seq = 3", id=anna)
    assert of(found(), "entries", anna)["entry 4: number"] == ("3", "4")


def test_the_last_entry_deleted(anna, found, damage, one):
    last = one("SELECT entry_seq FROM wallets WHERE resident_id = :id", id=anna)
    damage("DELETE FROM ledger_entries WHERE resident_id = :id AND seq = :last", id=anna, last=last)
    assert of(found(), "entries", anna)["number of the last entry"] == (str(last), str(last - 1))


def test_an_entry_on_the_wrong_account(anna, found, damage):
    damage("UPDATE ledger_entries SET contra = 'adjustment' WHERE resident_id = :id AND seq = 1", id=anna)
    what = of(found(), "entries", anna)["entry 1: account, sign and cause of award"]
    assert what[1].startswith("adjustment, ")


def test_an_entry_that_names_another_cause(anna, found, damage):
    damage("UPDATE ledger_entries SET reference_id = 99 WHERE resident_id = :id AND seq = 1", id=anna)
    points = of(found(), "entries", anna)
    assert points["points of the award of action 99"][0] == "no entry"
    assert points["points of the award of action 1"][1] == "no entry"


def the_lot_that_expired(differences, resident):
    """What is said of it, where nothing else differs."""
    (difference,) = differences
    assert (difference.book, difference.subject) == ("entries", str(resident))
    assert difference.what.endswith(": the lot that expired")
    return difference.found


def test_an_expiry_of_no_lot(city, found, damage):
    damage("DELETE FROM lots WHERE resident_id = :id AND closed", id=city["emil"])
    assert the_lot_that_expired(found(), city["emil"]) == "no such lot"


def test_an_expiry_that_names_another_lot(city, found, damage):
    damage("UPDATE ledger_entries SET reference_id = 20990101 WHERE kind = 'expire'")
    assert the_lot_that_expired(found(), city["emil"]) == "no such lot"


def test_an_expiry_that_names_a_lot_of_later(city, found, damage, one):
    day = one("SELECT max(expires_on) FROM lots WHERE resident_id = :id", id=city["emil"])
    damage("UPDATE ledger_entries SET reference_id = :day WHERE kind = 'expire'", day=int(f"{day:%Y%m%d}"))
    assert the_lot_that_expired(found(), city["emil"]) == f"lot of {day}"


# lots and wallets


def test_a_missing_lot(anna, found, damage, one):
    balance = one("SELECT balance FROM wallets WHERE resident_id = :id", id=anna)
    damage("DELETE FROM lots WHERE resident_id = :id", id=anna)
    differences = of(found(), "lots", anna)
    assert differences.pop("sum of the lots") == (str(balance), "0")
    assert set(differences) == {f"hold of redemption {number}: lots" for number in (1, 2, 3)}


def test_points_beside_a_debt(city, found, damage, one):
    cora = city["cora"]
    debt = one("SELECT remaining FROM lots WHERE resident_id = :id AND remaining < 0", id=cora)
    damage(
        "UPDATE lots SET remaining = remaining - 5 WHERE resident_id = :id AND remaining = :debt", id=cora, debt=debt
    )
    damage("UPDATE lots SET remaining = remaining + 5 WHERE resident_id = :id AND remaining = 0", id=cora)
    assert of(found(), "lots", cora)["other lots beside a debt"] == ("0", "5")


def test_points_in_the_lot_of_debts(city, found, damage, one):
    """They would never expire."""
    dora = city["dora"]
    left = one("SELECT sum(remaining)::text FROM lots WHERE resident_id = :id", id=dora)
    damage("UPDATE lots SET expires_on = DATE '9999-12-31' WHERE resident_id = :id AND remaining > 0", id=dora)
    assert of(found(), "lots", dora) == {"lot of 9999-12-31": ("0 or less", left)}


def test_a_closed_lot_with_points_in_it(anna, found, damage, one):
    """Its points would never expire."""
    day, left = one("SELECT row(max(expires_on), max(remaining)) FROM lots WHERE resident_id = :id", id=anna)
    damage("UPDATE lots SET closed = true WHERE resident_id = :id", id=anna)
    (difference,) = found()
    assert (difference.book, difference.subject) == ("lots", str(anna))
    assert difference.what == f"lot of {day}: closed"
    assert difference.found == f"{left} points"


def test_an_empty_lot_that_is_closed_before_its_day_is_over(city, found, damage):
    damage("UPDATE lots SET closed = true WHERE remaining = 0 AND expires_on > now() + interval '3 days'")
    differences = found()
    assert differences
    assert {one.found for one in differences} == {"0 points"}


HELD = (
    '[["2099-12-31", 10]]',
    "[]",
    "{}",
    "null",
    "7",
    "[1]",
    '["2099-12-31", 10]',
    '[["2099-02-31", "x"]]',
    '{"a": [1]}',
)


@pytest.mark.parametrize("lots", HELD)
def test_a_hold_of_points_that_were_in_no_lot(anna, found, damage, lots):
    damage("UPDATE holds SET lots = :lots WHERE resident_id = :id AND reference_id = 1", id=anna, lots=lots)
    (difference,) = found()
    assert (difference.book, difference.subject) == ("lots", str(anna))
    assert difference.what == "hold of redemption 1: lots"
    assert difference.expected == "10 points of lots"
    assert difference.found == lots


@pytest.mark.parametrize("parts", ["[[0, 9]]", "[[0, 11]]", "[[0, 12], [0, -2]]", "[[0, 10], [0, 1]]"])
def test_a_hold_of_more_or_fewer_points_than_were_in_its_lots(anna, found, damage, one, parts):
    day = one("SELECT max(expires_on) FROM lots WHERE resident_id = :id", id=anna)
    lots = parts.replace("[0,", f'["{day}",')
    damage("UPDATE holds SET lots = :lots WHERE resident_id = :id AND reference_id = 1", id=anna, lots=lots)
    assert of(found(), "lots", anna) == {"hold of redemption 1: lots": ("10 points of lots", lots)}


OFF_BY_ONE = (
    "balance = balance + 1, adjusted = adjusted + 1",
    "earned = earned + 1, adjusted = adjusted - 1",
    "expired = expired - 1, adjusted = adjusted - 1",
    "held = held + 1",
    "co2e_mg = co2e_mg + 1",
    "actions = actions - 1",
    "entry_seq = entry_seq + 1",
    "action_seq = action_seq - 1",
    "redemption_seq = redemption_seq + 1",
)


@pytest.mark.parametrize("change", OFF_BY_ONE)
def test_a_wallet_that_is_off_by_one(anna, found, damage, change):
    damage(f"UPDATE wallets SET {change} WHERE resident_id = :id", id=anna)
    differences = found()
    assert differences
    assert {one.subject for one in differences} == {str(anna)}
    assert all(abs(int(one.found) - int(one.expected)) == 1 for one in differences)


def test_two_wallets_off_by_one_either_way_do_not_make_up_for_each_other(city, found, damage):
    damage("UPDATE wallets SET co2e_mg = co2e_mg + 1 WHERE resident_id = :id", id=city["anna"])
    damage("UPDATE wallets SET co2e_mg = co2e_mg - 1 WHERE resident_id = :id", id=city["bert"])
    assert {one.subject for one in found()} == {str(city["anna"]), str(city["bert"])}


def test_a_resident_without_a_wallet(city, found, damage):
    damage("DELETE FROM wallets WHERE resident_id = :id", id=city["dora"])
    assert of(found(), "wallets", city["dora"])["resident and wallet"] == ("both", "no wallet")


HIDDEN, LEFT = "hidden from others, as who is frozen is", "frozen, as who has left is"


@pytest.fixture
def gina(city, new_resident):
    """Her id; nothing has happened to her."""
    return new_resident("gina").resident_id


@pytest.fixture
def freeze(gina):
    with transaction():
        administering.set_frozen(gina, frozen=True, reason="test", by="admin:test")


@pytest.fixture
def leave(gina):
    with transaction():
        cancelling.erase(gina, by="admin:test")


@pytest.mark.parametrize(
    ("before", "change", "named"),
    [
        ((), "wallets SET frozen = true", {HIDDEN: ("true", "false")}),
        ((), "residents SET hidden = true", {HIDDEN: ("false", "true")}),
        (("freeze",), "wallets SET frozen = false", {HIDDEN: ("false", "true")}),
        (("freeze",), "residents SET hidden = false", {HIDDEN: ("true", "false")}),
        (("leave",), "wallets SET frozen = false", {LEFT: ("true", "false")}),
        (("leave",), "residents SET hidden = true", {HIDDEN: ("false", "true")}),
        (("freeze", "leave"), "residents SET hidden = true", {HIDDEN: ("false", "true")}),
    ],
)
def test_who_is_frozen_and_not_hidden_or_the_other_way_round(gina, found, damage, request, before, change, named):
    for what in before:
        request.getfixturevalue(what)
    assert found() == []
    damage(f"UPDATE {change} WHERE resident_id = :id", id=gina)
    differences = found()
    assert of(differences, "wallets", gina) == named
    assert len(differences) == 1


def test_points_of_a_year(anna, found, damage):
    damage("UPDATE yearly_points SET points = points - 4 WHERE resident_id = :id", id=anna)
    ((expected, told),) = of(found(), "wallets", anna).values()
    assert int(expected) - int(told) == 4
