"""Crediting a sheet, one transaction a page: killed at any moment, it can be started again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, kw_only=True)
class Run:
    """One import: what all its lanes share."""

    app: Flask
    sheet: Sheet
    partner_code: str
    page_size: int
    bind_subjects: bool
    """Whether each unknown subject becomes a resident first."""

    def lanes(self, count: int) -> Sequence[Lane]:
        """The rows in up to `count` lanes that may be credited side by side; a page or less is one."""
        with transaction():
            same = bindings.same_residents(partners.find(self.partner_code).id)
        lanes = self.sheet.lanes(count if len(self.sheet) > self.page_size else 1, same=same)
        return [lane for lane in lanes if len(lane)]

    def credit(self, lane: Lane, *, tell: Callable[[int], None], stopped: Callable[[], bool]) -> Summary:
        """Credit a lane's rows in order. `tell` hears after each commit how many rows it held; `stopped` is asked
        before each page whether to go on.
        """
        summary = Summary()
        with self.app.app_context(), force_locale("en"), rarely_searched():
            for page in self.sheet.pages(lane, self.page_size):
                if stopped():
                    break
                self._credit_page(page, summary)
                tell(len(page))
        return summary

    def _credit_page(self, page: Page, summary: Summary) -> None:
        kept: list[Result] = []
        events = [event for _, event in page]
        with transaction():
            unhurried()
            partner, now = partners.find(self.partner_code), clock.now()
            if self.bind_subjects:
                bound = bind_newcomers({event.subject for event in events}, partner=partner, now=now)
                kept = credit_kept(partner, bound, now=now) if bound else []
            results = credit_events(partner, events, now=now)
        summary.add_page(page, results)
        summary.add_kept(kept)
