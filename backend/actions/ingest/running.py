"""Crediting a sheet, one transaction a page: killed at any moment, it can be started again."""

from collections.abc import Callable

from backend import clock
from backend.actions.ingest.newcomers import bind_newcomers
from backend.actions.ingest.sheet import Sheet
from backend.actions.ingest.summary import Summary
from backend.actions.partner_feed import credit_events, credit_kept
from backend.database import transaction
from backend.garbage import no_cycles
from backend.partners import bindings
from backend.partners import service as partners


def credit_sheet(
    sheet: Sheet,
    *,
    partner_code: str,
    summary: Summary,
    page_size: int,
    bind_subjects: bool,
    tell: Callable[[int], None],
) -> None:
    """Credit all rows; `tell` hears after each commit how many rows it held.

    With `bind_subjects` each unknown subject becomes a resident first.
    """
    with transaction():
        same = bindings.same_residents(partners.find(partner_code).id)
    for page in sheet.pages(page_size, same=same):
        events = [event for _, event in page]
        kept = []
        with no_cycles(), transaction():
            partner, now = partners.find(partner_code), clock.now()
            if bind_subjects:
                subjects = {event.subject for event in events}
                bound = bind_newcomers(subjects, partner=partner, now=now)
                kept = credit_kept(partner, bound, now=now) if bound else []
            results = credit_events(partner, events, now=now)
        summary.add_page(page, results)
        summary.add_kept(kept)
        tell(len(page))
