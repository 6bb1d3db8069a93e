"""Recording the claims of several requests in one transaction: two round trips and one commit for all of them.

The first locks the wallets and reads; the second writes and commits. Under the locks nothing that was read can move,
so nothing is judged twice. The statements are those of one award, one after the other.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

import psycopg

from backend.actions.asked import Asked, Row
from backend.actions.award_sql import BESIDES, LOCK, READ, WRITE
from backend.actions.awarding import Award, awards_of, count
from backend.actions.claim import Claim
from backend.actions.loading import window
from backend.catalogue import service as catalogue_service
from backend.catalogue.service import Catalogue
from backend.database import array
from backend.statements import Statements

ATTEMPTS = 5
"""Rounds before giving up on one request: only a catalogue that has just changed, or a key that was taken by a request
of another kind at that very moment, can cost it one."""


class MovedError(Exception):
    """The catalogue is another than the claims were read by: nothing was written, and it has been read again."""


def record_together(statements: Statements, asked: Sequence[Asked], *, wait: bool) -> Sequence[Asked]:
    """Record each that can be, by `prepared_statements`; gives those whose wallets others hold.

    With `wait` it waits for these. Sets `recorded` or `error` of all but those it gives. Of one resident's requests
    that share a key only one may be among them. Raises MovedError, psycopg.errors.UniqueViolation where a key or a
    reference was taken meanwhile; then nothing was written.
    """
    catalogue = catalogue_service.cached()
    with statements.taken_back_on_error():
        held, rows = _lock_and_read(statements, asked, catalogue=catalogue, wait=wait)
        taken = [(one, read) for one, read in zip(asked, rows, strict=True) if one.owner in held or wait]
        _write(statements, awards_of(taken, catalogue=catalogue))
    return [] if wait else [one for one in asked if one.owner not in held]


def record_in_turn(statements: Statements, asked: Sequence[Asked]) -> None:
    """Record all of them, waiting for whoever holds their wallets; sets `recorded` or `error` of each.

    Raises psycopg.errors.LockNotAvailable after `lock_timeout`.
    """
    rest = asked
    while rest:
        round_, rest = one_of_each_key(rest)
        try:
            record_together(statements, round_, wait=True)
        except (MovedError, psycopg.errors.UniqueViolation):
            for one in round_:
                _record_alone(statements, one)


def one_of_each_key(asked: Sequence[Asked]) -> tuple[list[Asked], list[Asked]]:
    """Those to record now, and those that must see first what became of another with the same key."""
    keys: set[tuple[int, str]] = set()
    now: list[Asked] = []
    later: list[Asked] = []
    for one in asked:
        key = (one.owner, one.request.key)
        (later if one.request.key and key in keys else now).append(one)
        keys.add(key)
    return now, later


def _record_alone(statements: Statements, one: Asked) -> None:
    for _ in range(ATTEMPTS):
        try:
            record_together(statements, [one], wait=True)
        except (MovedError, psycopg.errors.UniqueViolation):
            continue
        return
    one.error = psycopg.errors.LockNotAvailable("too many requests of one resident at once")


def _lock_and_read(
    statements: Statements, asked: Sequence[Asked], *, catalogue: Catalogue, wait: bool
) -> tuple[set[int], Sequence[Sequence[Row]]]:
    owners = sorted({one.owner for one in asked})
    reads = [(READ, one.reading(span)) for one, span in zip(asked, _spans(asked, catalogue), strict=True)]
    # Each statement sees what was committed when the one before it was done, hence under the locks.
    _, locked, *rows = statements.together([("BEGIN", ()), (LOCK[wait], (array(owners),)), *reads])
    for found in rows:
        if found and found[0][1 - BESIDES] != catalogue.revision:
            statements.execute("ROLLBACK")
            catalogue_service.current(found[0][1 - BESIDES])
            raise MovedError
    return {row[0] for row in locked}, rows


def _spans(asked: Sequence[Asked], catalogue: Catalogue) -> Iterator[tuple[datetime, datetime]]:
    """From when to when each is to read the past: a resident's first for all of the resident's, the others nothing."""
    claims: dict[int, list[Claim]] = defaultdict(list)
    for one in asked:
        claims[one.owner].append(one.claim)
    for one in asked:
        theirs = claims.pop(one.owner, None)
        yield window(theirs, catalogue, zone=one.settings.city_zone) if theirs else (one.now, one.now)


def _write(statements: Statements, awards: Sequence[Award]) -> None:
    *written, _ = statements.together([*((WRITE, award.values()) for award in awards), ("COMMIT", ())])
    if not all(written):
        raise AssertionError("a wallet moved although it was locked")
    for award in awards:
        count(award)
