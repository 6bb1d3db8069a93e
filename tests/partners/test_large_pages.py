"""What pages of as many events as may be take of a process."""

import json
import tracemalloc

import pytest

from backend.actions.events import MOST

URL = "/api/v1/partner/events"
MOST_MB = 15
"""A page's peak: of its raw JSON, its residents' standings and the rows written, never all at once."""


@pytest.fixture
def page(ride, known):
    """Two rides each of 2,500 residents, as JSON."""
    subjects = [f"card-{number}" for number in range(MOST // 2)]
    known(*subjects)
    rides = [ride(f"{way}-{one}", subject=one, hours_ago=10 + way) for way in range(2) for one in subjects]
    return json.dumps({"events": rides}).encode()


def test_what_a_step_no_longer_needs_is_gone_before_the_next_takes_memory(client, page, signed_headers):
    request = {"data": page, "headers": signed_headers(page)}
    tracemalloc.start()
    try:
        answer = client.post(URL, **request).get_json()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer["credited"] == MOST
    assert peak / 2**20 < MOST_MB
