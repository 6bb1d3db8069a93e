"""What admins send is taken literally: no 1 for true, no reason of blanks, no change by nothing."""

import pytest

ADMIN = "/api/v1/admin"


@pytest.mark.parametrize("value", [1, 0, 1.0, "true", None])
@pytest.mark.parametrize(("path", "field"), [("/tasks/bike_ride", "trip"), ("/rewards/1", "active")])
def test_what_only_resembles_true_or_false_is_refused(client, admin_headers, path, field, value):
    headers = admin_headers("operator", **{"If-Match": '"1"'})
    answer = client.patch(ADMIN + path, json={field: value}, headers=headers)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize("reason", ["", " ", "\t\n"])
@pytest.mark.parametrize(
    "path",
    ["/actions/1-1/refuse", "/actions/1-1/reverse", "/redemptions/1-1/cancel", "/residents/1/freeze", "/adjustments"],
)
def test_a_reason_says_something(client, admin_headers, resident, path, reason):
    more = {"resident_id": resident.resident_id, "points": 1} if path == "/adjustments" else {}
    headers = admin_headers("owner", **{"Idempotency-Key": "key-1"})
    answer = client.post(ADMIN + path, json={"reason": reason, **more}, headers=headers)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "reason")


@pytest.mark.parametrize(
    ("path", "field", "more"),
    [("/adjustments", "points", {"resident_id": 1}), ("/rewards/1/stock", "delta", {})],
)
@pytest.mark.parametrize(("language", "said"), [("en", True), ("zh-CN", False)])
def test_nothing_is_no_change_in_either_language(app, client, admin_headers, path, field, more, language, said):
    headers = admin_headers("owner", **{"Idempotency-Key": "key-1", "Accept-Language": language})
    with app.app_context():
        answer = client.post(ADMIN + path, json={field: 0, "reason": " ", **more}, headers=headers)
    errors = {error["field"]: error["message"] for error in answer.json["errors"]}
    assert answer.status_code == 422
    assert (errors[field] == "Must not be 0.", errors["reason"] == "Must not be blank.") == (said, said)
