"""Admin routes of green tasks."""

from typing import Any

from backend.admins.auth import admin as admin_only
from backend.admins.etags import IfMatchSchema, tagged
from backend.admins.idempotency import idempotent
from backend.admins.models import Admin
from backend.catalogue import editing
from backend.catalogue.admin_schemas import (
    AdminTaskPageSchema,
    AdminTaskSchema,
    NewTaskSchema,
    TaskChangeSchema,
)
from backend.catalogue.drafts import TaskDraft
from backend.catalogue.editing import TaskShown
from backend.errors import AlreadyExistsError
from backend.web import refuses
from backend.web.blueprint import Blueprint
from backend.web.paging import Page, PageQuerySchema

blueprint = Blueprint("admin tasks", __name__, url_prefix="/admin", description="Green tasks and their rules")


@blueprint.get("/tasks")
@admin_only("operator")
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, AdminTaskPageSchema)
def list_tasks(query: dict[str, Any], *, admin: Admin) -> Page:  # noqa: ARG001  every admin route gets one
    """All green tasks in their latest version"""
    return editing.page(**query)


@blueprint.get("/tasks/<code>")
@admin_only("operator")
@blueprint.response(200, AdminTaskSchema)
@tagged
def show_task(code: str, *, admin: Admin) -> TaskShown:  # noqa: ARG001  every admin route gets one
    """The latest version of a green task"""
    return editing.latest(code)


@blueprint.get("/tasks/<code>/versions")
@admin_only("operator")
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, AdminTaskPageSchema)
def list_task_versions(query: dict[str, Any], code: str, *, admin: Admin) -> Page:  # noqa: ARG001  every admin route gets one
    """All versions of a green task, newest first"""
    return editing.versions(code, **query)


@blueprint.post("/tasks")
@admin_only("operator")
@idempotent()
@refuses(AlreadyExistsError)
@blueprint.arguments(NewTaskSchema)
@blueprint.response(201, AdminTaskSchema)
@tagged
def add_task(wanted: dict[str, Any], *, admin: Admin) -> TaskShown:
    """Add a green task; it is live from starts_at on, or at once"""
    code, position = wanted.pop("code"), wanted.pop("position")
    return editing.add(code, TaskDraft(**wanted), position=position, by=admin.actor)


@blueprint.patch("/tasks/<code>")
@admin_only("operator")
@blueprint.arguments(IfMatchSchema, location="headers", as_kwargs=True)
@blueprint.arguments(TaskChangeSchema(partial=True))
@blueprint.response(200, AdminTaskSchema)
@tagged
def change_task(changes: dict[str, Any], code: str, *, expected: int, admin: Admin) -> TaskShown:
    """Make the next version of a green task; actions that were credited keep theirs"""
    return editing.change(code, changes, expected=expected, by=admin.actor)
