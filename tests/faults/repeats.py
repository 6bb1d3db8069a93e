"""What takes no key because it may be done again: the second time changes nothing. And, named as such, what is done
anew each time it is asked for."""

import json
from collections.abc import Callable

from tests.faults.client import rides
from tests.faults.decisions import RENAMED
from tests.faults.wishes import AUDITED, Wish, World, bind, configure

BOTH = (200, 200)
BOTH_SILENT = (204, 204)
PAGE = {"external_events": 5, "actions": 5, "ledger_entries": 5, "lots": 1, "yearly_points": 1}
"""What comes of a page of `page`."""


def freeze(*, first: bool) -> Callable[[World], Wish]:
    """Freeze somebody, or let go of somebody who is frozen."""
    verb = "freeze" if first else "unfreeze"

    def case(world: World) -> Wish:
        resident, _ = world.arrive()
        path, body = f"/admin/residents/{resident}", {"reason": "looks odd"}
        if not first:
            world.post(f"{path}/freeze", body, world.owner)
        both = f"SELECT frozen, hidden FROM residents JOIN wallets USING (resident_id) WHERE resident_id = {resident}"
        state = both, (first, first)
        # Boards are told: they show nothing that a frozen resident chose.
        rows = AUDITED | {"resident_changes": 1}
        return Wish(f"{path}/{verb}", body, world.owner, rows, statuses=BOTH, state=state)

    case.__name__ = verb
    return case


def change_me(world: World) -> Wish:
    """A resident's name, and that others may see it."""
    resident, signed = world.arrive()
    body = {"nickname": "Lin", "leaderboard_consent": True}
    rows = {"consents": 1, "resident_changes": 1}
    state = f"SELECT nickname, leaderboard_consent FROM residents WHERE resident_id = {resident}", ("Lin", True)
    return Wish("/me", body, signed, rows, "PATCH", statuses=BOTH, state=state)


def leave(world: World) -> Wish:
    """Cancel an account that still has a reserved gift: its points come back once, whoever they belong to now."""
    signed, given = world.redeemed("pickup")
    resident = given["id"].partition("-")[0]
    rows = {"identities": -1, "idempotency_keys": -1, "resident_changes": 1, "ledger_entries": 1, "departures": 1}
    state = (
        f"""SELECT state, token_epoch, frozen, hidden, held, balance = earned
        FROM residents JOIN wallets USING (resident_id) WHERE resident_id = {resident}""",
        ("erased", 1, True, False, 0, True),
    )
    return Wish("/me", None, signed, rows | AUDITED, "DELETE", statuses=BOTH_SILENT, state=state)


def unbind(world: World) -> Wish:
    """Let go of an account at the partner; the row stays for a while, for whoever binds it next."""
    wish = bind(world)
    subject = world.post(wish.path, wish.body, wish.headers)["subject"]
    signed = {"Authorization": wish.headers["Authorization"]}
    state = f"SELECT count(resident_id) FROM bindings WHERE subject = '{subject}'", (0,)
    return Wish("/me/bindings/bikes", None, signed, {}, "DELETE", statuses=BOTH_SILENT, state=state)


def change_admin(world: World) -> Wish:
    """Another role: the admin's sessions end once."""
    admin = world.new_admin()
    state = f"SELECT role, token_epoch FROM admins WHERE id = {admin.id}", ("auditor", 1)
    body = {"role": "auditor"}
    return Wish(f"/admin/admins/{admin.id}", body, world.owner, AUDITED, "PATCH", statuses=BOTH, state=state)


def remove_second_factor(world: World) -> Wish:
    """Take away what an admin has lost."""
    admin = world.new_admin()
    world.enrol(admin)
    state = f"SELECT totp_pending IS NULL, token_epoch FROM admins WHERE id = {admin.id}", (True, 1)
    return Wish(f"/admin/admins/{admin.id}/totp", None, world.owner, AUDITED, "DELETE", statuses=BOTH, state=state)


def rename_area(world: World) -> Wish:
    """Another name for a district."""
    wish = configure("/admin/areas")(world)
    code = world.post(wish.path, wish.body, wish.headers)["code"]
    state = f"SELECT title->>'en' FROM areas WHERE code = '{code}'", (RENAMED["title"]["en"],)
    return Wish(f"/admin/areas/{code}", RENAMED, world.owner, AUDITED, "PATCH", statuses=BOTH, state=state)


def revoke_key(world: World) -> Wish:
    """End a partner's key."""
    key = world.post("/admin/partners/1/keys", {}, world.owner)["key"]
    state = f"SELECT revoked_at IS NOT NULL FROM partner_keys WHERE key = '{key}'", (True,)
    return Wish(
        f"/admin/partners/1/keys/{key}", None, world.owner, AUDITED, "DELETE", statuses=BOTH_SILENT, state=state
    )


def arrive(world: World) -> Wish:
    """A first sign-in: two sessions of one resident."""
    rows = {"residents": 1, "identities": 1, "wallets": 1}
    return Wish("/auth/wechat", {"code": f"dev-{world.name()}"}, {}, rows, statuses=BOTH)


def report(world: World) -> Wish:
    """A partner's page, signed once: its nonce lets one of them in."""
    return page(world, bound(world))


def bound(world: World) -> str:
    """A subject of the partner that somebody new has bound."""
    wish = bind(world)
    world.post(wish.path, wish.body, wish.headers)
    return str(wish.body["subject"])


def page(world: World, subject: str) -> Wish:
    """A page of rides of this subject, signed anew."""
    body = json.dumps({"events": rides(subject)}).encode()
    headers = {"Content-Type": "application/json", **world.partner.headers(body)}
    return Wish("/partner/events", body, headers, PAGE | {"partner_nonces": 1}, statuses=(200, 401))


def sign_in_as_admin(world: World) -> Wish:
    """By password alone: two sessions, and the trail tells of both."""
    admin = world.new_admin()
    state = f"SELECT failures, locked_until FROM admins WHERE id = {admin.id}", (0, None)
    return Wish("/admin/auth", admin.credentials, {}, {"audit_log": 2}, statuses=BOTH, state=state)


def begin_second_factor(world: World) -> Wish:
    """Two secrets, of which the one that was made last awaits its code."""
    admin = world.new_admin()
    state = f"SELECT totp_secret, totp_pending IS NOT NULL FROM admins WHERE id = {admin.id}", (None, True)
    body = {"password": admin.credentials["password"]}
    return Wish("/admin/me/totp", body, admin.headers, {}, statuses=BOTH, state=state)


def show_check_in(world: World) -> Wish:
    """Two codes for a place: nothing is kept of either."""
    body = {"task": "own_cup", "place": "north-gate", "valid_s": 60}
    return Wish("/admin/check-ins", body, world.owner, {}, statuses=BOTH)


REPEATS = (
    *(freeze(first=True), freeze(first=False), change_me, leave, unbind),
    *(change_admin, remove_second_factor, rename_area, revoke_key, report),
)
"""The second one changes nothing, and is not in the trail."""
ANEW = (arrive, sign_in_as_admin, begin_second_factor, show_check_in)
"""Whoever asks twice gets two: a session or a code is made for each, and only what is behind them is there once."""
