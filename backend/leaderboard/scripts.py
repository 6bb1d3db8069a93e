"""What runs inside Redis: each script is atomic and touches one key.

A board's sorted set holds a member `#` besides its residents: -1 says that the board is complete; any other negative
number that it is being filled, and is the token of who fills it. Without `#` there is no board. A resident whose value
fell to 0 stays with score 0: were the member removed, a filling that read PostgreSQL earlier would bring it back.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from backend import redis

READY = -1
STEP = 2_000
"""Words given to one ZADD: Lua's stack ends at 8,000."""

_ADD = """
local function add(text, ...)
    local words, n = {...}, select('#', ...)
    local first = n
    for word in string.gmatch(text, '%S+') do
        n = n + 1
        words[n] = word
        if n == first + STEP then
            redis.call('ZADD', KEYS[1], unpack(words, 1, n))
            n = first
        end
    end
    if n > first then redis.call('ZADD', KEYS[1], unpack(words, 1, n)) end
end
""".replace("STEP", str(STEP))


@dataclass(frozen=True)
class Script:
    """A Lua script, called by its hash."""

    source: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        # S324: Redis itself names scripts by SHA-1.
        object.__setattr__(self, "sha", hashlib.sha1(self.source.encode()).hexdigest())  # noqa: S324


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a script on one key."""

    script: Script
    key: str
    arguments: Sequence[str | bytes | int]


WRITE = Script(
    _ADD
    + """
    if not redis.call('ZSCORE', KEYS[1], '#') then return 0 end
    add(ARGV[1])
    return 1
    """
)
"""(`score member score member …`): set these, if the board exists."""

LEAVE = Script(
    _ADD
    + """
    local state = redis.call('ZSCORE', KEYS[1], '#')
    if not state then return 0 end
    if state == '-1' then add(ARGV[1], 'XX') else add(ARGV[1]) end
    return 1
    """
)
"""(`0 member 0 member …`): these do not belong to the board; one that is being filled must not take them in either."""

BEGIN = Script(
    """
    redis.call('DEL', KEYS[1])
    redis.call('ZADD', KEYS[1], ARGV[1], '#')
    redis.call('EXPIRE', KEYS[1], ARGV[2])
    return 1
    """
)
"""(token, seconds): begin to fill the board afresh."""

FILL = Script(
    _ADD
    + """
    if redis.call('ZSCORE', KEYS[1], '#') ~= ARGV[1] then return 0 end
    add(ARGV[2], 'NX')
    return 1
    """
)
"""(token, `score member …`): take these in unless the projector has written newer; 0: the filling was lost."""

FINISH = Script(
    """
    if redis.call('ZSCORE', KEYS[1], '#') ~= ARGV[1] then return 0 end
    redis.call('ZADD', KEYS[1], -1, '#')
    redis.call('EXPIRE', KEYS[1], ARGV[2])
    return 1
    """
)
"""(token, seconds): the board is complete."""

READ = Script(
    """
    local state = redis.call('ZSCORE', KEYS[1], '#')
    if state ~= '-1' then return state and 'filling' or 'missing' end
    local mine, rank = redis.call('ZSCORE', KEYS[1], ARGV[1]), -1
    if mine and tonumber(mine) > 0 then rank = redis.call('ZREVRANK', KEYS[1], ARGV[1]) end
    local size = redis.call('ZCOUNT', KEYS[1], 1, '+inf')
    local first, last = tonumber(ARGV[2]), tonumber(ARGV[3])
    if ARGV[4] == 'around' then first, last = math.max(0, rank + first), rank + last end
    if ARGV[4] == 'around' and rank < 0 then last = -1 end
    last = math.min(last, size - 1)
    local row = {}
    if first <= last then row = redis.call('ZREVRANGE', KEYS[1], first, last, 'WITHSCORES') end
    return table.concat({size, rank, mine or 0, first}, ' ') .. ' ' .. table.concat(row, ' ')
    """
)
"""(member, first, last, 'page' or 'around'): `size rank score first member score member score …`, or why not."""

COMPARE = Script(
    """
    local differing = {}
    for score, member in string.gmatch(ARGV[1], '(%S+) (%S+)') do
        local mine = redis.call('ZSCORE', KEYS[1], member)
        if not mine or tonumber(mine) ~= tonumber(score) then differing[#differing + 1] = member end
    end
    return table.concat(differing, ' ')
    """
)
"""(lines of `score member`): the members whose score is another."""

ADVANCE = Script(
    """
    local seen = redis.call('ZSCORE', KEYS[1], ARGV[1])
    local batch = tonumber(ARGV[2])
    if ARGV[3] ~= 'first' and (not seen or (-seen ~= batch and -seen ~= batch + 1)) then return 0 end
    redis.call('ZADD', KEYS[1], -(batch + 1), ARGV[1])
    redis.call('EXPIRE', KEYS[1], 604800)
    return 1
    """
)
"""(member of the partition, batch before this, 'first' or 'next'): take note of a batch; 0: Redis missed some."""


def run(call: Call) -> Any:
    """The answer of one script, which may be called again, in one round trip. Raises RedisError."""
    words = ("EVALSHA", call.script.sha, 1, call.key, *call.arguments)
    try:
        return redis.ask(*words)
    except redis.NoScriptError:
        redis.client().script_load(call.script.source)
        return redis.ask(*words)


def run_all(calls: Sequence[Call]) -> list[Any]:
    """The answers of many scripts in one round trip; all of them may be called again. Raises RedisError."""
    try:
        return _pipelined(calls)
    except redis.NoScriptError:
        for script in {call.script for call in calls}:
            redis.client().script_load(script.source)
        return _pipelined(calls)


def _pipelined(calls: Sequence[Call]) -> list[Any]:
    with redis.client().pipeline(transaction=False) as pipe:
        for call in calls:
            pipe.evalsha(call.script.sha, 1, call.key, *call.arguments)
        answers: list[Any] = pipe.execute()
    return answers
