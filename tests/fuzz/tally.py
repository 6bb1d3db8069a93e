"""How many inputs, what became of them, and a bar while a long run lasts."""

import os
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

SHORT_RUN = 2_000
TOTAL = int(os.environ.get("FUZZ_INPUTS", SHORT_RUN))
"""Inputs of all kinds together."""
SEED = int(os.environ.get("FUZZ_SEED", "1"))
SLICE = 250
"""Inputs in one go of hypothesis: it remembers each input of a go, and a long run must not fill the memory."""
LONGEST_NOTE = 5_000
CREDITED = ("credited", "capped")
BAR = (
    TextColumn("{task.description:<26}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
    TimeRemainingColumn(),
)


@dataclass
class Tally:
    """What the product said about all inputs so far."""

    inputs: Counter = field(default_factory=Counter)
    records: Counter = field(default_factory=Counter)
    refused_whole: Counter = field(default_factory=Counter)
    points: int = 0
    co2e_mg: int = 0

    def tell(self):
        """The figures of a run, for people."""
        lines = [
            f"{sum(self.inputs.values()):,} inputs: {_counts(self.inputs)}",
            f"{sum(self.records.values()):,} records in them: {_counts(self.records)}",
            f"refused as a whole: {_counts(self.refused_whole)}",
        ]
        sys.stdout.write("\n" + "\n".join(lines) + "\n")


def fuzz(make, check, *, share, what):
    """Give `share` of all inputs to `check`, each made by `make(random)`: the same ones for the same FUZZ_SEED.

    Of hypothesis a drawn seed is asked and no more: drawing each field of an input took longer than the product takes
    over the input, and what hypothesis varies by itself are inputs it has seen.
    """
    wanted = max(1, round(TOTAL * share))
    with _bar(what, wanted) as tell:
        for first in range(0, wanted, SLICE):
            count = min(SLICE, wanted - first)
            _go(make, check, count=count, number=SEED * 1_000_003 + first)
            tell(count)


def _go(make, check, *, count, number):
    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    @given(st.randoms(use_true_random=True))
    def go(random):
        made = make(random)
        # Told in full, because pytest cuts values short.
        note(f"input: {made!r}"[:LONGEST_NOTE])
        check(made)

    go()


@contextmanager
def _bar(what, wanted):
    console = Console(stderr=True)
    with Progress(*BAR, console=console, disable="FUZZ_INPUTS" not in os.environ) as progress:
        task = progress.add_task(what, total=wanted)
        yield lambda more: progress.advance(task, more)


def _counts(counter):
    return ", ".join(f"{name} {count:,}" for name, count in counter.most_common())
