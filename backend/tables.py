"""All tables in one place, for Alembic and for what speaks about every table."""

from backend.actions import models as actions
from backend.admins import models as admins
from backend.audit import models as audit
from backend.catalogue import models as catalogue
from backend.emissions import models as emissions
from backend.leaderboard import models as leaderboard
from backend.ledger import models as ledger
from backend.outbox import OutboxRow
from backend.partners import models as partners
from backend.residents import models as residents
from backend.rewards import models as rewards
from backend.totals import models as totals
from backend.verified import LastVerify

__all__ = [
    "LastVerify",
    "OutboxRow",
    "actions",
    "admins",
    "audit",
    "catalogue",
    "emissions",
    "leaderboard",
    "ledger",
    "partners",
    "residents",
    "rewards",
    "totals",
]
