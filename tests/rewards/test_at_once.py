"""Redeeming at the same moment: exact counts, whoever comes first."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text

from backend import clock
from backend.database import db, transaction
from backend.errors import RefusalError
from backend.residents import auth
from backend.residents.models import Resident
from backend.rewards import deciding, redeeming
from backend.rewards.models import Redemption, Voucher
from tests.expiry import call_off_overdue
from tests.rewards.stock_books import check_books
from tests.together import together

CROWD = 2_000
CONNECTIONS = 32
PIECES = 100

MANY_PEOPLE = (
    """
    INSERT INTO residents (state, nickname, leaderboard_consent, simulated, token_epoch, joined_at)
    SELECT 'active', '', false, false, 0, :now FROM generate_series(1, :number)
    """,
    """
    INSERT INTO wallets (resident_id, balance, held, earned, spent, expired, adjusted, entry_seq, action_seq,
        redemption_seq, version, co2e_mg, actions, frozen)
    SELECT resident_id, :points, 0, 0, 0, 0, :points, 1, 0, 0, 1, 0, 0, false FROM residents
    """,
    """
    INSERT INTO ledger_entries (resident_id, seq, kind, contra, points, balance_after, reference_kind, reference_id,
        posted_at)
    SELECT resident_id, 1, 'adjust', 'adjustment', :points, :points, 'adjustment', 1, :now FROM residents
    """,
    "INSERT INTO lots (resident_id, expires_on, remaining) SELECT resident_id, :day, :points FROM residents",
)


def outcome(call):
    """`done`, or why it was refused."""
    try:
        with transaction():
            call()
    except RefusalError as error:
        return error.slug
    return "done"


@pytest.mark.slow
def test_two_thousand_residents_redeem_a_hundred_pieces_from_32_connections(app, new_reward, stock):
    reward = new_reward(stock=PIECES, price_points=120)
    reward_id = reward.id
    crowd = people_with_points(CROWD, points=150)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        answers = list(pool.map(lambda token: ask(app, reward_id, token), crowd))
    assert Counter(answers) == {(201, "reserved"): PIECES, (409, "out-of-stock"): CROWD - PIECES}
    assert stock(reward) == 0
    spent = db.session.execute(text("SELECT sum(balance), sum(held), sum(spent) FROM wallets")).one()
    assert tuple(spent) == (CROWD * 150 - PIECES * 120, PIECES * 120, PIECES * 120)
    check_books()


def people_with_points(number, *, points):
    """Tokens of so many residents with so many points each, made in one go."""
    expires_on = clock.end_of_month_after(clock.local_day(clock.now()), months=24)
    values = {"number": number, "points": points, "now": clock.now(), "day": expires_on}
    with transaction():
        for statement in MANY_PEOPLE:
            needed = {name: value for name, value in values.items() if f":{name}" in statement}
            db.session.execute(text(statement), needed)
    return [auth.issue(resident).token for resident in db.session.scalars(select(Resident))]


def ask(app, reward_id, token):
    sent = {"Authorization": f"Bearer {token}", "Idempotency-Key": "flash"}
    answer = app.test_client().post("/api/v1/redemptions", json={"reward_id": reward_id}, headers=sent)
    return answer.status_code, answer.json.get("type") or answer.json["status"]


def test_the_last_voucher_goes_to_one_of_eight_takers(app, new_reward, new_resident, give, stock):
    reward = new_reward("voucher", stock=1)
    takers = [new_resident(f"taker {number}") for number in range(8)]
    for taker in takers:
        give(taker, 100)
    calls = [redeeming_of(taker, reward) for taker in takers]
    assert Counter(together(app, calls)) == {"done": 1, "out-of-stock": 7}
    assert (stock(reward), db.session.scalar(select(func.count(Voucher.resident_id)))) == (0, 1)


def test_eight_vouchers_go_to_eight_takers_and_none_twice(app, new_reward, new_resident, give, redeem):
    reward = new_reward("voucher", stock=8)
    takers = [new_resident(f"taker {number}") for number in range(8)]
    for taker in takers:
        give(taker, 100)
    answers = together(app, [lambda taker=taker: redeem(taker, reward) for taker in takers])
    given = [answer.json["voucher"] for answer in answers]
    assert len(set(given)) == 8


@pytest.mark.parametrize("quantity", [1, 2])
def test_codes_that_are_in_other_hands_at_this_moment_are_passed_over(
    app, new_reward, resident, give, redeem, balance, stock, quantity
):
    """As many as are wanted or none: whoever has them in hand is not waited for."""
    give(resident, 200)
    reward = new_reward("voucher", stock=quantity)
    with transaction():
        db.session.scalar(select(Voucher).where(Voucher.reward_id == reward.id).limit(1).with_for_update())
        (refused,) = together(app, [lambda: redeem(resident, reward, quantity=quantity)])
    assert (refused.status_code, refused.json["type"]) == (409, "out-of-stock")
    assert (balance(resident), stock(reward)) == ((200, 0), quantity)
    assert redeem(resident, reward, quantity=quantity).status_code == 201


def redeeming_of(resident, reward, quantity=1):
    wanted = {"resident_id": resident.resident_id, "reward_id": reward.id, "quantity": quantity}
    return lambda: outcome(lambda: redeeming.redeem(**wanted, now=clock.now()))


def test_a_balance_is_not_spent_twice(app, new_reward, resident, give, balance):
    give(resident, 150)
    rewards = [new_reward(stock=5), new_reward("voucher", stock=5), new_reward("donation")]
    results = together(app, [redeeming_of(resident, reward) for reward in rewards])
    assert Counter(results) == {"done": 1, "insufficient-points": 2}
    assert balance(resident)[0] == 50


def test_a_limit_holds_under_sixteen_requests_at_once(app, new_reward, resident, give):
    give(resident, 1600)
    reward = new_reward(stock=100, limit_per_resident=3, limit_period="day")
    results = together(app, [redeeming_of(resident, reward) for _ in range(16)])
    assert Counter(results) == {"done": 3, "redemption-limit-reached": 13}


@pytest.mark.parametrize("kind", ["pickup", "voucher"])
def test_one_key_twice_at_once_has_one_effect_and_one_answer(app, new_reward, resident, give, redeem, balance, kind):
    give(resident, 1000)
    reward = new_reward(kind, stock=10)
    answers = together(app, [lambda: redeem(resident, reward, key="same") for _ in range(4)])
    given = [answer.json for answer in answers if answer.status_code == 201]
    assert {answer.json["type"] for answer in answers if answer.status_code != 201} <= {"idempotency-in-flight"}
    assert given == [given[0]] * len(given)
    assert sum(balance(resident)) == (1000 if kind == "pickup" else 900)
    assert db.session.scalar(select(func.count()).select_from(Redemption)) == 1


@pytest.mark.parametrize("round_", range(4))
def test_of_cancelling_and_fulfilling_at_once_exactly_one_wins(
    app, new_reward, resident, give, redeem, balance, stock, round_
):
    give(resident, 100)
    reward = new_reward(stock=1)
    redeem(resident, reward)
    owner = resident.resident_id
    calls = [
        lambda: outcome(lambda: deciding.cancel(owner, 1, now=clock.now())),
        lambda: outcome(lambda: deciding.fulfil(owner, 1, by="admin:test", now=clock.now())),
        lambda: outcome(lambda: deciding.call_off(owner, 1, by="admin:test", reason="test", now=clock.now())),
        lambda: outcome(lambda: call_off_overdue(clock.now(), 10)),
    ]
    results = together(app, calls)
    assert Counter(results[:3]) == {"done": 1, "already-decided": 2}
    after = ((0, 0), 0) if results[1] == "done" else ((100, 0), 1)
    assert (balance(resident), stock(reward)) == after


def test_redeemers_and_the_expiry_job_never_wait_for_each_other(app, new_reward, new_resident, give, stock):
    rewards = [new_reward(stock=50, hold_days=1) for _ in range(3)]
    people = [new_resident(f"person {number}") for number in range(6)]
    long_ago = clock.now().replace(year=2020)
    for person in people:
        give(person, 5000)
        for reward in rewards:
            with transaction():
                redeeming.redeem(resident_id=person.resident_id, reward_id=reward.id, quantity=1, now=long_ago)
    calls = [redeeming_of(person, reward) for person in people for reward in reversed(rewards)]
    results = together(app, [*calls[:9], lambda: outcome(lambda: call_off_overdue(clock.now(), 100)), *calls[9:]])
    assert Counter(results) == {"done": 19}
    assert [stock(reward) for reward in rewards] == [44, 44, 44]
