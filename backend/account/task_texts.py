"""What a green task is worth and how it is unlocked, in the caller's words."""

from datetime import datetime
from typing import Any

from flask_babel import format_decimal, gettext, ngettext
from flask_babel import lazy_gettext as _l

from backend import clock
from backend.catalogue.rules import EvidenceRule, TaskRules
from backend.web.schemas import grams

TIERS = {
    "partner": _l("partner's record"),
    "device": _l("device"),
    "check_in": _l("check-in"),
    "photo": _l("photo"),
    "declaration": _l("your own word"),
}
UNITS = {"m": (1000, _l("km")), "g": (1000, _l("kg")), "Wh": (1000, _l("kWh"))}
"""Unit of activity data → how many make the larger one that people speak of, and its name."""
NAMES = {
    "m": _l("m"),
    "steps": _l("steps"),
    "g": _l("g"),
    "Wh": _l("Wh"),
    "l": _l("litres"),
    "count": _l("item"),
}


def reward(rules: TaskRules) -> str:
    """What each accepted evidence is worth, such as `1 point per 10 g CO2e, at most 60`."""
    texts = {rule.tier: _worth(rule, unit=rules.unit) for rule in rules.evidence.values()}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    lines = [gettext("%(tier)s: %(worth)s", tier=TIERS[tier], worth=worth) for tier, worth in texts.items()]
    return str(gettext("; ")).join(lines)


def unlock(rules: TaskRules, *, now: datetime) -> dict[str, Any] | None:
    """What must be reached before the task opens: in words and as numbers; None: open to all."""
    if not rules.unlock and rules.starts_at is None:
        return None
    grams_needed, actions_needed = rules.unlock.get("min_co2e_mg"), rules.unlock.get("min_actions")
    texts = []
    if rules.starts_at is not None and rules.starts_at > now:
        day = clock.local_day(rules.starts_at).isoformat()
        texts.append(gettext("begins on %(day)s", day=day))
    if grams_needed:
        texts.append(gettext("reduce %(kg)s kg CO2e in all", kg=_number(grams_needed / 1_000_000)))
    if actions_needed:
        texts.append(ngettext("do %(num)s green action", "do %(num)s green actions", actions_needed))
    if not texts:
        return None
    return {
        "text": gettext("; ").join(texts),
        "min_co2e_g": grams(grams_needed) if grams_needed else None,
        "min_actions": actions_needed or None,
        "starts_at": None if rules.starts_at is None else clock.rfc3339(rules.starts_at),
    }


def _worth(rule: EvidenceRule, *, unit: str) -> str:
    points = ngettext("%(num)s point", "%(num)s points", rule.points)
    text = points
    if rule.basis == "co2e":
        text = gettext("%(points)s per %(grams)s g CO2e", points=points, grams=_number(grams(rule.per)))
    elif rule.basis == "quantity":
        text = gettext("%(points)s per %(amount)s", points=points, amount=_amount(rule.per, unit))
    if rule.min:
        text = gettext("%(worth)s, at least %(least)s", worth=text, least=rule.min)
    if rule.max is not None:
        text = gettext("%(worth)s, at most %(most)s", worth=text, most=rule.max)
    if rule.share_percent != 100:  # noqa: PLR2004  the whole
        text = gettext("%(worth)s, of which %(share)s%%", worth=text, share=rule.share_percent)
    if rule.review:
        text = gettext("%(worth)s after review", worth=text)
    return str(text)


def _amount(per: int, unit: str) -> str:
    factor, larger = UNITS.get(unit, (0, ""))
    if factor and per % factor == 0:
        per, name = per // factor, str(larger)
    else:
        name = str(NAMES.get(unit, unit))
    if per == 1:
        return name
    return str(gettext("%(number)s %(unit)s", number=_number(per), unit=name))


def _number(value: float) -> str:
    return str(format_decimal(value))
