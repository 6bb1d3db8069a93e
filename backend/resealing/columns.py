"""A column of sealed texts: read page by page, and written where nobody has changed it meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Column, inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute

from backend.web.idempotency import SEALED

Key = tuple[Any, ...]
"""The values of a row's primary key."""


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """SQL for one column, which every row is found in by its primary key."""

    table: str
    key: Sequence[Column[Any]]
    name: str
    text: str
    """SQL that gives the sealed text of a row `t`."""
    put: str
    """SQL that gives the column's value with the text `free.anew` in it."""

    @classmethod
    def of(cls, declared: InstrumentedAttribute[Any]) -> "SealedColumn":
        """The column that a model declares."""
        mapper = inspect(declared.class_)
        text, put = f"t.{declared.key}", "free.anew"
        if isinstance(declared.type, JSONB):
            text, put = f"{text} ->> '{SEALED}'", f"jsonb_set({text}, '{{{SEALED}}}', to_jsonb(free.anew))"
        return cls(declared.class_.__tablename__, mapper.primary_key, declared.key, text, put)

    def estimate(self, cursor: psycopg.Cursor[Any]) -> int | None:
        """How many rows there are, as PostgreSQL last counted them; None: it has not."""
        about = "SELECT nullif(reltuples, -1)::bigint FROM pg_class WHERE oid = %s::regclass"
        row = cursor.execute(about, (self.table,)).fetchone()
        return row and row[0]

    def page(self, cursor: psycopg.Cursor[Any], *, after: Key | None, rows: int) -> list[tuple[Key, str | None]]:
        """Up to so many rows after a key, in its order: the key, and what is sealed if anything is."""
        names = ", ".join(f"t.{column.name}" for column in self.key)
        # By the key alone: a page of all rows is quick, however few of them hold something.
        later = f"WHERE ({names}) > ({', '.join(['%s'] * len(self.key))})" if after else ""
        query = f"SELECT {names}, {self.text} FROM {self.table} t {later} ORDER BY {names} LIMIT {rows}"  # noqa: S608  names of ours
        found = cursor.execute(query, after or ()).fetchall()
        return [(row[:-1], row[-1]) for row in found]

    def replace(self, cursor: psycopg.Cursor[Any], texts: Sequence[tuple[Key, str, str]]) -> int:
        """Put in each row the second text where the first still stands; returns in how many.

        It waits for nobody, so that whatever others hold, in whichever order, none waits for it in a circle: rows
        that somebody has locked are left out.
        """
        given = [f"%s::{column.type.compile(postgresql.dialect())}[]" for column in self.key]  # type: ignore[no-untyped-call]  # the library's own gap
        names = ", ".join(column.name for column in self.key)
        same = " AND ".join(f"t.{column.name} = free.{column.name}" for column in self.key)
        statement = f"""
WITH free AS (
    SELECT {names}, given.former, given.anew FROM {self.table} t
    JOIN unnest({", ".join(given)}, %s::text[], %s::text[]) AS given({names}, former, anew) USING ({names})
    WHERE {self.text} = given.former
    FOR NO KEY UPDATE OF t SKIP LOCKED)
UPDATE {self.table} t SET {self.name} = {self.put} FROM free WHERE {same} AND {self.text} = free.former
"""  # noqa: S608  names of ours
        keys = zip(*(key for key, _, _ in texts), strict=True)
        former, anew = [text for _, text, _ in texts], [text for _, _, text in texts]
        return cursor.execute(statement, [*map(list, keys), former, anew]).rowcount
