"""The clock's scheduler: Celery's own, which takes it calmly when Redis is away, and forgets nothing meanwhile."""

import os
import pickle
from pathlib import Path
from typing import Any

from celery.beat import PersistentScheduler, SchedulingError

from tasks.outages import Outage

SOON_S = 60
"""What expires sooner is asked for again so soon that nobody need remember it."""


class Store(dict[str, Any]):
    """When each job was asked for last: in memory, and in a file that takes the former one's place as a whole.

    Celery's own is written piece by piece: where the disk is full, it ends the clock and leaves nothing that could be
    read. Raises OSError and what pickle raises where the file that is there cannot be read.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(pickle.loads(path.read_bytes()) if path.exists() else {})  # noqa: S301  written by ourselves
        self._path = path
        self._outage = Outage(
            begins="the clock cannot write its schedule down: it goes on from memory",
            ends="the clock has written its schedule down again",
        )

    def sync(self) -> None:
        """Write it down, or say that it cannot be done."""
        new = self._path.with_name(f"{self._path.name}.new")
        try:
            with new.open("wb") as file:
                pickle.dump(dict(self), file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
        except OSError as error:
            self._outage.met(error)
        else:
            self._outage.over()

    def close(self) -> None:
        """Nothing is open: Celery calls `sync` before."""


class Scheduler(PersistentScheduler):
    """Asks for jobs by the schedule; what could not be asked for is asked for as soon as Redis is back.

    Celery would leave the night's jobs to the next night, and tell of each message with a traceback. Nor does a full
    disk stop it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._outage = Outage(begins="the clock cannot reach Redis: jobs wait", ends="the clock reaches Redis again")
        self._unsent: dict[str, Any] = {}
        super().__init__(*args, **options)

    def _open_schedule(self) -> Store:
        return Store(Path(self.schedule_filename))

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Ask for one job."""
        try:
            self.apply_async(entry, producer=producer, advance=False)
            while self._unsent:
                name, earlier = next(iter(self._unsent.items()))
                self.apply_async(earlier, producer=producer, advance=False)
                del self._unsent[name]
        except SchedulingError as error:
            if entry.options.get("expires", SOON_S) >= SOON_S:
                self._unsent[entry.name] = entry
            self._outage.met(error)
        else:
            self._outage.over()
