"""Whoever changes factors or methodologies, by a route or not, all caches are told."""

from datetime import date
from decimal import Decimal

import pytest

from backend.catalogue import service as catalogue
from backend.database import transaction
from backend.emissions import editing
from backend.emissions.editing import FactorDraft, MethodologyDraft

FERRY = FactorDraft(
    title={"zh": "轮渡", "en": "Ferry"},
    value_mg=Decimal("40.25"),
    unit="m",
    source="A published table",
    source_status="read",
    region="CN-ZJ",
    valid_from=date(2024, 1, 1),
    valid_to=None,
)
RIDE = MethodologyDraft(
    title={"zh": "乘坐轮渡", "en": "Take the ferry"},
    unit="m",
    baseline_factor="travel_baseline",
    project_factor=None,
    source="A published method",
)
BY = {"by": "command:test"}


@pytest.mark.parametrize(
    "verb",
    [
        lambda: editing.add_factor("travel_ferry", FERRY, **BY),
        lambda: editing.change_factor("travel_bike", {"value_mg": Decimal(9)}, expected=1, **BY),
        lambda: editing.add_methodology("ferry_ride", RIDE, **BY),
        lambda: editing.change_methodology("bike_ride", {"source": "Another"}, expected=1, **BY),
    ],
    ids=["add_factor", "change_factor", "add_methodology", "change_methodology"],
)
def test_each_verb_tells_the_caches_by_itself(app, verb):
    before = catalogue.current().revision
    with transaction():
        verb()
    assert catalogue.current().revision == before + 1
