"""The default factors: whose figure each is, and where that holds."""

import json
import re
from pathlib import Path

import pytest

from backend import defaults

HERE = Path(defaults.__file__).parent
DEFAULTS = json.loads((HERE / "emissions" / "defaults.json").read_text(encoding="utf-8"))
FACTORS = {factor["code"]: factor for factor in DEFAULTS["factors"]}
METHODOLOGY = (HERE.parent / "docs" / "methodology.md").read_text(encoding="utf-8")
REGIONS = {
    "Beijing-Tianjin-Hebei": "CN-JJJ",
    "Hubei": "CN-HB",
    "Luzhou": "CN-SC",
    "Shanxi": "CN-SX",
    "Wuhan": "CN-HB",
}
"""Place that a source names → the region (ISO 3166-2, or a group of them) that it lies in."""
PLACE = re.compile(r"([A-Z][A-Za-z-]+) (?:programme|standard|2023)")


def place_of(source):
    found = PLACE.search(source)
    return found and found[1]


@pytest.mark.parametrize("code", FACTORS)
def test_the_place_that_a_factors_source_names_lies_in_its_region(code):
    place = place_of(FACTORS[code]["source"])
    assert FACTORS[code]["region"] == ("CN" if place is None else REGIONS[place])


@pytest.mark.parametrize("methodology", DEFAULTS["methodologies"], ids=lambda methodology: methodology["code"])
def test_a_methodology_names_the_programme_of_its_factor(methodology):
    programme = place_of(methodology["source"])
    assert programme in {None, place_of(FACTORS[methodology["baseline_factor"]]["source"])}


@pytest.mark.parametrize(
    ("code", "place", "value_mg"),
    [
        ("walk_step", "Hubei", "20"),
        ("ev_charge", "Shanxi", "460"),
        ("no_cutlery", "Shanxi", "45,720"),
        ("clean_plate", "Luzhou", "144,000"),
        ("own_bag", "Wuhan", "5,000"),
        ("clothes_recycling", "Luzhou", "1,280"),
    ],
)
def test_a_programmes_figure_is_told_as_its_own(code, place, value_mg):
    factor = FACTORS[code]
    assert (place_of(factor["source"]), factor["value_mg"]) == (place, value_mg.replace(",", ""))
    assert re.search(rf"\| {value_mg}[^|]*\| {place} programme \| {factor['source_status']} \|", METHODOLOGY)
