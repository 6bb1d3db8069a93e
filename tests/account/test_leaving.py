"""GET /me/export and DELETE /me."""

import json
from datetime import date, timedelta

import pytest
from sqlalchemy import select, text, update

from backend import clock, sealing
from backend.account import exporting
from backend.actions.models import Action
from backend.database import db, transaction
from backend.ledger.models import LedgerEntry, Wallet
from backend.partners.models import Binding, Partner
from backend.residents.models import Consent, IdempotencyKey, Identity_, Move, Resident
from backend.rewards.models import Redemption, Reward
from backend.rewards.redeeming import redeem
from tests.books import differences
from tests.sent_statements import noticed
from tests.together import together

SECRETS = (
    "openid-of-lin",
    "their-user-7",
    "13800000000",
    "Lin",
    "lin.png",
    "sealed-key",
    "photo.example",
    "note",
    "1999-12-31",
)


@pytest.fixture
def full_life(resident, earn, give, app):
    """A resident about whom everything is held that can be."""
    earn("no_cutlery")
    give(500)
    who = resident.resident_id
    with transaction():
        reward = db.session.scalars(select(Reward).where(Reward.code == "thermos_cup")).first()
        reward = reward or db.session.scalars(select(Reward)).first()
        db.session.execute(
            update(Resident).values(nickname="Lin", avatar_url="https://x/lin.png", session_key="sealed-key")
        )
        db.session.execute(update(Identity_).values(provider="wechat", subject="openid-of-lin"))
        db.session.execute(
            update(Action).values(
                evidence={"photo_url": "photo.example", "note": "note"},
                client_reference="ref-1",
                decided_by="admin:wang.li",
            )
        )
        partner = db.session.scalars(select(Partner)).first()
        db.session.add_all(
            [
                Binding(partner_id=partner.id, subject="their-user-7", resident_id=who, bound_at=clock.now()),
                Move(resident_id=who, day=date(1999, 12, 31), district_id=1),
                Consent(resident_id=who, purpose="leaderboard", version="1", given_at=clock.now()),
                IdempotencyKey(
                    resident_id=who,
                    key="k",
                    request_hash="h",
                    body={"phone": "13800000000"},
                    created_at=clock.now(),
                ),
                Redemption(
                    resident_id=who,
                    seq=1,
                    reward_id=reward.id,
                    reward_version=1,
                    quantity=1,
                    points=100,
                    status="fulfilled",
                    voucher_codes=["V-1"],
                    delivery=sealing.seal(json.dumps({"name": "Lin", "phone": "13800000000"})),
                    redeemed_at=clock.now(),
                    decided_by="admin:wang.li",
                ),
            ]
        )
    return resident


def everything_about(resident_id):
    """All rows of all tables that belong to the resident, as text."""
    tables = db.session.scalars(
        text(
            "SELECT table_name FROM information_schema.columns"
            " WHERE column_name = 'resident_id' AND table_schema = 'public'"
        )
    ).all()
    rows = [
        db.session.scalars(text(f'SELECT t::text FROM "{table}" t WHERE resident_id = :who'), {"who": resident_id})
        for table in tables
    ]
    return "\n".join(str(row) for found in rows for row in found)


def test_the_export_holds_everything(me, full_life):
    answer = me("GET", "/me/export")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    held = answer.json
    assert set(held) == {"exported_at", *exporting.SECTIONS}
    assert all(held[name] for name in held if name not in {"holds", "adjustments", "freezes"})
    assert held["identities"] == [{"provider": "wechat", "subject": "openid-of-lin"}]
    assert held["actions"][0]["task"] == "no_cutlery"
    assert held["actions"][0]["evidence"]["photo_url"] == "photo.example"
    assert held["redemptions"][0]["delivery"] == {"name": "Lin", "phone": "13800000000"}
    assert [entry["points"] for entry in held["entries"]] == [5, 500]


def test_the_export_never_holds_the_session_key(me, full_life):
    assert "sealed-key" not in me("GET", "/me/export").text


def test_the_export_names_no_admin(me, full_life):
    assert "wang.li" not in me("GET", "/me/export").text


def test_a_long_history_is_exported_whole(me, give, monkeypatch):
    monkeypatch.setattr(exporting, "ROWS", 3)
    for points in range(1, 9):
        give(points)
    assert [entry["points"] for entry in me("GET", "/me/export").json["entries"]] == list(range(1, 9))


@pytest.mark.parametrize("entries", [2, 3, 4])
def test_an_export_is_whole_where_a_page_just_ends(me, give, monkeypatch, entries):
    monkeypatch.setattr(exporting, "ROWS", 3)
    for points in range(1, entries + 1):
        give(points)
    assert len(me("GET", "/me/export").json["entries"]) == entries


def test_after_leaving_nothing_personal_is_held_anywhere(me, full_life):
    assert all(secret in everything_about(full_life.resident_id) for secret in ("Lin", "their-user-7", "photo"))
    assert me("DELETE").status_code == 204
    left = everything_about(full_life.resident_id)
    assert [secret for secret in SECRETS if secret in left] == []
    assert db.session.scalar(select(Redemption.delivery)) is None


def test_after_leaving_the_books_still_stand(me, full_life):
    before = db.session.scalars(select(LedgerEntry.points)).all()
    me("DELETE")
    assert db.session.scalars(select(LedgerEntry.points)).all() == before
    assert differences(with_actions=True) == []
    assert db.session.get_one(Wallet, full_life.resident_id).frozen


def test_who_left_can_do_nothing_any_more(client, resident, headers):
    mine = headers(resident)
    assert client.delete("/api/v1/me", headers=mine).status_code == 204
    action = {"task": "own_bag", "occurred_at": clock.rfc3339(clock.now() - timedelta(hours=1))}
    assert client.post("/api/v1/actions", json=action, headers=mine).status_code == 401
    assert client.get("/api/v1/me", headers=mine).status_code == 401
    assert client.get("/api/v1/tasks", headers=mine).status_code == 401


def test_leaving_twice_is_leaving_once(client, resident, headers):
    mine = headers(resident)
    assert [client.delete("/api/v1/me", headers=mine).status_code for _ in range(2)] == [204, 204]
    assert db.session.scalar(select(Resident.token_epoch)) == 1


def test_leaving_four_times_at_once_is_leaving_once(app, resident, headers):
    mine = headers(resident)
    answers = together(app, [lambda: app.test_client().delete("/api/v1/me", headers=mine).status_code] * 4)
    assert answers == [204] * 4
    assert db.session.scalar(select(Resident.token_epoch)) == 1
    assert db.session.scalar(text("SELECT count(*) FROM audit_log WHERE action = 'resident.erased'")) == 1


def test_what_waited_for_a_reviewer_is_refused_when_its_owner_leaves(me, earn):
    assert earn("clean_plate", tier="photo", evidence={"photo_url": "x"}).outcome.status == "pending"
    me("DELETE")
    action = db.session.scalars(select(Action)).one()
    assert (action.status, action.reason, action.evidence) == ("refused", "account-cancelled", None)


@pytest.fixture
def reserved(give, resident):
    """A physical reward, of whose three pieces the resident has reserved two."""
    give(500)
    reward = db.session.scalars(select(Reward).where(Reward.kind == "physical")).first()
    with transaction():
        db.session.execute(
            update(Reward)
            .where(Reward.id == reward.id)
            .values(stock=3, price_points=100, min_level="seed", limit_per_resident=None)
        )
    address = {"name": "Lin", "phone": "13800000000", "address": "1 Renmin Road"}
    with transaction():
        redeem(resident_id=resident.resident_id, reward_id=reward.id, quantity=2, delivery=address, now=clock.now())
    return reward


def test_what_was_reserved_is_called_off_and_goes_back_on_the_shelf(me, reserved):
    assert me("DELETE").status_code == 204
    left = db.session.execute(select(Redemption.status, Redemption.delivery)).one()
    assert tuple(left) == ("cancelled", None)
    assert db.session.scalar(select(Reward.stock).where(Reward.id == reserved.id)) == 3
    assert differences() == []


def test_what_others_have_reserved_stays_theirs(me, reserved, give, resident, new_resident):
    other = new_resident("other")
    give(100, to=other)
    address = {"name": "Wei", "phone": "13900000000", "address": "2 Renmin Road"}
    with transaction():
        redeem(resident_id=other.resident_id, reward_id=reserved.id, quantity=1, delivery=address, now=clock.now())
    assert me("DELETE").status_code == 204
    left = dict(iter(db.session.execute(select(Redemption.resident_id, Redemption.status))))
    assert left == {resident.resident_id: "cancelled", other.resident_id: "reserved"}
    assert db.session.scalar(select(Reward.stock).where(Reward.id == reserved.id)) == 2
    assert differences() == []


def test_who_waits_for_a_reward_holds_up_nobodys_name(me, reserved):
    sent = []
    with noticed(lambda _connection, statement, _values: sent.append(str(statement))):
        assert me("DELETE").status_code == 204
    names = [place for place, statement in enumerate(sent) if "names_revision" in statement]
    shelves = [place for place, statement in enumerate(sent) if "UPDATE rewards" in statement]
    assert shelves
    assert min(names) > max(shelves)


def test_who_leaves_is_no_partners_user_any_more(app, resident, headers):
    with transaction():
        partner = db.session.scalars(select(Partner)).first()
        bound = Binding(partner_id=partner.id, subject="s", resident_id=resident.resident_id, bound_at=clock.now())
        db.session.add(bound)
    app.test_client().delete("/api/v1/me", headers=headers(resident))
    assert db.session.execute(select(Binding.subject, Binding.resident_id)).one() == ("s", None)
