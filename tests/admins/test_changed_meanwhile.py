"""What becomes of an admin while a sign-in is under way: what was proved before must still hold under the lock."""

import pyotp
import pytest
from sqlalchemy import func, select, update

from backend import clock, sealing
from backend.admins import auth, managing, passwords
from backend.admins.models import Admin
from backend.audit.models import AuditRow
from backend.database import db, transaction
from tests.conftest import PASSWORD
from tests.together import together

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NAME = "reviewer"


def setting(**columns):
    return lambda admin_id: db.session.execute(update(Admin).where(Admin.id == admin_id).values(**columns))


def changing(**what):
    return lambda admin_id: managing.change(admin_id, by="test", **what)


CHANGES = {
    "another password": changing(password="another long phrase"),
    "the same password once more": changing(password=PASSWORD),
    "another role, which ends all sessions": changing(role="auditor"),
    "disabled by the owner": changing(disabled=True),
    "disabled, and no more": setting(disabled_at=clock.now()),
}


@pytest.fixture
def admin(new_admin):
    """A reviewer, whom the owner may disable."""
    new_admin("owner")
    return new_admin(NAME)


@pytest.fixture
def right_after(app, admin, monkeypatch):
    """right_after(module, name, change): when this function returns, another transaction has changed the admin."""
    admin_id = admin.id

    def put(module, name, change):
        real = getattr(module, name)

        def elsewhere():
            with transaction():
                change(admin_id)

        def followed(*args, **kwargs):
            monkeypatch.setattr(module, name, real)
            found = real(*args, **kwargs)
            together(app, [elsewhere])
            return found

        monkeypatch.setattr(module, name, followed)

    return put


@pytest.fixture
def sign_in(client):
    def attempt(password=PASSWORD, **more):
        return client.post("/api/v1/admin/auth", json={"username": NAME, "password": password, **more})

    return attempt


@pytest.fixture
def now_of(admin):
    """now_of("failures") → what the admin's row says at present."""
    return lambda column: db.session.scalar(select(getattr(Admin, column)).where(Admin.username == NAME))


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_proved_of_another_state_is_refused_like_a_wrong_password(admin, sign_in, right_after, change):
    wrong = sign_in("wrong")
    right_after(passwords, "matches", CHANGES[change])
    answer = sign_in()
    assert (answer.status_code, answer.data) == (401, wrong.data)
    assert db.session.scalar(select(func.count()).where(AuditRow.action == "admin.signed_in")) == 0


def test_it_counts_as_a_failure(sign_in, right_after, now_of):
    right_after(passwords, "matches", CHANGES["another role, which ends all sessions"])
    assert (sign_in().status_code, now_of("failures")) == (401, 1)


@pytest.mark.parametrize(("otp", "status"), [(lambda: "", 401), (pyotp.TOTP(SECRET).now, 200)])
def test_a_second_factor_that_is_set_while_the_password_is_weighed_is_asked_for(sign_in, right_after, otp, status):
    right_after(passwords, "matches", setting(totp_secret=sealing.seal(SECRET)))
    assert sign_in(otp=otp()).status_code == status


def test_a_password_that_is_reset_while_it_is_weighed_begins_no_second_factor(sign_in, client, right_after, now_of):
    known = {"Authorization": f"Bearer {sign_in().json['token']}"}
    right_after(passwords, "matches", CHANGES["another password"])
    answer = client.post("/api/v1/admin/me/totp", json={"password": PASSWORD}, headers=known)
    assert (answer.status_code, now_of("totp_pending")) == (401, None)


def test_a_second_factor_that_is_set_while_the_password_is_weighed_is_not_replaced(
    sign_in, client, right_after, now_of
):
    known = {"Authorization": f"Bearer {sign_in().json['token']}"}
    right_after(passwords, "matches", setting(totp_secret=sealing.seal(SECRET)))
    answer = client.post("/api/v1/admin/me/totp", json={"password": PASSWORD}, headers=known)
    assert (answer.status_code, now_of("totp_pending")) == (403, None)


def test_a_second_factor_that_is_set_just_then_is_not_replaced(sign_in, client, right_after, now_of):
    known = {"Authorization": f"Bearer {sign_in().json['token']}"}
    secret = client.post("/api/v1/admin/me/totp", json={"password": PASSWORD}, headers=known).json["secret"]
    in_force = sealing.seal(SECRET)
    right_after(auth, "_signed_in", setting(totp_secret=in_force))
    otp = {"otp": pyotp.TOTP(secret).at(clock.now())}
    answer = client.post("/api/v1/admin/me/totp/confirm", json=otp, headers=known)
    assert (answer.status_code, now_of("totp_secret")) == (403, in_force)


def test_a_session_that_ends_just_then_puts_no_second_factor_in_force(sign_in, client, right_after, now_of):
    known = {"Authorization": f"Bearer {sign_in().json['token']}"}
    enrolment = client.post("/api/v1/admin/me/totp", json={"password": PASSWORD}, headers=known).json
    right_after(auth, "_signed_in", CHANGES["another password"])
    otp = {"otp": pyotp.TOTP(enrolment["secret"]).at(clock.now())}
    answer = client.post("/api/v1/admin/me/totp/confirm", json=otp, headers=known)
    assert (answer.status_code, now_of("totp_secret")) == (401, None)
