"""How a batch is found, whatever PostgreSQL believes about the outbox."""

from datetime import timedelta

import pytest
from psycopg.rows import scalar_row

from backend import clock
from backend.database import autocommit_cursor, cursor, db, transaction
from backend.leaderboard.boards import Board
from backend.leaderboard.epochs import State
from backend.leaderboard.periods import Period
from backend.leaderboard.writing import Batch
from backend.outbox import PARTITIONS
from backend.projector import folding
from backend.projector import service as projector
from tests.projector.outbox_rows import ALIKE, FILL, take_snapshot

PEOPLE = """
INSERT INTO residents
    (resident_id, state, nickname, leaderboard_consent, simulated, token_epoch, district_id, community_id, joined_at)
SELECT n, 'active', '', true, false, 0, 1 + n %% 7, 1 + n %% 70, now() FROM generate_series(1, %s) n
"""


def nodes(plan):
    """All nodes of a plan, as EXPLAIN tells it."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def scans(plan, table):
    """Those that read or change this table."""
    return [node for node in nodes(plan) if node.get("Relation Name") == table]


def plan_of_a_batch(limit, *, boards=(), first=0):
    """The plan by which a batch of partition 3 was folded, from the number `first` on; it is taken back."""
    with transaction():
        known = Batch(3, State(0, behind=False), 0, 0, boards, reached=True).parameters()
        scopes = {board.scope for board in boards}
        sql = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + folding.statement(limit=limit, scopes=scopes)
        with cursor() as asked:
            asked.row_factory = scalar_row
            plan = asked.execute(sql, {"partition": 3, "first": first, **known}).fetchone()[0]["Plan"]
        db.session.rollback()
    return plan


def test_what_waits_is_looked_through_once_even_where_the_table_was_empty_when_it_was_analysed(app):
    # As the automatic analysis does between two pages of a partner.
    with autocommit_cursor() as asked:
        asked.execute(FILL, (4_000,))
        asked.execute("DELETE FROM outbox")
        asked.execute("ANALYZE outbox")
        asked.execute(FILL, (4_000,))
    found = scans(plan_of_a_batch(5_000), "outbox")
    assert {scan["Node Type"] for scan in found} > {"ModifyTable"}
    assert [scan["Actual Loops"] for scan in found] == [1] * len(found)
    assert max(scan["Actual Rows"] for scan in found) == 500


def test_what_went_is_not_walked_over_though_somebody_may_still_see_it(app):
    with autocommit_cursor() as asked, db.engine.connect() as other:
        asked.execute(FILL, (8_000,))
        take_snapshot(other.connection.cursor())
        asked.execute("DELETE FROM outbox")
        asked.execute(FILL, (80,))
        pages = [
            max(scan["Shared Hit Blocks"] + scan["Shared Read Blocks"] for scan in scans(plan, "outbox"))
            for plan in (plan_of_a_batch(5_000), plan_of_a_batch(5_000, first=8_001))
        ]
    assert pages[0] > 100
    assert pages[1] < pages[0] / 2


@pytest.mark.parametrize("scopes", [["city"], ["city", "district", "community"]])
def test_scores_are_not_tried_against_each_board_however_many_there_are(app, scopes):
    with autocommit_cursor() as asked:
        asked.execute(FILL, (4_000,))
        asked.execute(PEOPLE, (4_000,))
        asked.execute("ANALYZE outbox, residents")
    boards = [
        Board(metric, Period("day", clock.local_day(clock.now()) - timedelta(days=back)), scope, area)
        for back in range(100)
        for scope in scopes
        for area in ([0] if scope == "city" else range(1, 8))
        for metric in ("points", "co2e")
    ]
    plan = plan_of_a_batch(5_000, boards=boards)
    tried = sum(node["Actual Loops"] * node.get("Rows Removed by Join Filter", 0) for node in nodes(plan))
    # 500 residents have 2,500 scores: each with each would be half a million and more.
    assert tried < 50_000


def test_a_batch_is_the_oldest_of_its_partition_and_no_more(app):
    with autocommit_cursor() as asked:
        asked.execute(FILL, (400,))
    with transaction():
        sql = folding.statement(limit=20, scopes=())
        rows = dict(cursor().execute(sql, {"partition": 3, "first": 0}).fetchall())[0]
        left = cursor().execute("SELECT count(*), min(resident_id) FROM outbox WHERE partition = 3").fetchone()
        others = cursor().execute("SELECT count(*) FROM outbox WHERE partition <> 3").fetchone()[0]
        db.session.rollback()
    assert (rows, left, others) == ("20", (30, 3 + 20 * PARTITIONS), 350)


def test_rows_of_one_number_are_folded_together_and_none_is_left_out(app):
    with autocommit_cursor() as asked:
        asked.execute(ALIKE, (7, 160))
    with transaction():
        sql = folding.statement(limit=15, scopes=())
        assert dict(cursor().execute(sql, {"partition": 3, "first": 0}).fetchall())[0] == "20"
        assert cursor().execute("SELECT sum(actions) FROM totals WHERE partition = 3").fetchone() == (20,)
        db.session.rollback()


def test_more_rows_of_one_number_than_a_batch_may_hold_are_refused_whole(app):
    with autocommit_cursor() as asked:
        asked.execute(ALIKE, (7, 160))
    with pytest.raises(RuntimeError, match="20 rows"):
        projector.project(3, limit=9)
    with autocommit_cursor() as asked:
        assert asked.execute("SELECT count(*) FROM outbox").fetchone() == (160,)
