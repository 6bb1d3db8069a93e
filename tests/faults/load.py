"""The load: client processes that write diaries."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.supervisor.child import end_with_parent
from tests.faults.client import KINDS
from tests.faults.diary import Follower
from tests.faults.sending import PATIENCE_S
from tests.faults.shop import Shop
from tests.faults.site import ROOT, Site, until

CLIENTS = 2
RESIDENTS_AT_ONCE = 3
STOP_S = 200.0
"""More than the patience of a client with one request, and a partner with what waits in its queue."""


class Load:
    """Client processes at work; each writes its diary into `folder`."""

    def __init__(self, site: Site, shop: Shop, *, folder: Path, seed: int) -> None:
        self._folder = folder
        self._follower = Follower()
        folder.mkdir()
        self._processes = [self._start(site, shop, name=f"c{number}", seed=seed) for number in range(CLIENTS)]

    def goes_on(self) -> None:
        """Return once each kind of request has been acknowledged since this was asked last.

        Raises AssertionError if one is not any more.
        """
        missing = set(KINDS)

        def all_done() -> bool:
            missing.difference_update(self._follower.done(self._folder.glob("c*.jsonl")))
            return not missing

        until(all_done, seconds=PATIENCE_S, what=lambda: f"not acknowledged any more: {sorted(missing)}")

    def stop(self) -> None:
        """Let every client finish what it is at; raises AssertionError if one failed."""
        for process in self._processes:
            process.terminate()
        codes = [process.wait(STOP_S) for process in self._processes]
        assert not any(codes), f"clients ended with {codes}"

    def clear(self) -> None:
        """Kill what is left of them."""
        for process in self._processes:
            process.kill()
            process.wait()

    def _start(self, site: Site, shop: Shop, *, name: str, seed: int) -> subprocess.Popen[str]:
        job = {
            "name": name,
            "port": site.port,
            "diary": str(self._folder / f"{name}.jsonl"),
            "seed": seed,
            "residents_at_once": RESIDENTS_AT_ONCE,
            "partner_key": shop.partner_key,
            "partner_secret": shop.partner_secret,
            "rewards": shop.rewards,
            "hangs_s": site.time_outs.worst_s,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.client"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            text=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509  no thread has started yet
        )
        assert process.stdin is not None
        with process.stdin as words:
            json.dump(job, words)
        return process


@contextmanager
def under_load(site: Site, shop: Shop, *, folder: Path, seed: int) -> Iterator[Load]:
    """Clients at work inside the block; after it they have finished what they were at."""
    load = Load(site, shop, folder=folder, seed=seed)
    try:
        yield load
        load.stop()
    finally:
        load.clear()
