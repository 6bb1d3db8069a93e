"""Load: what to ask, the processes that ask it (asking.py), what came of it. Standard library only."""

import pickle
import subprocess
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field


class LoadError(RuntimeError):
    """An answer was not the expected one: the row says so instead of showing a figure."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one process asks over keep-alive connections: on each the next request once it has its answer.

    It ends after `seconds`, or when the requests have run out unless they `repeat`; every answer must have
    `status`. With a `rate` it asks so many times a second and no more, a few at once, and looks for answers every few
    milliseconds; where they come late it catches up.
    """

    port: int
    requests: Sequence[bytes]
    connections: int
    seconds: float
    status: int
    repeat: bool = False
    rate: float | None = None


@dataclass(kw_only=True)
class Tally:
    """What came of a job: the seconds it took, how many of them its process worked, latencies in seconds."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    latencies: array = field(default_factory=lambda: array("d"))
    unexpected: list[bytes] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def quantile(self, part: float) -> float:
        """The latency that this part of the answers did not exceed, in seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def run(*jobs: Job) -> Tally:
    """Run each job in a process of its own, all at once; raises LoadError for any unexpected answer."""
    return _merged(run_each(*jobs))


def run_each(*jobs: Job) -> list[Tally]:
    """The same, with what came of each."""
    argv = [sys.executable, "-m", "tests.benchmarks.asking"]
    children = [subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in jobs]
    try:
        for child, job in zip(children, jobs, strict=True):
            pickle.dump(job, child.stdin)
            child.stdin.flush()
        for child in children:
            if child.stdout.readline() != b"ready\n":
                raise LoadError("The load generator did not start: its reason stands above.")
        for child in children:
            child.stdin.write(b"go\n")
            child.stdin.flush()
        return [_checked(_tally_of(child)) for child in children]
    finally:
        for child in children:
            child.kill()
            child.communicate()


def _tally_of(child: subprocess.Popen) -> Tally:
    try:
        return pickle.load(child.stdout)
    except EOFError:
        raise LoadError("The load generator broke off: its reason stands above.") from None


def _checked(tally: Tally) -> Tally:
    if tally.unexpected:
        first = tally.unexpected[0].decode(errors="replace")
        share = f"{len(tally.unexpected)} of {len(tally.latencies)}"
        raise LoadError(f"{share} answers were not the expected ones; the first:\n{first}")
    if not tally.latencies:
        raise LoadError("Not one answer came in time.")
    return tally


def _merged(tallies: Sequence[Tally]) -> Tally:
    whole = Tally(seconds=max(tally.seconds for tally in tallies))
    for tally in tallies:
        whole.cpu_seconds += tally.cpu_seconds
        whole.latencies.extend(tally.latencies)
    return whole
