"""Who used the processor meanwhile: what tells the bound of a row, and whether the machine was ours."""

import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil

from tests.benchmarks.bench_site import WEB_PROCESSES, BenchSite

MACHINE = "machine"
_FULL = 0.9
"""Above this part of all cores the processor is the bound; below it, something is waited for."""
_DISTURBED = 0.15
"""What other programs may use of all cores before a row says that they disturbed it."""


@contextmanager
def watched(site: BenchSite) -> Iterator[dict[str, float]]:
    """A mapping that holds, after the block, how many cores each part of the site and the machine used inside it."""
    used: dict[str, float] = {}
    before, began = _processor_s(site), time.monotonic()
    yield used
    elapsed = time.monotonic() - began
    used |= {name: (seconds - before[name]) / elapsed for name, seconds in _processor_s(site).items()}


@contextmanager
def watched_with_command(site: BenchSite) -> Iterator[dict[str, float]]:
    """The same, for a block in which a command is run to its end: its part is there too."""
    before, began = _ended_s(), time.monotonic()
    with watched(site) as used:
        yield used
    used["command"] = (_ended_s() - before) / (time.monotonic() - began)


def others(cores: Mapping[str, float]) -> float:
    """How many cores went to programs that are none of the site's."""
    ours = sum(used for name, used in cores.items() if name != MACHINE)
    return max(0.0, cores.get(MACHINE, ours) - ours)


def disturbed(cores: Mapping[str, float]) -> bool:
    """Whether other programs took so much that the row is not to be trusted."""
    return others(cores) > _DISTURBED * WEB_PROCESSES


def bound(cores: Mapping[str, float]) -> str:
    """What bounds a row that used the cores so, in words."""
    if not cores:
        return ""
    shown = {name: used for name, used in cores.items() if name != MACHINE and used >= 0.005}
    parts = ", ".join(f"{name} {used:.2f}" for name, used in sorted(shown.items(), key=lambda item: -item[1]))
    kind = (
        "processor" if cores.get(MACHINE, sum(shown.values())) >= _FULL * WEB_PROCESSES else "waiting for disk or locks"
    )
    return f"{kind}: {parts}, other programs {others(cores):.2f} of {WEB_PROCESSES} cores"


def _processor_s(site: BenchSite) -> dict[str, float]:
    machine = psutil.cpu_times()
    idle = machine.idle + getattr(machine, "iowait", 0.0)
    # Linux counts a guest's time twice: in `user` as well.
    busy = sum(machine) - idle - getattr(machine, "guest", 0.0) - getattr(machine, "guest_nice", 0.0)
    roots = {
        "web": [site.web.pid],
        "empty app": [site.empty.pid],
        "PostgreSQL": [site.postmaster],
        "Valkey": [site.valkey],
        **site.programs,
    }
    return {MACHINE: busy, **{name: sum(map(_family_s, pids)) for name, pids in roots.items()}}


def _ended_s() -> float:
    """Processor seconds of all children of this process that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _family_s(root: int) -> float:
    master = psutil.Process(root)
    return sum(_own_s(process) for process in (master, *master.children(recursive=True)))


def _own_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    # With what its ended children used: a connection's process goes with the connection.
    return float(times.user + times.system + times.children_user + times.children_system)
