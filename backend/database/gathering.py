"""Group commit: what is asked while others are being dealt with is dealt with together, next.

Who finds a leader wanted leads and is dealt with at once, so that nobody ever waits for company. Who comes while there
are leaders enough stands in line; when one is done, the first in line leads, and takes with it all who stand there.
Under load one round trip and one commit so serve many; without, everything is as if there were no line. Databases
write their logs so. Members of one owner are never dealt with by two leaders at once: they would only be in each
other's way.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar


class LineTimeoutError(TimeoutError):
    """Others took too long; what became of the member's wish is not known."""


class Member:
    """One who stands in line. A subclass says what is wanted, and keeps what came of it."""

    __slots__ = ("_bell", "done", "error", "owner", "part", "settled")

    def __init__(self, owner: int) -> None:
        self._bell = Lock()
        self._bell.acquire()
        self.owner = owner
        """Whose it is: of one owner's members all but the first wait, or go with it."""
        self.done = False
        self.settled = False
        """What came of it stands, whatever becomes of those that are dealt with after it: for `apart` to say."""
        self.error: BaseException | None = None
        """Why it could not be dealt with."""
        self.part: Sequence[Member] = ()
        """Members, itself among them, that it is to deal with apart from the others."""

    def ring(self) -> None:
        """Wake its thread."""
        self._bell.release()

    def wait(self, seconds: float) -> bool:
        """Sleep until it is rung for; False: not in time."""
        return self._bell.acquire(timeout=seconds)


M = TypeVar("M", bound=Member)


class Gathering(ABC, Generic[M]):
    """A line of members, and how they are dealt with: by up to `leaders` threads, up to `most` at once by each."""

    def __init__(self, *, most: int, leaders: int) -> None:
        self._most = most
        self._guard = Lock()
        self._line: list[M] = []
        self._wanted = leaders
        self._busy: set[int] = set()
        """Owners whose members are being dealt with."""

    @abstractmethod
    def together(self, members: Sequence[M]) -> Sequence[Sequence[M]]:
        """Deal with members at once, without waiting for anybody; gives those left, one owner's in each part.

        What it raises is every member's error.
        """

    @abstractmethod
    def apart(self, members: Sequence[M], *, late: Callable[[], Sequence[M]]) -> None:
        """Deal with one part, waiting for whoever is in its way.

        Each call of `late` gives members of the same owner who stand in line by then, if there is room for them. From
        then on they are of the part.
        """

    def through(self, member: M, *, seconds: float) -> None:
        """Return when the member has been dealt with; raises its error, or LineTimeoutError."""
        if not self._leads(member) and not member.wait(seconds):
            self._leave(member)
        if not member.part and not member.done:
            self._lead(member)
        if member.part:
            self._deal_apart(member)
        if member.error is not None:
            raise member.error

    def _leads(self, member: M) -> bool:
        with self._guard:
            if not self._wanted or member.owner in self._busy:
                self._line.append(member)
                return False
            self._wanted -= 1
            self._busy.add(member.owner)
        return True

    def _leave(self, member: M) -> None:
        with self._guard:
            # Rung for at the last moment: it may be the one to lead, and nobody else would.
            if member.wait(0):
                return
            if member in self._line:
                self._line.remove(member)
            member.done = True
        raise LineTimeoutError

    def _lead(self, leader: M) -> None:
        members = [leader, *self._followers(leader)]
        parts: Sequence[Sequence[M]] = ()
        try:
            parts = self.together(members)
        except BaseException as error:
            for member in members:
                member.error = error
            raise
        finally:
            with self._guard:
                self._wanted += 1
                self._dismiss(members, by=leader, parts=parts)
                self._call()

    def _followers(self, leader: M) -> list[M]:
        with self._guard:
            # Those of the leader's own owner too: they come after it.
            free = [member for member in self._line if member.owner not in self._busy or member.owner == leader.owner]
            followers = free[: self._most - 1]
            self._busy.update(member.owner for member in followers)
            self._line = [member for member in self._line if member not in followers]
        return followers

    def _dismiss(self, members: Sequence[M], *, by: M, parts: Sequence[Sequence[M]] = ()) -> None:
        left = {id(member) for part in parts for member in part}
        self._busy -= {member.owner for member in members} - {member.owner for part in parts for member in part}
        for member in members:
            # Who has lost patience has left.
            if id(member) not in left and not member.done:
                member.done = True
                if member is not by:
                    member.ring()
        for part in parts:
            self._entrust(part, by=by)

    def _entrust(self, part: Sequence[M], *, by: M) -> None:
        here = [member for member in part if not member.done]
        if not here:
            self._busy.discard(part[0].owner)
            return
        first = by if by in here else here[0]
        first.part = here
        if first is not by:
            first.ring()

    def _call(self) -> None:
        while self._wanted:
            first = next((member for member in self._line if member.owner not in self._busy), None)
            if first is None:
                return
            self._line.remove(first)
            self._wanted -= 1
            self._busy.add(first.owner)
            first.ring()

    def _deal_apart(self, first: M) -> None:
        members: list[M] = [*first.part]  # type: ignore[list-item]  # of the same line

        def late() -> Sequence[M]:
            with self._guard:
                came = [member for member in self._line if member.owner == first.owner][: self._most - len(members)]
                self._line = [member for member in self._line if member not in came]
            members.extend(came)
            return came

        try:
            self.apart(tuple(members), late=late)
        except BaseException as error:
            for member in members:
                if not member.settled:
                    member.error = member.error or error
            if not first.settled or not isinstance(error, Exception):
                raise
        finally:
            with self._guard:
                self._dismiss(members, by=first)
                self._call()
