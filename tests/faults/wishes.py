"""Everything that a caller may ask for once with a key, each with the rows that it makes: for asking twice.

A case prepares what its request needs, with somebody new each time, and returns the request. `CASES` is all there
are; a test holds it against the description.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from backend import clock
from backend.residents.wechat import DaySteps
from backend.residents.wechat_sandbox import openid_of, session_key_of
from tests.contract.test_twice import CREATING
from tests.faults.client import Job, Partner, action, resident_of
from tests.faults.shop import Shop
from tests.faults.site import NOON, PASSWORD, Site
from tests.we_run import encrypt_we_run

APP_ID = "wx-sandbox"
WECHAT_SECRET = "the secret of the stand-in"
V1 = "/api/v1"
RESIDENTS_KEY, ADMINS_KEY = {"idempotency_keys": 1}, {"admin_idempotency_keys": 1}
AUDITED = {"audit_log": 1}
State = tuple[str, tuple[Any, ...]]
"""A statement, and the one row that it finds."""


@dataclass(frozen=True)
class Wish:
    """A request and what must have come of it once it was sent twice.

    `rows`: table → how many more, and no other table has more or less. `state`: what must be found then, for
    what is changed and not added. `statuses`: of both answers, where no key makes them one.
    """

    path: str
    body: Any
    headers: dict[str, str]
    rows: dict[str, int] = field(default_factory=dict)
    method: str = "POST"
    statuses: tuple[int, int] = (200, 409)
    state: State | None = None


@dataclass(frozen=True)
class Colleague:
    """Another admin: number, name and password, and headers."""

    id: int
    credentials: dict[str, str]
    headers: dict[str, str]


@dataclass
class World:
    """A running site with a shop, an owner and a partner; hands out numbers for names that must be new."""

    site: Site
    shop: Shop
    owner: dict[str, str]
    count: int = 0

    @property
    def partner(self) -> Partner:
        """Who signs as the partner does."""
        job = Job("wire", self.site.port, "", 0, 0, self.shop.partner_key, self.shop.partner_secret, {}, 0)
        return Partner(job)

    def name(self) -> str:
        """A new one."""
        self.count += 1
        return f"wire{self.count}"

    def post(self, path: str, body: Any, headers: dict[str, str]) -> Any:
        """What the site answers to something that must succeed."""
        answer = self.site.ask("POST", V1 + path, body, headers=headers)
        assert answer.good, answer
        return answer.body

    def with_points(self) -> dict[str, str]:
        """Headers of somebody new who has points."""
        signed = self.site.sign_in(self.name())
        actions = [action("clean_plate", days_ago=days, reference=f"p-{days}") for days in range(3)]
        self.post("/actions/batch", {"actions": actions}, signed)
        return signed

    def arrive(self) -> tuple[str, dict[str, str]]:
        """Number and headers of somebody new."""
        signed = self.site.sign_in(self.name())
        return number_of(signed), signed

    def new_admin(self) -> Colleague:
        """An owner like the first."""
        given = {"username": self.name(), "password": PASSWORD}
        made = self.post("/admin/admins", given | {"role": "owner"}, self.owner)
        token = self.post("/admin/auth", given, {})["token"]
        return Colleague(made["id"], given, {"Authorization": f"Bearer {token}"})

    def enrol(self, admin: Colleague) -> str:
        """The secret of a second factor that awaits its first code."""
        return str(self.post("/admin/me/totp", {"password": PASSWORD}, admin.headers)["secret"])

    def redeemed(self, kind: str) -> tuple[dict[str, str], dict[str, Any]]:
        """Somebody new, and what they have redeemed."""
        signed = self.with_points()
        body = {"reward_id": self.shop.rewards[kind], "quantity": 1}
        return signed, self.post("/redemptions", body, keyed(signed, "before"))


def number_of(signed: dict[str, str]) -> str:
    """Whose headers these are."""
    return resident_of(signed["Authorization"].partition(" ")[2])


def keyed(headers: dict[str, str], key: str = "the-same") -> dict[str, str]:
    """Headers with an Idempotency-Key."""
    return {**headers, "Idempotency-Key": key}


def record(world: World) -> Wish:
    """One action of somebody who has none."""
    rows = {"actions": 1, "ledger_entries": 1, "lots": 1, "yearly_points": 1}
    body = action("clean_plate", days_ago=1, reference="once")
    resident, signed = world.arrive()
    return Wish("/actions", body, keyed(signed), rows | RESIDENTS_KEY, state=_earned(resident, actions=1))


def record_without_reference(world: World) -> Wish:
    """One action that nothing but its key tells from another."""
    wish = record(world)
    body = {name: value for name, value in wish.body.items() if name != "client_reference"}
    return replace(wish, body=body)


def catch_up(world: World) -> Wish:
    """Three actions of somebody who was offline."""
    rows = {"actions": 3, "ledger_entries": 3, "lots": 1, "yearly_points": 1}
    actions = [action("own_cup", days_ago=days, reference=f"b-{days}") for days in range(3)]
    resident, signed = world.arrive()
    state = _earned(resident, actions=3)
    return Wish("/actions/batch", {"actions": actions}, keyed(signed), rows | RESIDENTS_KEY, state=state)


def _earned(resident: str, *, actions: int) -> State:
    """So many actions, and the points of each once."""
    points = f"SELECT sum(points) FROM actions WHERE resident_id = {resident}"
    return f"SELECT actions, balance = ({points}) FROM wallets WHERE resident_id = {resident}", (actions, True)


def walk(world: World) -> Wish:
    """Yesterday's steps."""
    name, now = world.name(), clock.now()
    signed = world.site.sign_in(name)
    key = session_key_of(openid_of(name, app_id=APP_ID), secret=WECHAT_SECRET)
    steps = [DaySteps((now - timedelta(days=1)).astimezone(NOON).date(), 9_000)]
    sealed = encrypt_we_run(key, app_id=APP_ID, steps=steps, now=now)
    body = {"encrypted_data": sealed.encrypted_data, "iv": sealed.iv}
    rows = {"actions": 1, "ledger_entries": 1, "lots": 1, "yearly_points": 1}
    state = _earned(number_of(signed), actions=1)
    return Wish("/actions/steps", body, keyed(signed), rows | RESIDENTS_KEY, state=state)


def bind(world: World) -> Wish:
    """An account at the partner."""
    signed, subject = world.site.sign_in(world.name()), world.name()
    body = {"partner": "bikes", "subject": subject, "proof": world.partner.prove(subject)}
    return Wish("/me/bindings", body, keyed(signed), {"bindings": 1, "consents": 1} | RESIDENTS_KEY)


def redeem(kind: str) -> Callable[[World], Wish]:
    """A gift of this kind."""

    def case(world: World) -> Wish:
        rows = {"redemptions": 1, "ledger_entries": 1, "holds": 1}
        body = {"reward_id": world.shop.rewards[kind], "quantity": 1}
        signed = world.with_points()
        state = _redeemed(number_of(signed), "reserved" if kind == "pickup" else "fulfilled")
        return Wish("/redemptions", body, keyed(signed), rows | RESIDENTS_KEY, state=state)

    case.__name__ = f"redeem a {kind}"
    return case


def _redeemed(resident: str, status: str) -> State:
    """Of a resident's only redemption, which costs a point: its status, and what is spent and held for it."""
    sql = f"""SELECT status, spent, held, balance = earned - spent
        FROM redemptions JOIN wallets USING (resident_id) WHERE resident_id = {resident}"""
    return sql, (status, int(status != "cancelled"), int(status == "reserved"), True)


def cancel(world: World) -> Wish:
    """What the resident has reserved."""
    signed, given = world.redeemed("pickup")
    path, rows = f"/redemptions/{given['id']}/cancel", {"ledger_entries": 1} | RESIDENTS_KEY
    return Wish(path, {}, keyed(signed), rows, state=_redeemed(number_of(signed), "cancelled"))


def call_off(world: World) -> Wish:
    """The same by an admin."""
    signed, given = world.redeemed("pickup")
    path, body = f"/admin/redemptions/{given['id']}/cancel", {"reason": "not to be had"}
    rows = {"ledger_entries": 1} | AUDITED | ADMINS_KEY
    state = _redeemed(number_of(signed), "cancelled")
    return Wish(path, body, keyed(world.owner, world.name()), rows, state=state)


def fulfil(world: World) -> Wish:
    """What somebody has reserved."""
    signed, given = world.redeemed("pickup")
    path, state = f"/admin/redemptions/{given['id']}/fulfil", _redeemed(number_of(signed), "fulfilled")
    return Wish(path, {}, keyed(world.owner, world.name()), AUDITED | ADMINS_KEY, state=state)


def hand_over(world: World) -> Wish:
    """What a pick-up code stands for."""
    signed, given = world.redeemed("pickup")
    body, state = {"pickup_code": given["pickup_code"]}, _redeemed(number_of(signed), "fulfilled")
    headers = keyed(world.owner, world.name())
    return Wish("/admin/redemptions/pickup", body, headers, AUDITED | ADMINS_KEY, state=state)


def restock(world: World) -> Wish:
    """Five pieces more."""
    path = f"/admin/rewards/{world.shop.rewards['pickup']}/stock"
    body = {"delta": 5, "reason": "came today"}
    return Wish(path, body, keyed(world.owner, world.name()), {"stock_movements": 1} | AUDITED | ADMINS_KEY)


def load_codes(world: World) -> Wish:
    """Two vouchers more."""
    path, name = f"/admin/rewards/{world.shop.rewards['voucher']}/vouchers", world.name()
    headers = keyed(world.owner, name) | {"Content-Type": "text/plain"}
    rows = {"vouchers": 2, "stock_movements": 1}
    return Wish(path, f"{name}-A\n{name}-B".encode(), headers, rows | AUDITED | ADMINS_KEY)


def configure(path: str) -> Callable[[World], Wish]:
    """What an admin makes with this path."""

    def case(world: World) -> Wish:
        name = world.name()
        body, table = CREATING[path]
        new = {"code": name} if "code" in body else {"username": name} if "username" in body else {}
        if "resident_id" in body:
            world.site.sign_in(name)
        rows = {table: 1} | FURTHER.get(path, {}) | AUDITED | ADMINS_KEY
        return Wish(path.format(partner_id=1), {**body, **new}, keyed(world.owner, name), rows)

    case.__name__ = f"POST {path}"
    return case


FURTHER = {"/admin/tasks": {"task_versions": 1}, "/admin/rewards": {"reward_versions": 1, "stock_movements": 1}}
"""What is written beside the thing itself."""
OF_RESIDENTS = (
    record,
    record_without_reference,
    catch_up,
    walk,
    bind,
    cancel,
    *map(redeem, ("voucher", "pickup", "donation")),
)
OF_ADMINS = (call_off, fulfil, hand_over, restock, load_codes, *map(configure, CREATING))
CASES = (*OF_RESIDENTS, *OF_ADMINS)
