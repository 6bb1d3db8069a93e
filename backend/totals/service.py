"""The city's totals: exact for ourselves, rounded and explained for the public."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from backend import clock, waiting
from backend.database import cursor, db
from backend.totals.models import OF_ALL_TIME

MG_PER_KG = 1_000_000

_SUMS = text("""
SELECT tier, sum(co2e_mg)::bigint, sum(points)::bigint, sum(actions)::bigint FROM totals GROUP BY tier ORDER BY tier
""")
_MOVEMENTS = text("SELECT kind, sum(points)::bigint, sum(times)::bigint FROM movements GROUP BY kind")
_EVERYBODY = text(
    f"SELECT coalesce(sum(residents), 0)::bigint FROM participants WHERE day = DATE '{OF_ALL_TIME}'"  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Equivalent:
    """What a reduction is comparable to: kilograms a unit, and who says so."""

    name: str
    kg: Decimal
    source: str


EQUIVALENTS = (
    Equivalent(
        "tree_years",
        Decimal("6.0"),
        "US EPA, Greenhouse Gas Equivalencies Calculator: 0.060 t CO2 for an urban tree grown for 10 years",
    ),
    Equivalent(
        "car_km",
        Decimal("0.16725"),
        "UK DESNZ, conversion factors 2025: average car, unknown fuel, 0.16725 kg CO2e a vehicle-km",
    ),
)


def exact() -> dict[str, Any]:
    """All totals as whole numbers: milligrams, points, times. What waits in the outbox is not in them yet."""
    tiers = db.session.execute(_SUMS).all()
    moved: dict[str, tuple[int, int]] = {
        kind: (points, times) for kind, points, times in db.session.execute(_MOVEMENTS)
    }
    (redeemed, bought), (returned, given_back) = moved.get("redeem", (0, 0)), moved.get("return", (0, 0))
    issued = sum(row[2] for row in tiers)
    expired, adjusted = moved.get("expire", (0, 0))[0], moved.get("adjust", (0, 0))[0]
    return {
        "co2e_mg": sum(row[1] for row in tiers),
        "person_times": sum(row[3] for row in tiers),
        "participants": db.session.scalar(_EVERYBODY),
        "points_issued": issued,
        "points_redeemed": redeemed - returned,
        "redemptions": bought - given_back,
        "points_expired": expired,
        "points_adjusted": adjusted,
        "outstanding": issued - (redeemed - returned) - expired + adjusted,
        "by_tier": {tier: {"co2e_mg": co2e_mg, "person_times": times} for tier, co2e_mg, _, times in tiers if times},
    }


def public() -> dict[str, Any]:
    """The totals as the city publishes them; complete up to `as_of`."""
    # Before the sums are read: what is projected in between is in them, and must not move the moment on.
    now = clock.now()
    as_of = waiting.oldest_posted_at(cursor()) or now
    totals = exact()
    kg = Decimal(totals["co2e_mg"]) / MG_PER_KG
    return {
        "as_of": as_of,
        "co2e_kg": kilograms(totals["co2e_mg"]),
        "person_times": totals["person_times"],
        "participants": totals["participants"],
        "points_issued": totals["points_issued"],
        "points_redeemed": totals["points_redeemed"],
        "redemptions": totals["redemptions"],
        "by_tier": {
            tier: {"co2e_kg": kilograms(sums["co2e_mg"]), "person_times": sums["person_times"]}
            for tier, sums in totals["by_tier"].items()
        },
        "equivalents": {
            one.name: {"value": int(kg / one.kg), "kg_each": float(one.kg), "source": one.source} for one in EQUIVALENTS
        },
    }


def kilograms(co2e_mg: int) -> float:
    """Milligrams as kilograms; exact to the milligram up to nine million tonnes."""
    return co2e_mg / MG_PER_KG
