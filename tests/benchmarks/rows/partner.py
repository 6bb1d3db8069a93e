"""POST /partner/events: signed pages of 5,000 trips, from the HTTP request to its answer."""

import secrets
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import islice
from typing import Any

from backend import clock
from backend.database import transaction
from backend.partners import auth, service
from tests.benchmarks import load
from tests.benchmarks.bench_site import WEB_PROCESSES
from tests.benchmarks.copied_pages import Copying
from tests.benchmarks.cores import watched
from tests.benchmarks.http_bytes import json_body, post
from tests.benchmarks.population import Group
from tests.benchmarks.row import Bench, Row, Sample, sample_of

PATH = "/api/v1/partner/events"
PAGE = 5_000
TRIPS = timedelta(hours=8), timedelta(hours=18)
"""Everybody in a page goes to work and comes back."""
SUBJECTS = 100_000
MOST_DAYS = 360
"""As far back as a partner may report."""
MOST_PAGES_A_SECOND = 12
PAGES_COPIED = 20
"""Of 2,500 passengers each: half of them all."""
MOST_COPIES_A_SECOND = 40

_BIND = """
INSERT INTO bindings (partner_id, subject, resident_id, bound_at)
SELECT %s, 'card-' || n, n, now() FROM generate_series(%s::int, %s::int) n
"""
_COUNT = "SELECT count(*) FROM external_events WHERE resident_id IS NOT NULL"
FEEDS = 2 * WEB_PROCESSES
"""Connections, for the floor as well: while one waits for the disk to have its page, another can go on."""


class PartnerFeed(Row):
    """A metro's feed: the same passengers come back in later pages, on other days."""

    name = "partner"
    title = f"POST /partner/events, pages of {PAGE:,}, {FEEDS} connections, each passenger twice a page"
    unit = "events/s"
    goal = 0.3
    warm_up_s = 4.0
    """Long enough to meet most passengers: the floor copies the pages of this time."""

    def prepare(self, bench: Bench) -> None:
        """Bound passengers, and the partner's key."""
        self._partner = service.find("metro")
        with transaction():
            key, self._secret = service.new_key(self._partner, now=clock.now())
        self._key = key.key
        group = bench.population.group(SUBJECTS)
        with bench.site.connect() as connection:
            connection.execute(_BIND, (self._partner.id, group.first, group.first + group.size - 1))
            connection.execute("VACUUM (ANALYZE) bindings")
        bench.population.settle()
        self._events = _events(group)
        self._copying = Copying(bench.site, pages=PAGES_COPIED, most_a_second=MOST_COPIES_A_SECOND, connections=FEEDS)

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """Post pages; every event must be there afterwards."""
        pages = [self._request() for _ in range(int(MOST_PAGES_A_SECOND * seconds))]
        job = load.Job(port=bench.site.web.port, requests=pages, connections=FEEDS, seconds=seconds, status=200)
        before = _credited(bench)
        with watched(bench.site) as cores:
            tally = load.run(job)
        missing = len(tally.latencies) * PAGE - (_credited(bench) - before)
        if missing:
            raise load.LoadError(f"{missing} events were not credited.")
        return sample_of(tally, cores=cores, each=PAGE)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """COPY of the rows that a page comes to, and nothing else: no look-up, no rule, no update."""
        return {"raw COPY": self._copying.events_a_second(bench.seconds)}

    def _request(self) -> bytes:
        body = json_body({"events": list(islice(self._events, PAGE))})
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        signature = auth.sign(body, secret=self._secret, timestamp=timestamp, nonce=nonce)
        headers = {"X-Partner-Key": self._key, "X-Timestamp": timestamp, "X-Nonce": nonce}
        return post(PATH, body=body, headers={**headers, "X-Signature": signature})


def _events(group: Group) -> Iterator[dict[str, Any]]:
    """Two trips a day of everybody in the group, one day after the other, going back from yesterday."""
    today = clock.local_day(clock.now())
    for back in range(1, MOST_DAYS):
        midnight, _ = clock.day_bounds(today - timedelta(days=back))
        for resident_id in group:
            for way, hour in enumerate(TRIPS):
                yield {
                    "external_id": f"trip-{back}-{way}-{resident_id}",
                    "subject": f"card-{resident_id}",
                    "task": "metro_ride",
                    "started_at": clock.rfc3339(midnight + hour),
                    "ended_at": clock.rfc3339(midnight + hour + timedelta(minutes=30)),
                    "activity": {"quantity": 9_000 + resident_id % 1_000, "unit": "m"},
                }


def _credited(bench: Bench) -> int:
    with bench.site.connect() as connection:
        return int(connection.execute(_COUNT).fetchone()[0])
