"""Connections of the hot path, kept at hand beside SQLAlchemy's pool, which takes half a small statement's time to hand
one out.

They are the pool's own: it opens them, bounds how many there are at once, and closes them (docs/adr/0021).
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Semaphore
from typing import NamedTuple

from sqlalchemy import Engine, PoolProxiedConnection, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from backend.database.connections import look_over
from backend.database.statements import Statements


class _Ready(NamedTuple):
    fairy: PoolProxiedConnection
    """The pool's word that the connection is taken: for as long as it is kept here."""
    statements: Statements
    generation: int
    pid: int


class ReadyConnections:
    """Of one engine in autocommit mode: up to `most` connections; of those that nobody uses just now the last used is
    handed out first.

    All of the engine's connections go through here: who waits for one is woken by whoever gives one back.
    """

    def __init__(self, engine: Engine, *, most: int, patience_s: float, in_use: Callable[[int], None]) -> None:
        """`most` is what the engine's pool allows; `patience_s`: how long one is waited for where all are taken.

        `in_use` hears 1 when a connection that was idle is taken, and -1 when one is kept for later.
        """
        self._engine = engine
        self._free = Semaphore(most)
        self._patience_s = patience_s
        self._in_use = in_use
        self._lock = Lock()
        """Held while what is idle, or the generation, changes; never while PostgreSQL is spoken to."""
        self._idle: list[_Ready] = []
        self._generation = 0
        """It moves where one is found broken: all that were opened before are taken to be."""
        self._inherited: list[_Ready] = []
        """Forgotten, the pool would hand them out, or close them under their owner."""
        event.listen(engine, "engine_disposed", self._renew)

    @contextmanager
    def one(self) -> Iterator[Statements]:
        """A connection that PostgreSQL has not closed, for one thread.

        Raises NoAnswerError where it is known that PostgreSQL does not answer, sqlalchemy.exc.TimeoutError where all
        are taken, and what connecting raises.
        """
        if not self._free.acquire(timeout=self._patience_s):
            raise PoolTimeoutError(f"no connection was free within {self._patience_s:g} s")
        try:
            ready = self._kept() or self._opened()
            try:
                yield ready.statements
            finally:
                ready.statements.forget_rows()
                self._give_back(ready)
        finally:
            self._free.release()

    def _kept(self) -> _Ready | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                ready = self._idle.pop()
            if self._set_aside(ready):
                continue
            self._in_use(1)
            try:
                look_over(ready.statements.connection)
            except InvalidatePoolError:
                ready.fairy.invalidate()
                self._renew()
                continue
            except BaseException:
                self._give_back(ready)
                raise
            return ready

    def _opened(self) -> _Ready:
        generation = self._generation
        fairy = self._engine.raw_connection()
        try:
            statements = Statements(fairy.driver_connection)  # type: ignore[arg-type]  # the engine's creator made it
        except BaseException:
            fairy.close()
            raise
        return _Ready(fairy, statements, generation, os.getpid())

    def _give_back(self, ready: _Ready) -> None:
        with self._lock:
            kept = not ready.statements.connection.closed and ready.generation == self._generation
            if kept:
                self._idle.append(ready)
        if kept:
            self._in_use(-1)
        else:
            ready.fairy.invalidate()

    def _renew(self, *_engine: Engine) -> None:
        """Give up all connections that have been opened until now; those in use when they come back."""
        with self._lock:
            self._generation += 1
            idle, self._idle = self._idle, []
        for ready in idle:
            if not self._set_aside(ready):
                self._in_use(1)
                ready.fairy.invalidate()

    def _set_aside(self, ready: _Ready) -> bool:
        """Keep it for good if a parent opened it, who still talks on it; tells whether."""
        if ready.pid == os.getpid():
            return False
        self._inherited.append(ready)
        return True
