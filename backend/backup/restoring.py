"""Restoring a backup: into a fresh database, looked over there, and only then in the place of the site's own.

Whatever fails before that, and whatever is killed, leaves the site as it was. Only a kill in the moment between the
keys on the disk and the commit that swaps the databases leaves the new keys with the old one: restoring again mends it.
"""

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic.script import ScriptDirectory

from backend import clock, redis
from backend.backup import keys, manifest, overlooking, programs, since, swapping
from backend.backup.address import Address
from backend.backup.errors import BackupError, says_full
from backend.backup.folder import Backup
from backend.backup.manifest import Manifest
from backend.backup.progress import progress
from backend.backup.running import run
from backend.config import Settings
from backend.database import MIGRATIONS
from backend.embedded import locks

MOST_JOBS = 4
_FINISHED = "finished item "


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be restored, and what may be lost for it."""

    dump: Path
    replace: bool
    without_key: bool
    without_erasures: bool
    accept_differences: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done; `former`: under which name the database that was there before stays, if it held anything."""

    made_at: str
    seconds: float
    former: str | None


def restore(wanted: Wanted, settings: Settings) -> Restored:
    """Replace the site's database by a backup, with all migrations, its boards rebuilt and its books verified.

    Whoever has erased their account in the one that is replaced is erased in the new one too, and voucher codes that it
    has handed out are not handed out again.

    Raises BackupError; then everything is as it was.
    """
    began = time.monotonic()
    backup = Backup(wanted.dump)
    described = check(backup)
    chosen = keys.fitting(backup, described, settings, without_key=wanted.without_key)
    address = Address.of(settings.database_url)
    refuse_a_running_site(settings)
    _refuse_without_redis()
    with swapping.alone(address) as neighbour:
        swapping.refuse_while_used(neighbour, address)
        empty = swapping.is_empty(address)
        if not (empty or wanted.replace):
            raise BackupError(
                f"The database {address.database} holds something already, such as a site with people in it: with"
                " REPLACE=yes (--replace) the backup takes its place, and it stays under another name."
            )
        since_then = since.NOTHING if wanted.without_erasures else since.of_site(address)
        with _fresh(neighbour, address) as new:
            fill(backup, new, server=neighbour.info.server_version // 10_000)
            overlooking.look_over(
                new,
                settings,
                secret_key=chosen.secret_key,
                made_at=described.made_at,
                since_then=since_then,
                accept_differences=wanted.accept_differences,
            )
            stamp = clock.now().strftime(swapping.STAMP)
            former = swapping.swap(neighbour, address, new, stamp=stamp, along=lambda: keys.installed(chosen, settings))
        # Looked at again: whoever has begun to use it meanwhile wants it back.
        if empty := empty and swapping.is_empty(former):
            swapping.drop(neighbour, former)
    return Restored(described.made_at, time.monotonic() - began, None if empty else former.database)


def refuse_a_running_site(settings: Settings) -> None:
    """Raise BackupError while `make run` is at work on the data folder."""
    if locks.is_held(settings.tanhui_var.resolve() / "locks" / "supervisor"):
        raise BackupError(f"`make run` is at work on {settings.tanhui_var}: stop it first, then try again.")


def check(backup: Backup) -> Manifest:
    """The description of a dump that is whole and not from the future; raises BackupError."""
    if not backup.dump.is_file():
        raise BackupError(f"There is no {backup.dump}: name a file that `make backup` has written with BACKUP=…")
    described = Manifest.read(backup.manifest)
    size = backup.dump.stat().st_size
    with progress() as shown:
        task = shown.add_task("Checksum", total=size)
        found = manifest.checksum(backup.dump, tell=lambda read: shown.update(task, completed=read))
    if (size, found) != (described.bytes, described.sha256):
        raise BackupError(
            f"{backup.dump} is damaged or cut short ({size:,} of {described.bytes:,} bytes, checksum"
            f" {'right' if found == described.sha256 else 'wrong'}): take another copy of it. Nothing was changed."
        )
    scripts = ScriptDirectory(str(MIGRATIONS))
    if described.revision not in {script.revision for script in scripts.walk_revisions()}:
        raise BackupError(
            f"This backup is of a newer Tanhui (migration {described.revision}): install that version, then restore."
        )
    return described


def fill(backup: Backup, new: Address, *, server: int) -> None:
    """Load a dump into an empty database. Raises BackupError."""
    program = programs.restorer(server)
    argv = [str(program.path), "--exit-on-error", "--no-owner", "--no-privileges", "--schema=public", "--verbose"]
    # Of other schemas, and of extensions, the site needs none, and its role may not make them.
    argv += [f"--jobs={min(MOST_JOBS, os.cpu_count() or 1)}", f"--dbname={new.words}", str(backup.dump)]
    with progress() as shown:
        task = shown.add_task("Restoring", total=_items(program, backup, new))
        ended = run(argv, new, hear=lambda line: shown.advance(task) if _FINISHED in line else None)
    if ended.code:
        if says_full("\n".join(ended.said)):
            raise BackupError("The disk of the database server is full: make room on it. Nothing was changed.")
        raise BackupError(f"pg_restore gave up, and nothing was changed: {ended.reason}")
    with closing(new.connect()) as connection:
        connection.execute("ANALYZE")


def _items(program: programs.Program, backup: Backup, new: Address) -> int:
    listed: list[str] = []
    run([str(program.path), "--list", str(backup.dump)], new, hear=listed.append)
    return sum(1 for line in listed if line and not line.startswith(";"))


def _refuse_without_redis() -> None:
    try:
        redis.client().ping()
    except redis.RedisError as error:
        raise BackupError(
            f"{redis.told(error)}, and boards are to be filled there: mend that, then restore again."
        ) from error


@contextmanager
def _fresh(neighbour: swapping.Connection, address: Address) -> Iterator[Address]:
    new = swapping.fresh(neighbour, address)
    try:
        yield new
    except BaseException:
        swapping.drop(neighbour, new)
        raise
