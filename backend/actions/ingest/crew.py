"""Lanes side by side, each in a process of its own: judging is Python's work, and a process has one core of that.

The processes are forked once the file has been read, so that none has to be told its rows. Each stops by itself,
after the page that it is at, when the command asks it to or is gone.
"""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait

from psycopg import OperationalError
from sqlalchemy.exc import DBAPIError

from backend.abreast import cores
from backend.actions.ingest.errors import StoppedError
from backend.actions.ingest.running import Run
from backend.actions.ingest.sheet import Lane
from backend.actions.ingest.summary import Summary
from backend.database import db
from backend.errors import RefusalError

STOPPING = (RefusalError, DBAPIError, OperationalError)
"""What may stop an import without being a mistake of ours."""


def size() -> int:
    """How many processes pay: one a core, and two on one, so that one computes while the other waits."""
    return max(2, cores())


class Crew:
    """The processes of one import."""

    def __init__(self, run: Run, lanes: Sequence[Lane]) -> None:
        # A connection that two processes hold is nobody's.
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()
        context = get_context("fork")
        pipes = [context.Pipe() for _ in lanes]
        self._ours = [ours for ours, _ in pipes]
        self._processes = [
            context.Process(target=_work, args=(run, lane), kwargs={"pipes": pipes, "place": place}, daemon=True)
            for place, lane in enumerate(lanes)
        ]
        for process in self._processes:
            process.start()
        for _, theirs in pipes:
            theirs.close()

    def summaries(self, *, tell: Callable[[int], None]) -> Iterator[Summary]:
        """What each lane came to, as they end; `tell` hears of each page how many rows it held.

        Raises StoppedError where a lane could not go on, after the others have finished their pages.
        """
        with ExitStack() as finally_:
            finally_.callback(self._end)
            reasons: list[str] = []
            while self._ours:
                for connection in wait(self._ours):
                    message = _received(connection)  # type: ignore[arg-type]  # all are connections
                    if isinstance(message, int):
                        tell(message)
                        continue
                    self._ours.remove(connection)  # type: ignore[arg-type]  # all are connections
                    if isinstance(message, Summary):
                        yield message
                    else:
                        reasons.append(message)
                        self._stop()
            if reasons:
                raise StoppedError(reasons[0])

    def _stop(self) -> None:
        for connection in self._ours:
            with suppress(ConnectionError):
                connection.send(None)

    def _end(self) -> None:
        for connection in self._ours:
            connection.close()
        for process in self._processes:
            process.join()


def _received(connection: Connection) -> int | Summary | str:
    try:
        message: int | Summary | str = connection.recv()
    except EOFError:
        return "one of its processes broke off."
    return message


def _work(run: Run, lane: Lane, *, pipes: Sequence[tuple[Connection, Connection]], place: int) -> None:
    # The command hears Ctrl-C for all of us; and its end must be seen, which an open copy of it would hide.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = pipes[place][1]
    for ends in pipes:
        ends[0].close()
        if ends[1] is not connection:
            ends[1].close()
    # Whoever is told nothing any more is the last to know that the command is gone.
    with suppress(ConnectionError):
        try:
            connection.send(run.credit(lane, tell=connection.send, stopped=connection.poll))
        except STOPPING as error:
            connection.send(str(error).splitlines()[0])
