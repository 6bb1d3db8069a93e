"""Where the site requires a second factor: what a password alone opens, and that nothing gets around it."""

import dataclasses

import pyotp
import pytest

from backend import clock, sealing
from backend.admins import auth, managing
from backend.database import db, transaction
from tests.conftest import PASSWORD
from tests.sent_statements import noticed

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CURE = "POST /api/v1/admin/me/totp"


@pytest.fixture
def site(app, monkeypatch):
    """site(admin_require_otp=…) sets it for the rest of the test; here it is required until somebody says otherwise."""

    def be(**settings):
        changed = dataclasses.replace(app.extensions["settings"], **settings)
        monkeypatch.setitem(app.extensions, "settings", changed)

    be(admin_require_otp=True)
    return be


@pytest.fixture
def ask(app, client):
    """ask(headers, path) → the answer of a process that knows nothing of the requests before."""

    def call(headers, path="/admins", *, method="GET", **more):
        with app.app_context():
            return client.open(f"/api/v1/admin{path}", method=method, headers=headers, **more)

    return call


@pytest.fixture
def sign_in(site, ask):
    """sign_in(otp=…) → the headers of a new session of the owner."""

    def begin(**more):
        answer = ask({}, "/auth", method="POST", json={"username": "owner", "password": PASSWORD, **more})
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json['token']}"}

    return begin


def enrol(ask, headers):
    """Enrol a second factor in this session; gives what makes its codes."""
    begun = ask(headers, "/me/totp", method="POST", json={"password": PASSWORD})
    code = pyotp.TOTP(begun.json["secret"])
    confirmed = ask(headers, "/me/totp/confirm", method="POST", json={"otp": code.at(clock.now())})
    assert (confirmed.status_code, confirmed.json["second_factor"]) == (200, True)
    return code


@pytest.mark.parametrize(("language", "words"), [("en", "second factor"), ("zh-CN", "第二因子")])
def test_a_password_alone_signs_in_and_is_told_the_cure(new_admin, sign_in, ask, language, words):
    new_admin()
    session = sign_in() | {"Accept-Language": language}
    assert ask(session, "/me").json["second_factor"] is False
    refused = ask(session)
    assert (refused.status_code, refused.json["type"]) == (403, "forbidden")
    assert refused.content_type == "application/problem+json"
    assert CURE in refused.json["detail"]
    assert words in refused.json["detail"]


def test_who_enrols_and_signs_in_with_a_code_may_do_everything(new_admin, sign_in, ask):
    new_admin()
    code = enrol(ask, sign_in())
    session = sign_in(otp=code.at(clock.now().timestamp() + 30))
    assert ask(session).status_code == 200


def test_a_session_that_was_begun_by_the_password_alone_stays_so_when_its_owner_enrols(new_admin, sign_in, ask):
    new_admin()
    stolen, own = sign_in(), sign_in()
    enrol(ask, own)
    assert [ask(session).status_code for session in (stolen, own)] == [403, 403]


def test_it_neither_begins_nor_confirms_another_once_one_is_in_force(new_admin, sign_in, ask):
    owner = new_admin()
    stolen, own = sign_in(), sign_in()
    enrol(ask, own)
    db.session.refresh(owner)
    in_force = owner.totp_secret
    refused = ask(stolen, "/me/totp", method="POST", json={"password": PASSWORD})
    assert (refused.status_code, refused.json["type"]) == (403, "forbidden")
    db.session.refresh(owner)
    assert (owner.totp_secret, owner.totp_pending) == (in_force, None)
    owner.totp_pending = sealing.seal(SECRET)
    db.session.commit()
    otp = {"otp": pyotp.TOTP(SECRET).at(clock.now())}
    assert ask(stolen, "/me/totp/confirm", method="POST", json=otp).status_code == 403
    db.session.refresh(owner)
    assert owner.totp_secret == in_force


def test_another_takes_a_code_of_the_one_in_force_which_stays_so_until_then(new_admin, site, ask):
    owner = new_admin(totp_secret=sealing.seal(SECRET))
    session = {"Authorization": f"Bearer {auth.issue(owner).token}"}
    otp = pyotp.TOTP(SECRET).at(clock.now())

    def begin(**given):
        return ask(session, "/me/totp", method="POST", json={"password": PASSWORD, **given})

    assert [begin(**given).status_code for given in ({}, {"otp": "000000"})] == [401, 401]
    begun = begin(otp=otp)
    assert begun.status_code == 200
    assert begin(otp=otp).status_code == 401, "a code counts once"
    db.session.refresh(owner)
    assert sealing.unseal(owner.totp_secret) == SECRET
    confirmed = {"otp": pyotp.TOTP(begun.json["secret"]).at(clock.now())}
    assert ask(session, "/me/totp/confirm", method="POST", json=confirmed).status_code == 200
    db.session.refresh(owner)
    assert sealing.unseal(owner.totp_secret) == begun.json["secret"]


def test_who_removes_the_own_second_factor_is_signed_out_and_back_at_the_password_alone(new_admin, sign_in, ask):
    owner = new_admin(totp_secret=sealing.seal(SECRET))
    session = sign_in(otp=pyotp.TOTP(SECRET).now())
    assert ask(session, f"/admins/{owner.id}/totp", method="DELETE").status_code == 200
    assert ask(session).status_code == 401
    again = sign_in()
    assert (ask(again).status_code, ask(again, "/me").status_code) == (403, 200)


def test_a_role_is_no_more_than_it_was(new_admin, site, ask):
    reviewer = auth.issue(new_admin("reviewer", totp_secret=sealing.seal(SECRET)))
    refused = ask({"Authorization": f"Bearer {reviewer.token}", "Accept-Language": "en"})
    assert (refused.status_code, CURE in refused.json["detail"]) == (403, False)


def test_an_ended_session_is_told_to_sign_in_and_not_to_enrol(new_admin, site, ask):
    new_admin("owner")
    reviewer = new_admin("reviewer")
    ended = auth.issue(reviewer)
    with transaction():
        managing.change(reviewer.id, role="auditor", by="test")
    assert ask({"Authorization": f"Bearer {ended.token}"}).status_code == 401


def test_where_it_is_not_required_the_password_is_enough(new_admin, site, sign_in, ask):
    site(admin_require_otp=False)
    new_admin()
    assert ask(sign_in()).status_code == 200


def test_asking_for_it_costs_no_statement(new_admin, site, ask):
    session = {"Authorization": f"Bearer {auth.issue(new_admin(totp_secret=sealing.seal(SECRET))).token}"}
    counts = []
    for required in (False, True):
        site(admin_require_otp=required)
        sent = []
        with noticed(lambda _connection, statement, _values, sent=sent: sent.append(str(statement))):
            assert ask(session).status_code == 200
        counts.append(len(sent))
    assert counts[0] == counts[1] > 0
