"""Entries, lots, wallets and years that are damaged behind our backs are named, with what was expected."""

import pytest

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


def test_an_expiry_of_no_lot(city, found, damage):
    damage("DELETE FROM lots WHERE resident_id = :id AND remaining = 0 AND expires_on < now()", id=city["emil"])
    damage("UPDATE wallets SET entry_seq = entry_seq + 1 WHERE resident_id = :id", id=city["emil"])
    (what,) = (what for what in of(found(), "entries", city["emil"]) if "the lot that expired" in what)
    assert of(found(), "entries", city["emil"])[what][1] == "no such lot"


# lots and wallets


def test_a_missing_lot(anna, found, damage, one):
    balance = one("SELECT balance FROM wallets WHERE resident_id = :id", id=anna)
    damage("DELETE FROM lots WHERE resident_id = :id", id=anna)
    assert of(found(), "lots", anna) == {"sum of the lots": (str(balance), "0")}


def test_points_beside_a_debt(city, found, damage, one):
    cora = city["cora"]
    debt = one("SELECT remaining FROM lots WHERE resident_id = :id AND remaining < 0", id=cora)
    damage(
        "UPDATE lots SET remaining = remaining - 5 WHERE resident_id = :id AND remaining = :debt", id=cora, debt=debt
    )
    damage("UPDATE lots SET remaining = remaining + 5 WHERE resident_id = :id AND remaining = 0", id=cora)
    assert of(found(), "lots", cora)["other lots beside a debt"] == ("0", "5")


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


def test_points_of_a_year(anna, found, damage):
    damage("UPDATE yearly_points SET points = points - 4 WHERE resident_id = :id", id=anna)
    ((expected, told),) = of(found(), "wallets", anna).values()
    assert int(expected) - int(told) == 4
