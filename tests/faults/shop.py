"""What a site must have for the load of clients: rewards with plenty of stock, and a partner with a key."""

from dataclasses import dataclass

from tests.faults.site import Answer, Site

STOCK = 100_000
CODES = 20_000
_KINDS = ("voucher", "pickup", "donation")


@dataclass(frozen=True)
class Shop:
    """The ids of the rewards by kind, and the partner's key pair."""

    rewards: dict[str, int]
    partner_key: str
    partner_secret: str


def open_shop(site: Site, admin: dict[str, str]) -> Shop:
    """Make it, through the API."""
    rewards = {kind: _reward(site, admin, kind) for kind in _KINDS}
    codes = "\n".join(f"CODE-{number:06d}" for number in range(CODES)).encode()
    path = f"/api/v1/admin/rewards/{rewards['voucher']}/vouchers"
    _good(site.ask("POST", path, codes, headers=admin | {"Content-Type": "text/plain"}))
    partners = _good(site.ask("GET", "/api/v1/admin/partners?limit=100", headers=admin)).body["items"]
    bikes = next(partner["id"] for partner in partners if partner["code"] == "bikes")
    pair = _good(site.ask("POST", f"/api/v1/admin/partners/{bikes}/keys", {}, headers=admin)).body
    return Shop(rewards, pair["key"], pair["secret"])


def _reward(site: Site, admin: dict[str, str], kind: str) -> int:
    body = {
        "code": f"fault_{kind}",
        "kind": kind,
        "title": {"zh": kind, "en": kind},
        "price_points": 1,
    }
    if kind == "pickup":
        body["stock"] = STOCK
    number = _good(site.ask("POST", "/api/v1/admin/rewards", body, headers=admin)).body["id"]
    return int(number)


def _good(answer: Answer) -> Answer:
    assert answer.good, answer
    return answer
