"""POST /redemptions: what is given, and what is refused for which reason."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update

from backend import clock
from backend.database import db, transaction
from backend.errors import RefusalError
from backend.ledger import service as ledger
from backend.ledger.models import Wallet
from backend.ledger.service import Reference
from backend.rewards import configuring, redeeming, vouchers
from backend.rewards.models import Redemption, Voucher
from tests.rewards.conftest import DELIVERY

MIDNIGHT = datetime(2026, 11, 30, 16, tzinfo=UTC)
"""The first instant of December in Shanghai."""


def refusal(answer):
    return answer.status_code, answer.json["type"]


def slug_of(**wanted):
    """None, or why the service refuses it."""
    try:
        with transaction():
            redeeming.redeem(**wanted)
    except RefusalError as error:
        return error.slug
    return None


def test_a_voucher_is_given_at_once_and_its_points_are_gone(new_reward, resident, give, redeem, balance, stock):
    reward = new_reward("voucher", stock=2)
    give(resident, 250)
    answer = redeem(resident, reward)
    assert answer.status_code == 201, answer.json
    body = answer.json
    assert (body["status"], body["points"], body["quantity"], body["wallet"]) == ("fulfilled", 100, 1, {"balance": 150})
    assert (body["voucher"], body["vouchers"]) == (body["vouchers"][0], [body["voucher"]])
    assert db.session.scalar(select(Voucher.resident_id).where(Voucher.code == body["voucher"])) == resident.resident_id
    assert body["id"] == f"{resident.resident_id}-1"
    assert "pickup_code" not in body
    assert (balance(resident), stock(reward)) == ((150, 0), 1)


def test_a_code_is_of_the_rewards_own_pool(new_reward, resident, give, redeem, stock):
    other, reward = new_reward("voucher"), new_reward("voucher")
    for pool, code in ((other, "A"), (reward, "B")):
        with transaction():
            vouchers.load(reward_id=pool.id, text=code, by="admin:test")
    give(resident, 100)
    assert redeem(resident, reward).json["vouchers"] == ["B"]
    assert (stock(other), stock(reward)) == (1, 0)


def test_a_donation_is_given_at_once_and_has_no_end(new_reward, resident, give, redeem, balance):
    give(resident, 1000)
    body = redeem(resident, new_reward("donation"), quantity=10).json
    assert (body["status"], body["points"]) == ("fulfilled", 1000)
    assert balance(resident) == (0, 0)


def test_what_is_picked_up_is_reserved_with_a_code(new_reward, resident, give, redeem, balance, stock):
    reward = new_reward(stock=5, hold_days=7)
    give(resident, 250)
    body = redeem(resident, reward, quantity=2).json
    assert (body["status"], body["points"], len(body["pickup_code"])) == ("reserved", 200, 12)
    left = datetime.fromisoformat(body["expires_at"]) - datetime.fromisoformat(body["redeemed_at"])
    assert left == timedelta(days=7)
    assert (balance(resident), stock(reward)) == ((50, 200), 3)


def test_a_delivery_is_sealed_at_rest_and_shown_to_its_resident_alone(
    new_reward, resident, new_resident, give, redeem, client, headers
):
    give(resident, 100)
    body = redeem(resident, new_reward("physical", stock=1), delivery=DELIVERY).json
    assert "delivery" not in body
    sealed = db.session.scalar(select(Redemption.delivery))
    assert all(part not in sealed for part in DELIVERY.values())
    stored = db.session.scalar(text("SELECT body::text FROM idempotency_keys"))
    assert "Yingze" not in stored
    path = f"/api/v1/redemptions/{body['id']}"
    assert client.get(path, headers=headers(resident)).json["delivery"] == DELIVERY
    assert client.get(path, headers=headers(new_resident("other"))).status_code == 404
    listed = client.get("/api/v1/redemptions", headers=headers(resident)).json["items"]
    assert [(item["id"], "delivery" in item) for item in listed] == [(body["id"], False)]


@pytest.mark.parametrize(
    "delivery",
    [
        None,
        {},
        {**DELIVERY, "phone": "call me"},
        {**DELIVERY, "name": " "},
        {**DELIVERY, "address": "x" * 301},
        {**DELIVERY, "address": "a\x00b"},
        {**DELIVERY, "more": "x"},
        "to my door",
    ],
)
def test_what_is_sent_needs_to_know_where(new_reward, resident, give, redeem, delivery):
    give(resident, 100)
    body = {} if delivery is None else {"delivery": delivery}
    assert refusal(redeem(resident, new_reward("physical", stock=1), **body)) == (422, "validation-failed")


def test_nothing_is_sent_for_a_voucher(new_reward, resident, give, redeem):
    give(resident, 100)
    answer = redeem(resident, new_reward("voucher", stock=1), delivery=DELIVERY)
    assert (refusal(answer), answer.json["errors"][0]["field"]) == ((422, "validation-failed"), "delivery")


@pytest.mark.parametrize("quantity", [0, -1, 11, 10**30, 1.5, "2", True, None, float("nan")])
def test_a_quantity_is_a_whole_number_from_one_to_ten(new_reward, resident, give, redeem, quantity):
    give(resident, 100)
    assert redeem(resident, new_reward(stock=20), quantity=quantity).status_code in {400, 422}


@pytest.mark.parametrize("reward_id", [0, -1, 2**31, 10**30, "1", None, True, [1], 1.0])
def test_a_reward_is_named_by_its_number(app, headers, resident, reward_id):
    sent = {**headers(resident), "Idempotency-Key": "k"}
    answer = app.test_client().post("/api/v1/redemptions", json={"reward_id": reward_id}, headers=sent)
    assert answer.status_code == 422, answer.json


def test_a_key_is_required_and_an_unknown_reward_is_not_found(app, headers, resident):
    client = app.test_client()
    assert client.post("/api/v1/redemptions", json={"reward_id": 1}, headers=headers(resident)).status_code == 422
    sent = {**headers(resident), "Idempotency-Key": "k"}
    assert refusal(client.post("/api/v1/redemptions", json={"reward_id": 9999}, headers=sent)) == (404, "not-found")
    assert refusal(client.post("/api/v1/redemptions", json={"reward_id": 1})) == (401, "unauthenticated")


@pytest.mark.parametrize(("points", "status"), [(199, 409), (200, 201), (201, 201)])
def test_the_balance_must_reach_for_all_pieces(new_reward, resident, give, redeem, points, status):
    give(resident, points)
    answer = redeem(resident, new_reward(stock=5), quantity=2)
    assert answer.status_code == status
    if status == 409:
        assert answer.json["type"] == "insufficient-points"
        assert (answer.json["balance"], answer.json["points_needed"]) == (199, 200)


def test_below_zero_nothing_can_be_redeemed(new_reward, resident, give, redeem):
    give(resident, 50)
    with transaction():
        wallet = ledger.lock_wallet(resident.resident_id)
        ledger.claw_back(wallet, points=80, reference=Reference("action", 1), year=2026, now=clock.now())
    assert refusal(redeem(resident, new_reward(stock=1, price_points=1))) == (409, "insufficient-points")


@pytest.mark.parametrize(("stock_now", "quantity", "status"), [(0, 1, 409), (1, 1, 201), (2, 3, 409), (3, 3, 201)])
@pytest.mark.parametrize("kind", ["pickup", "voucher"])
def test_stock_must_reach(new_reward, resident, give, redeem, stock, kind, stock_now, quantity, status):
    reward = new_reward(kind, stock=stock_now)
    give(resident, 1000)
    answer = redeem(resident, reward, quantity=quantity)
    assert answer.status_code == status
    if status == 409:
        assert (answer.json["type"], stock(reward)) == ("out-of-stock", stock_now)


def test_a_frozen_resident_redeems_nothing(new_reward, resident, give, redeem):
    give(resident, 100)
    with transaction():
        ledger.set_frozen(ledger.lock_wallet(resident.resident_id), frozen=True)
    assert refusal(redeem(resident, new_reward(stock=1))) == (403, "resident-frozen")


@pytest.mark.parametrize(("co2e_mg", "status"), [(9_999_999, 409), (10_000_000, 201)])
def test_a_level_must_be_reached(new_reward, resident, give, redeem, co2e_mg, status):
    give(resident, 100)
    with transaction():
        db.session.execute(update(Wallet).where(Wallet.resident_id == resident.resident_id).values(co2e_mg=co2e_mg))
    answer = redeem(resident, new_reward(stock=1, min_level="sapling"))
    assert answer.status_code == status
    if status == 409:
        assert (answer.json["type"], answer.json["min_level"]) == ("level-too-low", "sapling")


def test_a_hidden_reward_is_not_there(new_reward, resident, give, redeem):
    give(resident, 100)
    assert refusal(redeem(resident, new_reward(stock=1, active=False))) == (404, "not-found")


@pytest.mark.parametrize(("seconds", "slug"), [(-1, "not-on-sale"), (0, None), (59, None), (60, "not-on-sale")])
def test_a_window_begins_with_its_first_instant_and_ends_before_its_last(new_reward, resident, give, seconds, slug):
    give(resident, 100)
    terms = {"on_sale_from": MIDNIGHT, "on_sale_until": MIDNIGHT + timedelta(seconds=60)}
    reward = new_reward(stock=1, **terms)
    now = MIDNIGHT + timedelta(seconds=seconds)
    wanted = {"resident_id": resident.resident_id, "reward_id": reward.id, "quantity": 1}
    assert slug_of(**wanted, now=now) == slug


@pytest.mark.parametrize(
    ("period", "before", "slug"),
    [
        ("day", timedelta(microseconds=1), None),
        ("day", timedelta(0), "redemption-limit-reached"),
        ("month", timedelta(microseconds=1), None),
        ("month", timedelta(0), "redemption-limit-reached"),
        ("year", timedelta(microseconds=1), "redemption-limit-reached"),
        ("year", timedelta(days=340), None),
        ("ever", timedelta(days=3000), "redemption-limit-reached"),
    ],
)
def test_a_limit_counts_in_the_citys_own_day_month_or_year(new_reward, resident, give, period, before, slug):
    give(resident, 1000)
    reward = new_reward(stock=9, limit_per_resident=2, limit_period=period)
    wanted = {"resident_id": resident.resident_id, "reward_id": reward.id, "quantity": 1}
    assert slug_of(**wanted, now=MIDNIGHT) is None
    most = 2 if slug is None else 1
    assert slug_of(**{**wanted, "quantity": most}, now=MIDNIGHT - before) is None
    assert slug_of(**{**wanted, "quantity": 2}, now=MIDNIGHT + timedelta(hours=1)) in {slug, "redemption-limit-reached"}
    assert slug_of(**wanted, now=MIDNIGHT + timedelta(hours=1)) == slug


@pytest.mark.parametrize(("quantity", "status"), [(2, 201), (3, 409)])
def test_a_limit_counts_pieces_not_redemptions(new_reward, resident, give, redeem, quantity, status):
    give(resident, 1000)
    reward = new_reward(stock=9, limit_per_resident=3)
    redeem(resident, reward)
    answer = redeem(resident, reward, quantity=quantity)
    assert answer.status_code == status
    if status == 409:
        assert (answer.json["type"], answer.json["limit"], answer.json["used"]) == ("redemption-limit-reached", 3, 1)


def test_a_limit_counts_ones_own_pieces_of_this_reward_alone(new_reward, resident, new_resident, give, redeem):
    reward, another, other = *(new_reward(stock=9, limit_per_resident=1) for _ in range(2)), new_resident("other")
    for person in (resident, other):
        give(person, 200)
    assert [redeem(*asked).status_code for asked in ((other, reward), (resident, another), (resident, reward))] == [
        201
    ] * 3


def test_the_present_price_applies_and_its_version_is_kept(new_reward, resident, give, redeem):
    reward = new_reward(stock=2)
    give(resident, 300)
    first = redeem(resident, reward).json
    with transaction():
        configuring.change(reward.id, {"price_points": 150}, expected=1, by="admin:test")
    second = redeem(resident, reward).json
    assert [(body["points"], body["reward_version"]) for body in (first, second)] == [(100, 1), (150, 2)]


def test_a_key_gets_its_first_answer_again_also_when_nothing_is_left(
    new_reward, resident, new_resident, give, redeem, balance
):
    reward = new_reward(stock=1)
    give(resident, 300)
    other = new_resident("other")
    give(other, 300)
    first = redeem(resident, reward, key="k1")
    assert refusal(redeem(other, reward, key="k1")) == (409, "out-of-stock")
    again = redeem(resident, reward, key="k1")
    assert (again.status_code, again.json, again.headers["Idempotent-Replayed"]) == (201, first.json, "true")
    assert refusal(redeem(resident, reward, key="k1", quantity=2)) == (422, "idempotency-key-reused")
    assert balance(resident) == (200, 100)
