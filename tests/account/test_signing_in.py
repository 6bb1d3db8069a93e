"""POST /auth/wechat: who comes, comes once."""

from datetime import timedelta

import jwt
import pytest
from sqlalchemy import func, select

from backend import clock, sealing
from backend.database import db, transaction
from backend.ledger.models import Wallet
from backend.residents import signing_in
from backend.residents.models import Identity_, Resident
from backend.residents.wechat_sandbox import session_key_of
from tests.together import together


@pytest.fixture
def sign_in(client):
    return lambda code="dev-lin", **more: client.post("/api/v1/auth/wechat", json={"code": code}, **more)


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def test_the_first_time_makes_a_resident_with_a_wallet_and_the_second_finds_them_again(sign_in):
    first, second = sign_in().json, sign_in().json
    assert (first["is_new"], second["is_new"]) == (True, False)
    assert first["resident"]["wallet"] == {"balance": 0}
    assert first["resident"]["level"] == "seed"
    assert (count(Resident), count(Wallet), count(Identity_)) == (1, 1, 1)


def test_two_people_are_two_residents(sign_in):
    assert [sign_in(f"dev-{name}").json["is_new"] for name in ("lin", "wei", "lin")] == [True, True, False]
    assert count(Resident) == 2


def test_the_token_opens_my_pages_and_says_when_it_ends(client, sign_in):
    answer = sign_in().json
    mine = client.get("/api/v1/me", headers={"Authorization": f"Bearer {answer['token']}"})
    assert mine.json == answer["resident"]
    assert answer["expires_at"] > clock.rfc3339(clock.now() + timedelta(days=6))


def test_the_session_key_lies_sealed_and_is_the_one_that_wechat_gave(sign_in, settings):
    sign_in()
    sealed = db.session.scalar(select(Resident.session_key))
    openid = db.session.scalar(select(Identity_.subject))
    assert openid not in sealed
    assert sealing.unseal(sealed) == session_key_of(openid, secret=settings.wechat_secret)


@pytest.mark.parametrize(
    ("code", "status", "slug"),
    [
        ("nobody", 401, "invalid-code"),
        ("dev-blocked", 401, "invalid-code"),
        ("dev-busy", 503, "upstream-unavailable"),
        ("dev-rate", 503, "upstream-unavailable"),
        ("", 422, "validation-failed"),
        ("x" * 257, 422, "validation-failed"),
    ],
)
def test_a_code_that_wechat_does_not_take_makes_nobody(sign_in, code, status, slug):
    answer = sign_in(code)
    assert (answer.status_code, answer.json["type"]) == (status, slug)
    assert count(Resident) == 0


@pytest.mark.parametrize("body", [{}, {"code": 1}, {"code": "dev-lin", "more": 1}, [], "dev-lin", {"code": None}])
def test_a_body_of_another_shape_is_refused(client, body):
    assert client.post("/api/v1/auth/wechat", json=body).status_code == 422


def test_eight_first_sign_ins_of_one_person_at_once_make_one_resident(app):
    def arrive():
        return app.test_client().post("/api/v1/auth/wechat", json={"code": "dev-lin"}).json

    answers = together(app, [arrive] * 8)
    assert sorted(answer["is_new"] for answer in answers) == [False] * 7 + [True]
    assert (count(Resident), count(Wallet), count(Identity_)) == (1, 1, 1)
    subjects = {jwt.decode(a["token"], options={"verify_signature": False})["sub"] for a in answers}
    assert len(subjects) == 1


def test_a_token_of_an_earlier_epoch_is_refused_on_every_page(client, resident, headers):
    old = headers(resident)
    with transaction():
        db.session.get_one(Resident, resident.resident_id).token_epoch += 1
    pages = (
        "/me",
        "/me/wallet",
        "/me/wallet/entries",
        "/me/reduction",
        "/me/export",
        "/tasks",
        "/tasks/own_bag",
    )
    assert {client.get(f"/api/v1{page}", headers=old).status_code for page in pages} == {401}
    assert client.patch("/api/v1/me", json={}, headers=old).status_code == 401
    assert client.delete("/api/v1/me", headers=old).status_code == 401


def test_who_left_and_signs_in_again_is_a_new_resident(client, sign_in):
    first = sign_in().json
    header = {"Authorization": f"Bearer {first['token']}"}
    assert client.delete("/api/v1/me", headers=header).status_code == 204
    again = sign_in().json
    assert again["is_new"] is True
    assert [r.state for r in db.session.scalars(select(Resident).order_by(Resident.resident_id))] == [
        "erased",
        "active",
    ]


def test_a_sign_in_that_meets_an_erasure_gives_the_erased_no_session_key(app, client, sign_in, monkeypatch):
    token = sign_in().json["token"]
    known = signing_in._known

    def erased_in_between(openid):
        with app.app_context():
            app.test_client().delete("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        return known(openid)

    monkeypatch.setattr(signing_in, "_known", erased_in_between)
    assert sign_in().json["is_new"] is True
    keys = db.session.execute(select(Resident.state, Resident.session_key.is_(None))).all()
    assert sorted(tuple(row) for row in keys) == [("active", False), ("erased", True)]
