"""The explanation of an action's grams: formula, activity data, factor versions with their sources."""

from decimal import Decimal
from functools import lru_cache
from typing import Any

from backend.emissions.rules import Factor, Quantification
from backend.web.schemas import grams
from backend.web.titles import in_language


# Versions of factors never change, and one who brings a cup has done what a thousand others did.
@lru_cache(maxsize=2_048)
def explain(
    *,
    quantity_milli: int,
    counted_milli: int,
    unit: str,
    quantification: Quantification | None,
    co2e_mg: int | None,
    language: str,
) -> dict[str, Any]:
    """How the grams follow from the activity data; baseline and project in grams, unrounded.

    `co2e_mg` is None where nothing is credited: 0 g then, and a formula that equals nothing.
    Not to be changed: residents who did the same are told the same.
    """
    activity = {"quantity": quantity_milli / 1000, "unit": unit}
    if quantification is None:
        return {
            "formula": "unquantified",
            "activity": activity,
            "factors": [],
            "baseline_g": 0.0,
            "project_g": 0.0,
            "co2e_g": 0.0,
        }
    baseline, project = quantification.baseline, quantification.project
    return {
        "formula": _formula(number(counted_milli), unit=unit, used=quantification, co2e_mg=co2e_mg),
        "activity": activity,
        "factors": [_factor(factor, language) for factor in (baseline, project) if factor],
        "baseline_g": _grams_of(counted_milli, baseline),
        "project_g": _grams_of(counted_milli, project) if project else 0.0,
        "co2e_g": grams(co2e_mg or 0),
    }


def number(quantity_milli: int) -> str:
    """Thousandths of a unit in units, exact and as people write it: no exponent, no needless zeros."""
    return _plain(Decimal(quantity_milli).scaleb(-3))


def _formula(quantity: str, *, unit: str, used: Quantification, co2e_mg: int | None) -> str:
    product = f"floor({quantity} {unit} × {_net(used)} mg/{unit})"
    return product if co2e_mg is None else f"{product} = {co2e_mg} mg"


def _net(used: Quantification) -> str:
    baseline, project = used.baseline, used.project
    if project is None:
        return _plain(baseline.value_mg)
    difference = f"{_plain(baseline.value_mg)} − {_plain(project.value_mg)}"
    return f"max(0, {difference})" if project.value_mg > baseline.value_mg else f"({difference})"


@lru_cache(maxsize=1_024)
def _factor(factor: Factor, language: str) -> dict[str, Any]:
    return {
        "name": in_language(factor.title, language),
        "value": float(factor.value_mg),
        "unit": f"mg/{factor.unit}",
        "source": factor.source,
        "region": factor.region,
        "valid_from": factor.valid_from.isoformat(),
        "version": factor.version,
    }


def _grams_of(quantity_milli: int, factor: Factor) -> float:
    return float(Decimal(quantity_milli) * factor.value_mg / 1_000_000)


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
