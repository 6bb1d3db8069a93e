"""The catalogue as the rules need it: read once a process, and again whenever its revision has moved."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from backend import present
from backend.catalogue.models import GreenTask, TaskVersion
from backend.catalogue.rules import TaskRules, evidence_rule
from backend.database import db
from backend.emissions import service as emissions
from backend.emissions.revision import latest as latest_revision
from backend.emissions.rules import Quantifier
from backend.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All green tasks in their latest version, by code, in the order they are shown."""

    revision: int
    tasks: Mapping[str, TaskRules]
    ids: Mapping[int, TaskRules] = field(init=False)
    monthly: frozenset[str] = field(init=False)
    """Codes of the tasks whose limit counts by the month."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", {rules.task_id: rules for rules in self.tasks.values()})
        monthly = frozenset(code for code, rules in self.tasks.items() if rules.limit_period == "month")
        object.__setattr__(self, "monthly", monthly)

    def task(self, code: str) -> TaskRules:
        """The rules of a task; raises NotFoundError naming the code."""
        if code not in self.tasks:
            raise NotFoundError(_l("There is no task %(code)s.", code=code))
        return self.tasks[code]

    def by_id(self, task_id: int) -> TaskRules:
        """The rules of the task with that id."""
        return self.ids[task_id]


def current(revision: int | None = None) -> Catalogue:
    """The catalogue of this revision (which the caller has just read), else of the latest.

    The cache is told by the revision that every change raises in its own transaction: who has read the revision
    with the data that it is about to judge can never judge by older rules.
    """
    cached: Catalogue | None = present.extensions().get("catalogue")
    wanted = revision if revision is not None else latest_revision()
    if cached is None or cached.revision != wanted:
        cached = present.extensions()["catalogue"] = _load(wanted)
    return cached


def cached() -> Catalogue:
    """Whatever revision this process has; for callers that read the revision with their data and then compare."""
    known: Catalogue | None = present.extensions().get("catalogue")
    return known or current()


def knowing(codes: Collection[str]) -> Catalogue:
    """The catalogue of this process, or the latest if it lacks one of these tasks: it may have been added since."""
    known = cached()
    return known if all(code in known.tasks for code in codes) else current()


def version(version_id: int) -> TaskRules:
    """The rules of a task as they stood in one version; raises NotFoundError."""
    now = next((rules for rules in current().tasks.values() if rules.version_id == version_id), None)
    if now is not None:
        return now
    query = select(GreenTask, TaskVersion).join(TaskVersion, TaskVersion.task_id == GreenTask.id)
    found = db.session.execute(query.where(TaskVersion.id == version_id)).one_or_none()
    if found is None:
        raise NotFoundError
    return _rules(found[0], found[1], emissions.quantifiers())


def _load(revision: int) -> Catalogue:
    rows = db.session.execute(
        select(GreenTask, TaskVersion)
        .join(TaskVersion, TaskVersion.task_id == GreenTask.id)
        .ext(distinct_on(GreenTask.id))
        .order_by(GreenTask.id, TaskVersion.version.desc())
    ).all()
    # After the tasks, which name methodologies: whatever is added between the two reads, none of them is missing.
    quantifiers = emissions.quantifiers()
    ordered = sorted(rows, key=lambda row: (row[0].position, row[0].id))
    return Catalogue(revision, {task.code: _rules(task, version, quantifiers) for task, version in ordered})


def _rules(task: GreenTask, version: TaskVersion, quantifiers: Mapping[str, Quantifier]) -> TaskRules:
    speed = version.max_speed_kmh
    return TaskRules(
        task_id=task.id,
        version_id=version.id,
        version=version.version,
        code=task.code,
        title=version.title,
        description=version.description,
        category=version.category,
        icon=version.icon,
        unit=version.unit,
        min_milli=_milli(version.quantity_min),
        max_milli=_milli(version.quantity_max),
        typical_milli=_milli(version.quantity_typical),
        counted_max_milli=None if version.counted_max is None else _milli(version.counted_max),
        trip=version.trip,
        max_metres_an_hour=None if speed is None else int(speed * 1000),
        max_duration_s=version.max_duration_s,
        methodology=version.methodology,
        limit_count=version.limit_count,
        limit_period=version.limit_period,
        points_cap_day=version.points_cap_day,
        evidence={rule["tier"]: evidence_rule(rule) for rule in version.evidence},
        unlock=version.unlock,
        starts_at=version.starts_at,
        ends_at=version.ends_at,
        quantifier=quantifiers[version.methodology] if version.methodology else None,
    )


def _milli(quantity: Decimal) -> int:
    return int(quantity * 1000)
