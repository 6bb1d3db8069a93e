"""The site's tables held against the clients' diaries: every row belongs to a request, and every answer to its rows.

A key of idempotency is stored in the transaction of its effect. So each stored key must be of a request that was
sent, each answer that came must be the stored one, and the rows that the stored answers name must be all rows there
are: what was acknowledged is there once, and what nobody was told is there whole or not at all. A partner's page has
no key: every event that is there must be of a page of which all events are there.

How an action, its entry, its projections and a redemption's hold fit together is left to `verify`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.faults.client import resident_of
from tests.faults.diary import ABANDONED, DONE, Request
from tests.faults.site import Site

KEPT = {"credited", "capped", "duplicate", "unbound"}
"""What may become of an event whose page was sent several times."""


@dataclass(frozen=True)
class Stored:
    """What the tables hold."""

    residents: list[tuple[Any, ...]]
    keys: dict[tuple[str, str], tuple[int, Any]]
    actions: dict[str, tuple[Any, ...]]
    redemptions: dict[str, tuple[Any, ...]]
    events: dict[str, tuple[Any, ...]]
    vouchers: dict[str, str]
    bound: dict[str, str]
    """Subject → whose it is."""


def differences(stored: Stored, requests: list[Request]) -> list[str]:
    """Every way in which the tables differ from what the clients sent and were told."""
    answers = [
        (request, stored.keys[request.who, request.key][1])
        for request in requests
        if request.key and (request.who, request.key) in stored.keys
    ]
    found = [*_wrong(requests), *_residents(stored, requests), *_keys(stored, requests)]
    found += [*_actions(stored, answers), *_redemptions(stored, answers), *_events(stored, requests)]
    found += [*_bindings(stored, answers), *_pages(stored, requests)]
    return found


def _wrong(requests: list[Request]) -> Iterator[str]:
    for request in requests:
        if request.state not in {DONE, ABANDONED}:
            yield f"no good answer: {request}"


def _residents(stored: Stored, requests: list[Request]) -> Iterator[str]:
    signed_in = [request for request in requests if request.kind == "sign-in"]
    told = {resident_of(request.body["token"]) for request in signed_in if request.state == DONE}
    found = {str(row[0]) for row in stored.residents}
    lost = sum(request.state == ABANDONED for request in signed_in)
    if len(told) != sum(request.state == DONE for request in signed_in):
        yield "two names were given one resident"
    if not told <= found or len(found) > len(told) + lost:
        yield f"{len(found)} residents; {len(told)} were told so, {lost} may be there or not"
    for resident, identities, wallets in stored.residents:
        if (identities, wallets) != (1, 1):
            yield f"resident {resident} has {identities} identities and {wallets} wallets"


def _keys(stored: Stored, requests: list[Request]) -> Iterator[str]:
    sent = {(request.who, request.key): request for request in requests if request.key}
    for key in stored.keys.keys() - sent.keys():
        yield f"a stored answer to nobody's request: {key}"
    for key, request in sent.items():
        if request.state == DONE and stored.keys.get(key) != (request.status, request.body):
            yield f"was told {request.status} {request.body} but stored is {stored.keys.get(key)}"


def _actions(stored: Stored, answers: list[tuple[Request, Any]]) -> Iterator[str]:
    told = [body for request, body in answers if request.kind == "action"]
    for request, body in answers:
        if request.kind == "batch":
            told += body["results"]
            if len(body["results"]) != len(request.about):
                yield f"of {len(request.about)} actions sent together {len(body['results'])} are in the answer: {body}"
    expected = Counter(one["id"] for one in told)
    expected.update(row[0] for row in stored.events.values() if row[0])
    yield from _against(expected, stored.actions, what="action")
    for one in told:
        row = stored.actions.get(one["id"])
        if row is not None and row[:3] != (one["status"], round(one["co2e_g"] * 1000), one["points"]):
            yield f"was told {one} but stored is {row}"


def _redemptions(stored: Stored, answers: list[tuple[Request, Any]]) -> Iterator[str]:
    bodies = [body for request, body in answers if request.kind == "redemption"]
    told = {body["id"]: body for body in bodies}
    cancelled = {request.about for request, _ in answers if request.kind == "cancel"}
    yield from _against(Counter(body["id"] for body in bodies), stored.redemptions, what="redemption")
    for number, (status, points, codes) in stored.redemptions.items():
        body = told.get(number, {})
        wanted = "cancelled" if number in cancelled else body.get("status")
        if (status, points) != (wanted, body.get("points")):
            yield f"redemption {number} is {status} for {points} points, but was {body}"
        if any(stored.vouchers.get(code) != number for code in codes) or (codes or [None])[0] != body.get("voucher"):
            yield f"redemption {number} holds {codes}, but was told {body}"
    if Counter(stored.vouchers.values()) != Counter(n for n, row in stored.redemptions.items() for _ in row[2]):
        yield "vouchers are claimed by nobody's redemption"


def _events(stored: Stored, requests: list[Request]) -> Iterator[str]:
    pages = [request for request in requests if request.kind == "page"]
    sent = {number for request in pages for number in request.about}
    told = {number for request in pages if request.state == DONE for number in request.about}
    for number in told - stored.events.keys():
        yield f"event {number} was acknowledged, and is not there"
    for number in stored.events.keys() - sent:
        yield f"event {number} is there, and nobody sent it"
    for number, (action, subject) in stored.events.items():
        if action is None and subject in stored.bound:
            yield f"event {number} waits for {subject}, who is bound"
    for request in pages:
        results = request.body["results"] if request.state == DONE else []
        for result in results:
            if result["status"] not in KEPT:
                yield f"an event was not taken: {result}"


def _pages(stored: Stored, requests: list[Request]) -> Iterator[str]:
    # A page is one transaction. Two may tell of the same event, so that a page of which some is there need not be half
    # there: the other one may have brought it.
    pages = [request for request in requests if request.kind == "page"]
    whole = {number for page in pages if stored.events.keys() >= set(page.about) for number in page.about}
    told = Counter(number for page in pages for number in page.about)
    for page in pages:
        if half := (set(page.about) & stored.events.keys()) - whole:
            yield f"of a page's {len(page.about)} events only some are there: {sorted(half)}"
        if page.state == DONE:
            # What was a duplicate, though no other page tells of it, was brought by an earlier try without an answer.
            own = [result["status"] for result in page.body["results"] if told[result["external_id"]] == 1]
            if 0 < own.count("duplicate") < len(own):
                yield f"an earlier try has left {own.count('duplicate')} of the {len(own)} events of {page}"


def _bindings(stored: Stored, answers: list[tuple[Request, Any]]) -> Iterator[str]:
    told = {(body["subject"], request.who) for request, body in answers if request.kind == "binding"}
    for subject, resident in told - stored.bound.items():
        yield f"{resident} was told to have bound {subject}, whose owner is {stored.bound.get(subject)}"
    for subject, resident in stored.bound.items() - told:
        yield f"{subject} is bound to {resident}, and belongs to no request"


def _against(expected: Counter[str], found: dict[str, Any], *, what: str) -> Iterator[str]:
    for number, times in expected.items():
        if times != 1:
            yield f"{what} {number} stands for {times} requests"
        if number not in found:
            yield f"{what} {number} was acknowledged, and is not there"
    for number in found.keys() - expected.keys():
        yield f"{what} {number} is there, and belongs to no request"


def read(site: Site) -> Stored:
    """What a site's tables hold, as it is committed."""
    return Stored(
        residents=site.rows(
            "SELECT resident_id, (SELECT count(*) FROM identities i WHERE i.resident_id = r.resident_id),"
            " (SELECT count(*) FROM wallets w WHERE w.resident_id = r.resident_id) FROM residents r"
        ),
        keys={
            (resident, key): (status, body)
            for resident, key, status, body in site.rows(
                "SELECT resident_id::text, key, status, body FROM idempotency_keys"
            )
        },
        actions=_by_id(site, "SELECT resident_id, seq, status, co2e_mg, points FROM actions"),
        redemptions=_by_id(site, "SELECT resident_id, seq, status, points, voucher_codes FROM redemptions"),
        events={
            number: (f"{resident}-{seq}" if resident else None, subject)
            for number, resident, seq, subject in site.rows(
                "SELECT external_id, resident_id, action_seq, subject FROM external_events"
            )
        },
        vouchers={
            code: f"{resident}-{seq}"
            for code, resident, seq in site.rows(
                "SELECT code, resident_id, redemption_seq FROM vouchers WHERE resident_id IS NOT NULL"
            )
        },
        bound=dict(site.rows("SELECT subject, resident_id::text FROM bindings WHERE resident_id IS NOT NULL")),  # type: ignore[arg-type]  # two columns
    )


def _by_id(site: Site, sql: str) -> dict[str, tuple[Any, ...]]:
    return {f"{row[0]}-{row[1]}": row[2:] for row in site.rows(sql)}
