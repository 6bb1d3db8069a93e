"""The green tasks, as the signed-in resident sees them."""

from typing import Any

from flask import Response

from backend.account import tasks
from backend.account.task_schemas import TaskDetailSchema, TaskSchema
from backend.residents.auth import caller_by_token
from backend.web import caller
from backend.web.blueprint import Blueprint
from backend.web.paging import page_schema

blueprint = Blueprint("tasks", __name__, description="Green tasks")


@blueprint.get("/tasks")
@caller("resident")
@blueprint.response(200, page_schema(TaskSchema))
def list_green_tasks() -> Response:
    """The green tasks, as they stand for me today"""
    items = tasks.list_tasks(caller_by_token())
    return Response(f'{{"items": {items}, "next_cursor": null}}', content_type="application/json")


@blueprint.get("/tasks/<code>")
@caller("resident")
@blueprint.response(200, TaskDetailSchema)
def get_green_task(code: str) -> dict[str, Any]:
    """One green task"""
    return tasks.get_task(caller_by_token(), code)
