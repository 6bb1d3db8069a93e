"""GET /rewards and the admins' side of it: terms, versions, stock, codes."""

import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from backend import clock
from backend.audit.models import AuditRow
from backend.database import db, transaction
from backend.rewards import configuring
from backend.rewards.models import Reward, RewardVersion, StockMovement, Voucher
from tests.rewards.conftest import DELIVERY

REWARDS = "/api/v1/admin/rewards"
WANTED = {"code": "mug", "kind": "pickup", "title": {"zh": "zh mug", "en": "Mug"}, "price_points": 50, "stock": 3}


@pytest.fixture
def operator(admin_headers):
    return lambda **more: admin_headers("operator", **more)


def load(client, reward, text, headers, content_type="text/plain"):
    return client.post(f"{REWARDS}/{reward.id}/vouchers", data=text, content_type=content_type, headers=headers)


def test_the_default_rewards_are_shown_in_the_callers_language(app, client, headers, resident):
    listed = {}
    for language in ("en", "zh-CN"):
        sent = {**headers(resident), "Accept-Language": language}
        with app.app_context():
            listed[language] = client.get("/api/v1/rewards?limit=100", headers=sent).json["items"]
    bag = next(item for item in listed["en"] if item["code"] == "cloth_bag")
    assert len(listed["en"]) == 8
    shown = {"title": "Cloth bag", "kind": "pickup", "price_points": 200, "stock_left": 500, "limit_per_resident": 1}
    assert bag.items() >= {**shown, "state": "available"}.items()
    assert (bag["on_sale"], bag["min_level"], bag["images"]) == ({"from": None, "until": None}, "seed", [])
    assert listed["zh-CN"][0]["title"] != listed["en"][0]["title"]
    states = {item["code"]: (item["state"], item["stock_left"]) for item in listed["en"]}
    assert states["plant_a_tree"] == ("available", None)
    assert states["cinema_ticket"] == ("sold_out", 0)


def test_every_default_reward_has_its_version_and_its_movement(app):
    rewards = db.session.scalars(select(Reward)).all()
    assert {v.reward_id for v in db.session.scalars(select(RewardVersion))} == {r.id for r in rewards}
    assert {m.reward_id for m in db.session.scalars(select(StockMovement))} == {r.id for r in rewards if r.stock}


@pytest.mark.parametrize(
    ("terms", "state"),
    [
        ({}, "available"),
        ({"stock": 0}, "sold_out"),
        ({"min_level": "sprout"}, "locked"),
        ({"on_sale_from": timedelta(hours=1)}, "not_yet"),
        ({"on_sale_from": timedelta(hours=-1)}, "available"),
        ({"on_sale_until": timedelta(hours=-1), "stock": 0}, "ended"),
        ({"on_sale_until": timedelta(hours=1)}, "available"),
    ],
)
def test_a_reward_says_whether_it_can_be_had(client, headers, resident, new_reward, terms, state):
    moments = {name: clock.now() + value for name, value in terms.items() if isinstance(value, timedelta)}
    reward = new_reward(**{"stock": 1, **terms, **moments})
    assert client.get(f"/api/v1/rewards/{reward.id}", headers=headers(resident)).json["state"] == state


def test_hidden_rewards_are_not_listed_and_pages_go_on(client, headers, resident, new_reward):
    hidden = new_reward(stock=1, active=False)
    seen, cursor = [], None
    while True:
        more = f"&cursor={cursor}" if cursor else ""
        page = client.get(f"/api/v1/rewards?limit=3{more}", headers=headers(resident)).json
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 8
    assert hidden.id not in seen
    for wanted in (hidden.id, 99_999, 2**31, 10**18):
        assert client.get(f"/api/v1/rewards/{wanted}", headers=headers(resident)).status_code == 404


def test_an_operator_adds_a_reward_that_residents_see_at_once(client, operator, headers, resident):
    made = client.post(REWARDS, json=WANTED, headers=operator(**{"Idempotency-Key": "k"}))
    assert (made.status_code, made.json["version"], made.headers["ETag"]) == (201, 1, '"1"'), made.json
    assert client.post(REWARDS, json=WANTED, headers=operator(**{"Idempotency-Key": "k"})).json == made.json
    assert client.post(REWARDS, json=WANTED, headers=operator()).json["type"] == "already-exists"
    assert client.get(f"/api/v1/rewards/{made.json['id']}", headers=headers(resident)).json["stock_left"] == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"price_points": 0},
        {"price_points": 10**9},
        {"price_points": 1.5},
        {"price_points": "5"},
        {"kind": "car"},
        {"title": {"zh": "x"}},
        {"title": "x"},
        {"code": "Mug!"},
        {"stock": -1},
        {"limit_per_resident": 0},
        {"limit_period": "week"},
        {"min_level": "king"},
        {"hold_days": 0},
        {"images": ["javascript:alert(1)"]},
        {"active": "yes"},
        {"more": 1},
        {"on_sale_from": "2026-12-01T00:00:00Z", "on_sale_until": "2026-12-01T00:00:00Z"},
        {"kind": "voucher", "stock": 5},
    ],
)
def test_terms_that_cannot_be_are_named(client, operator, changes):
    answer = client.post(REWARDS, json={**WANTED, **changes}, headers=operator())
    assert (answer.status_code, answer.json["type"]) == (422, "validation-failed")
    assert answer.json["errors"][0]["field"].split(".")[0] in {*changes, "on_sale_until"}


def test_stock_left_out_is_none_yet_and_of_a_donation_unlimited(client, operator):
    for kind, expected in (("pickup", 0), ("physical", 0), ("voucher", 0), ("donation", None)):
        wanted = {**WANTED, "code": f"a_{kind}", "kind": kind, "stock": None}
        assert client.post(REWARDS, json=wanted, headers=operator()).json["stock"] == expected


def test_a_change_needs_the_version_that_was_seen(client, operator, new_reward):
    reward = new_reward(stock=1)
    path = f"{REWARDS}/{reward.id}"
    tag = client.get(path, headers=operator()).headers["ETag"]
    assert client.patch(path, json={"price_points": 120}, headers=operator()).status_code == 428
    first = client.patch(path, json={"price_points": 120}, headers=operator(**{"If-Match": tag}))
    assert (first.status_code, first.json["version"], first.headers["ETag"]) == (200, 2, '"2"')
    second = client.patch(path, json={"price_points": 130}, headers=operator(**{"If-Match": tag}))
    assert (second.status_code, client.get(path, headers=operator()).json["price_points"]) == (412, 120)
    same = client.patch(path, json={"price_points": 120}, headers=operator(**{"If-Match": '"2"'}))
    assert (same.status_code, same.json["version"]) == (200, 2)


def test_a_change_is_kept_as_a_version_and_audited(client, operator, new_reward):
    reward = new_reward(stock=1)
    code = reward.code
    changes = {"limit_per_resident": 2, "limit_period": "day", "active": False}
    client.patch(f"{REWARDS}/{reward.id}", json=changes, headers=operator(**{"If-Match": "1"}))
    kept = db.session.scalars(
        select(RewardVersion.terms).where(RewardVersion.reward_id == reward.id).order_by(RewardVersion.version)
    )
    assert [terms["limit_per_resident"] for terms in kept] == [None, 2]
    row = db.session.scalar(select(AuditRow).where(AuditRow.object_id == code, AuditRow.action == "reward.changed"))
    assert (row.actor, row.after) == ("operator", {**changes, "version": 2})
    assert row.before == {"limit_per_resident": None, "limit_period": "ever", "active": True, "version": 1}


def test_a_change_that_cannot_be_changes_nothing(client, operator, new_reward):
    now = clock.now()
    reward = new_reward(stock=1, on_sale_from=now)
    changes = {"price_points": 1, "on_sale_until": clock.rfc3339(now)}
    answer = client.patch(f"{REWARDS}/{reward.id}", json=changes, headers=operator(**{"If-Match": "1"}))
    assert answer.status_code == 422
    shown = client.get(f"{REWARDS}/{reward.id}", headers=operator()).json
    assert (shown["price_points"], shown["on_sale_until"], shown["version"]) == (100, None, 1)


@pytest.mark.parametrize(
    ("delta", "status", "left"), [(-3, 200, 0), (-4, 409, 3), (7, 200, 10), (0, 422, 3), (10**9, 422, 3)]
)
def test_stock_moves_with_a_reason_and_never_below_zero(client, operator, new_reward, stock, delta, status, left):
    reward = new_reward(stock=3)
    answer = client.post(f"{REWARDS}/{reward.id}/stock", json={"delta": delta, "reason": "count"}, headers=operator())
    assert (answer.status_code, stock(reward)) == (status, left), answer.json
    if status == 409:
        assert answer.json["type"] == "out-of-stock"


@pytest.mark.parametrize(("kind", "slug"), [("voucher", "stock-of-vouchers"), ("donation", "stock-unlimited")])
def test_stock_that_is_not_counted_by_hand_says_the_cure(client, operator, new_reward, kind, slug):
    reward = new_reward(kind)
    answer = client.post(f"{REWARDS}/{reward.id}/stock", json={"delta": 1, "reason": "count"}, headers=operator())
    assert (answer.status_code, answer.json["type"]) == (409, slug)


def test_codes_are_loaded_from_text_and_what_is_not_is_named_by_its_line(client, operator, new_reward, stock):
    reward = new_reward("voucher")
    assert load(client, reward, "OLD\n", operator()).json["loaded"] == 1
    text = (
        b"\xef\xbb\xbfA-1\r\n\r\n  B-2  \rA-1\nOLD\n"
        + b"x" * 100
        + b"\n"
        + b"x" * 101
        + b"\n\xff\xfe\nC\t3\nD\x004\n\xe7\xba\xa2\n"
    )
    body = load(client, reward, text, operator()).json
    assert (body["loaded"], body["stock"], stock(reward)) == (4, 5, 5)
    assert (body["duplicates"], body["duplicate_count"]) == (
        [{"line": 4, "code": "A-1"}, {"line": 5, "code": "OLD"}],
        2,
    )
    assert ([item["line"] for item in body["invalid"]], body["invalid_count"]) == ([7, 8, 9, 10], 4)
    codes = set(db.session.scalars(select(Voucher.code).where(Voucher.reward_id == reward.id)))
    assert codes == {"OLD", "A-1", "B-2", "x" * 100, "\u7ea2"}


def test_codes_are_loaded_from_a_form_too_and_twice_changes_nothing(client, operator, new_reward, stock):
    reward = new_reward("voucher")
    for expected in (3, 0):
        form = {"file": (io.BytesIO(b"A\nB\nC"), "codes.txt")}
        body = load(client, reward, form, operator(), "multipart/form-data").json
        assert (body["loaded"], stock(reward)) == (expected, 3)


def test_a_form_of_codes_that_is_sent_again_gets_its_first_answer(client, operator, new_reward, stock):
    reward, signed = new_reward("voucher"), operator() | {"Idempotency-Key": "the-same"}

    def send(codes):
        # As curl does, the client draws a new boundary each time.
        return load(client, reward, {"file": (io.BytesIO(codes), "codes.txt")}, signed, "multipart/form-data")

    first, again, other = send(b"A\nB\nC"), send(b"A\nB\nC"), send(b"A\nB\nD")
    assert (first.json["loaded"], again.json, again.headers["Idempotent-Replayed"]) == (3, first.json, "true")
    assert other.json["type"] == "idempotency-key-reused"
    assert stock(reward) == 3


@pytest.mark.parametrize(
    ("kind", "data", "content_type", "status"),
    [
        ("voucher", "", "text/plain", 422),
        ("voucher", "\n \n", "text/plain", 422),
        ("voucher", "A", "application/json", 415),
        ("voucher", {"other": "A"}, "multipart/form-data", 422),
        ("pickup", "A", "text/plain", 409),
    ],
)
def test_what_cannot_be_loaded_is_refused(client, operator, new_reward, kind, data, content_type, status):
    assert load(client, new_reward(kind), data, operator(), content_type).status_code == status


def test_of_a_long_file_every_line_counts_and_a_thousand_are_named(client, operator, new_reward, stock):
    reward = new_reward("voucher")
    text = "\n".join(f"C{number:06d}" for number in range(45_000))
    assert load(client, reward, text, operator()).json["loaded"] == 45_000
    body = load(client, reward, text, operator()).json
    assert (body["duplicate_count"], len(body["duplicates"]), stock(reward)) == (45_000, 1_000, 45_000)


def test_ten_vouchers_are_sold_out_and_restocked(client, operator, new_reward, resident, give, redeem):
    reward = new_reward("voucher", stock=10)
    give(resident, 5000)
    assert len(set(redeem(resident, reward, quantity=10).json["vouchers"])) == 10
    assert redeem(resident, reward).json["type"] == "out-of-stock"
    load(client, reward, "NEW-1\n", operator())
    assert redeem(resident, reward).json["voucher"] == "NEW-1"


def test_the_work_list_is_paged_oldest_first_and_shows_addresses_to_those_who_send(
    client, admin_headers, new_reward, resident, give, redeem
):
    give(resident, 1000)
    cup, bag = new_reward("physical", stock=9), new_reward(stock=9)
    ids = [redeem(resident, cup, delivery=DELIVERY).json["id"] for _ in range(3)]
    redeem(resident, bag)
    path = f"/api/v1/admin/redemptions?reward_id={cup.id}&limit=2"
    first = client.get(path, headers=admin_headers("fulfiller")).json
    rest = client.get(f"{path}&cursor={first['next_cursor']}", headers=admin_headers("owner")).json
    assert [item["id"] for item in first["items"] + rest["items"]] == ids
    assert [item["delivery"] for item in first["items"] + rest["items"]] == [DELIVERY] * 3
    assert rest["next_cursor"] is None
    assert all("delivery" not in item for item in client.get(path, headers=admin_headers("auditor")).json["items"])
    assert client.get(path, headers=admin_headers("operator")).status_code == 403
    done = client.post(f"/api/v1/admin/redemptions/{ids[0]}/fulfil", headers=admin_headers("fulfiller"))
    assert (done.json["status"], done.json["decided_by"], "delivery" in done.json) == (
        "fulfilled",
        "admin:fulfiller",
        False,
    )
    row = db.session.scalar(select(AuditRow).where(AuditRow.object_kind == "redemption"))
    assert (row.action, row.object_id, row.before) == (
        "redemption.fulfilled",
        ids[0],
        {"status": "reserved"},
    )
    assert len(client.get("/api/v1/admin/redemptions", headers=admin_headers("owner")).json["items"]) == 3


def test_prices_change_while_residents_redeem_and_nothing_is_half_applied(app, new_reward, resident, give, redeem):
    give(resident, 5000)
    reward = new_reward(stock=20)
    for version in range(1, 6):
        with transaction():
            changes = {"price_points": 100 + version, "limit_per_resident": 10 + version}
            configuring.change(reward.id, changes, expected=version, by="admin:test")
        body = redeem(resident, reward).json
        assert (body["points"], body["reward_version"]) == (100 + version, version + 1)
