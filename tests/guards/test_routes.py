"""Rules about all routes."""

import pytest

from backend import openapi
from backend.admins.models import ROLES

KINDS = {"public", "resident", "partner"}


def routes(app):
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


def test_every_route_says_who_may_call_it(app):
    for rule in routes(app):
        caller = getattr(app.view_functions[rule.endpoint], "caller", None)
        assert caller, f"{rule.rule} does not say"
        kind, _, roles = caller.partition(":")
        assert kind in KINDS or (kind == "admin" and roles and set(roles.split(",")) <= set(ROLES)), rule.rule


def test_admin_routes_and_only_they_are_for_admins(app):
    for rule in routes(app):
        caller = app.view_functions[rule.endpoint].caller
        under_admin = rule.rule.startswith("/api/v1/admin/") and rule.rule != "/api/v1/admin/auth"
        assert under_admin == caller.startswith("admin:"), rule.rule


def test_every_call_is_described_with_a_summary_and_its_answers(app):
    described = openapi.describe(app)
    for path, item in described["paths"].items():
        for method, call in item.items():
            if method in openapi.METHODS:
                assert call.get("summary"), f"{method} {path}"
                assert any(status.startswith("2") for status in call["responses"]), f"{method} {path}"


def test_operation_ids_are_unique(app):
    calls = [
        call for item in openapi.describe(app)["paths"].values() for m, call in item.items() if m in openapi.METHODS
    ]
    ids = [call["operationId"] for call in calls]
    assert len(ids) == len(set(ids)), sorted(i for i in ids if ids.count(i) > 1)


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/api/v1/openapi.json"])
def test_public_pages_answer_without_a_token(client, path):
    assert client.get(path).status_code == 200
