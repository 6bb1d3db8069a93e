"""Every command to Redis touches keys of one hash slot only, so that it works in a Redis Cluster as well."""

from datetime import timedelta
from functools import wraps

import pytest
from redis import ResponseError
from redis.connection import AbstractConnection
from redis.crc import key_slot

from backend import clock, redis
from backend.config import Limit
from backend.database import transaction
from backend.leaderboard import settling, tending
from backend.projector import service as projector
from backend.rewards import sold_out
from backend.web.limits import Limiter
from tests.projections import Deeds, today

KEYLESS = {"HELLO", "CLIENT", "AUTH", "SELECT", "PING", "INFO", "SCRIPT", "FLUSHDB", "COMMAND", "CONFIG"}
PAST = 40


@pytest.fixture
def commands(app, monkeypatch):
    """Every command that is sent, also inside pipelines."""
    sent, send, pack = [], AbstractConnection.send_command, AbstractConnection.pack_commands

    @wraps(send)
    def one(self, *arguments, **kwargs):
        sent.append(arguments)
        return send(self, *arguments, **kwargs)

    @wraps(pack)
    def many(self, pipelined):
        sent.extend(pipelined)
        return pack(self, pipelined)

    monkeypatch.setattr(AbstractConnection, "send_command", one)
    monkeypatch.setattr(AbstractConnection, "pack_commands", many)
    return sent


def slots_of(command):
    """The hash slots of a command's keys, which Redis itself finds; none for one without keys."""
    words = [str(word) if isinstance(word, int | float) else word for word in command]
    if str(words[0]).split()[0].upper() in KEYLESS:
        return set()
    try:
        keys = redis.client().command_getkeys(*words)
    except ResponseError as error:
        if "no key arguments" not in str(error):
            raise
        return set()
    return {key_slot(key.encode() if isinstance(key, str) else key) for key in keys}


@pytest.mark.usefixtures("well_into_the_day")
def test_no_command_touches_keys_of_two_slots(app, settings, client, new_resident, headers, commands):
    people = [new_resident(f"r{number}", district_id=1) for number in range(3)]
    deeds = Deeds(settings)
    for days_ago in (0, PAST):
        for person in people:
            deeds.record(person, days_ago=days_ago)
        projector.drain()
        at = (today() - timedelta(days=days_ago)).isoformat()
        for metric in ("points", "co2e"):
            for scope in ("city", "district"):
                path = f"/api/v1/leaderboards/{metric}/day?scope={scope}&at={at}"
                assert client.get(path, headers=headers(people[0])).status_code == 200
    deeds.record(people[0], minute=60)
    projector.drain()
    with transaction():
        due = settling.due(today=today(), grace_days=3)
    for period in due:
        with transaction():
            settling.settle(period, now=clock.now())
    tending.tend()
    Limiter(Limit(1, 60)).hit("somebody")
    sold_out.remember(1)
    done = {str(command[0]).split()[0].upper() for command in commands}
    assert {"EVALSHA", "ZADD", "ZRANGE", "UNLINK", "ZREM", "INCRBY", "SET"} <= done
    spanning = [command for command in list(commands) if len(slots_of(command)) > 1]
    assert not spanning


def test_a_command_that_touches_two_slots_is_found(app):
    assert len(slots_of(("UNLINK", "one", "two"))) == 2
    assert len(slots_of(("UNLINK", "{one}:a", "{one}:b"))) == 1
    assert len(slots_of(("EVAL", "return 1", 2, "one", "two", "x"))) == 2
    assert slots_of(("PING",)) == set()
