"""Connections to PostgreSQL on which nobody waits for ever, and the word for all others once it does not answer.

PostgreSQL's own time-outs help only while it runs: one that is frozen, whose disk hangs, or behind a network that
swallows everything, sends nothing at all. So an answer is waited for a little longer than the server may take, and then
the connection is given up.
"""

import select
from collections.abc import Callable
from functools import cache
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.abc import RV, PQGen
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from backend.silence import Silence

MARGIN_S = 2.0
"""So much longer than `statement_timeout` an answer is waited for: a PostgreSQL that lives is the one that says no."""
CONNECT_S = 5
PROBE_EVERY_S = 2.0
"""While PostgreSQL does not answer, a process has one caller ask so often; all others are refused at once."""
# Where a peer has gone without a word (a machine that lost its power), an idle connection knows after a minute.
_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}


class NoAnswerError(psycopg.OperationalError):
    """PostgreSQL has not answered in time, or did not a moment ago."""


class Connection(psycopg.Connection[Any]):
    """A connection that is given up when an answer does not come within `answer_within_s` (None: whenever it comes)."""

    usual_s: float | None = None
    answer_within_s: float | None = None
    silence: Silence | None = None
    outdated = False
    """Whether the server takes no writes: after a failover the next connection may lead to one that does."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """As psycopg's; raises NoAnswerError after `answer_within_s`."""
        try:
            answer = super().wait(gen, interval, self.answer_within_s if timeout is None else timeout)
        except pg.ReadOnlySqlTransaction as error:
            self.has_refused(error)
            raise
        except psycopg.OperationalError as error:
            # What PostgreSQL says has a state, and a connection that was lost is not active.
            active = self.info.transaction_status == psycopg.pq.TransactionStatus.ACTIVE
            if timeout is None and error.sqlstate is None and active:
                raise self.given_up() from error
            raise
        except Exception:
            raise
        except BaseException:
            # Interrupted in the midst of an answer: psycopg may not read the rest of it, and nobody else will.
            if self.info.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise
        self.has_answered()
        return answer

    def has_answered(self) -> None:
        """Take note that PostgreSQL answers."""
        if self.silence is not None:
            self.silence.end()

    def has_refused(self, error: psycopg.Error) -> None:
        """Take note of what it refuses."""
        if isinstance(error, pg.ReadOnlySqlTransaction):
            self.outdated = True

    def given_up(self) -> NoAnswerError:
        """Close it, for no answer has come in time; gives what to raise."""
        self.pgconn.finish()
        error = NoAnswerError(f"PostgreSQL has not answered for {self.answer_within_s:g} s")
        if self.silence is not None:
            self.silence.begin(str(error))
        return error


def creator(
    url: str,
    *,
    program: str,
    answer_within_s: float,
    connect_s: int = CONNECT_S,
    silence: Silence | None = None,
    **arguments: Any,
) -> Callable[[], Connection]:
    """What opens connections for an engine; the URL's own parameters come before ours, `arguments` before both.

    `program`: see `names`.
    """
    made = make_url(url)
    words, given = made.get_dialect()().create_connect_args(made)
    ours = {"connect_timeout": connect_s, "tcp_user_timeout": int(answer_within_s * 1000), **_ALIVE, **names(program)}

    def connect() -> Connection:
        if silence is not None:
            silence.pass_by()
        try:
            connection = Connection.connect(*words, **{**ours, **given, **arguments})
        except pg.ConnectionTimeout as error:
            if silence is not None:
                silence.begin(str(error))
            raise
        connection.usual_s = connection.answer_within_s = answer_within_s
        connection.silence = silence
        if silence is not None:
            # Whoever is let in has been answered; and nobody passes by twice for one connection.
            silence.end()
        return connection

    return connect


@cache
def silence_of(url: str) -> Silence:  # noqa: ARG001  the cache tells servers apart by it
    """What a process knows of the server at this URL, for all its engines."""
    return Silence("PostgreSQL", meanwhile="refusing", pause_s=PROBE_EVERY_S, error=NoAnswerError)


def look_over(connection: Any, *_pools: Any) -> None:
    """Have the pool connect anew where PostgreSQL has closed an idle connection: nobody is refused for that.

    Nothing is said on an idle connection but its end, so a look whether there is anything to read tells; a ping would
    be a round trip. If one broke, PostgreSQL was restarted, and all that are idle broke with it. Raises NoAnswerError
    where it is known that PostgreSQL does not answer.
    """
    if connection.closed or connection.outdated:
        raise InvalidatePoolError
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    if waiting.poll(0):
        raise InvalidatePoolError
    connection.answer_within_s = connection.usual_s
    if connection.silence is not None:
        connection.silence.pass_by()


def names(program: str) -> dict[str, str]:
    """What tells in pg_stat_activity whose a connection is, unless the URL or PGAPPNAME name the application."""
    return {"fallback_application_name": f"tanhui {program}"}


def unwrapped(error: BaseException) -> BaseException:
    """What psycopg has raised, where SQLAlchemy has wrapped it; else the error itself."""
    return (error.orig or error) if isinstance(error, DBAPIError) else error


def told(error: BaseException) -> str:
    """For who is at a terminal: one sentence about an error that `is_unavailable`, with the cure."""
    cause = unwrapped(error)
    # What libpq adds in further lines are guesses.
    reason = str(cause).strip().partition("\n")[0]
    # Only what PostgreSQL says on a connection that stands has a state.
    if getattr(cause, "sqlstate", None) is None:
        return f"There is no connection to the database ({reason}): is its server up, and DATABASE_URL right?"
    return f"The database could not do it now ({reason}): see docs/faults.md, then try again."


def wait_up_to(connection: Any, seconds: float | None) -> None:
    """Until the connection changes hands, wait so long for an answer (None: as long as it takes)."""
    connection.answer_within_s = None if seconds is None else seconds + MARGIN_S


def is_unavailable(error: BaseException) -> bool:
    """Whether an error tells of PostgreSQL's state and not of a mistake of ours: asked again later, it may do it.

    It does not answer, is starting, stopping or crashed, has no connection, memory or disk left, a lock or a statement
    took too long, or it takes no writes (a standby). psycopg knows all of these but the last as operational errors.
    """
    if isinstance(error, PoolTimeoutError):
        return True
    cause = unwrapped(error)
    return isinstance(cause, (psycopg.OperationalError, pg.ReadOnlySqlTransaction, *_ENDED_BY_THE_SERVER))


def is_held(error: BaseException) -> bool:
    """Whether somebody else has held what is wanted for longer than `lock_timeout`."""
    return isinstance(unwrapped(error), pg.LockNotAvailable)


_ENDED_BY_THE_SERVER = (pg.IdleInTransactionSessionTimeout, pg.TransactionTimeout)
