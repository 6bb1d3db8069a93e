"""Whatever is damaged behind our backs is named: whose, in which book, what was expected and what was found."""

import json
from datetime import date

import pytest
from sqlalchemy import text

from backend import redis
from backend.database import db, transaction
from backend.leaderboard.boards import Board
from backend.leaderboard.periods import EVER, Period


@pytest.fixture
def anna(city):
    """Her id."""
    return city["anna"]


@pytest.fixture
def one():
    """A number of the database."""
    return lambda sql, **values: db.session.scalar(text(sql), values)


@pytest.fixture
def key(city):
    """The key of the city's points board of all time."""
    epoch = db.session.scalar(text("SELECT epoch FROM board_state"))
    return Board("points", Period("all", EVER)).key(epoch)


def of(differences, book, subject):
    """What differs in one book of one subject: {what: (expected, found)}."""
    mine = [one for one in differences if one.book == book and one.subject == str(subject)]
    return {one.what: (one.expected, one.found) for one in mine}


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


def test_a_voucher_that_was_given_back_by_nobody(city, found, damage):
    damage("UPDATE vouchers SET resident_id = NULL, redemption_seq = NULL WHERE resident_id IS NOT NULL")
    differences = found()
    assert of(differences, "stock", "gift-voucher") == {"stock: codes left": ("3", "2")}
    assert list(of(differences, "vouchers", city["bert"]).values()) == [("claimed by it", "not claimed")]


# projections


def test_a_total(city, found, damage):
    damage(
        "UPDATE totals SET co2e_mg = co2e_mg + 1 WHERE (partition, day, task_id, district_id, tier) ="
        " (SELECT partition, day, task_id, district_id, tier FROM totals WHERE co2e_mg > 0 LIMIT 1)"
    )
    ((what, (expected, told)),) = of(found(), "totals", "city").items()
    assert what.endswith("milligrams")
    assert int(told) == int(expected) + 1


def test_a_movement(city, found, damage):
    damage("UPDATE movements SET times = times + 1 WHERE kind = 'expire'")
    assert list(of(found(), "movements", "city").values()) == [("1", "2")]


@pytest.mark.parametrize(
    "which",
    [
        "day = '0001-01-01'",
        "day > '0001-01-01' AND task_id = -1 AND district_id = -1",
        "task_id > 0 AND district_id > 0",
    ],
)
def test_a_count_of_participants(city, found, damage, which):
    damage(
        f"UPDATE participants SET residents = residents + 1 WHERE (partition, day, task_id, district_id) ="
        f" (SELECT partition, day, task_id, district_id FROM participants WHERE {which} LIMIT 1)"
    )
    ((expected, told),) = of(found(), "participants", "city").values()
    assert int(told) == int(expected) + 1


def test_a_participation(anna, found, damage):
    damage(
        "DELETE FROM participations WHERE resident_id = :id AND day = (SELECT min(day) FROM participations"
        " WHERE resident_id = :id)",
        id=anna,
    )
    differences = found()
    assert all(pair[1] == "0" for pair in of(differences, "participations", anna).values())
    assert of(differences, "participants", "city")


@pytest.mark.parametrize("period", ["day", "week", "month", "year", "all"])
def test_a_score_of_a_period(anna, found, damage, period):
    damage(
        "UPDATE period_scores SET points = points + 1 WHERE resident_id = :id AND period = :period AND starts_on ="
        " (SELECT max(starts_on) FROM period_scores WHERE resident_id = :id AND period = :period)",
        id=anna,
        period=period,
    )
    ((what, (expected, told)),) = of(found(), "scores", anna).items()
    assert what.startswith(f"{period} from ")
    assert int(told) == int(expected) + 1


def test_points_that_moved_from_one_day_to_another(anna, found, damage, one):
    which = "resident_id = :id AND period = 'day'"
    move = f"UPDATE period_scores SET points = points + :more WHERE {which} AND starts_on = :day"
    damage(move, id=anna, more=1, day=one(f"SELECT min(starts_on) FROM period_scores WHERE {which}", id=anna))
    damage(move, id=anna, more=-1, day=one(f"SELECT max(starts_on) FROM period_scores WHERE {which}", id=anna))
    assert len(of(found(), "scores", anna)) == 2


def test_a_row_of_the_outbox_that_was_lost(city, found, damage):
    damage("DELETE FROM outbox WHERE kind = 'action'")
    differences = found()
    assert {one.book for one in differences} == {"scores", "participations", "totals"}


# boards in Redis


def test_a_score_in_redis_that_differs(anna, found, key):
    score = redis.client().zscore(key, str(anna))
    redis.client().zincrby(key, 1, str(anna))
    ((what, pair),) = of(found(), "boards", anna).items()
    assert what == "score on points:all:2000-01-01:city"
    assert pair == (f"{score:.0f}", f"{score + 1:.0f}")


def test_a_member_that_redis_has_lost(anna, found, key):
    redis.client().zrem(key, str(anna))
    ((_, told),) = of(found(), "boards", anna).values()
    assert told == "no member"


@pytest.mark.parametrize("member", ["4711", "nobody"])
def test_a_member_too_many(city, found, key, member):
    redis.client().zadd(key, {member: 12345})
    assert list(of(found(), "boards", member).values()) == [("no member", "12345")]


def test_boards_that_are_not_there_are_no_difference(city, found):
    redis.client().flushdb()
    assert found() == []


def test_boards_that_are_behind_are_no_difference(anna, found, key):
    with transaction():
        db.session.execute(text("UPDATE board_state SET behind = TRUE"))
    redis.client().zincrby(key, 1, str(anna))
    assert found() == []


# the command


def test_the_command_names_the_difference_and_ends_with_one(app, anna, damage):
    damage("UPDATE wallets SET co2e_mg = co2e_mg + 1 WHERE resident_id = :id", id=anna)
    result = app.test_cli_runner().invoke(args=["verify"])
    assert result.exit_code == 1
    assert "milligrams" in result.output
    assert "1 differences in 5 residents" in result.output


def test_the_command_says_it_in_json_too(app, anna, damage):
    damage("UPDATE actions SET co2e_mg = co2e_mg + 1 WHERE resident_id = :id", id=anna)
    result = app.test_cli_runner().invoke(args=["verify", "--json", "--limit", "2"])
    said = json.loads(result.output)
    assert result.exit_code == 1
    assert (len(said["differences"]), said["count"] > 2, said["residents"]) == (2, True, 5)
    assert said["differences"][0].keys() == {"book", "subject", "what", "expected", "found"}


def test_the_command_says_that_all_agree(app, city):
    result = app.test_cli_runner().invoke(args=["verify"])
    assert result.exit_code == 0
    assert result.output.startswith("5 residents, ")
    assert "all agree" in result.output
