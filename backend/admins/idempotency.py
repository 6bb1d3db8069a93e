"""Idempotency keys of admins."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from backend.admins.models import Admin, AdminIdempotencyKey
from backend.web.idempotency import answer_once, takes_key

View = TypeVar("View", bound=Callable[..., Any])


def idempotent(*, sealed: bool = False) -> Callable[[View], View]:
    """Answer an admin's repeated request with the first answer. Stands below `admin`, above the schemas.

    `sealed`: the answer holds a secret and is kept encrypted.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def inner(*args: Any, admin: Admin, **kwargs: Any) -> Any:
            return answer_once(
                AdminIdempotencyKey,
                {"admin_id": admin.id},
                lambda: view(*args, admin=admin, **kwargs),
                sealed=sealed,
            )

        return takes_key()(inner)  # type: ignore[return-value]  # same call as the view

    return decorate
