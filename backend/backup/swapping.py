"""A fresh database beside the site's own, and its taking that one's place: all at once or not at all."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from typing import Any

import psycopg
from psycopg import errors, sql

from backend.backup.address import NEIGHBOUR, Address, name
from backend.backup.errors import BackupError

Connection = psycopg.Connection[Any]
LOCK = 7004
PATIENCE_S = 30.0
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
        free = neighbour.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
        if not (free and free[0]):
            raise BackupError(f"Another restore into {address.database} is at work: wait for it.")
        try:
            yield neighbour
        finally:
            # PostgreSQL would let go of it only a moment after the connection is closed.
            if not neighbour.closed:
                neighbour.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


def refuse_while_used(neighbour: Connection, address: Address) -> None:
    """Raise BackupError while anybody is connected: what was acknowledged from now on would be lost."""
    others = neighbour.execute(_OTHERS, (address.database,)).fetchall()
    if others:
        who = ", ".join(f"{count} × {application}" for application, count in others)
        raise BackupError(f"The site's database is in use ({who}): stop the site first, then restore again.")


def is_empty(address: Address) -> bool:
    """Whether the database holds nothing that would be missed: no tables, or a site without anybody in it."""
    with closing(address.connect()) as connection:
        if _one(connection, _TABLES) == 0:
            return True
        return bool(_one(connection, _KNOWN)) and not _one(connection, _IN_USE)


def fresh(neighbour: Connection, address: Address) -> Address:
    """An empty database beside the site's, sorting text as that one does. Raises BackupError.

    Nobody else makes one meanwhile, so what has its name is what a restore that was killed has left.
    """
    made = address.beside(_beside(address, "_restoring"))
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


def formers(neighbour: Connection, address: Address) -> list[Address]:
    """The databases that former restores have replaced, oldest first."""
    pattern = _beside(address, "_before_")
    found = neighbour.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY datname", (pattern,)
    )
    return [address.beside(row[0]) for row in found]


def _beside(address: Address, suffix: str) -> str:
    return address.database[: _LONGEST_NAME - len("_before_20260101T000000Z")] + suffix


def _one(connection: Connection, statement: str) -> Any:
    row = connection.execute(statement).fetchone()
    return row and row[0]
