"""Making a backup while the site runs: one snapshot, no request waits for it."""

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from backend import clock
from backend.backup import folder, manifest, programs
from backend.backup.address import Address
from backend.backup.errors import BackupError, disk_full, says_full
from backend.backup.manifest import Manifest
from backend.backup.progress import progress
from backend.backup.running import run
from backend.config import Settings

# gzip, which every build of every version has. Level 6 takes three times the processor time for a fifth less.
COMPRESSION = "1"
LOCK_WAIT = "60s"
"""A migration at work holds its tables: waiting for ever would queue every request behind us."""

_TABLES = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), pg_table_size(c.oid) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind = 'r'
"""
_REVISION = "SELECT version_num FROM alembic_version"
_PREPARED = "SELECT to_regclass('public.alembic_version') IS NOT NULL"
_SAYS_TABLE = "dumping contents of table "


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made."""

    dump: Path
    bytes: int
    seconds: float
    removed: list[Path]


@dataclass(frozen=True, slots=True)
class _Site:
    """What must be known of the database beforehand."""

    server: int
    revision: str
    tables: dict[str, int]


def make(address: Address, into: Path, *, settings: Settings, secrets: str | None, keep: int | None) -> Made:
    """Write a backup of the database into a folder; it appears there complete or not at all.

    `secrets` goes into a file beside it. With `keep` only so many are left afterwards, this one included. Raises
    BackupError.
    """
    began, at = time.monotonic(), clock.now()
    site = _look_at(address)
    program = programs.dumper(site.server)
    with folder.draft(into, at=at) as draft:
        written = draft.path(draft.backup.dump)
        _dump(program.path, address, site, written)
        described = Manifest(
            made_at=clock.rfc3339(at),
            bytes=written.stat().st_size,
            sha256=manifest.checksum(written),
            server=site.server,
            revision=site.revision,
            key_id=manifest.key_id(settings.secret_key),
            former_key_ids=[manifest.key_id(key) for key in settings.secret_key_fallbacks],
        )
        draft.write(draft.backup.manifest, described.text())
        if secrets is not None:
            draft.write(draft.backup.secrets, secrets)
        draft.publish()
        removed = [] if keep is None else folder.keep_newest(into, count=keep)
    return Made(draft.backup.dump, described.bytes, time.monotonic() - began, removed)


def _look_at(address: Address) -> _Site:
    with closing(address.connect()) as connection:
        prepared = connection.execute(_PREPARED).fetchone()
        revision = connection.execute(_REVISION).fetchone() if prepared and prepared[0] else None
        if revision is None:
            raise BackupError(f"The database {address.database} holds no site yet: there is nothing to back up.")
        tables: dict[str, int] = dict(connection.execute(_TABLES).fetchall())
        return _Site(connection.info.server_version // 10_000, revision[0], tables)


def _dump(program: Path, address: Address, site: _Site, into: Path) -> None:
    argv = [str(program), "--format=custom", f"--compress={COMPRESSION}", f"--lock-wait-timeout={LOCK_WAIT}"]
    argv += ["--verbose", f"--file={into}", f"--dbname={address.words}"]
    into.touch(mode=0o600, exist_ok=False)
    with progress() as shown:
        task = shown.add_task("Backup", total=sum(site.tables.values()), file=into)
        begun: list[str] = []

        def hear(line: str) -> None:
            _, _, table = line.partition(_SAYS_TABLE)
            if table:
                done = sum(site.tables.get(one, 0) for one in begun)
                begun.append(table.strip('"'))
                shown.update(task, completed=done, description=f"Backup of {begun[-1]}")

        ended = run(argv, address, hear=hear)
    if ended.code:
        if says_full("\n".join(ended.said)):
            raise disk_full(into.parent)
        raise BackupError(f"pg_dump gave up, and nothing was kept: {ended.reason}")
