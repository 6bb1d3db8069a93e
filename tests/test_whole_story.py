"""The whole of it through HTTP only, as admins and residents: configured, done, explained, redeemed, taken back."""

from datetime import timedelta

import pytest

from backend import clock
from backend.verification import verify

V1 = "/api/v1"
ROOF = {"zh": "屋顶绿化", "en": "Green a roof"}


@pytest.fixture
def http(client, admin_headers, headers):
    class Caller:
        def admin(self, method, path, body=None, *, role="owner", **more):
            return client.open(f"{V1}/admin{path}", method=method, json=body, headers=admin_headers(role, **more))

        def sign_in(self, name):
            answer = client.post(f"{V1}/auth/wechat", json={"code": f"dev-{name}"})
            assert answer.status_code == 200, answer.json
            return {"Authorization": f"Bearer {answer.json['token']}"}

        def as_resident(self, signed, method, path, body=None, *, key=None):
            more = {"Idempotency-Key": key} if key else {}
            return client.open(f"{V1}{path}", method=method, json=body, headers=signed | more)

    return Caller()


def made(answer):
    assert answer.status_code in {200, 201}, answer.json
    return answer.json


def roof_task(http):
    factor = {"title": ROOF, "value_mg": 250, "source": "City study 2026", "source_status": "read", "region": "CN-SX"}
    made(http.admin("POST", "/factors", {"code": "roof", "unit": "count", "valid_from": "2024-01-01", **factor}))
    method = {"code": "roof", "title": ROOF, "unit": "count", "baseline_factor": "roof", "source": "City study 2026"}
    made(http.admin("POST", "/methodologies", method))
    evidence = [
        {"tier": "photo", "basis": "quantity", "points": 40, "review": True},
        {"tier": "declaration", "basis": "quantity", "points": 20},
    ]
    task = {"code": "green_roof", "title": ROOF, "category": "housing", "unit": "count", "methodology": "roof"}
    sizes = {"quantity_min": 1, "quantity_max": 5, "quantity_typical": 1, "limit_count": 9}
    made(http.admin("POST", "/tasks", {**task, **sizes, "evidence": evidence}))


def do(http, signed, quantity=1, *, photo=None):
    at = clock.rfc3339(clock.now() - timedelta(minutes=3))
    body = {"task": "green_roof", "occurred_at": at, "activity": {"quantity": quantity, "unit": "count"}}
    if photo:
        body["evidence"] = {"kind": "photo", "photo_sha256": photo * 64}
    return http.as_resident(signed, "POST", "/actions", body)


def test_a_task_is_configured_done_and_explained_by_the_factor_of_its_time(http):
    signed = http.sign_in("lin")
    assert do(http, signed).status_code == 404
    roof_task(http)
    first = made(do(http, signed, 2))
    assert (first["co2e_g"], first["points"]) == (0.5, 40)
    now = http.admin("GET", "/factors/roof")
    change = {"value_mg": 1000}
    made(http.admin("PATCH", "/factors/roof", change, **{"If-Match": now.headers["ETag"]}))
    stale = http.admin("PATCH", "/factors/roof", {"value_mg": 1}, **{"If-Match": now.headers["ETag"]})
    assert stale.status_code == 412
    second = made(do(http, signed, 2))
    assert (second["co2e_g"], second["explanation"]["factors"][0]["version"]) == (2.0, 2)
    again = made(http.as_resident(signed, "GET", f"/actions/{first['id']}"))
    assert (again["co2e_g"], again["explanation"]["factors"][0]["version"]) == (0.5, 1)
    assert list(verify()) == []


def voucher_reward(http, *, codes=10):
    title = {"zh": "咖啡券", "en": "Coffee"}
    reward = made(
        http.admin("POST", "/rewards", {"code": "coffee", "kind": "voucher", "title": title, "price_points": 20})
    )
    load(http, reward["id"], [f"C-{number}" for number in range(codes)])
    return reward["id"]


def load(http, reward_id, codes):
    path = f"/rewards/{reward_id}/vouchers"
    answer = http.client_text(path, "\n".join(codes))
    assert (answer.status_code, answer.json["loaded"]) == (200, len(codes)), answer.json


@pytest.fixture
def shop(http, client, admin_headers):
    def send(path, text):
        return client.post(f"{V1}/admin{path}", data=text, content_type="text/plain", headers=admin_headers("operator"))

    http.client_text = send
    return http


def redeem(http, signed, reward_id, key):
    return http.as_resident(signed, "POST", "/redemptions", {"reward_id": reward_id, "quantity": 1}, key=key)


def test_ten_vouchers_are_sold_out_and_restocked(shop):
    roof_task(shop)
    reward = voucher_reward(shop)
    people = [shop.sign_in(f"p{number}") for number in range(11)]
    for signed in people:
        made(do(shop, signed))
    codes = {made(redeem(shop, signed, reward, "k"))["voucher"] for signed in people[:10]}
    assert len(codes) == 10
    assert redeem(shop, people[10], reward, "k").json["type"] == "out-of-stock"
    load(shop, reward, ["C-new"])
    assert made(redeem(shop, people[10], reward, "k2"))["voucher"] == "C-new"
    assert list(verify()) == []


def test_photos_are_decided_and_an_award_taken_back_after_it_was_spent(shop):
    roof_task(shop)
    reward, signed = voucher_reward(shop), shop.sign_in("mei")
    accepted, refused = made(do(shop, signed, photo="a")), made(do(shop, signed, photo="b"))
    assert (accepted["status"], accepted["points"]) == ("pending", 0)
    assert made(shop.admin("POST", f"/actions/{accepted['id']}/accept", role="reviewer"))["points"] == 40
    reason = {"reason": "another roof"}
    made(shop.admin("POST", f"/actions/{refused['id']}/refuse", reason, role="reviewer"))
    made(redeem(shop, signed, reward, "one"))
    assert made(redeem(shop, signed, reward, "two"))["wallet"] == {"balance": 0}
    made(shop.admin("POST", f"/actions/{accepted['id']}/reverse", reason, role="reviewer"))
    assert made(shop.as_resident(signed, "GET", "/me/wallet"))["balance"] == -40
    assert redeem(shop, signed, reward, "three").json["type"] == "insufficient-points"
    assert list(verify()) == []
