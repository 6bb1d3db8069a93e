"""Residents who move: boards of districts and communities follow where a resident lives now."""

from datetime import datetime

from backend import clock, outbox
from backend.database import db


def moved(resident_id: int, *, now: datetime) -> None:
    """Tell the projector that this resident's district or community changes in this transaction.

    Nothing may be called after a commit, so this is a row of the outbox like any other. It need not say from where to
    where: the projector takes the resident off every live board of places where they do not live, and puts them on
    those where they do.
    """
    db.session.add(
        outbox.OutboxRow(
            resident_id=resident_id,
            partition=outbox.partition_of(resident_id),
            kind="moved",
            day=clock.local_day(now),
            co2e_mg=0,
            points=0,
            actions=0,
            posted_at=now,
        )
    )
