"""The database: declarative base, session, the one place that commits, and the hot path's connection."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, ClassVar

import psycopg
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Date, DateTime, Engine, Integer, MetaData, Numeric, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

from backend import present
from backend.config import Settings
from backend.database import connections
from backend.database.ready_connections import ReadyConnections
from backend.database.statements import Statements

Small = Annotated[int, mapped_column(SmallInteger)]
Whole = Annotated[int, mapped_column(Integer)]
Quantity = Annotated[Decimal, mapped_column(Numeric(14, 3))]
"""An amount of activity data in the task's unit; three places hold millimetres, milligrams, milliwatt-hours."""


class Model(DeclarativeBase):
    """Base of all tables; sets names of constraints and the types of bare `Mapped[...]` columns once."""

    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: BigInteger,
        str: Text,
        datetime: DateTime(timezone=True),
        date: Date,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


MIGRATIONS = Path(__file__).parents[2] / "migrations"
"""Alembic's folder."""

READY = "ready_connections"
"""Under this name a process keeps those of the hot path."""
PATIENCE_S = 5.0
"""How long a thread waits for a connection where all are taken."""
AUTOCOMMIT = "autocommit"
"""Name of the second engine, on the same database."""

db = SQLAlchemy(metadata=Model.metadata, session_options={"expire_on_commit": False})


def init_app(app: Flask, *, in_use: Callable[[int], None]) -> None:
    """Let the application have its engines; nothing connects yet. `in_use`: see ReadyConnections."""
    settings: Settings = app.extensions["settings"]
    db.init_app(app)
    with app.app_context():
        most = 2 * settings.database_pool_size
        app.extensions[READY] = ReadyConnections(autocommit_engine(), most=most, patience_s=PATIENCE_S, in_use=in_use)


def engine_options(settings: Settings, *, program: str) -> dict[str, Any]:
    """Options of the session's engine: a bounded pool, and time-outs so that nothing hangs."""
    creator = _creator(settings, _options(settings), program=program, prepare_threshold=3)
    return {**_pool_options(settings), "creator": creator}


def autocommit_options(settings: Settings, *, program: str) -> dict[str, Any]:
    """Options of the engine behind `prepared_statements`: nothing is set or taken back when a connection changes hands.

    Its few statements are prepared when first sent (`backend.database.statements`), and planned once: most find the
    rows of one resident by a key, whoever that is, and planning takes longer than running.
    """
    options = f"{_options(settings)} -c plan_cache_mode=force_generic_plan"
    return {
        **_pool_options(settings),
        "url": settings.database_url,
        "isolation_level": "AUTOCOMMIT",
        "pool_reset_on_return": None,
        "creator": _creator(settings, options, program=program, prepare_threshold=0),
    }


def _pool_options(settings: Settings) -> dict[str, Any]:
    return {
        "pool_size": settings.database_pool_size,
        "max_overflow": settings.database_pool_size,
        "pool_timeout": PATIENCE_S,
        "pool_pre_ping": False,
        "pool_events": [(connections.look_over, "checkout")],
    }


def _creator(
    settings: Settings, options: str, *, program: str, prepare_threshold: int
) -> Callable[[], connections.Connection]:
    return connections.creator(
        settings.database_url,
        program=program,
        answer_within_s=settings.database_timeout_ms / 1000 + connections.MARGIN_S,
        silence=connections.silence_of(settings.database_url),
        options=options,
        prepare_threshold=prepare_threshold,
    )


def _options(settings: Settings) -> str:
    return f"-c statement_timeout={settings.database_timeout_ms} -c lock_timeout=5000 -c timezone=UTC"


@contextmanager
def transaction() -> Iterator[None]:
    """One request, one job, one command: commits at the end, rolls back on any error."""
    try:
        yield
        # Whoever has not used the session has nothing to commit, and is spared making one.
        if db.session.registry.has():
            db.session.commit()
    except Exception:
        if db.session.registry.has():
            db.session.rollback()
        raise
    except BaseException:
        # Interrupted wherever it was: what the session and its connection are in the midst of is not to be known.
        if db.session.registry.has():
            with suppress(Exception):
                db.session().invalidate()
            db.session.registry.clear()
        raise


@contextmanager
def autocommit_cursor() -> Iterator[psycopg.Cursor[Any]]:
    """A cursor on which every statement is its own transaction, for jobs that commit piece by piece."""
    fairy = db.engine.raw_connection()
    connection: Any = fairy.driver_connection
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor
    finally:
        # A connection that broke cannot be set back; the pool throws it away when it is returned.
        if not connection.closed and connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            connection.autocommit = False
        fairy.close()


def prepared_statements() -> AbstractContextManager[Statements]:
    """Statements of the hot path, on a connection that is kept ready: each is prepared at once, and planned once.

    Each is a transaction of its own: BEGIN and COMMIT are round trips too, and one data-modifying CTE needs neither.
    """
    ready: ReadyConnections = present.extensions()[READY]
    return ready.one()


def autocommit_engine() -> Engine:
    """The engine whose connections are in autocommit mode."""
    return db.engines[AUTOCOMMIT]


def cursor() -> psycopg.Cursor[Any]:
    """A psycopg cursor inside the session's transaction, for set-based SQL and COPY."""
    fairy: Any = db.session().connection().connection
    opened: psycopg.Cursor[Any] = fairy.driver_connection.cursor()
    return opened


def array(values: Iterable[object]) -> str:
    """PostgreSQL's text form of an array of numbers, days or instants: psycopg's own takes ten times as long.

    The statement must say the type: `%s::bigint[]`.
    """
    return f"{{{','.join(map(str, values))}}}"


def text_array(values: Iterable[str]) -> str:
    """PostgreSQL's text form of an array of texts, whatever is in them: for `%s::text[]`."""
    texts = list(values)
    joined = '","'.join(texts)
    # Looked for in all of them at once: hardly any text has such a mark.
    if "\\" in joined or joined.count('"') > 2 * len(texts) - 2:
        joined = '","'.join(text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return f'{{"{joined}"}}' if texts else "{}"


def unhurried() -> None:
    """Let each further statement of the session's transaction run ten minutes: for jobs and commands."""
    take_time(cursor(), seconds=600)


def flushed_later() -> None:
    """Let the commit of the session's transaction not wait for the disk.

    For one whose end nobody is told before a later one was committed as usual: PostgreSQL's log has one order, so
    whatever builds on it, here or elsewhere, is never on the disk without it (docs/adr/0030).
    """
    cursor().execute("SET LOCAL synchronous_commit = off")


def take_time(cursor: psycopg.Cursor[Any], *, seconds: int) -> None:
    """Let each further statement of this transaction run so long; 0: as long as it takes."""
    cursor.execute(f"SET LOCAL statement_timeout = '{seconds}s'")
    connections.wait_up_to(cursor.connection, seconds or None)
