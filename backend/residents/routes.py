"""The places that residents choose from."""

from typing import Any

from flask import Response, after_this_request

from backend.residents import service
from backend.residents.schemas import AreaSchema, AreasQuerySchema
from backend.web import caller
from backend.web.blueprint import Blueprint
from backend.web.paging import Page, decode, page_schema
from backend.web.titles import local

blueprint = Blueprint("residents", __name__, description="Districts and communities")


@blueprint.get("/areas")
@caller("public")
@blueprint.arguments(AreasQuerySchema, location="query")
@blueprint.response(200, page_schema(AreaSchema))
def list_areas(query: dict[str, Any]) -> Page:
    """Districts, or the communities of one"""
    page = service.list_areas(district=query.get("district"), limit=query["limit"], after=decode(query["cursor"]))
    after_this_request(_cacheable)
    items = [{"code": area.code, "kind": area.kind, "title": local(area.title)} for area in page.items]
    return Page(items, page.next_cursor)


def _cacheable(response: Response) -> Response:
    response.cache_control.public = True
    response.cache_control.max_age = 300
    response.vary.add("Accept-Language")
    return response
