"""How long whoever asks a site may wait, from the time-outs that it was started with.

The figures are those of the table in docs/operations.md; what is not a setting stands here once more, so that a
time-out that grows in the code is an answer that comes too late.
"""

from collections.abc import Mapping
from dataclasses import dataclass

STATEMENT_MS = 10_000
"""Unless DATABASE_TIMEOUT_MS says otherwise."""
CONNECTION_S = 5.0
LOCK_S = 5.0
SILENCE_S = 2.0
"""So much longer than a statement may take an answer is waited for."""
REDIS_S = 2.0
FILLING_S = 8.0
MARGIN_S = 3.0
"""For a machine of two cores that load, site and whoever watches share: what is refused at once may take as long."""


@dataclass(frozen=True)
class TimeOuts:
    """The longest waits of a site; `statement_s` is what it was started with."""

    statement_s: float

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "TimeOuts":
        """Those of a site that was started in this environment."""
        return cls(int(environment.get("DATABASE_TIMEOUT_MS") or STATEMENT_MS) / 1000)

    @property
    def at_once_s(self) -> float:
        """Nothing is waited for: only the margin."""
        return MARGIN_S

    @property
    def without_redis_s(self) -> float:
        """Redis is asked once, and does not answer."""
        return REDIS_S + MARGIN_S

    @property
    def filled_s(self) -> float:
        """A board that Redis has lost, while somebody else fills it."""
        return FILLING_S + MARGIN_S

    @property
    def locked_s(self) -> float:
        """A row or a table that somebody else holds."""
        return min(LOCK_S, self.statement_s) + MARGIN_S

    @property
    def locked_in_line_s(self) -> float:
        """The same for an award, which may first have stood in line behind others who waited for it."""
        return min(LOCK_S, self.statement_s) + self.locked_s

    @property
    def silent_s(self) -> float:
        """PostgreSQL says nothing: to whom is connected, or to whom would be."""
        return max(self.statement_s + SILENCE_S, CONNECTION_S) + MARGIN_S

    @property
    def worst_s(self) -> float:
        """All that can come together: the line of awards, a connection, and an answer that never comes."""
        return self.statement_s + CONNECTION_S + self.statement_s + SILENCE_S + MARGIN_S
