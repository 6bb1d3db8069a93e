"""My points: the wallet, what expires soon, and the statement."""

from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l

from backend import clock
from backend.account import reading
from backend.account.reading import MINE
from backend.catalogue import service as catalogue
from backend.paging import Page, page_of
from backend.residents.auth import Caller
from backend.titles import local

SOON = timedelta(days=90)
"""How far ahead expiring points are announced."""
LARGEST_SEQ = 2**31 - 1
UNNAMED = _l("Green action")
TEXTS = {
    "award": "%(title)s",
    "reversal": _l("Taken back: %(title)s"),
    "redeem": _l("Redeemed: %(title)s"),
    "return": _l("Points returned: %(title)s"),
    "expire": _l("Points expired"),
    "adjust": _l("Correction by the programme"),
}
"""Kind of entry → what the statement says."""

_WALLET = f"""
SELECT w.balance, w.held, w.earned, w.spent, w.expired, l.remaining, l.expires_on
FROM residents r
JOIN wallets w ON w.resident_id = r.resident_id
LEFT JOIN lots l ON l.resident_id = r.resident_id AND l.remaining > 0 AND l.expires_on <= %(until)s
WHERE {MINE}
ORDER BY l.expires_on
"""  # noqa: S608  the parts are ours

# The page is cut before anything is joined to it: the titles cost as much as there are lines on the page.
_ENTRIES = f"""
SELECT e.seq, e.kind, e.points, e.balance_after, e.reference_kind, e.reference_id, e.posted_at,
    a.task_id, x.title
FROM residents r
LEFT JOIN LATERAL (
    SELECT * FROM ledger_entries l WHERE l.resident_id = r.resident_id AND l.seq < %(before)s
    ORDER BY l.seq DESC LIMIT %(rows)s) e ON true
LEFT JOIN actions a
    ON e.reference_kind = 'action' AND a.resident_id = r.resident_id AND a.seq = e.reference_id
LEFT JOIN redemptions d
    ON e.reference_kind = 'redemption' AND d.resident_id = r.resident_id AND d.seq = e.reference_id
LEFT JOIN rewards x ON x.id = d.reward_id
WHERE {MINE}
ORDER BY e.seq DESC
"""  # noqa: S608  the parts are ours


def wallet(caller: Caller) -> dict[str, Any]:
    """The running sums, and what expires within 90 days, earliest first; raises UnauthenticatedError."""
    found = reading.rows(_WALLET, caller=caller, until=clock.local_day(clock.now()) + SOON)
    balance, held, earned, spent, expired, _, _ = found[0]
    return {
        "balance": balance,
        "held": held,
        "earned": earned,
        "spent": spent,
        "expired": expired,
        "expiring": [
            {"points": row[5], "expires_on": row[6].isoformat()} for row in found if row[5] is not None
        ],
    }


def entries(caller: Caller, *, limit: int, before: int | None) -> Page:
    """A page of the statement, newest first, in the caller's language; raises UnauthenticatedError."""
    top = LARGEST_SEQ if before is None else max(0, min(before, LARGEST_SEQ))
    found = reading.rows(_ENTRIES, caller=caller, before=top, rows=limit + 1)
    lines = [row for row in found if row[0] is not None]
    page = page_of(lines, limit=limit, key=lambda row: int(row[0]))
    titles = _titles({row[7] for row in page.items if row[7] is not None})
    return Page([_entry(row, titles, resident_id=caller.resident_id) for row in page.items], page.next_cursor)


def _titles(task_ids: set[int]) -> dict[int, Any]:
    if not task_ids:
        return {}
    known = {rules.task_id: rules.title for rules in catalogue.cached().tasks.values()}
    if task_ids <= known.keys():
        return known
    # A task that was added after this process read its catalogue.
    return {rules.task_id: rules.title for rules in catalogue.current().tasks.values()}


def _entry(row: tuple[Any, ...], titles: dict[int, Any], *, resident_id: int) -> dict[str, Any]:
    seq, kind, points, balance_after, reference_kind, reference_id, posted_at, task_id, reward = row
    own = reference_kind in {"action", "redemption"}
    title = local(titles.get(task_id) or reward or {})
    return {
        "seq": seq,
        "kind": kind,
        "points": points,
        "balance_after": balance_after,
        "reference": {
            "kind": reference_kind,
            "id": f"{resident_id}-{reference_id}" if own else str(reference_id),
        },
        "description": _description(kind, title),
        "posted_at": clock.rfc3339(posted_at),
    }


def _description(kind: str, title: str) -> str:
    return str(TEXTS[kind]) % {"title": title or str(UNNAMED)}
