"""Deeds to project, and what the projections must say, computed the slow and plain way from the books."""

from collections import defaultdict
from datetime import timedelta
from secrets import token_hex

from sqlalchemy import text

from backend import clock
from backend.actions.claim import Claim
from backend.actions.record_many import record_many
from backend.actions.reversing import reverse
from backend.database import db, transaction
from backend.leaderboard.periods import KINDS, containing
from backend.outbox import partition_of
from backend.projector import service as projector
from backend.totals.models import ANY, OF_ALL_TIME
from backend.verification import boards
from backend.verification.difference import Checked

PARTNER_ID = 1


class Deeds:
    """Records what residents did, as a partner or their own declaration would."""

    def __init__(self, settings):
        self._settings = settings

    def record(self, resident, task="bike_ride", *, days_ago=0, metres=2_000, minute=0, now=None, tier="partner"):
        began = clock.now() - timedelta(days=days_ago, minutes=minute)
        is_ride = task == "bike_ride"
        claim = Claim(
            task=task,
            tier=tier,
            quantity_milli=metres * 1000 if is_ride else 1000,
            unit="m" if is_ride else "count",
            happened_at=began - timedelta(minutes=20),
            ended_at=began if is_ride else None,
            day=clock.local_day(began - timedelta(minutes=20)),
            max_age_days=500,
            partner_id=PARTNER_ID if tier == "partner" else None,
            external_id=token_hex() if tier == "partner" else None,
        )
        with transaction():
            (judged,) = record_many({resident.resident_id: [claim]}, settings=self._settings, now=now or clock.now())
        return judged

    def reverse(self, resident, seq):
        with transaction():
            reverse(resident_id=resident.resident_id, seq=seq, reason="wrong", by="test", now=clock.now())


def expected():
    """Every projection as it follows from actions and ledger entries; zeros left out."""
    scores, totals, seen = defaultdict(lambda: [0, None, 0, None, 0]), defaultdict(lambda: [0, 0, 0]), defaultdict(int)
    for row in db.session.execute(text("SELECT * FROM actions WHERE status IN ('credited', 'reversed')")).mappings():
        counts = row["status"] == "credited"
        at = max(filter(None, (row["posted_at"], row["reversed_at"])))
        for kind in KINDS:
            period = containing(row["local_day"], kind=kind)
            _add(scores[row["resident_id"], kind, period.starts_on], row, counts=counts, at=at)
        if counts:
            place = row["local_day"], row["task_id"], row["district_id"] or 0
            total = totals[*place, row["tier"]]
            total[0] += row["co2e_mg"]
            total[1] += row["points"]
            total[2] += 1
            seen[row["resident_id"], *place] += 1
    return {
        "scores": {key: tuple(value) for key, value in scores.items() if value[4]},
        "totals": {key: tuple(value) for key, value in totals.items()},
        "movements": _movements(),
        "participations": dict(seen),
        "participants": _participants(seen),
    }


def _add(score, row, *, counts, at):
    for place, column in ((0, "points"), (2, "co2e_mg")):
        if row[column]:
            score[place] += row[column] if counts else 0
            score[place + 1] = max(filter(None, (score[place + 1], at)))
    score[4] += counts


def _movements():
    moved = defaultdict(lambda: [0, 0])
    kinds = {"redeem": -1, "expire": -1, "return": 1, "adjust": 1}
    for row in db.session.execute(text("SELECT kind, points, posted_at FROM ledger_entries")).mappings():
        if row["kind"] in kinds:
            movement = moved[clock.local_day(row["posted_at"]), row["kind"]]
            movement[0] += kinds[row["kind"]] * row["points"]
            movement[1] += 1
    return {key: tuple(value) for key, value in moved.items()}


def _participants(seen):
    groups = defaultdict(set)
    for resident_id, day, task_id, district_id in seen:
        for task in (task_id, ANY):
            for district in (district_id, ANY):
                groups[day, task, district].add(resident_id)
        groups[OF_ALL_TIME, ANY, ANY].add(resident_id)
    return {key: len(residents) for key, residents in groups.items()}


def projected():
    """The same as the tables have it."""
    rows = {
        "scores": "SELECT resident_id, period, starts_on, points, points_reached_at, co2e_mg, co2e_reached_at, actions"
        " FROM period_scores WHERE actions <> 0",
        "totals": "SELECT day, task_id, district_id, tier, sum(co2e_mg), sum(points), sum(actions) FROM totals"
        " GROUP BY 1, 2, 3, 4 HAVING sum(actions) <> 0",
        "movements": "SELECT day, kind, sum(points), sum(times) FROM movements GROUP BY 1, 2",
        "participations": "SELECT resident_id, day, task_id, district_id, actions FROM participations"
        " WHERE actions <> 0",
        "participants": "SELECT day, task_id, district_id, sum(residents) FROM participants GROUP BY 1, 2, 3"
        " HAVING sum(residents) <> 0",
    }
    keys = {"scores": 3, "totals": 4, "movements": 2, "participations": 4, "participants": 3}
    with transaction():
        return {name: _keyed(db.session.execute(text(sql)), keys[name]) for name, sql in rows.items()}


def _keyed(rows, size):
    found = {tuple(row[:size]): tuple(row[size:]) for row in rows}
    return {key: value[0] if len(value) == 1 else value for key, value in found.items()}


def expected_now():
    """`expected`, in a transaction of its own."""
    with transaction():
        return expected()


def board_differences():
    """What Redis has otherwise than PostgreSQL."""
    return list(boards.differences(Checked()))


def waiting():
    """How many rows wait in the outbox."""
    with transaction():
        return db.session.scalar(text("SELECT count(*) FROM outbox"))


def project_all(resident, *, limit=5_000):
    """Project what waits for one resident, in batches of `limit`."""
    while projector.project(partition_of(resident.resident_id), limit=limit).rows:
        pass


def today():
    return clock.local_day(clock.now())
