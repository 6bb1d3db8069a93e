"""Some residents' rows of a file: read, put in order, and credited, one transaction a page.

Killed at any moment, an import can be started again: what was credited is not credited twice. So its pages need not
wait for the disk one by one; the last one does, and has all before it there (docs/adr/0030).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from flask import Flask
from flask_babel import force_locale

from backend import clock
from backend.actions.events import BrokenEventError
from backend.actions.ingest.errors import BrokenRowError
from backend.actions.ingest.newcomers import bind_newcomers
from backend.actions.ingest.reading import Hand, RowReader, hand_of
from backend.actions.ingest.records import Record
from backend.actions.ingest.sheet import Page, Same, Sheet
from backend.actions.ingest.summary import Summary
from backend.actions.partner_feed import Result, credit_events, credit_kept
from backend.database import flushed_later, transaction, unhurried
from backend.garbage import rarely_searched
from backend.partners import service as partners

HAND = 100
"""Records that are read, and dealt, at once: of many more one process would wait while another is given its own."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One import: what all its lanes share."""

    app: Flask
    reader: RowReader
    partner_code: str
    page_size: int
    bind_subjects: bool
    """Whether each unknown subject becomes a resident first."""


class Lane:
    """All rows of some residents, or of all, and what becomes of them."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.sheet = Sheet()
        self.summary = Summary()
        """What could not be read."""

    def read(self, records: Iterable[Record]) -> None:
        """Take in records, in the order of the file; what cannot be read is counted and told in the summary."""
        whole = self._run.reader.whole(records, broken=self.summary.add_broken)
        while together := list(islice(whole, HAND)):
            self.take(hand_of(together))

    def take(self, hand: Hand) -> None:
        """The same, of records that have their columns."""
        try:
            self.sheet.add(self._run.reader.columns(hand))
        except (BrokenRowError, BrokenEventError) as error:
            if len(hand.lines) == 1:
                self.summary.add_broken(hand.lines[0], str(error))
                return
            for one in hand.one_by_one():
                self.take(one)

    def credit(self, same: Same, *, tell: Callable[[int], None], stopped: Callable[[], bool]) -> Summary:
        """Credit all rows, in the order of `Sheet.pages`; what they came to, with what could not be read.

        `tell` hears after each commit how many rows it held; `stopped` is asked before each page whether to go on.
        """
        run, summary = self._run, Summary()
        with run.app.app_context(), force_locale("en"), rarely_searched():
            left = len(self.sheet)
            for page in self.sheet.pages(run.page_size, same=same):
                if stopped():
                    break
                left -= len(page.lines)
                self._credit_page(page, summary, is_last=not left)
                tell(len(page.lines))
        summary.add_lane(self.summary)
        return summary

    def _credit_page(self, page: Page, summary: Summary, *, is_last: bool) -> None:
        run, kept = self._run, list[Result]()
        with transaction():
            unhurried()
            if not is_last:
                flushed_later()
            partner, now = partners.find(run.partner_code), clock.now()
            if run.bind_subjects:
                bound = bind_newcomers({event.subject for event in page.events}, partner=partner, now=now)
                kept = credit_kept(partner, bound, now=now) if bound else []
            results = credit_events(partner, page.events, now=now)
        summary.add_page(page, results)
        summary.add_kept(kept)
