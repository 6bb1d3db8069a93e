"""One run of outages: a site under load, one fault after the other, each as a row of a table."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.faults import diary, report
from tests.faults.load import under_load
from tests.faults.probing import Prober
from tests.faults.reckoning import hold
from tests.faults.shop import Shop
from tests.faults.site import Site
from tests.faults.watching import HANGS_S, Seen, Watcher

Fault = Callable[[], AbstractContextManager[Any]]


@dataclass
class Run:
    """The faults so far."""

    watcher: Watcher
    prober: Prober
    rows: list[dict[str, Any]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def suffer(self, name: str, fault: Fault, *, seconds: float) -> Seen:
        """Let a fault last so long, and wait until all is as before; what was seen meanwhile."""
        self.watcher.renew()
        with self.watcher.watching() as seen:
            with fault():
                time.sleep(seconds)
            ended = time.monotonic()
        answers_s = time.monotonic() - ended + self.watcher.back()
        self.prober.shown()
        shown_s = time.monotonic() - ended
        self.wrong += [f"{name}: {what}" for what in seen.wrong]
        back = {"answers_back_s": round(answers_s, 1), "boards_back_s": round(shown_s, 1)}
        self.rows.append({"fault": name, "lasted_s": round(seconds, 1), **seen.row(), **back})
        return seen


@contextmanager
def outages(site: Site, shop: Shop, *, folder: Path, seed: int, title: str, section: str) -> Iterator[Run]:
    """A run under load; at its end the table is shown and kept, and the books are held against the diaries.

    Raises AssertionError where an answer was neither good nor a refusal that says when to come back, where one took
    longer than nginx waits, or where anything acknowledged is not there once.
    """
    console = Console(stderr=True, width=200)
    with under_load(site, shop, folder=folder, seed=seed):
        prober = Prober(site, diary=folder / "probe.jsonl")
        watcher = Watcher(site, diary=folder / "watch.jsonl", reward_id=shop.rewards["donation"])
        run = Run(watcher, prober)
        try:
            yield run
        finally:
            if run.rows:
                report.show(console, title, run.rows)
                report.keep(section, {"rows": run.rows})
            prober.finish()
    assert not run.wrong, "\n".join(run.wrong[:50])
    assert all(row["longest_s"] < HANGS_S for row in run.rows)
    hold(site, diary.read(folder.glob("*.jsonl")))
