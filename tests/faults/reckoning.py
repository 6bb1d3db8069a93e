"""The end of a run: nothing that was acknowledged is lost or there twice, and every screen shows it."""

from tests.faults.accounting import differences, read
from tests.faults.diary import Request
from tests.faults.site import Site, until

SETTLED_S = 60
PAGE = 100


def hold(site: Site, requests: list[Request]) -> None:
    """Hold the site's books against the diaries of its clients; raises AssertionError with what differs."""
    until(lambda: site.rows("SELECT count(*) FROM outbox") == [(0,)], seconds=SETTLED_S)
    found = differences(read(site), requests)
    assert not found, "\n".join(found[:50])
    for metric in ("points", "co2e"):
        assert _board(site, metric) == _books(site, metric)
    verified = site.flask("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def _board(site: Site, metric: str) -> list[float]:
    """All scores of a leaderboard, as a resident reads them page by page."""
    signed = site.sign_in("reader")
    scores: list[float] = []
    while True:
        path = f"/api/v1/leaderboards/{metric}/all?limit={PAGE}&offset={len(scores)}"
        answer = site.ask("GET", path, headers=signed)
        assert answer.good, answer
        scores += [item["score"] for item in answer.body["items"]]
        if len(answer.body["items"]) < PAGE:
            return scores


def _books(site: Site, metric: str) -> list[float]:
    """The same from the actions themselves."""
    column, per = {"points": ("points", 1), "co2e": ("co2e_mg", 1000)}[metric]
    rows = site.rows(f"SELECT sum({column}) FROM actions GROUP BY resident_id HAVING sum({column}) > 0 ORDER BY 1 DESC")
    return [float(row[0]) / per for row in rows]
