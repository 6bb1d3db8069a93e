"""Statements of the hot path: prepared when first sent, and given to PostgreSQL by psycopg's lowest layer.

A cursor takes a hundred microseconds of Python for a statement, a tenth of a small request. What it does with them
(fetching piece by piece, beginning transactions, making rows into whatever is wanted) is not needed here: a statement
is sent, waited for, and read whole. Values, rows and errors are psycopg's own (docs/adr/0019).
"""

import re
import select
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import psycopg
from psycopg import errors, pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.types.numeric import Int8Dumper

from backend.database.connections import Connection

Values = Mapping[str, Any] | Sequence[Any]
"""By name for a statement with `%(name)s`, in their order for one with `%s`; whole numbers are bigint."""
Row = tuple[Any, ...]
MOST_PREPARED = 100
"""Statements that a connection keeps, each prepared for the types of its values. As many as a cursor would keep."""
_MARK = re.compile(r"%(?:\((\w+)\)s|s|%)?")
OUTDATED = (errors.FeatureNotSupported, errors.InvalidSqlStatementName)
"""What PostgreSQL says of a prepared statement whose tables have changed, or that it has no more: prepared anew it may
do it, and is when it is sent again."""
_REFUSED = pq.ExecStatus.FATAL_ERROR
_SYNC = pq.ExecStatus.PIPELINE_SYNC
_IDLE = pq.TransactionStatus.IDLE
_OPEN = (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)
_Key = tuple[bytes, tuple[int, ...]]


class _Bound(NamedTuple):
    """A statement, for values of these types, and the values as they are sent."""

    key: _Key
    values: Sequence[Any]
    formats: Sequence[pq.Format]


class Statements:
    """Of one connection in autocommit mode, for one thread at a time.

    What PostgreSQL refuses is raised as a cursor would raise it. Where an answer is not read to its end, for whatever
    reason, the connection is closed: whoever comes next must not read what is left.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._pgconn = connection.pgconn
        # Else a statement would be prepared anew for small and for large numbers.
        connection.adapters.register_dumper(int, Int8Dumper)
        self._adapting = Transformer(connection)
        self._names: dict[_Key, bytes] = {}
        self._last_name = 0
        self._to_read, self._to_write = select.poll(), select.poll()
        self._to_read.register(self._pgconn.socket, select.POLLIN)
        self._to_write.register(self._pgconn.socket, select.POLLIN | select.POLLOUT)
        self._rows: list[Row] = []

    def execute(self, statement: str, values: Values = ()) -> "Statements":
        """Send a statement, and wait for all of its rows."""
        self._rows = []
        bound = self._bound(statement, values)
        try:
            self._rows = self._sent(bound)
        except OUTDATED:
            # Nothing was done, and outside a transaction nothing is lost by asking again.
            if self._names.pop(bound.key, None) is None or self._pgconn.transaction_status != _IDLE:
                raise
            self._rows = self._sent(bound)
        return self

    def fetchall(self) -> list[Row]:
        """All rows of the last statement."""
        return self._rows

    def fetchone(self) -> Row | None:
        """The first row of the last statement, if there is any."""
        return self._rows[0] if self._rows else None

    def together(self, asked: Sequence[tuple[str, Values]]) -> list[list[Row]]:
        """The rows of each of several statements, in one round trip; nothing that comes after a refused one is done."""
        self._rows = []
        bound = [self._bound(*one) for one in asked]
        names = self._names_of(bound)
        with self._whole() as until:
            self._pgconn.enter_pipeline_mode()
            for name, one in zip(names, bound, strict=True):
                self._pgconn.send_query_prepared(name, one.values, one.formats)
            self._pgconn.pipeline_sync()
            results = self._results(until)
        try:
            return [self._loaded(result) for result in results]
        except OUTDATED:
            for one in bound:
                self._names.pop(one.key, None)
            raise

    def forget_rows(self) -> None:
        """Keep nothing of what was read: who has the connection next is somebody else."""
        self._rows = []
        self._adapting.set_pgresult(None)

    @contextmanager
    def taken_back_on_error(self) -> Iterator[None]:
        """Around a transaction that the statements begin and commit themselves: an error undoes it."""
        try:
            yield
        except BaseException:
            if self._pgconn.transaction_status in _OPEN:
                try:
                    self.execute("ROLLBACK")
                except psycopg.Error:
                    # Closed, it is taken back too.
                    self._pgconn.finish()
            raise

    def _bound(self, statement: str, values: Values) -> _Bound:
        text, names, formats = _numbered(statement)
        ordered = [values[name] for name in names] if isinstance(values, Mapping) else values
        if len(ordered) != len(names):
            raise psycopg.ProgrammingError(f"{len(ordered)} values for {len(names)} parameters: {statement}")
        sent = self._adapting.dump_sequence(ordered, formats)
        return _Bound((text, self._adapting.types or ()), sent, self._adapting.formats or ())

    def _sent(self, bound: _Bound) -> list[Row]:
        name = self._names.get(bound.key) or self._names_of([bound])[0]
        with self._whole() as until:
            self._pgconn.send_query_prepared(name, bound.values, bound.formats)
            result = self._result(until)
        return self._loaded(result)

    def _names_of(self, bound: Sequence[_Bound]) -> Sequence[bytes]:
        """Of statements that are to be sent together; the oldest of the others give way to new ones."""
        wanted = {one.key for one in bound}
        new = wanted - self._names.keys()
        others = (key for key in tuple(self._names) if key not in wanted)
        for key in islice(others, max(0, len(self._names) + len(new) - MOST_PREPARED)):
            self._forget(key)
        for key in new:
            self._prepare(key)
        return [self._names[one.key] for one in bound]

    def _prepare(self, key: _Key) -> None:
        """A round trip more, once a connection."""
        self._last_name += 1
        name = b"hot_%d" % self._last_name
        with self._whole() as until:
            self._pgconn.send_prepare(name, *key)
            result = self._result(until)
        self._loaded(result)
        self._names[key] = name

    def _forget(self, key: _Key) -> None:
        with self._whole() as until:
            self._pgconn.send_close_prepared(self._names.pop(key))
            self._result(until)

    @contextmanager
    def _whole(self) -> Iterator[float | None]:
        """Something is sent, and its answer read to the end; gives until when."""
        connection = self.connection
        patience = connection.answer_within_s
        try:
            yield None if patience is None else time.monotonic() + patience
        except BaseException:
            self._pgconn.finish()
            raise
        connection.has_answered()

    def _result(self, until: float | None) -> pq.abc.PGresult:
        result = self._next(until)
        if result is None:
            raise psycopg.OperationalError("the connection is lost")
        try:
            while (more := self._next(until)) is not None:
                # What is refused when it is committed is refused after its rows.
                result = more if more.status == _REFUSED else result
        except psycopg.OperationalError:
            # It has said why it ends, and ended.
            if result.status != _REFUSED:
                raise
            self._pgconn.finish()
        return result

    def _results(self, until: float | None) -> list[pq.abc.PGresult]:
        """Of all that was sent in a pipeline, which ends with them."""
        results: list[pq.abc.PGresult] = []
        while True:
            try:
                result = self._next(until)
            except psycopg.OperationalError:
                if all(one.status != _REFUSED for one in results):
                    raise
                self._pgconn.finish()
                return results
            if result is None:
                if self._pgconn.status == pq.ConnStatus.BAD:
                    raise psycopg.OperationalError("the connection is lost")
            elif result.status == _SYNC:
                self._pgconn.exit_pipeline_mode()
                return results
            else:
                results.append(result)

    def _next(self, until: float | None) -> pq.abc.PGresult | None:
        pgconn = self._pgconn
        while pgconn.flush():
            if self._waited(self._to_write, until) & select.POLLIN:
                pgconn.consume_input()
        while pgconn.is_busy():
            self._waited(self._to_read, until)
            pgconn.consume_input()
        return pgconn.get_result()

    def _waited(self, ready: select.poll, until: float | None) -> int:
        left = None if until is None else max(0.0, until - time.monotonic()) * 1000
        found = ready.poll(left)
        if not found:
            raise self.connection.given_up()
        return found[0][1]

    def _loaded(self, result: pq.abc.PGresult) -> list[Row]:
        if result.status == _REFUSED:
            error = errors.error_from_result(result)
            self.connection.has_refused(error)
            raise error
        self._adapting.set_pgresult(result)
        rows: list[Row] = self._adapting.load_rows(0, result.ntuples, tuple)
        return rows


AnyCursor = psycopg.Cursor[Any] | Statements
"""For what is read inside a session's transaction as well."""


@lru_cache(maxsize=1_024)
def _numbered(statement: str) -> tuple[bytes, Sequence[str], Sequence[PyFormat]]:
    """A statement with its parameters as $1, $2 …, their names if they have any, and how their values are sent."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        if found[0] == "%":
            raise ValueError(f"a lone % in {statement}")
        # One without a name is never one of before.
        name = found[1] or str(len(names))
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    text = _MARK.sub(number, statement)
    return text.encode(), tuple(names), [PyFormat.AUTO] * len(names)
