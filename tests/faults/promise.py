"""What docs/faults.md promises of a fault, held against what was seen while it lasted."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.seen import Seen

KINDS = ("award", "redeem", "me", "wallet", "board", "totals", "sign in")
"""All that is asked, by its name in the table."""
KNOWN_S = {"board": 1.0}
"""So much longer a process answers by what it knows of boards (docs/adr/0014)."""


@dataclass(frozen=True)
class Promise:
    """Kinds of requests that go on working, kinds that are refused, and the longest that anybody waits.

    What works is never refused, but in the first `settles_s` seconds: then whoever's connection was cut learns of it.
    What is refused is refused each time as long as the fault is in force, boards after `KNOWN_S`. All other kinds may
    be either: whoever comes when there is a connection, or room, is served. Of them some are refused, and with
    `some_work` some are served.
    """

    longest_s: float
    works: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()
    settles_s: float = 0.0
    award_s: float = 0.0
    """The longest that an award waits, where that is more: it may stand in line first."""
    some_work: bool = False

    def broken(self, seen: Seen) -> Iterator[str]:
        """Every way in which it was not kept; a refusal that is none stands in `seen.wrong`."""
        for kind in self.works:
            yield from self._does_not_work(kind, seen)
        for kind in self.refuses:
            yield from _is_not_refused(kind, seen)
        yield from self._others(seen)
        for kind, took_s in seen.longest.items():
            most_s = max(self.longest_s, self.award_s) if kind == "award" else self.longest_s
            if took_s > most_s:
                yield f"{kind} took {took_s:.1f} s, longer than {most_s:.1f} s"

    def _does_not_work(self, kind: str, seen: Seen) -> Iterator[str]:
        ours = [one for one in seen.outcomes if one.kind == kind]
        settled = min((one.began for one in seen.outcomes), default=0.0) + self.settles_s
        refused = sum(one.refused and one.ended > settled for one in ours)
        if refused:
            yield f"{kind} was refused {refused} times of {len(ours)}"
        if all(one.refused for one in seen.in_force(kind)):
            yield f"{kind} was never answered well"

    def _others(self, seen: Seen) -> Iterator[str]:
        kinds = [kind for kind in KINDS if kind not in (*self.works, *self.refuses)]
        found = {one.refused for kind in kinds for one in seen.in_force(kind)}
        if kinds and True not in found:
            yield f"of {', '.join(kinds)} nothing was refused"
        if self.some_work and False not in found:
            yield f"of {', '.join(kinds)} nothing was answered well"


def _is_not_refused(kind: str, seen: Seen) -> Iterator[str]:
    ours = [one for one in seen.in_force(kind) if one.began >= seen.since + KNOWN_S.get(kind, 0.0)]
    good = sum(not one.refused for one in ours)
    if good:
        yield f"{kind} was answered well {good} times of {len(ours)}"
    if good == len(ours):
        yield f"{kind} was never refused"
