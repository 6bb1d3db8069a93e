"""Judging what residents have asked to have recorded, by what the database holds of them."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from backend import metrics
from backend.actions.asked import Asked, Recorded, Row, Statement
from backend.actions.award_sql import BESIDES
from backend.actions.judging import Judged, caps_of, judge
from backend.actions.loading import WALLET_COLUMNS, remember, standing_of
from backend.actions.standing import Standing
from backend.catalogue.service import Catalogue
from backend.errors import RefusalError, UnauthenticatedError

Read = tuple[Asked, Sequence[Row]]
"""What was asked, and the rows that were read for it."""


class Award(NamedTuple):
    """What is to be written for one of them."""

    judged: Sequence[Judged]
    statement: Statement


def awards_of(reads: Sequence[Read], *, catalogue: Catalogue) -> list[Award]:
    """Judge them one after another; sets `recorded` or `error` of each, and gives what is to be written.

    What was read must be of one moment; each award of a resident builds on the one before.
    """
    standings = _standings(reads, catalogue=catalogue)
    awards = []
    for asked, rows in reads:
        asked.recorded, asked.error = None, None
        try:
            if not rows:
                raise UnauthenticatedError
            asked.recorded, award = _judged(asked, rows[0], standings[asked.owner], catalogue)
        except RefusalError as refusal:
            # Its own affair, not of those it stands in line with.
            asked.error = refusal
        else:
            awards += award
    return awards


def count(award: Award) -> None:
    """Tell the metrics of an award that was written."""
    for one in award.judged:
        if one.outcome.status == "credited":
            metrics.AWARDS.labels(one.rules.code, one.claim.tier).inc()


def _standings(reads: Sequence[Read], *, catalogue: Catalogue) -> dict[int, Standing]:
    """Of each resident what all of its claims need to know together."""
    standings: dict[int, Standing] = {}
    known: set[tuple[int, int]] = set()
    for _, rows in reads:
        for row in rows:
            standing = standings.get(row[0]) or standings.setdefault(row[0], standing_of(row))
            seq = row[WALLET_COLUMNS]
            if seq is not None and (row[0], seq) not in known:
                known.add((row[0], seq))
                remember(standing, row[WALLET_COLUMNS:-BESIDES], catalogue=catalogue)
    for standing in standings.values():
        standing.year_points.clear()
    for asked, rows in reads:
        if rows:
            asked.learn(rows[0], standings[rows[0][0]])
    return standings


def _judged(asked: Asked, row: Row, standing: Standing, catalogue: Catalogue) -> tuple[Recorded, list[Award]]:
    replay = asked.answered(row)
    if replay is not None:
        return Recorded(replay=replay), []
    version, caps = standing.version, caps_of(asked.settings)
    judged = judge(asked.claims, standing=standing, catalogue=catalogue, caps=caps, now=asked.now).judged
    if not asked.is_answered(judged):
        return Recorded(judged), []
    standing.version += any(one.recorded for one in judged)
    body = json.dumps(asked.render(judged, standing))
    statement = asked.writing(judged, standing=standing, body=body, version=version)
    return Recorded(judged, body=body), [Award(judged, statement)]
