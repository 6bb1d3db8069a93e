"""Idempotency keys of residents."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from backend.database import prepared_statements
from backend.errors import UnauthenticatedError
from backend.residents.auth import Caller
from backend.residents.models import IdempotencyKey, Resident
from backend.web.idempotency import Request, answer_once, replayed, takes_key

View = TypeVar("View", bound=Callable[..., Any])
_STORED = """
SELECT r.token_epoch, k.request_hash, k.status, k.body
FROM residents r LEFT JOIN idempotency_keys k ON k.resident_id = r.resident_id AND k.key = %(key)s
WHERE r.resident_id = %(resident_id)s
"""


def in_database(*, body: str = "%(body)s::jsonb") -> str:
    """SQL that stores an answer: a part of a statement that has the resident in a relation `w`.

    `body`: SQL that gives it; else the parameter of that name, JSON as text.
    """
    return f"""
INSERT INTO idempotency_keys (resident_id, key, request_hash, status, body, created_at)
SELECT w.resident_id, %(key)s, %(request_hash)s, %(answer_status)s, {body}, %(now)s FROM w WHERE %(key)s <> ''
"""  # noqa: S608  the parts are ours


def first_answer(caller: Caller, request: Request) -> tuple[int, dict[str, Any]] | None:
    """Status and body of the first answer to a request; None where it has none.

    For what is refused before its effect is tried: it may have been right when it was first sent. Raises
    IdempotencyKeyReusedError, IdempotencyInFlightError, and UnauthenticatedError for an ended session.
    """
    if not request.key:
        return None
    with prepared_statements() as sql:
        row = sql.execute(_STORED, {"key": request.key, "resident_id": caller.resident_id}).fetchone()
    if row is None or row[0] != caller.epoch:
        raise UnauthenticatedError
    _, stored_hash, status, body = row
    return replayed(request, stored_hash=stored_hash, status=status, body=body)


def idempotent() -> Callable[[View], View]:
    """Answer a resident's repeated request with the first answer. Stands below `signed_in`, above the schemas."""

    def decorate(view: View) -> View:
        @wraps(view)
        def inner(*args: Any, resident: Resident, **kwargs: Any) -> Any:
            return answer_once(
                IdempotencyKey,
                {"resident_id": resident.resident_id},
                lambda: view(*args, resident=resident, **kwargs),
            )

        return takes_key()(inner)  # type: ignore[return-value]  # same call as the view

    return decorate
