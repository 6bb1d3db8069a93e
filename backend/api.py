"""The parts of the API, and what its OpenAPI description says of the whole."""

from typing import Any

from flask_smorest import Blueprint

from backend.actions.admin_routes import blueprint as admin_actions
from backend.actions.routes import blueprint as actions
from backend.admins.audit_routes import blueprint as audit
from backend.admins.routes import blueprint as admins

BLUEPRINTS: tuple[Blueprint, ...] = (
    actions,
    admin_actions,
    admins,
    audit,
)


def description() -> dict[str, Any]:
    """Settings of the OpenAPI 3.1 description."""
    return {
        "API_TITLE": "Tanhui",
        "API_VERSION": "v1",
        "OPENAPI_VERSION": "3.1.0",
    }
