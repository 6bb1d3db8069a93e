"""My points: the wallet, what expires soon, and the statement."""

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any

from flask import json
from flask_babel import lazy_gettext as _l

from backend import clock, present
from backend.account import reading
from backend.account.reading import MINE
from backend.catalogue import service as catalogue
from backend.catalogue.service import Catalogue
from backend.residents.auth import Caller
from backend.web import caller_language, public_ids
from backend.web.paging import page_of
from backend.web.public_ids import LARGEST_INTEGER
from backend.web.titles import local

SOON = timedelta(days=90)
"""How far ahead expiring points are announced."""
OWN = frozenset({"action", "redemption"})
"""What is numbered by resident."""
TEXTS = {
    "award": "%(title)s",
    "reversal": _l("Taken back: %(title)s"),
    "redeem": _l("Redeemed: %(title)s"),
    "return": _l("Points returned: %(title)s"),
    "expire": _l("Points expired"),
    "adjust": _l("Correction by the programme"),
    "unnamed": _l("Green action"),
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

# An instant in UTC as text is one character away from RFC 3339.
# Titles are looked up line by line, each by a whole primary key: a join could read the history at each line.
_ENTRIES = f"""
SELECT e.seq, e.kind, e.points, e.balance_after, e.reference_kind, e.reference_id,
    (e.posted_at AT TIME ZONE 'UTC')::text,
    CASE e.reference_kind
        WHEN 'action' THEN (
            SELECT a.task_id FROM actions a
            WHERE a.resident_id = r.resident_id AND a.seq = e.reference_id::int)
    END,
    CASE e.reference_kind
        WHEN 'redemption' THEN (
            SELECT x.title FROM redemptions d JOIN rewards x ON x.id = d.reward_id
            WHERE d.resident_id = r.resident_id AND d.seq = e.reference_id::int)
    END
FROM residents r
LEFT JOIN LATERAL (
    SELECT * FROM ledger_entries l WHERE l.resident_id = r.resident_id AND l.seq < %(before)s
    ORDER BY l.seq DESC LIMIT %(rows)s) e ON true
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
        "expiring": [{"points": row[5], "expires_on": row[6].isoformat()} for row in found if row[5] is not None],
    }


def entries(caller: Caller, *, limit: int, before: int | None) -> str:
    """A page of the statement as JSON, newest first, in the caller's language; raises UnauthenticatedError.

    Written by hand, as a page of a board is: a schema and an encoder would take half of the request.
    """
    top = LARGEST_INTEGER if before is None else before
    found = reading.rows(_ENTRIES, caller=caller, before=top, rows=limit + 1)
    lines = [row for row in found if row[0] is not None]
    page = page_of(lines, limit=limit, key=lambda row: int(row[0]))
    titles = _titles({row[7] for row in page.items if row[7] is not None})
    entry = partial(_entry, titles=titles, language=caller_language(), resident_id=caller.resident_id)
    items = ",".join([entry(row) for row in page.items])
    return f'{{"items":[{items}],"next_cursor":{json.dumps(page.next_cursor)}}}'


def _titles(task_ids: set[int]) -> Mapping[int, str]:
    if not task_ids:
        return {}
    titles = _titles_of(catalogue.cached())
    # A task may have been added after this process read its catalogue.
    return titles if task_ids <= titles.keys() else _titles_of(catalogue.current())


def _titles_of(known: Catalogue) -> Mapping[int, str]:
    """All titles of a catalogue in the caller's language, written once."""
    spoken = caller_language()
    kept: dict[str, tuple[Catalogue, dict[int, str]]] = present.made_once("task_titles", dict)
    if spoken not in kept or kept[spoken][0] is not known:
        kept[spoken] = (known, {rules.task_id: local(rules.title) for rules in known.tasks.values()})
    return kept[spoken][1]


def _entry(row: tuple[Any, ...], *, titles: Mapping[int, str], language: str, resident_id: int) -> str:
    seq, kind, points, balance_after, reference_kind, reference_id, posted_at, task_id, reward = row
    title = titles.get(task_id) or (local(reward) if reward else "")
    reference = public_ids.text(resident_id, reference_id) if reference_kind in OWN else str(reference_id)
    return (
        f'{{"seq":{seq},"kind":"{kind}","points":{points},"balance_after":{balance_after},'
        f'"reference":{{"kind":"{reference_kind}","id":"{reference}"}},'
        f'"description":{_description(kind, title, language)},"posted_at":"{posted_at[:10]}T{posted_at[11:]}Z"}}'
    )


@lru_cache(maxsize=4_096)
def _description(kind: str, title: str, language: str) -> str:  # noqa: ARG001  `language` is what it is kept by
    return json.dumps(str(TEXTS[kind]) % {"title": title or str(TEXTS["unnamed"])})
