"""What came of the requests that were asked while something was wrong."""

from collections import Counter
from dataclasses import dataclass, field
from math import inf
from typing import Any

from tests.faults.refusing import RETRY_S, refused_for
from tests.faults.site import Answer


@dataclass(frozen=True)
class Outcome:
    """A request that was answered well or refused properly, and when: seconds of the monotonic clock."""

    kind: str
    began: float
    ended: float
    refused: bool


@dataclass
class Seen:
    """All outcomes, and every answer that was neither good nor a proper refusal.

    The fault is in force from `since` to `until`; requests go on before and after.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    longest: dict[str, float] = field(default_factory=dict)
    """How long each kind waited for an answer, at most."""
    since: float = inf
    until: float = inf

    def note(self, kind: str, answer: Answer | Exception, *, began: float, ended: float) -> None:
        """Take note of one answer, or of why none came."""
        self.longest[kind] = max(self.longest.get(kind, 0.0), ended - began)
        if isinstance(answer, Exception):
            self.wrong.append(f"{kind}: {type(answer).__name__} after {ended - began:.1f} s")
            return
        refused = refused_for(answer.status, answer.headers, answer.body) == RETRY_S
        if answer.good or refused:
            self.outcomes.append(Outcome(kind, began, ended, refused))
        else:
            self.wrong.append(f"{kind}: {answer}")

    def in_force(self, kind: str) -> list[Outcome]:
        """Of this kind, asked and answered while the fault was in force."""
        return [
            one for one in self.outcomes if one.kind == kind and self.since <= one.began and one.ended <= self.until
        ]

    def row(self) -> dict[str, Any]:
        """For the table: kinds that worked every time, never, now and then."""
        asked = Counter(one.kind for one in self.outcomes)
        good = Counter(one.kind for one in self.outcomes if not one.refused)
        works = [kind for kind in sorted(asked) if good[kind] == asked[kind]]
        refuses = [kind for kind in sorted(asked) if not good[kind]]
        mixed = [kind for kind in sorted(asked) if 0 < good[kind] < asked[kind]]
        return {
            "works": ", ".join(works) or "–",
            "gets 503": ", ".join(refuses) or "–",
            "now and then": ", ".join(f"{kind} {good[kind]}/{asked[kind]}" for kind in mixed) or "–",
            "longest_s": round(max(self.longest.values(), default=0.0), 1),
        }
