"""What Redis knows about rewards that are sold out: lets a rush be refused before it reaches PostgreSQL.

The mark is only ever a reason to refuse, and only for SOLD_OUT_S: whoever is let through is judged by
PostgreSQL. It is set by whoever has just read a committed stock of zero, and never over a guard. Whoever
returns stock puts a guard in its place before committing: until the commit is through, a reader of the old
zero cannot mark the reward sold out again, so that what comes back can be had at once. A commit that takes
longer than GUARD_S, or a Redis that did not hear of it, costs a wrong refusal for SOLD_OUT_S at most.

A process that has seen the mark goes by it for SEEN_S more without asking: a crowd costs Redis ten questions a second
and process, not thousands.
"""

import time
from collections.abc import Callable
from typing import Any

from backend import metrics, present, redis

SOLD_OUT_S = 2
SEEN_S = 0.1
"""So much longer at most another process may refuse what has come back."""
GUARD_S = 3
PAUSE_S = 5
"""Seconds for which Redis is not asked again after it has failed."""
MARK, GUARD = "1", "0"
_PAUSED = "sold_out_paused_until"


def is_known(reward_id: int) -> bool:
    """Whether the reward was sold out a moment ago; False where Redis does not answer."""
    seen, now = _seen(), time.monotonic()
    if now < seen.get(reward_id, 0.0):
        return True
    known = bool(_ask(lambda: redis.ask("GET", _key(reward_id))) == MARK)
    if known:
        seen[reward_id] = now + SEEN_S
    return known


def remember(reward_id: int) -> None:
    """The committed stock is zero: refuse early for a while."""
    _ask(lambda: redis.client().set(_key(reward_id), MARK, ex=SOLD_OUT_S, nx=True))


def forget(reward_id: int) -> None:
    """Stock comes back with this transaction: refuse nobody early until it has been committed."""
    _seen().pop(reward_id, None)
    try:
        redis.client().set(_key(reward_id), GUARD, ex=GUARD_S)
    except redis.RedisError:
        metrics.REDIS_ERRORS.inc()


def _key(reward_id: int) -> str:
    return redis.SOLD_OUT.format(reward_id=reward_id)


def _seen() -> dict[int, float]:
    """Until when this process goes by a mark that it saw: an entry for each reward that was ever sold out."""
    return present.made_once("sold_out_seen_until", dict)


def _ask(question: Callable[[], Any]) -> Any:
    now = time.monotonic()
    if now < present.extensions().get(_PAUSED, 0.0):
        return None
    try:
        return question()
    except redis.RedisError:
        metrics.REDIS_ERRORS.inc()
        present.extensions()[_PAUSED] = now + PAUSE_S
        return None
