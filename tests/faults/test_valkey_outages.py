"""Valkey down, slow, frozen, out of memory, unable to save, a replica, flushed, or holding old data.

Residents go on; boards come from PostgreSQL meanwhile, and from Valkey again by themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from backend.leaderboard import locks
from backend.outbox import PARTITIONS
from backend.redis import LIVE_BOARDS
from tests.faults import report
from tests.faults.outages import Fault, outages
from tests.faults.parts import Part
from tests.faults.promise import KINDS, Promise
from tests.faults.site import kill, until

LASTS_S = 3.0 if report.SHORT else 10.0
SILENT_S = 5.0 if report.SHORT else 15.0
NOTICED_S = 5.0 if report.SHORT else 10.0
"""Longer than the worker takes, whose queue was on the server that died, until it projects again."""
SEED = 11
SLOW, FROZEN, DEAF, CLOSED = "slow: 30 ms more each way", "frozen", "deaf", "gone"
FULL, UNSAVED, REPLICA = "out of memory", "cannot save (MISCONF)", "became a replica"
FLUSHED, OLD, EMPTY = "flushed", "old data after a restart", "restarted empty"
IN_SHORT = (FROZEN, CLOSED, FULL, FLUSHED, OLD)


@pytest.fixture
def site(behind_proxies):
    return behind_proxies()


def faults(site):
    # Nobody needs Valkey but the stand-in of WeChat, and it only for codes that were given out.
    valkey, silent = site.to_valkey, Promise(works=KINDS, longest_s=site.time_outs.without_redis_s)
    at_once = Promise(works=KINDS, longest_s=site.time_outs.at_once_s)
    filled = Promise(works=KINDS, longest_s=site.time_outs.filled_s)
    return [
        Fault(SLOW, lambda: valkey.slow(0.03), LASTS_S, silent),
        Fault(FROZEN, lambda: site.frozen(Part.VALKEY), SILENT_S, silent),
        Fault(DEAF, valkey.deaf, SILENT_S, silent),
        Fault(CLOSED, valkey.closed, SILENT_S, at_once),
        Fault(FULL, lambda: out_of_memory(site), LASTS_S, at_once),
        Fault(UNSAVED, lambda: unable_to_save(site), LASTS_S, at_once),
        Fault(REPLICA, lambda: a_replica(site), LASTS_S, at_once),
        Fault(FLUSHED, lambda: flushed(site), LASTS_S, filled),
        Fault(OLD, lambda: restarted_with_old_data(site), NOTICED_S, filled),
        Fault(EMPTY, lambda: restarted_empty(site), LASTS_S, filled),
    ]


def test_whatever_happens_to_valkey_residents_go_on_and_boards_come_back(site, shop, tmp_path):
    title = "Valkey under load"
    with outages(site, shop, folder=tmp_path / "diaries", seed=SEED, title=title, section="valkey") as run:
        for fault in faults(site):
            if fault.name in IN_SHORT or not report.SHORT:
                run.suffer(fault)
                until(
                    lambda: boards_are_filled(site, run.watcher),
                    seconds=60,
                    what=lambda: f"no board came back:\n{site.said()}",
                )


@contextmanager
def talking(site) -> Iterator[redis.Redis]:
    client = redis.from_url(site.redis_url, decode_responses=True)
    try:
        yield client
    finally:
        client.close()


def boards_are_filled(site, watcher):
    """Whether a board is read from Valkey again."""
    watcher.ask("board")
    behind = site.rows("SELECT FROM board_state WHERE behind")
    return not behind and any(name.startswith("points") for name in live(site, epoch_of(site)))


def epoch_of(site):
    """Of the boards that count."""
    return (*site.rows("SELECT epoch FROM board_state"), (0,))[0][0]


def live(site, epoch):
    """What Valkey has in this epoch: boards, and partitions with the last batch that it has seen."""
    with talking(site) as client:
        return dict(client.zrange(LIVE_BOARDS.format(epoch=epoch), 0, -1, withscores=True))


def marks(site, epoch):
    """Only the partitions."""
    return {name: batch for name, batch in live(site, epoch).items() if name.startswith("#")}


@contextmanager
def out_of_memory(site):
    """Less memory than it holds already."""
    with talking(site) as client:
        client.config_set("maxmemory", "100kb")
        yield
        client.config_set("maxmemory", "0")


@contextmanager
def unable_to_save(site):
    """It is told to save, may not write into its folder, and takes no more writes for that."""
    home = site.folder / "valkey"
    with talking(site) as client:
        client.config_set("save", "3600 1")
        home.chmod(0o500)
        client.bgsave()
        until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", seconds=20)
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            client.set("a", "b")
        yield
        home.chmod(0o700)
        client.bgsave()
        until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "ok", seconds=20)
        client.config_set("save", "")
    saved_dump(site).unlink()


@contextmanager
def a_replica(site):
    """Of a server that is not there: it shows what it has, and takes no writes."""
    with talking(site) as client:
        client.replicaof("127.0.0.1", "1")
        yield
        client.replicaof("NO", "ONE")


@contextmanager
def flushed(site):
    """All at once, by somebody's mistake."""
    with talking(site) as client:
        client.flushall()
    yield


@contextmanager
def restarted_with_old_data(site):
    """It has what it saved before the last batches. None came while it was away: the next one meets the old data."""
    with no_batch(site), talking(site) as client:
        client.save()
        epoch = epoch_of(site)
        saved = marks(site, epoch)
    until(lambda: marks(site, epoch) != saved, seconds=60, what=lambda: "no batch came after it had saved")
    with no_batch(site):
        restart(site)
        assert marks(site, epoch) == saved != {}
    saved_dump(site).unlink()
    yield
    until(lambda: epoch_of(site) != epoch, seconds=60, what=lambda: f"nobody noticed:\n{site.said()}")


@contextmanager
def no_batch(site):
    """The projectors are kept out, and wait."""
    with site.connect() as connection, connection.transaction(), connection.cursor() as cursor:
        for partition in range(PARTITIONS):
            locks.take_partition(cursor, partition)
        yield


@contextmanager
def restarted_empty(site):
    """It never saves."""
    assert not saved_dump(site).exists()
    restart(site)
    yield


def restart(site):
    """kill -9 and a start."""
    (server,) = site.find(Part.VALKEY)
    kill(server)
    server.wait(10)
    site.servers_up()
    with talking(site) as client:
        until(lambda: not client.info("persistence")["loading"], seconds=20)


def saved_dump(site):
    return site.folder / "valkey" / "dump.rdb"
