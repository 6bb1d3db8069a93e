"""What becomes of a reserved redemption: cancelled, fulfilled, expired; what comes back and where to."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from backend import clock
from backend.audit.models import AuditRow
from backend.database import db, transaction
from backend.ledger import service as ledger
from backend.ledger.models import Hold, Lot
from backend.ledger.service import Reference
from backend.rewards import deciding, delivery, pickup_codes, redeeming
from backend.rewards.models import Redemption
from tests.expiry import call_off_overdue
from tests.rewards.conftest import DELIVERY

HAND_OVER = "/api/v1/admin/redemptions/pickup"


@pytest.fixture
def reserved(app, new_reward, resident, give):
    """reserved(kind) → the id of a redemption of 100 points that the resident has reserved."""

    def make(kind="pickup", *, now=None, **terms):
        give(resident, 100)
        reward = new_reward(kind, stock=1, **terms)
        wanted = {"delivery": DELIVERY if kind == "physical" else None, "now": now or clock.now()}
        with transaction():
            done = redeeming.redeem(resident_id=resident.resident_id, reward_id=reward.id, quantity=1, **wanted)
        return f"{resident.resident_id}-{done.redemption.seq}"

    return make


def lots(resident):
    rows = db.session.execute(select(Lot.expires_on, Lot.remaining).where(Lot.resident_id == resident.resident_id))
    return {day: points for day, points in rows.all() if points}


def test_a_resident_cancels_and_gets_everything_back(client, headers, resident, reserved, balance):
    first = reserved(limit_per_resident=1)
    answer = client.post(f"/api/v1/redemptions/{first}/cancel", headers=headers(resident))
    assert (answer.status_code, answer.json["status"], answer.json["wallet"]) == (200, "cancelled", {"balance": 100})
    again = client.post(f"/api/v1/redemptions/{first}/cancel", headers=headers(resident))
    assert (again.status_code, again.json["type"], again.json["status_now"]) == (409, "already-decided", "cancelled")
    assert balance(resident) == (100, 0)


@pytest.mark.parametrize(("by", "days"), [("resident", 5), ("admin", 30), ("nobody", 5)])
def test_only_the_city_puts_off_when_points_expire(client, headers, admin_headers, resident, reserved, by, days):
    """Else who reserves and cancels once a month keeps points for ever."""
    first = reserved(hold_days=1)
    owner = int(first.split("-")[0])
    today = clock.local_day(clock.now())
    soon = [[(today + timedelta(days=5)).isoformat(), 100]]
    with transaction():
        db.session.execute(update(Hold).where(Hold.resident_id == owner).values(lots=soon))
    if by == "resident":
        assert client.post(f"/api/v1/redemptions/{first}/cancel", headers=headers(resident)).status_code == 200
    elif by == "admin":
        url, reason = f"/api/v1/admin/redemptions/{first}/cancel", {"reason": "out of order"}
        assert client.post(url, json=reason, headers=admin_headers()).status_code == 200
    else:
        with transaction():
            assert call_off_overdue(clock.now() + timedelta(days=2), 10) == 1
    assert lots(resident) == {today + timedelta(days=days): 100}


def test_what_is_cancelled_does_not_count_against_the_limit(new_reward, resident, give, redeem, client, headers):
    give(resident, 100)
    reward = new_reward(stock=1, limit_per_resident=1)
    for _ in range(3):
        made = redeem(resident, reward)
        assert made.status_code == 201
        client.post(f"/api/v1/redemptions/{made.json['id']}/cancel", headers=headers(resident))


@pytest.mark.parametrize(
    "redemption_id", ["1", "1-", "-1", "x-1", "1-99", "99999999999999999999-1", "1-99999999999", "²-1"]
)
def test_what_is_no_redemption_of_mine_is_not_found(client, headers, resident, redemption_id):
    for method, path in (("get", ""), ("post", "/cancel")):
        answer = getattr(client, method)(f"/api/v1/redemptions/{redemption_id}{path}", headers=headers(resident))
        assert answer.status_code == 404


def test_nobody_cancels_for_somebody_else(client, headers, new_resident, reserved):
    mine = reserved()
    answer = client.post(f"/api/v1/redemptions/{mine}/cancel", headers=headers(new_resident("other")))
    assert answer.status_code == 404


@pytest.mark.parametrize("kind", ["voucher", "donation"])
def test_what_is_fulfilled_at_once_cannot_be_cancelled(client, headers, resident, new_reward, give, redeem, kind):
    give(resident, 100)
    made = redeem(resident, new_reward(kind, stock=None if kind == "donation" else 1)).json
    answer = client.post(f"/api/v1/redemptions/{made['id']}/cancel", headers=headers(resident))
    assert (answer.status_code, answer.json["type"]) == (409, "already-decided")


def test_points_go_back_into_the_lots_that_they_came_from_and_expired_ones_end_today(new_reward, resident, give):
    give(resident, 60, days_ago=730)
    give(resident, 60)
    before = lots(resident)
    soon, late = sorted(before)
    today = clock.local_day(clock.now())
    reward = new_reward(stock=1)
    with transaction():
        redeeming.redeem(resident_id=resident.resident_id, reward_id=reward.id, quantity=1, now=clock.now())
    assert list(lots(resident).values()) == [20]
    after_the_first_expired = clock.day_bounds(soon)[1] + timedelta(hours=1)
    with transaction():
        deciding.cancel(resident.resident_id, 1, now=after_the_first_expired)
    revived = clock.local_day(after_the_first_expired)
    assert today <= soon < revived < late
    assert lots(resident) == {revived: 60, late: 60}


def test_points_that_come_back_pay_a_debt_first(resident, reserved, balance):
    reserved()
    with transaction():
        wallet = ledger.lock_wallet(resident.resident_id)
        ledger.claw_back(wallet, points=30, reference=Reference("action", 1), year=2026, now=clock.now())
    assert balance(resident) == (-30, 100)
    with transaction():
        deciding.cancel(resident.resident_id, 1, now=clock.now())
    assert (balance(resident), list(lots(resident).values())) == ((70, 0), [70])


def test_a_merchant_hands_over_what_the_code_stands_for_once(
    client, admin_headers, headers, resident, reserved, balance
):
    mine = reserved()
    code = client.get(f"/api/v1/redemptions/{mine}", headers=headers(resident)).json["pickup_code"]
    typed = f"{code[:4]}-{code[4:8]} {code[8:]}".lower()
    answer = client.post(HAND_OVER, json={"pickup_code": typed}, headers=admin_headers("fulfiller"))
    assert (answer.status_code, answer.json["status"], answer.json["id"]) == (200, "fulfilled", mine)
    assert "pickup_code" not in answer.json
    again = client.post(HAND_OVER, json={"pickup_code": typed}, headers=admin_headers("fulfiller"))
    assert (again.status_code, again.json["type"]) == (409, "already-decided")
    assert balance(resident) == (0, 0)


def test_a_code_that_is_not_quite_right_hands_nothing_over(client, admin_headers, headers, resident, reserved):
    mine = reserved()
    code = client.get(f"/api/v1/redemptions/{mine}", headers=headers(resident)).json["pickup_code"]
    other = pickup_codes.ALPHABET[pickup_codes.ALPHABET.index(code[-1]) - 1]
    for wrong in (code[:-1] + other, code[:-1], code + "0", "0" + code, "!", "0" * 40, "Z" * 40, "²" * 12):
        answer = client.post(HAND_OVER, json={"pickup_code": wrong}, headers=admin_headers("fulfiller"))
        assert answer.status_code in {404, 422}, wrong
    assert client.get(f"/api/v1/redemptions/{mine}", headers=headers(resident)).json["status"] == "reserved"


@given(resident_id=st.integers(1, 2**63 - 1), seq=st.integers(1, 2**31 - 1))
def test_a_code_says_whose_redemption_it_stands_for(resident_id, seq):
    code = pickup_codes.new(resident_id=resident_id, seq=seq)
    assert pickup_codes.read(code) == (resident_id, seq, code)
    misread = code.replace("0", "o").replace("1", "l").lower()
    assert pickup_codes.read(misread) == (resident_id, seq, code)
    assert len(code) <= 30


@pytest.mark.parametrize(
    ("resident_id", "seq", "length"), [(1, 1, 12), (2**25 - 1, 15, 12), (2**25, 15, 13), (1, 16, 13), (1, 256, 14)]
)
def test_codes_are_short(resident_id, seq, length):
    assert len(pickup_codes.new(resident_id=resident_id, seq=seq)) == length


def test_a_code_cannot_be_foretold():
    assert len({pickup_codes.new(resident_id=7, seq=1) for _ in range(50)}) == 50


def test_nothing_is_handed_over_to_a_frozen_resident(client, admin_headers, resident, reserved):
    mine = reserved()
    with transaction():
        ledger.set_frozen(ledger.lock_wallet(resident.resident_id), frozen=True)
    path = f"/api/v1/admin/redemptions/{mine}"
    answer = client.post(f"{path}/fulfil", headers=admin_headers("fulfiller"))
    assert (answer.status_code, answer.json["type"]) == (409, "owner-frozen")
    answer = client.post(f"{path}/cancel", json={"reason": "fraud"}, headers=admin_headers("fulfiller"))
    assert (answer.status_code, answer.json["status"], answer.json["reason"]) == (200, "cancelled", "fraud")


def trail():
    rows = db.session.scalars(select(AuditRow).where(AuditRow.object_kind == "redemption").order_by(AuditRow.id))
    return [(row.actor, row.action, row.object_id, row.after) for row in rows]


def test_the_trail_says_who_handed_over_and_who_called_off(client, admin_headers, headers, resident, reserved):
    handed, sent, called_off = reserved(), reserved("physical"), reserved()
    code = client.get(f"/api/v1/redemptions/{handed}", headers=headers(resident)).json["pickup_code"]
    signed = admin_headers("fulfiller")
    assert client.post(HAND_OVER, json={"pickup_code": code}, headers=signed).status_code == 200
    assert client.post(f"/api/v1/admin/redemptions/{sent}/fulfil", headers=signed).status_code == 200
    path = f"/api/v1/admin/redemptions/{called_off}/cancel"
    assert client.post(path, json={"reason": "broken"}, headers=signed).status_code == 200
    assert client.post(path, json={"reason": "broken"}, headers=signed).status_code == 409
    fulfilled = {"status": "fulfilled", "reason": None}
    assert trail() == [
        ("fulfiller", "redemption.fulfilled", handed, fulfilled),
        ("fulfiller", "redemption.fulfilled", sent, fulfilled),
        ("fulfiller", "redemption.cancelled", called_off, {"status": "cancelled", "reason": "broken"}),
    ]


def test_what_residents_and_the_clock_do_is_told_by_the_redemption(client, headers, resident, reserved):
    given_up = reserved()
    reserved()
    assert client.post(f"/api/v1/redemptions/{given_up}/cancel", headers=headers(resident)).status_code == 200
    with transaction():
        assert call_off_overdue(clock.now() + timedelta(days=31), 10) == 1
    assert trail() == []
    by = select(Redemption.decided_by).order_by(Redemption.seq)
    assert db.session.scalars(by).all() == [f"resident:{resident.resident_id}", "job:expire"]


@pytest.mark.parametrize(("microseconds", "slug"), [(-1, None), (0, "redemption-expired")])
def test_a_redemption_can_be_fulfilled_until_just_before_it_expires(resident, reserved, microseconds, slug):
    now = clock.now()
    reserved(now=now, hold_days=3)
    moment = now + timedelta(days=3, microseconds=microseconds)
    refused = None
    try:
        with transaction():
            deciding.fulfil(resident.resident_id, 1, by="admin:test", now=moment)
    except deciding.RedemptionOverdueError as error:
        refused = error.slug
    assert refused == slug


@pytest.mark.parametrize(("microseconds", "expired"), [(-1, 0), (0, 1)])
def test_what_is_not_collected_expires_with_everything_returned(resident, reserved, balance, microseconds, expired):
    now = clock.now()
    reserved("physical", now=now, hold_days=3)
    moment = now + timedelta(days=3, microseconds=microseconds)
    with transaction():
        assert call_off_overdue(moment, 10) == expired
    with transaction():
        assert call_off_overdue(moment, 10) == 0
    assert balance(resident) == ((100, 0) if expired else (0, 100))
    row = db.session.scalar(select(Redemption))
    assert (row.status, row.delivery is None) == (("expired", True) if expired else ("reserved", False))


def test_what_is_overdue_is_found_resident_by_resident(new_reward, new_resident, give):
    """So wallets are locked in order, whichever was due first."""
    reward, now = new_reward(stock=2, hold_days=1), clock.now()
    people = [new_resident(f"r{number}") for number in range(2)]
    for person, days in zip(people, (2, 3), strict=True):
        give(person, 100)
        wanted = {"resident_id": person.resident_id, "reward_id": reward.id, "quantity": 1}
        with transaction():
            redeeming.redeem(**wanted, now=now - timedelta(days=days))
    assert deciding.find_overdue(now=now, limit=9) == [(person.resident_id, 1) for person in people]


def test_the_expiry_job_takes_no_more_than_it_is_told(resident, reserved):
    long_ago = clock.now() - timedelta(days=100)
    for _ in range(5):
        reserved(now=long_ago)
    counts = []
    for _ in range(4):
        with transaction():
            counts.append(call_off_overdue(clock.now(), 2))
    assert counts == [2, 2, 1, 0]


def test_deliveries_are_forgotten_a_while_after(resident, reserved):
    for _ in range(3):
        reserved("physical")
    now = clock.now()
    for seq, days in ((1, 90), (2, 91)):
        with transaction():
            deciding.fulfil(resident.resident_id, seq, by="admin:test", now=clock.now())
            db.session.execute(
                update(Redemption).where(Redemption.seq == seq).values(decided_at=now - timedelta(days=days))
            )
    with transaction():
        assert delivery.forget(decided_before=now - timedelta(days=90), limit=10) == 1
    kept = db.session.scalars(select(Redemption.seq).where(Redemption.delivery.is_not(None)).order_by(Redemption.seq))
    assert kept.all() == [1, 3]
