"""Who leaves and signs in again is frozen and in debt as before; and what is kept of those who have left."""

import pytest
from sqlalchemy import select, text, update

from backend import clock
from backend.account import administering, cancelling
from backend.audit.models import AuditRow
from backend.database import db, transaction
from backend.ledger import adjusting
from backend.ledger.adjusting import AdjustmentId
from backend.ledger.models import Adjustment
from backend.residents import cleaning, signing_in
from backend.residents.models import Departure, Identity_, Resident
from backend.rewards.models import Reward
from tests.account.person import DAY, NEW_YEAR, NOON, Person, noon_of, openid_of, slug
from tests.books import differences
from tests.together import together


@pytest.fixture
def set_frozen():
    def decide(person, *, frozen=True, reason="Written steps"):
        with transaction():
            administering.set_frozen(person.resident.resident_id, frozen=frozen, reason=reason, by="admin:li")

    return decide


@pytest.fixture
def owe(app):
    """owe(person, points): an adjustment has left them so far below zero."""

    def take(person, points):
        with transaction():
            asked = adjusting.request(resident_id=person.resident.resident_id, points=-points, reason="x", by="admin:a")
        with transaction():
            adjusting.approve(AdjustmentId(asked.resident_id, asked.id), by="admin:b")

    return take


def test_who_was_frozen_is_frozen_and_reads_why(lin, set_frozen):
    set_frozen(lin)
    shown = lin.leave_and_come()
    assert shown["is_new"] is True
    assert shown["resident"]["frozen"] == {"reason": "Written steps", "since": clock.rfc3339(clock.now())}
    assert slug(lin.act()) == (403, "resident-frozen")
    assert lin.ask("GET", "/me").json == shown["resident"]


def test_what_who_was_frozen_chooses_after_the_return_is_hidden_until_that_is_lifted(lin, set_frozen):
    set_frozen(lin)
    gone = lin.resident.resident_id
    lin.leave_and_come()
    assert lin.resident.hidden
    assert not db.session.get_one(Resident, gone).hidden  # like everybody who has left: it must not tell who this was
    set_frozen(lin, frozen=False)
    assert not lin.resident.hidden


def test_a_freeze_that_was_lifted_after_the_return_does_not_come_back(lin, set_frozen):
    set_frozen(lin)
    lin.leave_and_come()
    set_frozen(lin, frozen=False)
    assert lin.leave_and_come()["resident"]["frozen"] is None


def test_a_freeze_outlasts_leaving_twice(lin, set_frozen):
    set_frozen(lin)
    lin.leave_and_come()
    assert lin.leave_and_come()["resident"]["frozen"]["reason"] == "Written steps"


def test_a_debt_is_owed_again_and_does_not_grow_by_leaving(lin, owe):
    owe(lin, 800)
    for _ in range(2):
        assert lin.leave_and_come()["resident"]["wallet"] == {"balance": -800}
    told = select(Adjustment.points, Adjustment.reason).order_by(Adjustment.resident_id)
    assert [tuple(row) for row in db.session.execute(told)][1:] == [(-800, "owed-on-leaving")] * 2
    trail = select(AuditRow.action, AuditRow.after["points"]).where(AuditRow.actor == "returning")
    assert [tuple(row) for row in db.session.execute(trail)] == [("adjustment.approved", -800)] * 2
    assert differences() == []


def test_what_is_called_off_by_leaving_pays_the_debt_and_counts_against_no_limit(lin, give, owe):
    bag = db.session.scalar(select(Reward.id).where(Reward.code == "cloth_bag", Reward.limit_per_resident == 1))
    for points in (200, 250):
        give(points, to=lin.resident)
        reserved = lin.ask("POST", "/redemptions", {"reward_id": bag, "quantity": 1})
        assert slug(reserved) == (201, "reserved")
        owe(lin, 250)
        assert lin.leave_and_come()["resident"]["wallet"] == {"balance": -50}


def test_what_was_left_over_is_not_given_back(lin, give):
    give(300, to=lin.resident)
    assert lin.leave_and_come()["resident"]["wallet"] == {"balance": 0}


def test_nothing_that_is_kept_tells_who_it_was(lin, set_frozen):
    before = lin.resident.resident_id
    openid = openid_of(before)
    set_frozen(lin)
    lin.leave()
    kept = db.session.scalar(text("SELECT to_jsonb(d) FROM departures d"))
    assert kept.pop("subject_hash") not in {openid, str(before)}
    assert openid not in str(kept)
    assert kept == {
        "provider": "wechat",
        "left_on": NOON.date().isoformat(),
        "year_points": 0,
        "taken": {},
        "owed": 0,
        "frozen": True,
        "frozen_reason": "Written steps",
        "forget_on": kept["forget_on"],
    }


def test_who_comes_back_takes_it_along_and_the_next_leaving_takes_it_from_the_resident(lin):
    lin.leave_and_come()
    assert db.session.query(Departure).count() == 0
    profile = lin.ask("GET", "/me/export").json["profile"][0]
    assert profile["left_on"] == NOON.date().isoformat()
    lin.leave()
    rows = select(Resident.left_on, Resident.left_points, Resident.left_taken)
    assert set(db.session.execute(rows).all()) == {(None, None, None)}


def forgotten(at):
    with transaction():
        return cleaning.forget_departures(now=at, limit=200)


@pytest.mark.parametrize("lasting", [None, "freeze", "debt"])
def test_it_is_forgotten_after_its_time_and_not_before(lin, set_frozen, owe, lasting):
    if lasting == "freeze":
        set_frozen(lin)
    elif lasting == "debt":
        owe(lin, 1)
    lin.leave()
    month_after = noon_of(NOON.date() + 31 * DAY)
    two_years = noon_of(clock.end_of_month_after(NOON.date(), months=24))
    end = two_years if lasting else max(NEW_YEAR, month_after)
    assert forgotten(end - DAY) == 0
    assert forgotten(end) == 1
    assert lin.come()["resident"].items() >= {"frozen": None, "wallet": {"balance": 0}}.items()


def test_what_was_kept_under_a_former_key_is_found(app, lin, set_frozen, set_to):
    set_frozen(lin)
    lin.leave()
    former = app.extensions["settings"].secret_key
    set_to(secret_key="another-key-" * 4, secret_key_fallbacks=("unrelated-" * 4, former))
    assert lin.come()["resident"]["frozen"]["reason"] == "Written steps"


@pytest.mark.parametrize("key", ["the same key", "another key"])
def test_of_two_departures_of_one_person_the_later_holds(app, lin, new_resident, set_frozen, set_to, travel, key):
    set_frozen(lin)
    openid = openid_of(lin.resident.resident_id)
    lin.leave()
    # As code from before there were departures let them in: it took none along.
    again = new_resident("lin").resident_id
    with transaction():
        db.session.execute(update(Identity_).values(provider="wechat", subject=openid))
    if key == "another key":
        set_to(secret_key="another-key-" * 4, secret_key_fallbacks=(app.extensions["settings"].secret_key,))
    travel.move_to(NOON + DAY)
    with transaction():
        administering.set_frozen(again, frozen=True, reason="Two phones", by="admin:li")
    with transaction():
        cancelling.erase(again, by="test")
    assert lin.come()["resident"]["frozen"]["reason"] == "Two phones"
    assert db.session.query(Departure).count() == 0


def test_of_eight_who_come_back_at_once_one_takes_it_along(app, lin, owe):
    owe(lin, 800)
    lin.leave()
    answers = together(app, [Person(app).come] * 8)
    assert sorted(answer["is_new"] for answer in answers) == [False] * 7 + [True]
    assert {answer["resident"]["wallet"]["balance"] for answer in answers} == {-800}
    assert set(db.session.scalars(select(Resident.left_on))) == {None, NOON.date()}


def test_a_sign_in_that_meets_the_leaving_knows_of_it(app, lin, set_frozen, monkeypatch):
    set_frozen(lin)
    known = signing_in._known

    def left_in_between(openid):
        lin.leave()
        return known(openid)

    monkeypatch.setattr(signing_in, "_known", left_in_between)
    assert Person(app).come()["resident"]["frozen"]["reason"] == "Written steps"


def test_who_cannot_sign_in_leaves_no_trace(resident, resident_command):
    resident_command("erase", resident.resident_id, "--yes")
    assert db.session.query(Departure).count() == 0
