"""Bars on standard error that tell how far an import has come."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from backend.actions.ingest.source import Source

LINES_A_TICK = 5_000
COLUMNS = (TextColumn("{task.description:<18}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())


class Bars:
    """What people see of an import: once they have begun, until the block ends."""

    def __init__(self, *, hidden: bool) -> None:
        console = Console(stderr=True)
        self._progress = Progress(*COLUMNS, console=console, refresh_per_second=4, disable=hidden)
        self._reading = self._progress.add_task("Reading", total=None)
        self._crediting = self._progress.add_task("Crediting", total=None, start=False, visible=False)
        self._projecting = self._progress.add_task("Boards and totals", total=None, start=False, visible=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self) -> None:
        """Show them: from here on there is a thread that draws, and one cannot well fork beside threads."""
        self._progress.start()

    def lines(self, source: Source) -> Iterator[str]:
        """The lines of a source, as the bar moves on."""
        self._progress.update(self._reading, total=source.size)
        for number, line in enumerate(source):
            if number % LINES_A_TICK == 0:
                self._progress.update(self._reading, completed=source.bytes_read)
            yield line

    def have_read(self, rows: int) -> None:
        """All has been read, and so many rows are to be credited."""
        self._progress.update(self._reading, total=1, completed=1)
        self._progress.start_task(self._crediting)
        self._progress.update(self._crediting, total=rows, visible=True)

    def have_credited(self, rows: int) -> None:
        """So many rows more are in the books."""
        self._progress.advance(self._crediting, rows)

    def project(self) -> None:
        """All rows are credited; boards and totals are being brought up to date."""
        self._progress.update(self._crediting, total=1, completed=1)
        self._progress.start_task(self._projecting)
        self._progress.update(self._projecting, visible=True)

    def have_projected(self) -> None:
        """Boards and totals are up to date."""
        self._progress.update(self._projecting, total=1, completed=1)
