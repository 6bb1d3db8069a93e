"""The jobs. Each calls functions of features, each call in its own transaction."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

import psycopg
from celery import Task
from sqlalchemy.exc import SQLAlchemyError

from backend import clock, idempotency, present, verification
from backend.actions.partner_feed import forget_unbound
from backend.admins import cleaning as admins
from backend.connections import is_unavailable
from backend.database import transaction
from backend.leaderboard import settling
from backend.ledger.expiring import close_spent, expire_due
from backend.partners import cleaning as partners
from backend.projector import service as projector
from backend.residents import cleaning as residents
from backend.rewards import delivery
from backend.rewards.deciding import expire_reserved
from tasks.app import app
from tasks.chores import alone, in_pages
from tasks.outages import Outage

PROJECT_S = 2.0
"""How long one run projects before it lets the next message have its turn."""
DELIVERIES_KEPT = timedelta(days=90)
_outage = Outage(begins="PostgreSQL is away: boards and totals wait", ends="boards and totals go on")
BUSY_S = 60
"""A chore that finds another at work comes back so much later."""


def chore(job: Callable[[], Any]) -> Callable[[Task], Any]:
    """A job that runs alone; where another chore is at work it is sent again later."""

    @wraps(job)
    def run(task: Task) -> Any:
        with alone() as free:
            if free:
                return job()
        raise task.retry(countdown=BUSY_S, max_retries=60)

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
    """Write down the boards of periods that are over, and take them out of Redis; returns how many periods."""
    with transaction():
        due = settling.due(today=clock.local_day(clock.now()), grace_days=present.settings().settle_grace_days)
    for period in due:
        with transaction():
            settling.settle(period, now=clock.now())
    return len(due)


@app.task(name="expire_points", bind=True)
@chore
def expire_points() -> int:
    """Post the expiry of points whose last day has passed; returns of how many residents."""
    in_pages(lambda limit: close_spent(now=clock.now(), limit=limit))
    return in_pages(lambda limit: expire_due(now=clock.now(), limit=limit))


@app.task(name="expire_redemptions", bind=True)
@chore
def expire_redemptions() -> int:
    """Call off redemptions that nobody collected in time; returns how many."""
    return in_pages(lambda limit: expire_reserved(now=clock.now(), limit=limit))


@app.task(name="clean_up", bind=True)
@chore
def clean_up() -> dict[str, int]:
    """Remove what has served its time; returns how many of each."""
    now = clock.now()
    with transaction():
        events = forget_unbound(now=now)
    before = now - idempotency.KEPT
    return {
        "residents_keys": in_pages(lambda limit: residents.forget_keys(before=before, limit=limit)),
        "residents_changes": in_pages(lambda limit: residents.forget_changes(now=now, limit=limit)),
        "admins_keys": in_pages(lambda limit: admins.forget_keys(before=before, limit=limit)),
        "nonces": in_pages(lambda limit: partners.forget_nonces(before=now - partners.NONCES_KEPT, limit=limit)),
        "deliveries": in_pages(lambda limit: delivery.forget(decided_before=now - DELIVERIES_KEPT, limit=limit)),
        "unbound_events": events,
    }


@app.task(name="verify", bind=True)
@chore
def verify() -> int:
    """Recompute every invariant; returns how many differences there are, and tells the alarm metric."""
    return sum(1 for _ in verification.verify())
