"""The green tasks, as the signed-in resident sees them."""

from typing import Any

from flask import Response, jsonify
from flask_smorest import Blueprint

from backend.account import tasks
from backend.account.task_schemas import TaskDetailSchema, TaskSchema
from backend.paging import page_schema
from backend.residents.auth import caller_by_token
from backend.web import caller

blueprint = Blueprint("tasks", __name__, description="Green tasks")


@blueprint.get("/tasks")
@caller("resident")
@blueprint.response(200, page_schema(TaskSchema))
def list_tasks() -> Response:
    """The green tasks, as they stand for me today"""
    return jsonify({"items": tasks.list_tasks(caller_by_token()), "next_cursor": None})


@blueprint.get("/tasks/<code>")
@caller("resident")
@blueprint.response(200, TaskDetailSchema)
def get_task(code: str) -> dict[str, Any]:
    """One green task"""
    return tasks.get_task(caller_by_token(), code)
