"""Records of a CSV file, one line's damage kept to that line.

A lone quote in one line must not swallow the lines after it, so a quoted field may run over the end of its line only
where joining a few lines gives a whole record.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator

MOST_LINES = 20
"""Lines that one record may take."""

Record = tuple[int, list[str] | None]
"""Number of the record's first line, and its cells; None: its quotes never close."""


def records(lines: Iterable[str], *, delimiter: str) -> Iterator[Record]:
    """All records but empty lines, header included; lines count from 1 as editors do."""
    coming = iter(lines)
    ahead: deque[str] = deque()
    number = 0
    while (line := ahead.popleft() if ahead else next(coming, None)) is not None:
        number += 1
        if '"' not in line:
            if line:
                yield number, line.split(delimiter)
            continue
        cells, more = _quoted(line, ahead, coming, delimiter=delimiter)
        yield number, cells
        number += more


def _quoted(line: str, ahead: deque[str], coming: Iterator[str], *, delimiter: str) -> tuple[list[str] | None, int]:
    """The cells of a record with quotes, and how many lines it takes beside its first."""
    joined, cells = line, _cells(line, delimiter)
    more = 0
    while cells is None and more < MOST_LINES - 1:
        if more == len(ahead):
            following = next(coming, None)
            if following is None:
                break
            ahead.append(following)
        joined += "\n" + ahead[more]
        more += 1
        cells = _cells(joined, delimiter)
    if cells is None:
        return None, 0
    for _ in range(more):
        ahead.popleft()
    return cells, more


def _cells(text: str, delimiter: str) -> list[str] | None:
    if text.count('"') % 2:
        return None
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
