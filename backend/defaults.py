"""Loading the default catalogue: repeatable, adds what is missing by its code, never changes what is there."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from backend import clock
from backend.catalogue.models import GreenTask, TaskVersion
from backend.database import Model, db
from backend.emissions import revision
from backend.emissions.models import CatalogueRevision, EmissionFactor, Methodology
from backend.partners.models import Partner
from backend.rewards import configuring as rewards

HERE = Path(__file__).parent
BY = "defaults"


def load() -> int:
    """Add every factor, methodology, task, partner and reward that is not there yet; returns how many were added."""
    # Two first starts at once must not both find nothing.
    db.session.execute(text("SELECT pg_advisory_xact_lock(hashtext('tanhui defaults'))"))
    if db.session.get(CatalogueRevision, 1) is None:
        db.session.add(CatalogueRevision(id=1, revision=1))
    added = _add_versioned(EmissionFactor, _read("emissions", "factors"))
    added += _add_versioned(Methodology, _read("emissions", "methodologies"))
    added += _add_tasks(_read("catalogue", "tasks"))
    added += _add(Partner, _read("partners", "partners"))
    added += rewards.add_defaults(_read("rewards", "rewards"), by=BY)
    db.session.flush()
    if added:
        revision.changed()
    return added


def _read(feature: str, kind: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((HERE / feature / "defaults.json").read_text(encoding="utf-8"))[kind]
    return rows


def _missing(model: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = set(db.session.scalars(select(model.code)))
    return [row for row in rows if row["code"] not in known]


def _add(model: type[Model], rows: list[dict[str, Any]], **more: Any) -> int:
    missing = _missing(model, rows)
    db.session.add_all([model(**row, created_at=clock.now(), **more) for row in missing])
    return len(missing)


def _add_versioned(model: type[Model], rows: list[dict[str, Any]]) -> int:
    return _add(model, rows, version=1, created_by=BY)


def _add_tasks(rows: list[dict[str, Any]]) -> int:
    missing = _missing(GreenTask, rows)
    places = {row["code"]: place for place, row in enumerate(rows)}
    for row in missing:
        task = GreenTask(code=row["code"], position=places[row["code"]], created_at=clock.now())
        db.session.add(task)
        db.session.flush()
        rules = {name: value for name, value in row.items() if name != "code"}
        db.session.add(TaskVersion(task_id=task.id, version=1, created_at=clock.now(), created_by=BY, **rules))
    return len(missing)
