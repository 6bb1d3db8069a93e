"""Reading residents' standings: wallet, year's points, and the actions around the claimed days."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import psycopg

from backend import clock
from backend.actions.claim import Claim
from backend.actions.standing import Standing, Trip
from backend.catalogue import service as catalogue_service
from backend.catalogue.rules import TaskRules
from backend.catalogue.service import Catalogue
from backend.database import array, text_array

REACH = timedelta(hours=24)
"""How far a trip that meets a claimed one may lie outside its day: more than the longest plausible trip."""

WALLET = """w.resident_id, w.frozen, r.district_id, w.version, w.action_seq, w.entry_seq, w.balance,
    w.co2e_mg, w.actions, r.left_on, r.left_points"""
WALLET_COLUMNS = 11
PAST = "a.seq, a.task_id, a.tier, a.local_day, a.happened_at, a.ended_at, a.points, a.status"
AROUND = f"""a.resident_id = w.resident_id AND a.happened_at >= {{since}} - interval '{REACH.total_seconds()} s'
    AND a.happened_at < {{until}} AND (a.happened_at >= {{since}} OR a.ended_at > {{since}})
    AND a.status IN ('credited', 'pending')"""
"""Past actions that bear on claims of a `window`. What ended before its first day began can neither count on a claimed
day nor meet a claimed trip."""

_LOCK = f"""
SELECT {WALLET} FROM wallets w JOIN residents r USING (resident_id)
WHERE w.resident_id = ANY(%s::bigint[]) ORDER BY w.resident_id FOR UPDATE OF w
"""  # noqa: S608  the parts are ours
_REVISION = "SELECT revision FROM catalogue_revision"
_YEARS = "SELECT resident_id, year, points FROM yearly_points WHERE resident_id = ANY(%s::bigint[]) AND year = ANY(%s)"
# The subquery stands apart (OFFSET 0), so that each resident's few actions are found by the index. Left to choose,
# the planner reads the whole table wherever its statistics lag behind: 40 ms a page at 100,000 actions, and growing.
_PAST = f"""
SELECT w.resident_id, p.*
FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS w (resident_id, since, until)
CROSS JOIN LATERAL (
    SELECT {PAST} FROM actions a
    WHERE {AROUND.format(since="w.since", until="w.until")}
    OFFSET 0
) p
"""  # noqa: S608  the parts are ours
_REFERENCES = """
SELECT a.resident_id, a.client_reference
FROM unnest(%s::bigint[], %s::text[]) AS w (resident_id, client_reference)
JOIN actions a ON a.resident_id = w.resident_id AND a.client_reference = w.client_reference
"""
_TAKEN = "SELECT partner_id, external_id FROM external_events WHERE partner_id = %s AND external_id = ANY(%s::text[])"


def standing_of(row: Sequence[Any]) -> Standing:
    """A standing from the columns of WALLET, which are its first fields."""
    return Standing(*row[:WALLET_COLUMNS])


def remember(standing: Standing, row: Sequence[Any], *, catalogue: Catalogue) -> None:
    """Take one past action, given by the columns of PAST, into a standing."""
    seq, task_id, tier, day, happened_at, ended_at, points, status = row
    rules = catalogue.by_id(task_id)
    trip = None
    if rules.trip and ended_at is not None and status == "credited":
        trip = Trip(seq, task_id, tier, day, happened_at, ended_at, points)
    standing.add(task_id=task_id, day=day, points=points, group=group_of(rules, tier), trip=trip)


def group_of(rules: TaskRules, tier: str) -> str | None:
    """The group of the shared limit that an action of this tier falls under."""
    rule = rules.evidence.get(tier)
    return rule.shared_limit.group if rule and rule.shared_limit else None


def window(claims: Sequence[Claim], catalogue: Catalogue, *, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From when to when past actions bear on these claims; of those that began before, trips that may meet theirs.

    The claims' days in the city's zone, or the months where a limit is monthly; to the end of the last trip if it is
    later.
    """
    monthly = catalogue.monthly
    days = [claim.day for claim in claims]
    first, last = min(days), max(days)
    if monthly and any(claim.task in monthly for claim in claims):
        first, last = clock.month_bounds(first)[0], clock.month_bounds(last)[1]
    since, until = clock.day_bounds(first, zone=zone)[0], clock.day_bounds(last, zone=zone)[1]
    latest = max(claim.ended_at or claim.happened_at for claim in claims)
    return since, until if latest <= until else min(latest, until + REACH)


_text = lru_cache(maxsize=4_096)(str)


class Loaded(NamedTuple):
    """What claims are judged against: the standings, by resident, and the catalogue of the moment they were read at."""

    standings: dict[int, Standing]
    catalogue: Catalogue


def lock_and_load(cursor: psycopg.Cursor[Any], claims: dict[int, list[Claim]]) -> Loaded:
    """Lock the wallets of all these residents, in order of their ids, and read their standings.

    The catalogue is compared under the locks: what was done under a newer one while they were waited for is there too.
    """
    catalogue = catalogue_service.cached()
    standings, revision = _locked_and_loaded(cursor, claims, catalogue=catalogue)
    while revision != catalogue.revision:
        catalogue = catalogue_service.current(revision)
        standings, revision = _locked_and_loaded(cursor, claims, catalogue=catalogue)
    return Loaded(standings, catalogue)


def _locked_and_loaded(
    cursor: psycopg.Cursor[Any], claims: dict[int, list[Claim]], *, catalogue: Catalogue
) -> tuple[dict[int, Standing], int]:
    """The standings, unless the catalogue is not of the revision that stands beside them."""
    residents = sorted(claims)
    owners, zone = array(residents), clock.city_zone()
    spans = [window(claims[resident], catalogue, zone=zone) for resident in residents]
    since, until = (array(map(_text, instants)) for instants in zip(*spans, strict=True))
    years = sorted({claim.day.year for group in claims.values() for claim in group})
    # One round trip: each statement sees what was committed when the one before it was done, hence under the locks.
    with cursor.connection.pipeline():
        wallets = _ask(cursor, _LOCK, owners)
        revisions = _ask(cursor, _REVISION)
        past = _ask(cursor, _PAST, owners, since, until)
        points = _ask(cursor, _YEARS, owners, years)
        references = _ask_references(cursor, claims)
        taken = _ask_taken(cursor, claims)
    ((revision,),) = revisions
    if revision != catalogue.revision:
        return {}, revision
    standings = {row[0]: standing_of(row) for row in wallets}
    for row in past:
        remember(standings[row[0]], row[1:], catalogue=catalogue)
    for standing in standings.values():
        standing.year_points.clear()
    for resident_id, year, earned in points:
        standings[resident_id].year_points[year] = earned
    for resident_id, reference in references:
        standings[resident_id].known.add(reference)
    known = {record for answer in taken for record in answer}
    for standing in standings.values():
        standing.taken = known
    return standings, revision


Answer = Iterable[Any]


def _ask(cursor: psycopg.Cursor[Any], statement: str, *values: object) -> Answer:
    # In PostgreSQL's own binary form, which takes half as long to read as text.
    return cursor.connection.cursor(binary=True).execute(statement, values)


def _ask_references(cursor: psycopg.Cursor[Any], claims: dict[int, list[Claim]]) -> Answer:
    pairs = [(r, c.client_reference) for r, group in claims.items() for c in group if c.client_reference]
    if not pairs:
        return ()
    owners, references = zip(*pairs, strict=True)
    return _ask(cursor, _REFERENCES, array(owners), text_array(references))


def _ask_taken(cursor: psycopg.Cursor[Any], claims: dict[int, list[Claim]]) -> list[Answer]:
    wanted: dict[int, list[str]] = defaultdict(list)
    for group in claims.values():
        for claim in group:
            if claim.partner_id is not None and claim.external_id is not None:
                wanted[claim.partner_id].append(claim.external_id)
    return [_ask(cursor, _TAKEN, partner_id, text_array(ids)) for partner_id, ids in wanted.items()]
