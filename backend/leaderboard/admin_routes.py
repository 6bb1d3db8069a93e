"""Admin routes of boards."""

from typing import Any

from backend.admins.auth import admin as admin_only
from backend.admins.models import Admin
from backend.leaderboard import settled
from backend.leaderboard.admin_schemas import SettledBoardSchema, SettledQuerySchema
from backend.leaderboard.routes import METRIC
from backend.web import refuses
from backend.web.blueprint import Blueprint

blueprint = Blueprint("admin leaderboards", __name__, url_prefix="/admin", description="Settled leaderboards")


@blueprint.get(f"/leaderboards/{METRIC}/<any(day, week, month, year):period>")
@admin_only("operator", "fulfiller")
@refuses(settled.NotSettledError)
@blueprint.arguments(SettledQuerySchema, location="query")
@blueprint.response(200, SettledBoardSchema)
def show_settled_board(query: dict[str, Any], *, metric: str, period: str, admin: Admin) -> settled.Settled:  # noqa: ARG001  every admin route gets one
    """A past period's board as it was settled, for prizes

    Some days after its end a period is closed (`SETTLE_GRACE_DAYS`): what comes in later, or where people move, changes
    what residents see, but not this. Of a district or community those are on it who lived there when the period ended.
    """
    return settled.read(metric=metric, kind=period, **query)
