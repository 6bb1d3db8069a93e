"""Lanes side by side, each in a process of its own: reading and judging are Python's work, and a process has one core
of that.

The command deals a file's records to them, each resident's to one. They wait for its word before they credit anything,
for a file may turn out to be cut off. Each stops by itself, after the page that it is at, when the command asks it to
or is gone.
"""

import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Self

from psycopg import OperationalError
from sqlalchemy.exc import DBAPIError

from backend.actions.ingest.errors import StoppedError
from backend.actions.ingest.lane import HAND, Lane, Run
from backend.actions.ingest.reading import Hand, WholeRecord, hand_of
from backend.actions.ingest.records import Record
from backend.actions.ingest.sheet import Same
from backend.actions.ingest.summary import Summary
from backend.database import db
from backend.database.abreast import cores
from backend.errors import RefusalError
from backend.garbage import rarely_searched

STOPPING = (RefusalError, DBAPIError, OperationalError)
"""What may stop an import without being a mistake of ours."""
GONE = "one of its processes broke off."


class _Word(Enum):
    """What the command says to a lane that has its records, unless it says how to credit them."""

    GIVE_BACK = 1
    STOP = 2


def size() -> int:
    """How many processes pay: one a core, and two on one, so that one computes while the other waits."""
    return max(2, cores())


class Crew:
    """The processes of one import; they are gone when the block ends."""

    def __init__(self, run: Run, count: int) -> None:
        # A connection that two processes hold is nobody's.
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()
        context = get_context("fork")
        pipes = [context.Pipe() for _ in range(count)]
        self._run = run
        self.dealt = 0
        """Records that have the columns of the header."""
        self._ours = [ours for ours, _ in pipes]
        self._processes = [
            context.Process(target=_work, args=(run,), kwargs={"pipes": pipes, "place": place}, daemon=True)
            for place in range(count)
        ]
        with _deaf_to_ctrl_c():
            for process in self._processes:
                process.start()
        for _, theirs in pipes:
            theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for connection in self._ours:
            connection.close()
        for process in self._processes:
            process.join()

    def deal(self, records: Iterable[Record], same: Same, *, broken: Callable[[int, str], None]) -> bool:
        """Give each record to the lane of its resident; whether each external id stands once in the file.

        `broken` hears the lines that have not the header's columns, and why. Raises StoppedError where a process is
        gone.
        """
        reader, count = self._run.reader, len(self._ours)
        hands: list[list[WholeRecord]] = [[] for _ in self._ours]
        seen: set[int] = set()
        with rarely_searched():
            for record in reader.whole(records, broken=broken):
                external_id, subject = reader.names(record)
                # Their hashes take a third of their room; two that are the same by chance only cost time.
                seen.add(hash(external_id))
                self.dealt += 1
                place = hash(same.get(subject, subject)) % count
                hands[place].append(record)
                if len(hands[place]) == HAND:
                    _send(self._ours[place], hand_of(hands[place]))
                    hands[place] = []
        for connection, hand in zip(self._ours, hands, strict=True):
            if hand:
                _send(connection, hand_of(hand))
        return len(seen) == self.dealt

    def give_back(self, lane: Lane) -> None:
        """Have one lane take in what all of them have read."""
        with rarely_searched():
            for connection in self._ours:
                _send(connection, _Word.GIVE_BACK)
                sheet, summary = _received(connection)
                lane.sheet.add(sheet.columns)
                lane.summary.add_lane(summary)

    def credit(self, same: Same) -> Iterator[int | Summary]:
        """How many rows each page held, as they are committed, and what each lane came to, as they end.

        Raises StoppedError where a lane could not go on, after the others have finished their pages.
        """
        reasons: list[str] = []
        working = list(self._ours)
        _tell(working, same)
        while working:
            heard: list[Any] = wait(working)
            for connection in heard:
                try:
                    message = _received(connection)
                except StoppedError as error:
                    message = str(error)
                if isinstance(message, int):
                    yield message
                    continue
                working.remove(connection)
                if isinstance(message, Summary):
                    yield message
                else:
                    reasons.append(message)
                    _tell(working, _Word.STOP)
        if reasons:
            raise StoppedError(reasons[0])


def _tell(connections: Iterable[Connection], message: object) -> None:
    for connection in connections:
        # Who is gone is missed when it should answer, and the others have been told.
        with suppress(OSError):
            connection.send(message)


def _send(connection: Connection, message: object) -> None:
    try:
        connection.send(message)
    except OSError as error:
        raise StoppedError(GONE) from error


def _received(connection: Connection) -> Any:
    try:
        return connection.recv()
    except (EOFError, OSError) as error:
        # An end in the middle of a message is an OSError of no kind of its own.
        raise StoppedError(GONE) from error


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """What comes meanwhile is heard at the end; who is forked meanwhile hears nothing before it has chosen to."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(run: Run, *, pipes: Sequence[tuple[Connection, Connection]], place: int) -> None:
    # The command hears Ctrl-C for all of us; and its end must be seen, which an open copy of it would hide.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = pipes[place][1]
    for ends in pipes:
        ends[0].close()
        if ends[1] is not connection:
            ends[1].close()
    # Whoever is told nothing any more is the last to know that the command is gone.
    with suppress(StoppedError, ConnectionError):
        lane = Lane(run)
        while isinstance(message := _received(connection), Hand):
            lane.take(message)
        if message is _Word.GIVE_BACK:
            connection.send((lane.sheet, lane.summary))
        elif isinstance(message, Mapping):
            connection.send(_credited(lane, message, connection))


def _credited(lane: Lane, same: Same, connection: Connection) -> Summary | str:
    try:
        return lane.credit(same, tell=connection.send, stopped=connection.poll)
    except STOPPING as error:
        return str(error).splitlines()[0]
