"""Every POST that creates, sent twice at the same moment with one Idempotency-Key: one effect, one answer."""

import pytest
from sqlalchemy import text

from backend.database import db
from tests.contract.described import KEPT
from tests.together import together

V1 = "/api/v1"
TITLE = {"zh": "新", "en": "New"}
FACTOR = {"title": TITLE, "value_mg": 5, "source": "a study", "source_status": "read", "region": "CN", "unit": "count"}
EVIDENCE = [{"tier": "declaration", "basis": "fixed", "points": 1}]
SIZES = {"quantity_min": 1, "quantity_max": 1, "quantity_typical": 1, "limit_count": 1}
TASK = {"title": TITLE, "category": "use", "unit": "count", "evidence": EVIDENCE, **SIZES}
METHOD = {"title": TITLE, "unit": "count", "baseline_factor": "own_bag", "source": "a study"}
PARTNER = {"title": TITLE, "tier": "partner", "tasks": ["bike_ride"]}
REWARD = {"kind": "pickup", "title": TITLE, "price_points": 10, "stock": 3}
ADMIN = {"username": "newcomer", "role": "auditor", "password": "a long enough password"}
CREATING = {
    "/admin/factors": ({"code": "new", "valid_from": "2026-01-01", **FACTOR}, "emission_factors"),
    "/admin/methodologies": ({"code": "new", **METHOD}, "methodologies"),
    "/admin/tasks": ({"code": "new", **TASK}, "green_tasks"),
    "/admin/partners": ({"code": "new", **PARTNER}, "partners"),
    "/admin/partners/{partner_id}/keys": ({}, "partner_keys"),
    "/admin/rewards": ({"code": "new", **REWARD}, "rewards"),
    "/admin/areas": ({"code": "new", "title": TITLE}, "areas"),
    "/admin/admins": (ADMIN, "admins"),
    "/admin/adjustments": ({"resident_id": 1, "points": 5, "reason": "a mistake of ours"}, "adjustments"),
}
ELSEWHERE = {
    "/actions": "tests/actions/test_at_once.py",
    "/redemptions": "tests/rewards/test_at_once.py",
    "/me/bindings": "tests/partners/test_bindings.py",
}


def test_no_creating_call_is_forgotten_here():
    creating = {
        path.removeprefix(V1)
        for path, item in KEPT["paths"].items()
        if "201" in item.get("post", {}).get("responses", {})
    }
    assert creating == set(CREATING) | set(ELSEWHERE)


@pytest.mark.parametrize("path", CREATING)
def test_twice_at_once_with_one_key_is_one_effect_and_one_answer(app, resident, admin_headers, path):
    body, table = CREATING[path]
    signed = admin_headers("owner") | {"Idempotency-Key": "the-same"}
    url = V1 + path.format(partner_id=1)
    before = db.session.scalar(text(f"SELECT count(*) FROM {table}"))
    db.session.rollback()
    answers = together(app, [lambda: app.test_client().post(url, json=body, headers=signed)] * 2)
    answers.append(app.test_client().post(url, json=body, headers=signed))
    good = [answer.json for answer in answers if answer.status_code == 201]
    others = {answer.json["type"] for answer in answers if answer.status_code != 201}
    assert good
    assert all(answer == good[0] for answer in good), good
    assert others <= {"idempotency-in-flight"}
    assert len({answer.headers.get("ETag") for answer in answers if answer.status_code == 201}) == 1
    assert db.session.scalar(text(f"SELECT count(*) FROM {table}")) == before + 1
