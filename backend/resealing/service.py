"""Going over all that is sealed: by which key, and sealing it anew.

Each page is a transaction of its own: what is interrupted is taken up by doing it again.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy.orm import InstrumentedAttribute

from backend import sealing
from backend.admins import models as admins
from backend.database import autocommit_cursor
from backend.partners import models as partners
from backend.resealing.columns import Key, SealedColumn
from backend.residents import models as residents
from backend.rewards import models as rewards

KINDS: Mapping[str, InstrumentedAttribute[Any]] = {
    **partners.SEALED,
    **admins.SEALED,
    **residents.SEALED,
    **rewards.SEALED,
}
"""What is sealed → the column that holds it."""
ROWS = 500
"""Rows of a page: locked for as long as one statement takes, some milliseconds."""
PAUSES_S = (0.05, 0.2, 1.0, 2.0)
"""How long a row that somebody else has locked is waited for."""


@dataclass(slots=True)
class Tally:
    """How many of one kind there are, by the key that they were found under."""

    rows: int = 0
    """Rows that were looked at, also those that hold nothing."""
    present: int = 0
    """Found under SECRET_KEY."""
    former: int = 0
    """Under one of SECRET_KEY_FALLBACKS, and left so."""
    resealed: int = 0
    """Found under one of those, and now under SECRET_KEY."""
    unknown: int = 0
    """Under neither: nobody can open them. They stay as they are."""


def check(kind: str, tally: Tally) -> Iterator[int | None]:
    """Count all of a kind, and change nothing. Gives after each page how many rows there are, if that is known."""
    column = SealedColumn.of(KINDS[kind])
    after: Key | None = None
    with autocommit_cursor() as cursor:
        estimate = column.estimate(cursor)
        while page := _page(cursor, column, after):
            _count(page, tally)
            tally.former += len(page.former)
            after = page.last
            yield estimate


def reseal(kind: str, tally: Tally) -> Iterator[int | None]:
    """Seal anew, under SECRET_KEY, all of a kind that a former key has sealed. Gives the same.

    `tally.former` are those that others held for longer than it waits: doing it again takes them.
    """
    column = SealedColumn.of(KINDS[kind])
    after: Key | None = None
    with autocommit_cursor() as cursor:
        estimate = column.estimate(cursor)
        while page := _page(cursor, column, after):
            _count(page, tally)
            resealed, left = _replace(cursor, column, page.former, after=after)
            tally.resealed += resealed
            tally.former += left
            after = page.last
            yield estimate


@dataclass(frozen=True, slots=True)
class _Page:
    last: Key
    rows: int
    present: int
    former: list[tuple[Key, str, str]]
    unknown: int


def _count(page: _Page, tally: Tally) -> None:
    tally.rows += page.rows
    tally.present += page.present
    tally.unknown += page.unknown


def _replace(
    cursor: psycopg.Cursor[Any], column: SealedColumn, former: list[tuple[Key, str, str]], *, after: Key | None
) -> tuple[int, int]:
    """How many of a page's texts were replaced, and how many others had locked all the while."""
    resealed = 0
    for pause in (*PAUSES_S, None):
        done = column.replace(cursor, former) if former else 0
        resealed += done
        if done == len(former):
            return resealed, 0
        if pause is not None:
            time.sleep(pause)
        # What was changed meanwhile has changed for good: by whoever knows SECRET_KEY, or it is gone.
        page = _page(cursor, column, after)
        former = page.former if page else []
    return resealed, len(former)


def _page(cursor: psycopg.Cursor[Any], column: SealedColumn, after: Key | None) -> _Page | None:
    rows = column.page(cursor, after=after, rows=ROWS)
    if not rows:
        return None
    present, former, unknown = 0, [], 0
    for key, text in rows:
        if text is None:
            continue
        try:
            anew = sealing.sealed_anew(text)
        except sealing.SealBrokenError:
            unknown += 1
            continue
        if anew is None:
            present += 1
        else:
            former.append((key, text, anew))
    return _Page(rows[-1][0], len(rows), present, former, unknown)
