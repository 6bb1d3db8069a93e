"""What a process knows about rewards that are sold out: lets a rush be refused before it reaches PostgreSQL.

Redis holds a mark for SOLD_OUT_S, set by whoever has just read a committed stock of zero, and never over a guard. A
process that finds the mark looks at PostgreSQL: whether nothing is left, and who has taken what there was, for they
must get their first answer again. It goes by that for SEEN_S, so a crowd costs ten looks a second and process. The
takers are read anew only if the reward's row has changed, as it does with each piece that is taken.

Whoever returns stock to a reward of which nothing was left puts a guard in the mark's place, then waits for SEEN_S,
then commits. So when the stock is back nobody goes by what was seen before: it can be had at once, and no taker of it
is refused as if there had been none. Only where Redis did not hear of it, or the commit took longer than GUARD_S, may
others be refused for SEEN_S after it.
"""

import time
from collections.abc import Iterable, Set
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock

from backend import present, redis
from backend.database import prepared_statements
from backend.keeping import keep
from backend.rewards.rules import STATUSES
from backend.web import idempotency

SOLD_OUT_S = 2
SEEN_S = 0.1
"""For so long a process goes by what it saw."""
GUARD_S = 3
MOST_TAKERS = 50_000
"""Redemptions of one reward whose residents a process remembers, some 4 MB; with more, nobody is refused early."""
MOST_REWARDS = 16
"""Rewards of which it remembers so much at once."""
MARK, GUARD = "1", "0"
_LOOK = "SELECT stock, xmin::text || ctid::text FROM rewards WHERE id = %(reward_id)s"
# All of them, for the sake of the index. Twice the time for which answers are kept, for they are removed some while
# after it; by PostgreSQL's clock, so that it knows when it plans how few they are.
_TAKERS = f"""
SELECT resident_id FROM redemptions
WHERE status IN ({", ".join(f"'{status}'" for status in STATUSES)}) AND reward_id = %(reward_id)s
    AND redeemed_at > now() - interval '{2 * idempotency.KEPT.total_seconds()} seconds'
LIMIT %(most)s
"""  # noqa: S608  the parts are ours


@dataclass(frozen=True, slots=True)
class _Seen:
    """That nothing was left of a reward."""

    until: float
    """When it must be looked at again, by the monotonic clock."""
    row: str
    """Which version of the reward's row was seen: with another one the stock may have moved."""
    takers: Set[int] | None
    """Residents whose stored answer may be that they got some of it; None: too many."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What this process goes by, for each reward that was asked for while it was sold out."""

    seen: dict[int, _Seen] = field(default_factory=dict)
    looking: Lock = field(default_factory=Lock)


def takers(reward_id: int) -> Set[int] | None:
    """If nothing is left of a reward, residents who may have an answer from when there was: all others may be refused.

    None where it is not known to be sold out, or had by too many. Raises what PostgreSQL raises.
    """
    known, until = _known(), time.monotonic() + SEEN_S
    seen = _fresh(known, reward_id)
    if seen is None:
        if not _is_marked(reward_id):
            return None
        # One looks for all who are here at this moment.
        with known.looking:
            seen = _fresh(known, reward_id) or _look(reward_id, known.seen.get(reward_id), until=until)
            if seen is None:
                return None
            keep(known.seen, reward_id, seen, most=MOST_REWARDS)
    return seen.takers


def remember(reward_id: int) -> None:
    """The committed stock is zero: refuse early for a while."""
    with suppress(redis.RedisError), redis.reaching():
        redis.client().set(_key(reward_id), MARK, ex=SOLD_OUT_S, nx=True)


def forget(rewards: Iterable[int], *, nothing_was_left: bool) -> None:
    """That these are sold out: stock comes back with this transaction, which has their rows locked and commits next.

    So whether Redis answers again is for others to find out: it is told only if it is not known to be silent.
    """
    if not redis.silence().lasts:
        with suppress(redis.RedisError), redis.reaching():
            for reward_id in rewards:
                redis.client().set(_key(reward_id), GUARD, ex=GUARD_S)
    if nothing_was_left:
        time.sleep(SEEN_S)


def _is_marked(reward_id: int) -> bool:
    try:
        with redis.reaching():
            return bool(redis.ask("GET", _key(reward_id)) == MARK)
    except redis.RedisError:
        return False


def _fresh(known: _Known, reward_id: int) -> _Seen | None:
    seen = known.seen.get(reward_id)
    return seen if seen is not None and time.monotonic() < seen.until else None


def _look(reward_id: int, before: _Seen | None, *, until: float) -> _Seen | None:
    # In this order: who took a piece before the row was seen is among the takers; after it nobody can before `until`,
    # which counts from before the mark was found.
    with prepared_statements() as cursor:
        found = cursor.execute(_LOOK, {"reward_id": reward_id}).fetchone()
        if found is None or found[0] != 0:
            return None
        if before is not None and before.row == found[1]:
            return _Seen(until, before.row, before.takers)
        rows = cursor.execute(_TAKERS, {"reward_id": reward_id, "most": MOST_TAKERS + 1}).fetchall()
    return _Seen(until, found[1], {row[0] for row in rows} if len(rows) <= MOST_TAKERS else None)


def _key(reward_id: int) -> str:
    return redis.SOLD_OUT.format(reward_id=reward_id)


def _known() -> _Known:
    return present.made_once("sold_out", _Known)
