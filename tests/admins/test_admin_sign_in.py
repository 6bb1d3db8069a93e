"""Signing in as an admin: who is let in, who is not, and that nobody learns why."""

import threading
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select, update

from backend import clock, sealing
from backend.admins.models import Admin
from backend.audit.models import AuditRow
from backend.database import db, transaction
from tests.together import together

PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def sign_in(client):
    def attempt(username="owner", password=PASSWORD, **more):
        return client.post("/api/v1/admin/auth", json={"username": username, "password": password, **more})

    return attempt


def me(client, token):
    return client.get("/api/v1/admin/me", headers={"Authorization": f"Bearer {token}"})


def test_the_right_password_gives_a_token_with_the_role(new_admin, sign_in, client):
    new_admin("reviewer")
    answer = sign_in("reviewer")
    assert (answer.status_code, answer.json["role"]) == (200, "reviewer")
    assert me(client, answer.json["token"]).json["username"] == "reviewer"


def test_unknown_wrong_disabled_and_locked_get_one_and_the_same_answer(new_admin, sign_in):
    new_admin("owner")
    new_admin("auditor", disabled_at=clock.now())
    new_admin("operator", locked_until=clock.now() + timedelta(minutes=1), failures=5)
    answers = [sign_in("nobody"), sign_in("owner", "wrong"), sign_in("auditor"), sign_in("operator")]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.data for answer in answers}) == 1
    assert answers[0].json["type"] == "unauthenticated"


def test_after_four_failures_the_right_password_still_opens(new_admin, sign_in):
    new_admin()
    assert [sign_in(password="wrong").status_code for _ in range(4)] == [401] * 4
    assert sign_in().status_code == 200
    assert [sign_in(password="wrong").status_code for _ in range(4)] == [401] * 4
    assert sign_in().status_code == 200


def test_after_five_failures_the_right_password_waits_fifteen_minutes(new_admin, sign_in):
    admin = new_admin()
    for _ in range(5):
        sign_in(password="wrong")
    assert sign_in().status_code == 401
    db.session.refresh(admin)
    assert timedelta(minutes=14) < admin.locked_until - clock.now() <= timedelta(minutes=15)
    _let_the_lock_pass(admin)
    assert sign_in().status_code == 200
    db.session.refresh(admin)
    assert (admin.failures, admin.locked_until) == (0, None)


def test_attempts_during_the_lock_do_not_lengthen_it_and_five_more_are_had_after_it(new_admin, sign_in):
    admin = new_admin()
    for _ in range(5):
        sign_in(password="wrong")
    db.session.refresh(admin)
    until = admin.locked_until
    db.session.rollback()
    sign_in(password="wrong")
    db.session.refresh(admin)
    assert (admin.locked_until, admin.failures) == (until, 5)
    _let_the_lock_pass(admin)
    assert [sign_in(password="wrong").status_code for _ in range(4)] == [401] * 4
    assert sign_in().status_code == 200


def test_of_nine_guesses_at_once_no_more_than_five_are_weighed(new_admin, app):
    admin = new_admin()
    barrier = threading.Barrier(9)

    def guess():
        barrier.wait()
        app.test_client().post("/api/v1/admin/auth", json={"username": "owner", "password": "wrong"})

    threads = [threading.Thread(target=guess) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.refresh(admin)
    assert admin.failures == 5


def test_once_enrolled_the_password_alone_does_not_open(new_admin, sign_in, app):
    new_admin(totp_secret=sealing.seal(SECRET))
    assert sign_in().status_code == 401
    assert sign_in(otp="000000").status_code == 401
    assert sign_in(otp=pyotp.TOTP(SECRET).now()).status_code == 200


def test_a_code_opens_once(new_admin, sign_in):
    new_admin(totp_secret=sealing.seal(SECRET))
    code = pyotp.TOTP(SECRET).now()
    assert [sign_in(otp=code).status_code for _ in range(2)] == [200, 401]


def test_an_older_code_does_not_open_after_a_newer_one(new_admin, sign_in):
    new_admin(totp_secret=sealing.seal(SECRET))
    code, now = pyotp.TOTP(SECRET), clock.now()
    assert sign_in(otp=code.at(now.timestamp() + 30)).status_code == 200
    assert sign_in(otp=code.at(now)).status_code == 401


def test_a_wrong_code_counts_as_a_failure(new_admin, sign_in):
    new_admin(totp_secret=sealing.seal(SECRET))
    for _ in range(5):
        sign_in(otp="000000")
    assert sign_in(otp=pyotp.TOTP(SECRET).now()).status_code == 401


def test_enrolling_takes_the_password_and_the_first_code(new_admin, sign_in, client):
    new_admin()
    auth = {"Authorization": f"Bearer {sign_in().json['token']}"}
    assert client.post("/api/v1/admin/me/totp", json={"password": "wrong"}, headers=auth).status_code == 401
    enrolment = client.post("/api/v1/admin/me/totp", json={"password": PASSWORD}, headers=auth).json
    assert sign_in().status_code == 200, "not in force before its first code"
    wrong = client.post("/api/v1/admin/me/totp/confirm", json={"otp": "000000"}, headers=auth)
    assert (wrong.status_code, wrong.json["type"]) == (422, "wrong-code")
    code = pyotp.TOTP(enrolment["secret"])
    right = client.post("/api/v1/admin/me/totp/confirm", json={"otp": code.at(clock.now())}, headers=auth)
    assert right.json["second_factor"] is True
    assert sign_in().status_code == 401
    assert sign_in(otp=code.at(clock.now().timestamp() + 30)).status_code == 200
    again = client.post("/api/v1/admin/me/totp/confirm", json={"otp": "000000"}, headers=auth)
    assert again.json["type"] == "nothing-to-confirm"


def test_of_two_confirmations_at_once_one_counts(app, new_admin, sign_in):
    new_admin()
    auth = {"Authorization": f"Bearer {sign_in().json['token']}"}
    secret = app.test_client().post("/api/v1/admin/me/totp", json={"password": PASSWORD}, headers=auth).json["secret"]
    otp = {"otp": pyotp.TOTP(secret).at(clock.now())}

    def confirm():
        return app.test_client().post("/api/v1/admin/me/totp/confirm", json=otp, headers=auth).status_code

    assert sorted(together(app, [confirm] * 2)) == [200, 409]
    told = select(AuditRow).where(AuditRow.action == "admin.totp_enrolled")
    (row,) = db.session.scalars(told).all()
    assert row.before == {"second_factor": False, "second_factor_pending": True}
    assert row.after == {"second_factor": True, "second_factor_pending": False}


def test_the_secret_does_not_lie_in_the_database_in_the_clear(new_admin, sign_in, client):
    admin = new_admin()
    auth = {"Authorization": f"Bearer {sign_in().json['token']}"}
    secret = client.post("/api/v1/admin/me/totp", json={"password": PASSWORD}, headers=auth).json["secret"]
    db.session.refresh(admin)
    assert secret not in admin.totp_pending
    assert sealing.unseal(admin.totp_pending) == secret


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
def test_what_is_no_token_is_refused(client, token):
    assert me(client, token).status_code == 401


def test_a_residents_token_does_not_open_the_admin_api(client, resident, headers):
    assert client.get("/api/v1/admin/me", headers=headers(resident)).status_code == 401


def test_an_admins_token_does_not_open_the_residents_api(client, resident, admin_headers):
    assert client.get("/api/v1/actions", headers=admin_headers("owner")).status_code == 401


def _let_the_lock_pass(admin):
    with transaction():
        over = clock.now() - timedelta(seconds=1)
        db.session.execute(update(Admin).where(Admin.id == admin.id).values(locked_until=over))
