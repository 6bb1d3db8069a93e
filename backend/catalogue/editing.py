"""Adding green tasks and new versions of their rules. Old actions keep the version they were judged by."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import distinct_on

from backend import audit, clock
from backend.admins.etags import require_version
from backend.catalogue import checking
from backend.catalogue.drafts import TaskDraft
from backend.catalogue.models import GreenTask, TaskVersion
from backend.database import db
from backend.emissions import revision
from backend.errors import AlreadyExistsError, NotFoundError
from backend.web.paging import Page, decode, decode_number, page_of


@dataclass(frozen=True, slots=True)
class TaskShown:
    """One version of a green task, with what names and places it."""

    code: str
    position: int
    version: int
    rules: TaskDraft
    created_at: datetime
    created_by: str


def add(code: str, draft: TaskDraft, *, position: int, by: str) -> TaskShown:
    """A new green task in its first version; raises AlreadyExistsError, ValidationFailedError."""
    revision.changed()
    if _find(code) is not None:
        raise AlreadyExistsError
    checking.check(draft)
    task = GreenTask(code=code, position=position, created_at=clock.now())
    db.session.add(task)
    db.session.flush()
    return _add_version(task, draft, before=None, by=by)


def change(code: str, changes: Mapping[str, Any], *, expected: int, by: str) -> TaskShown:
    """The next version of a task: what `changes` names, the rest as it was; `position` moves it in the list.

    Raises NotFoundError, PreconditionFailedError, ValidationFailedError.
    """
    revision.changed()
    before = latest(code)
    require_version(expected, before.version)
    task = _existing(code)
    task.position = changes.get("position", task.position)
    draft = replace(before.rules, **{name: value for name, value in changes.items() if name != "position"})
    checking.check(draft)
    return _add_version(task, draft, before=before, by=by)


def latest(code: str) -> TaskShown:
    """A task in its latest version; raises NotFoundError."""
    return versions(code, limit=1, cursor=None).items[0]  # type: ignore[no-any-return]  # a page holds anything


def page(*, limit: int, cursor: str | None) -> Page:
    """A page of all tasks in their latest versions, by code."""
    query = _all().where(GreenTask.code > (decode(cursor) or "")).ext(distinct_on(GreenTask.code))
    rows = db.session.execute(query.order_by(GreenTask.code, TaskVersion.version.desc()).limit(limit + 1)).all()
    return page_of([_shown(*row) for row in rows], limit=limit, key=lambda task: task.code)


def versions(code: str, *, limit: int, cursor: str | None) -> Page:
    """A page of all versions of a task, newest first; raises NotFoundError."""
    task, before = _existing(code), decode_number(cursor)
    query = select(TaskVersion).where(TaskVersion.task_id == task.id).order_by(TaskVersion.version.desc())
    if before is not None:
        query = query.where(TaskVersion.version < before)
    rows = db.session.scalars(query.limit(limit + 1)).all()
    return page_of([_shown(task, row) for row in rows], limit=limit, key=lambda shown: shown.version)


def _all() -> Select[GreenTask, TaskVersion]:
    return select(GreenTask, TaskVersion).join(TaskVersion, TaskVersion.task_id == GreenTask.id)


def _find(code: str) -> GreenTask | None:
    return db.session.scalar(select(GreenTask).where(GreenTask.code == code))


def _existing(code: str) -> GreenTask:
    task = _find(code)
    if task is None:
        raise NotFoundError(_l("There is no task %(code)s.", code=code))
    return task


def _add_version(task: GreenTask, draft: TaskDraft, *, before: TaskShown | None, by: str) -> TaskShown:
    version = 1 if before is None else before.version + 1
    row = TaskVersion(task_id=task.id, version=version, created_at=clock.now(), created_by=by, **_stored(asdict(draft)))
    db.session.add(row)
    db.session.flush()
    shown = _shown(task, row)
    audit.record(
        actor=by,
        action="task.created" if before is None else "task.changed",
        object_kind="task",
        object_id=task.code,
        before=None if before is None else _state(before),
        after=_state(shown),
    )
    return shown


def _stored(rules: dict[str, Any]) -> dict[str, Any]:
    # JSONB knows no Decimal: quantities in evidence rules are kept as text, exact.
    evidence = [
        {name: str(value) if isinstance(value, Decimal) else value for name, value in rule.items()}
        for rule in rules["evidence"]
    ]
    return {**rules, "evidence": evidence}


def _shown(task: GreenTask, row: TaskVersion) -> TaskShown:
    rules = TaskDraft(**{field.name: getattr(row, field.name) for field in fields(TaskDraft)})
    return TaskShown(task.code, task.position, row.version, rules, row.created_at, row.created_by)


def _state(shown: TaskShown) -> dict[str, Any]:
    return {**asdict(shown.rules), "position": shown.position, "version": shown.version}
