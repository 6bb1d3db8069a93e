"""Public totals: no sign-in, cacheable."""

from datetime import date, timedelta
from hashlib import blake2b
from typing import Any

from flask import Response, json, request
from flask_babel import gettext

from backend import clock
from backend.errors import ValidationFailedError
from backend.totals import daily, service
from backend.totals.daily import Days
from backend.totals.schemas import DayOfTotalsSchema, TotalsQuerySchema, TotalsSchema
from backend.web import caller
from backend.web.blueprint import Blueprint
from backend.web.paging import page_schema

MAX_AGE_S = 60
MOST_DAYS = 366
USUAL_DAYS = 30

blueprint = Blueprint("totals", __name__, description="What the city has saved together; public")


@blueprint.get("/public/totals")
@caller("public")
@blueprint.response(200, TotalsSchema)
def read_totals() -> Response:
    """What the city has saved together

    Tasks without a published factor count as person-times, never as kilograms. May be cached for a minute; with
    If-None-Match the answer is 304 while nothing has changed.
    """
    totals = service.public()
    changing = {name: value for name, value in totals.items() if name != "as_of"}
    return _cacheable(TotalsSchema().dump(totals), changing=changing)


@blueprint.get("/public/totals/daily")
@caller("public")
@blueprint.arguments(TotalsQuerySchema, location="query")
@blueprint.response(200, page_schema(DayOfTotalsSchema))
def read_daily(query: dict[str, Any]) -> Response:
    """The same day by day

    At most 366 days. Participants of several days or tasks cannot be added up: one person may be in both. Kilograms of
    a day are exact; of its tasks and districts they are rounded, so that nobody's own can be read from them.
    """
    page = daily.daily(_days(query), limit=query["limit"], cursor=query["cursor"])
    body = page_schema(DayOfTotalsSchema)().dump(page)
    return _cacheable(body, changing=body)


def _days(query: dict[str, Any]) -> Days:
    last: date = query["to"] or clock.local_day(clock.now())
    first: date = query["from"] or max(date.min + timedelta(days=USUAL_DAYS), last) - timedelta(days=USUAL_DAYS - 1)
    if not 0 <= (last - first).days < MOST_DAYS:
        message = gettext("Ask for 1 to %(most)s days: from must not lie after to.", most=MOST_DAYS)
        raise ValidationFailedError.of({"from": message})
    return Days(first, last, frozenset(query["by"].split(",")) - {""})


def _cacheable(body: Any, *, changing: Any) -> Response:
    response = Response(json.dumps(body), content_type="application/json")
    response.cache_control.public = True
    response.cache_control.max_age = MAX_AGE_S
    response.set_etag(blake2b(json.dumps(changing).encode(), digest_size=12).hexdigest(), weak=True)
    response.make_conditional(request)
    return response
