"""The parts of the API, and what its OpenAPI description says of the whole."""

from backend.account.admin_routes import blueprint as admin_residents
from backend.account.routes import blueprint as account
from backend.account.task_routes import blueprint as tasks
from backend.actions.admin_routes import blueprint as admin_actions
from backend.actions.partner_routes import blueprint as partners
from backend.actions.routes import blueprint as actions
from backend.admins.audit_routes import blueprint as audit
from backend.admins.routes import blueprint as admins
from backend.catalogue.admin_routes import blueprint as admin_tasks
from backend.catalogue.partner_routes import blueprint as admin_partners
from backend.emissions.admin_routes import blueprint as admin_emissions
from backend.leaderboard.admin_routes import blueprint as admin_leaderboards
from backend.leaderboard.routes import blueprint as leaderboards
from backend.ledger.admin_routes import blueprint as adjustments
from backend.residents.area_routes import blueprint as admin_areas
from backend.residents.routes import blueprint as residents
from backend.rewards.admin_routes import blueprint as admin_rewards
from backend.rewards.fulfilment_routes import blueprint as fulfilment
from backend.rewards.routes import blueprint as rewards
from backend.totals.routes import blueprint as totals
from backend.web.blueprint import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = (
    account,
    residents,
    tasks,
    actions,
    partners,
    admin_actions,
    admins,
    audit,
    admin_tasks,
    admin_emissions,
    admin_partners,
    admin_areas,
    admin_residents,
    adjustments,
    rewards,
    admin_rewards,
    fulfilment,
    leaderboards,
    admin_leaderboards,
    totals,
)

DESCRIPTION = {"API_TITLE": "Tanhui", "API_VERSION": "v1", "OPENAPI_VERSION": "3.1.0"}
"""Settings of the OpenAPI description."""
