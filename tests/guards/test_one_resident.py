"""No request of a resident's spans residents: every statement finds rows by that resident's id.

So in a distributed PostgreSQL one node answers it.
"""

import re
import secrets
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import text

from backend import (
    clock,
    tables,  # noqa: F401  makes all models known
)
from backend.actions import check_in
from backend.database import Model, db, transaction
from tests.contract.described import KEPT, calls
from tests.contract.test_contract import caller_of
from tests.guards.distribution import column_of
from tests.guards.recorded_statements import recorded, scans_of

DISTRIBUTED_BY = {name: column_of(table) for name, table in Model.metadata.tables.items()}
PHOTO = {"kind": "photo", "photo_sha256": "ab" * 32}
SPANS = {
    ("read_board", "residents"): "the names of the fifty on the page, by their ids",
    ("read_around_me", "residents"): "the names of those around, by their ids",
    ("redeem", "redemptions"): "who has had some of what is sold out, once it has changed",
}
"""What goes beyond one resident all the same, and why it may."""
ELSEWHERE = {
    "record_steps": "goes with partners' pages through statements made for many residents at once",
    "export_me": "once in a while, for one resident",
    "cancel_me": "once in a resident's life",
    "bind_account": "binds and credits what waited for the subject; once an account",
    "unbind_account": "seldom",
    "list_bindings": "seldom, and found by the partners' own subjects",
}
"""Residents' calls that are not asked here, and why."""


@pytest.fixture
def requests(app, client, resident, headers):
    """Every hot call of a resident: (operation, what makes it)."""
    mine = headers(resident)
    with transaction():
        reward = db.session.scalar(
            text(
                "UPDATE rewards SET price_points = 1, stock = 9, limit_per_resident = NULL WHERE code = 'cloth_bag'"
                " RETURNING id"
            )
        )
        gone = db.session.scalar(text("UPDATE rewards SET stock = 0 WHERE code = 'seed_kit' RETURNING id"))

    def send(method, path, body=None):
        key = {"Idempotency-Key": secrets.token_hex(8)}
        return client.open(f"/api/v1{path}", method=method, json=body, headers=mine | key)

    def ask(method, path, body=None):
        answer = send(method, path, body)
        assert answer.status_code < 300, answer.text
        return answer.json

    def act():
        at = clock.rfc3339(clock.now() - timedelta(minutes=1))
        return ask("POST", "/actions", {"task": "own_bag", "occurred_at": at, "client_reference": secrets.token_hex(4)})

    def act_many():
        at = clock.rfc3339(clock.now() - timedelta(minutes=1))
        references = [secrets.token_hex(4) for _ in range(3)]
        given = [{"task": "own_cup", "occurred_at": at, "client_reference": reference} for reference in references]
        return ask("POST", "/actions/batch", {"actions": [*given, scanned(at)]})

    def redeem():
        return ask("POST", "/redemptions", {"reward_id": reward, "quantity": 1})

    def redeem_what_there_is_and_what_there_is_not():
        for _ in range(2):
            assert send("POST", "/redemptions", {"reward_id": gone}).json["type"] == "out-of-stock"
        return redeem()

    act()
    first = redeem()
    reads = {
        call["operationId"]: path
        for path, method, call in calls(KEPT)
        if method == "get" and caller_of(call) == "resident"
    }
    given = {
        "action_id": f"{resident.resident_id}-1",
        "redemption_id": first["id"],
        "reward_id": reward,
        "code": "own_bag",
    }
    given |= {"metric": "points", "period": "week"}
    made = {
        name: partial(ask, "GET", path.removeprefix("/api/v1").format(**given))
        for name, path in reads.items()
        if name not in ELSEWHERE
    }
    made |= {"record_action": act, "record_actions": act_many, "redeem": redeem_what_there_is_and_what_there_is_not}
    made |= {"cancel_redemption": lambda: ask("POST", f"/redemptions/{first['id']}/cancel")}
    made |= {"change_me": lambda: ask("PATCH", "/me", {"nickname": "Wang"})}
    return made


def scanned(at):
    """An action with a check-in code."""
    token = check_in.issue(task="event_checkin", place="gate", by=1, now=clock.now(), valid_s=60)
    return {"task": "event_checkin", "occurred_at": at, "evidence": {"kind": "check_in", "check_in_token": token}}


def test_every_call_of_a_resident_is_looked_at_or_excused(requests):
    named = {call["operationId"] for _path, _method, call in calls(KEPT) if caller_of(call) == "resident"}
    assert named == requests.keys() | ELSEWHERE.keys()


def test_each_statement_finds_rows_by_the_one_residents_id(requests, resident):
    requests["list_green_tasks"]()  # the catalogue is read once and kept
    wrong = []
    for name in sorted(requests):
        with recorded() as statements:
            requests[name]()
        assert statements, name
        for statement in statements:
            wrong += [
                f"{name}: {fault}" for fault in faults(statement, operation=name, resident_id=resident.resident_id)
            ]
    assert not wrong, "\n".join(wrong)


def faults(statement, *, operation, resident_id):
    """The tables of which a statement could touch rows of other residents, or of which one node would not know."""
    scans = scans_of(statement)
    pinned = any(re.search(rf"\bresident_id = '?{resident_id}\b", conditions) for _table, conditions in scans)
    for table, conditions in scans:
        if (operation, table) in SPANS:
            continue
        column = DISTRIBUTED_BY[table]
        # The same resident as of another table, which is pinned: both lie in the same place.
        joined = pinned and column == "resident_id" and re.search(r"\bresident_id = \w+\.resident_id", conditions)
        value = f"'?{resident_id}\\b" if column == "resident_id" else "[^ ]"
        if column and not joined and not re.search(rf"\b{column} = {value}", conditions):
            yield f"{table} by ({conditions}) in {' '.join(statement.split())[:300]}"


@pytest.mark.parametrize(
    ("statement", "sound"),
    [
        ("SELECT balance FROM wallets WHERE resident_id = 7", True),
        ("SELECT balance FROM wallets WHERE resident_id > 6", False),
        ("SELECT balance FROM wallets WHERE resident_id = 77", False),
        ("SELECT 1 FROM wallets w JOIN actions a USING (resident_id) WHERE w.resident_id = 7 OFFSET 0", True),
        ("SELECT 1 FROM wallets w JOIN actions a ON a.seq = w.action_seq WHERE w.resident_id = 7", False),
        ("UPDATE lots SET remaining = 0 WHERE expires_on = DATE '2026-01-01'", False),
        ("SELECT 1 FROM vouchers WHERE reward_id = 3 AND resident_id IS NULL FOR UPDATE SKIP LOCKED", True),
        ("SELECT 1 FROM vouchers WHERE resident_id = 7", False),
    ],
)
def test_a_statement_that_spans_residents_is_found(app, statement, sound):
    assert (not list(faults(statement, operation="", resident_id=7))) == sound
