"""Crediting a sheet, one transaction a page: killed at any moment, it can be started again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event as Flag
from threading import Lock

from flask import Flask
from flask_babel import force_locale

from backend import clock
from backend.actions.ingest.newcomers import bind_newcomers
from backend.actions.ingest.sheet import Lane, Page, Sheet
from backend.actions.ingest.summary import Summary
from backend.actions.partner_feed import Result, credit_events, credit_kept
from backend.database import transaction, unhurried
from backend.garbage import rarely_searched
from backend.partners import bindings
from backend.partners import service as partners

LANES = 2
"""One computes while the other waits for the database. More would only wait for each other."""


@dataclass(kw_only=True)
class Run:
    """One import: what all its lanes share."""

    app: Flask
    sheet: Sheet
    summary: Summary
    partner_code: str
    page_size: int
    bind_subjects: bool
    """Whether each unknown subject becomes a resident first."""
    tell: Callable[[int], None]
    """Hears after each commit how many rows it held."""
    _lock: Lock = field(default_factory=Lock)
    _stopped: Flag = field(default_factory=Flag)

    def credit(self) -> None:
        """Credit all rows. Raises what stops a lane, after the others have finished their pages."""
        with transaction():
            same = bindings.same_residents(partners.find(self.partner_code).id)
        lanes = self.sheet.lanes(LANES, same=same)
        with rarely_searched(), ThreadPoolExecutor(len(lanes)) as pool:
            for done in [pool.submit(self._credit_lane, lane) for lane in lanes]:
                done.result()

    def _credit_lane(self, lane: Lane) -> None:
        try:
            with self.app.app_context(), force_locale("en"):
                for page in self.sheet.pages(lane, self.page_size):
                    if self._stopped.is_set():
                        return
                    self._credit_page(page)
        except BaseException:
            self._stopped.set()
            raise

    def _credit_page(self, page: Page) -> None:
        kept: list[Result] = []
        events = [event for _, event in page]
        with transaction():
            unhurried()
            partner, now = partners.find(self.partner_code), clock.now()
            if self.bind_subjects:
                bound = bind_newcomers({event.subject for event in events}, partner=partner, now=now)
                kept = credit_kept(partner, bound, now=now) if bound else []
            results = credit_events(partner, events, now=now)
        with self._lock:
            self.summary.add_page(page, results)
            self.summary.add_kept(kept)
            self.tell(len(page))
