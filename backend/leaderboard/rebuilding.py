"""Making boards anew from the period scores."""

from collections.abc import Iterator
from itertools import groupby

from backend import clock
from backend.database import autocommit_cursor, transaction
from backend.database import cursor as session_cursor
from backend.leaderboard import epochs
from backend.leaderboard.boards import Board, of_areas
from backend.leaderboard.filling import fill

_DISTRICTS = "SELECT id FROM areas WHERE kind = 'district' ORDER BY id"


def rebuild() -> Iterator[tuple[int, int]]:
    """Drop all boards and fill the present ones of the city and its districts; yields (boards done, of how many).

    Boards of communities and of past periods come back when somebody reads them; many never are. Raises RedisError.
    """
    with transaction():
        epoch = epochs.begin(session_cursor())
    boards = sorted(_present(), key=_place)
    done = 0
    for _, group in groupby(boards, key=_place):
        together = list(group)
        with transaction():
            fill(session_cursor(), together, epoch=epoch)
        done += len(together)
        yield done, len(boards)


def _place(board: Board) -> tuple[str, str, str]:
    return board.metric, board.period.kind, board.scope


def _present() -> list[Board]:
    with autocommit_cursor() as cursor:
        districts = [row[0] for row in cursor.execute(_DISTRICTS)]
    return of_areas(clock.local_day(clock.now()), {"district": districts})
