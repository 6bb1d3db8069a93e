"""Leaderboards."""

from typing import Any

from flask import Response, jsonify

from backend.leaderboard import service
from backend.leaderboard.schemas import (
    AroundMeQuerySchema,
    BoardNameSchema,
    BoardSchema,
    PageOfBoardQuerySchema,
)
from backend.leaderboard.standings import Window
from backend.residents.auth import caller_by_token
from backend.web import caller
from backend.web.blueprint import Blueprint
from backend.web.paging import page_schema

METRIC = "<any(points, co2e):metric>"
PERIOD = "<any(day, week, month, year, all):period>"

blueprint = Blueprint("leaderboards", __name__, description="Leaderboards: who saved and earned most")


@blueprint.get("/leaderboards")
@caller("resident")
@blueprint.response(200, page_schema(BoardNameSchema))
def list_boards() -> Response:
    """The boards that exist for me

    Of the city, and of the district and community in my profile.
    """
    return jsonify({"items": service.boards_of(caller_by_token()), "next_cursor": None})


@blueprint.get(f"/leaderboards/{METRIC}/{PERIOD}")
@caller("resident")
@blueprint.arguments(PageOfBoardQuerySchema(), location="query")
@blueprint.response(200, BoardSchema)
def read_board(query: dict[str, Any], *, metric: str, period: str) -> Response:
    """A page of a leaderboard, and my own place on it

    Of equal scores the one reached earlier is ahead. Who has not consented is shown under a pseudonym.
    """
    window = Window(query["offset"], query["offset"] + query["limit"] - 1)
    return _answer(query, metric=metric, period=period, window=window)


@blueprint.get(f"/leaderboards/{METRIC}/{PERIOD}/around-me")
@caller("resident")
@blueprint.arguments(AroundMeQuerySchema(), location="query")
@blueprint.response(200, BoardSchema)
def read_around_me(query: dict[str, Any], *, metric: str, period: str) -> Response:
    """My place on a leaderboard, and my neighbours above and below

    Without a place of my own: no neighbours.
    """
    window = Window(-query["window"], query["window"], around=True)
    return _answer(query, metric=metric, period=period, window=window)


def _answer(query: dict[str, Any], *, metric: str, period: str, window: Window) -> Response:
    me = caller_by_token()
    board = service.board_of(me, metric=metric, kind=period, scope=query["scope"], at=query["at"])
    return Response(service.read(board, window, caller=me), content_type="application/json")
