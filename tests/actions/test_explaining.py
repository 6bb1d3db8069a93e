"""The formula of an explanation is a true equation, or none."""

from datetime import date
from decimal import Decimal

import pytest

from backend.actions.explaining import explain
from backend.emissions.rules import Factor, Quantification


def factor(value):
    return Factor(
        id=1,
        code="x",
        version=1,
        title={"zh": "x", "en": "x"},
        value_mg=Decimal(value),
        unit="m",
        source="a table",
        source_status="read",
        region="CN",
        valid_from=date(2024, 1, 1),
        valid_to=None,
    )


@pytest.mark.parametrize(
    ("baseline", "project", "formula"),
    [
        ("104", "8.7", "floor(867.6 m × (104 − 8.7) mg/m) = 82682 mg"),
        ("20", None, "floor(867.6 m × 20 mg/m) = 17352 mg"),
        ("20.5", "20.5", "floor(867.6 m × (20.5 − 20.5) mg/m) = 0 mg"),
        ("20", "20.5", "floor(867.6 m × max(0, 20 − 20.5) mg/m) = 0 mg"),
    ],
)
def test_both_sides_are_equal(baseline, project, formula):
    used = Quantification.of(1, factor(baseline), project and factor(project))
    given = {"quantity_milli": 867_600, "counted_milli": 867_600, "unit": "m", "quantification": used, "language": "en"}
    told = explain(**given, co2e_mg=used.reduction_mg(867_600))
    assert told["formula"] == formula
    uncredited = explain(**given, co2e_mg=None)
    assert uncredited == {**told, "formula": formula.partition(" = ")[0], "co2e_g": 0.0}
