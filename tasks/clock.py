"""The clock's scheduler: Celery's own, which takes it calmly when Redis is away, and forgets nothing meanwhile."""

from typing import Any

from celery.beat import PersistentScheduler, SchedulingError

from tasks.outages import Outage

SOON_S = 60
"""What expires sooner is asked for again so soon that nobody need remember it."""


class Scheduler(PersistentScheduler):
    """Asks for jobs by the schedule; what could not be asked for is asked for as soon as Redis is back.

    Celery would leave the night's jobs to the next night, and tell of each message with a traceback.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._outage = Outage(begins="the clock cannot reach Redis: jobs wait", ends="the clock reaches Redis again")
        self._unsent: dict[str, Any] = {}
        super().__init__(*args, **options)

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
