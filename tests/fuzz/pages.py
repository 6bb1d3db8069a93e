"""Pages of events as bytes, sound and damaged."""

import json

from tests.fuzz import records
from tests.fuzz.damage import maybe_damaged
from tests.fuzz.records import mostly, seldom

MOST_EVENTS = 6
ODD_VALUES = (None, True, 0, -1, 1.5, 10**400, "", [], {}, [[]], {"a": {}}, "NaN", float("nan"), float("inf"), "\ud800")
ENCODINGS = ("utf-8-sig", "utf-16", "utf-32-be", "gb18030")
ODD_PAGES = (
    {"events": []},
    None,
    [],
    {},
    {"events": None},
    {"events": {}},
    {"events": [None, 1, "x", [], {}]},
    {"events": [], "more": 1},
)


def event(random, now):
    """An event as JSON would hold it."""
    task = records.task(random)
    started, ended = records.trip(random, now)
    made = {
        "external_id": records.external_id(random),
        "subject": records.subject(random),
        "task": task,
        "started_at": started,
        "ended_at": ended,
        "activity": {"quantity": _quantity(random), "unit": records.UNITS.get(task, "count")},
    }
    if seldom(random):
        made[random.choice((*made, "extra"))] = random.choice(ODD_VALUES)
    if seldom(random):
        made["activity"] = {"quantity": 1, "unit": random.choice(("km", *ODD_VALUES))}
    return made


def _quantity(random):
    return random.choice((1, 1500.5, *(random.randint(300, 9_000) for _ in range(4)), random.choice(ODD_VALUES)))


def body(random, now):
    """A body: JSON in some encoding, then perhaps damaged."""
    page = {"events": [event(random, now) for _ in range(random.randint(1, MOST_EVENTS))]}
    text = json.dumps(mostly(random, page, ODD_PAGES), ensure_ascii=seldom(random))
    encoding = mostly(random, "utf-8", ENCODINGS)
    return maybe_damaged(text.encode(encoding, errors="surrogatepass" if "utf" in encoding else "replace"), random)


def count_of(body):
    """How many events a body holds, or None where it is no page: said by the standard library alone."""
    try:
        page = json.loads(body)
    except (ValueError, RecursionError):
        return None
    is_page = isinstance(page, dict) and page.keys() == {"events"} and isinstance(page["events"], list)
    return len(page["events"]) if is_page else None
