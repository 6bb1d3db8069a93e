"""What a resident asks to have recorded, and what came of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend import outbox
from backend.actions.award_sql import BESIDES, Reads
from backend.actions.check_in import LONGEST_VALID_S
from backend.actions.claim import Claim
from backend.actions.judging import Judged
from backend.actions.loading import window
from backend.actions.standing import Standing
from backend.catalogue.service import Catalogue
from backend.config import Settings
from backend.database import text_array
from backend.database.gathering import Member
from backend.errors import UnauthenticatedError
from backend.ledger import posting
from backend.residents.auth import Caller
from backend.web.idempotency import Request, replayed

Render = Callable[[Sequence[Judged], Standing], dict[str, Any]]
"""Makes the answer that is stored under the idempotency key, in the same statement as the effect. It may be called in
another request's thread."""
Row = Sequence[Any]
Replay = tuple[int, dict[str, Any]]
Statement = tuple[str, Mapping[str, Any]]
"""SQL, and its values by name."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording came to: a judgement of now, or the stored answer to the same request of before."""

    judged: Sequence[Judged] = ()
    replay: Replay | None = None
    body: str | None = None
    """The answer as JSON, made once for the caller and for the store; None: the claim was refused."""


class Asked(Member, ABC):
    """Claims of a resident, as they were asked for. A subclass knows the statements that read and write for them."""

    __slots__ = ("caller", "claims", "now", "recorded", "render", "request", "settings")

    def __init__(
        self,
        claims: Sequence[Claim],
        *,
        caller: Caller,
        settings: Settings,
        now: datetime,
        request: Request,
        render: Render,
    ) -> None:
        super().__init__(caller.resident_id)
        self.claims = claims
        self.caller = caller
        self.settings = settings
        self.now = now
        self.request = request
        self.render = render
        self.recorded: Recorded | None = None

    @abstractmethod
    def reading(self, span: tuple[datetime, datetime]) -> Statement:
        """What reads all that the rules need, past actions of a `span` among it."""

    @abstractmethod
    def learn(self, row: Row, standing: Standing) -> None:
        """Take what a row of `reading` says beside wallet and past action into a standing."""

    @abstractmethod
    def is_answered(self, judged: Sequence[Judged]) -> bool:
        """Whether there is an answer to give and to keep; else the refusal is one."""

    @abstractmethod
    def writing(self, judged: Sequence[Judged], *, standing: Standing, body: str, version: int) -> Statement:
        """What writes all that they came to, and does nothing unless the wallet has this version."""

    def span(self, claims: Sequence[Claim], catalogue: Catalogue) -> tuple[datetime, datetime]:
        """From when to when past actions bear on these claims, its own or more; without any, no time at all."""
        return window(claims, catalogue, zone=self.settings.city_time_zone) if claims else (self.now, self.now)

    def answered(self, row: Row) -> Replay | None:
        """The stored answer, if a row of `reading` has one; raises UnauthenticatedError for ended sessions."""
        token_epoch, _revision, _points, _taken, _codes, key_hash, status, body = row[-BESIDES:]
        if token_epoch != self.caller.epoch:
            raise UnauthenticatedError
        return replayed(self.request, stored_hash=key_hash, status=status, body=body)

    def _reading(self, reads: Reads, values: Mapping[str, Any]) -> Statement:
        """The form of a read that these claims need, with its values."""
        codes = [claim.code for claim in self.claims if claim.code is not None]
        if not codes:
            return reads.plain, values
        # A code that is good now was shown no earlier than its longest validity ago, and is used for what was done
        # since then, but for the clock of a phone.
        since = self.now - timedelta(seconds=LONGEST_VALID_S + self.settings.future_skew_s)
        return reads.with_codes, {**values, "codes": text_array(codes), "codes_since": since}

    def _answer(self, status: int, body: str, *, version: int) -> dict[str, Any]:
        """Values of every writing: whose wallet in which version, when, and the answer to keep."""
        return {
            "resident_id": self.owner,
            "version": version,
            "now": self.now,
            "key": self.request.key,
            "request_hash": self.request.hash,
            "answer_status": status,
            "body": body if self.request.key else None,
        }

    def _posted(self, standing: Standing) -> dict[str, Any]:
        """Values of every writing of awards that follow from the resident and the moment."""
        return {
            "expires_on": posting.expiry_of(self.now, months=self.settings.points_valid_months),
            "district_id": standing.district_id,
            "partition": outbox.partition_of(self.owner),
        }
