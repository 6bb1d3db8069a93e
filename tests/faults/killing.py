"""kill -9, one part after the other and several at once, each until what depended on it works again."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil
import psycopg

from tests.faults.parts import Part
from tests.faults.probing import PATIENCE_S, Prober
from tests.faults.site import Site, kill, until

SEVERAL = "two or three of them within a second"
TOGETHER_EVERY = 5
"""Of so many blows one is several at once."""


@dataclass(frozen=True)
class Blow:
    """Parts to kill; several fall within a second."""

    parts: tuple[Part, ...]

    @property
    def kind(self) -> str:
        """What it is called in the table."""
        return str(self.parts[0]) if len(self.parts) == 1 else SEVERAL


def blows(kills: int, chance: random.Random) -> Iterator[Blow]:
    """So many kills: every part in turn, in an order that changes, and now and then several at random."""
    turn: list[Part] = []
    count = done = 0
    while done < kills:
        count += 1
        together = count % TOGETHER_EVERY == 0 and kills - done > 1
        if together:
            parts = tuple(chance.choices(list(Part), k=min(chance.choice((2, 3)), kills - done)))
        else:
            turn = turn or chance.sample(list(Part), k=len(Part))
            parts = (turn.pop(),)
        done += len(parts)
        yield Blow(parts)


class Killer:
    """Strikes a site, and measures with a prober how it comes back."""

    def __init__(self, site: Site, *, prober: Prober, chance: random.Random) -> None:
        self._site = site
        self._prober = prober
        self._chance = chance

    def strike(self, blow: Blow) -> float:
        """The seconds from the (last) kill to the first good answer of all that depended on the killed.

        Raises AssertionError if it does not come back.
        """
        until(self._whole, seconds=PATIENCE_S, what=lambda: f"not whole:\n{self._site.said()}")
        waiting = []
        for part in blow.parts:
            waiting.append(self._kill(part))
            began = time.monotonic()
            if len(blow.parts) > 1:
                time.sleep(self._chance.random() / 2)
        for back in waiting:
            back()
        return time.monotonic() - began

    def _whole(self) -> bool:
        return self._site.ready() and all(self._site.find(part) for part in Part)

    def _kill(self, part: Part) -> Callable[[], None]:
        """Kill one process of the part; returns what waits until its successor works."""
        if part is Part.DATABASE_BACKEND:
            return self._kill_backend()
        before = self._pids(part)
        web = self._pids(Part.WEB_WORKER)
        victim = self._victim(part)

        def back() -> None:
            self._until_replaced(part, victim=victim, count=len(before))
            if part in {Part.WEB_SERVER, Part.WEB_WORKER}:
                self._prober.web(not_by=web)
            elif part is Part.DATABASE:
                self._prober.written()
            else:
                self._prober.shown()

        return back

    def _kill_backend(self) -> Callable[[], None]:
        try:
            # PostgreSQL lets all go when one was killed: who is cut off knows that it has begun.
            witness = self._site.connect()
        except psycopg.OperationalError:
            return self._prober.written  # down already
        self._victim(Part.DATABASE_BACKEND)

        def back() -> None:
            with witness:
                until(lambda: _is_cut(witness), seconds=PATIENCE_S, what=lambda: "PostgreSQL went on")
            self._prober.written()

        return back

    def _victim(self, part: Part) -> int:
        """The process id of somebody who was killed; 0 where the part is down already."""
        living = self._site.find(part)
        self._chance.shuffle(living)
        for process in living:
            try:
                kill(process)
            except psutil.NoSuchProcess:
                continue
            return process.pid
        return 0

    def _until_replaced(self, part: Part, *, victim: int, count: int) -> None:
        def replaced() -> bool:
            pids = self._pids(part)
            return victim not in pids and len(pids) >= max(count, 1)

        until(replaced, seconds=PATIENCE_S, what=lambda: f"{part} does not come back:\n{self._site.said()}")

    def _pids(self, part: Part) -> set[int]:
        return {process.pid for process in self._site.find(part)}


def _is_cut(connection: psycopg.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False
