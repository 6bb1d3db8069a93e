"""One import from its first record to its last page: by itself, or by several processes side by side."""

from collections.abc import Iterator
from itertools import chain, islice

from backend.actions.ingest.bars import Bars
from backend.actions.ingest.crew import Crew
from backend.actions.ingest.lane import Lane, Run
from backend.actions.ingest.records import Record
from backend.actions.ingest.sheet import Same
from backend.actions.ingest.summary import Summary
from backend.database import transaction
from backend.partners import bindings
from backend.partners import service as partners


def carry_out(run: Run, coming: Iterator[Record], *, processes: int, bars: Bars, summary: Summary) -> None:
    """Read all records that are coming, then credit them; a page or less is not worth several processes.

    Raises UnreadableFileError before anything is credited, StoppedError or one of STOPPING at any time.
    """
    first = list(islice(coming, run.page_size + 1))
    alone = Lane(run)
    if processes == 1 or len(first) <= run.page_size:
        bars.begin()
        alone.read(chain(first, coming))
        _credit(alone, _same_residents(run), bars=bars, summary=summary)
        return
    dealt_by = _same_residents(run)
    with Crew(run, processes) as crew:
        bars.begin()
        all_once = crew.deal(chain(first, coming), dealt_by, broken=summary.add_broken)
        same = _same_residents(run)
        if all_once and same == dealt_by:
            bars.have_read(crew.dealt)
            for message in crew.credit(same):
                if isinstance(message, Summary):
                    summary.add_lane(message)
                else:
                    _committed(message, bars=bars, summary=summary)
        else:
            # One goes through all of it, in the order that is right now.
            crew.give_back(alone)
            _credit(alone, same, bars=bars, summary=summary)


def _same_residents(run: Run) -> Same:
    with transaction():
        return bindings.same_residents(partners.find(run.partner_code).id)


def _credit(lane: Lane, same: Same, *, bars: Bars, summary: Summary) -> None:
    bars.have_read(len(lane.sheet))
    done = lane.credit(same, tell=lambda rows: _committed(rows, bars=bars, summary=summary), stopped=lambda: False)
    summary.add_lane(done)


def _committed(rows: int, *, bars: Bars, summary: Summary) -> None:
    summary.committed += rows
    bars.have_credited(rows)
