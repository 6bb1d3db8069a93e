"""Least privilege, over all admin routes: what a role may not do is 403."""

import dataclasses
import re

import pytest

from backend.admins import auth
from backend.admins.models import ROLES

ARGUMENT = re.compile(r"<[^>]+>")
CHOICE = re.compile(r"<any\((\w+)[^>]*>")
OPEN_TO_ALL = {"/api/v1/admin/me", "/api/v1/admin/me/totp", "/api/v1/admin/me/totp/confirm"}
"""An admin's own account."""
OWNED_BY = {
    "operator": {
        "tasks",
        "methodologies",
        "factors",
        "partners",
        "residents",
        "adjustments",
        "areas",
        "rewards",
        "leaderboards",
    },
    "reviewer": {"actions"},
    "fulfiller": {"redemptions"},
    "owner": {"admins", "audit"},
}
"""Role → first words of the addresses that are this role's business (and the owner's), whatever else is shared."""


def admin_calls(app):
    for rule in app.url_map.iter_rules():
        caller = getattr(app.view_functions[rule.endpoint], "caller", "")
        if caller.startswith("admin:"):
            for method in sorted(rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}):
                yield method, rule.rule, set(caller.removeprefix("admin:").split(","))


def address(rule):
    return ARGUMENT.sub("999999", CHOICE.sub(r"\1", rule))


@pytest.fixture
def tokens(new_admin):
    return {role: auth.issue(new_admin(role)).token for role in ROLES}


def test_there_are_admin_calls_of_every_kind(app):
    calls = list(admin_calls(app))
    assert len(calls) >= 40
    assert {method for method, _, _ in calls} >= {"GET", "POST", "PATCH", "DELETE"}


def test_a_role_is_refused_on_every_call_that_is_not_its_own(app, client, tokens):
    refused = dict.fromkeys(ROLES, 0)
    for method, rule, allowed in admin_calls(app):
        for role in ROLES:
            may = role in allowed or (role == "auditor" and method == "GET")
            headers = {"Authorization": f"Bearer {tokens[role]}"}
            answer = client.open(address(rule), method=method, headers=headers)
            assert (answer.status_code == 403) is not may, f"{role}: {method} {rule} → {answer.status_code}"
            refused[role] += not may
    assert refused["owner"] == 0
    assert all(count > 10 for role, count in refused.items() if role != "owner"), refused


def test_without_a_token_every_call_is_refused(app, client):
    for method, rule, _ in admin_calls(app):
        assert client.open(address(rule), method=method).status_code == 401, f"{method} {rule}"


def test_where_a_second_factor_is_required_the_password_alone_opens_ones_own_account_and_nothing_else(
    app, client, tokens, monkeypatch
):
    required = dataclasses.replace(app.extensions["settings"], admin_require_otp=True)
    monkeypatch.setitem(app.extensions, "settings", required)
    for method, rule, _ in admin_calls(app):
        for role in ROLES:
            answer = client.open(address(rule), method=method, headers={"Authorization": f"Bearer {tokens[role]}"})
            if rule in OPEN_TO_ALL:
                assert answer.status_code not in {401, 403}, f"{role}: {method} {rule} → {answer.status_code}"
            else:
                assert (answer.status_code, answer.json["type"]) == (403, "forbidden"), f"{role}: {method} {rule}"
                assert "POST /api/v1/admin/me/totp" in answer.json["detail"], f"{role}: {method} {rule}"


def test_the_owner_may_do_everything_and_the_auditor_changes_nothing(app):
    for method, rule, allowed in admin_calls(app):
        assert "owner" in allowed, f"{method} {rule}"
        if method != "GET" and rule not in OPEN_TO_ALL:
            assert "auditor" not in allowed, f"{method} {rule}"


def test_no_role_but_the_one_concerned_may_change_a_thing(app):
    for method, rule, allowed in admin_calls(app):
        if method == "GET" or rule in OPEN_TO_ALL:
            continue
        word = rule.removeprefix("/api/v1/admin/").split("/")[0]
        concerned = [role for role, words in OWNED_BY.items() if word in words]
        if concerned:
            assert allowed <= {concerned[0], "owner"}, f"{method} {rule}: {sorted(allowed)}"


def test_only_ones_own_account_is_open_to_all(app):
    open_to_all = {rule for _, rule, allowed in admin_calls(app) if allowed == set(ROLES)}
    assert open_to_all == OPEN_TO_ALL
