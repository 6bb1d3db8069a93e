"""Idempotency keys of residents."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from backend.residents.models import IdempotencyKey, Resident
from backend.web.idempotency import answer_once, takes_key

View = TypeVar("View", bound=Callable[..., Any])


def in_database(*, body: str = "%(body)s::jsonb") -> str:
    """SQL that stores an answer: a part of a statement that has the resident in a relation `w`.

    `body`: SQL that gives it; else the parameter of that name, JSON as text.
    """
    return f"""
INSERT INTO idempotency_keys (resident_id, key, request_hash, status, body, created_at)
SELECT w.resident_id, %(key)s, %(request_hash)s, %(answer_status)s, {body}, %(now)s FROM w WHERE %(key)s <> ''
"""  # noqa: S608  the parts are ours


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
