"""kill -9 of every process of a site under load: what was acknowledged is there once, and all comes back by itself."""

import os
import random
import secrets
import statistics
from collections import Counter, defaultdict

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.faults import diary, report
from tests.faults.accounting import differences
from tests.faults.killing import Killer, blows
from tests.faults.load import under_load
from tests.faults.probing import Prober
from tests.faults.shop import open_shop
from tests.faults.site import until

KILLS = int(os.environ.get("FAULTS_KILLS") or (10 if report.SHORT else 60))
SEED = int(os.environ.get("FAULTS_SEED") or secrets.randbelow(10**6))
SETTLED_S = 60


@pytest.fixture
def console():
    return Console(stderr=True)


@pytest.fixture
def shop(site):
    return open_shop(site, site.new_admin("owner"))


def test_whoever_is_killed_under_load_comes_back_and_nothing_is_lost(site, shop, console, tmp_path):
    chance = random.Random(SEED)
    folder = tmp_path / "diaries"
    times = defaultdict(list)
    with under_load(site, shop, folder=folder, seed=SEED), progress(console) as bar:
        task = bar.add_task(f"kill -9 (FAULTS_SEED={SEED})", total=KILLS)
        prober = Prober(site, diary=folder / "probe.jsonl")
        killer = Killer(site, prober=prober, chance=chance)
        for blow in blows(KILLS, chance):
            bar.update(task, description=f"kill -9 {blow.kind} (FAULTS_SEED={SEED})")
            times[blow.kind].append((len(blow.parts), killer.strike(blow)))
            bar.advance(task, len(blow.parts))
        prober.finish()
    requests = diary.read(folder.glob("*.jsonl"))
    tell(console, times, requests)
    until(lambda: site.rows("SELECT count(*) FROM outbox") == [(0,)], seconds=SETTLED_S)
    found = differences(site, requests)
    assert not found, "\n".join(found[:50])
    for metric in ("points", "co2e"):
        assert board(site, metric) == books(site, metric)
    verified = site.flask("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def progress(console):
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=console)


def board(site, metric):
    """All scores of a leaderboard, as a resident reads them page by page."""
    signed, scores = site.sign_in("reader"), []
    while True:
        path = f"/api/v1/leaderboards/{metric}/all?limit=100&offset={len(scores)}"
        answer = site.ask("GET", path, headers=signed)
        assert answer.good, answer
        scores += [item["score"] for item in answer.body["items"]]
        if len(answer.body["items"]) < 100:
            return scores


def books(site, metric):
    """The same from the actions themselves."""
    column = {"points": "points", "co2e": "co2e_mg"}[metric]
    per = {"points": 1, "co2e": 1000}[metric]
    rows = site.rows(f"SELECT sum({column}) FROM actions GROUP BY resident_id HAVING sum({column}) > 0 ORDER BY 1 DESC")
    return [float(row[0]) / per for row in rows]


def tell(console, times, requests):
    rows = [
        {
            "killed": kind,
            "kills": sum(count for count, _ in found),
            "median_s": round(statistics.median(seconds for _, seconds in found), 2),
            "worst_s": round(max(seconds for _, seconds in found), 2),
        }
        for kind, found in sorted(times.items())
    ]
    report.show(console, "kill -9 under load: until the first good answer of what depended on it", rows)
    states = Counter(request.state for request in requests)
    troubles = Counter(trouble for request in requests for trouble in request.troubles)
    told = {
        "requests": len(requests),
        "acknowledged": states[diary.DONE],
        "abandoned": states[diary.ABANDONED],
        "replayed": sum(request.replayed for request in requests),
        "kinds": dict(Counter(request.kind for request in requests)),
        "troubles": dict(troubles),
        "most_tries": max(request.tries for request in requests),
    }
    console.print(told)
    report.keep("kills", {"seed": SEED, "kills": KILLS, "rows": rows, **told})
