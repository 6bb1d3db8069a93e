"""Looking actions up, with the explanation of every gram."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from backend.actions import answering
from backend.actions.models import Action
from backend.catalogue import service as catalogue_service
from backend.catalogue.models import GreenTask, TaskVersion
from backend.database import db
from backend.emissions import service as emissions
from backend.errors import NotFoundError
from backend.residents.models import Resident
from backend.web.paging import Page, page_of


def list_actions(
    resident: Resident, *, limit: int, before: int | None, task: str | None = None, status: str | None = None
) -> Page:
    """A page of the resident's actions, newest first."""
    query = select(Action).where(Action.resident_id == resident.resident_id)
    if before is not None:
        query = query.where(Action.seq < before)
    if status:
        query = query.where(Action.status == status)
    if task:
        query = query.where(Action.task_id == catalogue_service.current().task(task).task_id)
    rows = db.session.scalars(query.order_by(Action.seq.desc()).limit(limit + 1)).all()
    page = page_of(rows, limit=limit, key=lambda action: action.seq)
    return Page(shown(page.items), page.next_cursor)


def get_action(resident_id: int, seq: int) -> dict[str, Any]:
    """One action with its explanation; raises NotFoundError."""
    action = db.session.get(Action, (resident_id, seq))
    if action is None:
        raise NotFoundError
    return shown([action])[0]


def shown(actions: Sequence[Action]) -> list[dict[str, Any]]:
    """Stored actions with the rules and factor versions that judged them: three queries for any number."""
    version_ids = {action.task_version_id for action in actions}
    found = db.session.execute(
        select(TaskVersion, GreenTask.code)
        .join(GreenTask, GreenTask.id == TaskVersion.task_id)
        .where(TaskVersion.id.in_(version_ids))
    ).all()
    versions = {version.id: (version, code) for version, code in found}
    used = emissions.used_by(
        [(a.methodology_id, a.baseline_factor_id, a.project_factor_id) for a in actions if a.methodology_id]
    )
    return [
        answering.stored(
            action,
            code=versions[action.task_version_id][1],
            version=versions[action.task_version_id][0],
            quantification=used.get((action.methodology_id, action.baseline_factor_id, action.project_factor_id)),
        )
        for action in actions
    ]
