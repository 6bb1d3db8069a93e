"""Who used the processor meanwhile: what tells the bound of a row."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil

from tests.benchmarks.bench_site import WEB_PROCESSES, BenchSite

_FULL = 0.9
"""Above this part of all cores the processor is the bound; below it, something is waited for."""


@contextmanager
def watched(site: BenchSite) -> Iterator[dict[str, float]]:
    """A mapping that holds, after the block, how many cores each part of the site used inside it."""
    used: dict[str, float] = {}
    roots = {"web": site.web.pid, "PostgreSQL": site.postmaster}
    before, began = {name: _processor_s(root) for name, root in roots.items()}, time.monotonic()
    yield used
    elapsed = time.monotonic() - began
    used |= {name: (_processor_s(root) - before[name]) / elapsed for name, root in roots.items()}


def bound(cores: Mapping[str, float]) -> str:
    """What bounds a row that used the cores so, in words."""
    if not cores:
        return ""
    busy = sum(cores.values())
    parts = ", ".join(f"{name} {used:.2f}" for name, used in sorted(cores.items(), key=lambda item: -item[1]))
    kind = "processor" if busy >= _FULL * WEB_PROCESSES else "waiting (disk, locks, other programs)"
    return f"{kind}: {parts} of {WEB_PROCESSES} cores"


def _processor_s(root: int) -> float:
    master = psutil.Process(root)
    return sum(_own_s(process) for process in (master, *master.children(recursive=True)))


def _own_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
