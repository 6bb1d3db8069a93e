"""One import from its first record to its last page: by itself, or by several processes side by side."""

from collections.abc import Iterator
from itertools import chain, islice

from backend.actions.ingest.bars import Bars
from backend.actions.ingest.crew import Crew
from backend.actions.ingest.lane import Lane, Run
from backend.actions.ingest.records import Record
from backend.actions.ingest.summary import Summary


def carry_out(run: Run, coming: Iterator[Record], *, processes: int, bars: Bars, summary: Summary) -> None:
    """Read all records that are coming, then credit them; a page or less is not worth several processes.

    Raises UnreadableFileError before anything is credited, StoppedError or one of STOPPING at any time.
    """
    first = list(islice(coming, run.page_size + 1))
    alone = Lane(run)
    if processes == 1 or len(first) <= run.page_size:
        bars.begin()
        alone.read(chain(first, coming))
        _credit(alone, bars=bars, summary=summary)
        return
    with Crew(run, processes) as crew:
        bars.begin()
        if crew.deal(chain(first, coming)):
            crew.give_back(alone)
            _credit(alone, bars=bars, summary=summary)
            return
        bars.have_read(crew.dealt)
        for message in crew.credit():
            if isinstance(message, Summary):
                summary.add_lane(message)
            else:
                _committed(message, bars=bars, summary=summary)


def _credit(lane: Lane, *, bars: Bars, summary: Summary) -> None:
    bars.have_read(len(lane.sheet))
    done = lane.credit(tell=lambda rows: _committed(rows, bars=bars, summary=summary), stopped=lambda: False)
    summary.add_lane(done)


def _committed(rows: int, *, bars: Bars, summary: Summary) -> None:
    summary.committed += rows
    bars.have_credited(rows)
