"""My points: wallet, what expires, statement."""

from datetime import date, timedelta

import pytest

from backend import clock
from backend.account.schemas import EntrySchema, ProfileSchema, ReductionSchema, WalletSchema
from backend.actions.reversing import reverse
from backend.database import db, transaction
from backend.leaderboard.models import PeriodScore
from backend.ledger.models import Lot
from tests.books import hold


def expire_in(resident, *, days):
    day = clock.local_day(clock.now()) + timedelta(days=days)
    with transaction():
        lot = db.session.query(Lot).filter_by(resident_id=resident.resident_id).one()
        lot.expires_on = day
    return day.isoformat()


def test_the_wallet_adds_up(me, give, earn, resident):
    earn()
    give(100)
    with transaction():
        hold(resident.resident_id, 30)
    shown = me("GET", "/me/wallet").json
    assert {name: shown[name] for name in ("balance", "held", "earned", "spent", "expired")} == {
        "balance": 75,
        "held": 30,
        "earned": 5,
        "spent": 30,
        "expired": 0,
    }


@pytest.mark.parametrize(("days", "announced"), [(0, True), (90, True), (91, False)])
def test_points_are_announced_that_expire_within_ninety_days(me, give, resident, days, announced):
    give(40)
    day = expire_in(resident, days=days)
    expected = [{"points": 40, "expires_on": day}] if announced else []
    assert me("GET", "/me/wallet").json["expiring"] == expected


def test_a_debt_shows_as_a_negative_balance_and_never_expires(me, give):
    give(-12)
    shown = me("GET", "/me/wallet").json
    assert (shown["balance"], shown["expiring"]) == (-12, [])


def test_the_statement_pages_from_the_newest_to_the_first_without_a_gap(me, give):
    for points in range(1, 8):
        give(points)
    seen, cursor = [], ""
    while True:
        page = me("GET", f"/me/wallet/entries?limit=3{cursor}").json
        seen += [(entry["seq"], entry["points"], entry["balance_after"]) for entry in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [(n, n, n * (n + 1) // 2) for n in range(7, 0, -1)]


def test_an_entry_that_is_posted_meanwhile_does_not_move_the_next_page(me, give):
    for points in (1, 2, 3):
        give(points)
    page = me("GET", "/me/wallet/entries?limit=2").json
    give(4)
    following = me("GET", f"/me/wallet/entries?limit=2&cursor={page['next_cursor']}").json
    assert [entry["seq"] for entry in following["items"]] == [1]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=%21", "cursor=eA"])
def test_a_page_that_cannot_be_is_refused(me, query):
    assert me("GET", f"/me/wallet/entries?{query}").status_code == 422


def test_a_resident_without_entries_gets_an_empty_page(me):
    assert me("GET", "/me/wallet/entries").json == {"items": [], "next_cursor": None}


def test_nobody_sees_anybody_elses_entries(me, give, new_resident):
    give(50, to=new_resident("other"))
    assert me("GET", "/me/wallet/entries").json["items"] == []


def test_an_entry_says_what_it_is_for_in_the_callers_language(me, earn, resident):
    judged = earn("no_cutlery")
    with transaction():
        reverse(resident_id=resident.resident_id, seq=judged.seq, reason="test", by="admin:a", now=clock.now())
    reversal, award = me("GET", "/me/wallet/entries").json["items"]
    assert award["reference"] == {"kind": "action", "id": f"{resident.resident_id}-{judged.seq}"}
    assert (award["kind"], award["description"]) == ("award", "Order without cutlery")
    assert (reversal["points"], reversal["description"]) == (-5, "Taken back: Order without cutlery")
    chinese = me("GET", "/me/wallet/entries", headers={"Accept-Language": "zh-CN"}).json["items"]
    assert chinese[1]["description"] == "外卖无需餐具"


def test_the_reduction_is_grouped_as_asked(me, earn):
    earn("no_cutlery", hours_ago=1)
    earn("no_cutlery", hours_ago=2)
    earn("own_cup", hours_ago=3)
    shown = me("GET", "/me/reduction?by=task").json
    assert (shown["co2e_g"], shown["actions"]) == (91.44, 3)
    assert [(g["task"], g["month"], g["co2e_g"], g["actions"]) for g in shown["groups"]] == [
        ("no_cutlery", None, 91.44, 2),
        ("own_cup", None, 0.0, 1),
    ]
    assert me("GET", "/me/reduction").json["groups"] == []


def test_the_reduction_by_month_and_task_puts_the_newest_month_first(me, earn):
    earn("no_cutlery", hours_ago=24 * 70)
    earn("no_cutlery", hours_ago=1)
    groups = me("GET", "/me/reduction?by=task,month").json["groups"]
    assert [g["month"] for g in groups] == sorted({g["month"] for g in groups}, reverse=True)
    assert groups[0]["month"] == f"{clock.local_day(clock.now() - timedelta(hours=1)):%Y-%m}"


def test_months_alone_come_from_the_projection(me, resident):
    with transaction():
        for month, actions in ((date(2026, 9, 1), 3), (date(2026, 10, 1), 0), (date(2026, 11, 1), 2)):
            row = {"resident_id": resident.resident_id, "period": "month", "starts_on": month, "points": 1}
            db.session.add(PeriodScore(**row, co2e_mg=actions * 1500, actions=actions))
    groups = me("GET", "/me/reduction?by=month").json["groups"]
    assert groups == [
        {"task": None, "month": "2026-11", "co2e_g": 3.0, "actions": 2},
        {"task": None, "month": "2026-09", "co2e_g": 4.5, "actions": 3},
    ]


def test_the_answers_are_what_their_schemas_say(me, earn, give):
    earn()
    give(3)
    assert WalletSchema().validate(me("GET", "/me/wallet").json) == {}
    assert EntrySchema(many=True).validate(me("GET", "/me/wallet/entries").json["items"]) == {}
    assert ReductionSchema().validate(me("GET", "/me/reduction?by=task").json) == {}
    assert ProfileSchema().validate(me("GET").json) == {}


@pytest.mark.parametrize("by", ["year", "task,task", "task,", ","])
def test_an_unknown_grouping_is_refused(me, by):
    assert me("GET", f"/me/reduction?by={by}").status_code == 422
