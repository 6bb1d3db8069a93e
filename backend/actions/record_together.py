"""Recording the claims of several requests in one transaction: few round trips and one commit for all of them.

First the wallets are locked, and what the rules need is read; then all is written and committed. Under the locks
nothing that was read can move, so nothing is judged twice. The statements are those of one award, one after the other.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import psycopg

from backend.actions.asked import Asked, Statement
from backend.actions.award_sql import REVISION, TRY_LOCK
from backend.actions.awarding import Read, awards_of, count
from backend.actions.claim import Claim
from backend.catalogue import service as catalogue_service
from backend.catalogue.service import Catalogue
from backend.database import array
from backend.database.statements import OUTDATED, Statements
from backend.ledger.turns import turn

ATTEMPTS = 5
"""Rounds before giving up on one request: only a catalogue that has just changed, or a key that was taken by a request
of another kind at that very moment, can cost it one."""


class MovedError(Exception):
    """The catalogue is another than the claims were read by: nothing was written, and it has been read again."""


MET = (MovedError, psycopg.errors.UniqueViolation, *OUTDATED)
"""What a request can meet and may not meet again: the catalogue has changed, a key or a reference was taken meanwhile,
or a table has changed under a prepared statement."""
_WAITED = (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled)
"""What is refused after all the time there is: asked one after the other, each would wait as long again."""


def may_be_of_one_request(error: Exception, statements: Statements) -> bool:
    """Whether what a group has met may be the affair of one of its requests, from which the others need not suffer.

    PostgreSQL has refused a statement, or the catalogue has moved: nothing was written, and the connection serves on.
    """
    if isinstance(error, MovedError):
        return True
    refused = isinstance(error, psycopg.Error) and error.sqlstate is not None
    return refused and not isinstance(error, _WAITED) and not statements.connection.closed


def record_together(statements: Statements, asked: Sequence[Asked]) -> Sequence[Asked]:
    """Record each that can be at once, by `prepared_statements`; gives those whose wallets others hold.

    Sets `recorded` or `error` of all others. Of one resident's requests that share a key only one may be among them.
    Where it raises, nothing was written: see `may_be_of_one_request`.
    """
    catalogue = catalogue_service.cached()
    owners = array(sorted({one.owner for one in asked}))
    with statements.taken_back_on_error():
        # Each statement sees what was committed when the one before it was done, hence under the locks.
        _, locked, *rows = statements.together([("BEGIN", ()), (TRY_LOCK, (owners,)), *_reads(asked, catalogue)])
        held = {row[0] for row in locked}
        reads = [read for read in zip(asked, rows, strict=True) if read[0].owner in held]
        _judge_and_write(statements, reads, catalogue=catalogue)
    return [one for one in asked if one.owner not in held]


def record_in_turn(statements: Statements, asked: Sequence[Asked], *, late: Callable[[], Sequence[Asked]]) -> None:
    """Record all of one resident's, waiting for whoever holds the wallet; sets `recorded` or `error` of each.

    `late` gives further ones of the resident: who comes while we wait goes along as soon as the wallet is ours.
    What PostgreSQL refuses of one is that one's error alone. Raises psycopg.errors.LockNotAvailable after
    `lock_timeout`.
    """
    rest = asked
    while rest:
        # Until the wallet is ours it is all of them that may have to be done one by one, and none of before.
        now, rest = rest, ()
        try:
            with turn(statements, now[0].owner):
                now, rest = one_of_each_key([*now, *late()])
                _read_judge_and_write(statements, now)
        except (MovedError, psycopg.Error) as error:
            if not may_be_of_one_request(error, statements):
                raise
            for one in now:
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
            with turn(statements, one.owner):
                _read_judge_and_write(statements, [one])
        except MET:
            continue
        except psycopg.Error as error:
            if not may_be_of_one_request(error, statements):
                raise
            one.error = error
        return
    one.error = psycopg.errors.LockNotAvailable("too many requests of one resident at once")


def _read_judge_and_write(statements: Statements, asked: Sequence[Asked]) -> None:
    catalogue = catalogue_service.cached()
    rows = statements.together(_reads(asked, catalogue))
    _judge_and_write(statements, list(zip(asked, rows, strict=True)), catalogue=catalogue)


def _reads(asked: Sequence[Asked], catalogue: Catalogue) -> list[Statement]:
    return [one.reading(span) for one, span in zip(asked, _spans(asked, catalogue), strict=True)]


def _spans(asked: Sequence[Asked], catalogue: Catalogue) -> Iterator[tuple[datetime, datetime]]:
    """From when to when each is to read the past: a resident's first for all of the resident's, the others nothing."""
    claims: dict[int, list[Claim]] = defaultdict(list)
    for one in asked:
        claims[one.owner] += one.claims
    for one in asked:
        yield one.span(claims.pop(one.owner, ()), catalogue)


def _judge_and_write(statements: Statements, reads: Sequence[Read], *, catalogue: Catalogue) -> None:
    for _, rows in reads:
        if rows and rows[0][REVISION] != catalogue.revision:
            statements.execute("ROLLBACK")
            catalogue_service.current(rows[0][REVISION])
            raise MovedError
    awards = awards_of(reads, catalogue=catalogue)
    *written, _ = statements.together([*(award.statement for award in awards), ("COMMIT", ())])
    if not all(written):
        raise AssertionError("a wallet moved although it was locked")
    for asked, _ in reads:
        asked.settled = True
    for award in awards:
        count(award)
