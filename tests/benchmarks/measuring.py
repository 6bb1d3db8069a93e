"""Taking a row and its floors in turn, round after round."""

from dataclasses import replace

from rich.progress import Progress

from tests.benchmarks.row import Bench, Result, Row


def measured(row: Row, bench: Bench, *, progress: Progress) -> Result:
    """All rounds of a row: prepare, warm up, then floors and row in turn, in the same weather."""
    cut = replace(bench, seconds=bench.seconds / row.slices, rounds=bench.rounds * row.slices)
    bar = progress.add_task(f"{row.name}: preparing", total=2 * cut.rounds + 1)
    row.prepare(bench)
    if row.warm_up_s:
        row.measure(bench, seconds=row.warm_up_s)
    progress.advance(bar)
    samples, floors = [], []
    for number in range(1, cut.rounds + 1):
        progress.update(bar, description=f"{row.name}: floors, round {number} of {cut.rounds}")
        floors.append(row.floors(cut))
        progress.advance(bar)
        progress.update(bar, description=f"{row.name}: round {number} of {cut.rounds}")
        samples.append(row.measure(cut, seconds=cut.seconds))
        progress.advance(bar)
    progress.update(bar, description=f"{row.name}: notes")
    row.once(bench)
    progress.update(bar, description=f"{row.name}: done")
    return Result(row=row, samples=tuple(samples), floors=tuple(floors))
