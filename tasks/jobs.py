"""The jobs. Each calls functions of features, each call in its own transaction."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from operator import itemgetter
from typing import Any

import psycopg
import structlog
from celery import Task
from sqlalchemy.exc import SQLAlchemyError

from backend import clock, present, verification
from backend.actions import cleaning as actions
from backend.admins import cleaning as admins
from backend.database import transaction
from backend.database.connections import is_unavailable
from backend.leaderboard import settling
from backend.ledger import expiring
from backend.ledger.expiring import LotKey
from backend.partners import cleaning as partners
from backend.projector import service as projector
from backend.residents import cleaning as residents
from backend.rewards import deciding, delivery
from backend.rewards.deciding import RedemptionKey
from backend.web import idempotency
from tasks.app import app
from tasks.chores import PAGE, AllButBad, all_in_pages, alone, what_passes
from tasks.outages import Outage

PROJECT_S = 2.0
"""How long one run projects before it lets the next message have its turn."""
DELIVERIES_KEPT = timedelta(days=90)
_log = structlog.get_logger()
_outage = Outage(begins="PostgreSQL is away: boards and totals wait", ends="boards and totals go on")
BUSY_S = 60
"""A chore that finds another at work comes back so much later."""
REFUSED_S = 3600
"""One to which PostgreSQL says no comes back as soon, then each time after twice as long, and after this at most."""
MOST_TRIES = 24 * 3600 // BUSY_S
"""It gives up when the clock has asked for the same again, also where that is once a day: nothing drops out."""
LOTS_FOUND = 100_000
"""Lots that expiry looks up at once."""
LOTS_CLOSED = 500
"""Lots whose owners' wallets one transaction locks: awards of theirs wait for a tenth of a second."""

SUBJECTS = 10_000
"""Unbound subjects that one transaction forgets: each look for them passes over all for whom events wait."""


def chore(job: Callable[[], Any]) -> Callable[[Task], Any]:
    """A job that runs alone, and may be repeated.

    It is sent again later where another chore is at work, and where something was refused that PostgreSQL may do later.
    """

    @wraps(job)
    def run(task: Task) -> Any:
        try:
            with alone() as free:
                if free:
                    return job()
        except (psycopg.Error, SQLAlchemyError, ExceptionGroup) as error:
            passing = what_passes(error)
            if passing is None:
                raise
            later_s = min(BUSY_S * 2**task.request.retries, REFUSED_S)
            _log.warning("put off", work=task.name, seconds=later_s, error=str(passing).partition("\n")[0])
            raise task.retry(countdown=later_s, max_retries=MOST_TRIES) from error
        raise task.retry(countdown=BUSY_S, max_retries=MOST_TRIES)

    return run


@app.task(name="project")
def project() -> int:
    """Fold what waits in the outbox into boards and totals; returns how many rows, 0 while PostgreSQL is away."""
    try:
        rows = projector.drain(max_seconds=PROJECT_S)
    except (psycopg.Error, SQLAlchemyError) as error:
        if not is_unavailable(error):
            raise
        _outage.met(error)
        return 0
    _outage.over()
    return rows


@app.task(name="settle", bind=True)
@chore
def settle() -> int:
    """Write down the boards of periods that are over, and take them out of Redis; returns how many periods.

    What was credited before it began is on them, however long the worker was away: where that cannot be projected,
    nothing is settled, and the error is raised.
    """
    today = clock.local_day(clock.now())
    # Up to the day that was just read: a period that ends its days of grace meanwhile is for the next run.
    projector.drain()
    with transaction():
        due = settling.due(today=today, grace_days=present.settings().settle_grace_days)
    for period in due:
        with transaction():
            settling.settle(period, now=clock.now())
    return len(due)


@app.task(name="expire_points", bind=True)
@chore
def expire_points() -> int:
    """Post the expiry of points whose last day has passed; returns of how many lots.

    Residents of whom it fails are passed over, told in the log, and raised when all others have had their turn.
    """
    posted = 0
    run: AllButBad[LotKey, int] = AllButBad("expire_points", key=itemgetter(0))
    while True:
        bad = run.bad
        with transaction():
            found = expiring.find_due(now=clock.now(), limit=LOTS_FOUND, but=bad)
        closed = 0
        for first in range(0, len(found), LOTS_CLOSED):
            page = found[first : first + LOTS_CLOSED]
            for done in run.do(page, lambda lots: expiring.expire(lots, now=clock.now())):
                closed += done.closed
                posted += done.posted
        # Lots of who has no wallet stay open, and are found again: `verify` tells of them.
        if len(found) < LOTS_FOUND or not (closed or run.bad > bad):
            run.end()
            return posted


@app.task(name="expire_redemptions", bind=True)
@chore
def expire_redemptions() -> int:
    """Call off redemptions that nobody collected in time; returns how many.

    Those of which it fails are passed over, told in the log, and raised when all others have had their turn.
    """
    expired = 0
    run: AllButBad[RedemptionKey, RedemptionKey] = AllButBad("expire_redemptions", key=lambda redemption: redemption)
    while True:
        with transaction():
            overdue = deciding.find_overdue(now=clock.now(), limit=PAGE, but=run.bad)
        expired += sum(run.do(overdue, lambda keys: deciding.expire_all(keys, now=clock.now())))
        if len(overdue) < PAGE:
            run.end()
            return expired


@app.task(name="clean_up", bind=True)
@chore
def clean_up() -> dict[str, int]:
    """Remove what has served its time; returns how many of each."""
    now = clock.now()
    before = now - idempotency.KEPT
    return all_in_pages(
        {
            "residents_keys": lambda limit: residents.forget_keys(before=before, limit=limit),
            "residents_changes": lambda limit: residents.forget_changes(now=now, limit=limit),
            "departures": lambda limit: residents.forget_departures(now=now, limit=limit),
            "residents_moves": lambda limit: residents.forget_moves(now=now, limit=limit),
            "admins_keys": lambda limit: admins.forget_keys(before=before, limit=limit),
            "nonces": lambda limit: partners.forget_nonces(before=now - partners.NONCES_KEPT, limit=limit),
            "deliveries": lambda limit: delivery.forget(decided_before=now - DELIVERIES_KEPT, limit=limit),
            "unbound_events": lambda limit: actions.forget_unbound(now=now, limit=limit),
            "unbound_subjects": lambda _: actions.forget_subjects(limit=SUBJECTS),
        }
    )


@app.task(name="verify", bind=True)
@chore
def verify() -> int:
    """Recompute every invariant; returns how many differences there are, and tells the alarm metric."""
    return sum(1 for _ in verification.verify())
