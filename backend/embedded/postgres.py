"""The embedded PostgreSQL 18: one cluster, a role and a database named `tanhui`, reached by a socket only."""

import os
import secrets
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from . import account, binaries, locks
from .daemon import Daemon
from .errors import EmbeddedError
from .folder import DataFolder, disk_full

_PORT = 5432  # only a part of the socket's name
_STATUS_LINE = 7  # of postmaster.pid, counted from 0: LOCK_FILE_LINE_PM_STATUS in PostgreSQL's miscadmin.h
_ORPHAN_SECONDS = 30.0

# For 2 cores and 4 GB shared with the application.
_SETTINGS = {
    "port": str(_PORT),
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    # The builds that we start know only pglz, which costs more of the processor than it spares the disk.
    "wal_compression": "off",
    "synchronous_commit": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "autovacuum": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
# What a power cut may cost does not matter to a test. What a kill -9 may cost does: synchronous_commit stays
# on, which without fsync is one write to the system's cache.
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}

# The application's role is no superuser: it cannot leave the database, and works on a hosted server too.
_FIRST_STATEMENTS = """\
CREATE ROLE tanhui LOGIN CREATEDB
CREATE DATABASE tanhui OWNER tanhui
"""


def daemon(folder: DataFolder, *, sockets: Path) -> Daemon:
    """The PostgreSQL server of `folder`, its socket in `sockets`; its data may not exist yet."""
    home = _home(folder.path)
    settings = _SETTINGS | _durability(os.environ) | {"unix_socket_directories": str(sockets)}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    pid_file = home / "postmaster.pid"
    return Daemon(
        name="PostgreSQL",
        argv=(str(binaries.postgres("postgres")), "-D", str(home), *options),
        home=home,
        socket=sockets / f".s.PGSQL.{_PORT}",
        pid_file=pid_file,
        lock=folder.lock("postgres"),
        log=folder.logs / "postgres.log",
        stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
        ready=lambda: _says_ready(pid_file),
        account=folder.account,
    )


def url(sockets: Path) -> str:
    """The SQLAlchemy URL of the database whose socket lies in `sockets`."""
    return f"postgresql+psycopg://tanhui@/tanhui?host={quote(str(sockets))}"


def is_initialised(folder: Path) -> bool:
    """Whether the data folder `folder` holds a cluster."""
    return _home(folder).exists()


def initialise(folder: DataFolder) -> None:
    """Make the cluster unless it is there; raises EmbeddedError if that fails.

    It is made aside and renamed into place when complete, so that one half made is never taken for one.
    """
    home = _home(folder.path)
    if home.exists():
        return
    # A predecessor that was killed may have left its initdb at work, which holds the lock as well.
    lock = locks.take_exclusive(folder.lock("postgres"), seconds=_ORPHAN_SECONDS)
    if lock is None:
        raise EmbeddedError(f"A former start still works in {folder.path}: wait for it, then start again.")
    try:
        for half_made in folder.path.glob("postgres.new-*"):
            shutil.rmtree(half_made)
        aside = folder.server_folder(f"postgres.new-{secrets.token_hex(4)}")
        for argv, text in _making(aside):
            _run(folder, argv, aside=aside, text=text, lock=lock)
        aside.rename(home)
        _sync(folder.path)
    finally:
        os.close(lock)


def _home(folder: Path) -> Path:
    return folder / "postgres"


def _making(aside: Path) -> tuple[tuple[list[str], str], ...]:
    """The two programs that make a cluster, each with what it reads."""
    initdb = [str(binaries.postgres("initdb")), "-D", str(aside), "-U", "postgres", "--no-instructions"]
    # Sorting by code point in PostgreSQL's own hands: an upgrade of the system's C library breaks no index.
    initdb += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # The socket's folder is closed to everybody else, so who gets there is trusted.
    initdb += ["--auth-local=trust", "--auth-host=scram-sha-256"]
    if _durability(os.environ):
        initdb.append("--no-sync")
    single = [str(binaries.postgres("postgres")), "--single", "-D", str(aside), "-c", "log_checkpoints=off"]
    return (initdb, ""), ([*single, "postgres"], _FIRST_STATEMENTS)


def _run(folder: DataFolder, argv: list[str], *, aside: Path, text: str, lock: int) -> None:
    done = account.run(folder.account, argv, folder=aside, text=text, keep=lock)
    if "No space left on device" in done.stdout:
        raise disk_full(folder.path)
    if done.returncode != 0 or "ERROR:" in done.stdout:
        log = folder.logs / "initdb.log"
        log.write_text(done.stdout, encoding="utf-8")
        said = done.stdout.strip().rsplit("\n", 1)[-1]
        raise EmbeddedError(
            f"PostgreSQL could not make its data: put right what {log} says ({said}), then start again."
        )


def _durability(environment: Mapping[str, str]) -> dict[str, str]:
    return _NOT_DURABLE if environment.get("TANHUI_DURABILITY") == "off" else {}


def _says_ready(pid_file: Path) -> bool:
    try:
        lines = pid_file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
