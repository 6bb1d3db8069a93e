"""What a site holds, at a glance: printed when it has been prepared."""

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from backend.actions.models import Action
from backend.database import db
from backend.leaderboard.models import PeriodScore
from backend.residents.models import Resident
from backend.totals import service as totals

TOP = 10
MG_PER_TONNE = 1_000_000_000


def print_summary(console: Console) -> None:
    """Residents, actions, tonnes, rewards redeemed, and the ten with the most points."""
    exact = totals.exact()
    simulated = db.session.scalar(select(func.count()).select_from(Resident).where(Resident.simulated))
    rows = {
        "Residents": f"{_count(Resident):,}" + (f" ({simulated:,} simulated)" if simulated else ""),
        "Actions recorded": f"{_count(Action):,}",
        "Person-times credited": f"{exact['person_times']:,}",
        "Reduction": f"{exact['co2e_mg'] / MG_PER_TONNE:,.3f} t CO2e",
        "Points issued": f"{exact['points_issued']:,}",
        "Rewards redeemed": f"{exact['redemptions']:,}",
    }
    table = Table(title="This site", show_header=False)
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)
    _print_best(console)


def _print_best(console: Console) -> None:
    query = (
        select(Resident.resident_id, Resident.nickname, Resident.leaderboard_consent, PeriodScore.points)
        .join(PeriodScore, PeriodScore.resident_id == Resident.resident_id)
        .where(PeriodScore.period == "all", PeriodScore.points > 0)
        .order_by(PeriodScore.points.desc())
        .limit(TOP)
    )
    best = db.session.execute(query).all()
    if not best:
        return
    table = Table("Rank", "Resident", "Points", title=f"Top {TOP}, all time")
    for rank, (resident_id, nickname, shown, points) in enumerate(best, 1):
        table.add_row(str(rank), nickname if shown else f"resident {resident_id}", f"{points:,}")
    console.print(table)


def _count(model: type[Resident] | type[Action]) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0
