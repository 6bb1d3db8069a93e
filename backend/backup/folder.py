"""The folder of backups: a dump appears in it complete, with all that belongs to it, or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backend.backup.errors import BackupError, unwritable
from backend.embedded import locks

_OURS_ALONE = 0o700
_STAMP = "%Y%m%dT%H%M%SZ"
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True, slots=True)
class Backup:
    """A dump and what lies beside it."""

    dump: Path

    @property
    def manifest(self) -> Path:
        """Checksum and description."""
        return self.dump.with_suffix(".json")

    @property
    def secrets(self) -> Path:
        """The generated secrets of a development site; absent where the operator keeps them."""
        return self.dump.with_suffix(".secrets")


@dataclass(frozen=True, slots=True)
class Draft:
    """Files that are not yet there: `publish` makes them all appear."""

    backup: Backup

    def path(self, final: Path) -> Path:
        """Where the file is written meanwhile."""
        return final.with_name(f"{_UNFINISHED}{final.name}")

    def write(self, final: Path, text: str) -> None:
        """Write one of the small files, readable by us alone."""
        descriptor = os.open(self.path(final), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)

    def publish(self) -> None:
        """Let the backup appear, for good: what lies beside the dump first, the dump last."""
        files = (self.backup.secrets, self.backup.manifest, self.backup.dump)
        written = [final for final in files if self.path(final).exists()]
        for final in written:
            _sync(self.path(final))
        for final in written:
            # Nobody can have made one meanwhile: we hold the folder.
            self.path(final).rename(final)
        _sync(self.backup.dump.parent)


@contextmanager
def draft(folder: Path, *, at: datetime) -> Iterator[Draft]:
    """A draft of the backup of this moment; without `publish` nothing of it stays. Raises BackupError."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=_OURS_ALONE)
        lock = locks.take_exclusive(folder / ".lock", seconds=0)
    except OSError as error:
        raise unwritable(folder, error) from error
    if lock is None:
        raise BackupError(f"Another backup is being written to {folder}: wait for it.")
    try:
        # Of a predecessor that was killed: nobody writes them any more.
        _remove_unfinished(folder)
        backup = Backup(folder / f"tanhui-{at.strftime(_STAMP)}.dump")
        if backup.dump.exists() or backup.manifest.exists():
            raise BackupError(f"{backup.dump} is there already and is never overwritten: try again in a second.")
        yield Draft(backup)
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        _remove_unfinished(folder)
        os.close(lock)


def keep_newest(folder: Path, *, count: int) -> list[Path]:
    """Remove all complete backups but the newest `count`; returns the dumps that went. Raises BackupError."""
    dumps = sorted(folder.glob("tanhui-*.dump"), reverse=True)[count:]
    try:
        for dump in dumps:
            backup = Backup(dump)
            for path in (backup.dump, backup.manifest, backup.secrets):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    return dumps


def _remove_unfinished(folder: Path) -> None:
    for left in folder.glob(f"{_UNFINISHED}*"):
        left.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
