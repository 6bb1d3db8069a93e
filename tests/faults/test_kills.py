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
from tests.faults.killing import Killer, blows
from tests.faults.load import under_load
from tests.faults.probing import Prober
from tests.faults.reckoning import hold

KILLS = int(os.environ.get("FAULTS_KILLS") or (10 if report.SHORT else 60))
SEED = int(os.environ.get("FAULTS_SEED") or secrets.randbelow(10**6))


@pytest.fixture
def console():
    return Console(stderr=True)


def test_whoever_is_killed_under_load_comes_back_and_nothing_is_lost(site, shop, console, tmp_path):
    chance = random.Random(SEED)
    folder = tmp_path / "diaries"
    times, turns = defaultdict(list), blows(chance)
    aimed = killed = 0
    with under_load(site, shop, folder=folder, seed=SEED) as load, progress(console) as bar:
        task = bar.add_task(f"kill -9 (FAULTS_SEED={SEED})", total=KILLS)
        prober = Prober(site, diary=folder / "probe.jsonl")
        killer = Killer(site, prober=prober, chance=chance)
        while killed < KILLS:
            load.goes_on()
            blow = next(turns)
            bar.update(task, description=f"kill -9 {blow.kind} (FAULTS_SEED={SEED})")
            struck = killer.strike(blow)
            times[blow.kind].append(struck)
            aimed, killed = aimed + len(blow.parts), killed + struck.kills
            bar.update(task, completed=killed)
        prober.finish()
    requests = diary.read(folder.glob("*.jsonl"))
    tell(console, times, {"aimed_at": aimed, "killed": killed, **told_by(requests)})
    hold(site, requests)


def progress(console):
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=console)


def tell(console, times, told):
    rows = [
        {
            "killed": kind,
            "kills": sum(struck.kills for struck in found),
            "median_s": round(statistics.median(struck.seconds for struck in found), 2),
            "worst_s": round(max(struck.seconds for struck in found), 2),
        }
        for kind, found in sorted(times.items())
    ]
    report.show(console, "kill -9 under load: until the first good answer of what depended on it", rows)
    console.print(told)
    report.keep("kills", {"seed": SEED, "rows": rows, **told})


def told_by(requests):
    states = Counter(request.state for request in requests)
    return {
        "requests": len(requests),
        "acknowledged": states[diary.DONE],
        "abandoned": states[diary.ABANDONED],
        "replayed": sum(request.replayed for request in requests),
        "kinds": dict(Counter(request.kind for request in requests)),
        "troubles": dict(Counter(trouble for request in requests for trouble in request.troubles)),
        "most_tries": max(request.tries for request in requests),
    }
