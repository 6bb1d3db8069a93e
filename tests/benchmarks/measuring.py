"""Taking a row and its floors in turn, round after round."""

from rich.progress import Progress

from tests.benchmarks.row import Bench, Result, Row


def measured(row: Row, bench: Bench, *, progress: Progress) -> Result:
    """All rounds of a row: prepare, warm up, then floors and row in turn, in the same weather."""
    bar = progress.add_task(f"{row.name}: preparing", total=2 * bench.rounds + 1)
    row.prepare(bench)
    if row.warm_up_s:
        row.measure(bench, seconds=row.warm_up_s)
    progress.advance(bar)
    samples, floors = [], []
    for number in range(1, bench.rounds + 1):
        progress.update(bar, description=f"{row.name}: floors, round {number} of {bench.rounds}")
        floors.append(row.floors(bench))
        progress.advance(bar)
        progress.update(bar, description=f"{row.name}: round {number} of {bench.rounds}")
        samples.append(row.measure(bench, seconds=bench.seconds))
        progress.advance(bar)
    progress.update(bar, description=f"{row.name}: notes")
    row.once(bench)
    progress.update(bar, description=f"{row.name}: done")
    return Result(row=row, samples=tuple(samples), floors=tuple(floors))
