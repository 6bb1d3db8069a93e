"""The audit trail over HTTP. (The trail itself lies below admins, so its route stands here.)"""

from typing import Any

from backend.admins.auth import admin as admin_only
from backend.admins.models import Admin
from backend.admins.schemas import AuditPageSchema, AuditQuerySchema
from backend.audit import service
from backend.web.blueprint import Blueprint
from backend.web.paging import Page

blueprint = Blueprint("audit", __name__, url_prefix="/admin", description="Who changed what")


@blueprint.get("/audit")
@admin_only()
@blueprint.arguments(AuditQuerySchema, location="query")
@blueprint.response(200, AuditPageSchema)
def list_audit(query: dict[str, Any], *, admin: Admin) -> Page:  # noqa: ARG001  who asks does not matter
    """The audit trail, newest first"""
    return service.find(**query)
