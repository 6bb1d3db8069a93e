"""The first to come starts the servers, the last to leave stops them, and kill -9 changes neither."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import kombu
import pytest

from backend import embedded
from backend.embedded import account, daemon, locks

ROOT = Path(__file__).parents[2]
BOTH = ("PostgreSQL", "Valkey")


def alive(folder):
    return [name for name in ("postgres", "valkey") if locks.is_held(folder / "locks" / name)]


def pid_of(server, folder):
    """The process id of `postgres` or `valkey`."""
    file = {"postgres": folder / "postgres" / "postmaster.pid", "valkey": folder / "run" / "valkey.pid"}[server]
    return int(file.read_text().split("\n", 1)[0])


def leave_a_socket(path):
    """What a killed server leaves: a socket at which nobody listens."""
    with socket.socket(socket.AF_UNIX) as forgotten:
        forgotten.bind(os.fspath(path))


def test_both_servers_answer_and_neither_listens_on_the_network(folder, ask, ping):
    servers = embedded.attach(folder)
    assert ask(servers, "SELECT current_database()") == "tanhui"
    assert ask(servers, "SHOW server_version").startswith("18.")
    assert ask(servers, "SHOW listen_addresses") == ""
    assert ping(servers)
    assert embedded.not_answering(folder) == ()


def test_celery_reaches_valkey(folder):
    servers = embedded.attach(folder)
    with kombu.Connection(embedded.celery_url(servers.redis_url)) as connection:
        queue = connection.SimpleQueue("letters")
        queue.put("hello")
        assert queue.get(timeout=5).payload == "hello"
        queue.close()


def test_the_application_may_make_a_database_but_is_no_superuser(folder, ask):
    servers = embedded.attach(folder)
    ask(servers, "CREATE DATABASE another")
    assert ask(servers, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


def test_the_last_to_leave_stops_the_servers(folder):
    embedded.attach(folder)
    assert alive(folder) == ["postgres", "valkey"]
    embedded.release(folder)
    assert alive(folder) == []
    assert embedded.not_answering(folder) == BOTH


def test_the_first_to_leave_does_not_stop_the_servers_of_the_other(folder, neighbour, ask, ping):
    servers = embedded.attach(folder)
    other = neighbour().attached()
    other.leave()
    assert ask(servers, "SELECT 1") == 1
    assert ping(servers)


def test_the_one_who_started_them_may_leave_first(folder, neighbour, ask):
    starter = neighbour().attached()
    servers = embedded.attach(folder)
    starter.leave()
    assert ask(servers, "SELECT 1") == 1
    embedded.release(folder)
    assert alive(folder) == []


def test_a_user_who_was_killed_keeps_nothing_running(folder, neighbour):
    embedded.attach(folder)
    neighbour().attached().kill()
    embedded.release(folder)
    assert alive(folder) == []


def test_the_servers_outlive_a_kill_of_the_process_that_started_them(folder, neighbour):
    neighbour().attached().kill()
    assert embedded.not_answering(folder) == ()


def test_two_who_come_at_once_to_an_empty_folder_share_one_cluster(folder, neighbour):
    first, second = neighbour(), neighbour()
    first.attached()
    second.attached()
    first.leave()
    assert embedded.not_answering(folder) == ()
    second.leave()
    assert alive(folder) == []


def test_a_forked_child_that_lives_on_does_not_keep_the_servers(folder):
    embedded.attach(folder)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)  # until the parent closes its end
        os._exit(0)
    embedded.release(folder)
    assert alive(folder) == []
    os.close(writing)
    os.close(reading)
    os.waitpid(child, 0)


def test_a_process_that_ends_leaves_by_itself(folder):
    code = f"import pathlib, backend.embedded as e; e.attach(pathlib.Path({str(folder)!r}))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert (folder / "postgres").is_dir()
    assert alive(folder) == []


def test_what_was_stored_is_there_after_a_stop_and_a_start(folder, ask):
    ask(embedded.attach(folder), "CREATE TABLE kept AS SELECT 7 AS seven")
    embedded.release(folder)
    assert ask(embedded.attach(folder), "SELECT seven FROM kept") == 7


@pytest.mark.parametrize("killed", [("postgres",), ("valkey",), ("postgres", "valkey")])
def test_killed_servers_come_back_at_the_same_place_with_what_was_committed(folder, ask, ping, killed):
    before = embedded.attach(folder)
    ask(before, "CREATE TABLE kept AS SELECT 7 AS seven")
    for server in killed:
        os.kill(pid_of(server, folder), signal.SIGKILL)
    while len(embedded.not_answering(folder)) < len(killed):
        pass  # a signal takes a moment to arrive
    assert embedded.attach(folder) == before
    assert ask(before, "SELECT seven FROM kept") == 7
    assert ping(before)


def test_stale_process_ids_and_sockets_are_dealt_with(folder, ask, ping):
    embedded.attach(folder)
    lines = (folder / "postgres" / "postmaster.pid").read_text().splitlines()
    embedded.release(folder)
    # The machine has given the old process ids to somebody else: to us.
    ours = f"{os.getpid()}\n"
    (folder / "postgres" / "postmaster.pid").write_text(ours + "\n".join(lines[1:]) + "\n")
    (folder / "run" / ".s.PGSQL.5432.lock").write_text(ours + "\n".join(lines[1:5]) + "\n")
    (folder / "run" / "valkey.pid").write_text(ours)
    for name in (".s.PGSQL.5432", "valkey.sock"):
        leave_a_socket(folder / "run" / name)
    servers = embedded.attach(folder)
    assert ask(servers, "SELECT 1") == 1
    assert ping(servers)


def test_a_server_at_which_too_many_queue_is_not_taken_for_dead(tmp_path):
    path = tmp_path / "busy.sock"
    with socket.socket(socket.AF_UNIX) as busy, ExitStack() as queue:
        busy.bind(os.fspath(path))
        busy.listen(1)
        is_full = False
        while not is_full:
            caller = queue.enter_context(socket.socket(socket.AF_UNIX))
            caller.settimeout(0.1)  # elsewhere than on Linux one waits
            is_full = caller.connect_ex(os.fspath(path)) != 0
        assert daemon.answers(SimpleNamespace(socket=path))
    assert not daemon.answers(SimpleNamespace(socket=path))


def test_a_server_whose_socket_was_removed_is_replaced(folder, ping, monkeypatch):
    monkeypatch.setattr("backend.embedded.daemon._DEAF_SECONDS", 0.2)
    servers = embedded.attach(folder)
    old = pid_of("valkey", folder)
    (folder / "run" / "valkey.sock").unlink()
    assert embedded.not_answering(folder) == ("Valkey",)
    embedded.attach(folder)
    assert ping(servers)
    assert pid_of("valkey", folder) != old


def test_a_start_killed_in_the_middle_of_initdb_is_begun_again(folder, neighbour, ask, monkeypatch):
    run = account.run

    def run_and_come_no_further(*args, **more):
        # However late it is killed: what it makes is never complete.
        run(*args, **more)
        signal.pause()

    with monkeypatch.context() as patched:
        patched.setattr(account, "run", run_and_come_no_further)
        starter = neighbour()
    while not list(folder.glob("postgres.new-*/PG_VERSION")):
        assert starter.process.is_alive()
    starter.kill()
    assert not (folder / "postgres").exists()
    servers = embedded.attach(folder)
    assert ask(servers, "SELECT 1") == 1
    assert list(folder.glob("postgres.new-*")) == []
