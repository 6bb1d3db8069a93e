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
from tests.faults.promise import Promise
from tests.faults.reckoning import hold
from tests.faults.shop import Shop
from tests.faults.site import Site
from tests.faults.watching import Watcher


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong inside the block that `begin` opens, for so many seconds, and what it must not harm."""

    name: str
    begin: Callable[[], AbstractContextManager[Any]]
    seconds: float
    promise: Promise


@dataclass
class Run:
    """The faults so far."""

    watcher: Watcher
    prober: Prober
    rows: list[dict[str, Any]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def suffer(self, fault: Fault) -> None:
        """Let it last, take note of what is not as promised, and wait until all is as before."""
        self.watcher.renew()
        with self.watcher.watching() as seen:
            with fault.begin():
                seen.since = time.monotonic()
                time.sleep(fault.seconds)
                seen.until = time.monotonic()
            ended = time.monotonic()
        answers_s = time.monotonic() - ended + self.watcher.back()
        self.prober.shown()
        shown_s = time.monotonic() - ended
        self.wrong += [f"{fault.name}: {what}" for what in (*seen.wrong, *fault.promise.broken(seen))]
        back = {"answers_back_s": round(answers_s, 1), "boards_back_s": round(shown_s, 1)}
        self.rows.append({"fault": fault.name, "lasted_s": round(fault.seconds, 1), **seen.row(), **back})


@contextmanager
def outages(site: Site, shop: Shop, *, folder: Path, seed: int, title: str, section: str) -> Iterator[Run]:
    """A run under load; at its end the table is shown and kept, and the books are held against the diaries.

    Raises AssertionError where an answer was neither good nor a proper refusal, where a fault's promise was not kept,
    or where anything acknowledged is not there once.
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
    hold(site, diary.read(folder.glob("*.jsonl")))
