"""kill -9, one part after the other and several at once, each until what depended on it works again."""

import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil
import psycopg

from tests.faults.parts import Part, lives
from tests.faults.probing import PATIENCE_S, Prober
from tests.faults.site import Site, kill, until

Back = Callable[[], None]
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


@dataclass(frozen=True)
class Struck:
    """How many processes a blow has killed, and the seconds from the last to the first good answer of all parts.

    A part may be down when its turn comes: those that a blow kills may be fewer than it was meant for.
    """

    kills: int
    seconds: float


def blows(chance: random.Random) -> Iterator[Blow]:
    """Every part in turn, in an order that changes, and now and then several at random; without end."""
    turn: list[Part] = []
    for count in itertools.count(1):
        if count % TOGETHER_EVERY == 0:
            yield Blow(tuple(chance.choices(list(Part), k=chance.choice((2, 3)))))
        else:
            turn = turn or chance.sample(list(Part), k=len(Part))
            yield Blow((turn.pop(),))


class Killer:
    """Strikes a site, and measures with a prober how it comes back."""

    def __init__(self, site: Site, *, prober: Prober, chance: random.Random) -> None:
        self._site = site
        self._prober = prober
        self._chance = chance

    def strike(self, blow: Blow) -> Struck:
        """Kill a process of each part, and wait until all is done again that depended on them.

        Raises AssertionError if it does not come back.
        """
        until(self._whole, seconds=PATIENCE_S, what=lambda: f"not whole:\n{self._site.said()}")
        kills, waiting = 0, []
        for part in blow.parts:
            victim, back = self._kill(part)
            kills += victim != 0
            waiting.append(back)
            began = time.monotonic()
            if len(blow.parts) > 1:
                time.sleep(self._chance.random() / 2)
        for back in waiting:
            back()
        return Struck(kills, time.monotonic() - began)

    def _whole(self) -> bool:
        return self._site.ready() and all(self._site.find(part) for part in Part)

    def _kill(self, part: Part) -> tuple[int, Back]:
        """Kill one process of the part; gives its id, 0 if the part was down, and what waits until all works."""
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

        return victim, back

    def _kill_backend(self) -> tuple[int, Back]:
        try:
            # PostgreSQL lets all go when one was killed: who is cut off knows that it has begun.
            witness = self._site.connect()
        except psycopg.OperationalError:
            return 0, self._prober.written
        victim = self._victim(Part.DATABASE_BACKEND)
        if not victim:
            witness.close()
            return 0, self._prober.written

        def back() -> None:
            with witness:
                until(lambda: _is_cut(witness), seconds=PATIENCE_S, what=lambda: "PostgreSQL went on")
            self._prober.written()

        return victim, back

    def _victim(self, part: Part) -> int:
        living = self._site.find(part)
        self._chance.shuffle(living)
        return kill_one_of(living)

    def _until_replaced(self, part: Part, *, victim: int, count: int) -> None:
        def replaced() -> bool:
            pids = self._pids(part)
            return victim not in pids and len(pids) >= max(count, 1)

        until(replaced, seconds=PATIENCE_S, what=lambda: f"{part} does not come back:\n{self._site.said()}")

    def _pids(self, part: Part) -> set[int]:
        return {process.pid for process in self._site.find(part)}


def kill_one_of(processes: list[psutil.Process]) -> int:
    """kill -9 the first that lives, and see it die; its process id, 0 where none lives."""
    return next((process.pid for process in processes if _killed(process)), 0)


def _killed(process: psutil.Process) -> bool:
    if not lives(process):
        return False
    try:
        kill(process)
    except psutil.NoSuchProcess:
        return False
    until(lambda: not lives(process), seconds=PATIENCE_S)
    return True


def _is_cut(connection: psycopg.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False
