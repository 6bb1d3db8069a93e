"""What comes to more than any action is worth is refused by every way in, and costs nothing beside it anything."""

import json
from datetime import timedelta

import pytest

from backend import clock
from backend.actions import rules
from backend.actions.claim import LARGEST
from backend.database import db, transaction
from backend.partners import service as partners
from tests.actions.conftest import HUGE, PATH
from tests.actions.holding import bag
from tests.books import differences

EXACTLY = rules.MOST_MG // HUGE
"""Metres that come to just as much as one action can earn, or a little less."""
PHOTO = {"kind": "photo", "photo_sha256": "ab" * 32}
BIGINT, INT = 2**63, 2**31


@pytest.fixture
def post(client, resident, headers):
    return lambda body, path=PATH: client.post(path, json=body, headers=headers(resident))


@pytest.fixture
def reported(huge):
    """A partner may report that task."""
    with transaction():
        partner = partners.find("bikes")
        partner.tasks = [*partner.tasks, "huge"]


def of(metres, **more):
    return bag(task="huge", activity={"quantity": metres, "unit": "m"}, **more)


@pytest.mark.parametrize("more", [{}, {"evidence": PHOTO}], ids=["credited", "pending"])
def test_one_action_says_what_is_wrong(post, too_much, more):
    answer = post(too_much(**more))
    assert (answer.status_code, answer.json["type"], answer.json["reason"]) == (
        422,
        "validation-failed",
        "out-of-range",
    )
    # What the task allows was kept to: to name its span would be no cure.
    assert [error["field"] for error in answer.json["errors"]] == ["activity.quantity"]
    assert str(HUGE) not in answer.text
    assert post(bag()).status_code == 201
    assert differences(with_actions=True) == []


@pytest.mark.parametrize(("metres", "status"), [(EXACTLY, 201), (EXACTLY + 1, 422)])
def test_as_much_as_is_allowed_counts_and_no_more(post, huge, metres, status):
    assert post(of(metres)).status_code == status
    assert differences(with_actions=True) == []


def test_in_a_batch_it_is_refused_by_itself(post, too_much):
    answer = post({"actions": [bag(), too_much(), bag()]}, f"{PATH}/batch")
    lines = [(line["status"], line.get("reason")) for line in answer.json["results"]]
    assert lines == [("credited", None), ("refused", "out-of-range"), ("credited", None)]
    assert differences(with_actions=True) == []


@pytest.mark.parametrize("subject", ["u-1", "nobody-yet"])
def test_in_a_partners_page_it_is_refused_by_itself(send, ride, known, reported, subject):
    known("u-1")
    bad = ride("bad", task="huge", subject=subject, metres=HUGE, ended_at=None)
    lines = send([ride("before", hours_ago=9), bad, ride("after", hours_ago=5)])["results"]
    assert [(line["status"], line.get("reason")) for line in lines] == [
        ("credited", None),
        ("refused", "out-of-range"),
        ("credited", None),
    ]
    assert differences(with_actions=True) == []


def test_in_a_file_it_is_refused_by_itself(app, reported, tmp_path):
    began = clock.rfc3339(clock.now() - timedelta(hours=5))
    file = tmp_path / "some.csv"
    lines = ["external_id,subject,task,started_at,quantity", f"a,u-1,huge,{began},1", f"b,u-1,huge,{began},{HUGE}"]
    file.write_text("\n".join(lines))
    args = ["ingest", str(file), "--partner", "bikes", "--bind-subjects", "--json"]
    told = json.loads(app.test_cli_runner().invoke(args=args).stdout)
    assert (told["credited"], told["refused"]) == (1, {"out-of-range": 1})


def test_a_factor_that_is_set_too_high_later_gets_nothing_past_the_rules(client, post, admin_headers):
    walk = bag(task="bike_ride", started_at=clock.rfc3339(clock.now() - timedelta(minutes=25)))
    walk["activity"] = {"quantity": 2_000, "unit": "m"}
    factor = client.get("/api/v1/admin/factors/travel_baseline", headers=admin_headers("operator"))
    changed = client.patch(
        "/api/v1/admin/factors/travel_baseline",
        json={"value_mg": HUGE},
        headers=admin_headers("operator", **{"If-Match": factor.headers["ETag"]}),
    )
    assert changed.status_code == 200, changed.text
    assert post(walk).json["reason"] == "out-of-range"


def test_a_photo_that_came_in_before_comes_to_no_more_when_it_is_accepted(client, post, admin_headers, huge, rows):
    pending = post(of(EXACTLY, evidence=PHOTO)).json
    assert pending["status"] == "pending"
    rows("UPDATE actions SET quantity = :metres RETURNING 1", metres=HUGE)
    path = f"/api/v1/admin/actions/{pending['id']}/accept"
    answer = client.post(path, headers=admin_headers("reviewer"))
    assert (answer.status_code, answer.json["reason"]) == (422, "out-of-range")
    assert rows("SELECT status FROM actions") == [("pending",)]
    with transaction():
        assert db.session.scalar(db.text("SELECT co2e_mg FROM wallets")) == 0


def test_the_bounds_lie_far_below_what_a_column_holds_and_can_be_passed():
    assert int(LARGEST) ** 2 > BIGINT > 10**6 * rules.MOST_MG
    assert rules.MOST_POINTS < INT
