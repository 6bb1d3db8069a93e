"""The owner's management of admins, over HTTP and from the command line."""

import threading

import pytest
from sqlalchemy import select

from backend.admins import auth
from backend.admins.models import Admin
from backend.audit.models import AuditRow
from backend.database import db

PASSWORD = "correct horse battery"
ADMINS = "/api/v1/admin/admins"


def bearer(admin):
    return {"Authorization": f"Bearer {auth.issue(admin).token}"}


def trail(kind="admin"):
    rows = db.session.scalars(select(AuditRow).where(AuditRow.object_kind == kind).order_by(AuditRow.id)).all()
    return [(row.actor_kind, row.actor, row.action, row.before, row.after) for row in rows]


def test_an_owner_makes_an_admin_who_can_sign_in(client, admin_headers):
    wanted = {"username": "wang.li", "password": "a long enough phrase", "role": "reviewer"}
    made = client.post(ADMINS, json=wanted, headers=admin_headers())
    assert (made.status_code, made.json["role"]) == (201, "reviewer")
    assert "password" not in made.text
    given = {"username": "wang.li", "password": "a long enough phrase"}
    assert client.post("/api/v1/admin/auth", json=given).status_code == 200
    created = ("admin", "owner", "admin.created", None, {"username": "wang.li", "role": "reviewer"})
    assert created in trail()


def test_one_key_makes_one_admin(client, admin_headers):
    wanted = {"username": "wang.li", "password": "a long enough phrase", "role": "reviewer"}
    headers = admin_headers(**{"Idempotency-Key": "k1"})
    first, second = (client.post(ADMINS, json=wanted, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201), second.json
    assert first.json == second.json
    assert second.headers["Idempotent-Replayed"] == "true"


def test_a_name_is_taken_once(client, admin_headers):
    wanted = {"username": "wang.li", "password": "a long enough phrase", "role": "reviewer"}
    client.post(ADMINS, json=wanted, headers=admin_headers())
    again = client.post(ADMINS, json=wanted, headers=admin_headers())
    assert (again.status_code, again.json["type"]) == (409, "already-exists")


@pytest.mark.parametrize(
    ("field", "value"),
    [("username", "W"), ("username", "a b"), ("password", "a" * 20), ("password", "elevenchars"), ("role", "king")],
)
def test_what_is_not_fit_is_named(client, admin_headers, field, value):
    wanted = {"username": "wang.li", "password": "a long enough phrase", "role": "reviewer", field: value}
    answer = client.post(ADMINS, json=wanted, headers=admin_headers())
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_twelve_characters_are_enough(client, admin_headers):
    wanted = {"username": "wang.li", "password": "twelve chars", "role": "reviewer"}
    assert client.post(ADMINS, json=wanted, headers=admin_headers()).status_code == 201


def test_a_disabled_admins_token_ends_at_once_and_does_not_come_back(client, admin_headers, new_admin):
    admin = new_admin("reviewer")
    token = bearer(admin)
    assert client.get("/api/v1/admin/me", headers=token).status_code == 200
    url = f"{ADMINS}/{admin.id}"
    assert client.patch(url, json={"disabled": True}, headers=admin_headers()).status_code == 200
    assert client.get("/api/v1/admin/me", headers=token).status_code == 401
    client.patch(url, json={"disabled": False}, headers=admin_headers())
    assert client.get("/api/v1/admin/me", headers=token).status_code == 401
    changed = [(before, after) for _, _, action, before, after in trail() if action == "admin.changed"]
    assert changed == [({"disabled": False}, {"disabled": True}), ({"disabled": True}, {"disabled": False})]


def test_what_changes_nothing_ends_no_session_and_is_not_in_the_trail(client, admin_headers, new_admin):
    admin = new_admin("reviewer")
    url = f"{ADMINS}/{admin.id}"
    assert client.patch(url, json={"role": "operator"}, headers=admin_headers()).status_code == 200
    db.session.refresh(admin)
    token = bearer(admin)
    for wanted in ({"role": "operator"}, {"disabled": False}, {}):
        assert client.patch(url, json=wanted, headers=admin_headers()).json["role"] == "operator"
    assert client.get("/api/v1/admin/me", headers=token).status_code == 200
    assert [action for _, _, action, _, _ in trail()] == ["admin.changed"]


def test_a_new_password_ends_sessions_opens_the_lock_and_never_enters_the_trail(client, admin_headers, new_admin):
    admin = new_admin("reviewer", failures=5)
    new = "another long phrase"
    client.patch(f"{ADMINS}/{admin.id}", json={"password": new}, headers=admin_headers())
    given = {"username": "reviewer", "password": new}
    assert client.post("/api/v1/admin/auth", json=given).status_code == 200
    assert new not in str(trail())
    assert "argon2" not in str(trail())
    assert ("admin", "owner", "admin.changed", {}, {"password_reset": True}) in trail()


def test_the_last_owner_can_be_neither_disabled_nor_demoted(client, admin_headers):
    headers = admin_headers()
    me = client.get("/api/v1/admin/me", headers=headers).json["id"]
    for wanted in ({"disabled": True}, {"role": "auditor"}):
        answer = client.patch(f"{ADMINS}/{me}", json=wanted, headers=headers)
        assert (answer.status_code, answer.json["type"]) == (409, "last-owner")
    assert client.get("/api/v1/admin/me", headers=headers).json["role"] == "owner"


def test_two_owners_who_disable_each_other_at_once_do_not_both_succeed(app, new_admin):
    pair = [new_admin("owner", username=name) for name in ("first", "second")]
    tokens = [bearer(admin) for admin in pair]
    barrier, statuses = threading.Barrier(2), []

    def disable(other, token):
        barrier.wait()
        url = f"{ADMINS}/{other.id}"
        statuses.append(app.test_client().patch(url, json={"disabled": True}, headers=token).status_code)

    threads = [threading.Thread(target=disable, args=(pair[1 - i], tokens[i])) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 401, 409}
    left = db.session.scalars(select(Admin).where(Admin.disabled_at.is_(None))).all()
    assert len(left) == 1


def test_an_owner_takes_a_lost_second_factor_away(client, admin_headers, new_admin):
    admin = new_admin("reviewer", totp_secret="sealed")
    for _ in range(2):
        answer = client.delete(f"{ADMINS}/{admin.id}/totp", headers=admin_headers())
        assert (answer.status_code, answer.json["second_factor"]) == (200, False)
    assert trail() == [("admin", "owner", "admin.totp_removed", {"second_factor": True}, {"second_factor": False})]


def test_a_second_factor_that_awaited_its_first_code_is_told_apart_in_the_trail(client, admin_headers, new_admin):
    admin = new_admin("reviewer", totp_pending="sealed")
    client.delete(f"{ADMINS}/{admin.id}/totp", headers=admin_headers())
    assert [row[3:] for row in trail()] == [({"second_factor_pending": True}, {"second_factor_pending": False})]


def test_all_admins_are_listed_page_by_page(client, admin_headers, new_admin):
    headers = admin_headers()
    for role in ("reviewer", "auditor"):
        new_admin(role)
    first = client.get(f"{ADMINS}?limit=2", headers=headers).json
    rest = client.get(f"{ADMINS}?limit=2&cursor={first['next_cursor']}", headers=headers).json
    assert [item["role"] for item in first["items"] + rest["items"]] == ["owner", "reviewer", "auditor"]
    assert rest["next_cursor"] is None


def test_the_first_owner_is_made_from_the_command_line(app, client):
    run = app.test_cli_runner().invoke
    made = run(args=["admin", "create", "first", "--role", "owner", "--password-stdin"], input=f"{PASSWORD}\n")
    assert made.exit_code == 0, made.output
    given = {"username": "first", "password": PASSWORD}
    assert client.post("/api/v1/admin/auth", json=given).status_code == 200
    assert trail()[0][:3] == ("command", "admin", "admin.created")
    assert "first\towner\tactive" in run(args=["admin", "list"]).output


def test_the_command_prompts_for_the_password_twice(app):
    run = app.test_cli_runner().invoke
    made = run(args=["admin", "create", "first", "--role", "owner"], input=f"{PASSWORD}\n{PASSWORD}\n")
    assert made.exit_code == 0, made.output
    assert PASSWORD not in made.output


def test_the_command_resets_a_password_and_names_what_is_wrong(app, client, new_admin):
    new_admin("owner", failures=5)
    run = app.test_cli_runner().invoke
    unknown = run(args=["admin", "reset-password", "nobody", "--password-stdin"], input="x\n")
    assert (unknown.exit_code, unknown.output) == (
        1,
        "Error: There is no admin 'nobody': 'flask --app wsgi admin list' names all.\n",
    )
    short = run(args=["admin", "reset-password", "owner", "--password-stdin"], input="short\n")
    assert short.exit_code == 1
    reset = run(args=["admin", "reset-password", "owner", "--password-stdin"], input="a new long phrase\n")
    assert reset.exit_code == 0
    given = {"username": "owner", "password": "a new long phrase"}
    assert client.post("/api/v1/admin/auth", json=given).status_code == 200


def test_the_command_takes_a_lost_second_factor_away(app, client, new_admin):
    token = bearer(new_admin("owner", totp_secret="sealed"))
    run = app.test_cli_runner().invoke
    for _ in range(2):
        done = run(args=["admin", "remove-second-factor", "owner"])
        assert done.exit_code == 0, done.output
    assert client.get("/api/v1/admin/me", headers=token).status_code == 401
    assert client.post("/api/v1/admin/auth", json={"username": "owner", "password": PASSWORD}).status_code == 200
    assert [row[:3] for row in trail()][:1] == [("command", "admin", "admin.totp_removed")]
    assert run(args=["admin", "remove-second-factor", "nobody"]).exit_code == 1
