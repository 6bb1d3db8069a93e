"""A fresh database beside the site's own, and its taking that one's place: all at once or not at all."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import errors, sql

from backend.backup.address import NEIGHBOUR, Address, name
from backend.backup.errors import BackupError
from backend.database import advisory

Connection = psycopg.Connection[Any]
PATIENCE_S = 30.0
LEAVING_S = 2.0
"""So long PostgreSQL may take to see that somebody has hung up: it lists them until then."""
_POLL_S = 0.02
STAMP = "%Y%m%dT%H%M%SZ"
_HALF_MADE = "_restoring"
_LONGEST_NAME = 63
_OTHERS = """
SELECT coalesce(nullif(application_name, ''), 'unnamed'), count(*) FROM pg_stat_activity
WHERE datname = %s AND backend_type = 'client backend' GROUP BY 1 ORDER BY 1
"""
_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'
"""
_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
_KNOWN = "SELECT to_regclass('public.alembic_version') IS NOT NULL"
_IN_USE = "SELECT EXISTS (SELECT FROM residents) OR EXISTS (SELECT FROM admins) OR EXISTS (SELECT FROM audit_log)"
# Columns of pg_database have other names in other versions.
_LOCALE = """
SELECT d ->> 'datcollate', d ->> 'datctype', d ->> 'datlocprovider', coalesce(d ->> 'datlocale', d ->> 'daticulocale')
FROM (SELECT to_jsonb(d) FROM pg_database d WHERE datname = %s) AS d (d)
"""
_PROVIDERS = {"c": ("libc", None), "i": ("icu", "ICU_LOCALE"), "b": ("builtin", "BUILTIN_LOCALE")}


@contextmanager
def alone(address: Address) -> Iterator[Connection]:
    """A connection beside the site's database, from which it can be replaced; one at a time. Raises BackupError."""
    with closing(address.beside(NEIGHBOUR).connect()) as neighbour:
        free = neighbour.execute("SELECT pg_try_advisory_lock(%s)", (advisory.RESTORE,)).fetchone()
        if not (free and free[0]):
            raise BackupError(f"Another restore into {address.database} is at work: wait for it.")
        try:
            yield neighbour
        finally:
            # PostgreSQL would let go of it only a moment after the connection is closed.
            if not neighbour.closed:
                neighbour.execute("SELECT pg_advisory_unlock(%s)", (advisory.RESTORE,))


def refuse_while_used(neighbour: Connection, address: Address) -> None:
    """Raise BackupError while anybody is connected: what was acknowledged from now on would be lost.

    Who has just hung up, as a site that was stopped, is given LEAVING_S to be gone.
    """
    deadline = time.monotonic() + LEAVING_S
    while (others := _others(neighbour, address)) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    if others:
        who = ", ".join(f"{count} × {application}" for application, count in others)
        raise BackupError(f"The site's database is in use ({who}): stop the site first, then try again.")


def _others(neighbour: Connection, address: Address) -> list[tuple[Any, ...]]:
    return neighbour.execute(_OTHERS, (address.database,)).fetchall()


def is_empty(address: Address) -> bool:
    """Whether the database holds nothing that would be missed: no tables, or a site without anybody in it."""
    with closing(address.connect()) as connection:
        if _one(connection, _TABLES) == 0:
            return True
        return bool(_one(connection, _KNOWN)) and not _one(connection, _IN_USE)


@dataclass(frozen=True, slots=True)
class Aside:
    """A database that a restore has left; `replaced_at`: when it was the site's, None for one that was half made."""

    address: Address
    bytes: int
    replaced_at: datetime | None


def fresh(neighbour: Connection, address: Address) -> Address:
    """An empty database beside the site's, sorting text as that one does. Raises BackupError.

    Nobody else makes one meanwhile, so what has its name is what a restore that was killed has left.
    """
    made = address.beside(_beside(address, _HALF_MADE))
    drop(neighbour, made)
    collate, ctype, provider, locale = neighbour.execute(_LOCALE, (address.database,)).fetchone() or ("C", "C", "c", "")
    which, option = _PROVIDERS[provider]
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE {} LC_CTYPE {}").format(
        name(made.database), collate, ctype
    )
    statement += sql.SQL(f" LOCALE_PROVIDER {which}")
    if option:
        statement += sql.SQL(f" {option} ") + sql.Literal(locale)
    try:
        neighbour.execute(statement)
    except errors.InsufficientPrivilege as error:
        raise BackupError(
            "The site's role may not make databases: let a superuser say ALTER ROLE … CREATEDB, then restore again."
        ) from error
    return made


def drop(neighbour: Connection, address: Address) -> None:
    """Drop a database, if it is there, whoever is connected to it.

    Not WITH (FORCE): while autovacuum is at work there, that is refused to any role but a superuser; a plain DROP sends
    autovacuum away by itself.
    """
    neighbour.execute(_END_OTHERS, (address.database,))
    neighbour.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(name(address.database)))


def swap(
    neighbour: Connection,
    address: Address,
    new: Address,
    *,
    stamp: str,
    along: Callable[[], AbstractContextManager[None]],
) -> Address:
    """Let the new database take the place of the site's; returns under which name the former one stays.

    One transaction: at no moment, and after no crash, is there none or half of one. What `along` gives is entered
    right before the commit, and hears of it where that fails. Raises BackupError if somebody is connected to the former
    one and stays.
    """
    former = address.beside(_beside(address, f"_before_{stamp}"))
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with ExitStack() as stack, neighbour.transaction():
                neighbour.execute(rename.format(name(address.database), name(former.database)))
                neighbour.execute(rename.format(name(new.database), name(address.database)))
                # Outside the transaction: it hears of a commit that fails.
                stack.enter_context(along())
        except errors.ObjectInUse:
            # PostgreSQL itself has waited five seconds for whoever it is.
            if time.monotonic() > deadline:
                refuse_while_used(neighbour, address)
                raise
        else:
            return former


def left_aside(neighbour: Connection, address: Address) -> list[Aside]:
    """What restores have left beside the site's database: those that were replaced, oldest first, then a half made one.

    Only while no other restore is at work, see `alone`: else the half made one is that one's.
    """
    ours = re.compile(re.escape(_beside(address, "")) + rf"(?:_before_(\d{{8}}T\d{{6}}Z)|{_HALF_MADE})")
    found = []
    for (database,) in neighbour.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall():
        if (named := ours.fullmatch(database)) is not None:
            size = neighbour.execute("SELECT pg_database_size(%s)", (database,)).fetchone() or (0,)
            found.append(Aside(address.beside(database), size[0], _moment(named[1])))
    return found


def _beside(address: Address, suffix: str) -> str:
    return address.database[: _LONGEST_NAME - len("_before_20260101T000000Z")] + suffix


def _moment(stamp: str | None) -> datetime | None:
    return None if stamp is None else datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)


def _one(connection: Connection, statement: str) -> Any:
    row = connection.execute(statement).fetchone()
    return row and row[0]
