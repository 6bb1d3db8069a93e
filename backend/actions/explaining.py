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
    co2e_mg: int,
    language: str,
) -> dict[str, Any]:
    """How the grams follow from the activity data; baseline and project in grams, unrounded.

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
        "formula": _formula(number(counted_milli), unit=unit, baseline=baseline, project=project, co2e_mg=co2e_mg),
        "activity": activity,
        "factors": [_factor(factor, language) for factor in (baseline, project) if factor],
        "baseline_g": _grams_of(counted_milli, baseline),
        "project_g": _grams_of(counted_milli, project) if project else 0.0,
        "co2e_g": grams(co2e_mg),
    }


def number(quantity_milli: int) -> str:
    """Thousandths of a unit in units, exact and as people write it: no exponent, no needless zeros."""
    return _plain(Decimal(quantity_milli).scaleb(-3))


def _formula(quantity: str, *, unit: str, baseline: Factor, project: Factor | None, co2e_mg: int) -> str:
    value = _plain(baseline.value_mg)
    factor = f"({value} − {_plain(project.value_mg)})" if project else value
    return f"floor({quantity} {unit} × {factor} mg/{unit}) = {co2e_mg} mg"


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
