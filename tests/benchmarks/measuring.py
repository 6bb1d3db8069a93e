"""Taking a row and its floors in turn, round after round."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from rich.progress import Progress

from tests.benchmarks.row import Bench, Result, Row


def measured(row: Row, bench: Bench, *, progress: Progress) -> Result:
    """All rounds of a row: prepare, warm up, then floors and row in turn, in the same weather.

    Each round's floor is the mean of the one before it and the one after: what changes steadily, such as tables that
    grow or a machine that slows down, changes neither side of the ratio.
    """
    cut = replace(bench, seconds=bench.seconds / row.slices, rounds=bench.rounds * row.slices)
    bar = progress.add_task(f"{row.name}: preparing", total=2 * cut.rounds + 2)
    row.prepare(bench)
    if row.warm_up_s:
        row.measure(bench, seconds=row.warm_up_s)
    progress.advance(bar)
    progress.update(bar, description=f"{row.name}: first floors")
    samples, floors = [], [row.floors(cut)]
    progress.advance(bar)
    for number in range(1, cut.rounds + 1):
        progress.update(bar, description=f"{row.name}: round {number} of {cut.rounds}")
        samples.append(row.measure(cut, seconds=cut.seconds))
        progress.advance(bar)
        progress.update(bar, description=f"{row.name}: floors after round {number} of {cut.rounds}")
        floors.append(row.floors(cut))
        progress.advance(bar)
    progress.update(bar, description=f"{row.name}: notes")
    row.once(bench)
    progress.update(bar, description=f"{row.name}: done")
    return Result(row=row, samples=tuple(samples), floors=tuple(_mean(*ends) for ends in pairwise(floors)))


def _mean(before: Mapping[str, float], after: Mapping[str, float]) -> Mapping[str, float]:
    return {name: (before[name] + after[name]) / 2 for name in before}
