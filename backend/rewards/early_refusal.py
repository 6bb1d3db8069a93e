"""Refusing a rush on a reward that is sold out, before it costs a transaction."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from backend import present
from backend.residents.auth import caller_by_token
from backend.rewards import sold_out
from backend.rewards.stocking import OutOfStockError
from backend.web.blueprint import UnreadableBodyError, read_json
from backend.web.idempotency import key_of_request

View = TypeVar("View", bound=Callable[..., Any])


def refused_early(view: View) -> View:
    """Refuse a redemption of what is known to be sold out.

    Whoever had some of it goes on: to the first answer, if the request is the same. Whatever else may be wrong with
    the request is for the view to say, once there is something to redeem.
    """

    @wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        reward_id = _reward_id()
        if reward_id is not None:
            resident_id = caller_by_token().resident_id
            takers = sold_out.takers(reward_id)
            if takers is not None and resident_id not in takers:
                key_of_request(required=True)
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
