"""Reading and adding versions of emission factors and methodologies."""

from collections import defaultdict
from dataclasses import fields

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from backend.database import db
from backend.emissions.models import EmissionFactor, Methodology
from backend.emissions.rules import Factor, Quantifier


def quantifiers() -> dict[str, Quantifier]:
    """By code of the methodology (its latest version): what finds the factors of a day."""
    versions: dict[str, list[Factor]] = defaultdict(list)
    names = [field.name for field in fields(Factor)]
    for row in db.session.scalars(select(EmissionFactor)):
        versions[row.code].append(Factor(**{name: getattr(row, name) for name in names}))
    latest = select(Methodology).ext(distinct_on(Methodology.code)).order_by(Methodology.code, Methodology.version.desc())
    return {
        row.code: Quantifier(
            row.id,
            baselines=versions[row.baseline_factor],
            projects=versions[row.project_factor] if row.project_factor else None,
        )
        for row in db.session.scalars(latest)
    }
