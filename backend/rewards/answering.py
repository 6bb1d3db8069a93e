"""How rewards and redemptions are shown to residents and to those who fulfil them."""

from typing import Any

from backend import clock
from backend.rewards import delivery
from backend.rewards.models import Reward
from backend.rewards.reading import Redeemed, Shown
from backend.web import public_ids
from backend.web.titles import local

BODY_WITH_CODES = "%(body)s::jsonb || jsonb_build_object('voucher', w.codes -> 0, 'vouchers', w.codes)"
"""SQL: a redemption as it is stored, once its codes are known in `w.codes`."""
OF_THE_RESIDENT_ALONE = ("pickup_code", "voucher", "vouchers", "wallet")
"""Members of a redemption that are the resident's own to show: who hands it over does not see them."""


def brief(reward: Reward) -> dict[str, Any]:
    """A reward in a few words, in the caller's language."""
    return {
        "id": reward.id,
        "code": reward.code,
        "title": local(reward.title),
        "kind": reward.kind,
        "images": reward.images,
    }


def reward(shown: Shown) -> dict[str, Any]:
    """A reward as the resident sees it."""
    found = shown.reward
    return brief(found) | {
        "description": local(found.description),
        "price_points": found.price_points,
        "stock_left": found.stock,
        "limit_per_resident": found.limit_per_resident,
        "limit_period": found.limit_period,
        "on_sale": {"from": found.on_sale_from, "until": found.on_sale_until},
        "min_level": found.min_level,
        "state": shown.state,
    }


def redemption(redeemed: Redeemed) -> dict[str, Any]:
    """A redemption as its resident sees it; members that do not apply are left out."""
    found = redeemed.redemption
    codes = found.voucher_codes
    optional = {
        "voucher": codes[0] if codes else None,
        "vouchers": codes or None,
        "pickup_code": found.pickup_code,
        "reason": found.reason,
        "wallet": None if redeemed.balance is None else {"balance": redeemed.balance},
    }
    return {
        "id": public_ids.text(found.resident_id, found.seq),
        "reward": brief(redeemed.reward),
        "reward_version": found.reward_version,
        "quantity": found.quantity,
        "points": found.points,
        "status": found.status,
        "redeemed_at": found.redeemed_at,
        "expires_at": found.expires_at,
        "decided_at": found.decided_at,
        **{name: value for name, value in optional.items() if value is not None},
    }


def written(redeemed: Redeemed) -> dict[str, Any]:
    """A redemption as JSON has it: what RedemptionSchema would make of it, without asking each of its fields."""
    shown = redemption(redeemed)
    for name in ("redeemed_at", "expires_at", "decided_at"):
        if shown[name] is not None:
            shown[name] = clock.rfc3339(shown[name])
    return shown


def redemption_with_delivery(redeemed: Redeemed) -> dict[str, Any]:
    """A redemption as its resident sees it alone, with where it is sent. Never to be stored as an answer."""
    address = delivery.opened(redeemed.redemption)
    return redemption(redeemed) | ({} if address is None else {"delivery": address})


def for_fulfilment(redeemed: Redeemed, *, with_delivery: bool) -> dict[str, Any]:
    """A redemption as those see it who hand it over; what is the resident's own to show stays out."""
    shown = redemption_with_delivery(redeemed) if with_delivery else redemption(redeemed)
    found = redeemed.redemption
    kept = {name: value for name, value in shown.items() if name not in OF_THE_RESIDENT_ALONE}
    return kept | {"resident_id": found.resident_id, "decided_by": found.decided_by}
