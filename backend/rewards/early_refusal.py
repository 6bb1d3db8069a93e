"""Refusing a rush on a reward that is sold out, before it costs a transaction."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from backend import present
from backend.blueprint import UnreadableBodyError, read_json
from backend.idempotency import key_of_request
from backend.residents.auth import caller_by_token
from backend.residents.idempotency import was_answered
from backend.rewards import sold_out
from backend.rewards.stocking import OutOfStockError

View = TypeVar("View", bound=Callable[..., Any])


def refused_early(view: View) -> View:
    """Refuse a redemption of what Redis knows to be sold out. Stands above `signed_in`.

    A request that was answered before goes on to its first answer: one read by key tells. Whatever else may
    be wrong with the request is for the view to say, once there is something to redeem.
    """

    @wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        reward_id = _reward_id()
        if reward_id is not None and sold_out.is_known(reward_id) and not _answered_before():
            raise OutOfStockError(stock_left=0)
        return view(*args, **kwargs)

    return inner  # type: ignore[return-value]  # same call as the view


def _reward_id() -> int | None:
    try:
        body = read_json(present.request().get_data())
    except UnreadableBodyError:
        return None
    found = body.get("reward_id") if isinstance(body, dict) else None
    return found if isinstance(found, int) and 0 < found < 2**31 else None


def _answered_before() -> bool:
    key = key_of_request(required=True)
    return was_answered(caller_by_token().resident_id, key)
