"""Reading emission factors and methodologies as the rules need them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from backend.database import db
from backend.emissions.models import EmissionFactor, Methodology
from backend.emissions.rules import Factor, Quantification, Quantifier


def quantifiers() -> dict[str, Quantifier]:
    """By code of the methodology (its latest version): what finds the factors of a day."""
    # Rows are only added, each after those that it names: who reads in the other order finds what was read named.
    methodologies = db.session.scalars(
        select(Methodology).ext(distinct_on(Methodology.code)).order_by(Methodology.code, Methodology.version.desc())
    ).all()
    versions: dict[str, list[Factor]] = defaultdict(list)
    for row in db.session.scalars(select(EmissionFactor)):
        versions[row.code].append(_factor(row))
    return {
        row.code: Quantifier(
            row.id,
            baselines=versions[row.baseline_factor],
            projects=versions[row.project_factor] if row.project_factor else None,
        )
        for row in methodologies
    }


Used = tuple[int | None, int | None, int | None]
"""Ids that an action keeps: methodology, baseline factor, project factor."""


def used_by(ids: Sequence[Used]) -> dict[Used, Quantification]:
    """The quantifications that these ids stand for, with the very versions used: one query."""
    wanted = {factor for used in ids for factor in used[1:] if factor is not None}
    rows = db.session.scalars(select(EmissionFactor).where(EmissionFactor.id.in_(wanted)))
    factors = {row.id: _factor(row) for row in rows}
    found: dict[Used, Quantification] = {}
    for methodology_id, baseline_id, project_id in ids:
        if methodology_id is None or baseline_id is None:
            continue
        baseline, project = factors[baseline_id], factors[project_id] if project_id else None
        found[methodology_id, baseline_id, project_id] = Quantification.of(methodology_id, baseline, project)
    return found


def _factor(row: EmissionFactor) -> Factor:
    return Factor(**{field.name: getattr(row, field.name) for field in fields(Factor)})
