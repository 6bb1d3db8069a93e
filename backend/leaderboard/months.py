"""A resident's months, as the projection has them."""

from datetime import date

from sqlalchemy import select

from backend.database import db
from backend.leaderboard.models import PeriodScore


def months_of(resident_id: int) -> list[tuple[date, int, int]]:
    """(first day, co2e_mg, actions) of each month with credited actions, newest first."""
    query = select(PeriodScore.starts_on, PeriodScore.co2e_mg, PeriodScore.actions).where(
        PeriodScore.resident_id == resident_id, PeriodScore.period == "month", PeriodScore.actions > 0
    )
    found = db.session.execute(query.order_by(PeriodScore.starts_on.desc())).all()
    return [(first, co2e_mg, actions) for first, co2e_mg, actions in found]
