"""Actions, partners' records and redemptions that are damaged behind our backs are named."""

from datetime import date

import pytest

from tests.verification.damages import differing as of

# actions


def test_grams_that_do_not_follow_from_the_factor(anna, found, damage, one):
    grams = one("SELECT co2e_mg FROM actions WHERE resident_id = :id AND seq = 1", id=anna)
    damage("UPDATE actions SET co2e_mg = co2e_mg + 1 WHERE resident_id = :id AND seq = 1", id=anna)
    assert of(found(), "actions", anna)["action 1: milligrams of 2000.000 x 95.3"] == (str(grams), str(grams + 1))


def test_changed_points(anna, found, damage):
    damage("UPDATE actions SET points = points + 1 WHERE resident_id = :id AND seq = 1", id=anna)
    differences = found()
    assert of(differences, "actions", anna)["action 1: points"] == ("9", "10")
    assert of(differences, "entries", anna)["points of the award of action 1"] == ("10", "9")


def test_points_that_no_cap_has_cut(city, found, damage, one):
    bert = city["bert"]
    capped = one("SELECT seq FROM actions WHERE resident_id = :id AND capped_by IS NOT NULL LIMIT 1", id=bert)
    damage("UPDATE actions SET capped_by = NULL WHERE resident_id = :id AND seq = :seq", id=bert, seq=capped)
    assert of(found(), "actions", bert).keys() == {f"action {capped}: points"}


def test_a_factor_changed_behind_our_back(city, found, damage):
    damage(
        "UPDATE emission_factors SET value_mg = value_mg + 1 WHERE code = (SELECT baseline_factor FROM methodologies"
        " WHERE code = 'walk_steps' LIMIT 1)"
    )
    assert of(found(), "actions", city["bert"])["action 1: milligrams of 40000.000 x 21"] == ("630000", "600000")


def test_a_factor_that_was_not_valid_yet(city, found, damage):
    damage("UPDATE emission_factors SET valid_from = :day", day=date(2099, 1, 1))
    assert any(one.what.endswith("factor versions") and one.found == "not valid" for one in found())


def test_a_methodology_that_is_not_the_tasks(anna, found, damage):
    damage(
        "UPDATE actions SET methodology_id = NULL, baseline_factor_id = NULL, project_factor_id = NULL"
        " WHERE resident_id = :id AND seq = 1",
        id=anna,
    )
    assert of(found(), "actions", anna)["action 1: methodology and factors"][1] == "none"


def test_evidence_that_the_task_does_not_accept(anna, found, damage):
    damage("UPDATE actions SET tier = 'photo' WHERE resident_id = :id AND seq = 1", id=anna)
    assert of(found(), "actions", anna)["action 1: rules"][1] == "evidence not accepted"


def test_an_action_on_another_day(anna, found, damage):
    damage("UPDATE actions SET local_day = local_day - 1 WHERE resident_id = :id AND seq = 1", id=anna)
    assert "action 1: day" in of(found(), "actions", anna)


def test_an_action_before_all_days(anna, found, damage):
    damage("UPDATE actions SET local_day = '1987-01-01' WHERE resident_id = :id AND seq = 1", id=anna)
    assert of(found(), "actions", anna)["action 1: day"][1] == "1987-01-01"


def test_a_missing_action(anna, found, damage):
    damage("DELETE FROM actions WHERE resident_id = :id AND seq = 2", id=anna)
    assert "actions from 1 to the last, without gaps" in of(found(), "wallets", anna)


def test_an_absurd_number_does_not_stop_verify(anna, found, damage):
    damage(
        "UPDATE actions SET co2e_mg = 9000000000000000000, points = 9000000000000000000"
        " WHERE resident_id = :id AND seq = 1",
        id=anna,
    )
    assert of(found(), "actions", anna)["action 1: points"][1] == "9000000000000000000"


def is_of(found, resident, what):
    """What the book of actions says under that name, and that nothing else differs anywhere."""
    (difference,) = found()
    assert (difference.book, difference.subject, difference.what) == ("actions", str(resident), what)
    return difference.expected, difference.found


RIDE = "WHERE resident_id = :id AND seq = 3"
"""A credited bike ride that she declared: 2 km in 15 minutes."""


def test_a_trip_without_an_end(anna, found, damage):
    damage(f"UPDATE actions SET ended_at = NULL {RIDE}", id=anna)
    expected, told = is_of(found, anna, "action 3: end")
    assert expected.startswith("after ")
    assert told == "none"


@pytest.mark.parametrize("end", ["happened_at", "happened_at - interval '1 microsecond'", "'infinity'", "'-infinity'"])
def test_a_trip_that_does_not_end_after_its_beginning_or_never(anna, found, damage, end):
    damage(f"UPDATE actions SET ended_at = {end} {RIDE}", id=anna)
    assert "action 3: end" in of(found(), "actions", anna)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ended_at = happened_at + interval '1 second'", "2000 m in 1 s"),
        ("ended_at = happened_at + interval '287.999999 seconds'", "2000 m in 287.999999 s"),
        ("ended_at = happened_at + interval '288 seconds'", None),
    ],
)
def test_a_trip_faster_than_its_task_allows(anna, found, damage, change, told):
    damage(f"UPDATE actions SET {change} {RIDE}", id=anna)
    if told is None:
        assert found() == []
    else:
        assert is_of(found, anna, "action 3: speed") == ("at most 25 km/h", told)


@pytest.mark.parametrize("end", ["happened_at + interval '21600.000001 seconds'", "'200000-01-01'"])
def test_a_trip_longer_than_its_task_allows(anna, found, damage, end):
    damage(f"UPDATE actions SET ended_at = {end} {RIDE}", id=anna)
    assert of(found(), "actions", anna)["action 3: end"][0].endswith(", by 21600 s at most")


def test_a_trip_as_long_as_its_task_allows(anna, found, damage):
    damage(f"UPDATE actions SET ended_at = happened_at + interval '21600 seconds' {RIDE}", id=anna)
    assert found() == []


@pytest.mark.parametrize(("quantity", "differs"), [("100000", False), ("100000.001", True), ("99999999999", True)])
def test_a_quantity_beyond_what_counts_and_what_may_be_claimed(city, found, damage, quantity, differs):
    """Grams and points are those of 30,000 steps, however many there are."""
    bert = city["bert"]
    damage("UPDATE actions SET quantity = :quantity WHERE resident_id = :id AND seq = 1", id=bert, quantity=quantity)
    if differs:
        assert is_of(found, bert, "action 1: quantity") == ("1000 to 100000", quantity)
    else:
        assert found() == []


def test_a_quantity_below_what_may_be_claimed(anna, found, damage, one):
    """Nothing else follows from it: own cups have no methodology, and give one point each time."""
    seq = one("SELECT max(seq) FROM actions WHERE resident_id = :id", id=anna)
    damage("UPDATE actions SET quantity = 0.999 WHERE resident_id = :id AND seq = :seq", id=anna, seq=seq)
    assert is_of(found, anna, f"action {seq}: quantity") == ("1 to 1", "0.999")


@pytest.mark.parametrize("most", ["40000", '"40000"'])
def test_a_quantity_beyond_what_its_tier_may_claim(city, found, damage, most):
    """A rule has it as a number where it came with the first catalogue, and as text where an admin has changed it."""
    damage(
        "UPDATE task_versions SET evidence = jsonb_set(evidence, '{0,quantity_max}', :most)"
        " WHERE methodology = 'walk_steps'",
        most=most,
    )
    assert found() == []
    damage("UPDATE actions SET quantity = 40000.001 WHERE resident_id = :id AND seq = 1", id=city["bert"])
    assert is_of(found, city["bert"], "action 1: quantity") == ("1000 to 40000", "40000.001")


def test_an_overlapping_trip(anna, found, damage):
    damage(
        "UPDATE actions SET ended_at = ended_at + interval '2 hours' WHERE resident_id = :id AND seq ="
        " (SELECT seq FROM actions WHERE resident_id = :id AND ended_at IS NOT NULL"
        " ORDER BY happened_at DESC OFFSET 1 LIMIT 1)",
        id=anna,
    )
    (what,) = of(found(), "trips", anna)
    assert what.startswith("trip ")


def test_more_actions_than_a_day_allows(city, found, damage):
    damage("UPDATE task_versions SET limit_count = 1")
    assert any(one.book == "limits" and one.expected == "at most 1" for one in found())


def test_more_points_than_a_task_may_earn_a_day(city, found, damage):
    damage("UPDATE task_versions SET points_cap_day = 99 WHERE points_cap_day = 100")
    assert any(
        one.expected == "at most 99" and one.found == "100" for one in found() if one.subject == str(city["bert"])
    )


# partners' records


def test_an_orphan_record_of_a_partner(anna, found, damage):
    damage(
        "INSERT INTO external_events (partner_id, external_id, resident_id, action_seq, received_at)"
        " VALUES (3, 'orphan', :id, 77, now())",
        id=anna,
    )
    assert of(found(), "events", anna) == {
        "record of partner 3 for action 77": ("no record: there is no such action", "1")
    }


def test_an_action_without_its_partner_and_its_record(anna, found, damage, one):
    """The partner could send it once more."""
    seq = one("SELECT min(seq) FROM actions WHERE resident_id = :id AND partner_id IS NOT NULL", id=anna)
    damage("DELETE FROM external_events WHERE resident_id = :id AND action_seq = :seq", id=anna, seq=seq)
    damage("UPDATE actions SET partner_id = NULL WHERE resident_id = :id AND seq = :seq", id=anna, seq=seq)
    assert is_of(found, anna, f"action {seq}: partner") == ("one", "none")


def test_an_action_without_its_partners_record(anna, found, damage):
    damage("DELETE FROM external_events WHERE resident_id = :id", id=anna)
    assert set(of(found(), "events", anna).values()) == {("1", "0")}


# redemptions


def test_a_hold_without_a_redemption(anna, found, damage):
    damage(
        "INSERT INTO holds (resident_id, reference_kind, reference_id, points, state, lots, created_at)"
        " VALUES (:id, 'redemption', 88, 1, 'captured', '[]', now())",
        id=anna,
    )
    differences = found()
    assert of(differences, "redemptions", anna) == {"hold of redemption 88": ("no hold", "1 captured")}
    assert of(differences, "entries", anna) == {"points of the redeem of redemption 88": ("-1", "no entry")}


def test_a_hold_in_the_wrong_state(anna, found, damage):
    damage("UPDATE redemptions SET status = 'fulfilled' WHERE resident_id = :id AND status = 'reserved'", id=anna)
    assert set(of(found(), "redemptions", anna).values()) == {("10 captured", "10 held")}


def test_a_redemption_at_another_price(anna, found, damage):
    damage("UPDATE reward_versions SET terms = jsonb_set(terms, '{price_points}', '11') WHERE version = 1")
    assert ("11", "10") in of(found(), "redemptions", anna).values()


def test_stock_that_nobody_moved(city, found, damage):
    damage("UPDATE rewards SET stock = stock + 1 WHERE code = 'gift-pickup'")
    assert of(found(), "stock", "gift-pickup") == {"stock: moved less redeemed": ("3", "4")}


@pytest.mark.parametrize(("code", "left"), [("gift-pickup", "3"), ("gift-voucher", "2"), ("gift-donation", "5")])
def test_stock_without_a_number(city, found, damage, code, left):
    """It would be without limit."""
    damage("UPDATE rewards SET stock = NULL WHERE code = :code", code=code)
    differences = of(found(), "stock", code)
    assert differences["stock: moved less redeemed"] == (left, "none")


def test_a_donation_without_limit_has_no_number(city, found, damage):
    damage("UPDATE rewards SET stock = NULL WHERE kind = 'donation' AND code <> 'gift-donation'")
    assert found() == []


def test_a_voucher_that_was_given_back_by_nobody(city, found, damage):
    damage("UPDATE vouchers SET resident_id = NULL, redemption_seq = NULL WHERE resident_id IS NOT NULL")
    differences = found()
    assert of(differences, "stock", "gift-voucher") == {"stock: codes left": ("3", "2")}
    assert list(of(differences, "vouchers", city["bert"]).values()) == [("claimed by it", "not claimed")]
