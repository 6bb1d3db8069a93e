"""What can be done once, by its nature and without a key: of two who ask at the same moment one is told that it is
decided, or that somebody else has changed it."""

from collections.abc import Callable
from datetime import timedelta

import pyotp

from backend import clock
from tests.faults.wishes import (
    AUDITED,
    State,
    Wish,
    World,
    call_off,
    cancel,
    configure,
    fulfil,
    hand_over,
    record,
)

RENAMED = {"title": {"zh": "另", "en": "Another name"}}
POINTS = 5


def without_key(case: Callable[[World], Wish]) -> Callable[[World], Wish]:
    """The same by somebody who sends no key: the thing itself must tell that it is decided."""

    def decide(world: World) -> Wish:
        wish = case(world)
        headers = {name: value for name, value in wish.headers.items() if name != "Idempotency-Key"}
        rows = {table: more for table, more in wish.rows.items() if not table.endswith("idempotency_keys")}
        return Wish(wish.path, wish.body, headers, rows, state=wish.state)

    decide.__name__ = case.__name__
    return decide


def _asked_for(world: World) -> tuple[str, str]:
    """Somebody new, and the points that another admin has asked for them."""
    resident, _ = world.arrive()
    other = world.new_admin().headers
    wanted = {"resident_id": int(resident), "points": POINTS, "reason": "a mistake of ours"}
    return resident, world.post("/admin/adjustments", wanted, other)["id"]


def approve(world: World) -> Wish:
    """Points that one admin asked for and another allows."""
    resident, asked = _asked_for(world)
    rows = {"ledger_entries": 1, "lots": 1} | AUDITED
    return Wish(f"/admin/adjustments/{asked}/approve", {}, world.owner, rows, state=_adjusted(resident, "approved"))


def refuse_adjustment(world: World) -> Wish:
    """Points that one admin asked for and another does not allow."""
    resident, asked = _asked_for(world)
    return Wish(f"/admin/adjustments/{asked}/refuse", {}, world.owner, AUDITED, state=_adjusted(resident, "refused"))


def _adjusted(resident: str, status: str) -> State:
    sql = f"SELECT status, balance FROM adjustments JOIN wallets USING (resident_id) WHERE resident_id = {resident}"
    return sql, (status, POINTS if status == "approved" else 0)


def _photo(world: World) -> tuple[str, str]:
    """Somebody new, and the path of their photo that waits for a reviewer."""
    resident, signed = world.arrive()
    wish = record(world)
    body = wish.body | {"evidence": {"kind": "photo", "photo_sha256": "ab" * 32}}
    return resident, f"/admin/actions/{world.post(wish.path, body, signed)['id']}"


def accept(world: World) -> Wish:
    """A photo that waits for a reviewer, and is good."""
    resident, path = _photo(world)
    rows = {"ledger_entries": 1, "lots": 1, "yearly_points": 1} | AUDITED
    return Wish(f"{path}/accept", {}, world.owner, rows, state=_acted(resident, "credited", earns=True))


def refuse_action(world: World) -> Wish:
    """A photo that waits for a reviewer, and is not good."""
    resident, path = _photo(world)
    return Wish(
        f"{path}/refuse", {"reason": "dark"}, world.owner, AUDITED, state=_acted(resident, "refused", earns=False)
    )


def reverse(world: World) -> Wish:
    """An award that was wrong."""
    resident, signed = world.arrive()
    wish = record(world)
    path = f"/admin/actions/{world.post(wish.path, wish.body, signed)['id']}/reverse"
    rows = {"ledger_entries": 1} | AUDITED
    return Wish(
        path, {"reason": "it was another's"}, world.owner, rows, state=_acted(resident, "reversed", earns=False)
    )


def _acted(resident: str, status: str, *, earns: bool) -> State:
    """The status of a resident's only action, and what they have of it: its points, or nothing."""
    sql = f"""SELECT status, balance = {"points" if earns else "0"}, w.actions
        FROM wallets w JOIN actions USING (resident_id) WHERE resident_id = {resident}"""
    return sql, (status, True, int(earns))


def confirm(world: World) -> Wish:
    """The first code of a second factor."""
    admin = world.new_admin()
    secret = world.enrol(admin)
    rows = AUDITED
    sql = f"SELECT totp_secret IS NOT NULL, totp_pending IS NULL FROM admins WHERE id = {admin.id}"
    body = {"otp": pyotp.TOTP(secret).at(clock.now())}
    return Wish("/admin/me/totp/confirm", body, admin.headers, rows, state=(sql, (True, True)))


def sign_in_with_code(world: World) -> Wish:
    """A sign-in with a one-time code, which counts once."""
    admin = world.new_admin()
    code, now = pyotp.TOTP(world.enrol(admin)), clock.now()
    world.post("/admin/me/totp/confirm", {"otp": code.at(now)}, admin.headers)
    body = admin.credentials | {"otp": code.at(now + timedelta(seconds=code.interval))}
    return Wish("/admin/auth", body, {}, AUDITED, statuses=(200, 401))


def change(path: str) -> Callable[[World], Wish]:
    """Another name for what an admin has made with this path, by two who have both seen its first version."""

    def case(world: World) -> Wish:
        wish = configure(path)(world)
        made = world.post(wish.path, wish.body, wish.headers)
        rows, known_by, version = VERSIONED[path]
        which = made[known_by]
        headers = world.owner | {"If-Match": '"1"'}
        state = version.format(which), (2,)
        return Wish(f"{path}/{which}", RENAMED, headers, rows | AUDITED, "PATCH", statuses=(200, 412), state=state)

    case.__name__ = f"PATCH {path}"
    return case


VERSIONED: dict[str, tuple[dict[str, int], str, str]] = {
    "/admin/factors": ({"emission_factors": 1}, "code", "SELECT max(version) FROM emission_factors WHERE code = '{}'"),
    "/admin/methodologies": ({"methodologies": 1}, "code", "SELECT max(version) FROM methodologies WHERE code = '{}'"),
    "/admin/tasks": (
        {"task_versions": 1},
        "code",
        "SELECT max(version) FROM task_versions v JOIN green_tasks t ON t.id = v.task_id WHERE t.code = '{}'",
    ),
    "/admin/rewards": ({"reward_versions": 1}, "id", "SELECT version FROM rewards WHERE id = {}"),
    "/admin/partners": ({}, "id", "SELECT version FROM partners WHERE id = {}"),
}
"""Path → the rows of a new version, by what one of them is known, and where its latest version is found."""
DECISIONS = (
    *(approve, refuse_adjustment, accept, refuse_action, reverse, confirm, sign_in_with_code),
    *map(without_key, (cancel, call_off, fulfil, hand_over)),
    *map(change, VERSIONED),
)
