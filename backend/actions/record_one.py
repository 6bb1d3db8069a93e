"""Recording one action: alone at first, and judged again under a lock where that met somebody else.

Requests that come while others of this process are being dealt with are recorded together
(`backend.database.gathering`).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter

import psycopg

from backend import present
from backend.actions.asked import Asked, Recorded, Render
from backend.actions.asked_one import AskedOne
from backend.actions.claim import Claim
from backend.actions.record_alone import attempted
from backend.actions.record_together import (
    MovedError,
    may_be_of_one_request,
    one_of_each_key,
    record_in_turn,
    record_together,
)
from backend.catalogue import service as catalogue_service
from backend.config import Settings
from backend.database import prepared_statements
from backend.database.gathering import Gathering, LineTimeoutError
from backend.residents.auth import Caller
from backend.web.idempotency import Request

LEADERS = 3
"""Threads of a process that deal with others' requests too: while one waits for PostgreSQL, the other judges."""
MOST_TOGETHER = 16
"""Requests in one transaction: what the first of them waits for the last is still a few milliseconds."""


def record_one(
    claim: Claim, *, caller: Caller, settings: Settings, now: datetime, request: Request, render: Render
) -> Recorded:
    """Judge and record one claim of a resident.

    Raises NotFoundError for an unknown task, UnauthenticatedError for ended sessions, IdempotencyKeyReusedError for
    a key that stood for another request, psycopg.errors.LockNotAvailable where others took too long.
    A refused claim changes nothing and comes back as judged.
    """
    catalogue_service.knowing([claim.task]).task(claim.task)
    asked = AskedOne([claim], caller=caller, settings=settings, now=now, request=request, render=render)
    try:
        gathering().through(asked, seconds=settings.database_timeout_ms / 1000)
    except LineTimeoutError as error:
        raise psycopg.errors.LockNotAvailable("too many requests before this one") from error
    assert asked.recorded is not None  # noqa: S101  there was no error
    return asked.recorded


class Awards(Gathering[Asked]):
    """The requests of one process that are to be recorded."""

    def together(self, members: Sequence[Asked]) -> Sequence[Sequence[Asked]]:
        """One alone as if there were no line; several under those locks that can be had at once.

        Those of one resident are left: all of them wait for whoever holds the wallet, and nobody else has to.
        """
        if len(members) > 1 and len({member.owner for member in members}) == 1:
            return [members]
        with prepared_statements() as statements:
            if len(members) == 1:
                return [] if attempted(statements, members[0]) else [members]
            now, later = one_of_each_key(members)
            try:
                left = record_together(statements, now)
            except (MovedError, psycopg.Error) as error:
                if not may_be_of_one_request(error, statements):
                    raise
                left = now
        return _by_resident([*left, *later])

    def apart(self, members: Sequence[Asked], *, late: Callable[[], Sequence[Asked]]) -> None:
        """The requests of one resident, and those that come while the wallet is waited for."""
        with prepared_statements() as statements:
            record_in_turn(statements, members, late=late)


def gathering() -> Awards:
    """This process's own."""
    return present.made_once("awards", lambda: Awards(most=MOST_TOGETHER, leaders=LEADERS))


_OWNER = attrgetter("owner")


def _by_resident(asked: Sequence[Asked]) -> list[list[Asked]]:
    return [list(group) for _, group in groupby(sorted(asked, key=_OWNER), key=_OWNER)]
