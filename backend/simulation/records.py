"""What the simulated city tells: residents, partner events and declarations, as plain records."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class SimulatedResident:
    """An invented resident; `subjects` gives the resident's id at each bound partner, by partner code."""

    number: int
    nickname: str
    district: str
    community: str
    subjects: dict[str, str]


@dataclass(frozen=True, slots=True)
class SimulatedEvent:
    """One row of a partner's feed; times are aware UTC, `quantity` is in the task's own unit."""

    external_id: str
    partner: str
    subject: str
    task: str
    started_at: datetime
    ended_at: datetime
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class SimulatedDeclaration:
    """What a resident records in person; `evidence` is photo or declaration.

    A declared ride has `started_at` and a `quantity` in metres and `occurred_at` as its end; other tasks
    count once and have neither.
    """

    resident_number: int
    task: str
    evidence: str
    occurred_at: datetime
    started_at: datetime | None
    quantity: Decimal | None
